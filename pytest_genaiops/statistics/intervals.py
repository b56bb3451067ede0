"""Confidence intervals of one score.

- a share of cases: Wilson's score interval (Wilson 1927); with clusters, on the effective number of cases
  (Korn and Graubard 1998; Dean and Pagano 2015);
- another mean: Student t; with clusters, t on the ratio of cluster sums to cluster sizes;
- anything else: percentile bootstrap of the summed statistics over cases or, with clusters, over clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.means import SAME, Interval, clip, implied_error, mean_error, unseen
from pytest_genaiops.statistics.quantiles import t_quantile, two_sided_z
from pytest_genaiops.statistics.resampling import Table, bootstrap, percentile
from pytest_genaiops.statistics.sample import Sample, check_settings, grouping, is_rate

SEED = 12345
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A score with its uncertainty, all on the score's own scale."""

    value: float
    interval: tuple[float, float]
    standard_error: float | None
    """None where the cases show no spread: they all agree, or there is only one."""
    n: int
    method: str
    clusters: int | None = None
    """Independent clusters behind the n cases; None where every case stands for itself."""


def interval(
    sample: Sample, *, confidence: float = 0.95, seed: int = SEED, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Two-sided interval of a sample's score, within its scale; see :func:`summarize`."""
    return summarize(sample, confidence=confidence, seed=seed, resamples=resamples).interval


def summarize(sample: Sample, *, confidence: float = 0.95, seed: int = SEED, resamples: int = RESAMPLES) -> Summary:
    """Value, interval and standard error of a sample's score; ``seed`` and ``resamples`` matter to a bootstrap only.

    The interval always holds the value and lies within the scale. A single case (or cluster) gives the whole
    scale. Where no two cases differ, no spread was seen, which is not the same as none: see :func:`unseen`.
    Raises MetricError for an empty sample, a confidence outside (0, 1) or fewer than 100 resamples.
    """
    check_settings(confidence, resamples)
    n = len(sample)
    if n == 0:
        raise MetricError("an interval needs at least one scored case, and this sample has none")
    groups = grouping(sample.clusters)
    if is_rate(sample):
        return _rate(sample, groups, confidence)
    if sample.is_mean:
        return _mean(sample, groups, confidence)
    table = Table(sample, groups)
    value = table.value()
    scores = [score for (score,) in bootstrap([table], resamples=resamples, seed=seed)]
    bounds, error = from_resamples(scores, value, len(table.matrix), confidence, sample.scale)
    return Summary(value=value, interval=bounds, standard_error=error, n=n, method=named("bootstrap", groups))


def wilson(share: float, n: float, critical: float) -> Interval:
    """Wilson's score interval of a share seen in ``n`` cases; ``critical`` is the normal (or t) quantile."""
    squared = critical * critical
    center = (share + squared / (2 * n)) / (1 + squared / n)
    half = critical / (1 + squared / n) * math.sqrt(share * (1 - share) / n + squared / (4 * n * n))
    return clip((center - half, center + half), share, (0.0, 1.0))


def from_resamples(
    scores: Sequence[float | None], value: float, units: int, confidence: float, scale: Interval
) -> tuple[Interval, float | None]:
    """Percentile interval and standard error from the scores of the resamples."""
    defined = [score for score in scores if score is not None]
    if units < 2 or (len(defined) == len(scores) and max(defined) - min(defined) <= SAME * max(map(abs, defined))):
        return unseen(value, units, confidence, scale), None
    bounds = clip(percentile(scores, confidence, scale), value, scale)
    return bounds, stdev(defined) if len(defined) > 1 else None


def named(method: str, groups: Sequence[int] | None) -> str:
    """Name of a method, with a word on what was taken as independent."""
    return method if groups is None else f"{method} over clusters"


def _rate(sample: Sample, groups: Sequence[int] | None, confidence: float) -> Summary:
    n, (low, high) = len(sample), sample.scale
    share = math.fsum((value - low) / (high - low) for value in sample.values) / n
    effective, critical, units = float(n), two_sided_z(confidence), n
    if groups is not None:
        error, units = mean_error([(value - low) / (high - low) for value in sample.values], groups)
        effective = min(effective, share * (1 - share) / error**2) if error else float(units)
        critical = t_quantile((1 + confidence) / 2, units - 1) if units > 1 else math.inf
    bounds = (0.0, 1.0) if units < 2 and groups is not None else wilson(share, effective, critical)
    scaled = (low + bounds[0] * (high - low), low + bounds[1] * (high - low))
    return Summary(
        value=low + share * (high - low),
        interval=scaled,
        standard_error=implied_error(scaled, confidence) if 0 < share < 1 else None,
        n=n,
        method=named("Wilson", groups),
    )


def _mean(sample: Sample, groups: Sequence[int] | None, confidence: float) -> Summary:
    n = len(sample)
    value = math.fsum(sample.values) / n
    error, units = mean_error(sample.values, groups)
    if error:
        half = t_quantile((1 + confidence) / 2, units - 1) * error
        bounds = clip((value - half, value + half), value, sample.scale)
        return Summary(value=value, interval=bounds, standard_error=error, n=n, method=named("t", groups))
    bounds = unseen(value, units, confidence, sample.scale)
    return Summary(value=value, interval=bounds, standard_error=None, n=n, method=named("rule of three", groups))
