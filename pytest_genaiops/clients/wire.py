"""A Response as JSON text and back: how processes hand responses to each other."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pytest_genaiops.dataset.text import listed, near, printable, quoted
from pytest_genaiops.records import Response, Trial

Reader = Callable[[Any], Any]
R = TypeVar("R")
_BARE = frozenset({str, int, float, bool, type(None)})


def to_json(response: Response) -> str:
    """The response without its trial, which every process knows itself; floats are exact, fields at rest left out.

    Takes what ``to_response`` gave: plain data in every field.
    """
    return json.dumps(plain(response))


def from_json(text: str, trial: Trial | None = None) -> Response:
    """The response that :func:`to_json` wrote, equal in every field, as the answer to a trial.

    Raises ValueError, TypeError or KeyError for a text that it did not write.
    """
    return Response(trial=trial, **_arguments(Response, json.loads(text)))


def response_of(given: Mapping[str, Any]) -> Response:
    """The response that people may have edited: of what :func:`plain` gave.

    Raises ValueError, with the place, for a field that is none, or has another type than it should.
    """
    _check(Response, given, "response")
    return Response(**_arguments(Response, given))


def plain(record: Any) -> dict[str, Any]:
    """The fields of a response (or of a record in it) as JSON values, without its trial and those that are at rest."""
    return {name: _bare(value) for name, rest in _rests(record.__class__) if (value := getattr(record, name)) != rest}


@cache
def _rests(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Each field of a record with the value that it has where nobody gave one."""
    fields = [field for field in dataclasses.fields(kind) if field.name != "trial"]
    made = [(field.name, field.default, field.default_factory) for field in fields]
    return tuple((name, rest if make is dataclasses.MISSING else make()) for name, rest, make in made)


def _bare(value: Any) -> Any:
    if value.__class__ in _BARE:
        return value
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_bare(item) for item in value]
    return plain(value) if dataclasses.is_dataclass(value) else value


def record_of(kind: type[R], given: Mapping[str, Any]) -> R:
    """The record that :func:`plain` gave these fields of. Raises TypeError or KeyError for fields of another one."""
    return kind(**_arguments(kind, given))


def _arguments(kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {**given}
    for name, read in _readers(kind):
        value = arguments.get(name)
        if value is not None:
            arguments[name] = read(value)
    return arguments


@cache
def _readers(kind: type) -> tuple[tuple[str, Reader], ...]:
    """How those fields of a record are read that are not what JSON gives, by their declared types."""
    readers = [(name, _reader(hint)) for name, hint in get_type_hints(kind).items() if name != "trial"]
    return tuple((name, read) for name, read in readers if read is not None)


def _reader(hint: Any) -> Reader | None:
    """None where what JSON gives is the value itself."""
    _, hint = _certain(hint)
    if get_origin(hint) is tuple:
        read = _reader(get_args(hint)[0])
        return tuple if read is None else lambda values: tuple(map(read, values))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return partial(record_of, hint)
    return None


def _certain(hint: Any) -> tuple[bool, Any]:
    """Whether the declared type admits None, and the type without that."""
    if get_origin(hint) not in (types.UnionType, Union):
        return False, hint
    (kind,) = (part for part in get_args(hint) if part is not type(None))
    return True, kind


def _check(hint: Any, value: Any, path: str) -> None:
    """Raise ValueError where a JSON value is not of the declared type."""
    optional, hint = _certain(hint)
    origin, within = get_origin(hint), get_args(hint)
    if optional and value is None:
        return
    if origin is Literal:
        if value not in within:
            raise ValueError(f"{printable(path)} is {quoted(value)}; give one of {listed(within)}")
    elif origin is tuple:
        for number, item in enumerate(_fit(value, list, "a list", path)):
            _check(within[0], item, f"{path}[{number}]")
    elif origin is not None:
        for name, item in _fit(value, dict, "an object", path).items():
            _check(within[1], item, f"{path}.{name}")
    elif dataclasses.is_dataclass(hint):
        _check_record(hint, value, path)
    elif hint in _TYPES:
        _fit(value, *_TYPES[hint], path)


_TYPES: dict[Any, tuple[Any, str]] = {
    str: (str, "text"),
    int: (int, "a whole number"),
    float: (int | float, "a number"),
}


def _check_record(kind: Any, value: Any, path: str) -> None:
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name != "trial"}
    for name in _fit(value, dict, "an object", path):
        if name not in hints:
            raise ValueError(f"{path} has no field {quoted(name)}{near(name, hints)}; it has {', '.join(hints)}")
        _check(hints[name], value[name], f"{path}.{name}")
    for field in dataclasses.fields(kind):
        if field.default is field.default_factory is dataclasses.MISSING and field.name not in value:
            raise ValueError(f"{path} lacks {quoted(field.name)}; add it")


def _fit(value: Any, kinds: Any, named: str, path: str) -> Any:
    if isinstance(value, kinds) and not (isinstance(value, bool) and kinds is not dict):
        return value
    raise ValueError(f"{printable(path)} is {quoted(value)}; give {named}")
