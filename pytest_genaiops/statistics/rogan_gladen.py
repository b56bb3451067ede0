"""The true rate behind a judge's yes or no, from its measured sensitivity and specificity (Rogan and Gladen 1978).

A judge that says yes to a share ``q`` of all cases, to a share ``se`` of those that people accept and to a share
``1 - sp`` of those that they do not, has seen a true rate of ``(q + sp - 1) / (se + sp - 1)``. Other than for
prediction-powered inference the labelled cases need not be drawn at random from all: it is enough that they are within
what people accept and within what they do not, so that both kinds can be labelled in equal numbers, or elsewhere.

The interval holds every rate p for which ``q + sp - 1 - p * (se + sp - 1)`` is no further from 0 than chance allows
(Fieller 1954, *JRSS B* 16), so that a judge whose yes could as well be a coin's gives the whole scale. The three shares
are drawn towards one half as Lang and Reiczigel (2014, *Preventive Veterinary Medicine* 113:13-22) found best for few
labels and for shares of 0 and 1: by two cases for ``se`` and ``sp``, by z squared for ``q``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.means import Interval, implied_error
from pytest_genaiops.statistics.quantiles import two_sided_z
from pytest_genaiops.statistics.sample import check_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A share seen in some cases; ``n`` need not be whole, where cases depend on each other."""

    share: float
    n: float

    def towards_half(self, more: float) -> Seen:
        """The share with so many further cases, half of them a yes."""
        return Seen(share=(self.share * self.n + more / 2) / (self.n + more), n=self.n + more)

    @property
    def variance(self) -> float:
        """Of the share, as that of a binomial one."""
        return self.share * (1 - self.share) / self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueRate:
    """The rate that people would have found."""

    value: float
    """Between 0 and 1."""
    interval: Interval
    standard_error: float
    """Of a normal interval as wide as this one."""


def true_rate(said: Seen, sensitivity: Seen, specificity: Seen, *, confidence: float = 0.95) -> TrueRate:
    """The true rate of yes, from the share that the judge says yes to.

    Raises MetricError for a confidence outside (0, 1), and where the judge does no better than chance.
    """
    check_settings(confidence, 100)
    better = sensitivity.share + specificity.share - 1
    if better <= 0:
        raise MetricError(
            f"the judge does no better than chance (sensitivity {sensitivity.share:.3g}, specificity "
            f"{specificity.share:.3g}), so that its rate tells nothing about people's; use the labels themselves"
        )
    value = min(1.0, max(0.0, (said.share + specificity.share - 1) / better))
    bounds = _fieller(said, sensitivity, specificity, two_sided_z(confidence))
    low, high = min(bounds[0], value), max(bounds[1], value)
    return TrueRate(value=value, interval=(low, high), standard_error=implied_error((low, high), confidence))


def _fieller(said: Seen, sensitivity: Seen, specificity: Seen, z: float) -> Interval:
    """The p in 0 to 1 with (q + sp - 1 - p (se + sp - 1))^2 <= z^2 (var q + p^2 var se + (1 - p)^2 var sp)."""
    said, sensitivity, specificity = said.towards_half(z * z), sensitivity.towards_half(2), specificity.towards_half(2)
    better, above = sensitivity.share + specificity.share - 1, said.share + specificity.share - 1
    squared = better * better - z * z * (sensitivity.variance + specificity.variance)
    linear = above * better - z * z * specificity.variance
    constant = above * above - z * z * (said.variance + specificity.variance)
    inside = linear * linear - squared * constant
    if squared <= 0 or inside < 0:
        return 0.0, 1.0
    middle, reach = linear / squared, math.sqrt(inside) / squared
    return max(0.0, min(1.0, middle - reach)), min(1.0, max(0.0, middle + reach))
