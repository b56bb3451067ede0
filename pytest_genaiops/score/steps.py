"""One step of an answer under any metric of texts: ``groundedness(responses, step="writer")``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_genaiops.columns import Total
from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.errors import MetricError, UnscorableError, of_ours
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.metrics.judged import Judge, Judged, Judgement
from pytest_genaiops.records import Case, Explanation, Response, ResponseError, Statistics, Step
from pytest_genaiops.run.settling import refused

__tracebackhide__ = of_ours

_FITTING = ("text", "label", "latency", "usage")
"""What of a response a step has as well."""
_TAKEN = ("scale", "higher_is_better", "needs", "finds", "use_case", "judges", "judges_errors")
_SHOWN = 5


def of_step(metric: Metric, step: str) -> Metric:
    """The metric, asked about the last step of this id (or of this agent) instead of the whole answer.

    Raises MetricError where that is no name, or the metric is about what a step does not have.
    """
    if not isinstance(step, str) or not step:
        raise MetricError(f"{metric.name}: step={step!r} names no step; give the id of one, or its agent")
    if metric.takes not in _FITTING or metric.pairwise or isinstance(metric, _Step | _JudgedStep):
        raise MetricError(f"{metric.name} is not about the text of one step; leave step={step!r} out")
    return _JudgedStep(inner=metric, step=step) if isinstance(metric, Judged) else _Step(inner=metric, step=step)


def inner_of(metric: Metric) -> tuple[Metric, str] | None:
    """(the metric itself, the step) of one that :func:`of_step` made; None of any other."""
    return (metric.inner, metric.step) if isinstance(metric, _Step | _JudgedStep) else None


@dataclass(frozen=True, kw_only=True)
class _Step(Metric):
    """A metric of one step's output; scale, direction and needs are those of the metric itself."""

    name = "step"
    takes = "steps"
    says = "evidence"

    inner: Metric
    step: str

    def __post_init__(self) -> None:
        _take_on(self, self.inner, self.step)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """Those of the step. Raises UnscorableError where the answer has no such step, or it failed."""
        return self.inner.statistics(_checked(self.inner, response, self.step), case)

    def score(self, total: Any, n: int) -> float:
        """As the metric itself."""
        return self.inner.score(total, n)

    def case_score(self, statistics: Any) -> float:
        """As the metric itself."""
        return self.inner.case_score(statistics)

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """Those of the metric itself, with the step in their names."""
        return _renamed_all(self.inner.parts(total), self.step)

    def tables(self, total: Total) -> Mapping[str, Any]:
        """As the metric itself."""
        return self.inner.tables(total)

    def part(self) -> Part:
        """That of the metric itself, with the step in its name."""
        return _renamed(self.inner.part(), self.step)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """That of the metric itself, and the step."""
        return {**self.inner.signature(cases), "step": self.step}

    def explain(self, response: Response, case: Case) -> Explanation:
        """What the metric finds in the step's output, in words: places in it are none in the answer."""
        return _told(self.inner, self.step, self.inner.explain(_checked(self.inner, response, self.step), case))


@dataclass(frozen=True, kw_only=True)
class _JudgedStep(Judged):
    """The same for a metric that asks a judge."""

    name = "step"
    takes = "steps"

    inner: Judged
    step: str

    def __post_init__(self) -> None:
        _take_on(self, self.inner, self.step)

    async def judged(self, response: Response, case: Case) -> Statistics | Judgement:
        """What the judge says of the step. Raises UnscorableError where the answer has no such step, or it failed."""
        found = await self.inner.judged(_checked(self.inner, response, self.step), case)
        if isinstance(found, Judgement):
            return replace(found, explanation=_told(self.inner, self.step, found.explanation))
        return found

    def required(self) -> Judge:
        """The judge of the metric itself."""
        return self.inner.required()

    def score(self, total: Any, n: int) -> float:
        """As the metric itself."""
        return self.inner.score(total, n)

    def case_score(self, statistics: Any) -> float:
        """As the metric itself."""
        return self.inner.case_score(statistics)

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """Those of the metric itself, with the step in their names."""
        return _renamed_all(self.inner.parts(total), self.step)

    def part(self) -> Part:
        """That of the metric itself, with the step in its name."""
        return _renamed(self.inner.part(), self.step)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """That of the metric itself, and the step."""
        return {**self.inner.signature(cases), "step": self.step}


def _take_on(outer: Metric, inner: Metric, step: str) -> None:
    """What the contract has on the class, an object of another metric has on itself."""
    for attribute in _TAKEN:
        object.__setattr__(outer, attribute, getattr(inner, attribute))
    object.__setattr__(outer, "name", f"{inner.name}[{step}]")


def _checked(metric: Metric, response: Response, name: str) -> Response:
    """The step as a response that the metric can score. Raises UnscorableError where it cannot."""
    found = response_of(response, name)
    short = refused(metric, found)
    if short is not None:
        raise UnscorableError(short.reason, kind=short.kind or "metric")
    return found


def response_of(response: Response, name: str) -> Response:
    """The last step of an id, or of an agent, as if it were the answer; contexts and the trial are the answer's."""
    step = next((each for each in reversed(response.steps) if name in (each.id, each.agent)), None)
    if step is None:
        return Response(
            error=ResponseError(kind="missing", message=_missing(response.steps, name)), trial=response.trial
        )
    error = None
    if step.error is not None:
        error = ResponseError(kind="target", message=f"step {quoted(name)}: {step.error}")
    return Response(
        text=step.output,
        contexts=response.contexts,
        retrieved=response.retrieved,
        usage=step.usage,
        latency=step.latency,
        model=step.model,
        deployment=step.deployment,
        error=error,
        trial=response.trial,
    )


def shown(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """(who took a step, what came of it) as people read it: the error of one that failed, and what it said."""
    return [(_who(step), step.output if step.error is None else _failed(step)) for step in steps]


def _who(step: Step) -> str:
    return step.id if step.agent in (None, step.id) else f"{step.agent}, {step.id}"


def _failed(step: Step) -> str:
    return f"failed: {step.error}" + (f"\n{step.output}" if step.output else "")


def _missing(steps: Sequence[Step], name: str) -> str:
    names = list(dict.fromkeys(known for step in steps for known in (step.agent, step.id) if known is not None))
    if not names:
        return "the response tells no step; have the target return its `steps`, each with an id"
    return f"the response has no step {quoted(name)}{near(name, names)}; it has {listed(names)}"


def _renamed(part: Part, step: str) -> Part:
    return replace(part, name=f"{part.name}[{step}]")


def _renamed_all(parts: Mapping[str, Part | Mapping[str, Part]], step: str) -> dict[str, Part | Mapping[str, Part]]:
    return {
        name: _renamed(part, step)
        if isinstance(part, Part)
        else {key: _renamed(each, step) for key, each in part.items()}
        for name, part in parts.items()
    }


def _told(metric: Metric, step: str, found: Explanation) -> Explanation:
    parts = [found.reason] if found.reason else []
    if found.unsupported:
        parts.append(f"{metric.finds}: {listed(span.text for span in found.unsupported[:_SHOWN])}")
    reason = f"step {quoted(step)}: {'; '.join(parts)}" if parts else ""
    return Explanation(score=found.score, sentences=(), unsupported=(), features=found.features, reason=reason)
