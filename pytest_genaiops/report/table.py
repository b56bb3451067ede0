"""Variants side by side: one row per metric and slice, with the change against the baseline."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.report.difference import plain
from pytest_genaiops.report.text import bound, clipped, columns, number, visible

GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric of one variant over all its cases, or over one slice of them."""

    metric: str
    slice: str
    value: float | None
    n: int
    unscored: int
    higher_is_better: bool
    scale: tuple[float, float]
    interval: tuple[float, float] | None = None
    """Two-sided, of the value; None where there is none."""
    flaky: int | None = None
    """Cases whose trials do not agree; None where that is not counted."""

    def plain(self) -> list[Any]:
        """The fields as plain data, in order: what travels between processes."""
        low, high = self.interval or (None, None)
        known = [self.metric, self.slice, self.value, self.n, self.unscored, self.higher_is_better, *self.scale]
        return [*known, low, high, self.flaky]

    @staticmethod
    def of(plain: Sequence[Any]) -> Row:
        """The row that :meth:`plain` was made of."""
        metric, part, value, n, unscored, higher, low, high, lower, upper, flaky = plain
        return Row(
            metric=metric,
            slice=part,
            value=value,
            n=n,
            unscored=unscored,
            higher_is_better=higher,
            scale=(low, high),
            interval=None if lower is None else (lower, upper),
            flaky=flaky,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How the cases of a variant came out, where each is a test of its own."""

    passed: int
    missed: int
    failed: int
    lost: int
    """Without a result: the target failed, the test raised, a score was incomplete."""
    skipped: int
    flaky: int | None = None
    """Cases whose trials came out differently; None where each was tried once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTable:
    """Everything that the summary shows of one suite."""

    title: str
    note: str
    baseline: str | None
    variants: Sequence[str]
    cells: Mapping[tuple[str, str], Mapping[str, Row]]
    """(metric, slice) -> variant -> row, in the order in which they are shown."""
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)
    """Variant -> in what it differs from the baseline, in a line."""
    verdicts: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Variant -> outcome and reason of each verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A text of the table with the style that a terminal may give it."""

    text: str
    style: str = ""
    """``better``, ``worse``, ``warn``, ``head`` or none."""


Line = list[Cell]
OUTCOMES = {"passed": "better", "failed": "worse", "undecided": "warn"}
"""Outcome of a verdict -> style of its line."""


def render(table: SuiteTable, width: int, *, ascii_only: bool = False) -> list[Line]:
    """The table's lines, no wider than ``width`` columns: more variants than fit go into a further block.

    Names in the first column are cut to half the width. A variant's own column is never cut: one that is
    wider than the rest of the line stands alone and sticks out.
    """
    lines = heading(table, width)
    labels = {key: clipped(label, max(12, width // 2)) for key, label in _labels(table, ascii_only).items()}
    margin = max(map(columns, labels.values()), default=0)
    bodies = {variant: _column(table, variant) for variant in table.variants}
    widths = {v: max(columns(visible(v)), *map(_width, bodies[v].values())) for v in table.variants}
    for block in _blocks(table.variants, widths, width - margin - 2):
        lines.append([Cell(text=" " * (margin + 2)), *(_pad(visible(v), widths[v], "head") for v in block)])
        for key, label in labels.items():
            cells: Line = [Cell(text=f"  {label}{' ' * (margin - columns(label))}")]
            for variant in block:
                cells += _aligned(bodies[variant].get(key, []), widths[variant])
            lines.append(cells)
    lines += _verdicts(table, width)
    return lines + [[Cell(text=line)] for line in _differences(table, width, ascii_only)]


def _verdicts(table: SuiteTable, width: int) -> list[Line]:
    """A line for each verdict, wrapped: its outcome, and the numbers behind it."""
    lines: list[Line] = []
    for variant in table.variants:
        for outcome, reason in table.verdicts.get(variant, ()):
            head = f"{GAP}{visible(variant)} {outcome}"
            first, *rest = textwrap.wrap(f"{head}: {reason}", width, subsequent_indent=GAP * 2, break_on_hyphens=False)
            lines.append([Cell(text=first[: len(head)], style=OUTCOMES[outcome]), Cell(text=first[len(head) :])])
            lines += [[Cell(text=line)] for line in rest]
    return lines


def _differences(table: SuiteTable, width: int, ascii_only: bool) -> list[str]:
    """A line for each variant that differs from the baseline, wrapped."""
    lines = []
    for variant in table.variants:
        told = table.differs.get(variant)
        if told:
            text = f"{visible(variant)}: {plain(told) if ascii_only else told}"
            lines += textwrap.wrap(text, width, initial_indent=GAP, subsequent_indent=GAP * 2, break_on_hyphens=False)
    return lines


def heading(table: SuiteTable, width: int) -> list[Line]:
    """The lines above a table: title and note on one, or the note below, wrapped, where they do not fit."""
    title = Cell(text=clipped(visible(table.title), width), style="head")
    note = Cell(text=f"{GAP}{visible(table.note)}")
    if _width([title, note]) <= width:
        return [[title, note]]
    parts = textwrap.wrap(visible(table.note), width - len(GAP), subsequent_indent=GAP, break_on_hyphens=False)
    return [[title], *([Cell(text=clipped(GAP + part, width))] for part in parts)]


def _labels(table: SuiteTable, ascii_only: bool) -> dict[Any, str]:
    """The first column: metric names with their direction, slices indented under them, then the counts."""
    up, down = ("", " (lower is better)") if ascii_only else (" ↑", " ↓")
    labels: dict[Any, str] = {}
    for (metric, part), rows in table.cells.items():
        row = next(iter(rows.values()))
        arrow = up if row.higher_is_better else down
        labels[metric, part] = f"  {visible(part)}" if part else f"{visible(metric)}{arrow}"
    if any(row.unscored for rows in table.cells.values() for row in rows.values()):
        labels["unscored"] = "unscored"
    if any(row.flaky for rows in table.cells.values() for row in rows.values()):
        labels["flaky"] = "flaky"
    for name in ("passed", "missed", "failed", "lost", "skipped", "flaky"):
        if any(getattr(tally, name) for tally in table.tallies.values()):
            labels[name] = {"lost": "no result"}.get(name, name)
    return labels


def _column(table: SuiteTable, variant: str) -> dict[Any, Line]:
    """One variant's cells by row key: value and change."""
    found: dict[Any, Line] = {}
    unscored = flaky = 0
    for key, rows in table.cells.items():
        row = rows.get(variant)
        if row is not None:
            found[key] = _value(row, rows.get(table.baseline or ""), is_baseline=variant == table.baseline)
            unscored = max(unscored, row.unscored)
            flaky = max(flaky, row.flaky or 0)
    found["unscored"] = [Cell(text=str(unscored), style="worse" if unscored else "")]
    found["flaky"] = [Cell(text=str(flaky), style="warn" if flaky else "")]
    tally = table.tallies.get(variant)
    if tally is not None:
        for name, style in (
            ("passed", ""),
            ("missed", "warn"),
            ("failed", "worse"),
            ("lost", "worse"),
            ("skipped", ""),
            ("flaky", "warn"),
        ):
            count = getattr(tally, name) or 0
            found[name] = [Cell(text=str(count), style=style if count else "")]
    return found


