"""The numbers of a run in columns, without the texts: what a comparison of two large runs reads."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.columns import Columns
from pytest_genaiops.records import Statistics
from pytest_genaiops.store.read import Store, unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The cases of a suite, by position."""

    positions: Sequence[int]
    digests: Sequence[bytes]
    """Of what the row says; equal where the rows are."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """What was measured under one metric, by case and trial; unscored responses are not among them."""

    places: Sequence[tuple[int, int]]
    """(position of the case, trial)."""
    statistics: Columns
    mean: Sequence[float] | None
    """The statistics themselves, where each is one number."""

    def each(self) -> Sequence[Statistics]:
        """The statistics row by row, as metrics take them."""
        found = self.statistics
        return list(zip(*found.columns, strict=True)) if found.mappings is None else found.mappings


class Numbers(Store):
    """A :class:`Store` that reads many rows at once."""

    def keys(self, suite: int) -> Keys:
        """The cases of a suite, without what they say."""
        rows = self._all("SELECT position, content FROM cases WHERE suite = ? ORDER BY position", suite)
        return Keys(positions=[row[0] for row in rows], digests=[row[1] for row in rows])

    def rows_of_data(self, suite: int) -> Mapping[int, str]:
        """Position of a case -> what its row says, as JSON, wherever in a file it stands."""
        sql = (
            "SELECT position, json_remove(text, '$.source') FROM cases "
            "JOIN contents ON digest = content WHERE suite = ?"
        )
        return dict(self._all(sql, suite))

    def named(self, suite: int) -> Mapping[int, tuple[str, str | None]]:
        """Position of a case -> its id and its cluster; of one whose text was removed ``removed-<position>``."""
        sql = (
            # Of several paths SQLite makes a JSON list, in which every text is as it was written.
            "SELECT position, json_extract(text, '$.id', '$.cluster') FROM cases "
            "LEFT JOIN contents ON digest = content WHERE suite = ?"
        )
        found = ((position, json.loads(told or "[null, null]")) for position, told in self._all(sql, suite))
        return {position: (name or f"removed-{position}", cluster) for position, (name, cluster) in found}

    def rows(self, metric: int) -> Rows:
        """The measurements of a metric that have statistics."""
        found = self._all(
            "SELECT position, trial, statistics FROM measurements WHERE metric = ? ORDER BY position, trial", metric
        )
        places = [(position, trial) for position, trial, _ in found]
        values = [row[2] for row in found]
        if all(value.__class__ is float for value in values):
            column = array("d", values)
            return Rows(places=places, statistics=_columns([column]), mean=column)
        if all(value.__class__ is bytes for value in values) and len({len(value) for value in values}) == 1:
            flat = array("d")
            flat.frombytes(b"".join(values))
            width = len(values[0]) // flat.itemsize
            return Rows(places=places, statistics=_columns([flat[i::width] for i in range(width)]), mean=None)
        return Rows(places=places, statistics=Columns(map(unpacked, values)), mean=None)

    def answers(self, variant: int) -> Sequence[tuple[int, int, bytes]]:
        """(position of the case, trial, digest) of a variant's responses: equal digests are equal responses."""
        return self._all(
            "SELECT position, trial, response FROM trials WHERE variant = ? ORDER BY position, trial", variant
        )

    def outcomes(self, variant: int) -> Mapping[str, str]:
        """Node id of an item -> what became of it."""
        return dict(self._all("SELECT test, outcome FROM items WHERE variant = ?", variant))


def _columns(columns: Sequence[Any]) -> Columns:
    """Columns of numbers as they are, without looking at each row."""
    found = Columns()
    found.columns, found._length = list(columns), len(columns[0])
    return found
