"""What a rule decides on: a score, or the difference of two, with its uncertainty and its coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_genaiops.records import NOTHING


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
    kinds: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Kind of error -> number of unscored cases of this kind."""
    coverage: float = 1.0
    """Share of the cases that must be scored; below it nothing passes."""
    scale: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True
    standard_error: float | None = None
    """Of ``value``, on the metric's scale; None where the cases show no spread."""
    signature: str = ""
    method: str = ""
    """How the interval was made."""
    clusters: int | None = None
    """Independent clusters that the cases form; None where every case stands for itself."""
    not_needed: int = 0
    """Cases that were left out because the verdict is certain without them."""
    level: float | None = None
    """Confidence of ``interval`` where it is higher than ``confidence``, because an interval is read more than once."""
    continuous: bool = False
    """Whether ``interval`` are bounds of a confidence sequence, which hold at all times together."""
    whole: str = ""
    """Why all cases were called for although calls could have ended earlier; empty where there is nothing to say."""
    undecided: Literal["fail", "warn"] = "fail"
    """Whether a verdict that is undecided for lack of cases stops the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Evidence):
    """One score of one variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """Cases that only one of two sides has no score for, and whether they look like the others."""

    candidate: int
    """Cases that only the candidate misses."""
    baseline: int
    """Cases that only the baseline misses."""
    there: float | None
    """Mean of the other side's values on the cases that one side misses; None for a score that is no mean."""
    elsewhere: float | None
    """The same on the cases that both sides scored."""
    p_value: float
    """Two-sided, of missing at random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Evidence):
    """Candidate minus baseline on the metric's own scale, paired by case; rules turn it so that up is better."""

    p_values: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    """Name of a test -> its two-sided p-value of no difference."""
    unshared: int = 0
    """Cases that only one of the two sides holds at all: they were left out of the comparison."""
    misses: Misses | None = None
    """Where the two sides lack scores of different cases."""