def _value(row: Row, base: Row | None, *, is_baseline: bool) -> Line:
    if row.value is None:
        return [Cell(text="unscored", style="worse")]
    value = number(row.value, row.scale) + _bounds(row)
    if base is None or base.value is None or is_baseline:
        return [Cell(text=value)]
    change = row.value - base.value
    shown = number(change, row.scale, "+")
    style = "" if not change else "better" if (change > 0) == row.higher_is_better else "worse"
    return [Cell(text=value), Cell(text=f" {shown}", style=style)]


def _bounds(row: Row) -> str:
    """The interval behind a value: `` [0.85, 0.99]``."""
    if row.interval is None:
        return ""
    low, high = (bound(each, row.scale) for each in row.interval)
    return f" [{low}, {high}]"


def _blocks(variants: Sequence[str], widths: Mapping[str, int], room: int) -> list[list[str]]:
    """Variants split into runs that fit the room; at least one a run."""
    blocks: list[list[str]] = [[]]
    used = 0
    for variant in variants:
        need = widths[variant] + len(GAP)
        if blocks[-1] and used + need > room:
            blocks.append([])
            used = 0
        blocks[-1].append(variant)
        used += need
    return blocks


def _pad(text: str, width: int, style: str) -> Cell:
    return Cell(text=f"{GAP}{' ' * (width - columns(text))}{text}", style=style)


def _aligned(cells: Line, width: int) -> Line:
    """Right-aligned, so that digits stand under digits."""
    return [Cell(text=GAP + " " * (width - _width(cells))), *cells]


def _width(cells: Line) -> int:
    return sum(columns(cell.text) for cell in cells)
