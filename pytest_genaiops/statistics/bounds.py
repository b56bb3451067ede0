"""Bounds of a mean that keep their level on each side: a gate is decided by one of them alone.

Student t is right on average over both sides; where values lean to one side of the scale, as scores of good systems
do, its bound on that side fails two or three times as often as it should. Two cases:

- At least ``FEW`` cases (or clusters) differ from the most common value: Student t corrected for skewness by Hall's
  transformation (Hall 1992, *JRSS B* 54:221-228). A sample shows too little of its skewness (Bobée and Robitaille 1975,
  *Water Resources Research* 11:851-854), and an overestimate is as bad, so each bound is the most careful one over no
  skewness, the sample's and the corrected one.
- Fewer do, and the scale is finite: the spread itself is hardly known, and no quantile of t makes up for that. The
  bound then assumes nothing but the scale: Dirichlet weights over the cases and one further case at the end of the
  scale (Gaffke 2005, *Mathematical Methods of Statistics* 14; Learned-Miller and Thomas 2019, arXiv:1905.06208). For
  values at the two ends of the scale it is Clopper and Pearson's bound, for equal values the rule of three.

``docs/decisions/0013-bounds-hold-on-each-side.md`` says why; ``benchmarks/error_rates.py`` measures it.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from pytest_genaiops.statistics.means import Interval, clip, implied_error, mean_error, unit_residuals, unseen
from pytest_genaiops.statistics.quantiles import t_quantile

FEW = 6
"""Independent cases (or clusters) off the most common value, below which their spread counts as unknown."""

DRAWS = 20_000
SKEWED = "skewness-corrected t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A mean with its two-sided interval; each bound is one-sided at half the error."""

    value: float
    interval: Interval
    standard_error: float | None
    """None where no two cases (or clusters) differ."""
    units: int
    """Independent cases, or clusters."""
    method: str


def mean_bounds(
    values: Sequence[float], groups: Sequence[int] | None, *, confidence: float, scale: Interval, seed: int
) -> Bounds:
    """Bounds of the mean of at least one value on ``scale``; ``groups`` numbers the clusters from 0.

    With clusters of different size the mean is the ratio of their sums to their sizes (Cochran 1977, eq. 6.13).
    """
    value = math.fsum(values) / len(values)
    residuals = unit_residuals(values, value, groups)
    units = len(residuals)
    error = mean_error(residuals, len(values), max(map(abs, values)))
    if units < 2 or (not error and not math.isfinite(scale[1] - scale[0])):
        bounds = unseen(value, units, confidence, scale)
        return Bounds(value=value, interval=bounds, standard_error=None, units=units, method="rule of three")
    if math.isfinite(scale[1] - scale[0]) and _few_differ(values, groups):
        bounds = _assuming_nothing(values, groups, value, (confidence, scale, seed))
        spread = implied_error(bounds, confidence) if error else None
        return Bounds(value=value, interval=bounds, standard_error=spread, units=units, method="Dirichlet bound")
    low, high = skewed_quantiles(residuals, t_quantile((1 + confidence) / 2, units - 1))
    bounds = clip((value - error * high, value - error * low), value, scale)
    return Bounds(value=value, interval=bounds, standard_error=error, units=units, method=SKEWED)


def _few_differ(values: Sequence[float], groups: Sequence[int] | None) -> bool:
    """Whether fewer than ``FEW`` cases (or clusters, by their means) are off the most common value."""
    found: Sequence[float] = values
    if groups is not None:
        found = [total / size for total, size in _clustered(values, groups)]
    # Then it is the most common value of any 2 * FEW cases too: a million values need no counting.
    common, _ = Counter(found[: 2 * FEW]).most_common(1)[0]
    return next(islice((each for each in found if each != common), FEW - 1, None), None) is None


def _clustered(values: Sequence[float], groups: Sequence[int]) -> list[tuple[float, int]]:
    """Sum and size of every cluster."""
    members: list[list[float]] = [[] for _ in range(max(groups) + 1)]
    for group, value in zip(groups, values, strict=True):
        members[group].append(value)
    return [(math.fsum(each), len(each)) for each in members]


