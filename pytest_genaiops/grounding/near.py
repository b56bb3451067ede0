"""Near copies among many texts: pairs whose sets of word triples overlap, found without comparing all with all.

Shingles and the Jaccard index of two sets of them: Broder 1997 (*On the resemblance and containment of documents*).
Two sets whose Jaccard index reaches a threshold share one of their rarest members: prefix filtering (Chaudhuri, Ganti
and Kaushik 2006; Bayardo, Ma and Srikant 2007). It passes over no pair, which a sketch such as MinHash may.
"""

from __future__ import annotations

import math
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pytest_genaiops.errors import MetricError

if TYPE_CHECKING:
    import numpy as np

WIDTH = 3
"""Words of a shingle. A text of fewer words is one shingle."""
MOST_PAIRS = 100_000
"""Pairs that are looked for; once there are so many, one more for each text that has any."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""A word; where a script has no spaces between them, a character."""
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
"""Soft hyphens, joiners and spaces without width, marks of direction: web pages and files have them in words."""
_PRIMES = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_PIECE = 1_000_000
"""Characters that are cut into words at a time."""
_HELD = 5_000
"""Sets of shingles that are kept at hand."""


def near_copies(texts: Sequence[str], *, threshold: float = 0.8) -> list[tuple[int, int, float]]:
    """Pairs of texts whose word triples have a Jaccard index of at least ``threshold``, by position.

    Each is (earlier position, later position, index), 1.0 for the same words in the same order; upper and lower case,
    spelling of characters (NFKC), punctuation and what nobody sees do not count. A text without a word is in no pair.
    Of more than ``MOST_PAIRS`` pairs not all are given, but every text that has an earlier near copy is in one.

    Raises MetricError for a threshold that is no share.
    """
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not number or not 0 < threshold <= 1:
        raise MetricError(f"near copies: threshold={threshold!r} is no share; give a number above 0, at most 1")
    shingles = _Shingles(texts)
    earlier: dict[int, list[int]] = {}
    pairs: list[tuple[int, int, float]] = []
    for place, rare in shingles.prefixes(threshold):
        found = list(_copies(shingles, place, (i for key in rare for i in earlier.get(key, ())), threshold, len(pairs)))
        pairs += sorted(found)
        for key in rare:
            earlier.setdefault(key, []).append(place)
    return sorted(pairs)


def _copies(
    shingles: _Shingles, place: int, candidates: Iterator[int], threshold: float, known: int
) -> Iterator[tuple[int, int, float]]:
    """The near copies of a text among candidates, which may come again."""
    seen: set[int] = set()
    size = shingles.sizes[place]
    for other in candidates:
        if other in seen:
            continue
        seen.add(other)
        if not threshold * size <= shingles.sizes[other] <= size / threshold:
            continue
        index = shingles.jaccard(other, place)
        if index >= threshold:
            yield other, place, index
            known += 1
            if known >= MOST_PAIRS:
                return


def seen(text: str) -> str:
    """A text without the characters that nobody sees."""
    return text if text.isascii() else _UNSEEN.sub("", text)


class _Shingles:
    """The sets of shingles of all texts, each from the rarest to the most frequent."""

    def __init__(self, texts: Sequence[str]) -> None:
        import numpy as np

        shingles, owner = _shingles(texts)
        _, which, counts = np.unique(shingles, return_inverse=True, return_counts=True)
        # A shingle that a text has twice counts as two: rarity orders them all the same.
        rank = np.empty(len(counts), np.int64)
        rank[np.argsort(counts, kind="stable")] = np.arange(len(counts))
        kinds = max(1, len(counts))
        keys = owner * kinds + rank[which]
        keys.sort()
        keys = keys[np.concatenate((np.ones(min(1, len(keys)), bool), keys[1:] != keys[:-1]))]
        self._owner = keys // kinds
        self._ranks = keys - self._owner * kinds
        sizes = np.bincount(self._owner, minlength=len(texts))
        self._starts = np.concatenate(([0], np.cumsum(sizes)))
        self.sizes: list[int] = sizes.tolist()
        self._single = int(np.count_nonzero(counts == 1))
        """Shingles of lower rank stand in one text only."""
        self._at_hand = lru_cache(maxsize=_HELD)(self._set)

    def prefixes(self, threshold: float) -> Iterator[tuple[int, list[int]]]:
        """(position of a text, those of its rarest shingles that other texts have too), in the order of the texts.

        Of two texts that are near copies, both have one of these in common.
        """
        import numpy as np

        within = np.arange(len(self._ranks)) - np.repeat(self._starts[:-1], self.sizes)
        most = [size - math.ceil(threshold * size - 1e-9) + 1 for size in self.sizes]
        wanted = (within < np.repeat(most, self.sizes)) & (self._ranks >= self._single)
        entries = zip(self._owner[wanted].tolist(), self._ranks[wanted].tolist(), strict=True)
        for place, found in groupby(entries, key=itemgetter(0)):
            yield place, [key for _, key in found]

    def jaccard(self, left: int, right: int) -> float:
        """The size of what two sets share over the size of both together."""
        common = len(self._at_hand(left) & self._at_hand(right))
        return common / (self.sizes[left] + self.sizes[right] - common)

    def _set(self, place: int) -> frozenset[int]:
        return frozenset(self._ranks[self._starts[place] : self._starts[place + 1]].tolist())


def _shingles(texts: Sequence[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(shingles as numbers, the same for the same words; the position of the text that each is of)."""
    import numpy as np

    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = lambda: len(numbers) + 1
    flat, lengths = array("Q"), []
    for text in texts:
        before = len(flat)
        for words in _words(_folded(text)):
            flat.extend(map(numbers.__getitem__, words))
        if before < len(flat) < before + WIDTH:
            flat.extend([0] * (before + WIDTH - len(flat)))
        lengths.append(len(flat) - before)
    ids = np.frombuffer(flat, np.uint64) if flat else np.empty(0, np.uint64)
    mixed = np.zeros(max(0, len(ids) - WIDTH + 1), np.uint64)
    for offset, prime in enumerate(_PRIMES):
        mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(prime) + ids[offset : offset + len(mixed)]
    owner = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    whole = owner[: len(mixed)] == owner[WIDTH - 1 :]  # no text's end goes with the next one's beginning
    return mixed[whole], owner[: len(mixed)][whole]


def _folded(text: str) -> str:
    if not unicodedata.is_normalized("NFKC", text):  # quick, where it is
        text = unicodedata.normalize("NFKC", text)
    return seen(text).casefold()


def _words(text: str) -> Iterator[list[str]]:
    """The words of a text; of a large one a piece at a time."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + _PIECE)
        end = len(text) if end < 0 else end
        yield _WORD.findall(text, start, end)
        start = end
