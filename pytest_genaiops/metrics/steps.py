"""What agents, and other parts of a system, took on the way to answers: seconds, failures, calls, tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_genaiops.clients.bills import tokens_in
from pytest_genaiops.columns import Total
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Case, Explanation, Response, Statistics, Step

_SCALE = (0.0, math.inf)
_SHOWN = 5
"""Failed steps that a message names."""


@dataclass(frozen=True, kw_only=True)
class Steps(Metric):
    """A group by agent: ``steps(responses).latency["planner"]``; lower is better everywhere.

    ``latency``: mean seconds that an agent took for an answer, all its steps together. ``error_rate``: share of the
    answers in which a step of it failed, 0-1, whether or not the answer came all the same. ``tokens``: mean tokens of
    an answer, in and out. All three over the answers in which the agent took a step, and ``latency`` and ``tokens``
    for the agents of which somebody measured any. ``calls``: mean number of its steps, over all answers with steps.

    ``by="agent"`` (default) takes the agent of a step, else its id; ``by="id"`` takes its id. An answer that tells no
    step is unscored. A failed trial counts where it tells which of its steps failed, and is unscored where not.
    """

    name = "steps"
    use_case = "agents"
    scale = _SCALE
    higher_is_better = False
    takes = "steps"
    judges_errors = True
    says = "steps"

    by: str = "agent"

    def __post_init__(self) -> None:
        if self.by not in ("agent", "id"):
            raise MetricError(f"steps: by={self.by!r} is unknown; give 'agent' or 'id'")

    def statistics(self, response: Response, case: Case) -> Statistics:
        """{(what, agent): number}.

        Of each agent ``answers`` (1), ``calls``, ``failed`` (1 where a step of it failed), ``seconds`` with ``timed``
        (1 where all its steps are), ``tokens`` with ``counted`` likewise. Raises UnscorableError without steps.
        """
        if response.error is not None and not any(step.error is not None for step in response.steps):
            raise UnscorableError(response.error.message, kind=response.error.kind)
        if not response.steps:
            raise UnscorableError("the response tells no step; have the target return its `steps`, each with an id")
        agents: dict[str, list[Step]] = {}
        for step in response.steps:
            agents.setdefault(self._key(step), []).append(step)
        return {(what, agent): number for agent, own in agents.items() for what, number in _numbers(own).items()}

    def score(self, total: Any, n: int) -> float:
        """Mean number of steps of an answer."""
        return math.fsum(number for (what, _), number in total.items() if what == "calls") / n

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """``latency``, ``error_rate``, ``calls`` and ``tokens``, each by agent."""
        known: Any = total if isinstance(total, Mapping) else {}

        def agents(what: str) -> list[str]:
            return sorted(agent for (kind, agent), number in known.items() if kind == what and number)

        return {
            "latency": {agent: _of("latency", agent, "seconds", "timed") for agent in agents("timed")},
            "error_rate": {agent: _of("error_rate", agent, "failed", "answers") for agent in agents("answers")},
            "calls": {agent: _calls(agent) for agent in agents("answers")},
            "tokens": {agent: _of("tokens", agent, "tokens", "counted") for agent in agents("counted")},
        }

    def explain(self, response: Response, case: Case) -> Explanation:
        """Which steps failed, and why. Raises UnscorableError where none did."""
        failed = [step for step in response.steps if step.error is not None]
        if not failed:
            raise UnscorableError("no step of this answer failed")
        told = [f"{quoted(step.id)} failed: {quoted(step.error)}" for step in failed[:_SHOWN]]
        rest = len(failed) - _SHOWN
        reason = "; ".join(told) + (f"; and {rest} more" if rest > 0 else "")
        return Explanation(score=float(len(response.steps)), sentences=(), unsupported=(), reason=reason)

    def _key(self, step: Step) -> str:
        return step.agent if self.by == "agent" and step.agent is not None else step.id


def _numbers(steps: Sequence[Step]) -> dict[str, float]:
    """What one agent took for one answer."""
    found: dict[str, float] = {
        "answers": 1,
        "calls": len(steps),
        "failed": int(any(s.error is not None for s in steps)),
    }
    seconds = [step.latency for step in steps if step.latency is not None]
    if len(seconds) == len(steps) and all(math.isfinite(each) and each >= 0 for each in seconds):
        found |= {"seconds": math.fsum(seconds), "timed": 1}
    with suppress(UnscorableError):  # of one of the steps nobody knows
        found |= {"tokens": sum(tokens_in(Response(usage=step.usage)).total for step in steps), "counted": 1}
    return found


def _of(name: str, agent: str, what: str, over: str) -> Part:
    """A mean over the answers in which an agent took a step."""
    reasons = {
        "timed": f"nobody measured the seconds of every step of {quoted(agent)}",
        "counted": f"nobody counted the tokens of every step of {quoted(agent)}",
    }
    reason = reasons.get(over)
    return Part(
        name=f"{name}[{agent}]",
        score=partial(_mean, (what, agent), (over, agent)),
        case_score=partial(_own, (what, agent)),
        scale=(0.0, 1.0) if name == "error_rate" else _SCALE,
        higher_is_better=False,
        is_mean=True,
        about=partial(_acted, agent),
        lacking=None if reason is None else partial(_lacking, agent, over, reason),
    )


def _calls(agent: str) -> Part:
    return Part(
        name=f"calls[{agent}]",
        score=lambda total, n: float(total.get(("calls", agent), 0)) / n,
        case_score=partial(_own, ("calls", agent)),
        scale=_SCALE,
        higher_is_better=False,
        is_mean=True,
    )


def _mean(what: tuple[str, str], over: tuple[str, str], total: Any, n: int) -> float:
    if not total.get(over):
        raise UnscorableError(f"no answer tells {what[0]} of {quoted(what[1])}")
    return float(total.get(what, 0)) / float(total[over])


def _own(what: tuple[str, str], statistics: Any) -> float:
    return float(statistics.get(what, 0))


def _acted(agent: str, statistics: Any) -> bool:
    return bool(statistics.get(("answers", agent)))


def _lacking(agent: str, over: str, reason: str, statistics: Any) -> str:
    return reason if _acted(agent, statistics) and not statistics.get((over, agent)) else ""
