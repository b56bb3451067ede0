"""Agreement of two raters, such as a judge and people: kappa, and shares of agreement on each kind of case.

Kappa is chance-corrected agreement: 1 where the two always agree, 0 where they agree as often as independent raters
with the same habits would (Cohen 1960, *Educational and Psychological Measurement* 20). With quadratic weights a
disagreement counts as the square of its distance (Cohen 1968, *Psychological Bulletin* 70), which for ratings of 0 and
1 is the same number. Both are functions of five sums over the cases, so that their intervals are bootstraps of sums.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics.intervals import SEED, summarize
from pytest_genaiops.statistics.means import Interval
from pytest_genaiops.statistics.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its two-sided interval."""

    value: float
    interval: Interval
    n: int
    """Cases that it is about."""


def weighted_kappa(
    ratings: Sequence[float],
    others: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = SEED,
) -> Figure:
    """Kappa with quadratic weights, which for ratings of two values is Cohen's; scale -1 to 1.

    Ratings are numbers on one scale; their distances are as the numbers say. The interval is a BCa bootstrap over cases
    or clusters. Raises MetricError where lengths differ, and UnscorableError where both raters gave one and the same
    value throughout, so that chance explains everything.
    """
    if len(ratings) != len(others) or not ratings:
        raise MetricError(f"kappa needs as many ratings of both raters, not {len(ratings)} and {len(others)}")
    if len({*ratings, *others}) == 1:
        raise UnscorableError("both raters gave one and the same rating to every case")
    moments = [(a, b, a * a, b * b, a * b) for a, b in zip(ratings, others, strict=True)]
    sample = Sample(
        statistics=moments,
        values=[0.0] * len(moments),  # a kappa of one case there is not
        score=_kappa,
        is_mean=False,
        scale=(-1.0, 1.0),
        clusters=clusters,
    )
    found = summarize(sample, confidence=confidence, seed=seed)
    return Figure(value=found.value, interval=found.interval, n=len(moments))


def share(successes: Sequence[bool], *, clusters: Sequence[Hashable] | None = None, confidence: float = 0.95) -> Figure:
    """A share of cases with the interval of Clopper and Pearson. Raises MetricError for no cases."""
    return mean([float(success) for success in successes], clusters=clusters, confidence=confidence)


def mean(
    values: Sequence[float],
    *,
    scale: Interval = (0.0, 1.0),
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    seed: int = SEED,
) -> Figure:
    """A mean with its interval, as for every score. Raises MetricError for no values, or one off the scale."""
    sample = Sample(
        statistics=[(value,) for value in values],
        values=values,
        score=lambda total, n: float(total[0]) / n,
        is_mean=True,
        scale=scale,
        clusters=clusters,
    )
    found = summarize(sample, confidence=confidence, seed=seed)
    return Figure(value=found.value, interval=found.interval, n=len(values))


def _kappa(total: Any, n: int) -> float:
    """1 - observed / expected squared distance, from the sums of a, b, a², b² and ab."""
    a, b, squared, others_squared, product = (float(part) / n for part in total)
    observed = squared + others_squared - 2 * product
    expected = squared + others_squared - 2 * a * b
    if expected <= 1e-12 * (squared + others_squared):
        raise UnscorableError("both raters gave one and the same rating to every case")
    return max(-1.0, min(1.0, 1 - observed / expected)) if math.isfinite(expected) else 0.0
