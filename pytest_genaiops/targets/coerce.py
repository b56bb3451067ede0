"""Whatever a target returned -> a Response; a wrong type is an error with its kind, never a guess."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import ErrorKind, Response, ResponseError, Step, Trial
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.variants import Chain

FIELDS = ["text", "contexts", "label", "probabilities", "tool_calls", "usage", "latency", "model", "steps", "error"]
STEP_FIELDS = [field.name for field in dataclasses.fields(Step)]


def to_response(value: object, trial: Trial, *, seconds: float | None = None) -> Response:
    """Turn a target's return value (str, mapping or Response) into the trial's Response.

    ``seconds`` is the measured latency; a latency that the target reports itself wins.
    """
    if type(value) is str and value.isascii():  # by far the most frequent, and the cheapest
        return Response(text=value, trial=trial, latency=seconds)
    try:
        response = _convert(value)
    except UsageError as error:
        return from_error("target", str(error), trial, seconds=seconds)
    latency = response.latency if response.latency is not None else seconds
    return dataclasses.replace(response, trial=trial, latency=latency)


def from_error(kind: ErrorKind, message: str, trial: Trial, *, seconds: float | None = None) -> Response:
    """A Response that is an error; half characters in its message are written as escapes."""
    error = ResponseError(kind=kind, message=message.encode("utf-8", "backslashreplace").decode())
    return Response(error=error, trial=trial, latency=seconds)


def _convert(value: object) -> Response:
    if isinstance(value, str):
        _check_text(value)
        return Response(text=value)
    if isinstance(value, Response):
        return _from_response(value)
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if isinstance(value, Chain):
        raise UsageError("the target returned the chain itself; return chain.response")
    if value is None:
        raise UsageError("the target returned None instead of an answer; return str, dict or Response")
    if isinstance(value, float) and math.isnan(value):
        raise UsageError("the answer is NaN, not text; an empty cell was read as a number")
    raise UsageError(f"the target returned {type(value).__name__}; return str, dict or Response")


def _from_response(value: Response) -> Response:
    """The Response with its fields checked: nothing keeps a target from writing anything into them."""
    _check_text(value.text)
    if value.error is not None and not isinstance(value.error, ResponseError):
        kind = type(value.error).__name__
        raise UsageError(f"the response's 'error' is {kind}, not a ResponseError; return {{'error': '<what failed>'}}")
    if value.latency is not None:
        _seconds(value.latency)
    checked: dict[str, Any] = {} if value.contexts is None else {"contexts": _texts(value.contexts)}
    if value.steps:
        checked["steps"] = _steps(value.steps)
    return dataclasses.replace(value, **checked) if checked else value


def _from_mapping(value: Mapping[Any, Any]) -> Response:
    given = _known_fields(value)
    if "error" in given:
        raise UsageError(str(given["error"]) or "an error without a message")
    if "text" not in given and "label" not in given and "probabilities" not in given:
        raise UsageError("the response has no 'text'")
    _check_text(given.get("text", ""))
    for key in ("probabilities", "usage"):
        if key in given and not isinstance(given[key], Mapping):
            raise UsageError(f"the response's {key!r} is {type(given[key]).__name__}, not a mapping")
    checks = {"contexts": _texts, "label": _label, "tool_calls": _tool_calls, "latency": _seconds, "steps": _steps}
    return Response(**given | {key: check(given[key]) for key, check in checks.items() if key in given})


def _known_fields(value: Mapping[Any, Any]) -> dict[str, Any]:
    for key in value:
        if key not in FIELDS:
            raise UsageError(f"the response has an unknown key {key!r}; {did_you_mean(str(key), FIELDS)}")
    return {key: item for key, item in value.items() if item is not None}


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise UsageError(f"the response's 'text' is {type(text).__name__}, not a string")
    _check_characters(text, "text")


def _check_characters(text: str, field: str) -> None:
    """Refuse half of a surrogate pair.

    It cannot be encoded: under pytest-xdist a report that quotes it would never reach the
    controller, and a failed test would be missing from a green run.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise UsageError(f"the response's {field!r} holds a lone surrogate ({half!r}), which is no character") from None


def _texts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise UsageError("the response's 'contexts' must be a string or a list of strings")
    for item in items:
        _check_characters(item, "contexts")
    return tuple(items)


def _tool_calls(value: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, Sequence) or not all(isinstance(item, Mapping) for item in value):
        raise UsageError("the response's 'tool_calls' must be a list of mappings")
    return tuple(value)


def _steps(value: object) -> tuple[Step, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UsageError(f"the response's 'steps' is {type(value).__name__}, not a list of steps")
    return tuple(map(_step, value))


def _step(value: object) -> Step:
    """A step as it is, or of a mapping with its fields, as a dataset records it."""
    if isinstance(value, Mapping):
        for key in value:
            if key not in STEP_FIELDS:
                raise UsageError(f"a step has an unknown key {key!r}; {did_you_mean(str(key), STEP_FIELDS)}")
        messages = value.get("messages") or ()
        if not isinstance(messages, Sequence):
            raise UsageError(f"a step's 'messages' is {type(messages).__name__}, not a list of messages")
        value = Step(**{"id": None, "output": None} | dict(value) | {"messages": tuple(messages)})
    if not isinstance(value, Step):
        raise UsageError(f"a step is {type(value).__name__}; give a mapping with 'id' and 'output'")
    for field, text in (("id", value.id), ("output", value.output)):
        if not isinstance(text, str):
            raise UsageError(f"a step's {field!r} is {type(text).__name__}, not a string")
        _check_characters(text, field)
    return value


def _label(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        _check_characters(str(value), "label")
        return str(value)
    raise UsageError(f"the response's 'label' is {type(value).__name__}, not a string, integer or boolean")


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise UsageError(f"the response's 'latency' is {value!r}, not a number of seconds")
    return float(value)
