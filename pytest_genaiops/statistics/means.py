"""Standard errors and bounds that single scores and differences share."""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Sequence
from itertools import repeat

from pytest_genaiops.statistics.quantiles import two_sided_z

Interval = tuple[float, float]

SAME = 1e-12
"""Spread below this share of the values themselves is rounding, not variance."""


def unit_residuals(values: Sequence[float], center: float, groups: Sequence[int] | None) -> Sequence[float]:
    """Distance of each case from the mean ``center``; with groups, summed over each cluster.

    With groups the mean is the ratio of cluster sums to cluster sizes (Cochran 1977, *Sampling Techniques*,
    eq. 6.13), so clusters may differ in size.
    """
    residuals = array("d", map(operator.sub, values, repeat(center)))
    if groups is None:
        return residuals
    sums: list[list[float]] = [[] for _ in range(max(groups) + 1)]
    for group, residual in zip(groups, residuals, strict=True):
        sums[group].append(residual)
    return array("d", map(math.fsum, sums))


def mean_error(residuals: Sequence[float], n: int, largest: float) -> float:
    """Standard error of the mean of ``n`` cases from the residuals of its units; ``largest`` is their size.

    0 for fewer than two units, and where all differences are rounding: no spread was seen.
    """
    units = len(residuals)
    if units < 2:
        return 0.0
    error = math.sqrt(math.fsum(map(operator.mul, residuals, residuals)) * units / (units - 1)) / n
    return error if error > SAME * largest else 0.0


def unseen(value: float, units: int, confidence: float, scale: Interval) -> Interval:
    """Interval of a mean when all units agreed, so that the data show no spread.

    If a share p of cases differed from these, all ``units`` would agree with probability (1 - p)**units;
    shares that make this rarer than half of 1 - confidence are excluded (Hanley and Lippman-Hand 1983,
    the "rule of three"), and a differing case may lie anywhere on the scale.
    """
    if units < 2:
        return scale
    share = 1 - ((1 - confidence) / 2) ** (1 / units)
    low, high = scale
    return clip((value - share * (value - low), value + share * (high - value)), value, scale)


def clip(bounds: Interval, value: float, scale: Interval) -> Interval:
    """The bounds within the scale, and around the value where rounding or a resample would leave it outside."""
    low, high = scale
    return max(low, min(bounds[0], value)), min(high, max(bounds[1], value))


def implied_error(bounds: Interval, confidence: float) -> float:
    """Standard error of a normal interval as wide as this one.

    Used for score intervals, whose width knows more than the plain standard error of few or extreme cases.
    """
    return (bounds[1] - bounds[0]) / (2 * two_sided_z(confidence))
