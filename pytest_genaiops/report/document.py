"""The report of one run as data: what every rendering of it shows, and nothing else knows.

A document is made from a recorded run, and is JSON when it is written: the fields below, by name, are the published
schema (``report/schema/report-1.schema.json``). Numbers that are missing are None, never NaN.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from pytest_genaiops.records import NOTHING

SCHEMA = "genaiops-report/1"
"""Name and version of the format; the version rises when a field is taken away or means something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run beside its results; nothing in it names the machine or its user."""

    id: str
    kind: str = "pytest"
    """``pytest``, ``evaluate``, ``rescore`` or ``gate``: what made it."""
    parent: str | None = None
    """The run whose responses were judged again."""
    started: str
    """UTC, ISO 8601 to the second: ``2026-11-30T10:29:40Z``."""
    seconds: float | None = None
    """From start to end; None for a run that did not end (it was killed)."""
    exit: int | None = None
    """The exit code; None for a run that did not end."""
    command: Sequence[str] = ()
    """The command line as it was given, without the folder of the program."""
    git: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """``sha``, ``branch`` (texts) and ``dirty`` (bool); empty outside of a repository."""
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Package -> version, of those that numbers depend on."""
    settings: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """Options that were not at their defaults."""
    rules: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """``confidence``, ``seed``, ``undecided``: what verdicts went by."""

    @property
    def typed(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantView:
    """A variant as it was run."""

    id: str
    hash: str = ""
    prompt: str = ""
    """The prompt's templates as text, one block under each other; empty for a variant without a prompt."""
    parameters: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    model: str = ""
    """The model that it asks for; empty where its target knows."""
    served: Sequence[str] = ()
    """Models that answered, as endpoints named them."""
    differs: str = ""
    """In what it differs from the baseline, in words."""
    axes: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Axis -> name of its level, of a variant of a matrix; empty for any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricView:
    """One number that responses have: a metric, or a member of a group."""

    name: str
    """``bleu``, ``rougeL`` …; unique within the suite."""
    metric: str
    """The metric that it belongs to: ``rouge``."""
    signature: str
    scale: tuple[float | None, float | None]
    """Lowest and highest value; None where there is no end."""
    higher_is_better: bool = True
    finds: str = ""
    """What its unsupported spans are called, where it has evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreView:
    """One metric of one variant, over all cases or those of a slice."""

    variant: str
    metric: str
    """Name of a :class:`MetricView`."""
    slice: str = ""
    """``tag=value``; empty for all cases."""
    value: float | None
    interval: tuple[float | None, float | None] | None
    """Two-sided, at the run's confidence; an end is None where it is unbounded."""
    n: int
    unscored: int
    reasons: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Why responses are unscored -> how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One metric of a variant against the baseline, paired by case."""

    variant: str
    baseline: str
    metric: str
    slice: str = ""
    change: float | None
    """Variant minus baseline over the cases that both sides scored, on the metric's scale."""
    interval: tuple[float | None, float | None] | None
    p_value: float | None
    adjusted_p_value: float | None
    """Holm, over all changes of the suite."""
    n: int
    unscored: int
    better: int = 0
    """Cases whose own value is better than the baseline's; with several trials, their mean."""
    worse: int = 0
    reason: str = ""
    """Why there is no change; empty where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    """One decision, with the numbers behind it."""

    test: str
    """Node id of the item that asked for it, or the rule's own text."""
    variant: str
    metric: str
    """Empty for a gate over a pass rate."""
    outcome: str
    """``passed``, ``failed`` or ``undecided``."""
    reason: str
    value: float | None = None
    interval: tuple[float | None, float | None] | None = None
    confidence: float | None = None
    n: int = 0
    unscored: int = 0
    required_n: int | None = None
    detectable: float | None = None
    method: str = ""
    p_values: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    tolerated: bool = False
    rule: str = ""
    """What was asked: ``at_least``, ``at_most``, ``within``, ``not_worse_than``, ``better_than``, ``pass_rate``, or a
    plain comparison such as ``>=``; empty where the run did not record it."""
    limits: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    """What the rule went by: ``threshold``, ``low`` and ``high``, or ``margin``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """A test item and what became of it."""

    test: str
    """Node id."""
    variant: str
    case: str | None = None
    trial: int = 1
    outcome: str
    """``passed``, ``failed``, ``missed`` (within the budget of a gate), ``skipped``, or ``lost`` (no result)."""
    message: str = ""
    """Why, in a sentence or some lines; empty where it passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one metric says about one answer beside its value."""

    reason: str = ""
    """A judge's words."""
    unsupported: Sequence[tuple[int, int]] = ()
    """Character offsets of words in the answer that the contexts do not have."""
    sentences: Sequence[tuple[int, int, float, str]] = ()
    """(start, end, support from 0 to 1, note) of each sentence of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """One response: of one variant to one case in one trial."""

    variant: str
    trial: int = 1
    text: str
    error: str = ""
    """``kind: message`` where there is no answer."""
    contexts: Sequence[str] | None = None
    """What the system retrieved; None where the case's own contexts apply."""
    latency: float | None = None
    """Seconds."""
    usage: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    model: str = ""
    steps: Sequence[tuple[str, str]] = ()
    """(id, output) of each call on the way."""
    outcome: str = ""
    """Of the item that judged it, where each case is an item."""
    values: Mapping[str, float | None] = field(default_factory=lambda: NOTHING)
    """Metric -> the response's own value; None where unscored."""
    unscored: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Metric -> why it has no value."""
    evidence: Mapping[str, Evidence] = field(default_factory=lambda: NOTHING)
    """Metric -> evidence, where there is any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One case with every answer to it."""

    id: str
    inputs: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    references: Sequence[str] | None = None
    contexts: Sequence[str] | None = None
    label: str | None = None
    cluster: str | None = None
    slices: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    answers: Sequence[AnswerView] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingView:
    """What the answers of a variant took."""

    variant: str
    answers: int
    errors: int
    tokens: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """``input_tokens``, ``output_tokens`` … summed over the answers."""
    cost: float | None = None
    """In the currency of the project's prices; None where there are none."""
    latency: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    """Seconds: ``median``, ``p90``, ``max`` over the answers that have one; empty where none has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisView:
    """One setting that variants vary."""

    name: str
    levels: Sequence[str]
    """The first is the reference: effects of the others are against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectView:
    """What one level of an axis does to one number, against the axis' reference level, other settings being equal."""

    metric: str
    axis: str
    level: str
    reference: str
    effect: float | None
    """On the metric's scale: the mean over the settings of all other axes, as a linear model has it."""
    interval: tuple[float | None, float | None] | None
    """Two-sided and by itself; the adjusted p-value is what allows for the number of effects."""
    p_value: float | None
    adjusted_p_value: float | None
    """Holm, over all effects on the same number."""
    n: int
    """Cases that every variant concerned has scored."""
    unscored: int
    clusters: int | None = None
    reason: str = ""
    """Why there is no effect; empty where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionView:
    """How far two levels together do more, or less, than the sum of what each does alone."""

    metric: str
    axes: tuple[str, str]
    levels: tuple[str, str]
    references: tuple[str, str]
    effect: float | None
    """On the metric's scale: the difference of differences against the two reference levels."""
    interval: tuple[float | None, float | None] | None
    p_value: float | None
    adjusted_p_value: float | None
    """Holm, over all interactions on the same number, those that are not listed among them."""
    n: int
    unscored: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContenderView:
    """One variant beside the best one under one number."""

    metric: str
    variant: str
    value: float | None
    p_value: float | None
    """Of the hypothesis that no variant is better than this one."""
    among_best: bool
    """Whether it cannot be told from the best: the set of these holds the truly best one, at the run's confidence."""
    reason: str = ""
    """Why it is left out of the comparison; empty where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointView:
    """One variant where several numbers are weighed: quality, cost, latency."""

    variant: str
    values: Mapping[str, float | None]
    on_front: bool
    """No other variant is at least as good in all of them and better in one."""
    dominated_by: Sequence[str] = ()
    """Variants that are, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorialView:
    """What the settings of a matrix of variants do, taken apart."""

    axes: Sequence[AxisView]
    variants: int
    combinations: int
    """Of all levels; more than ``variants`` where some were excluded or not drawn."""
    confidence: float
    effects: Sequence[EffectView] = ()
    interactions: Sequence[InteractionView] = ()
    """The strongest first."""
    interactions_tested: int = 0
    """How many there are, where only the strongest are listed: adjusted p-values allow for all on the same number."""
    contenders: Sequence[ContenderView] = ()
    front: Sequence[str] = ()
    """The numbers that the points weigh, each by name."""
    points: Sequence[PointView] = ()
    numbers: Sequence[MetricView] = ()
    """The numbers that effects, contenders and points name, what answers took among them."""
    notes: Sequence[str] = ()
    """What a reader has to know, such as settings whose effects this design cannot tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteView:
    """One test function with a dataset, under every variant."""

    title: str
    """Node id of the test function, or the name of an evaluation."""
    dataset: str
    dataset_hash: str
    n: int
    """Number of cases."""
    trials: int = 1
    coverage: float = 1.0
    pass_rate: float | None = None
    baseline: str | None = None
    by_case: bool = False
    """Whether each case is a test item."""
    variants: Sequence[VariantView] = ()
    metrics: Sequence[MetricView] = ()
    scores: Sequence[ScoreView] = ()
    changes: Sequence[ChangeView] = ()
    verdicts: Sequence[VerdictView] = ()
    items: Sequence[ItemView] = ()
    spending: Sequence[SpendingView] = ()
    factorial: FactorialView | None = None
    """Where the variants come from a matrix of at least two axes, or of one with three levels."""
    notes: Sequence[str] = ()
    """What a reader has to know: values that are over some cases only, a metric whose code is not at hand …"""
    cases: Sequence[CaseView] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The report of one run."""

    run: RunFacts
    suites: Sequence[SuiteView] = ()
    schema: str = SCHEMA


def plain(value: Any) -> Any:
    """A document, or a part of it, as JSON values: objects of its fields, lists, texts and numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value
