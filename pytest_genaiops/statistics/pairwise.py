"""Differences of many samples over the same cases, each pair paired by case.

Means are compared pair by pair, as :func:`~pytest_genaiops.statistics.paired.difference` does. Any other score is
resampled once for all: one set of resamples, every sample scored on each, and the differences of a pair are those of
its two columns. 13 systems make 78 pairs but only 13 scores a resample.

The p-value of such a pair is not the share of resamples beyond the observed difference. Among 78 comparisons Holm
rejects nothing above 0.05 / 78, where 2000 resamples have hardly anything left to count. It is Student t on the
observed difference over its bootstrap standard error, with one degree of freedom less than there are cases or
clusters: finer than any count, and closer to its level where cases are few. Of 78 equal pairs of 20 cases any is told
apart in 7 % of draws instead of 16 %, of 50 cases in 6 % instead of 8 % (``benchmarks/many_comparisons.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_genaiops.columns import equal
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics.intervals import RESAMPLES, SEED, from_resamples, named
from pytest_genaiops.statistics.paired import Difference, difference
from pytest_genaiops.statistics.quantiles import t_two_sided
from pytest_genaiops.statistics.resampling import Table, bootstrap
from pytest_genaiops.statistics.sample import Sample, check_settings, grouping

Pairs = Sequence[tuple[int, int]]


def pairwise(
    samples: Sequence[Sample],
    pairs: Pairs,
    *,
    confidence: float = 0.95,
    seed: int = SEED,
    resamples: int = RESAMPLES,
) -> list[Difference | None]:
    """Differences ``samples[a]`` minus ``samples[b]`` for every ``(a, b)`` of ``pairs``, in their order.

    All samples are of one metric and hold the same cases in the same order; clusters are those of the first.
    A difference is None where the metric is undefined on one of its two samples. ``seed`` and ``resamples`` matter
    to a bootstrap only. Raises MetricError for empty samples, samples of different length, scale or kind, a
    confidence outside (0, 1) or fewer than 100 resamples.
    """
    check_settings(confidence, resamples)
    if not pairs:
        return []
    _check_alike(samples)
    if samples[0].is_mean:
        return [
            difference(samples[a], samples[b], confidence=confidence, seed=seed, resamples=resamples) for a, b in pairs
        ]
    drawn = _Drawn(samples, confidence, (seed, resamples))
    return [drawn.difference(a, b) for a, b in pairs]


def _check_alike(samples: Sequence[Sample]) -> None:
    first = samples[0]
    if len(first) == 0:
        raise MetricError("a paired difference needs at least one case that both sides scored, and there is none")
    for sample in samples[1:]:
        if len(sample) != len(first):
            raise MetricError(
                f"a paired difference needs the same cases on both sides, not {len(first)} and {len(sample)}"
            )
        if (sample.is_mean, sample.scale) != (first.is_mean, first.scale):
            raise MetricError("a paired difference needs samples of one metric; these differ in scale or kind")


class _Drawn:
    """Samples of a score that is no mean, with their scores on one set of resamples."""

    __slots__ = ("_confidence", "_drawing", "_groups", "_samples", "_scores", "_tables", "_units", "_values")

    def __init__(self, samples: Sequence[Sample], confidence: float, drawing: tuple[int, int]) -> None:
        self._samples, self._confidence, self._drawing = samples, confidence, drawing
        self._groups = grouping(samples[0].clusters)
        self._tables = tables = [Table(sample, self._groups) for sample in samples]
        values = {number: _value(table) for number, table in enumerate(tables)}
        self._values = {number: value for number, value in values.items() if value is not None}
        self._units = len(tables[0].matrix)
        self._scores: dict[int, tuple[float | None, ...]] = {}

    def difference(self, a: int, b: int) -> Difference | None:
        if a not in self._values or b not in self._values:
            return None
        left, right = self._samples[a], self._samples[b]
        if left is right or equal(left.statistics, right.statistics):
            # The same outputs, or too few to be sure of it: what a single comparison says of them.
            seed, resamples = self._drawing
            return difference(left, right, confidence=self._confidence, seed=seed, resamples=resamples)
        if not self._scores:  # outputs that are the same need none
            seed, resamples = self._drawing
            drawn = bootstrap([self._tables[i] for i in self._values], resamples=resamples, seed=seed)
            self._scores = dict(zip(self._values, zip(*drawn, strict=True), strict=True))
        value = self._values[a] - self._values[b]
        changes = [
            None if ours is None or theirs is None else ours - theirs
            for ours, theirs in zip(self._scores[a], self._scores[b], strict=True)
        ]
        width = left.scale[1] - left.scale[0]
        bounds, error = from_resamples(
            changes, value, [self._tables[a], self._tables[b]], self._confidence, (-width, width)
        )
        return Difference(
            value=value,
            interval=bounds,
            standard_error=error,
            n=len(left),
            method=named("paired BCa bootstrap", self._groups),
            clusters=None if self._groups is None else self._units,
            p_values={"t": min(1.0, _p_value(value, error, self._units) + changes.count(None) / len(changes))},
        )


def _value(table: Table) -> float | None:
    try:
        return table.value()
    except UnscorableError:
        return None


def _p_value(value: float, error: float | None, units: int) -> float:
    """Two-sided, of no difference: Student t; a sign test where all resamples agreed, which tells of no spread."""
    if units < 2 or value == 0:
        return 1.0
    if not error:
        return min(1.0, 2.0 ** (1 - units))
    # Resamples of n units vary by (n - 1) / n of what samples do (Efron and Tibshirani 1993, section 5.3).
    return t_two_sided(value / error * math.sqrt((units - 1) / units), units - 1)
