"""Difference of two scores on the same cases: candidate minus baseline.

- shares of cases: Tango's score interval, McNemar's exact and mid-p test; with clusters, as other means;
- other means: the bounds of a mean on the per-case differences (over clusters, where there are any);
- quantiles: the distances of both from the bounds of each (see :mod:`~pytest_genaiops.statistics.positions`);
- anything else: paired BCa bootstrap, both sides on the same resamples.

A sample compared with itself differs by exactly 0. The same holds where every one of at least
``ENOUGH_TO_BE_THE_SAME`` cases (or clusters) has equal statistics on both sides and the values are
fine-grained: outputs that agree so closely are taken to be the same outputs. A tie of shares or of
fewer cases proves no such thing.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.bounds import SKEWED, Bounds, mean_bounds
from pytest_genaiops.statistics.intervals import RESAMPLES, SEED, from_resamples, named, quantile_of
from pytest_genaiops.statistics.means import Interval, clip, implied_error, unit_residuals
from pytest_genaiops.statistics.positions import correlation, difference_bounds, finite_error, inverted, reached
from pytest_genaiops.statistics.quantiles import t_two_sided
from pytest_genaiops.statistics.randomization import approximate_randomization, paired_bootstrap, sign_flip
from pytest_genaiops.statistics.resampling import Table, bootstrap
from pytest_genaiops.statistics.sample import Sample, check_settings, grouping, is_rate
from pytest_genaiops.statistics.tango import mcnemar, mcnemar_mid_p, tango

ENOUGH_TO_BE_THE_SAME = 20
"""Independent cases (or clusters) with equal statistics from which on two samples count as one."""

LEVELS = 2
"""Distinct per-case values up to which a tie says little: right or wrong, yes or no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Candidate minus baseline on the metric's own scale, not turned by its direction."""

    value: float
    interval: tuple[float, float]
    standard_error: float | None
    """None where the cases show no spread: they all change by the same, or there is only one."""
    n: int
    method: str
    clusters: int | None = None
    """Independent clusters behind the n cases; None where every case stands for itself."""
    p_values: Mapping[str, float]
    """Name of a test -> its two-sided p-value of no difference, the one that goes with the interval first."""

    @property
    def p_value(self) -> float:
        """Two-sided, of the hypothesis that there is no difference."""
        return next(iter(self.p_values.values()))


def difference(
    candidate: Sample, baseline: Sample, *, confidence: float = 0.95, seed: int = SEED, resamples: int = RESAMPLES
) -> Difference:
    """Paired difference of two samples whose rows are the same cases in the same order.

    Clusters are those of the candidate. ``seed`` and ``resamples`` matter to a bootstrap only. Raises
    MetricError for empty samples, samples of different length, scale or kind, a confidence outside (0, 1)
    or fewer than 100 resamples.
    """
    check_settings(confidence, resamples)
    n = len(candidate)
    if n != len(baseline):
        raise MetricError(f"a paired difference needs the same cases on both sides, not {n} and {len(baseline)}")
    if n == 0:
        raise MetricError("a paired difference needs at least one case that both sides scored, and there is none")
    kinds = [(side.is_mean, side.quantile, side.scale) for side in (candidate, baseline)]
    if kinds[0] != kinds[1]:
        raise MetricError("a paired difference needs two samples of one metric; these differ in scale or kind")
    groups = grouping(candidate.clusters)
    if _same(candidate, baseline, n if groups is None else max(groups) + 1):
        units = None if groups is None else max(groups) + 1
        return Difference(
            value=0.0,
            interval=(0.0, 0.0),
            standard_error=0.0,
            p_values={"same outputs": 1.0},
            n=n,
            method="same outputs",
            clusters=units,
        )
    if candidate.quantile is not None:
        return _quantiles(candidate, baseline, groups, confidence)
    if not candidate.is_mean:
        return _resampled((candidate, baseline), groups, confidence, (seed, resamples))
    if is_rate(candidate) and is_rate(baseline) and groups is None:
        return _shares(candidate, baseline, confidence)
    return _means(candidate, baseline, groups, (confidence, seed))


def p_values(candidate: Sample, baseline: Sample, *, seed: int = SEED) -> dict[str, float]:
    """The slower tests of no difference: sign flips for a mean; for any other score sacrebleu's two, with its numbers.

    Raises MetricError as :func:`difference` does.
    """
    groups = grouping(candidate.clusters)
    if candidate.is_mean:
        changes = array("d", map(operator.sub, candidate.values, baseline.values))
        return {"sign-flip permutation": sign_flip(changes, groups=groups, seed=seed)}
    if candidate.quantile is not None:
        return {}
    if (len(candidate) if groups is None else max(groups) + 1) < 2:
        return {}
    return {
        "paired bootstrap": paired_bootstrap(candidate, baseline, seed=seed).p_value,
        "approximate randomization": approximate_randomization(candidate, baseline, seed=seed),
    }


