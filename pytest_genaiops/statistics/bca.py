"""Bias-corrected and accelerated bootstrap intervals (Efron 1987; DiCiccio and Efron 1996, *Bootstrap confidence
intervals*, eq. 2.2 to 2.8).

The percentile interval takes the resamples as they lie. This one moves its two levels: by the bias of the resamples
around the observed score, and by the acceleration, which says how fast the standard error changes with the score
and comes from a jackknife. For a skewed score both bounds then keep their share of errors more closely.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.statistics.quantiles import normal_quantile
from pytest_genaiops.statistics.resampling import Table, order_statistics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]

LEFT_OUT = 500
"""Groups of cases (or clusters) that the jackknife leaves out in turn, where there are more cases than that."""

SAME = 1e-12
"""Scores this close to each other, as a share of the largest, differ by rounding alone."""


def bca(
    scores: Sequence[float | None], value: float, acceleration: float, confidence: float, scale: tuple[float, float]
) -> tuple[float, float]:
    """Interval from the scores of the resamples, the observed score and its :func:`acceleration`.

    A resample on which the metric is undefined (None) says nothing about the bias and counts as the worst on both
    sides, as in :func:`~pytest_genaiops.statistics.resampling.percentile`, which this is where neither bias nor
    acceleration were found. Without any score the interval is the whole scale.
    """
    defined = [score for score in scores if score is not None]
    if not defined:
        return scale
    bias = _bias(defined, value)
    critical = normal_quantile((1 + confidence) / 2)
    tails = _tail(bias - critical, bias, acceleration), _tail(-bias - critical, -bias, -acceleration)
    return order_statistics(scores, tails, scale)


def acceleration(tables: Sequence[Table]) -> float:
    """Acceleration of a table's score or, of two tables, of the first one's score minus the second's.

    From the scores without one unit each (case, or cluster) or, beyond 500 units, without one of 500 groups of
    them, which estimate the same number. A unit without which the metric is undefined is passed over; where all
    the scores agree, it is 0.
    """
    import numpy as np

    without = np.array(_leave_out(tables), dtype=np.float64)
    if len(without) < 2:
        return 0.0
    influence = without.mean() - without
    if np.abs(influence).max() <= SAME / len(without) * np.abs(without).max():
        return 0.0
    influence /= np.abs(influence).max()  # third powers of small numbers would vanish
    return float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))


def _leave_out(tables: Sequence[Table]) -> list[float]:
    """Scores, or differences of scores, of all units but one group each."""
    import numpy as np

    units = len(tables[0].matrix)
    if units < 2:
        return []
    groups = min(units, LEFT_OUT)
    # Every 500th unit makes a group: neighbours often resemble each other, and must not all go at once.
    places = np.arange(units) % groups
    sides = [table.without(places, groups) for table in tables]
    return [
        math.fsum(score if side == 0 else -score for side, score in enumerate(row) if score is not None)
        for row in zip(*sides, strict=True)
        if None not in row
    ]


def _bias(scores: Sequence[float], value: float) -> float:
    """Normal quantile of the share of resamples below the observed score; half of those equal to it are."""
    near = SAME * max(abs(value), *map(abs, scores))
    below = sum(score < value - near for score in scores) + sum(abs(score - value) <= near for score in scores) / 2
    edge = 0.5 / len(scores)
    return normal_quantile(min(1 - edge, max(edge, below / len(scores))))


def _tail(shifted: float, bias: float, acceleration: float) -> float:
    """Share of the resamples below the bound: eq. 2.3, for the lower bound or, with all signs turned, the upper one."""
    stretch = 1 - acceleration * shifted
    if stretch <= 0:
        return 0.0 if shifted < 0 else 1.0
    return NormalDist().cdf(bias + shifted / stretch)
