"""Contrasts of many scores over the same cases: weighted sums whose weights add up to zero, such as a main effect.

- a mean: the contrast of the values of one case is one number, so that the contrast of the scores is the mean of such
  numbers and paired by case. Its interval is that of any mean (:mod:`~pytest_genaiops.statistics.bounds`), over
  clusters where there are any; its p-value is of Student t with one degree of freedom less than there are cases or
  clusters, and of sign flips where fewer than ``FEW`` of them differ from the others;
- anything else: all scores on one set of resamples, whole clusters drawn; Student t over the standard error of the
  contrast's resamples, for the interval as well as for the p-value.

The standard error of a contrast of means is the cluster-robust one of a linear model of all values on the variants'
settings (Liang and Zeger 1986, *Biometrika* 73:13-22) with the factor G / (G - 1) for G clusters.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Statistics
from pytest_genaiops.statistics.bounds import FEW, mean_bounds
from pytest_genaiops.statistics.intervals import SEED
from pytest_genaiops.statistics.means import SAME, Interval, clip, unseen
from pytest_genaiops.statistics.quantiles import t_quantile, t_two_sided
from pytest_genaiops.statistics.randomization import sign_flip
from pytest_genaiops.statistics.resampling import Table, bootstrap
from pytest_genaiops.statistics.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Vector: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.intp]

RESAMPLES = 1000
"""Of a score that is no mean: its standard error is then known to about 2 %."""

LEAST = 100
"""Resamples on which all scores of a contrast are defined, below which nothing is said of its spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Contrasts without their intervals: a number of each kind for each."""

    values: Vector
    """On the metric's scale."""
    errors: Vector
    """Standard errors; 0 where no spread was seen."""
    p_values: Vector
    """Two-sided, of a contrast of 0."""

    def strength(self) -> Vector:
        """How many standard errors each is away from 0; without a spread, infinitely many or none."""
        import numpy as np

        spread = self.errors > 0
        ratio = np.where(self.values == 0, 0.0, np.inf)
        return np.divide(np.abs(self.values), self.errors, out=ratio, where=spread)


class Panel(ABC):
    """Scores of some samples over the same cases, ready for contrasts between them."""

    __slots__ = ("cases", "clustered", "scale", "units", "values")

    values: Vector
    """The score of each sample."""
    scale: Interval
    cases: int
    units: int
    """Independent cases, or clusters."""
    clustered: bool

    @abstractmethod
    def estimates(self, weights: Matrix) -> Estimates:
        """The contrasts of these weights: one row for each, one column for each sample."""

    @abstractmethod
    def errors_beside(self, sample: int) -> Vector:
        """Standard errors of the differences between each sample and this one; 0 where no spread was seen."""

    @abstractmethod
    def interval(self, weights: Vector, confidence: float) -> Interval:
        """Two-sided interval of one contrast, within its :meth:`span`."""

    @abstractmethod
    def covariance(self) -> Matrix:
        """Of the errors of the scores, each less the mean error of all scores: differences keep their variance."""

    @abstractmethod
    def differing(self) -> NDArray[np.intp]:
        """For each pair of samples, how many units differ between the two."""

    def span(self, weights: Vector) -> Interval:
        """Lowest and highest value that a contrast can have on this scale."""
        width = self.scale[1] - self.scale[0]
        reach = float(weights[weights > 0].sum()) * width if weights.any() else 0.0
        return -reach, reach


