"""Whatever a target returned -> a Response; a wrong type is an error with its kind, never a guess."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from operator import attrgetter
from typing import Any, NoReturn, get_args

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import ErrorKind, Passage, Response, ResponseError, Step, Trial
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.variants import Chain

FIELDS = [field.name for field in dataclasses.fields(Response) if field.name != "trial"]
_fields = attrgetter(*FIELDS)
_AT_REST = _fields(Response())
"""The values of fields that nobody has given."""
PASSAGE_FIELDS = [field.name for field in dataclasses.fields(Passage)]
_ANSWERS = ("text", "label", "probabilities", "retrieved")
"""Fields of which one makes a response."""
STEP_FIELDS = [field.name for field in dataclasses.fields(Step)]
KINDS = list(get_args(ErrorKind))
_LARGEST = 10**100
"""Of an id that is a number, and of an offset; Python itself refuses to write numbers of thousands of digits."""
_AS_THEY_ARE = frozenset({int, float, bool, type(None)})
"""Python's own numbers: whether a value is of an abstract class takes several times as long to find out."""


def to_response(value: object, trial: Trial, *, seconds: float | None = None) -> Response:
    """Turn a target's return value (str, mapping or Response) into the trial's Response.

    ``seconds`` is the measured latency; a latency that the target reports itself wins.
    """
    if type(value) is str and value.isascii():  # by far the most frequent, and the cheapest
        return Response(text=value, trial=trial, latency=seconds)
    try:
        given = _convert(value)
    except UsageError as error:
        return from_error("target", str(error), trial, seconds=seconds)
    given.setdefault("latency", seconds)
    return Response(trial=trial, **given)


def from_error(kind: ErrorKind, message: str, trial: Trial, *, seconds: float | None = None) -> Response:
    """A Response that is an error; half characters in its message are written as escapes."""
    return Response(error=ResponseError(kind=kind, message=_escaped(message)), trial=trial, latency=seconds)


def _convert(value: object) -> dict[str, Any]:
    """The fields that the value gives, checked."""
    if isinstance(value, str):
        return {"text": _text(value)}
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


def _from_response(value: Response) -> dict[str, Any]:
    """The Response's fields, checked as well: nothing keeps a target from writing anything into them."""
    given = zip(FIELDS, _fields(value), _AT_REST, strict=True)
    return _checked(
        {name: item for name, item, rest in given if item is not rest and (item is not None or name == "text")}
    )


def _from_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    given = _known_fields(value)
    if "error" in given:
        raise UsageError(str(given["error"]) or "an error without a message")
    if given.keys().isdisjoint(_ANSWERS):
        raise UsageError("the response has no 'text'")
    return _checked(given)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same in plain data only.

    It has to mean the same to every process of a session, and they hand responses on as JSON.
    """
    found = {name: CHECKS[name](value) for name, value in given.items()}
    if "retrieved" in found and "contexts" not in found:
        texts = tuple(passage.text for passage in found["retrieved"] if passage.text is not None)
        # Who retrieved nothing has no contexts, which is not the same as those of the case.
        if texts or not found["retrieved"]:
            found["contexts"] = texts
    return found


def _known_fields(value: Mapping[Any, Any]) -> dict[str, Any]:
    for key in value:
        if key not in FIELDS:
            raise UsageError(f"the response has an unknown key {key!r}; {did_you_mean(str(key), FIELDS)}")
    return {key: item for key, item in value.items() if item is not None}


def _text(value: object, field: str = "text") -> str:
    if type(value) is str and value.isascii():
        return value
    if not isinstance(value, str):
        raise UsageError(f"the response's {field!r} is {type(value).__name__}, not a string")
    _check_characters(value, field)
    return str.__str__(value)


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
    return tuple(_text(item, "contexts") for item in items)


def passages(value: object) -> tuple[Passage, ...]:
    """A ranking as a target gives it, checked: a list of ids, and of mappings (or Passages) with an id or a place.

    Raises UsageError, with the rank, for what is no passage.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
        kind = type(value).__name__
        raise UsageError(f"the response's 'retrieved' is {kind}, not a list of passages; give them best first")
    return tuple(_passage(item, rank) for rank, item in enumerate(value, start=1))


