"""Settings of one session or one ``evaluate()``: frozen, and handed down instead of looked up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_CONCURRENCY = 8
DEFAULT_SEED = 12345  # sacrebleu's, so that resampling agrees with its paired tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run needs to know beside the suite itself."""

    root: Path
    """Folder that dataset and variant paths are relative to: pytest's rootdir."""
    datasets: tuple[str, ...] = ("datasets",)
    """Folders below the root that hold datasets."""
    variant: str | None = None
    """Glob on variant ids; others are not run."""
    baseline: str | None = None
    """Variant id that replaces the suite's own baseline, in suites that have it."""
    slices: tuple[tuple[str, str], ...] = ()
    """(tag, value) pairs: cases that have one of the values of every tag named are run; others are not."""
    limit: int | None = None
    """Number of cases to sample from every dataset; None takes all."""
    seed: int = DEFAULT_SEED
    """Seeds the sample of cases."""
    concurrency: int = DEFAULT_CONCURRENCY
    """Calls of the target under way at once."""
    timeout: float | None = None
    """Seconds that one call of the target may take; None waits for ever."""
