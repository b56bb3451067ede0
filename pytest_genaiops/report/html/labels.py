"""Where numbers stand beside points of a plot, so that none covers a point or another number."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom."""

DIGIT, HEIGHT = 7.5, 12.0
"""Units that a digit is wide, and that a number is high."""
GAP = 1.0
"""Units that stay free around a number."""
_REACHES = (11.0, 15.0, 20.0, 26.0, 33.0, 41.0, 50.0, 60.0, 75.0, 95.0, 120.0, 150.0)
"""How far from its point a number is tried, in units."""
_NEAR = 15.0
"""Up to so far it needs no line that leads to its point."""
_TURNS = 36
"""Directions that are tried, beginning at the upper right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A number beside its point."""

    x: float
    y: float
    """The middle of the number."""
    box: Box
    leader: tuple[Place, Place] | None
    """From the point's edge to the number, where it stands too far off to be read without."""


def labels(
    points: Sequence[tuple[Place, float]], numbers: Mapping[int, int], room: tuple[float, float]
) -> dict[int, Label]:
    """Place of each number; one for which there is no free place is left out.

    Args:
        points: (place, radius) of everything that must not be covered, in the plot's units.
        numbers: index of a point -> its number.
        room: width and height of the plot.
    """
    dots = [(x - size, y - size, x + size, y + size) for (x, y), size in points]
    found: dict[int, Label] = {}
    # Points that have others close by choose first: they have the fewest places.
    for at in sorted(numbers, key=lambda at: sorted(math.dist(points[at][0], other) for other, _ in points)[1:4]):
        best, least = None, math.inf
        for each in _tries(*points[at], len(str(numbers[at]))):
            if _is_free(each.box, dots, found.values(), room):
                crossed = _crossed(each, at, dots, found.values())
                if crossed < least:
                    best, least = each, crossed
                if not crossed:
                    break
        if best is not None:
            found[at] = best
    return found


def _tries(point: Place, radius: float, digits: int) -> Iterator[Label]:
    """Places from near to far, around the point."""
    width, height = digits * DIGIT / 2 + GAP, HEIGHT / 2 + GAP
    for reach in _REACHES:
        for turn in range(_TURNS):
            angle = math.pi * (2 * turn / _TURNS - 0.25)
            toward = math.cos(angle), math.sin(angle)
            # A wide number stands further off to the side than above.
            x, y = (round(point[at] + toward[at] * (reach + (width - height) * (at == 0)), 1) for at in range(2))
            box = (x - width, y - height, x + width, y + height)
            start = (round(point[0] + toward[0] * radius, 1), round(point[1] + toward[1] * radius, 1))
            end = (min(max(start[0], box[0]), box[2]), min(max(start[1], box[1]), box[3]))
            yield Label(x=x, y=y, box=box, leader=(start, end) if reach > _NEAR else None)


def _is_free(box: Box, dots: Sequence[Box], others: Collection[Label], room: tuple[float, float]) -> bool:
    """Whether a number there is inside of the plot, and covers no point and no other number."""
    inside = box[0] >= 0 and box[1] >= 0 and box[2] <= room[0] and box[3] <= room[1]
    return inside and not any(overlap(box, dot) for dot in dots) and not any(overlap(box, one.box) for one in others)


def _crossed(label: Label, own: int, dots: Sequence[Box], others: Collection[Label]) -> int:
    """How bad it is that lines pass behind points, or worse, behind numbers; 0 where none does."""
    numbers = sum(_meets(label.leader, each.box) + _meets(each.leader, label.box) for each in others)
    return 4 * numbers + sum(_meets(label.leader, dot) for at, dot in enumerate(dots) if at != own)


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have an area in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _meets(line: tuple[Place, Place] | None, box: Box) -> bool:
    """Whether a line goes through a box (Liang and Barsky 1984)."""
    if line is None:
        return False
    (x, y), (to_x, to_y) = line
    first, last = 0.0, 1.0
    for step, low, high in ((to_x - x, box[0] - x, box[2] - x), (to_y - y, box[1] - y, box[3] - y)):
        if step == 0:
            if low >= 0 or high <= 0:
                return False
            continue
        enter, leave = sorted((low / step, high / step))
        first, last = max(first, enter), min(last, leave)
    return first < last
