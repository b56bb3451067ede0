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

    positions: Sequence[int]
    """Of the case, one a row."""
    trials: Sequence[int]
    recorded: Sequence[float | bytes | str]
    """The statistics as they stand in the file; where two of them are the same, the statistics are."""
    statistics: Columns
    mean: Sequence[float] | None
    """The statistics themselves, where each is one number."""

    def each(self, rows: Sequence[int]) -> Sequence[Statistics]:
        """The statistics of some rows one by one, as metrics take them."""
        found = self.statistics.take(rows)
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
        sql = "SELECT statistics FROM measurements WHERE metric = ? ORDER BY position, trial"
        values = [value for (value,) in self._all(sql, metric)]
        places = self._grid(metric, len(values))
        if places is None:
            sql = "SELECT position, trial, statistics FROM measurements WHERE metric = ? ORDER BY position, trial"
            found = self._all(sql, metric)
            places, values = ([row[0] for row in found], [row[1] for row in found]), [row[2] for row in found]
        statistics, mean = _in_columns(values)
        return Rows(positions=places[0], trials=places[1], recorded=values, statistics=statistics, mean=mean)

    def _grid(self, metric: int, size: int) -> tuple[Sequence[int], Sequence[int]] | None:
        """Positions and trials of a metric's ``size`` rows where every trial of every case is there, as nearly always.

        No place is there twice: where there are as many rows as places between the first and the last, they are
        these, and need not be read. None where places are missing, or rows were written meanwhile.
        """
        sql = "SELECT count(*), min(position), max(position), min(trial), max(trial) FROM measurements WHERE metric = ?"
        number, *ends = self._all(sql, metric)[0]
        if number != size or not all(isinstance(end, int) for end in ends):
            return None
        cases, trials = range(ends[0], ends[1] + 1), range(ends[2], ends[3] + 1)
        # Products, not lengths: a spoilt file may name places that no range has a length for.
        if size != (ends[1] - ends[0] + 1) * (ends[3] - ends[2] + 1):
            return None
        if len(trials) == 1:
            return cases, [ends[2]] * size
        return [case for case in cases for _ in trials], [*trials] * len(cases)

    def answers(self, variant: int) -> Sequence[tuple[int, int, bytes]]:
        """(position of the case, trial, digest) of a variant's responses: equal digests are equal responses."""
        return self._all(
            "SELECT position, trial, response FROM trials WHERE variant = ? ORDER BY position, trial", variant
        )

    def outcomes(self, variant: int) -> Mapping[str, str]:
        """Node id of an item -> what became of it."""
        return dict(self._all("SELECT test, outcome FROM items WHERE variant = ?", variant))


def _in_columns(values: Sequence[Any]) -> tuple[Columns, Sequence[float] | None]:
    """Recorded statistics as columns; and as they are, where each is one number."""
    kinds = set(map(type, values))
    if kinds <= {float}:
        column = array("d", values)
        return _columns([column]), column
    if kinds == {bytes} and values[0] and len(set(map(len, values))) == 1:
        flat = array("d")
        flat.frombytes(b"".join(values))
        width = len(values[0]) // flat.itemsize
        return _columns([flat[i::width] for i in range(width)]), None
    return Columns(map(unpacked, values)), None


def _columns(columns: Sequence[Any]) -> Columns:
    """Columns of numbers as they are, without looking at each row."""
    found = Columns()
    found.columns, found._length = list(columns), len(columns[0])
    return found
