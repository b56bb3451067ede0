"""Longest common subsequences of word lists: their length, and which reference words they cover.

The length is rapidfuzz's. To know the words, Wagner and Fischer's table is kept as rows of bits, one
integer each: bit i is 0 where the row steps up by one from reference word i to i + 1. Hyyrö 2004
gives the update of a row by one hypothesis word. A table of n by m words takes n integers of m bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

Words = Sequence[str]

# Bits of table rows held at a time (32 MB); longer tables are walked back block by block.
_MOST_BITS = 1 << 28
_SHORTEST_BLOCK = 64


def common_length(left: Words, right: Words) -> int:
    """Length of the longest common subsequence of two word lists."""
    from rapidfuzz.distance import LCSseq

    return LCSseq.similarity(left, right)


def union_hits(reference: Sequence[Words], hypothesis: Sequence[Words], available: Mapping[str, int]) -> int:
    """Words of the reference lines that the union of their subsequences with every hypothesis line covers.

    A word counts at most as often as the hypothesis has it (``available``). Of equally long
    subsequences the one that rouge-score's walk through its table finds is taken, since the
    union depends on the choice.
    """
    columns = [(len(line), _places(line)) for line in hypothesis]
    covered: Counter[str] = Counter()
    for line in reference:
        masks = {word: _bits(places, len(line)) for word, places in _places(line).items() if word in available}
        union: set[int] = set()
        for length, places in columns:
            shared = masks.keys() & places.keys()
            if shared:
                union.update(_subsequence(line, masks, _steps({word: places[word] for word in shared}, length)))
        covered.update(line[place] for place in union)
    return sum(min(count, available[word]) for word, count in covered.items())


def _places(line: Words) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, word in enumerate(line):
        places.setdefault(word, []).append(place)
    return places


def _steps(places: Mapping[str, Sequence[int]], length: int) -> list[str | None]:
    """Words of a hypothesis line that a reference line has, in order; a run of other words is one None.

    The other words leave the row as it is: of a run, the walk back sees only the first it meets.
    """
    steps: list[str | None] = []
    following = 0
    for place, word in sorted((place, word) for word, found in places.items() for place in found):
        if place != following:
            steps.append(None)
        steps.append(word)
        following = place + 1
    return steps if following == length else [*steps, None]


def _subsequence(line: Words, masks: Mapping[str, int], steps: Sequence[str | None]) -> Iterator[int]:
    """Places in a reference line of its longest common subsequence with a hypothesis line, last first."""
    block = max(_SHORTEST_BLOCK, _MOST_BITS // len(line))
    starts = range(0, len(steps), block)
    full = (1 << len(line)) - 1
    rows = [full]
    stops: list[int] = []
    for start in starts:
        stops, bits = _walk(masks, steps[start : start + block], rows[-1], full)
        rows.append(bits)
    end = len(line)
    for index in reversed(range(len(starts))):
        words = steps[index * block : (index + 1) * block]
        if index < len(starts) - 1:
            stops, _ = _walk(masks, words, rows[index], full)
        for word, stop in zip(reversed(words), reversed(stops), strict=True):
            end = (stop & ((1 << end) - 1)).bit_length()
            if not end:
                return
            if line[end - 1] == word:
                end -= 1
                yield end


def _walk(masks: Mapping[str, int], words: Sequence[str | None], bits: int, full: int) -> tuple[list[int], int]:
    """For each word, the bits where a walk back may stop: a match, or a step up of the row; and the last row."""
    stops = []
    for word in words:
        mask = 0 if word is None else masks[word]
        matched = bits & mask
        bits = ((bits + matched) | (bits - matched)) & full
        stops.append(mask | (full ^ bits))
    return stops, bits


def _bits(places: Sequence[int], size: int) -> int:
    if len(places) * size < 100_000:
        bits = 0
        for place in places:
            bits |= 1 << place
        return bits
    packed = bytearray(size // 8 + 1)
    for place in places:
        packed[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(packed, "little")
