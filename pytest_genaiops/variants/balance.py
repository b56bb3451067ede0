"""A sample of combinations in which every level, and every pair of levels, is as often as it should be.

How often is a matter of all that are allowed: a level that is in a third of them should be in a third of the sample.
Where nothing is excluded, that is: every level of an axis equally often, and every pair of levels of two axes. What is
excluded must not be made up for: where b2 is allowed with a1 alone, as many b2 as b1 would be a2 with b1 and a1 with
b2 only, and nobody could tell the effects of the two axes apart.

A row is found as in AETG (Cohen, Dalal, Fredman and Patton, "The AETG system", IEEE Transactions on Software
Engineering 23, 1997): several candidates are put together axis by axis, in random order, from the level that is most
behind, and the best is taken. Then rows interchange levels of one axis as long as that makes pairs more even, which
leaves the levels as they are (Xu, "An algorithm for constructing orthogonal and nearly-orthogonal arrays with mixed
levels and small runs", Technometrics 44, 2002).

What is random comes from a hash of the seed and the names, and sums are rounded once: the same on every machine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from itertools import combinations
from typing import TypeAlias

from pytest_genaiops.variants.combinations import Row, Space

Names: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""The name of each axis, with those of its levels."""

CANDIDATES = 12
"""Rows that are put together for each one that is taken, where that is not too much work."""
LARGEST = 256
"""Rows that are balanced."""
WORK = 100_000
"""Pairs of levels that may be looked at while rows are found, and once more while they interchange: a second."""

_BETTER = -1e-9
"""What an interchange has to gain at least, so that rounding cannot go round in circles."""