def _passage(item: object, rank: int) -> Passage:
    if type(item) is str and item and item.isascii():
        return Passage(id=item)
    if isinstance(item, Passage):
        given: Mapping[Any, Any] = {name: getattr(item, name) for name in PASSAGE_FIELDS}
    else:
        given = item if isinstance(item, Mapping) else {"id": item}
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in PASSAGE_CHECKS:
            what = f"passage {rank} of 'retrieved' has an unknown key {quoted(name)}"
            raise UsageError(f"{what}; {did_you_mean(str(name), PASSAGE_FIELDS)}")
        if value is not None:
            found[name] = PASSAGE_CHECKS[name](value, name, rank)
    start, end = found.get("start"), found.get("end")
    if (start is None) != (end is None) or (start is not None and (start >= end or "source" not in found)):
        what = f"passage {rank} of 'retrieved' has source {quoted(given.get('source'))}, start {start}, end {end}"
        raise UsageError(f"{what}; give a source, and a start that is smaller than the end")
    if "id" not in found and start is None:
        raise UsageError(f"passage {rank} of 'retrieved' has no id, nor a source with start and end; give one of them")
    return Passage(**found)


def _name(value: object, field: str, rank: int) -> str:
    if type(value) is str and value and value.isascii():
        return value
    if isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) < _LARGEST:
        return str(int(value))
    if not isinstance(value, str) or not value:
        _refuse(value, field, rank, "give a text that is not empty, or a whole number")
    return _text(value, "retrieved")


def _offset(value: object, field: str, rank: int) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or not 0 <= int(value) < _LARGEST:
        _refuse(value, field, rank, "give a whole number from 0")
    return int(value)


def _score(value: object, field: str, rank: int) -> float:
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        _refuse(value, field, rank, "give a finite number, or leave it out")
    return number


def _refuse(value: object, field: str, rank: int, mend: str) -> NoReturn:
    raise UsageError(f"the {field} of passage {rank} in 'retrieved' is {quoted(value)}; {mend}")


def _mappings(value: object, field: str) -> tuple[Mapping[str, Any], ...]:
    """Mappings, or the objects of pydantic that clients of models give in their place."""
    what = f"the response's {field!r} must be a list of mappings"
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UsageError(f"{what}, and is {type(value).__name__}")
    found = [item.model_dump() if callable(getattr(item, "model_dump", None)) else item for item in value]
    for item in found:
        if not isinstance(item, Mapping):
            raise UsageError(f"{what}, and holds {type(item).__name__}")
    return tuple(_plain(item, field) for item in found)


def _probabilities(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"the response's 'probabilities' is {type(value).__name__}, not a mapping")
    found = {_label(name, "probabilities"): _plain(item, "probabilities") for name, item in value.items()}
    if len(found) < len(value):
        raise UsageError("the response's 'probabilities' name one class twice, as text and as a number")
    return found


def _usage(value: object) -> Any:
    if not isinstance(value, Mapping):
        raise UsageError(f"the response's 'usage' is {type(value).__name__}, not a mapping")
    return _plain(value, "usage")


