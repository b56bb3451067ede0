"""Bootstrap of summed statistics: resample cases, add up, score.

The score of a corpus comes from the sum of per-case statistics, so a resample is a vector of counts and
all resamples together are one matrix product (the idea of Koehn 2004, *Statistical Significance Tests for
Machine Translation Evaluation*, at the cost of arithmetic instead of a pass over text).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.columns import Columns, Total
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.sequences import Mapped
from pytest_genaiops.statistics.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]

ENTRIES_AT_ONCE = 2_000_000
"""Resample counts held in memory at a time: 16 MB, whatever the numbers of cases and resamples."""


class Table:
    """The statistics of a sample as a matrix, one row per case or, with groups, per cluster."""

    __slots__ = ("_keys", "_score", "_whole", "matrix")

    def __init__(self, sample: Sample, groups: Sequence[int] | None) -> None:
        import numpy as np

        given = sample.statistics
        columns = given if isinstance(given, Columns) else Columns(given)
        self._score = sample.score
        self._keys, numbers = _keyed(columns)
        self._whole = [isinstance(sum(column), int) for column in numbers]
        units = len(columns) if groups is None else max(groups) + 1
        # The last column counts cases, since clusters differ in size.
        matrix = np.ones((units, len(numbers) + 1))
        for place, column in enumerate(numbers):
            matrix[:, place] = column if groups is None else np.bincount(groups, np.asarray(column), units)
        if groups is not None:
            matrix[:, -1] = np.bincount(groups)
        self.matrix: Matrix = matrix

    def total(self) -> list[float]:
        """The sums of all rows, without rounding drift; the last one counts cases."""
        return [math.fsum(column.tolist()) for column in self.matrix.T]

    def value(self) -> float:
        """Score of the sample itself. Raises UnscorableError where the metric is undefined on it."""
        return self._score(*self._total(self.total()))

    def score(self, sums: Sequence[float]) -> float | None:
        """Score of one row of sums; None where the metric is undefined on this resample."""
        try:
            value = self._score(*self._total(sums))
        except UnscorableError:
            return None
        return value if math.isfinite(value) else None

    def scores(self, sums: Matrix) -> list[float | None]:
        """Score of each row of a matrix of sums."""
        return [self.score(row) for row in sums.tolist()]

    def _total(self, sums: Sequence[float]) -> tuple[Total, int]:
        # Corpus metrics index and format their counts, and demand ints; doubles hold them exactly up to 2**53.
        numbers = tuple(round(s) if whole else s for s, whole in zip(sums[:-1], self._whole, strict=True))
        if self._keys is None:
            return numbers, round(sums[-1])
        return {key: number for key, number in zip(self._keys, numbers, strict=True) if number}, round(sums[-1])


def bootstrap(tables: Sequence[Table], *, resamples: int, seed: int) -> list[tuple[float | None, ...]]:
    """Scores of every table on the same resamples: ``resamples`` tuples in the order of ``tables``."""
    scores: list[tuple[float | None, ...]] = []
    for counts in resample_counts(len(tables[0].matrix), resamples, seed):
        scores.extend(zip(*[table.scores(counts @ table.matrix) for table in tables], strict=True))
    return scores


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


def resample_counts(units: int, resamples: int, seed: int) -> Iterator[Matrix]:
    """How often each unit is drawn, one row per resample, in blocks of bounded size.

    The draws are those of numpy's ``default_rng(seed).choice(units, size=(resamples, units))``, which sacrebleu uses.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    block = max(1, ENTRIES_AT_ONCE // units)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = generator.integers(0, units, size=(size, units))
        drawn += np.arange(size)[:, None] * units
        yield np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units).astype(np.float64)


def _keyed(statistics: Columns) -> tuple[list[Hashable] | None, Sequence[Sequence[float]]]:
    """Columns of numbers, and their keys where the statistics are mappings."""
    if statistics.mappings is None:
        return None, statistics.columns
    keys = list(dict.fromkeys(key for row in statistics.mappings for key in row))
    return keys, [Mapped(lambda row, key=key: row.get(key, 0), statistics.mappings) for key in keys]  # type: ignore[misc]
