"""Bootstrap of summed statistics: resample cases, add up, score.

The score of a corpus comes from the sum of per-case statistics, so a resample is a vector of counts and
all resamples together are one matrix product (the idea of Koehn 2004, *Statistical Significance Tests for
Machine Translation Evaluation*, at the cost of arithmetic instead of a pass over text).
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_genaiops.columns import Columns, Total
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.statistics.draws import merged, resampled
from pytest_genaiops.statistics.rows import Dense, Sparse, dense, keyed
from pytest_genaiops.statistics.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.intp]

EQUAL_UNITS = 20
"""Units of one kind, on average, from which on kinds are drawn instead of units."""


class Table:
    """The statistics of a sample as a matrix, one row per case or, with groups, per cluster.

    Of a mean the statistics are its values, and its scores take no call.
    """

    __slots__ = ("_keys", "_score", "_whole", "cases", "kinds", "matrix", "sizes", "total")

    def __init__(self, sample: Sample, groups: Sequence[int] | None) -> None:
        import numpy as np

        self._score = None if sample.is_mean else sample.score
        self._keys: Sequence[Any] | None = None
        self.cases = len(sample)
        self.kinds: Places | None = None
        """Which units are equal, where that is known: a number for each."""
        self.sizes: Places | None = None
        """Cases in each cluster; None without clusters."""
        self.matrix: Dense | Sparse
        self.total: Sequence[float]
        """The sums of all rows, without rounding drift."""
        given = sample.statistics
        columns = given if isinstance(given, Columns) else Columns(() if sample.is_mean else given)
        if sample.is_mean:
            self.matrix, self.total = dense([sample.values]), [math.fsum(sample.values)]
        elif columns.mappings is None:
            self.matrix, self.total = dense(columns.columns), columns.total()  # type: ignore[assignment]
        else:
            found = keyed(columns.mappings)
            self._keys, self.matrix, self.total, self.kinds = found.keys, found.matrix, found.total, found.kinds
        self._whole = [isinstance(number, int) for number in self.total]
        if groups is not None:
            places = np.asarray(groups, dtype=np.intp)
            self.sizes, self.kinds = np.bincount(places), None
            self.matrix = self.matrix.grouped(places, len(self.sizes))

    def value(self) -> float:
        """Score of the sample itself. Raises UnscorableError where the metric is undefined on it."""
        if self._score is None:
            return self.total[0] / self.cases
        return self._score(self._named(tuple(self.total)), self.cases)

    def scores(self, sums: Matrix, cases: NDArray[Any]) -> list[float | None]:
        """Score of each row of sums over a number of cases; None where the metric is undefined on them."""
        if self._score is None:
            return (sums[:, 0] / cases).tolist()  # type: ignore[no-any-return]
        columns = [_numbers(column, whole) for column, whole in zip(sums.T, self._whole, strict=True)]
        rows: Iterable[tuple[float, ...]] = zip(*columns, strict=True) if columns else itertools.repeat(())
        return [self._scored(self._named(row), n) for row, n in zip(rows, cases.tolist(), strict=False)]

    def drawn(self, counts: Matrix) -> list[float | None]:
        """Scores of resamples, from how often each draws each unit."""
        import numpy as np

        # Round before dividing by it: a product of doubles, but a number of cases.
        cases = np.full(len(counts), self.cases) if self.sizes is None else np.rint(counts @ self.sizes).astype(int)
        return self.scores(self.matrix.sums(counts), cases)

    def without(self, places: Places, number: int) -> list[float | None]:
        """Scores without the units that share a place, for each place from 0 to below ``number``."""
        import numpy as np

        sizes = np.bincount(places) if self.sizes is None else np.bincount(places, self.sizes).astype(int)
        gone = self.matrix.grouped(places, number).whole()
        return self.scores(np.array(self.total, dtype=np.float64) - gone, self.cases - sizes)

    def at(self, units: Places) -> Table:
        """The same sample, with the rows of some units alone."""
        found = copy.copy(self)
        found.matrix = self.matrix.at(units)
        return found

    def _named(self, numbers: tuple[float, ...]) -> Total:
        if self._keys is None:
            return numbers
        return {key: number for key, number in zip(self._keys, numbers, strict=True) if number}

    def _scored(self, total: Total, n: int) -> float | None:
        assert self._score is not None
        try:
            value = self._score(total, n)
        except UnscorableError:
            return None
        return value if math.isfinite(value) else None


def _numbers(column: NDArray[np.float64], whole: bool) -> list[float]:
    """A column of sums as the metric knows its numbers.

    Corpus metrics index and format their counts, and demand ints; doubles hold them exactly up to 2**53.
    """
    import numpy as np

    numbers: list[float] = column.tolist()
    if not whole:
        return numbers
    short = np.abs(column).max(initial=0.0) < 2.0**62
    return np.rint(column).astype(np.int64).tolist() if short else [round(number) for number in numbers]


def bootstrap(tables: Sequence[Table], *, resamples: int, seed: int) -> list[tuple[float | None, ...]]:
    """Scores of every table on the same resamples: ``resamples`` tuples in the order of ``tables``."""
    drawing, blocks = _drawing(tables, resamples, seed)
    scores: list[tuple[float | None, ...]] = []
    for counts in blocks:
        scores.extend(zip(*[table.drawn(counts) for table in drawing], strict=True))
    return scores


def _drawing(tables: Sequence[Table], resamples: int, seed: int) -> tuple[Sequence[Table], Iterator[Matrix]]:
    """The tables to score, and counts of their rows: of one unit of each kind where many units are equal."""
    import numpy as np

    units = len(tables[0].matrix)
    kinds = np.zeros(units, dtype=np.intp)
    for table in tables:
        if table.kinds is None:
            return tables, resampled(units, resamples, seed)
        # Kinds of this table and those before, numbered anew lest the numbers grow.
        both = kinds * (int(table.kinds.max()) + 1) + table.kinds
        kinds = np.unique(both, return_inverse=True)[1]
    _, first, sizes = np.unique(kinds, return_index=True, return_counts=True)
    if len(first) * EQUAL_UNITS > units:
        return tables, resampled(units, resamples, seed)
    return [table.at(first) for table in tables], merged(sizes.tolist(), resamples, seed)


def percentile(scores: Sequence[float | None], confidence: float, scale: tuple[float, float]) -> tuple[float, float]:
    """Percentile interval: the order statistics that leave (1 - confidence) / 2 of the resamples outside each bound.

    A resample on which the metric is undefined could have gone either way: it counts as the worst on both sides.
    """
    outside = (1 - confidence) / 2
    return order_statistics(scores, (outside, outside), scale)


def order_statistics(
    scores: Sequence[float | None], outside: tuple[float, float], scale: tuple[float, float]
) -> tuple[float, float]:
    """The resamples that leave these shares of all resamples below the one and above the other."""
    defined = [score for score in scores if score is not None]
    missing = len(scores) - len(defined)
    below = sorted([scale[0]] * missing + defined)
    above = sorted(defined + [scale[1]] * missing)
    # A share that is a whole number of resamples may have lost its last bit on the way.
    first, last = (math.floor(share * (len(scores) + 1) + 1e-9) for share in outside)
    return below[max(1, min(first, len(below))) - 1], above[-max(1, min(last, len(above)))]