@lru_cache(maxsize=16)
def balanced(space: Space, names: Names, size: int, *, seed: int) -> tuple[Row, ...]:
    """``size`` rows of the space, each once, that of the first levels among them, in the order of ``Space.rows``.

    The rows depend on the seed, the names, which level is the first, and what is allowed; not on the order of axes and
    other levels. There have to be so many rows.
    """
    if size == space.size:
        return tuple(space.rows())
    sample = _Sample(space, names, size, seed)
    sample.take((0,) * len(names))
    looks = (sum(len(levels) for _, levels in names) // 2 + len(space.boxes)) * len(names)
    candidates = max(1, min(CANDIDATES, WORK // (size * looks)))
    while len(sample.rows) < size:
        sample.take(sample.best(candidates))
    sample.shift()
    sample.interchange()
    return tuple(sorted(sample.rows))


class _Sample:
    """The rows so far, and how often each level and each pair of levels is among them."""

    def __init__(self, space: Space, names: Names, size: int, seed: int) -> None:
        self.rows: list[Row] = []
        self._taken: set[Row] = set()
        self._space, self._names, self._size, self._seed = space, names, size, seed
        self._all = space.size
        self._axes = sorted(range(len(names)), key=lambda axis: names[axis][0])
        ends = [0]
        for _, levels in names:
            ends.append(ends[-1] + len(levels))
        self._starts, self._width = ends, ends[-1] + 1
        self._there: Counter[int] = Counter()
        """Rows that have a level, or a pair of them, by their number."""
        self._wanted: dict[int, float] = {}
        """How many rows should have it."""

    def _alone(self, axis: int, level: int) -> int:
        """The number of a level, as if it were paired with one that is not there."""
        return (self._starts[axis] + level) * self._width + self._width - 1

    def _pair(self, a: int, i: int, b: int, j: int) -> int:
        """The number of a pair of levels."""
        one, other = self._starts[a] + i, self._starts[b] + j
        return one * self._width + other if one < other else other * self._width + one

    def _numbers(self, row: Row) -> Iterator[int]:
        """The levels of a row, each alone and all in pairs."""
        yield from (self._alone(axis, level) for axis, level in enumerate(row))
        yield from (self._pair(a, i, b, j) for (a, i), (b, j) in combinations(enumerate(row), 2))

    def _target(self, number: int, *fixed: tuple[int, int]) -> float:
        if number not in self._wanted:
            self._wanted[number] = self._size * self._space.count(*fixed) / self._all
        return self._wanted[number]

    def take(self, row: Row) -> None:
        """Have one more row."""
        self.rows.append(row)
        self._taken.add(row)
        self._there.update(self._numbers(row))

    def best(self, candidates: int) -> Row:
        """The best of several candidates for the next row."""
        found = [self._candidate(attempt) for attempt in range(candidates)]
        return min(found, key=lambda found: (*found[1], self._drawn(self._named(found[0]))))[0]

    def _candidate(self, attempt: int) -> tuple[Row, tuple[float, float]]:
        """A row that is allowed and not there yet, and how much less even levels and pairs would be with it.

        For each axis it has the level that is most behind, alone and then in pairs with those of earlier axes.
        """
        picked: dict[int, int] = {}
        boxes, rivals, costs = self._space.boxes, self.rows, []
        for axis in sorted(self._axes, key=lambda axis: self._drawn((attempt, self._names[axis][0]))):
            left: Counter[int] = Counter()
            for box in boxes:
                rest = math.prod(len(levels) for a, levels in enumerate(box) if a != axis and a not in picked)
                left.update(dict.fromkeys(box[axis], rest))
            left.subtract(row[axis] for row in rivals)
            name, levels = self._names[axis]
            *cost, _, level = min(
                (*self._behind(picked, axis, level), self._drawn((attempt, name, levels[level])), level)
                for level, count in left.items()
                if count > 0
            )
            costs.append(cost)
            picked[axis] = level
            boxes = tuple(box for box in boxes if level in box[axis])
            rivals = [row for row in rivals if row[axis] == level]
        alone, paired = (math.fsum(column) for column in zip(*costs, strict=True))
        return tuple(picked[axis] for axis in range(len(self._names))), (alone, paired)

    def _behind(self, picked: dict[int, int], axis: int, level: int) -> tuple[float, float]:
        """What (there - wanted)²/wanted would grow by, summed over the level alone, and over its pairs.

        That is (2 there + 1)/wanted - 2, of which the 2 is left out: it is the same for all.
        """
        there, number = self._there, self._alone(axis, level)
        alone = (2 * there[number] + 1) / self._target(number, (axis, level))
        pairs = []
        for other, at in picked.items():
            number = self._pair(axis, level, other, at)
            pairs.append((2 * there[number] + 1) / self._target(number, (axis, level), (other, at)))
        return alone, math.fsum(pairs)

    def _named(self, row: Row) -> list[tuple[str, str]]:
        return [(self._names[axis][0], self._names[axis][1][row[axis]]) for axis in self._axes]

    def _drawn(self, what: object) -> bytes:
        """A random place in an order, for things that are otherwise equal: by their names, not by their positions."""
        return sha256(repr((self._seed, len(self.rows), what)).encode("utf-8", "surrogatepass")).digest()

    def interchange(self) -> None:
        """Let rows swap their levels of one axis as long as pairs become more even."""
        work, swapped = 0, True
        while swapped:
            swapped = False
            for axis in self._axes:
                # The first row is the reference, and stays.
                for one, other in combinations(range(1, len(self.rows)), 2):
                    if self.rows[one][axis] != self.rows[other][axis]:
                        swapped |= self._swap(axis, one, other)
                        work += len(self._names)
                    if work > WORK:
                        return

    def shift(self) -> None:
        """Give rows another level of one axis as long as levels become more even.

        What was left to choose from was not always what was behind.
        """
        while any(self._shift(axis, number) for axis in self._axes for number in range(1, len(self.rows))):
            pass

    def _shift(self, axis: int, number: int) -> bool:
        row, levels = self.rows[number], self._names[axis][1]
        gains = []
        for level in range(len(levels)):
            one, other = self._alone(axis, row[axis]), self._alone(axis, level)
            if level != row[axis] and self._target(other, (axis, level)):
                gain = self._gain(one, -1, (axis, row[axis])) + self._gain(other, 1, (axis, level))
                gains.append((gain, levels[level], level))
        better = (level for gain, _, level in sorted(gains) if gain < _BETTER)
        return any(self._replace({number: (*row[:axis], level, *row[axis + 1 :])}) for level in better)

    def _swap(self, axis: int, one: int, other: int) -> bool:
        before = self.rows[one], self.rows[other]
        x, y = before[0][axis], before[1][axis]
        gains = []
        for b, (u, v) in enumerate(zip(*before, strict=True)):
            if b != axis and u != v:
                for level, at, step in ((x, u, -1), (y, u, 1), (y, v, -1), (x, v, 1)):
                    pair = (axis, level), (b, at)
                    number = self._pair(*pair[0], *pair[1])
                    if not self._target(number, *pair):  # never allowed
                        return False
                    gains.append(self._gain(number, step, *pair))
        if math.fsum(gains) > _BETTER:
            return False
        after = (*before[0][:axis], y, *before[0][axis + 1 :]), (*before[1][:axis], x, *before[1][axis + 1 :])
        return self._replace({one: after[0], other: after[1]})

    def _gain(self, number: int, step: int, *fixed: tuple[int, int]) -> float:
        """What (there - wanted)²/wanted grows by with one more, or one less."""
        target = self._target(number, *fixed)
        return (2 * step * (self._there[number] - target) + 1) / target

    def _replace(self, rows: Mapping[int, Row]) -> bool:
        """Put rows in the places of others; False where one is not allowed, or there already."""
        if any(row in self._taken or row not in self._space for row in rows.values()):
            return False
        for place, row in rows.items():
            self._taken.remove(self.rows[place])
            self._taken.add(row)
            self._there.subtract(self._numbers(self.rows[place]))
            self._there.update(self._numbers(row))
            self.rows[place] = row
        return True
