"""What a record holds: one row each, as written and as read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.records import NOTHING, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One session, or one evaluation in code."""

    id: str
    started: float
    """Seconds since 1970, UTC."""
    facts: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """``kind``, ``parent``, ``command``, ``git``, ``python``, ``versions``, ``settings``, ``rules``."""
    ended: float | None = None
    """None for a run that goes on, or was killed."""
    exit: int | None = None
    closing: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """What was known at the end: ``spending`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRow:
    """One test function with its dataset."""

    id: int
    title: str
    """Node id of the test function, without parameters."""
    facts: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """``dataset``, ``dataset_hash``, ``n`` (cases), ``trials``, ``coverage``, ``pass_rate``, ``baseline``,
    ``by_case``, ``notes``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """One variant of a suite."""

    id: int
    name: str
    facts: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """``hash``, ``prompt`` (templates), ``parameters``, ``model``, ``axes``, ``differs``, ``place`` (its
    order)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """What was answered to one case, once."""

    position: int
    """Of the case in the suite, from 0."""
    trial: int
    """From 1."""
    response: Response
    """Without its trial."""
    prompt: Sequence[Mapping[str, str]] | None = None
    """The rendered messages, where a prompt was rendered for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One number that a metric's measurements make."""

    name: str
    """As scores are called: ``rougeL``."""
    path: Sequence[str] = ()
    """Attributes that lead to it from the metric's group: ``("rougeL", "precision")``."""
    scale: tuple[float, float]
    higher_is_better: bool = True
    is_mean: bool = True
    """Whether it is the mean of the responses' own values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One metric that the responses of one variant were measured by."""

    id: int
    signature: str
    """Without a part."""
    name: str
    options: Mapping[str, Any] | None = None
    """The options that were not at their defaults, where the metric can be made of its name and these; else None."""
    parts: Sequence[PartRow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """A number as the run worked it out."""

    name: str
    """Of the part."""
    slice: str = ""
    value: float | None
    interval: tuple[float, float] | None
    n: int
    unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """A verdict, and the item that asked for it."""

    test: str
    """Node id, or the text of a rule."""
    metric: str
    """Name of the part; empty for a gate over a pass rate."""
    facts: Mapping[str, Any]
    """The fields of a :class:`~pytest_genaiops.records.Verdict`, those at rest left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """A test item, and what became of it."""

    test: str
    position: int | None = None
    """Of its case; None for an item over the whole dataset, and for a gate."""
    trial: int = 1
    outcome: str
    """``passed``, ``failed``, ``missed``, ``skipped`` or ``lost``."""
    message: str = ""
    seconds: float | None = None
