"""Bounds of a quantile that assume nothing: two of the values themselves.

The r-th smallest of n values lies above the quantile only if fewer than r of them are at or below it, and how many are
is binomial whatever the distribution (David and Nagaraja 2003, *Order Statistics*, 7.1; Woodruff 1952, *JASA*
47:635-646, for samples in clusters). Too few values have none on a side: the largest of 50 may well lie below the 95th
percentile.

The difference of two quantiles takes the distances of both from their bounds (Zou and Donner 2008, *Statistics in
Medicine* 27:1693-1702, "MOVER"; with a correlation, Zou 2007, *Psychological Methods* 12:399-413). The errors of two
quantiles correlate as much as being at or below them does, case by case (Bahadur 1966, *Annals of Mathematical
Statistics* 37:577-580). ``docs/decisions/0017-what-calls-cost.md`` says how far that holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pytest_genaiops.statistics.means import Interval, implied_error
from pytest_genaiops.statistics.quantiles import binomial_tail

SMALLEST = 1e-6
"""p-value below which it is not worth telling how small."""


def quantile_bounds(
    ordered: Sequence[float], quantile: float, *, effective: float, confidence: float, scale: Interval
) -> Interval:
    """Two-sided interval of a quantile from values in ascending order; an end of the scale where no value bounds it.

    ``effective`` is the number of independent values that tell as much as these do: their own number, without clusters.
    """
    n, outside = len(ordered), (1 - confidence) / 2

    def above(rank: int) -> bool:
        """Whether the value of this rank is above the quantile, surely enough."""
        return binomial_tail(rank / n * effective, effective, quantile) <= outside

    def not_below(rank: int) -> bool:
        return binomial_tail((n - rank + 1) / n * effective, effective, 1 - quantile) > outside

    first = _first(not_below, n) - 1
    last = _first(above, n)
    return ordered[first - 1] if first else scale[0], ordered[last - 1] if last <= n else scale[1]


def _first(holds: Callable[[int], bool], n: int) -> int:
    """The first of the ranks 1 to n for which it holds, where it does for all behind it too; n + 1 where for none."""
    low, high = 1, n + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def finite_error(bounds: Interval, confidence: float) -> float | None:
    """Standard error of a normal interval as wide as this one; None where it has no width, or no end."""
    return implied_error(bounds, confidence) if 0.0 < bounds[1] - bounds[0] < math.inf else None


def reached(values: Sequence[float], line: float) -> list[float]:
    """1.0 for every value up to the line, else 0.0."""
    return [float(value <= line) for value in values]


def correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson correlation of residuals, from -1 to 1; 0 where one side shows no spread."""
    spread = math.sqrt(math.fsum(a * a for a in one) * math.fsum(b * b for b in other))
    together = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return max(-1.0, min(1.0, together / spread)) if spread else 0.0


def difference_bounds(
    candidate: tuple[float, Interval], baseline: tuple[float, Interval], correlation: float
) -> Interval:
    """Interval of the difference of two estimates from the interval of each, and the correlation of their errors."""
    (ours, mine), (theirs, other) = candidate, baseline
    down = _distance(ours - mine[0], other[1] - theirs, correlation)
    up = _distance(mine[1] - ours, theirs - other[0], correlation)
    return ours - theirs - down, ours - theirs + up


def _distance(one: float, other: float, correlation: float) -> float:
    if math.isinf(one) or math.isinf(other):
        return math.inf
    return math.sqrt(max(0.0, one * one + other * other - 2 * correlation * one * other))


def inverted(interval: Callable[[float], Interval]) -> float:
    """Two-sided p-value of no difference: the smallest error at which the interval of a difference leaves out 0."""
    low, high = SMALLEST, 1.0
    while high - low > 0.02 * high:
        middle = math.sqrt(low * high)
        bounds = interval(1 - middle)
        low, high = (low, middle) if bounds[0] > 0 or bounds[1] < 0 else (middle, high)
    return high
