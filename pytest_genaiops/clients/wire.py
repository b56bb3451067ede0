"""A Response as JSON text and back: how processes hand responses to each other."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Union, get_args, get_origin, get_type_hints

from pytest_genaiops.records import Response, Trial

Reader = Callable[[Any], Any]


def to_json(response: Response) -> str:
    """The response without its trial, which every process knows itself; floats are exact, fields at rest left out.

    Takes what ``to_response`` gave: plain data in every field.
    """
    return json.dumps(_fields(response))


def from_json(text: str, trial: Trial) -> Response:
    """The response that :func:`to_json` wrote, equal in every field, as the answer to a trial."""
    response: Response = _record(Response, json.loads(text))
    return dataclasses.replace(response, trial=trial)


def _fields(record: Any) -> dict[str, Any]:
    return {name: _bare(value) for name, rest in _rests(record.__class__) if (value := getattr(record, name)) != rest}


@cache
def _rests(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Each field of a record with the value that it has where nobody gave one."""
    fields = [field for field in dataclasses.fields(kind) if field.name != "trial"]
    made = [(field.name, field.default, field.default_factory) for field in fields]
    return tuple((name, rest if make is dataclasses.MISSING else make()) for name, rest, make in made)


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_bare(item) for item in value]
    return _fields(value) if dataclasses.is_dataclass(value) else value


def _record(kind: type, given: Mapping[str, Any]) -> Any:
    readers = _readers(kind)
    return kind(**{name: value if value is None else readers[name](value) for name, value in given.items()})


@cache
def _readers(kind: type) -> dict[str, Reader]:
    """How each field of a record is read, by its declared type."""
    return {name: _reader(hint) for name, hint in get_type_hints(kind).items()}


def _reader(hint: Any) -> Reader:
    if get_origin(hint) in (types.UnionType, Union):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is tuple:
        read = _reader(get_args(hint)[0])
        return lambda values: tuple(map(read, values))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return partial(_record, hint)
    return lambda value: value
