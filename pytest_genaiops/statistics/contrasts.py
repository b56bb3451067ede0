"""Contrasts of many scores over the same cases: weighted sums whose weights add up to zero, such as a main effect.

The standard error of a contrast is that of the jackknife that leaves out one case (or cluster) at a time, from all
scores at once: the contrast is paired by case whatever the scores are. Of means it is the cluster-robust error of a
linear model of all values on the variants' settings (Liang and Zeger 1986, *Biometrika* 73:13-22): where all clusters
have one size, with the factor G / (G - 1) for G clusters; where they do not, of the kind CV3, which is less misled by
large ones (Bell and McCaffrey 2002, *Survey Methodology* 28:169-181; MacKinnon, Nielsen and Webb 2023, *Journal of
Applied Econometrics* 38:671-694). Student t has G - 1 degrees of freedom, or as many as clusters of unequal size are
worth (:func:`freedom_of`).

- a mean: the contrast of the values of one case is one number, and the contrast of the scores is the mean of such
  numbers. Interval and p-value are of Student t corrected for skewness, as of any mean
  (:mod:`~pytest_genaiops.statistics.bounds`), and each is the other turned round: the p-value is at most 1 - confidence
  where the interval leaves out 0;
- a mean where fewer than ``FEW`` cases or clusters are off the most common value: they tell nothing of a spread. The
  p-value is of sign flips, exact where a change is as likely upward as downward; the interval assumes nothing but the
  scale and is wider. Here alone the two may part: turned into a test, that interval would never find a change that all
  of eight cases show;
- anything else: interval and p-value are of Student t.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Statistics
from pytest_genaiops.statistics.bca import LEFT_OUT
from pytest_genaiops.statistics.bounds import FEW, mean_bounds, skewed_quantiles, skewed_t
from pytest_genaiops.statistics.intervals import SEED
from pytest_genaiops.statistics.means import SAME, Interval, clip, unseen
from pytest_genaiops.statistics.quantiles import t_quantile, t_two_sided
from pytest_genaiops.statistics.randomization import sign_flip
from pytest_genaiops.statistics.resampling import Table
from pytest_genaiops.statistics.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Vector: TypeAlias = NDArray[np.float64]
    Places: TypeAlias = NDArray[np.intp]
    Counts: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Contrasts without their intervals: one entry for each."""

    values: Vector
    """On the metric's scale."""
    errors: Vector
    """Standard errors; 0 where no spread was seen."""
    p_values: Vector
    """Two-sided, of a contrast of 0."""

    def strength(self) -> Vector:
        """How many standard errors each is away from 0; without a spread, infinitely many or none."""
        import numpy as np

        ratio = np.where(self.values == 0, 0.0, np.inf)
        return np.divide(np.abs(self.values), self.errors, out=ratio, where=self.errors > 0)


class Panel(ABC):
    """Scores of some samples over the same cases, ready for contrasts between them."""

    __slots__ = ("_largest", "_moves", "cases", "clustered", "freedom", "scale", "units", "values")

    values: Vector
    """The score of each sample."""
    scale: Interval
    cases: int
    units: int
    """Independent cases, or clusters."""
    clustered: bool
    freedom: float
    """Degrees of freedom of the standard errors."""
    _moves: Matrix
    """By how much leaving out each unit (a column) moves each score (a row), so that squares add up to a variance."""
    _largest: Vector
    """For each sample, a number of the size of its values: what is tiny beside it is rounding."""

    def estimates(self, weights: Matrix) -> Estimates:
        """The contrasts of these weights: one row for each, one column for each sample."""
        import numpy as np

        values, errors = weights @ self.values, self._errors(weights @ self._moves, np.abs(weights) @ self._largest)
        values[np.abs(values) <= SAME * (np.abs(weights) @ self._largest)] = 0.0
        rows = zip(weights, values.tolist(), errors.tolist(), strict=True)
        p_values = [self._p_value(*row) for row in rows]
        return Estimates(values=values, errors=errors, p_values=np.array(p_values, dtype=np.float64))

    @abstractmethod
    def interval(self, weights: Vector, confidence: float) -> Interval:
        """Two-sided interval of one contrast, within its :meth:`span`."""

    def errors_beside(self, sample: int) -> Vector:
        """Standard errors of the differences between each sample and this one; 0 where no spread was seen."""
        return self._errors(self._moves - self._moves[sample], self._largest + self._largest[sample])

    def covariance(self) -> Matrix:
        """Of the errors of the scores, each less the mean error of all scores: differences keep their variance."""
        moves = self._moves - self._moves.mean(axis=0)
        found: Matrix = moves @ moves.T
        return found

    @abstractmethod
    def differing(self) -> Counts:
        """For each pair of samples, how many units differ between the two."""

    def span(self, weights: Vector) -> Interval:
        """Lowest and highest value that a contrast can have on this scale."""
        # Weights come from a fit: what adds up to 1 is a little off.
        share = round(float(weights[weights > 0].sum()), 9)
        reach = share * (self.scale[1] - self.scale[0]) if share else 0.0
        return -reach, reach

    def _error(self, weights: Vector) -> float:
        import numpy as np

        return float(self._errors((weights @ self._moves)[None, :], np.abs(weights) @ self._largest)[0])

    def _errors(self, moves: Matrix, largest: Vector) -> Vector:
        import numpy as np

        errors: Vector = np.sqrt(np.einsum("ij,ij->i", moves, moves))
        return np.where(errors > SAME * largest, errors, 0.0)

    def _p_value(self, weights: Vector, value: float, error: float) -> float:
        """Two-sided, of t; where all units agree, of signs."""
        if error:
            return t_two_sided(value / error, self.freedom)
        return 1.0 if value == 0 or self.units < 2 else 2.0 ** (1 - self.units)


