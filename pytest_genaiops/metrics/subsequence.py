"""Longest common subsequences of word lists, by whole rows of a table held as bits of one integer.

Bit i of a row is 0 where the table of Wagner and Fischer steps up by one from reference word i
to i + 1; Hyyrö 2004 gives the update of a row by one hypothesis word. A table of n by m words then
takes n integers of m bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Words = Sequence[str]

# Bits of table rows held at a time (32 MB); longer tables are walked back block by block.
_MOST_BITS = 1 << 28


def common_length(left: Words, right: Words) -> int:
    """Length of the longest common subsequence of two word lists."""
    row, column = (left, right) if len(left) >= len(right) else (right, left)
    masks = _masks(row, set(column))
    full = (1 << len(row)) - 1
    bits = full
    for word in column:
        if mask := masks.get(word):
            matched = bits & mask
            bits = ((bits + matched) | (bits - matched)) & full
    return len(row) - bits.bit_count()


def union_hits(reference: Sequence[Words], hypothesis: Sequence[Words], available: Mapping[str, int]) -> int:
    """Words of the reference lines that the union of their subsequences with every hypothesis line covers.

    A word counts at most as often as the hypothesis has it (``available``). Of equally long
    subsequences the one that rouge-score's walk through its table finds is taken, since the
    union depends on the choice.
    """
    layout = _Layout(reference, available)
    union = 0
    for line in hypothesis:
        union |= layout.covered(line)
    return sum(min(available[word], (union & mask).bit_count()) for word, mask in layout.masks.items())


class _Layout:
    """All reference lines side by side in one integer, an idle bit between them to stop carries."""

    def __init__(self, lines: Sequence[Words], wanted: Iterable[str]) -> None:
        self.lines = lines
        self.starts: list[int] = []
        self.full = 0
        row: list[str] = []
        for line in lines:
            self.starts.append(len(row))
            row += [*line, ""]
        self.size = len(row)
        for start, line in zip(self.starts, lines, strict=True):
            self.full |= ((1 << len(line)) - 1) << start
        self.masks = _masks(row, set(wanted))

    def covered(self, line: Words) -> int:
        """Bits of the reference words on the subsequence of each reference line with one hypothesis line."""
        words = self._steps(line)
        block = max(64, _MOST_BITS // self.size)
        rows = [self.full]
        for start in range(0, len(words), block):
            steps, last = self._walk(words[start : start + block], rows[-1])
            rows.append(last)
        ends = [len(one) for one in self.lines]
        union = 0
        for index in reversed(range(len(rows) - 1)):
            part = words[index * block : (index + 1) * block]
            if index < len(rows) - 2:
                steps, _ = self._walk(part, rows[index])
            union |= self._back(part, steps, ends)
        return union

    def _steps(self, line: Words) -> list[str | None]:
        """Words of a hypothesis line; a run of words that no reference line has is one None.

        Such words leave the row as it is, so that all but the last-walked of them change nothing.
        """
        steps: list[str | None] = []
        for word in line:
            if word in self.masks:
                steps.append(word)
            elif not steps or steps[-1] is not None:
                steps.append(None)
        return steps

    def _walk(self, words: Sequence[str | None], bits: int) -> tuple[list[int], int]:
        """For each word, the bits where a walk back may stop: a match, or a step up of the row."""
        stops = []
        full, masks = self.full, self.masks
        for word in words:
            if word is None:
                stops.append(full ^ bits)
                continue
            mask = masks[word]
            matched = bits & mask
            bits = ((bits + matched) | (bits - matched)) & full
            stops.append(mask | (full ^ bits))
        return stops, bits

    def _back(self, words: Sequence[str | None], stops: Sequence[int], ends: list[int]) -> int:
        """Walk back from the last word through a block, each reference line from its place in ``ends``."""
        union = 0
        for number, (start, line) in enumerate(zip(self.starts, self.lines, strict=True)):
            end = ends[number]
            for word, stop in zip(reversed(words), reversed(stops), strict=True):
                end = ((stop >> start) & ((1 << end) - 1)).bit_length()
                if not end:
                    break
                if line[end - 1] == word:
                    end -= 1
                    union |= 1 << (start + end)
            ends[number] = end
        return union


def _masks(row: Words, wanted: set[str]) -> dict[str, int]:
    """For each wanted word in a row, the bits of its places."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(row):
        if word in wanted:
            places.setdefault(word, []).append(place)
    return {word: _bits(found, len(row)) for word, found in places.items()}


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
