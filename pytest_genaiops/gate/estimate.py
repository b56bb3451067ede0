"""What a rule decides on: a score, or the difference of two, with its uncertainty and its coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The numbers that an estimate and a comparison have in common."""

    name: str
    value: float | None
    """None where nothing was scored."""
    interval: tuple[float, float] | None
    """Two-sided, at ``confidence``; None where nothing was scored."""
    confidence: float = 0.95
    n: int
    """Scored cases (scored on both sides, for a comparison); unscored ones come on top."""
    unscored: int = 0
    reasons: Sequence[str] = ()
    """Why cases are unscored, in the order of the cases."""
    scale: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True
    standard_error: float | None = None
    """Of ``value``, on the metric's scale; None where the cases show no spread."""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Evidence):
    """One score of one variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Evidence):
    """Candidate minus baseline on the metric's own scale, paired by case; rules turn it so that up is better."""
