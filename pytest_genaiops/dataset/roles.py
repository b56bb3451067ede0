"""A manifest's columns: rows as a file has them to rows under the names that the schema reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_genaiops.dataset.manifest import Manifest
from pytest_genaiops.dataset.readers import Row, Rows
from pytest_genaiops.dataset.readers.columns import RESPONSE
from pytest_genaiops.dataset.readers.table import TableRow, read_cell
from pytest_genaiops.dataset.schema import SLICE, refuse, word
from pytest_genaiops.dataset.text import listed, near, quoted

MOST_SPLITS = 50
"""A column with more values than this does not name splits."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of rows that have the same columns."""

    names: tuple[tuple[str, str], ...]
    """(new name, column), in the order of the columns."""
    slices: tuple[tuple[str, str], ...]
    systems: tuple[tuple[str, str], ...]


class Roles:
    """Renames the columns of one pass over a file, and picks the rows of one split."""

    def __init__(self, manifest: Manifest, split: str, shown: str) -> None:
        self._manifest = manifest
        self._split = split
        self._shown = shown
        self._seen: dict[str, None] = {}
        self._plans: dict[tuple[Any, ...], _Plan] = {}

    def rows(self, rows: Rows) -> Rows:
        """The rows of the split, under their new names.

        Raises DatasetError, at the end, for a column of the manifest that no row has, and for a split without rows.
        """
        splits: set[str] = set()
        for line, source, row in rows:
            # What is no row is the schema's to refuse.
            if isinstance(row, Mapping):
                name = self._split_of(row, source)
                if name != self._split and name.strip().casefold() == self._split.casefold():
                    what = f"the split {quoted(name)} differs from {quoted(self._split)} only by"
                    refuse(source, f"{what} spaces or upper and lower case; write it in one way in every row")
                if len(splits) < MOST_SPLITS:
                    splits.add(name)
                if name == self._split:
                    yield line, source, self._renamed(row, source)
            else:
                yield line, source, row
        if splits and self._split not in splits and self._manifest.split_column:
            no_split(self._manifest, self._split, sorted(splits - {""}))
        for column, at in _wanted(self._manifest).items():
            if self._seen and column not in self._seen:
                self._missing(column, at, tuple(self._seen))

    def splits(self, rows: Rows) -> tuple[str, ...]:
        """The splits that a column names, at most one more than ``MOST_SPLITS``; rows without a value are in none."""
        found: dict[str, None] = {}
        for _, source, row in rows:
            if isinstance(row, Mapping) and (name := self._split_of(row, source)):
                found[name] = None
                if len(found) > MOST_SPLITS:
                    break
        return tuple(found)

    def _split_of(self, row: Row, source: str) -> str:
        column = self._manifest.split_column
        if not column:
            return self._split
        if column not in row:
            self._missing(column, ("splits",), tuple(row), source)
        return word(row[column], column, source) or ""

    def _missing(self, column: str, at: tuple[str, ...], names: tuple[str, ...], source: str = "") -> NoReturn:
        hint = near(column, [name for name in names if isinstance(name, str)])
        what = f"the column {quoted(column)} is not in {source or self._shown}{hint}"
        self._manifest.refuse(f"{what}; its columns are {listed(names)}", *at)

    def _renamed(self, row: Row, source: str) -> dict[str, Any]:
        names = tuple(row)
        plan = self._plans.get(names)
        if plan is None:
            plan = self._plans[names] = self._plan(names, source)
        read: Callable[[str, Any, str], Any] = read_cell if isinstance(row, TableRow) else _as_it_is
        found = {
            name: row[column] if name == column else read(name, row[column], source) for name, column in plan.names
        }
        for tag, column in plan.slices:
            found[SLICE + tag] = row[column]
        if plan.systems:
            found["responses"] = {system: read(RESPONSE, row[column], source) for system, column in plan.systems}
        return found

    def _plan(self, names: tuple[Any, ...], source: str) -> _Plan:
        manifest = self._manifest
        self._seen.update(dict.fromkeys(names))
        if "id" in manifest.columns and manifest.columns["id"] not in names:
            self._missing(manifest.columns["id"], ("columns", "id"), names, source)
        targets: dict[Any, list[str]] = {column: [] for column in manifest.systems.values()}
        if manifest.split_column:
            targets[manifest.split_column] = []
        for name, column in manifest.columns.items():
            targets.setdefault(column, []).append(name)
        new: dict[str, str] = {}
        for column in names:
            for name in targets.get(column, (column,)):
                if name in new:
                    self._twice(name, manifest.columns[name], source, "columns", name)
                new[name] = column
        slices = tuple((tag, column) for tag, column in manifest.slices.items() if column in names)
        for tag, column in slices:
            if SLICE + tag in new:
                self._twice(SLICE + tag, column, source, "slices", tag)
        systems = tuple((system, column) for system, column in manifest.systems.items() if column in names)
        if systems and "responses" in new:
            self._twice("responses", systems[0][1], source, "columns", "responses")
        return _Plan(names=tuple(new.items()), slices=slices, systems=systems)

    def _twice(self, name: str, column: str, source: str, *at: str) -> NoReturn:
        what = f"{source} has a column {quoted(name)} already, beside {quoted(column)} that is to be it"
        self._manifest.refuse(f"{what}; give one of them another name under columns:", *at)


def _as_it_is(_: str, value: Any, __: str) -> Any:
    return value


def _wanted(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """Every column that the manifest names, with the place where it does."""
    wanted: dict[str, tuple[str, ...]] = {column: ("columns", name) for name, column in manifest.columns.items()}
    wanted |= {column: ("columns", "responses", system) for system, column in manifest.systems.items()}
    return wanted | {column: ("slices", tag) for tag, column in manifest.slices.items()}


def no_split(manifest: Manifest, split: str, names: Sequence[str]) -> NoReturn:
    """Raise DatasetError about a split that is not there."""
    manifest.refuse(f"no split is called {quoted(split)}{near(split, names)}; the splits are {listed(names)}", "splits")
