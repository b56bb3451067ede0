"""Combinations of levels, counted without making them: a product of a billion less what is excluded."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

Row: TypeAlias = tuple[int, ...]
"""The position of one level for each axis."""
Box: TypeAlias = tuple[frozenset[int], ...]
"""Positions of levels for each axis: all their combinations."""

MOST_PIECES = 1000
"""Boxes that are looked through each time; more take seconds."""


class TooManyPiecesError(Exception):
    """Exclusions that cut the combinations into more boxes than can be looked through."""


@dataclass(frozen=True, slots=True)
class Space:
    """Combinations as boxes of which no two have one in common."""

    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, sizes: Sequence[int]) -> Self:
        """Every combination of so many levels for each axis."""
        return cls((tuple(frozenset(range(size)) for size in sizes),))

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return sum(math.prod(map(len, box)) for box in self.boxes)

    def __contains__(self, row: Row) -> bool:
        return any(all(level in levels for level, levels in zip(row, box, strict=True)) for box in self.boxes)

    def without(self, cut: Box) -> Self:
        """Less the combinations of a box. Raises TooManyPiecesError."""
        boxes: list[Box] = []
        for box in self.boxes:
            boxes += _less(box, cut)
            if len(boxes) > MOST_PIECES:
                raise TooManyPiecesError
        return type(self)(tuple(boxes))

    def rows(self) -> list[Row]:
        """Every combination, in the order in which a nested loop would come to them."""
        return sorted(row for box in self.boxes for row in itertools.product(*map(sorted, box)))

    def count(self, *fixed: tuple[int, int]) -> int:
        """How many combinations have these levels, each given as axis and level."""
        found = 0
        for box in self.boxes:
            if all(level in box[axis] for axis, level in fixed):
                found += math.prod(map(len, box)) // math.prod(len(box[axis]) for axis, _ in fixed)
        return found


def _less(box: Box, cut: Box) -> list[Box]:
    """What a box has outside of another one: for each axis, what differs there first."""
    within = [mine & theirs for mine, theirs in zip(box, cut, strict=True)]
    if not all(within):
        return [box]
    pieces = []
    for axis, (mine, both) in enumerate(zip(box, within, strict=True)):
        if mine - both:
            pieces.append((*within[:axis], mine - both, *box[axis + 1 :]))
    return pieces