def _same(candidate: Sample, baseline: Sample, units: int) -> bool:
    """Whether both sides are one set of outputs, by identity or by overwhelming agreement."""
    if candidate is baseline:
        return True
    return (
        units >= ENOUGH_TO_BE_THE_SAME
        and all(ours == theirs for ours, theirs in zip(candidate.statistics, baseline.statistics, strict=True))
        and _levels(candidate.values) > LEVELS
    )


def _levels(values: Sequence[float]) -> int:
    """Distinct values, counted no further than matters."""
    seen: set[float] = set()
    for value in values:
        seen.add(value)
        if len(seen) > LEVELS:
            break
    return len(seen)


def _span(sample: Sample) -> Interval:
    """Scale of a difference."""
    width = sample.scale[1] - sample.scale[0]
    return -width, width


def _shares(candidate: Sample, baseline: Sample, confidence: float) -> Difference:
    n, width = len(candidate), candidate.scale[1] - candidate.scale[0]
    gained = sum(map(operator.gt, candidate.values, baseline.values))
    lost = sum(map(operator.lt, candidate.values, baseline.values))
    low, high = tango(gained, lost, n, confidence)
    bounds = (low * width, high * width)
    return Difference(
        value=width * (gained - lost) / n,
        interval=bounds,
        standard_error=implied_error(bounds, confidence) if gained + lost else None,
        p_values={"McNemar exact": mcnemar(gained, lost), "McNemar mid-p": mcnemar_mid_p(gained, lost)},
        n=n,
        method="Tango",
    )


def _means(candidate: Sample, baseline: Sample, groups: Sequence[int] | None, asked: tuple[float, int]) -> Difference:
    confidence, seed = asked
    changes = array("d", map(operator.sub, candidate.values, baseline.values))
    found = mean_bounds(changes, groups, confidence=confidence, scale=_span(candidate), seed=seed)
    return Difference(
        value=found.value,
        interval=found.interval,
        standard_error=found.standard_error,
        p_values=_tested(found, changes, groups),
        n=len(changes),
        method=named(f"paired {found.method}", groups),
        clusters=None if groups is None else found.units,
    )


def _tested(found: Bounds, changes: Sequence[float], groups: Sequence[int] | None) -> dict[str, float]:
    """The p-value that goes with the interval: of t, or exact where so few units differ that t knows nothing."""
    if found.method == SKEWED and found.standard_error:
        return {"paired t": t_two_sided(found.value / found.standard_error, found.units - 1)}
    return {"sign-flip permutation": sign_flip(changes, groups=groups)}


def _quantiles(candidate: Sample, baseline: Sample, groups: Sequence[int] | None, confidence: float) -> Difference:
    (ours, mine), (theirs, other) = (quantile_of(side, groups, confidence) for side in (candidate, baseline))
    reaches = reached(candidate.values, ours), reached(baseline.values, theirs)
    # Where a quantile lies in a gap of its distribution, agreement of the two sides says too little of their errors:
    # it is never taken to make the interval narrower, while disagreement makes it wider.
    together = min(0.0, correlation(*(unit_residuals(each, math.fsum(each) / len(each), groups) for each in reaches)))

    def bounds(level: float) -> Interval:
        return difference_bounds((ours, mine(level)), (theirs, other(level)), together)

    found = clip(bounds(confidence), ours - theirs, _span(candidate))
    return Difference(
        value=ours - theirs,
        interval=found,
        standard_error=finite_error(found, confidence),
        p_values={"order statistics": inverted(bounds)},
        n=len(candidate),
        method=named("paired order statistics", groups),
        clusters=None if groups is None else max(groups) + 1,
    )


def _resampled(
    sides: tuple[Sample, Sample], groups: Sequence[int] | None, confidence: float, drawing: tuple[int, int]
) -> Difference:
    seed, resamples = drawing
    tables = [Table(side, groups) for side in sides]
    value = tables[0].value() - tables[1].value()
    changes = [
        None if ours is None or theirs is None else ours - theirs
        for ours, theirs in bootstrap(tables, resamples=resamples, seed=seed)
    ]
    units = len(tables[0].matrix)
    bounds, error = from_resamples(changes, value, tables, confidence, _span(sides[0]))
    return Difference(
        value=value,
        interval=bounds,
        standard_error=error,
        p_values={"paired bootstrap": _shifted_p(changes, value) if units > 1 else 1.0},
        n=len(sides[0]),
        method=named("paired BCa bootstrap", groups),
        clusters=None if groups is None else units,
    )


def _shifted_p(changes: Sequence[float | None], value: float) -> float:
    """Share of resamples at least as far from the observed difference as that is from 0 (Riezler and Maxwell 2005)."""
    far = sum(change is None or abs(change - value) >= abs(value) for change in changes)
    return (far + 1) / (len(changes) + 1)
