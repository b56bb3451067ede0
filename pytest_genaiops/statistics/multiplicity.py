"""Adjustment of p-values where many comparisons are read together."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_genaiops.errors import MetricError


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in input order (Holm 1979); empty for no input.

    Rejecting where an adjusted value is below alpha keeps the chance of any false rejection below alpha,
    however the comparisons depend on each other. Raises MetricError for a p-value outside [0, 1].
    """
    for row, p_value in enumerate(p_values):
        if not 0 <= p_value <= 1:
            raise MetricError(f"p-value {row} is {p_value}; it must lie between 0 and 1")
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, row in enumerate(sorted(range(len(p_values)), key=lambda row: p_values[row])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[row]))
        adjusted[row] = running
    return tuple(adjusted)
