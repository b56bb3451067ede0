"""Rows that ask the same, or nearly the same, found without comparing every row with every other.

Texts with the same words have the same hash. Texts that are nearly the same share short passages:
of the hashes of all nine-byte passages of a text, the eight smallest are its sketch (Broder, "On the
resemblance and containment of documents", 1997), rows that share one of them are candidates, and
candidates are compared by rapidfuzz's ratio.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from pytest_genaiops.dataset.describe.texts import asked, normal
from pytest_genaiops.records import Case

NEAR = 90.0
"""rapidfuzz's ratio, in per cent, from which on two texts are nearly the same."""
MOST_ROWS = 100_000
"""Rows that are searched for near-duplicates."""
SHOWN = 5
_PASSAGE = 9
_SKETCH = 8
_MOST_SHARED = 2_000_000
"""Hashes that two rows share, over all pairs, that are looked at."""
_MOST_PAIRS = 200_000
"""Pairs of rows that are compared, of those that share most."""
_KEPT = 5000
_LONGEST = 2000
"""Characters of a text that are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One row of one of the datasets."""

    side: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two rows that are alike."""

    first: Place
    second: Place
    same: bool
    """Whether they have the same words."""
    likeness: float
    """In per cent, of the first 2000 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Rows that ask what an earlier row asks."""

    same: int
    """Rows with the same words as an earlier one."""
    conflicting: int
    """Of these, rows with other references or another label than the first that asks it."""
    near: int
    """Pairs of rows that are nearly the same."""
    pairs: tuple[Pair, ...]
    """The first few, conflicting ones before others."""
    complete: bool
    """False where there were too many rows to find all that are nearly the same."""


def alike(sides: Sequence[Sequence[Case]]) -> Alike:
    """Rows that are alike: within the one side, or between two, where there are several.

    Rows without any text are like nothing. Memory: 50 bytes a row, and up to 150 MB for the search.
    """
    rows = _Rows(sides)
    firsts, again = _same(rows)
    conflicting = [(a, b) for a, b in again if rows.answers[a] != rows.answers[b]]
    agreeing = [(a, b) for a, b in again if rows.answers[a] == rows.answers[b]]
    near, complete = _near(rows, firsts)
    shown = [(a, b, True, 100.0) for a, b in conflicting[:SHOWN] + agreeing[:SHOWN]]
    shown += [(a, b, False, likeness) for a, b, likeness in near[:SHOWN]]
    return Alike(
        same=len(again),
        conflicting=len(conflicting),
        near=len(near),
        pairs=tuple(
            Pair(first=rows.place(a), second=rows.place(b), same=same, likeness=likeness)
            for a, b, same, likeness in shown
        ),
        complete=complete,
    )


class _Rows:
    """All rows of all sides, one after the other, as hashes."""

    def __init__(self, sides: Sequence[Sequence[Case]]) -> None:
        self._sides = sides
        self.keys, self.answers = array("q"), array("q")
        for side in sides:
            for case in side:
                self.keys.append(hash(normal(asked(case))))
                self.answers.append(hash((case.references, case.label)))

    def side(self, row: int) -> int:
        for number, side in enumerate(self._sides):
            if row < len(side):
                return number
            row -= len(side)
        raise IndexError(row)

    def case(self, row: int) -> Case:
        for side in self._sides:
            if row < len(side):
                return side[row]
            row -= len(side)
        raise IndexError(row)

    def place(self, row: int) -> Place:
        return Place(side=self.side(row), id=self.case(row).id)

    def apart(self, first: int, second: int) -> bool:
        """Whether a pair counts: always within one side, else only between two."""
        return len(self._sides) == 1 or self.side(first) != self.side(second)

    def some(self) -> Iterator[tuple[int, Case]]:
        """Rows with their positions, at most ``MOST_ROWS``, and of every side some."""
        start = 0
        for side in self._sides:
            yield from enumerate(islice(side, MOST_ROWS // len(self._sides)), start)
            start += len(side)

    @property
    def few(self) -> bool:
        """Whether these are all of them."""
        return max(map(len, self._sides)) <= MOST_ROWS // len(self._sides)


def _same(rows: _Rows) -> tuple[Any, list[tuple[int, int]]]:
    """For each row whether it is the first of its words, and (first, later) of those that are not."""
    import numpy as np

    keys = np.frombuffer(rows.keys, np.int64)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    nothing = hash("")
    later = np.flatnonzero((first[inverse] != np.arange(len(keys))) & (keys != nothing))
    pairs = [(int(first[inverse[row]]), int(row)) for row in later]
    firsts = np.zeros(len(keys), dtype=bool)
    firsts[first] = True
    return firsts & (keys != nothing), [(a, b) for a, b in pairs if rows.apart(a, b)]


def _near(rows: _Rows, firsts: Any) -> tuple[list[tuple[int, int, float]], bool]:
    from rapidfuzz.fuzz import ratio

    @lru_cache(maxsize=_KEPT)
    def text_of(row: int) -> str:
        return _text(rows.case(row))

    places, hashes = array("q"), array("Q")
    for row, case in rows.some():
        if firsts[row]:
            for value in _sketch(_text(case)):
                places.append(row)
                hashes.append(value)
    found: list[tuple[int, int, float]] = []
    candidates, complete = _candidates(places, hashes)
    for first, second in candidates:
        if rows.apart(first, second):
            likeness = ratio(text_of(first), text_of(second), score_cutoff=NEAR)
            if likeness:
                found.append((first, second, float(likeness)))
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1])), complete and rows.few


def _text(case: Case) -> str:
    return normal(asked(case))[:_LONGEST]


def _sketch(text: str) -> list[int]:
    """The smallest hashes of the text's passages."""
    import numpy as np

    data = np.frombuffer(text.encode("utf-8", "surrogatepass").ljust(_PASSAGE), np.uint8).astype(np.uint64)
    count = len(data) - _PASSAGE + 1
    passages = np.zeros(count, np.uint64)
    for place in range(_PASSAGE):
        passages = passages * np.uint64(257) + data[place : place + count]
    # Finalizer of splitmix64: passages that differ by a letter are far apart.
    passages = (passages ^ (passages >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    passages = (passages ^ (passages >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    smallest: list[int] = np.unique(passages ^ (passages >> np.uint64(31)))[:_SKETCH].tolist()
    return smallest


def _candidates(places: array[int], hashes: array[int]) -> tuple[list[tuple[int, int]], bool]:
    """Pairs of rows that share hashes, each once, those that share most before others; and whether these are all."""
    import numpy as np

    if not places:
        return [], True
    order = np.argsort(np.frombuffer(hashes, np.uint64), kind="stable")
    ordered, row = np.frombuffer(hashes, np.uint64)[order], np.frombuffer(places, np.int64)[order]
    found: list[Any] = []
    room = _MOST_SHARED
    here, step = np.arange(len(row)), 0
    while room > 0 and len(here):
        step += 1
        here = here[: np.searchsorted(here, len(row) - step)]
        here = here[ordered[here + step] == ordered[here]]
        found.append(row[here] << 32 | row[here + step])
        room -= len(here)
    complete = not len(here)
    pairs, shared = np.unique(np.concatenate(found), return_counts=True)
    most = np.argsort(-shared, kind="stable")[:_MOST_PAIRS]
    chosen = pairs[np.sort(most)].tolist()  # in the order of rows: each is read about once
    return [(pair >> 32, pair & 0xFFFFFFFF) for pair in chosen], complete and len(pairs) <= _MOST_PAIRS
