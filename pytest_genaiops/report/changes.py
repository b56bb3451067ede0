"""Changes between variants under one score: a line each, the surest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.report.text import clipped, columns, excerpt, number, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One candidate against one baseline."""

    candidate: str
    baseline: str
    change: float | None
    """Candidate minus baseline; None where they could not be compared."""
    interval: tuple[float, float] | None
    p_value: float | None
    adjusted: float | None
    n: int
    reason: str = ""
    """Why there is no change."""


def changes(rows: Sequence[Row], scale: tuple[float, float], width: int) -> list[str]:
    """Lines with aligned columns: candidate, baseline, change with its interval, p-value as such and adjusted.

    A column with n follows where it is not the same for all. Names are cut where a line would not fit ``width``
    columns, unless two would look alike. Rows without a change come last, as sentences.
    """
    compared = sorted((row for row in rows if row.p_value is not None), key=lambda row: row.p_value or 0.0)
    numbers = [
        [
            number(row.change, scale, "+"),
            " to ".join(number(bound, scale, "+") for bound in row.interval or ()),
            _p_value(row.p_value),
            _p_value(row.adjusted),
            *([str(row.n)] if len({each.n for each in compared}) > 1 else []),
        ]
        for row in compared
    ]
    lines: list[str] = []
    if compared:
        heads = ["change", "interval", "p", "adjusted", "n"][: len(numbers[0])]
        columns_of = [_right(column) for column in zip(heads, *numbers, strict=True)]
        taken = 2 + sum(columns(column[0]) + 2 for column in columns_of)
        names = _names([name for row in compared for name in (row.candidate, row.baseline)], (width - taken - 2) // 2)
        sides = [("candidate", "baseline"), *((names[row.candidate], names[row.baseline]) for row in compared)]
        head, *cells = [(*side, *line) for side, line in zip(sides, zip(*columns_of, strict=True), strict=True)]
        lines += table(cells, head=head, indent=2)
    for row in rows:
        if row.p_value is None:
            lines += paragraph(excerpt(f"{row.candidate} against {row.baseline}: {row.reason}", 400), indent=2)
    return lines


def _names(names: Sequence[str], room: int) -> dict[str, str]:
    """Each name as it is shown."""
    whole = {name: visible(name) for name in names}
    cut = {name: clipped(text, max(9, room)) for name, text in whole.items()}
    return cut if len(set(cut.values())) == len(cut) else whole


def _right(column: Sequence[str]) -> list[str]:
    width = max(map(columns, column))
    return [f"{cell:>{width}}" for cell in column]


def _p_value(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if value >= 0.0001 else "<0.0001"
