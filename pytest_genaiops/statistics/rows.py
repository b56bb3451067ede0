"""The statistics of units (cases, or clusters) as a matrix: dense for tuples, its entries alone for mappings.

A classifier of a hundred classes has ten thousand kinds of (predicted, true) pairs, and every case has one of them:
a million such rows would take 80 GB as a dense matrix.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_genaiops.columns import exact_sum
from pytest_genaiops.statistics.draws import ENTRIES_AT_ONCE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Dense:
    """One row a unit and one column a number."""

    entries: Matrix

    def __len__(self) -> int:
        return len(self.entries)

    def sums(self, weights: Matrix) -> Matrix:
        """Weighted sums of the rows, one row for each row of weights."""
        import numpy as np

        # Column by column, and few entries at a time: above some hundred thousand the library behind numpy starts
        # threads, which on a machine with other work wait for each other a hundred times as long as they add.
        step = max(1, ENTRIES_AT_ONCE // len(weights))
        sums = np.zeros((len(weights), self.entries.shape[1]))
        for at in range(0, len(self), step):
            for place, column in enumerate(self.entries[at : at + step].T):
                sums[:, place] += weights[:, at : at + step] @ column
        return sums

    def grouped(self, places: Places, number: int) -> Dense:
        """The sums of the rows that share a place, from 0 to below ``number``."""
        import numpy as np

        return dense([np.bincount(places, column, number) for column in self.entries.T])

    def at(self, units: Places) -> Dense:
        """The rows of some units."""
        return dense([column[units] for column in self.entries.T])

    def whole(self) -> Matrix:
        """The matrix itself."""
        return self.entries


@dataclass(frozen=True, slots=True)
class Sparse:
    """Three arrays of one length, an item for each entry: its row, its column, and its number."""

    shape: tuple[int, int]
    rows: Places
    columns: Places
    numbers: NDArray[np.float64]

    def __len__(self) -> int:
        return self.shape[0]

    def sums(self, weights: Matrix) -> Matrix:
        """Weighted sums of the rows, one row for each row of weights."""
        import numpy as np

        width = self.shape[1]
        return np.array([np.bincount(self.columns, row[self.rows] * self.numbers, width) for row in weights])

    def grouped(self, places: Places, number: int) -> Sparse:
        """The rows that share a place, from 0 to below ``number``, as one."""
        return Sparse((number, self.shape[1]), places[self.rows], self.columns, self.numbers)

    def at(self, units: Places) -> Sparse:
        """The rows of some different units."""
        import numpy as np

        now = np.full(len(self), -1)
        now[units] = np.arange(len(units))
        kept = now[self.rows] >= 0
        return Sparse((len(units), self.shape[1]), now[self.rows[kept]], self.columns[kept], self.numbers[kept])

    def whole(self) -> Matrix:
        """The matrix with all its zeros, for few rows."""
        import numpy as np

        cells = np.bincount(self.rows * self.shape[1] + self.columns, self.numbers, self.shape[0] * self.shape[1])
        return cells.reshape(self.shape).astype(np.float64, copy=False)


def dense(columns: Sequence[Sequence[float] | NDArray[Any]]) -> Dense:
    """A dense matrix of columns, each of which lies in one piece."""
    import numpy as np

    return Dense(np.array(columns, dtype=np.float64).T)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """Mappings as a sparse matrix with a column for each key."""

    keys: list[Hashable]
    total: list[float]
    """The sum of each key's numbers: exact where all are whole."""
    matrix: Sparse
    kinds: Places
    """Which mappings are one and the same: a number for each row, from 0 in order of appearance."""


def keyed(mappings: Sequence[Mapping[Hashable, float]]) -> Keyed:
    """Equal mappings are told by identity alone: :class:`~pytest_genaiops.columns.Columns` keeps one object of each."""
    import numpy as np

    numbers: dict[int, int] = {}
    kinds = np.array([numbers.setdefault(id(row), len(numbers)) for row in mappings], dtype=np.intp)
    first = np.unique(kinds, return_index=True)[1]
    different = [mappings[row] for row in first.tolist()]
    columns: dict[Hashable, int] = {}
    places = [[columns.setdefault(key, len(columns)) for key in row] for row in different]
    return Keyed(
        keys=list(columns),
        total=_totals(different, np.bincount(kinds).tolist(), columns),
        matrix=_sparse(kinds, places, [list(row.values()) for row in different], len(columns)),
        kinds=kinds,
    )


def _totals(
    different: Sequence[Mapping[Hashable, float]], times: Sequence[int], keys: Iterable[Hashable]
) -> list[float]:
    parts: dict[Hashable, list[float]] = {key: [] for key in keys}
    for row, often in zip(different, times, strict=True):
        for key, number in row.items():
            parts[key].append(often * number)
    return [exact_sum(numbers) for numbers in parts.values()]


def _sparse(kinds: Places, places: Sequence[Sequence[int]], numbers: Sequence[Sequence[float]], width: int) -> Sparse:
    """The entries of every row, from those of its kind."""
    import numpy as np

    lengths = np.array([len(each) for each in places], dtype=np.intp)
    starts = np.cumsum(lengths) - lengths
    rows = np.repeat(np.arange(len(kinds)), lengths[kinds])
    # Where in its row each entry stands, then where among the entries of all kinds.
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths[kinds]) - lengths[kinds], lengths[kinds])
    entries = starts[kinds[rows]] + within
    columns = np.fromiter(itertools.chain.from_iterable(places), dtype=np.intp)
    values = np.fromiter(itertools.chain.from_iterable(numbers), dtype=np.float64)
    return Sparse((len(kinds), width), rows, columns[entries], values[entries])
