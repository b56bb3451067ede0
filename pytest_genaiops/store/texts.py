"""Records and values as JSON text: how the record keeps whatever is no number."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

_DEEPEST = 100
"""Levels of a value that are kept when JSON cannot hold it as it is; what lies below becomes text."""
_LARGEST = 10_000
"""Bits of a whole number that is written in decimals; Python refuses it for larger ones."""


def as_text(value: Any) -> str:
    """JSON of a value or record, as it is where UTF-8 can hold it; what JSON has no form for (a date) becomes text."""
    try:
        text = _ENCODE(value)
    except (TypeError, ValueError, RecursionError):  # a key that is no text, a circle, ever so deep
        text = _ENCODE(_tamed(value, _DEEPEST))
    return text if _is_whole(text) else _ESCAPE(json.loads(text))


def digest_of(text: str) -> bytes:
    """What a content is found by: the same for the same text, in every process."""
    return blake2b(text.encode(), digest_size=16).digest()


def fields_of(record: Any) -> dict[str, Any]:
    """The fields of a record that are not at rest, without its trial: what ``clients.wire.record_of`` reads back."""
    names, get, rests = _layout(record.__class__)
    return {
        name: value
        for name, value, rest in zip(names, get(record), rests, strict=True)
        if value is not rest and value != rest
    }


@cache
def _layout(kind: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[Any, ...]]:
    """The names of a record's fields, what gets their values, and the values that they have where nobody gave one."""
    fields = [field for field in dataclasses.fields(kind) if field.name != "trial"]
    names = tuple(field.name for field in fields)
    rests = [
        field.default if field.default_factory is dataclasses.MISSING else field.default_factory() for field in fields
    ]
    return names, attrgetter(*names), tuple(rests)


def _plain(value: Any) -> Any:
    """What the encoder is told of a value that is not JSON's own."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return fields_of(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode
_ESCAPE = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def _is_whole(text: str) -> bool:
    """Whether UTF-8 can hold it: half of a surrogate pair is no character."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _tamed(value: Any, levels: int) -> Any:
    """A value that JSON can hold, as near as it comes."""
    if isinstance(value, bool | float | str) or value is None:
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _LARGEST else hex(value)
    if not levels:
        return f"<{type(value).__name__}>"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = fields_of(value)
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _tamed(item, levels - 1) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_tamed(item, levels - 1) for item in value]
    return str(value)