class Means(Panel):
    """Scores that are means of one value a case.

    ``values`` has one row a sample and one column a case, all finite; ``groups`` numbers the clusters of the cases
    from 0, without a gap. Raises MetricError for no cases.
    """

    __slots__ = ("_groups", "_seed", "_sizes", "_table")

    def __init__(
        self, values: Matrix, groups: Places | None = None, *, scale: Interval = (0.0, 1.0), seed: int = SEED
    ) -> None:
        import numpy as np

        if not values.size:
            raise MetricError("a contrast needs at least one case that all its samples scored, and there is none")
        self._table, self._groups, self.scale, self._seed = values, groups, scale, seed
        self.values, self._largest = values.mean(axis=1), np.abs(values).max(axis=1)
        self.cases, self.clustered = values.shape[1], groups is not None
        self._sizes = np.ones(self.cases) if groups is None else np.bincount(groups).astype(np.float64)
        self.units = len(self._sizes)
        self.freedom = freedom_of(self._sizes)
        if self.units < 2:
            self._moves = np.zeros((len(values), 1))
        else:
            residuals = self._by_unit(values) - np.outer(self.values, self._sizes)
            self._moves = residuals / (self.cases - self._sizes) * math.sqrt(1 - 1 / self.units)

    def interval(self, weights: Vector, confidence: float) -> Interval:
        """That of the mean of the contrasts of single cases."""
        changes, span = self._rounded(weights @ self._table), self.span(weights)
        value, error = float(weights @ self.values), self._error(weights)
        if not error or self._few_differ(changes, span):
            groups = None if self._groups is None else self._groups.tolist()
            return mean_bounds(changes.tolist(), groups, confidence=confidence, scale=span, seed=self._seed).interval
        critical = t_quantile((1 + confidence) / 2, self.freedom)
        low, high = skewed_quantiles((weights @ self._moves).tolist(), critical)
        return clip((value - error * high, value - error * low), value, span)

    def differing(self) -> Counts:
        """Units of which a case has different values."""
        return _differing(self._table, self._groups)

    def _p_value(self, weights: Vector, value: float, error: float) -> float:
        """The p-value that goes with the interval; of signs where so few units differ that t knows nothing."""
        if not error:
            return super()._p_value(weights, value, error)
        changes = self._rounded(weights @ self._table)
        if self._few_differ(changes, self.span(weights)):
            return sign_flip(self._by_unit(changes[None, :])[0].tolist())
        return t_two_sided(skewed_t(value / error, (weights @ self._moves).tolist()), self.freedom)

    def _few_differ(self, changes: Vector, span: Interval) -> bool:
        """As :func:`~pytest_genaiops.statistics.bounds.mean_bounds` has it: units off the most common value."""
        import numpy as np

        if not math.isfinite(span[1]):
            return False
        means = self._rounded(self._by_unit(changes[None, :])[0] / self._sizes)
        levels, counts = np.unique(means[: 2 * FEW], return_counts=True)
        return int(np.count_nonzero(means != levels[counts.argmax()])) < FEW

    def _by_unit(self, values: Matrix) -> Matrix:
        """Sums over the cases of each cluster."""
        import numpy as np

        return values if self._groups is None else np.array([np.bincount(self._groups, row) for row in values])

    def _rounded(self, numbers: Vector) -> Vector:
        """Numbers that differ by rounding alone made equal: sums of the same terms in another order."""
        import numpy as np

        step = float(max(self._largest.max(), np.abs(numbers).max())) * SAME
        return np.round(numbers / step) * step if step > 1e-300 else numbers


