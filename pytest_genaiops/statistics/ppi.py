"""Prediction-powered inference: the mean of people's labels, from a few of them and a judge's value for every case.

The judge's values stand for people everywhere, and the labels measure by how much they are off. With ``n`` labelled
and ``N`` further cases, labels Y, judge's values F and a weight ``lambda``, the estimate is

    lambda * mean of F over the N + mean of (Y - lambda * F) over the n,

which has no bias whatever the judge is like, for any fixed weight; PPI++ (Angelopoulos, Duchi and Zrnic 2023,
arXiv:2311.01453, section 6) chooses the weight that makes the variance least: ``cov(Y, F) / ((1 + n / N) var(F))``.
A judge that tells nothing gets a weight near 0, and what is left are the labels alone. A negative one is taken for 0,
and every one is drawn towards 0 by the share of it that a judge who tells nothing would get by chance (the factor
``1 - 1 / F`` of the regression; Copas 1983, *JRSS B* 45), so that a useless judge costs next to nothing.

Their interval is a normal one, for many labels. This one is made for few:

- where labels are a yes or no, the bounds are those of Clopper and Pearson for as many labels as would tell as much
  alone (the effective number of Korn and Graubard 1998): they cover for extreme rates too, and are never wider than
  the bounds of the labels by more than the weight's uncertainty;
- elsewhere, and where hardly two labelled cases differ once the judge is taken into account, each of the two means has
  bounds that hold on each side (:mod:`~pytest_genaiops.statistics.bounds`), and those of the sum follow from them
  (MOVER: Zou and Donner 2008, *Statistics in Medicine* 27);
- that the weight is estimated from the same labels is paid for: the error of the second mean is as much larger as the
  jackknife's, which finds the weight anew without each case, is larger than the plain one;
- where labelled and other cases share clusters, the two means are correlated, and the sum takes that into account.

``benchmarks/calibration.py`` measures how often it covers, and how wide it is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.bounds import FEW, SKEWED, Bounds, mean_bounds
from pytest_genaiops.statistics.intervals import SEED, clopper_pearson
from pytest_genaiops.statistics.means import Interval, clip, implied_error, unit_residuals
from pytest_genaiops.statistics.quantiles import t_quantile
from pytest_genaiops.statistics.sample import check_settings, grouping

Sums: TypeAlias = tuple[float, ...]

LEAST = 2
"""Labels below which no spread is known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audited:
    """A judge's value for every case, and a person's label for some of them, drawn at random.

    All sequences have one length. Raises MetricError where they do not, a number is not finite, a label leaves its
    scale, or there are fewer than two labels.
    """

    predictions: Sequence[float]
    labels: Sequence[float | None]
    """None where nobody has looked."""
    scale: Interval = (0.0, 1.0)
    """Of the labels; may be infinite on either side."""
    clusters: Sequence[Hashable] | None = None
    labelled: Sequence[int] = field(init=False)
    """Positions of the labelled cases."""
    others: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        n, (low, high) = len(self.predictions), self.scale
        if len(self.labels) != n or (self.clusters is not None and len(self.clusters) != n):
            raise MetricError(f"{n} predictions need as many labels (None where there is none), and as many clusters")
        for row, (value, label) in enumerate(zip(self.predictions, self.labels, strict=True)):
            if not math.isfinite(value):
                raise MetricError(f"prediction {row} is {value}; leave the case out instead")
            if label is not None and not (math.isfinite(label) and low <= label <= high):
                raise MetricError(f"label {row} is {label:g}, which is not on the scale {low:g} to {high:g}")
        object.__setattr__(self, "labelled", [i for i, label in enumerate(self.labels) if label is not None])
        object.__setattr__(self, "others", [i for i, label in enumerate(self.labels) if label is None])
        if len(self.labelled) < LEAST:
            raise MetricError(f"{len(self.labelled)} labels tell nothing about a judge; give at least {LEAST}")

    @property
    def known(self) -> list[float]:
        """The labels that there are."""
        return [label for label in self.labels if label is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Powered:
    """The mean of people's labels over all cases, on the labels' scale."""

    value: float
    interval: Interval
    standard_error: float
    """Of a normal interval as wide as this one."""
    weight: float
    """Lambda: how far the judge is relied on; 0 where the labels stand alone."""
    units: int
    """Labelled cases or, with clusters, clusters that hold one."""


def powered_mean(
    sample: Audited, *, weight: float | None = None, confidence: float = 0.95, seed: int = SEED
) -> Powered:
    """The mean label over all cases; ``weight`` is lambda, by default that of PPI++.

    Raises MetricError for a confidence outside (0, 1).
    """
    check_settings(confidence, 100)
    found = tuned_weight(sample) if weight is None else weight
    inflation = _inflation(sample, found) if weight is None else 1.0
    parts = _Parts(
        corrections=_corrections(sample, found, confidence, seed),
        predicted=_predicted(sample, found, confidence, seed),
        inflation=inflation,
        correlation=_correlation(sample, found),
    )
    low, high = sample.scale
    value = max(low, min(high, parts.predicted.value + parts.corrections.value))
    if parts.corrections.method == SKEWED and all(label in sample.scale for label in sample.known):
        bounds = _of_share(sample, value, parts, confidence)
    else:
        bounds = clip((value - parts.of(_below), value + parts.of(_above)), value, sample.scale)
    return Powered(
        value=value,
        interval=bounds,
        standard_error=implied_error(bounds, confidence),
        weight=found,
        units=parts.corrections.units,
    )


def tuned_weight(sample: Audited) -> float:
    """Lambda of PPI++, drawn towards 0 by what chance alone would lend it, and not below 0.

    It is 0 where every case is labelled or the judge gives one value only, and where fewer than ``FEW`` labels are off
    the most common one: what a judge says of those cannot be known from so few.
    """
    (_, most), *_ = Counter(sample.known).most_common(1)
    if len(sample.labelled) - most < FEW:
        return 0.0
    return _weight(_sums(_pairs(sample)), len(sample.others), _variance(sample.predictions))


def _weight(sums: Sums, others: int, variance: float) -> float:
    """The weight from sums over the labelled cases, and the variance of the predictions over all cases."""
    n, y, f, yy, ff, yf = sums
    covariance, labels, values = yf / n - y * f / n**2, yy / n - (y / n) ** 2, ff / n - (f / n) ** 2
    if not others or n <= 2 or variance <= 0 or covariance <= 0 or labels <= 0 or values <= 0:
        return 0.0
    explained = min(1.0, covariance * covariance / (labels * values))
    real = max(0.0, 1 - (1 - explained) / (explained * (n - 2)))  # 1 - 1 / F of the regression
    return real * covariance / ((1 + n / others) * variance)


def _below(mean: Bounds) -> float:
    return mean.value - mean.interval[0]


def _above(mean: Bounds) -> float:
    return mean.interval[1] - mean.value


def _error(mean: Bounds) -> float:
    return mean.standard_error or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The two means that the estimate is the sum of."""

    corrections: Bounds
    predicted: Bounds
    inflation: float
    """How much larger the error of the corrections is for the weight being estimated."""
    correlation: float
    """Between the errors of the two."""

    def of(self, distance: Callable[[Bounds], float]) -> float:
        """A distance from the sum, from the same one of each part."""
        first, second = self.inflation * distance(self.corrections), distance(self.predicted)
        return math.sqrt(max(0.0, first * first + second * second + 2 * self.correlation * first * second))


def _of_share(sample: Audited, value: float, parts: _Parts, confidence: float) -> Interval:
    """Bounds of a share, from as many labels as would tell as much by themselves."""
    low, high = sample.scale
    share, error = (value - low) / (high - low), parts.of(_error) / (high - low)
    n, units, tail = len(sample.labelled), parts.corrections.units, (1 + confidence) / 2
    effective = float(units)
    if 0 < share < 1:
        freedom = (t_quantile(tail, n - 1) / t_quantile(tail, units - 1)) ** 2
        effective = max(1.0, share * (1 - share) / (error * error) * units / (units - 1) * freedom)
    bounds = clopper_pearson(share, effective, confidence)
    return low + bounds[0] * (high - low), low + bounds[1] * (high - low)


def _corrections(sample: Audited, weight: float, confidence: float, seed: int) -> Bounds:
    """The mean of label minus weighted prediction, over the labelled cases."""
    low, high = sample.scale
    ends = [weight * min(sample.predictions), weight * max(sample.predictions)]
    return mean_bounds(
        [y - weight * f for y, f in _pairs(sample)],
        _groups(sample, sample.labelled),
        confidence=confidence,
        scale=(low - max(ends), high - min(ends)),
        seed=seed,
    )


def _predicted(sample: Audited, weight: float, confidence: float, seed: int) -> Bounds:
    """The weighted mean of the predictions for the other cases."""
    if not weight or not sample.others:
        return Bounds(value=0.0, interval=(0.0, 0.0), standard_error=None, units=0, method="")
    found = mean_bounds(
        [sample.predictions[i] for i in sample.others],
        _groups(sample, sample.others),
        confidence=confidence,
        scale=(min(sample.predictions), max(sample.predictions)),
        seed=seed,
    )
    ends = sorted(weight * end for end in found.interval)
    return replace(
        found,
        value=weight * found.value,
        interval=(ends[0], ends[1]),
        standard_error=abs(weight) * (found.standard_error or 0.0),
    )


def _inflation(sample: Audited, weight: float) -> float:
    """How much larger the jackknife's standard error is when each unit left out changes the weight too."""
    others, variance = len(sample.others), _variance(sample.predictions)
    if not weight or not others:
        return 1.0
    outside = math.fsum(sample.predictions[i] for i in sample.others) / others
    total = _sums(_pairs(sample))
    fixed, tuned = [], []
    for unit in _units(sample):
        sums = tuple(a - b for a, b in zip(total, _sums(unit), strict=True))
        n, label, value = sums[:3]
        if n < 1:
            return 1.0
        fixed.append(label / n - weight * (value / n - outside))
        tuned.append(label / n - _weight(sums, others, variance) * (value / n - outside))
    plain = _variance(fixed)
    return max(1.0, math.sqrt(_variance(tuned) / plain)) if plain else 1.0


def _correlation(sample: Audited, weight: float) -> float:
    """Between the errors of the two means: not 0 only where labelled and other cases share clusters."""
    if sample.clusters is None or not weight or len(set(sample.clusters)) == len(sample.clusters):
        return 0.0
    groups = grouping(sample.clusters) or []
    differences = [y - weight * f for y, f in _pairs(sample)]
    left = _by_group(differences, [groups[i] for i in sample.labelled], max(groups) + 1)
    right = _by_group([sample.predictions[i] for i in sample.others], [groups[i] for i in sample.others], len(left))
    spread = math.sqrt(math.fsum(a * a for a in left) * math.fsum(b * b for b in right))
    return math.fsum(a * b for a, b in zip(left, right, strict=True)) / spread if spread else 0.0


def _by_group(values: Sequence[float], groups: Sequence[int], count: int) -> Sequence[float]:
    """Distances from the mean, summed over every group."""
    center = math.fsum(values) / len(values)
    return unit_residuals([*values, center], center, [*groups, count - 1])  # every group is there, if only with 0


def _pairs(sample: Audited) -> list[tuple[float, float]]:
    return [(y, sample.predictions[i]) for i, y in enumerate(sample.labels) if y is not None]


def _units(sample: Audited) -> list[list[tuple[float, float]]]:
    """The labelled pairs by what is independent: each for itself, or those of a cluster together."""
    pairs, groups = _pairs(sample), _groups(sample, sample.labelled)
    if groups is None:
        return [[pair] for pair in pairs]
    found: list[list[tuple[float, float]]] = [[] for _ in range(max(groups) + 1)]
    for group, pair in zip(groups, pairs, strict=True):
        found[group].append(pair)
    return found


def _groups(sample: Audited, rows: Sequence[int]) -> list[int] | None:
    return grouping([sample.clusters[i] for i in rows]) if sample.clusters is not None else None


def _sums(pairs: Sequence[tuple[float, float]]) -> Sums:
    """Number of pairs, and sums of y, f, y², f² and yf."""
    rows = [(1.0, y, f, y * y, f * f, y * f) for y, f in pairs]
    return tuple(map(math.fsum, zip(*rows, strict=True)))


def _variance(values: Sequence[float]) -> float:
    n = len(values)
    if n < 2:
        return 0.0
    mean = math.fsum(values) / n
    return math.fsum((value - mean) ** 2 for value in values) / (n - 1)
