"""What the settings of a matrix do, as Markdown: a table of effects, the best variants, what is to be weighed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from pytest_genaiops.report.document import EffectView, FactorialView, MetricView, SuiteView
from pytest_genaiops.report.factorial import (
    ADJUSTED,
    best,
    compared,
    counted,
    extent,
    judged,
    leading,
    measure,
    tested,
    told,
    without,
)
from pytest_genaiops.report.gfm import code, inert, table
from pytest_genaiops.report.text import bound, number

NUMBERS = 4
"""Columns of effects."""
ROWS = 40
"""Levels that have a row."""
STRONGEST = 5
"""Interactions that are told."""
NAMES = 5
"""Variants of a set that are named."""
NOTES = 6
NOTHING = "–"


def settings(suite: SuiteView) -> list[str]:
    """The lines; none where the suite has no factorial."""
    view = suite.factorial
    if view is None:
        return []
    numbers = leading(view, judged(suite))
    level = f"{100 * view.confidence:g} % intervals; **bold** where {ADJUSTED} is at most {1 - view.confidence:.4g}"
    lines = [f"What each setting does: {extent(view)}, {level}.", "", *_effects(view, numbers[:NUMBERS])]
    points = [*_more(view, numbers), *_interactions(view), *_best(view, numbers[:NUMBERS]), *_front(view)]
    points += [inert(note) for note in view.notes[:NOTES]]
    return [*lines, "", *(f"- {each}" for each in points), ""]


def _effects(view: FactorialView, numbers: Sequence[MetricView]) -> list[str]:
    """A row for each level but the references, a column for each number."""
    cells: dict[tuple[str, str, str], dict[str, EffectView]] = {}
    for each in view.effects:
        cells.setdefault((each.axis, each.level, each.reference), {})[each.metric] = each
    head = ["setting", "level", *(_name(metric) for metric in numbers)]
    rows = [
        [code(axis, 60), f"{code(level, 60)} for {code(reference, 60)}", *(_cell(own, each, view) for each in numbers)]
        for (axis, level, reference), own in list(cells.items())[:ROWS]
    ]
    lines = table(head, rows, right=range(2, len(head)))
    return lines + (["", f"{len(cells) - ROWS:,} further levels are not shown."] if len(cells) > ROWS else [])


def _cell(own: Mapping[str, EffectView], metric: MetricView, view: FactorialView) -> str:
    each = own.get(metric.name)
    if each is None or each.effect is None:
        return NOTHING if each is None else inert(each.reason, 80) or NOTHING
    return _shown(each.effect, each.interval, metric, sure=told(each, view.confidence))


def _shown(value: float, ends: tuple[float | None, float | None] | None, metric: MetricView, *, sure: bool) -> str:
    scale = _scale(metric)
    shown = f"**{number(value, scale, '+')}**" if sure else number(value, scale, "+")
    if ends is None:
        return shown
    low, high = (NOTHING if end is None else f"{'+' if end > 0 else ''}{bound(end, scale)}" for end in ends)
    return f"{shown} \\[{low}, {high}\\]"


def _more(view: FactorialView, numbers: Sequence[MetricView]) -> Iterator[str]:
    cases = [
        f"{code(metric.name, 60)} {counted([each for each in view.effects if each.metric == metric.name])}"
        for metric in numbers[:NUMBERS]
    ]
    yield "Cases: " + "; ".join(cases)
    if (more := len(numbers) - NUMBERS) > 0:
        yield f"Effects on {more:,} more number{'' if more == 1 else 's'} are in the HTML and the JSON report."


def _interactions(view: FactorialView) -> Iterator[str]:
    sure = [each for each in view.interactions if told(each, view.confidence)]
    for each in sure[:STRONGEST]:
        (one, two), (first, second), metric = each.axes, each.levels, measure(view, each.metric)
        pair = f"{code(f'{one}={first}', 80)} with {code(f'{two}={second}', 80)}"
        if each.effect is not None:
            value = _shown(each.effect, each.interval, metric, sure=True)
            yield f"Interaction of {pair} on {code(each.metric, 60)}: {value} beyond the sum of both"
    if (more := len(sure) - STRONGEST) > 0:
        yield f"{more:,} more interactions are sure."
    if not sure and tested(view):
        yield f"Interactions: {without(view)}"


def _best(view: FactorialView, numbers: Sequence[MetricView]) -> Iterator[str]:
    for metric in numbers:
        among, of = best(view, metric), compared(view, metric.name)
        if among and len(among) == of:
            yield f"Best under {_name(metric)}: of {of:,} variants none can be told from the best"
        elif among:
            head = f"Best under {_name(metric)}: {len(among):,} of {of:,} cannot be told from the best"
            yield f"{head}: {_named([each.variant for each in among])}"


def _front(view: FactorialView) -> Iterator[str]:
    on_front = [each.variant for each in view.points if each.on_front]
    if on_front:
        weighed = ", ".join(_name(measure(view, name)) for name in view.front)
        yield f"Front of {weighed}: {len(on_front):,} of {len(view.points):,}: {_named(on_front)}"


def _named(variants: Sequence[str]) -> str:
    shown = ", ".join(code(each, 160) for each in variants[:NAMES])
    more = len(variants) - NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _name(metric: MetricView) -> str:
    return f"{code(metric.name, 60)}\N{NO-BREAK SPACE}{'↑' if metric.higher_is_better else '↓'}"


def _scale(metric: MetricView) -> tuple[float, float]:
    low, high = metric.scale
    return -math.inf if low is None else low, math.inf if high is None else high