class Summed(Panel):
    """Scores of summed statistics, of samples whose rows belong to the same units.

    ``groups`` gives for each sample the unit of each of its rows, from 0 without a gap, the same units for all; None
    where each row is a unit of its own. Beyond 500 units the jackknife leaves out one of 500 groups of them. Raises
    MetricError for no rows, UnscorableError where the metric is undefined on a sample.
    """

    __slots__ = ("_groups", "_known", "_samples")

    def __init__(self, samples: Sequence[Sample], groups: Sequence[Sequence[int]] | None = None, *, cases: int) -> None:
        import numpy as np

        if not cases:
            raise MetricError("a contrast needs at least one case that all its samples scored, and there is none")
        owners = [None] * len(samples) if groups is None else groups
        tables = [Table(sample, own) for sample, own in zip(samples, owners, strict=True)]
        self._samples, self._groups = samples, groups
        self.scale, self.cases = samples[0].scale, cases
        self.values = np.array([table.value() for table in tables], dtype=np.float64)
        self._largest = np.abs(self.values)
        self.units = len(tables[0].matrix)
        self.clustered = self.units < cases
        left_out = min(self.units, LEFT_OUT)
        places = np.arange(self.units) % left_out
        sizes = np.ones(self.units) if tables[0].sizes is None else tables[0].sizes
        self.freedom = freedom_of(np.bincount(places, sizes).astype(np.float64))
        if self.units < 2:
            self._moves = np.zeros((len(samples), 1))
        else:
            # None, a score that is undefined without a unit, becomes NaN, which leaves no method of this class.
            without = np.array([table.without(places, left_out) for table in tables], dtype=np.float64)
            self._moves = (without - self.values[:, None]) * math.sqrt(1 - 1 / left_out)
        self._known: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(self._moves), axis=1)
        self._moves[~self._known] = 0.0

    def interval(self, weights: Vector, confidence: float) -> Interval:
        """Student t; the whole span where a score hangs on a single unit, without which it is undefined."""
        value, error, span = float(weights @ self.values), self._error(weights), self.span(weights)
        if not self._known[weights != 0].all():
            return span
        if not error:
            return unseen(value, self.units, confidence, span)
        reach = error * t_quantile((1 + confidence) / 2, self.freedom)
        return clip((value - reach, value + reach), value, span)

    def differing(self) -> Counts:
        """Units whose statistics differ; 0 beside a score that hangs on a single unit."""
        import numpy as np

        known: dict[Hashable, int] = {}
        rows = [[known.setdefault(_key(row), len(known)) for row in sample.statistics] for sample in self._samples]
        if self._groups is not None:
            held: dict[Hashable, int] = {}
            rows = [
                [held.setdefault(each, len(held)) for each in _held(own, groups, self.units)]
                for own, groups in zip(rows, self._groups, strict=True)
            ]
        found = _differing(np.array(rows, dtype=np.float64), None)
        return found * np.outer(self._known, self._known)

    def _p_value(self, weights: Vector, value: float, error: float) -> float:
        """1 where a score hangs on a single unit, without which it is undefined."""
        return super()._p_value(weights, value, error) if self._known[weights != 0].all() else 1.0


def freedom_of(sizes: Vector) -> float:
    """Degrees of freedom of a jackknifed variance over clusters of these sizes; one less than their number if equal.

    Those of the chi-squared law with the variance's mean and variance (Satterthwaite), were the values of a cluster all
    alike and normal: the case in which unequal sizes matter most (Bell and McCaffrey 2002; Imbens and Kolesár 2016,
    *Review of Economics and Statistics* 98:701-712). 0 for fewer than two clusters.
    """
    import numpy as np

    if len(sizes) < 2:
        return 0.0
    shares = sizes / sizes.sum()
    # Leaving out a cluster moves the score by scale * (its sum - its share of all sums), where a sum has the variance
    # share ** 2: the covariance of these moves is diagonal but for two vectors, so that its traces cost little.
    scale, own = 1 / (1 - shares), shares**2
    diagonal, sides = own * scale**2, np.column_stack([shares * scale, own * scale])
    middle = np.array([[own.sum(), -1.0], [-1.0, 0.0]])
    inner, outer = sides.T @ sides, np.einsum("ij,jk,ik->i", sides, middle, sides)
    trace = float((diagonal + outer).sum())
    squared = float((diagonal**2).sum() + 2 * diagonal @ outer + np.trace(middle @ inner @ middle @ inner))
    return min(trace**2 / squared, len(sizes) - 1.0)


def _differing(table: Matrix, groups: Places | None) -> Counts:
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