class Means(Panel):
    """Scores that are means of one value a case.

    ``values`` has one row a sample and one column a case, all finite; ``groups`` numbers the clusters of the cases
    from 0, without a gap. Raises MetricError for no cases.
    """

    __slots__ = ("_groups", "_largest", "_seed", "_sizes", "_sums", "_table")

    def __init__(
        self, values: Matrix, groups: Places | None = None, *, scale: Interval = (0.0, 1.0), seed: int = SEED
    ) -> None:
        import numpy as np

        if not values.size:
            raise MetricError("a contrast needs at least one case that all its samples scored, and there is none")
        self._table, self._groups, self.scale, self._seed = values, groups, scale, seed
        self.values = values.mean(axis=1)
        self.cases = values.shape[1]
        self.clustered = groups is not None
        self._sizes, self._sums = np.ones(self.cases), values
        if groups is not None:
            self._sizes = np.bincount(groups).astype(np.float64)
            self._sums = np.array([np.bincount(groups, row) for row in values])
        self.units = len(self._sizes)
        self._largest: Vector = np.abs(values).max(axis=1)

    def estimates(self, weights: Matrix) -> Estimates:
        """The contrasts of the means, with p-values of t or of sign flips."""
        import numpy as np

        sums = weights @ self._sums
        values, largest = sums.sum(axis=1) / self.cases, np.abs(weights) @ self._largest
        values[np.abs(values) <= SAME * largest] = 0.0
        errors = self._errors(sums - np.outer(values, self._sizes), largest)
        rows = zip(sums, values.tolist(), errors.tolist(), weights, strict=True)
        p_values = [self._p_value(total, value, error, self.span(row)) for total, value, error, row in rows]
        return Estimates(values=values, errors=errors, p_values=np.array(p_values, dtype=np.float64))

    def errors_beside(self, sample: int) -> Vector:
        """From the differences of single cases, summed over each cluster."""
        import numpy as np

        sums = self._sums - self._sums[sample]
        means = self.values - self.values[sample]
        return self._errors(sums - np.outer(means, self._sizes), self._largest + self._largest[sample])

    def interval(self, weights: Vector, confidence: float) -> Interval:
        """That of the mean of the contrasts of single cases."""
        changes = self._rounded(weights @ self._table)
        groups = None if self._groups is None else self._groups.tolist()
        return mean_bounds(
            changes.tolist(), groups, confidence=confidence, scale=self.span(weights), seed=self._seed
        ).interval

    def covariance(self) -> Matrix:
        """From the distances of values to their means, summed over each cluster."""
        import numpy as np

        residuals = self._sums - np.outer(self.values, self._sizes)
        residuals = residuals - residuals.mean(axis=0)
        factor = self.units / (self.units - 1) if self.units > 1 else 0.0
        found: Matrix = residuals @ residuals.T * (factor / self.cases**2)
        return found

    def differing(self) -> NDArray[np.intp]:
        """Units of which a case has different values."""
        return _differing(self._table, self._groups)

    def _errors(self, residuals: Matrix, largest: Vector) -> Vector:
        """Standard errors from the residuals of each unit; what is tiny beside ``largest`` is rounding."""
        import numpy as np

        if self.units < 2:
            return np.zeros(len(residuals))
        factor = self.units / (self.units - 1)
        errors: Vector = np.sqrt(np.einsum("ij,ij->i", residuals, residuals) * factor) / self.cases
        return np.where(errors > SAME * largest, errors, 0.0)

    def _p_value(self, sums: Vector, value: float, error: float, span: Interval) -> float:
        """The p-value that goes with the interval: of t, or exact where so few units differ that t knows nothing."""
        if not error:
            return _without_spread(value, self.units)
        if math.isfinite(span[1]) and self._few_differ(sums):
            return sign_flip(self._rounded(sums).tolist())
        return t_two_sided(value / error, self.units - 1)

    def _few_differ(self, sums: Vector) -> bool:
        """As :func:`~pytest_genaiops.statistics.bounds.mean_bounds` has it: units off the most common value."""
        import numpy as np

        means = self._rounded(sums / self._sizes)
        levels, counts = np.unique(means[: 2 * FEW], return_counts=True)
        return int(np.count_nonzero(means != levels[counts.argmax()])) < FEW

    def _rounded(self, numbers: Vector) -> Vector:
        """Numbers that differ by rounding alone made equal: sums of the same terms in another order."""
        import numpy as np

        step = max(float(np.abs(self._table).max()), float(np.abs(numbers).max())) * SAME
        return np.round(numbers / step) * step if step > 1e-300 else numbers


