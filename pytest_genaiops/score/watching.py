"""Who looks on while scores are asked for, and what rules verdicts go by."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol

from pytest_genaiops.config import Rules
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Verdict
from pytest_genaiops.run.judging import Judging


class Watch(Protocol):
    """Told of every score and verdict while a suite's test runs, whoever made the handle: none may be passed over."""

    rules: Rules
    judging: Judging | None
    """Who asks judges for handles that belong to nobody: the session, with its cache, limits and budget."""

    def score(self, metric: Metric, found: Any) -> None:
        """A metric was called; ``found`` is its Score or ScoreGroup."""

    def verdict(self, score: Any, verdict: Verdict) -> None:
        """A score was judged."""


WATCH: ContextVar[Watch | None] = ContextVar("WATCH", default=None)
_DEFAULT = Rules()


def rules() -> Rules:
    """The rules of whoever looks on; the default ones where nobody does."""
    watch = WATCH.get()
    return _DEFAULT if watch is None else watch.rules
