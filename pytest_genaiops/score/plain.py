"""Plain texts and lists -> responses with cases, so that every call goes the same way."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_genaiops.dataset.calls import tool_calls
from pytest_genaiops.dataset.relevance import relevant
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import DatasetError, MetricError, UsageError, of_ours
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Passage, Relevant, Response, ResponseError, Step, Trial
from pytest_genaiops.targets.coerce import passages, steps

__tracebackhide__ = of_ours


def responses_from(metric: Metric, first: Any, roles: Mapping[str, Any]) -> list[Response]:
    """One Response a text, each with a Case made of what stands beside it.

    Raises:
        MetricError: lengths differ, or an argument is of the wrong shape.
    """
    if _is_single(first):
        first, roles = [first], {key: [value] for key, value in roles.items()}
    given = _listed(metric, "responses", first)
    columns = {role: _listed(metric, role, values) for role, values in roles.items()}
    for role, values in columns.items():
        if len(values) != len(given):
            shape = ": one string, or one list of strings, for each hypothesis" if role == "references" else ""
            raise MetricError(f"{metric.name}: {len(given)} responses but {len(values)} {role}{shape}")
    ids = [str(i) for i in columns.get("ids", range(len(given)))]
    if len(set(ids)) != len(ids):
        raise MetricError(f"{metric.name}: an id occurs twice; rows join by id, so ids must be unique")
    rows = [{role: values[i] for role, values in columns.items()} for i in range(len(given))]
    return [_response(metric, value, _case(metric, ids[i], rows[i])) for i, value in enumerate(given)]


def _is_single(first: Any) -> bool:
    return isinstance(first, str | Mapping | int | float) or first is None


def _listed(metric: Metric, what: str, values: Any) -> list[Any]:
    if isinstance(values, str | Mapping | bytes) or not hasattr(values, "__iter__"):
        kind = type(values).__name__
        raise MetricError(f"{metric.name}: {what} must be a list, one item for each response, not {kind}")
    return _as_python(list(values))


def _as_python(values: list[Any]) -> list[Any]:
    """Items of arrays and columns as Python's own numbers and lists: numpy's have types that look like neither."""
    return [value.tolist() if hasattr(value, "tolist") else value for value in values]


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ == "NAType"


def _case(metric: Metric, row: str, roles: Mapping[str, Any]) -> Case:
    question, label, cluster = roles.get("questions"), roles.get("labels"), roles.get("clusters")
    return Case(
        id=row,
        inputs={"question": question} if isinstance(question, str) else {},
        references=_texts(metric, row, "reference", roles.get("references")),
        contexts=_texts(metric, row, "context", roles.get("contexts")),
        label=None if _is_missing(label) else _label(label),
        relevant=_relevant(metric, row, roles.get("relevant")),
        tool_calls=_expected_calls(metric, row, roles.get("tool_calls")),
        cluster=None if _is_missing(cluster) else str(cluster),
    )


def _texts(metric: Metric, row: str, what: str, value: Any) -> tuple[str, ...] | None:
    if _is_missing(value):
        return None
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence) else (value,)
    for text in texts:
        if not isinstance(text, str):
            raise MetricError(f"{metric.name}: a {what} of row {row} is {type(text).__name__}, not a string")
    return texts


def _relevant(metric: Metric, row: str, value: Any) -> tuple[Relevant, ...] | None:
    try:
        return None if _is_missing(value) else relevant(value, f"{metric.name}: row {row}")
    except DatasetError as error:
        raise MetricError(str(error)) from None


def _expected_calls(metric: Metric, row: str, value: Any) -> tuple[Mapping[str, Any], ...] | None:
    try:
        return None if _is_missing(value) else tool_calls(value, f"{metric.name}: row {row}")
    except DatasetError as error:
        raise MetricError(str(error)) from None


def _label(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _response(metric: Metric, value: Any, case: Case) -> Response:
    trial = Trial(case=case, variant="")
    if isinstance(value, Response):
        if value.trial is not None:
            raise MetricError(f"{metric.name}: responses of a suite stand among others; score them by themselves")
        found = None if value.retrieved is None else _passages(metric, value.retrieved, case)
        return dataclasses.replace(value, retrieved=found, steps=_steps(metric, value.steps, case), trial=trial)
    if metric.takes in ("probabilities", "usage") and isinstance(value, Mapping):
        return dataclasses.replace(Response(trial=trial), **{metric.takes: value})  # type: ignore[arg-type]
    if metric.takes == "latency" and isinstance(value, int | float) and not isinstance(value, bool):
        return Response(latency=float(value), trial=trial)
    if metric.takes == "label" and isinstance(value, bool | int):
        value = _label(value)
    if isinstance(value, str) and metric.takes not in _READERS:
        return Response(text=value, trial=trial)
    if metric.takes in _READERS and isinstance(value, Sequence | Mapping):
        return dataclasses.replace(Response(trial=trial), **{metric.takes: _READERS[metric.takes](metric, value, case)})
    shown = "None" if value is None else "NaN" if _is_missing(value) else type(value).__name__
    return Response(error=ResponseError(kind="input", message=f"the response is {shown}, not text"), trial=trial)


def _made_calls(metric: Metric, value: object, case: Case) -> tuple[Mapping[str, Any], ...]:
    calls = [None] if isinstance(value, str) else value
    if not isinstance(calls, Sequence) or not all(isinstance(call, Mapping) for call in calls):
        what = f"row {case.id} is {quoted(value)}"
        raise MetricError(f"{metric.name}: {what}; give one list of calls (mappings) for each response")
    return tuple(calls)


def _passages(metric: Metric, value: object, case: Case) -> tuple[Passage, ...]:
    if isinstance(value, str):
        raise MetricError(f"{metric.name}: row {case.id} is a text; give one list of passages for each query")
    try:
        return passages(value)
    except UsageError as error:
        raise MetricError(f"{metric.name}: row {case.id}: {error}") from None


def _steps(metric: Metric, value: object, case: Case) -> tuple[Step, ...]:
    try:
        return steps(value)
    except UsageError as error:
        raise MetricError(f"{metric.name}: row {case.id}: {error}") from None


_READERS: Mapping[str, Callable[[Metric, Any, Case], Any]] = {
    "retrieved": _passages,
    "tool_calls": _made_calls,
    "steps": _steps,
}
"""Fields of a response that a list fills, by how it is read."""
