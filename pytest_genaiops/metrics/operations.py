"""How the system behaved, whatever it said: seconds to answer, share of failed trials."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Response, Statistics


@dataclass(frozen=True, kw_only=True)
class Latency(Metric):
    """Mean seconds from call to full answer; 0 to infinity, lower is better."""

    name = "latency"
    use_case = "operations"
    scale = (0.0, math.inf)
    higher_is_better = False
    takes = "latency"

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(seconds,). Raises UnscorableError where nobody measured them."""
        seconds = response.latency
        if seconds is None:
            raise UnscorableError("nobody measured how long this answer took; record its latency in seconds")
        if not (math.isfinite(seconds) and seconds >= 0):
            raise UnscorableError(f"latency is {seconds!r}; it must be a finite number of seconds of at least 0")
        return (float(seconds),)


@dataclass(frozen=True, kw_only=True)
class ErrorRate(Metric):
    """Share of trials that gave no answer (target failed, timed out, ...); 0-1, lower is better."""

    name = "error_rate"
    use_case = "operations"
    higher_is_better = False
    judges_errors = True

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(1.0,) for a failed trial, (0.0,) for an answered one."""
        return (0.0 if response.error is None else 1.0,)
