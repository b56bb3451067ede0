"""What is to be removed, and how it is recognised in texts and values."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

REMOVED = "removed"
"""What stands where a text was."""


def folded(text: str) -> str:
    """The text as it is compared: without case, in one spelling (NFKC), with single spaces."""
    if not unicodedata.is_normalized("NFKC", text):  # quick, where it is
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


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
