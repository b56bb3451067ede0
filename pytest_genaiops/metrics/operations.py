"""How the system behaved, whatever it said: seconds to answer, share of failed trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pytest_genaiops.clients.bills import tokens_in
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Case, Response, Statistics

_MISSING = 0.0
_SCALE = (0.0, math.inf)

_WHOLE, _PER_TOKEN, _FIRST_TOKEN = 0, 1, 3
"""Places of the numbers in the statistics; behind the last two stands whether they are there."""


@dataclass(frozen=True, kw_only=True)
class Latency(Metric):
    """Mean seconds from call to full answer; 0 to infinity, lower is better.

    ``latency.p50`` and ``latency.p95`` are the median and the 95th percentile: the smallest of the measured latencies
    that at least this share of the answers did not exceed (nearest rank; Hyndman and Fan 1996, definition 1).
    ``latency.per_token`` is the mean over answers of seconds per output token, ``latency.first_token`` the mean of
    seconds to the first piece of a streamed answer; answers that do not tell are unscored under these two.
    """

    name = "latency"
    use_case = "operations"
    scale = _SCALE
    higher_is_better = False
    takes = "latency"

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(seconds, seconds per output token, 1.0 where that is known, seconds to first token, 1.0 where known).

        Raises UnscorableError where nobody measured the seconds.
        """
        seconds = response.latency
        if seconds is None:
            raise UnscorableError("nobody measured how long this answer took; record its latency in seconds")
        if not _is_time(seconds):
            raise UnscorableError(f"latency is {seconds!r}; it must be a finite number of seconds of at least 0")
        tokens, first = _output_tokens(response), response.first_token
        per_token = (seconds / tokens, 1.0) if tokens else (_MISSING, 0.0)
        to_first = (float(first), 1.0) if first is not None and _is_time(first) else (_MISSING, 0.0)
        return (float(seconds), *per_token, *to_first)

    def part(self) -> Part:
        """The mean, with ``p50``, ``p95``, ``per_token`` and ``first_token`` under it."""
        children = {
            "p50": _percentile("p50", 0.50),
            "p95": _percentile("p95", 0.95),
            "per_token": _mean("per_token", _PER_TOKEN, "nobody counted output tokens of this answer"),
            "first_token": _mean("first_token", _FIRST_TOKEN, "nobody measured the time to the first token; stream it"),
        }
        return replace(super().part(), children=children)


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


def _is_time(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds >= 0


def _output_tokens(response: Response) -> int | None:
    """Tokens of the answer; None where the response does not tell."""
    try:
        return tokens_in(response).output
    except UnscorableError:
        return None


def _percentile(name: str, share: float) -> Part:
    return Part(
        name=name,
        score=partial(_nearest_rank, share),
        case_score=_seconds,
        scale=_SCALE,
        higher_is_better=False,
        quantile=share,
    )


def _mean(name: str, place: int, reason: str) -> Part:
    return Part(
        name=name,
        score=partial(_average, place),
        case_score=lambda statistics: float(statistics[place]),
        scale=_SCALE,
        higher_is_better=False,
        is_mean=True,
        lacking=lambda statistics: "" if len(statistics) > place + 1 and statistics[place + 1] else reason,
    )


def _seconds(statistics: Any) -> float:
    return float(statistics[_WHOLE])


def _average(place: int, total: Any, n: int) -> float:
    return float(total[place]) / n


def _nearest_rank(share: float, counts: Mapping[float, int], n: int) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    rank, seen = math.ceil(share * n), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            break
    return value