def _assuming_nothing(
    values: Sequence[float], groups: Sequence[int] | None, value: float, asked: tuple[float, Interval, int]
) -> Interval:
    """Quantiles of the mean under Dirichlet weights, with one further case (or cluster) at either end of the scale."""
    confidence, (low, high), seed = asked
    units = [(each, 1) for each in values] if groups is None else _clustered(values, groups)
    if len(set(units)) == 1:
        return unseen(value, len(units), confidence, (low, high))
    outside = (1 - confidence) / 2
    # The upper bound is the lower one of the values turned round: which end of a scale is the good one must not matter.
    lower = low + _above_the_end([(total - size * low, size) for total, size in units], outside, seed)
    upper = high - _above_the_end([(size * high - total, size) for total, size in units], outside, seed)
    return clip((lower, upper), value, (low, high))


def _above_the_end(units: Sequence[tuple[float, int]], outside: float, seed: int) -> float:
    """Lower bound of a mean of values that cannot be below 0, from the sum and size of each unit."""
    import numpy as np

    generator = np.random.default_rng(seed)
    # The further unit is of average size, and adds nothing to the sum.
    sizes = generator.standard_exponential(DRAWS) * (math.fsum(size for _, size in units) / len(units))
    sums = np.zeros(DRAWS)
    for (total, size), count in sorted(Counter(units).items()):
        drawn = generator.standard_gamma(count, DRAWS)
        sums += drawn * total
        sizes += drawn * size
    return float(np.quantile(sums / sizes, outside))


def skewed_quantiles(residuals: Sequence[float], critical: float) -> Interval:
    """Lower and upper quantile of the studentized mean where those of t are at ``critical`` either side of 0.

    The widest over the plausible skewnesses of the residuals of the mean, one for each independent case or cluster.
    """
    found = [_studentized(bend, critical) for bend in _bends(residuals)]
    return min(low for low, _ in found), max(high for _, high in found)


def skewed_t(ratio: float, residuals: Sequence[float]) -> float:
    """The ``critical`` at which an interval of a mean, ``ratio`` standard errors away from 0, just reaches 0.

    The inverse of :func:`skewed_quantiles`: a p-value from it is at most 1 - confidence exactly where the interval of
    that confidence leaves out 0. 0 where every interval holds 0.
    """
    return max(0.0, min(_normalized(bend, abs(ratio)) for bend in _bends(residuals, ratio)))


def _bends(residuals: Sequence[float], side: float = 1.0) -> list[float]:
    """Plausible skewnesses, as a share of three roots of n; turned round where the mean is on the other side of 0."""
    n, largest = len(residuals), max(map(abs, residuals))
    if largest < 1e-50:  # their cubes would vanish
        residuals = [each / largest for each in residuals]
    squares = list(map(operator.mul, residuals, residuals))
    variance = math.fsum(squares) / n
    raw = math.copysign(1, side) * math.fsum(map(operator.mul, squares, residuals)) / n / variance**1.5
    skewnesses = [0.0]
    if n > 2:
        skewnesses.append(raw * math.sqrt(n * (n - 1)) / (n - 2))
        skewnesses.append(raw * (1 + 6.51 / n + 20.2 / n**2 + (1.48 / n + 6.77 / n**2) * raw * raw))
    return [skewness / (3 * math.sqrt(n)) for skewness in skewnesses]


def _normalized(bend: float, ratio: float) -> float:
    """Hall's cubic transformation: what of a studentized mean is as good as Student t, without its skewness."""
    if abs(bend) < 1e-8:
        return ratio
    turned = 1 + bend * ratio
    return (turned * turned * turned - 1) / (3 * bend) + bend / 2


def _studentized(bend: float, critical: float) -> Interval:
    """Quantiles of (mean - truth) / error under a skewness: the transformation inverted."""
    if abs(bend) < 1e-8:
        return -critical, critical
    low, high = ((math.cbrt(1 + 3 * bend * (t - bend / 2)) - 1) / bend for t in (-critical, critical))
    return low, high
