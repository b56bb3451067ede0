"""Settings of one session or one ``evaluate()``: frozen, and handed down instead of looked up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

DEFAULT_CONCURRENCY = 8
DEFAULT_SEED = 12345  # sacrebleu's, so that resampling agrees with its paired tests
DEFAULT_CONFIDENCE = 0.95
BASELINES = "eval_suites/baselines"
"""Folder of committed baselines, below the root."""


CacheMode: TypeAlias = Literal["use", "refresh", "only", "off"]
"""Answers of earlier sessions: stand for calls; are made anew; are all there is; are neither read nor kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model charges, per million tokens, in the currency of the project's own table."""

    model: str
    """The name that variants ask for."""
    input: float
    output: float
    cached: float | None = None
    """For input tokens that the endpoint had cached; None charges them as others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What verdicts go by wherever the call does not say."""

    confidence: float = DEFAULT_CONFIDENCE
    """Of the two-sided interval."""
    seed: int = DEFAULT_SEED
    """Seeds resampling and permutations."""
    coverage: float = 1.0
    """Share of the cases that must be scored; below it nothing passes."""
    undecided: Literal["fail", "warn"] = "fail"
    """Whether a verdict that too few cases leave undecided stops the test, or warns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run needs to know beside the suite itself."""

    root: Path
    """Folder that dataset and variant paths are relative to: pytest's rootdir."""
    datasets: tuple[str, ...] = ("datasets",)
    """Folders below the root that hold datasets."""
    variants: tuple[str, ...] = ()
    """Globs on variant ids: variants that match none of them are not run; without a glob all are."""
    baseline: str | None = None
    """Variant id that replaces the suite's own baseline, in suites that have it."""
    slices: tuple[tuple[str, str], ...] = ()
    """(tag, value) pairs: cases that have one of the values of every tag named are run; others are not."""
    limit: int | None = None
    """Number of cases to sample from every dataset; None takes all."""
    seed: int = DEFAULT_SEED
    """Seeds the sample of cases, resampling and permutations."""
    confidence: float = DEFAULT_CONFIDENCE
    """Of the intervals that verdicts look at."""
    undecided: Literal["fail", "warn"] = "fail"
    """Whether an undecided verdict stops its test."""
    baselines: str = BASELINES
    """Folder below the root that holds committed baselines."""
    update_baseline: bool = False
    """Whether suites write their committed baseline instead of comparing with it."""
    early_stop: bool = False
    """Whether calls end as soon as a verdict is certain."""
    concurrency: int = DEFAULT_CONCURRENCY
    """Calls of the target under way at once."""
    timeout: float | None = None
    """Seconds that one call of the target may take; None waits for ever."""
    judge: str | None = None
    """Who judges where a call does not say: ``embedded``, a file, or ``ragas`` with or without one."""
    judge_file: str | None = None
    """What the configuration names as a judge: the model that ``ragas`` alone asks."""
    cache: CacheMode = "use"
    folder: str = ".genaiops"
    """Folder below the root where answers are kept, and what runs have on record."""
    cassette: str | None = None
    """File below the root with answers that are committed."""
    prices: tuple[Price, ...] = ()
    max_tokens: int | None = None
    """Tokens that the session may spend, in and out together."""
    max_cost: float | None = None
    """Money that the session may spend, in the currency of ``prices``."""
    record: bool = True
    """Whether the run is put on record."""
    keep_days: int | None = None
    """Days after which runs are taken off the record; None keeps them."""
    reports: tuple[str, ...] = ()
    """Files that the session writes its report to, by suffix: ``.html``, ``.md`` or ``.json``."""
    mlflow: str | None = None
    """Tracking server that the session is reported to."""
    mlflow_experiment: str | None = None
    """Name of the experiment there."""

    def rules(self, coverage: float = 1.0) -> Rules:
        """What verdicts go by; ``coverage`` is the suite's own."""
        return Rules(confidence=self.confidence, seed=self.seed, coverage=coverage, undecided=self.undecided)
