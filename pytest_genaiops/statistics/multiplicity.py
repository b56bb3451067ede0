"""Adjustment of p-values where many comparisons are read together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from pytest_genaiops.errors import MetricError


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in input order (Holm 1979); empty for no input.

    Rejecting where an adjusted value is below alpha keeps the chance of any false rejection below alpha,
    however the comparisons depend on each other. Raises MetricError for a p-value outside [0, 1].
    """
    _check(p_values)
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, row in enumerate(sorted(range(len(p_values)), key=lambda row: p_values[row])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[row]))
        adjusted[row] = running
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Step-up adjusted p-values, in input order (Benjamini and Hochberg 1995); empty for no input.

    Rejecting where an adjusted value is below alpha keeps the expected share of false ones among the rejections
    below alpha, where the comparisons are independent or depend on each other positively (Benjamini and Yekutieli
    2001). It finds more than Holm's and promises less: any single rejection may be false. Raises MetricError for
    a p-value outside [0, 1].
    """
    _check(p_values)
    size = len(p_values)
    adjusted = [0.0] * size
    running = 1.0
    for rank, row in sorted(enumerate(sorted(range(size), key=lambda row: p_values[row]), start=1), reverse=True):
        running = min(running, size / rank * p_values[row])
        adjusted[row] = running
    return tuple(adjusted)


ADJUSTMENTS: Mapping[str, Callable[[Sequence[float]], tuple[float, ...]]] = MappingProxyType(
    {"holm": holm, "bh": benjamini_hochberg}
)
"""Name of an adjustment, as options and arguments give it, -> the function."""


def adjusted(p_values: Sequence[float | None], method: str = "holm") -> tuple[float | None, ...]:
    """Adjusted p-values in input order; None, a comparison that could not be made, stays None and is not counted.

    Raises MetricError for a method that is not in :data:`ADJUSTMENTS`, and for a p-value outside [0, 1].
    """
    if method not in ADJUSTMENTS:
        raise MetricError(f"no adjustment of p-values is called {method!r}; give one of {', '.join(ADJUSTMENTS)}")
    found = iter(ADJUSTMENTS[method]([p_value for p_value in p_values if p_value is not None]))
    return tuple(None if p_value is None else next(found) for p_value in p_values)


def _check(p_values: Sequence[float]) -> None:
    for row, p_value in enumerate(p_values):
        if not 0 <= p_value <= 1:
            raise MetricError(f"p-value {row} is {p_value}; it must lie between 0 and 1")
