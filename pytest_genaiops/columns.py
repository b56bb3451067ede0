"""Statistics of many responses in a few bytes a number, exactly as they were given."""

from __future__ import annotations

import math
import operator
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Statistics
from pytest_genaiops.sequences import Lazy

Total = tuple[float, ...] | Mapping[Hashable, float]

_WHOLE = "Hiq"
"""Type codes for whole numbers, narrow to wide: counts of n-grams fit into two bytes."""

_DISTINCT = 10_000
"""Different mappings that are looked out for: where all rows differ, knowing them would cost more than it saves."""


class Columns(Lazy[Statistics]):
    """The statistics of responses in a row: one column a number, or equal mappings kept once.

    A row may be left blank (None), which adds nothing to a sum. Whole numbers stay whole, of any
    size; a column that holds both kinds of number, or another one, is a list of what was given.
    """

    __slots__ = ("_equal", "_length", "columns", "mappings")

    def __init__(self, rows: Iterable[Statistics | None] = ()) -> None:
        self.columns: list[Any] = []
        """One array (or list) a number, where rows are tuples."""
        self.mappings: list[Mapping[Hashable, float]] | None = None
        """The rows themselves, where they are mappings."""
        self._equal: dict[frozenset[Hashable], Mapping[Hashable, float]] = {}
        self._length = 0
        for row in rows:
            self.append(row)

    def append(self, row: Statistics | None) -> None:
        """Add a row. Raises MetricError where it is of another width or kind than those before."""
        if row is None:
            self._append_blank()
        elif isinstance(row, Mapping):
            self._append_mapping(row)
        else:
            if not self.columns and self.mappings is None:
                self.columns = [_blank(number, self._length) for number in row]
            if len(row) != len(self.columns):
                raise MetricError("the statistics of a sample must be tuples of one width")
            for place, number in enumerate(row):
                self.columns[place] = _appended(self.columns[place], number)
        self._length += 1

    def take(self, positions: Sequence[int]) -> Columns:
        """The rows at some positions."""
        if positions == range(self._length):
            return self
        found = Columns()
        found._length = len(positions)
        found.columns = [_picked(column, positions) for column in self.columns]
        found.mappings = None if self.mappings is None else [self.mappings[position] for position in positions]
        return found

    def total(self) -> Total:
        """The sum of all rows: whole numbers exactly, others without rounding drift."""
        if self.mappings is not None:
            return added(self.mappings)
        return tuple(exact_sum(column) for column in self.columns)

    def __len__(self) -> int:
        return self._length

    def at(self, position: int) -> Statistics:
        """The row at a position; zeros where it was left blank."""
        return tuple(column[position] for column in self.columns) if self.mappings is None else self.mappings[position]

    def _append_blank(self) -> None:
        if self.mappings is not None:
            self.mappings.append({})
        for column in self.columns:
            column.append(0)

    def _append_mapping(self, row: Mapping[Hashable, float]) -> None:
        if self.columns:
            raise MetricError("the statistics of a sample must be all tuples or all mappings")
        if self.mappings is None:
            self.mappings = [{}] * self._length
        # 1 and 1.0 are equal keys of a set, but not the same number to a metric that counts.
        key = frozenset((name, type(number), number) for name, number in row.items())
        known = self._equal.get(key)
        if known is None and len(self._equal) < _DISTINCT:
            self._equal[key] = row
        self.mappings.append(row if known is None else known)


def equal(left: Sequence[Statistics], right: Sequence[Statistics]) -> bool:
    """Whether two samples have the same statistics, row by row; of columns no row is made."""
    if not isinstance(left, Columns) or not isinstance(right, Columns):
        return len(left) == len(right) and all(map(operator.eq, left, right))
    if len(left) != len(right) or left.mappings != right.mappings or len(left.columns) != len(right.columns):
        return False
    return all(
        one == other if isinstance(one, array) and isinstance(other, array) else list(one) == list(other)
        for one, other in zip(left.columns, right.columns, strict=True)
    )


def added(rows: Iterable[Mapping[Hashable, float]]) -> Mapping[Hashable, float]:
    """The sum of mappings, key by key, in the order in which keys first appear."""
    counts: Counter[Hashable] = Counter()
    for row in rows:
        counts.update(row)
    return counts


def exact_sum(numbers: Sequence[float]) -> float:
    """The sum: exact where all are whole, else without rounding drift."""
    total = sum(numbers)
    return total if isinstance(total, int) else math.fsum(numbers)


def _blank(number: float, length: int) -> Any:
    """A column of zeros that can hold numbers of this kind."""
    if isinstance(number, int):
        return array(_WHOLE[0], [0]) * length
    return array("d", [0.0]) * length if isinstance(number, float) else [0] * length


def _appended(column: Any, number: float) -> Any:
    """The column with one more number; a wider one where it does not fit."""
    if isinstance(column, list):
        column.append(number)
        return column
    if isinstance(number, float if column.typecode == "d" else int):
        try:
            column.append(number)
            return column
        except OverflowError:
            wider = _WHOLE[_WHOLE.index(column.typecode) + 1 :]
            return _appended(array(wider[0], column) if wider else list(column), number)
    return [*column, number]


def _picked(column: Any, positions: Sequence[int]) -> Any:
    numbers = map(column.__getitem__, positions)
    return list(numbers) if isinstance(column, list) else array(column.typecode, numbers)
