"""What the procedures of this room work on: one score with its per-case numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Statistics

ROUNDING = 1e-9
"""How far a value may leave its scale, as a share of the scale, before it is more than a rounding error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One score's scored cases, in a fixed order.

    ``statistics`` and ``values`` (and ``clusters``, where given) have the same length n. Rows with the
    same cluster key depend on each other: sentences of one document, turns of one conversation, trials of
    one case. ``scale`` bounds the score and may be infinite on either side. Raises MetricError where
    lengths differ, a value is not a finite number, or the values of a mean leave the scale.
    """

    statistics: Sequence[Statistics]
    values: Sequence[float]
    """Score of each case on its own."""
    score: Callable[[Any, int], float]
    """(summed statistics, number of responses) -> value; raises UnscorableError where undefined."""
    is_mean: bool
    """True where the score is the plain mean of ``values``."""
    quantile: float | None = None
    """Where the score is a quantile of ``values``, which one; ``score`` then takes a mapping of values to counts."""
    scale: tuple[float, float] = (0.0, 1.0)
    clusters: Sequence[Hashable] | None = None

    def __post_init__(self) -> None:
        n, low, high = len(self.values), *self.scale
        if len(self.statistics) != n or (self.clusters is not None and len(self.clusters) != n):
            sizes = f"{len(self.statistics)} statistics, {n} values"
            clusters = "" if self.clusters is None else f", {len(self.clusters)} clusters"
            raise MetricError(f"a sample needs sequences of one length, not {sizes}{clusters}")
        if not low < high:
            raise MetricError(f"the scale {self.scale} must run from a lower to a higher number")
        slack = ROUNDING * (high - low) if math.isfinite(high - low) else ROUNDING
        inside = not self.is_mean or (n and low - slack <= min(self.values) and max(self.values) <= high + slack)
        if inside and all(map(math.isfinite, self.values)):
            return
        for row, value in enumerate(self.values):
            if not math.isfinite(value):
                raise MetricError(f"value {row} of the sample is {value}; leave the case unscored instead")
            if self.is_mean and not low - slack <= value <= high + slack:
                raise MetricError(f"value {row} of the sample, {value:g}, lies outside the scale {low:g} to {high:g}")

    def __len__(self) -> int:
        return len(self.values)


def grouping(clusters: Sequence[Hashable] | None) -> list[int] | None:
    """Cluster number (from 0, in order of appearance) of each row; None where no two rows share a cluster."""
    if clusters is None or len(set(clusters)) == len(clusters):
        return None
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in clusters]


def is_rate(sample: Sample) -> bool:
    """Whether the score is a share of cases: a mean of values that all lie at the two ends of a finite scale."""
    low, high = sample.scale
    return sample.is_mean and math.isfinite(high - low) and all(value in (low, high) for value in sample.values)


def check_settings(confidence: float, resamples: int) -> None:
    """Raise MetricError on a confidence outside (0, 1) or too few resamples to have a tail."""
    if not 0 < confidence < 1:
        raise MetricError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")
    if resamples < 100:
        raise MetricError(f"resamples is {resamples}; an interval needs at least 100")
