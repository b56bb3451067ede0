"""More variants than stand side by side: one line each for those that matter most, and a count of the others."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pytest_genaiops.report.table import GAP, OUTCOMES, Cell, Line, Row, SuiteTable, heading
from pytest_genaiops.report.text import clipped, columns, excerpt, number, visible

MANY = 12
"""Variants that stand side by side; of more, this many are shown under each other."""
VERDICTS = 6
"""Verdicts that did not pass of which the reason is shown."""
_FAILED = 4
"""Lines that are kept for variants that failed."""
_COLUMN = 17
"""Columns of a number with its change."""
_WORDS = (("missed", "missed"), ("failed", "failed"), ("lost", "no result"), ("flaky", "flaky"))


def shortlist(
    table: SuiteTable, width: int, *, best: Sequence[str] = (), first: Sequence[str] = (), ascii_only: bool = False
) -> list[Line]:
    """The lines: the baseline, variants that failed, and the best under the number that comes first.

    Args:
        table: all there is to show.
        width: columns of the terminal, 40 or more.
        best: variants that come before others, such as those that cannot be told from the best.
        first: numbers that come before others, such as those that verdicts are about.
        ascii_only: whether arrows cannot be shown.
    """
    numbers = _numbers(table, first)
    chosen = _chosen(table, numbers, best)
    names = _names(chosen, width - _COLUMN - 2 * len(GAP))
    margin = max(map(columns, names.values()), default=0)
    fitting = max(1, (width - margin - len(GAP)) // (_COLUMN + len(GAP)))
    shown = numbers[:fitting]
    lines = heading(table, width)
    lines.append([Cell(text=" " * (margin + len(GAP))), *_heads(table, shown, ascii_only)])
    bodies = [_column(table, name, chosen) for name in shown]
    for at, variant in enumerate(chosen):
        name = Cell(text=f"{GAP}{names[variant]}{' ' * (margin - columns(names[variant]))}")
        lines.append([name, *(cell for body in bodies for cell in body[at])])
    for sentence in _left_out(table, len(chosen), len(numbers) - len(shown)):
        lines += _wrapped(sentence, width)
    lines += _counts(table, width)
    return lines + list(_verdicts(table, width))


def _numbers(table: SuiteTable, first: Sequence[str]) -> list[str]:
    """The numbers over all cases, in the order in which they are shown."""
    names = dict.fromkeys(metric for metric, part in table.cells if not part)
    return [*dict.fromkeys([*(name for name in first if name in names), *names])]


def _chosen(table: SuiteTable, numbers: Sequence[str], best: Sequence[str]) -> list[str]:
    """The variants that are shown, ordered by the number that comes first; those without it come last."""
    rows = table.cells.get((numbers[0], ""), {}) if numbers else {}
    up = next((row.higher_is_better for row in rows.values()), True)

    def standing(variant: str) -> float:
        row = rows.get(variant)
        return float("inf") if row is None or row.value is None else -row.value if up else row.value

    order = sorted(table.variants, key=standing)
    failed = [each for each in order if _went_wrong(table, each)]
    kept = [each for each in table.variants if each == table.baseline] + failed[-_FAILED:]
    wanted = [*kept, *(each for each in order if each in best), *order]
    shown = [*dict.fromkeys(wanted)][:MANY]
    return [each for each in order if each in shown]


def _went_wrong(table: SuiteTable, variant: str) -> bool:
    tally = table.tallies.get(variant)
    return any(outcome == "failed" for outcome, _ in table.verdicts.get(variant, ())) or bool(
        tally and (tally.failed or tally.lost)
    )


def _names(chosen: Sequence[str], room: int) -> dict[str, str]:
    """Each name as it is shown: cut in its middle, where ids differ least, unless two would look alike."""
    whole = {name: visible(name) for name in chosen}
    cut = {name: _squeezed(text, max(12, room)) for name, text in whole.items()}
    return cut if len(set(cut.values())) == len(cut) else whole


def _squeezed(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    head, tail = clipped(text, (width + 3) // 2), ""
    for char in reversed(text):
        if columns(head) + columns(char + tail) > width:
            break
        tail = char + tail
    return head + tail


def _heads(table: SuiteTable, shown: Sequence[str], ascii_only: bool) -> Iterator[Cell]:
    up, down = ("", " (low)") if ascii_only else (" ↑", " ↓")
    for name in shown:
        row = next(iter(table.cells[name, ""].values()))
        text = clipped(f"{visible(name)}{up if row.higher_is_better else down}", _COLUMN)
        yield Cell(text=f"{GAP}{' ' * (_COLUMN - columns(text))}{text}", style="head")


def _column(table: SuiteTable, name: str, chosen: Sequence[str]) -> list[Line]:
    """One number of the variants, with changes against the baseline; digits stand under digits."""
    cells = [_cell(table, name, variant) for variant in chosen]
    right = max((columns(change.text) for _, change in cells), default=0)
    left = max(_COLUMN - right - bool(right), 0)
    return [
        [
            Cell(text=f"{GAP}{value.text:>{left}}", style=value.style),
            Cell(text=f" {change.text:<{right}}" if right else "", style=change.style),
        ]
        for value, change in cells
    ]


def _cell(table: SuiteTable, name: str, variant: str) -> tuple[Cell, Cell]:
    """A value, and its change against the baseline."""
    rows: Mapping[str, Row] = table.cells[name, ""]
    row, base = rows.get(variant), rows.get(table.baseline or "")
    if row is None or row.value is None:
        return Cell(text="") if row is None else Cell(text="unscored", style="worse"), Cell(text="")
    value = Cell(text=number(row.value, row.scale))
    if variant == table.baseline:
        return value, Cell(text="baseline")
    if base is None or base.value is None:
        return value, Cell(text="")
    change = row.value - base.value
    style = "" if not change else "better" if (change > 0) == row.higher_is_better else "worse"
    return value, Cell(text=number(change, row.scale, "+"), style=style)


def _left_out(table: SuiteTable, chosen: int, numbers: int) -> Iterator[str]:
    slices = len({part for _, part in table.cells if part})
    more = [(len(table.variants) - chosen, "more variant"), (numbers, "more number"), (slices, "slice")]
    told = [f"{count:,} {what}{'' if count == 1 else 's'}" for count, what in more if count > 0]
    if told:
        yield f"{', '.join(told)}: genaiops report"


def _counts(table: SuiteTable, width: int) -> Iterator[Line]:
    """What went wrong anywhere, in variants that are not shown too."""
    unscored = dict.fromkeys(table.variants, 0)
    for rows in table.cells.values():
        for variant, row in rows.items():
            unscored[variant] = max(unscored.get(variant, 0), row.unscored)
    counts = {"unscored": unscored}
    for name, word in _WORDS:
        counts[word] = {variant: getattr(tally, name) or 0 for variant, tally in table.tallies.items()}
    for word, own in counts.items():
        having = [variant for variant in own if own[variant]]
        if having:
            most = max(having, key=own.__getitem__)
            extent = f"{len(having):,} of {len(table.variants):,} variants, most in {excerpt(most, 120)}: {own[most]:,}"
            yield from _wrapped(f"{word}: in {extent}", width, "warn")


def _verdicts(table: SuiteTable, width: int) -> Iterator[Line]:
    """How many verdicts of each outcome, and the reasons of the first that did not pass."""
    every = [(variant, *each) for variant in table.variants for each in table.verdicts.get(variant, ())]
    if not every:
        return
    counts = Counter(outcome for _, outcome, _ in every)
    told = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES if counts[outcome])
    yield from _wrapped(f"{len(every):,} verdict{'' if len(every) == 1 else 's'}: {told}", width)
    loud = sorted((each for each in every if each[1] != "passed"), key=lambda each: each[1] != "failed")
    for variant, outcome, reason in loud[:VERDICTS]:
        head = f"{GAP}{visible(variant)} {outcome}"
        first, *rest = textwrap.wrap(f"{head}: {reason}", width, subsequent_indent=GAP * 2, break_on_hyphens=False)
        yield [Cell(text=first[: len(head)], style=OUTCOMES[outcome]), Cell(text=first[len(head) :])]
        yield from ([Cell(text=line)] for line in rest)
    if (more := len(loud) - VERDICTS) > 0:
        yield [Cell(text=f"{GAP}and {more:,} more")]


def _wrapped(text: str, width: int, style: str = "") -> list[Line]:
    lines = textwrap.wrap(text, width, initial_indent=GAP, subsequent_indent=GAP * 2, break_on_hyphens=False)
    return [[Cell(text=clipped(line, width), style=style)] for line in lines]
