"""Variants in the order of one score: a line each, with the interval as a bar and letters for ties."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_genaiops.report.text import clipped, columns, excerpt, number, visible

SHORTEST_BAR = 10
"""Columns that a bar needs to show anything; where there are fewer, numbers or the bar itself are left out."""
ADJUSTMENTS = {"holm": "Holm", "bh": "Benjamini-Hochberg"}
"""Name of an adjustment in options -> for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One variant's line."""

    name: str
    value: float
    interval: tuple[float, float]
    ranks: tuple[int, int]
    """Best and worst rank, from 1."""
    letters: str
    """Those of a compact letter display: ``a`` ... ``z``, ``a2`` ..."""
    n: int
    unscored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Everything that the view shows."""

    metric: str
    slice: str = ""
    scale: tuple[float, float]
    higher_is_better: bool
    confidence: float
    adjust: str
    """``holm`` or ``bh``."""
    comparisons: int
    """Number of comparisons over which it adjusts."""
    rows: Sequence[Stand]
    """The best first."""
    unranked: Mapping[str, str] = field(default_factory=dict)
    """Variant without a score -> why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marks:
    """What bars are drawn with: ends, middle, line, and ends beyond the axis."""

    low: str
    high: str
    value: str
    line: str
    below: str
    above: str


_UNICODE = _Marks(low="├", high="┤", value="●", line="─", below="◄", above="►")
_ASCII = _Marks(low="|", high="|", value="o", line="-", below="<", above=">")


def forest(view: Forest, width: int, *, ascii_only: bool = False) -> list[str]:
    """The view's lines, none wider than ``width`` columns (30 or more).

    Names are cut to a third of the width. Where it does not suffice, the bounds in numbers go first, then the bar.
    """
    marks = _ASCII if ascii_only else _UNICODE
    lines = list(_heading(view, width, ascii_only))
    if view.rows:
        lines += _table(view, width, marks)
    notes = [f"{row.name}: {row.unscored} unscored" for row in view.rows if row.unscored]
    notes += [f"{name} is not ranked: {why}" for name, why in view.unranked.items()]
    for note in notes:
        text = excerpt(note, 400)
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return [clipped(line.rstrip(), width) for line in lines]


def _heading(view: Forest, width: int, ascii_only: bool) -> Iterator[str]:
    arrow = (" (lower is better)", "")[view.higher_is_better] if ascii_only else (" ↓", " ↑")[view.higher_is_better]
    part = f", {visible(view.slice)}" if view.slice else ""
    yield clipped(f"{visible(view.metric)}{part}{arrow}", width)
    if len(view.rows) > 1:
        adjust = ADJUSTMENTS.get(view.adjust, view.adjust)
        many = f"{view.comparisons} comparison{'' if view.comparisons == 1 else 's'}"
        level = f"n = {max(row.n + row.unscored for row in view.rows)}, {100 * view.confidence:g} %"
        text = f"{level} intervals; variants without a common letter differ ({adjust} over {many})"
        yield from textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _table(view: Forest, width: int, marks: _Marks) -> Iterator[str]:
    """The rows with aligned columns, and below them the ends of the axis."""
    ranks = [f"{first}" if first == last else f"{first}-{last}" for first, last in (row.ranks for row in view.rows)]
    names = [clipped(visible(row.name), max(12, width // 3)) for row in view.rows]
    values = [number(row.value, view.scale) for row in view.rows]
    bounds = [" to ".join(number(bound, view.scale) for bound in row.interval) for row in view.rows]
    shared = _letters(view.rows)
    left = [_padded(ranks, right=True), _padded(names), _padded(values, right=True)]
    taken = 2 + sum(columns(cells[0]) + 2 for cells in left) + max(map(columns, shared))
    room = width - taken - 2
    if room - max(map(columns, bounds)) - 2 >= SHORTEST_BAR:
        left.append(_padded(bounds, right=True))
        room -= columns(left[-1][0]) + 2
    axis = _axis(view.rows)
    for place, row in enumerate(view.rows):
        bar = f"{_bar(row, axis, room, marks)}  " if room >= SHORTEST_BAR else ""
        yield f"  {''.join(f'{cells[place]}  ' for cells in left)}{bar}{shared[place]}"
    low, high = (number(end, view.scale) for end in axis)
    if room >= SHORTEST_BAR and len(low) + len(high) < room and axis[0] < axis[1]:
        start = 2 + sum(columns(cells[0]) + 2 for cells in left)
        yield f"{' ' * start}{low}{high:>{room - len(low)}}"


def _padded(cells: Sequence[str], *, right: bool = False) -> list[str]:
    width = max(map(columns, cells))
    gaps = [" " * (width - columns(cell)) for cell in cells]
    return [f"{gap}{cell}" if right else f"{cell}{gap}" for gap, cell in zip(gaps, cells, strict=True)]


def _letters(rows: Sequence[Stand]) -> list[str]:
    """Each letter in a column of its own, so that ties are seen; one after the other where there are too many."""
    own = [re.findall(r"[a-z]\d*", row.letters) for row in rows]
    every = sorted({letter for letters in own for letter in letters}, key=lambda letter: (len(letter), letter))
    if len(every) > 26:
        return [row.letters for row in rows]
    return ["".join(letter if letter in letters else " " for letter in every) for letters in own]


def _axis(rows: Sequence[Stand]) -> tuple[float, float]:
    """The range of all bars; bounds at infinity do not count."""
    ends = [end for row in rows for end in (*row.interval, row.value) if math.isfinite(end)]
    return min(ends), max(ends)


def _bar(row: Stand, axis: tuple[float, float], room: int, marks: _Marks) -> str:
    def at(value: float) -> int:
        if axis[0] == axis[1]:
            return room // 2
        share = (min(max(value, axis[0]), axis[1]) - axis[0]) / (axis[1] - axis[0])
        return round(share * (room - 1))

    low, high = map(at, row.interval)
    cells = [" "] * room
    cells[low : high + 1] = marks.line * (high - low + 1)
    cells[low] = marks.low if math.isfinite(row.interval[0]) else marks.below
    cells[high] = marks.high if math.isfinite(row.interval[1]) else marks.above
    cells[at(row.value)] = marks.value
    return "".join(cells)
