"""Texts as probes recognise them again: whole, nearly, or quoted somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from pytest_genaiops.grounding.near import seen
from pytest_genaiops.store.wanted import Wanted, folded

COPIED = 3
"""Words of a shingle by which near copies are recognised."""
QUOTED = 8
"""Words in a row that make a quote."""
TELLING = 16
"""Characters from which a text tells which one it is: others say "see below" as well. Shorter ones go by their ids."""
FEWEST = 5
"""Shingles that a text needs before its near copies are looked for; of a shorter one only the same words count."""

Shingles: TypeAlias = frozenset[tuple[str, ...]]

_WORD = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]|[^\W\u2e80-\u9fff\uac00-\ud7af]+")
"""A word; where a script has no spaces between them, a character."""


def words_of(text: str) -> list[str]:
    """The words of a text, without regard to case, spelling of characters (NFKC) and what nobody sees."""
    return _words_in(folded(text))


def _words_in(text: str) -> list[str]:
    return _WORD.findall(seen(text))


def shingles_of(words: Sequence[str], width: int) -> Iterator[tuple[str, ...]]:
    """Every ``width`` words in a row."""
    return zip(*(words[start:] for start in range(width)), strict=False)


def phrases(text: str, *, width: int, most: int, common: Shingles = frozenset()) -> list[str]:
    """Up to ``most`` passages of ``width`` words, as they stand in a text, spread over it.

    Those that hold a quote of ``common`` are taken only where there is nothing else. A text of fewer words gives all of
    itself, and one without a word nothing.
    """
    places = [match.span() for match in _WORD.finditer(text)]
    if not places:
        return []
    last = max(0, len(places) - width)
    starts = list(range(0, last + 1, max(1, width // 2)))
    if starts[-1] != last:
        starts.append(last)
    found = [text[places[start][0] : places[min(start + width, len(places)) - 1][1]] for start in starts]
    if common:
        own = [each for each in found if not common.intersection(shingles_of(words_of(each), QUOTED))]
        found = own or found
    if len(found) <= most:
        return found
    return [found[round(number * (len(found) - 1) / max(1, most - 1))] for number in range(most)]


def quotes_of(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """Every ``QUOTED`` words in a row of these texts."""
    return {shingle for text in texts for shingle in shingles_of(words_of(text), QUOTED)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted(Wanted):
    """Texts that are looked for in files and answers: whoever has ``QUOTED`` of their words in a row is meant."""

    quotes: Shingles = field(default=frozenset(), repr=False)

    def in_text(self, text: str) -> bool:
        """Whether a text quotes one of them."""
        return self.in_folded(folded(text))

    def in_folded(self, text: str) -> bool:
        """The same for a text that is folded already."""
        if any(each in text for each in self.texts):
            return True
        return bool(self.quotes) and not self.quotes.isdisjoint(shingles_of(_words_in(text), QUOTED))


def quoted_of(texts: Iterable[str], common: Shingles) -> Quoted:
    """What to look for in files and answers, of texts that should be gone; ``common`` are quotes that others have too.

    Texts of fewer than ``QUOTED`` words are looked for as a whole, if they are ``TELLING``.
    """
    quotes: set[tuple[str, ...]] = set()
    short: set[str] = set()
    for text in texts:
        words = words_of(text)
        quotes.update(shingles_of(words, QUOTED))
        if len(words) < QUOTED and len(folded(text)) >= TELLING:
            short.add(folded(text))
    return Quoted(texts=tuple(sorted(short)), quotes=frozenset(quotes - common))


class Copies:
    """Recognises copies of known texts among others.

    The same words in the same order are one, and a text where ``threshold`` of the word triples of the shorter of the
    two stand in the other as well: Broder's containment (*On the resemblance and containment of documents*, 1997), so
    that a piece of a text is found, and a text within a longer one, whatever the chunking.
    """

    def __init__(self, texts: Iterable[tuple[str, str]], *, threshold: float) -> None:
        # (name, text); several texts may have one name
        self._threshold = threshold
        self._whole: dict[tuple[str, ...], str] = {}
        self._sizes: list[int] = []
        self._names: list[str] = []
        self._having: dict[tuple[str, ...], list[int]] = {}
        for name, text in texts:
            words = words_of(text)
            if not words or len(folded(text)) < TELLING:
                continue
            self._whole.setdefault(tuple(words), name)
            shingles = set(shingles_of(words, COPIED))
            if len(shingles) >= FEWEST:
                for shingle in shingles:
                    self._having.setdefault(shingle, []).append(len(self._sizes))
                self._sizes.append(len(shingles))
                self._names.append(name)

    def of(self, text: str) -> tuple[str, float] | None:
        """The name of the text that this one is a copy of, and how much of it (0-1); None where it is none."""
        words = words_of(text)
        if tuple(words) in self._whole:
            return self._whole[tuple(words)], 1.0
        shingles = set(shingles_of(words, COPIED))
        if len(shingles) < FEWEST:
            return None
        counts: dict[int, int] = {}
        for shingle in self._having.keys() & shingles if len(self._having) < len(shingles) else shingles:
            for which in self._having.get(shingle, ()):
                counts[which] = counts.get(which, 0) + 1
        share = partial(self._share, size=len(shingles))
        best = max(((share(which, common), which) for which, common in counts.items()), default=(0.0, -1))
        return (self._names[best[1]], best[0]) if best[0] >= self._threshold else None

    def _share(self, which: int, common: int, *, size: int) -> float:
        return common / min(size, self._sizes[which])
