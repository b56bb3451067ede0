"""Two answers to each case -> responses that know the other one, for metrics that compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.judged.prefer import OTHER
from pytest_genaiops.records import Response, ResponseError
from pytest_genaiops.run.settling import MAX_CHARACTERS
from pytest_genaiops.score.committed import Committed
from pytest_genaiops.score.plain import responses_from

__tracebackhide__ = of_ours


def pairs(metric: Metric, first: Any, second: Any, roles: Mapping[str, Any]) -> list[Response]:
    """One response a case of ``first``, whose case has the text of the other answer; an error where that is one.

    Responses join by case id and trial, plain texts by position. Raises MetricError where there is no second side.
    """
    if isinstance(second, Committed):
        second = second.responses
        if not second:
            raise MetricError(
                f"{metric.name} compares texts, and a committed baseline holds none; name a variant as baseline"
            )
    if second is None or isinstance(first, Committed):
        raise MetricError(f"{metric.name} compares two answers: call {metric.name}(responses, baseline)")
    ours, theirs = _responses(metric, first, roles), _responses(metric, second, roles)
    if roles and any(_of_suite(each) for each in (first, second)):
        raise MetricError(f"{metric.name}: responses bring their own {', '.join(roles)}; leave the argument out")
    if len(ours) != len(theirs) and not _of_suite(first):
        raise MetricError(f"{metric.name}: {len(ours)} answers, but {len(theirs)} to compare them with")
    others = {_key(response): response for response in theirs}
    return [_paired(response, others.get(_key(response))) for response in ours]


def _responses(metric: Metric, given: Any, roles: Mapping[str, Any]) -> Sequence[Response]:
    if _of_suite(given):
        return [given] if isinstance(given, Response) else given
    return responses_from(metric, given, roles)


def _of_suite(given: Any) -> bool:
    one = given if isinstance(given, Response) else next(iter(given), None) if isinstance(given, Sequence) else None
    return isinstance(one, Response) and one.trial is not None


def _key(response: Response) -> tuple[str, int]:
    assert response.trial is not None
    return response.trial.case.id, response.trial.index


def _paired(response: Response, other: Response | None) -> Response:
    assert response.trial is not None
    if response.error is not None:
        return response
    error = None
    if other is None:
        error = ResponseError(kind="missing", message="the other side has no answer to this case")
    elif other.error is not None:
        error = replace(other.error, message=f"the other answer: {other.error.message}")
    elif len(other.text) > MAX_CHARACTERS:
        size = f"{len(other.text):,} characters, more than the {MAX_CHARACTERS:,} that are judged"
        error = ResponseError(kind="input", message=f"the other answer has {size}")
    if error is not None or other is None:
        return replace(response, error=error)
    case = response.trial.case
    trial = replace(response.trial, case=replace(case, recorded={OTHER: other.text}))
    return replace(response, trial=trial)
