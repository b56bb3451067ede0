"""What is to be removed, and how it is recognised in texts and values."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

REMOVED = "removed"
"""What stands where a text was."""
_UNSEEN = (
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters without a shape of their own: places to part a word, joiners, marks of direction."""
_ALIKE = {"'": "\u2018\u2019\u201b\u02bc\u2032", "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"}
"""What models and word processors write for what a keyboard has."""


def folded(text: str) -> str:
    """The text as it is compared: without case, in one spelling (NFKC), with single spaces.

    Typographic apostrophes and dashes are those of a keyboard, and what nobody sees (soft hyphens, marks of direction)
    is left out.
    """
    return " ".join((text if text.isascii() else _spelt(text)).casefold().split())


def _spelt(text: str) -> str:
    for unseen in _UNSEEN:  # first, for it keeps a letter from its accent
        text = text.replace(unseen, "")
    if not unicodedata.is_normalized("NFKC", text):  # quick, where it is
        text = unicodedata.normalize("NFKC", text)
    for plain, others in _ALIKE.items():
        for other in others:
            text = text.replace(other, plain)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Texts, and the id of a case; whatever has one of them is meant."""

    texts: tuple[str, ...] = ()
    """As :func:`folded` gives them."""
    id: str | None = None

    def in_text(self, text: str) -> bool:
        """Whether a text holds one of the texts."""
        return self.in_folded(folded(text)) if self.texts else False

    def in_folded(self, text: str) -> bool:
        """The same for a text that is folded already."""
        return any(each in text for each in self.texts)

    def in_value(self, value: Any) -> bool:
        """Whether any text of a JSON value does, be it the name of a field."""
        return any(map(self.in_text, texts_of(value)))

    def in_json(self, text: str) -> bool:
        """The same for JSON text, and for what is none."""
        if "\\" not in text and not self.in_text(text):  # its texts stand in it as they are
            return False
        try:
            return self.in_value(json.loads(text))
        except (ValueError, RecursionError):
            return self.in_text(text)

    def cut(self, value: Any) -> Any:
        """A JSON value with ``removed`` in place of each text that holds one of the texts."""
        if isinstance(value, str):
            return REMOVED if self.in_text(value) else value
        if isinstance(value, dict):
            return {self.cut(key): self.cut(item) for key, item in value.items()}
        return [self.cut(item) for item in value] if isinstance(value, list) else value


def texts_of(value: Any) -> Iterator[str]:
    """Every text of a JSON value, names of fields too."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
