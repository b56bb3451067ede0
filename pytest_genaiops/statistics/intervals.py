"""Confidence intervals of one score.

- a share of cases: the exact interval of Clopper and Pearson (1934, *Biometrika* 26); with clusters, on the effective
  number of cases (Korn and Graubard 1998; Dean and Pagano 2015);
- another mean: Student t corrected for skewness, or bounds that assume nothing where hardly any two cases differ;
  with clusters, over clusters (see :mod:`~pytest_genaiops.statistics.bounds`);
- a quantile: order statistics (see :mod:`~pytest_genaiops.statistics.positions`);
- anything else: BCa bootstrap of the summed statistics over cases or, with clusters, over clusters.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import stdev

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.bca import acceleration, bca
from pytest_genaiops.statistics.bounds import mean_bounds
from pytest_genaiops.statistics.means import SAME, Interval, clip, implied_error, mean_error, unit_residuals, unseen
from pytest_genaiops.statistics.positions import finite_error, quantile_bounds, reached
from pytest_genaiops.statistics.quantiles import beta_quantile, normal_cdf, t_quantile
from pytest_genaiops.statistics.resampling import Table, bootstrap
from pytest_genaiops.statistics.sample import Sample, check_settings, grouping, is_rate

SEED = 12345
RESAMPLES = 2000
FURTHEST = 1e-12
"""Tail beyond which no resample lies."""


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
        return _mean(sample, groups, confidence, seed)
    if sample.quantile is not None:
        return _quantile(sample, groups, confidence)
    table = Table(sample, groups)
    value = table.value()
    scores = [score for (score,) in bootstrap([table], resamples=resamples, seed=seed)]
    bounds, error = from_resamples(scores, value, [table], confidence, sample.scale)
    units = len(table.matrix)
    return Summary(
        value=value,
        interval=bounds,
        standard_error=error,
        n=n,
        method=named("BCa bootstrap", groups),
        clusters=None if groups is None else units,
    )


def clopper_pearson(share: float, n: float, confidence: float) -> Interval:
    """Clopper and Pearson's interval of a share seen in ``n`` cases: each bound errs at most (1 - confidence) / 2.

    Neither ``n`` nor ``share * n`` needs to be whole (Korn and Graubard 1998).
    """
    outside, seen = (1 - confidence) / 2, share * n
    low = beta_quantile(outside, seen, n - seen + 1) if share > 0 else 0.0
    high = beta_quantile(1 - outside, seen + 1, n - seen) if share < 1 else 1.0
    return clip((low, high), share, (0.0, 1.0))


def quantile_of(
    sample: Sample, groups: Sequence[int] | None, confidence: float
) -> tuple[float, Callable[[float], Interval]]:
    """A sample's quantile, and its interval by confidence.

    With clusters there are as many independent values as tell the same, at ``confidence``, about the share of values up
    to the quantile.
    """
    assert sample.quantile is not None
    n, value = len(sample), sample.score(Counter(sample.values), len(sample))
    effective = float(n)
    if groups is not None:
        shares = reached(sample.values, value)
        effective = _effective_n(shares, math.fsum(shares) / n, groups, confidence) if max(groups) else 1.0
    ordered, quantile = sorted(sample.values), sample.quantile
    return value, lambda level: quantile_bounds(
        ordered, quantile, effective=effective, confidence=level, scale=sample.scale
    )


def _quantile(sample: Sample, groups: Sequence[int] | None, confidence: float) -> Summary:
    value, bounds_at = quantile_of(sample, groups, confidence)
    bounds = bounds_at(confidence)
    return Summary(
        value=value,
        interval=bounds,
        standard_error=finite_error(bounds, confidence),
        n=len(sample),
        method=named("order statistics", groups),
        clusters=None if groups is None else max(groups) + 1,
    )


def from_resamples(
    scores: Sequence[float | None], value: float, tables: Sequence[Table], confidence: float, scale: Interval
) -> tuple[Interval, float | None]:
    """BCa interval and standard error from the scores of the resamples of one table, or of the difference of two."""
    units, defined = len(tables[0].matrix), [score for score in scores if score is not None]
    if units < 2 or (len(defined) == len(scores) and max(defined) - min(defined) <= SAME * max(map(abs, defined))):
        return unseen(value, units, confidence, scale), None
    bounds = bca(scores, value, acceleration(tables), _expanded(confidence, units), scale)
    return clip(bounds, value, scale), stdev(defined) if len(defined) > 1 else None


def _expanded(confidence: float, units: int) -> float:
    """Confidence at which the normal quantiles of the bootstrap reach as far as those of t.

    A resample of n units varies like n - 1 of them, and its spread is taken for known (Hesterberg 2015, *What
    teachers should know about the bootstrap*, The American Statistician 69, on expanded percentile intervals).
    """
    critical = t_quantile((1 + confidence) / 2, units - 1) * math.sqrt(units / (units - 1))
    return 1 - 2 * max(normal_cdf(-critical), FURTHEST)


def named(method: str, groups: Sequence[int] | None) -> str:
    """Name of a method, with a word on what was taken as independent."""
    return method if groups is None else f"{method} over clusters"


def _rate(sample: Sample, groups: Sequence[int] | None, confidence: float) -> Summary:
    n, (low, high) = len(sample), sample.scale
    shares = [(value - low) / (high - low) for value in sample.values]
    share = math.fsum(shares) / n
    units, bounds = n, (0.0, 1.0)
    if groups is None:
        bounds = clopper_pearson(share, n, confidence)
    elif (units := max(groups) + 1) > 1:
        bounds = clopper_pearson(share, _effective_n(shares, share, groups, confidence), confidence)
    scaled = (low + bounds[0] * (high - low), low + bounds[1] * (high - low))
    return Summary(
        value=low + share * (high - low),
        interval=scaled,
        standard_error=implied_error(scaled, confidence) if 0 < share < 1 else None,
        n=n,
        method=named("Clopper-Pearson", groups),
        clusters=None if groups is None else units,
    )


def _effective_n(shares: Sequence[float], share: float, groups: Sequence[int], confidence: float) -> float:
    """Independent cases that would tell as much as these clusters do (Korn and Graubard 1998; Dean and Pagano 2015)."""
    n, units = len(shares), max(groups) + 1
    error = mean_error(unit_residuals(shares, share, groups), n, 1.0)
    if not error:
        return float(units)
    tail = (1 + confidence) / 2
    freedom = (t_quantile(tail, n - 1) / t_quantile(tail, units - 1)) ** 2
    return max(1.0, min(n, share * (1 - share) / error**2) * freedom)


def _mean(sample: Sample, groups: Sequence[int] | None, confidence: float, seed: int) -> Summary:
    found = mean_bounds(sample.values, groups, confidence=confidence, scale=sample.scale, seed=seed)
    return Summary(
        value=found.value,
        interval=found.interval,
        standard_error=found.standard_error,
        n=len(sample),
        method=named(found.method, groups),
        clusters=None if groups is None else found.units,
    )