class Drawn(Panel):
    """Scores that are no means, of samples whose rows belong to the same units; all on one set of resamples.

    ``groups`` gives for each sample the unit of each of its rows, from 0 without a gap, the same units for all; None
    where each row is a unit of its own. Raises MetricError for no rows, UnscorableError where the metric is undefined
    on a sample.
    """

    __slots__ = ("_groups", "_samples", "_scores")

    def __init__(
        self, samples: Sequence[Sample], groups: Sequence[Sequence[int]] | None = None, *, cases: int, seed: int = SEED
    ) -> None:
        import numpy as np

        if not cases:
            raise MetricError("a contrast needs at least one case that all its samples scored, and there is none")
        each = [None] * len(samples) if groups is None else groups
        tables = [Table(sample, own) for sample, own in zip(samples, each, strict=True)]
        self._samples, self._groups = samples, groups
        self.scale, self.cases = samples[0].scale, cases
        self.values = np.array([table.value() for table in tables], dtype=np.float64)
        self.units = len(tables[0].matrix)
        self.clustered = self.units < cases
        # None, a resample on which the metric is undefined, becomes NaN, which leaves no method of this class.
        self._scores: Matrix = np.array(bootstrap(tables, resamples=RESAMPLES, seed=seed), dtype=np.float64)

    def estimates(self, weights: Matrix) -> Estimates:
        """The contrasts of the scores, with p-values of t; a share of undefined resamples adds to them."""
        import numpy as np

        values = weights @ self.values
        values[np.abs(values) <= SAME * (np.abs(weights) @ np.abs(self.values))] = 0.0
        spreads = [self._spread(row) for row in weights]
        p_values = [
            min(1.0, self._p_value(value, error) + gone)
            for value, (error, gone) in zip(values.tolist(), spreads, strict=True)
        ]
        errors = np.array([error for error, _ in spreads], dtype=np.float64)
        return Estimates(values=values, errors=errors, p_values=np.array(p_values, dtype=np.float64))

    def errors_beside(self, sample: int) -> Vector:
        """Standard deviations of the differences of the resamples."""
        import numpy as np

        weights = np.eye(len(self.values))
        weights[:, sample] -= 1.0
        return np.array([self._spread(row)[0] for row in weights], dtype=np.float64)

    def interval(self, weights: Vector, confidence: float) -> Interval:
        """Student t; the whole span where too few resamples are defined."""
        value, (error, gone), span = float(weights @ self.values), self._spread(weights), self.span(weights)
        if gone > 1 - LEAST / RESAMPLES:
            return span
        if self.units < 2 or not error:
            return unseen(value, self.units, confidence, span)
        reach = error * t_quantile((1 + confidence) / 2, self.units - 1)
        return clip((value - reach, value + reach), value, span)

    def covariance(self) -> Matrix:
        """Of the scores of the resamples; all 0 where too few of them are defined."""
        import numpy as np

        defined = self._scores[np.isfinite(self._scores).all(axis=1)]
        size = len(self.values)
        if self.units < 2 or len(defined) < LEAST:
            return np.zeros((size, size))
        defined = defined - defined.mean(axis=1, keepdims=True)
        factor = self.units / (self.units - 1)
        found: Matrix = np.cov(defined, rowvar=False).reshape(size, size) * factor
        return found

    def differing(self) -> NDArray[np.intp]:
        """Units whose statistics differ."""
        import numpy as np

        known: dict[Hashable, int] = {}
        rows = [[known.setdefault(_key(row), len(known)) for row in sample.statistics] for sample in self._samples]
        if self._groups is None:
            return _differing(np.array(rows, dtype=np.float64), None)
        units: dict[Hashable, int] = {}
        codes = [
            [units.setdefault(held, len(units)) for held in _held(own, groups, self.units)]
            for own, groups in zip(rows, self._groups, strict=True)
        ]
        return _differing(np.array(codes, dtype=np.float64), None)

    def _spread(self, weights: Vector) -> tuple[float, float]:
        """Standard error of a contrast, and the share of the resamples on which it is undefined."""
        import numpy as np

        used = weights != 0
        if not used.any():
            return 0.0, 0.0
        drawn = self._scores[:, used] @ weights[used]
        defined = drawn[np.isfinite(drawn)]
        gone = 1 - len(defined) / len(drawn)
        if self.units < 2 or len(defined) < LEAST:
            return 0.0, gone
        # Resamples of n units vary by (n - 1) / n of what samples do (Efron and Tibshirani 1993, section 5.3).
        error = float(defined.std(ddof=1)) * math.sqrt(self.units / (self.units - 1))
        largest = float(np.abs(weights) @ np.abs(self.values))
        return (error if error > SAME * largest else 0.0), gone

    def _p_value(self, value: float, error: float) -> float:
        return t_two_sided(value / error, self.units - 1) if error else _without_spread(value, self.units)


def _without_spread(value: float, units: int) -> float:
    """Where all units agree: a sign test."""
    return 1.0 if value == 0 or units < 2 else 2.0 ** (1 - units)


def _differing(table: Matrix, groups: Places | None) -> NDArray[np.intp]:
    """For each pair of rows, in how many columns (or groups of columns) the two differ."""
    import numpy as np

    ordered = table if groups is None else table[:, np.argsort(groups, kind="stable")]
    starts = np.arange(table.shape[1]) if groups is None else np.cumsum(np.bincount(groups)) - np.bincount(groups)
    found = np.zeros((len(table), len(table)), dtype=np.intp)
    for place, row in enumerate(ordered[:-1]):
        counts = np.logical_or.reduceat(ordered[place + 1 :] != row, starts, axis=1).sum(axis=1)
        found[place, place + 1 :] = found[place + 1 :, place] = counts
    return found


def _held(rows: Sequence[int], groups: Sequence[int], units: int) -> Iterable[tuple[int, ...]]:
    """What each unit has of the rows, in order of size."""
    held: list[list[int]] = [[] for _ in range(units)]
    for row, unit in zip(rows, groups, strict=True):
        held[unit].append(row)
    return (tuple(sorted(each)) for each in held)


def _key(row: Statistics) -> Hashable:
    return frozenset(row.items()) if isinstance(row, Mapping) else row