def steps(value: object) -> tuple[Step, ...]:
    """Steps as a target gives them, checked: Steps, or mappings with their fields. Raises UsageError for others."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UsageError(f"the response's 'steps' is {type(value).__name__}, not a list of steps")
    return tuple(map(_step, value))


def _step(value: object) -> Step:
    """A step, given as one or as a mapping with its fields, as a dataset records it."""
    if isinstance(value, Mapping):
        for key in value:
            if key not in STEP_FIELDS:
                raise UsageError(f"a step has an unknown key {key!r}; {did_you_mean(str(key), STEP_FIELDS)}")
        given = {"id": None, "output": None, **value}
        if given["output"] is None and given.get("error") is not None:  # who failed said nothing
            given["output"] = ""
    elif isinstance(value, Step):
        given = {name: getattr(value, name) for name in STEP_FIELDS}
    else:
        raise UsageError(f"a step is {type(value).__name__}; give a mapping with 'id' and 'output'")
    for field in ("id", "output"):
        if not isinstance(given[field], str):
            raise UsageError(f"a step's {field!r} is {type(given[field]).__name__}, not a string")
    try:
        return Step(**{name: STEP_CHECKS[name](item) for name, item in given.items() if item is not None})
    except UsageError as error:
        raise UsageError(f"the step {quoted(given['id'])}: {error}") from None


def _messages(value: object) -> tuple[Any, ...]:
    if not isinstance(value, Sequence):
        raise UsageError(f"a step's 'messages' is {type(value).__name__}, not a list of messages")
    return tuple(_plain(item, "steps") for item in value)


def _told(value: object) -> Any:
    """What went into a prompt, for people to read: what is no plain data (a date in a column) is told as text."""
    try:
        return _plain(value, "steps")
    except UsageError:
        return {str(name): _told(item) for name, item in value.items()} if isinstance(value, Mapping) else str(value)


def _plain(value: object, field: str) -> Any:
    """The value in Python's own text, numbers, lists and dicts; numpy's numbers become Python's."""
    if isinstance(value, str):
        return _text(value, field)
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, (dict, Mapping)) and all(isinstance(key, str) for key in value):
        return {_text(key, field): _plain(item, field) for key, item in value.items()}
    if isinstance(value, (list, Sequence)) and not isinstance(value, bytes | bytearray):
        return [_plain(item, field) for item in value]
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    what = "a mapping whose keys are not strings" if isinstance(value, Mapping) else type(value).__name__
    raise UsageError(f"the response's {field!r} holds {what}; give strings, numbers, lists and mappings")


def _error(value: object) -> ResponseError:
    if not isinstance(value, ResponseError):
        kind = type(value).__name__
        raise UsageError(f"the response's 'error' is {kind}, not a ResponseError; return {{'error': '<what failed>'}}")
    if value.kind not in KINDS:
        raise UsageError(f"the response's error is of kind {value.kind!r}; {did_you_mean(str(value.kind), KINDS)}")
    return ResponseError(kind=value.kind, message=_escaped(str(value.message)))


def _step_error(value: object) -> str:
    if isinstance(value, ResponseError):
        return _escaped(str(value.message))
    if not isinstance(value, str | Exception):
        raise UsageError(f"a step's 'error' is {type(value).__name__}; give its message, or leave it out")
    return _escaped(str(value)) or "an error without a message"


def _escaped(message: str) -> str:
    return message.encode("utf-8", "backslashreplace").decode()


def _label(value: object, field: str = "label") -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return _text(value if isinstance(value, str) else str(value), field)
    what = "'label' is" if field == "label" else f"{field!r} has a class that is"
    raise UsageError(f"the response's {what} {type(value).__name__}, not a string, integer or boolean")


def _seconds(value: object, field: str = "latency") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise UsageError(f"the response's {field!r} is {value!r}, not a number of seconds")
    return float(value)


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "contexts": _texts,
    "retrieved": passages,
    "label": _label,
    "probabilities": _probabilities,
    "tool_calls": lambda value: _mappings(value, "tool_calls"),
    "logprobs": lambda value: _mappings(value, "logprobs"),
    "usage": _usage,
    "latency": _seconds,
    "first_token": lambda value: _seconds(value, "first_token"),
    "model": lambda value: _text(value, "model"),
    "deployment": lambda value: _text(value, "deployment"),
    "finish_reason": lambda value: _text(value, "finish_reason"),
    "steps": steps,
    "error": _error,
}
STEP_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "id": lambda value: _text(value, "id"),
    "output": lambda value: _text(value, "output"),
    "messages": _messages,
    "inputs": _told,
    "parameters": _told,
    "usage": _usage,
    "latency": _seconds,
    "model": lambda value: _text(value, "model"),
    "deployment": lambda value: _text(value, "deployment"),
    "agent": lambda value: _text(value, "agent"),
    "error": _step_error,
}
PASSAGE_CHECKS: Mapping[str, Callable[[Any, str, int], Any]] = {
    "id": _name,
    "text": lambda value, field, rank: _text(value, "retrieved"),
    "source": _name,
    "start": _offset,
    "end": _offset,
    "score": _score,
}
