"""Texts as a reader sees them: no invisible characters, and one spelling of what looks the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SELECTORS = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_FILLERS = (0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0)
_BLANK = frozenset(map(chr, (*_SELECTORS, *_FILLERS)))
"""Characters that show nothing and are not of Unicode's category Cf: variation selectors, fillers."""
_ALIKE = dict(
    zip(
        # Cyrillic, Greek, Armenian and phonetic letters, in lower case. Where only the capitals look alike (В and B),
        # these count: text is case-folded first.
        "авекмнорстухіјѕԁԛԝһӏѵ" + "αβεζηικμνορτυχω" + "օսհո" + "ıɑɡᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ",
        "abekmhopctyxijsdqwhlv" + "abeznikmvoptuxw" + "ouhn" + "iagabcdeghijklmnoprstuvwyz",
        strict=True,
    )
)
"""Letters that pass for Latin ones (the idea of skeletons: Unicode Technical Standard 39, section 4)."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in another spelling, with the way back to the places in the original."""

    text: str
    _at: tuple[int, ...] | None = None
    """Of every character, where it stood; None where nothing has moved."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of a part that is not empty."""
        return (start, end) if self._at is None else (self._at[start], self._at[end - 1] + 1)


class _Spellings(dict[str, str]):
    """Character -> what it becomes; filled as it is asked."""

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__()
        self._spell = spell

    def __missing__(self, character: str) -> str:
        spelling = self._spell(character)
        self[character] = spelling
        return spelling


def visible(text: str) -> Folded:
    """The text without characters that show nothing, in compatibility decomposition (NFKD), case kept."""
    return Folded(text) if text.isascii() else _folded(text, _VISIBLE)


def skeleton(text: str) -> Folded:
    """The same without case, and with look-alikes as the Latin letters that they pass for."""
    return Folded(text.lower()) if text.isascii() else _folded(text, _SKELETON)


def letters(text: str) -> Folded:
    """Of the skeleton the letters and digits alone: however it is spaced, hyphenated or marked up."""
    return _folded(text, _LETTERS)


def _folded(text: str, spellings: _Spellings) -> Folded:
    places: list[int] = []
    found: list[str] = []
    for at, character in enumerate(text):
        spelling = spellings[character]
        found.append(spelling)
        places.extend([at] * len(spelling))
    return Folded("".join(found), tuple(places))


def _seen(character: str) -> Iterator[str]:
    for each in unicodedata.normalize("NFKD", character):
        if unicodedata.category(each) != "Cf" and each not in _BLANK:
            yield each


def _visible(character: str) -> str:
    return "".join(_seen(character))


def _skeleton(character: str) -> str:
    return "".join(_ALIKE.get(each, each) for each in _visible(_visible(character).casefold()))


def _letters(character: str) -> str:
    return "".join(each for each in _skeleton(character) if each.isalnum())


_VISIBLE, _SKELETON, _LETTERS = _Spellings(_visible), _Spellings(_skeleton), _Spellings(_letters)
