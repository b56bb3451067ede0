"""What a judge replied: one JSON object, read strictly, because what is judged may have a hand in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import GenaiopsError

LONGEST = 100_000
"""Characters of a reply; a longer one is no judgement."""
LONGEST_TEXT = 4_000
"""Characters that are kept of one text in a reply."""
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?```", re.DOTALL | re.IGNORECASE)


class ReplyError(GenaiopsError):
    """A reply that cannot be used, in words that the judge can mend it by; never leaves this room."""


class Reply:
    """A JSON object of a reply, whose values are checked as they are read; unknown keys do no harm."""

    __slots__ = ("_content", "_place")

    def __init__(self, content: Mapping[str, Any], place: str = "") -> None:
        self._content = content
        self._place = place

    def whole(self, key: str, low: int, high: int) -> int:
        """A whole number on a scale. One beside it is no rating, and is not moved to the nearest end."""
        value = self._value(key)
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        if type(number) is not int or not low <= number <= high:
            self._refuse(key, value, f"a whole number from {low} to {high}")
        return number

    def one_of(self, key: str, names: Sequence[str]) -> str:
        """One of some words, whatever their case."""
        value = self._value(key)
        found = value.strip().lower() if isinstance(value, str) else None
        if found not in names:
            self._refuse(key, value, f"one of {listed(names)}")
        return str(found)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._value(key)
        if not isinstance(value, bool):
            self._refuse(key, value, "true or false")
        return value

    def text(self, key: str) -> str:
        """A text, cut where it is too long; empty where there is none."""
        value = self._content.get(key)
        if value is not None and not isinstance(value, str):
            self._refuse(key, value, "a text")
        return (value or "").strip()[:LONGEST_TEXT]

    def texts(self, key: str, most: int) -> list[str]:
        """Texts, those that are not empty; none where the key is missing."""
        values = self._content.get(key)
        given = [values] if isinstance(values, str) else values if values is not None else []
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            self._refuse(key, values, "a list of texts")
        self._bounded(key, given, most)
        return [each.strip()[:LONGEST_TEXT] for each in given if each.strip()]

    def objects(self, key: str, most: int) -> list[Reply]:
        """Objects within this one."""
        values = self._value(key)
        if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
            self._refuse(key, values, "a list of objects")
        self._bounded(key, values, most)
        return [Reply(each, f" of {key}[{i}]") for i, each in enumerate(values)]

    def _value(self, key: str) -> Any:
        if key not in self._content:
            raise ReplyError(f"the key {quoted(key)}{self._place} is missing")
        return self._content[key]

    def _refuse(self, key: str, value: object, wanted: str) -> NoReturn:
        raise ReplyError(f"{quoted(key)}{self._place} is {quoted(value)}, and must be {wanted}")

    def _bounded(self, key: str, values: Sequence[object], most: int) -> None:
        if len(values) > most:
            raise ReplyError(f"{quoted(key)}{self._place} has {len(values)} items, and may have {most}")


def parsed(text: str) -> Reply:
    """The object in a reply, which may stand in a code fence.

    Raises:
        ReplyError: it is no JSON object, names a key twice, or is too long.
    """
    if not text.strip():
        raise ReplyError("it is empty, and must be one JSON object")
    if len(text) > LONGEST:
        raise ReplyError(f"it has {len(text):,} characters, and may have {LONGEST:,}")
    fenced = _FENCED.fullmatch(text.strip())
    try:
        found = json.loads(fenced.group(1) if fenced else text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ReplyError("it is not one JSON object and nothing else") from None
    if not isinstance(found, dict):
        raise ReplyError(f"it is {type(found).__name__} in JSON, and must be an object")
    return Reply(found)


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReplyError(f"it has the key {quoted(key)} twice")
        found[key] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise ReplyError(f"it holds {name}, which is no number in JSON")
