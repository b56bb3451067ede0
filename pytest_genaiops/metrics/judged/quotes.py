"""Where a text holds what a judge quotes of it: letter for letter, or but for spaces, case and the shape of quotes."""

from __future__ import annotations

import re
from functools import cached_property

_ELLIPSIS = re.compile(r"\s*(?:\[?(?:\.{3,}|…)\]?)\s*")
_SAME = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"})
_EDGES = " \t\r\n\"'`“”‘’«»"


class Quoted:
    """A text in which quotes are looked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, quote: str) -> tuple[int, int] | None:
        """Offsets of a quote, the end not included; None where the text does not hold it.

        Of a quote with an ellipsis every part has to be there, in this order.
        """
        whole = self._found(quote, 0)
        if whole is not None:
            return whole
        parts = [part for part in _ELLIPSIS.split(quote) if part.strip(_EDGES)]
        start = end = 0
        for i, part in enumerate(parts):
            found = self._found(part, end)
            if found is None:
                return None
            start, end = found if i == 0 else (start, found[1])
        return (start, end) if parts else None

    def _found(self, quote: str, begin: int) -> tuple[int, int] | None:
        wanted = quote.strip(_EDGES)
        if not wanted:
            return None
        at = self.text.find(wanted, begin)
        if at >= 0:
            return at, at + len(wanted)
        folded, places = self._folded
        needle = _fold(wanted)[0].strip()
        first = next((i for i, place in enumerate(places) if place >= begin), len(places)) if begin else 0
        at = folded.find(needle, first) if needle else -1
        return None if at < 0 else (places[at], places[at + len(needle) - 1] + 1)

    @cached_property
    def _folded(self) -> tuple[str, list[int]]:
        return _fold(self.text)


def _fold(text: str) -> tuple[str, list[int]]:
    """The text in small letters with single spaces and plain quotes, and where each of its characters came from."""
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text.translate(_SAME)):
        if char.isspace():
            if folded and folded[-1] != " ":
                folded.append(" ")
                places.append(place)
            continue
        for each in char.casefold():
            folded.append(each)
            places.append(place)
    return "".join(folded), places
