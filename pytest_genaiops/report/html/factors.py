"""What the page says of a matrix: effects of settings, interactions, the best variants, and what has to be weighed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_genaiops.report.document import (
    ContenderView,
    EffectView,
    FactorialView,
    InteractionView,
    MetricView,
    PointView,
    SuiteView,
)
from pytest_genaiops.report.factorial import best, compared, counted, direction, judged, leading, measure, tested, told
from pytest_genaiops.report.html.labels import Label, labels
from pytest_genaiops.report.html.pack import finite
from pytest_genaiops.report.html.plots import MARGIN, Axis, Bar, axis, bar

CROSSINGS = 4
"""Interactions that are drawn: of different pairs of axes, or under different numbers."""
LINES = 6
"""Levels with a line of their own in a plot."""
MOST_NAMES = 24
"""Variants of a set that are named."""
LABELLED = 12
"""Points of a plot that have a number."""
BOX = (340, 210)
"""Units of a plot of points or lines."""
SIZE, FRONT_SIZE = 3.5, 6.0
"""Units from the middle of a point to its edge, behind the front and on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A level with its bar, and which way it goes for sure."""

    view: EffectView
    bar: Bar | None
    direction: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What settings do to one number, and the variants that are best under it."""

    metric: MetricView
    rows: Sequence[tuple[str, Sequence[Effect]]]
    """Axis -> its levels."""
    words: str
    """How many are sure."""
    cases: str
    best: Sequence[ContenderView]
    of: int
    """Variants that the best was looked for among."""
    left_out: Sequence[ContenderView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An interaction, and which way it goes for sure."""

    view: InteractionView
    metric: MetricView
    bar: Bar | None
    direction: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The values of one level of an axis, across the levels of another."""

    level: str
    style: int
    """Number of its way of being drawn."""
    path: str
    points: Sequence[tuple[float, float, float]]
    """(x, y, value)."""
    label: float
    """Where its name stands, from above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """How levels of two axes go together under one number: means of the variants that have both."""

    metric: MetricView
    axes: tuple[str, str]
    """The one across, and the one with a line for each level."""
    ticks: Sequence[tuple[float, str]]
    curves: Sequence[Curve]
    on: Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One variant in a plot of points."""

    x: float
    y: float
    variant: str
    on_front: bool
    number: int | None
    """Its number in the list below the plots."""
    label: Label | None
    """Where that stands, if there is a place for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Two numbers of every variant, and the line along those that no other beats in both."""

    across: MetricView
    up: MetricView
    dots: Sequence[Dot]
    path: str
    x: Axis
    y: Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """One suite's matrix."""

    view: FactorialView
    effects: Sequence[Effects]
    interactions: Sequence[Row]
    tested: int
    """Interactions that there are, those that are not listed among them."""
    crossings: Sequence[Crossing]
    scatters: Sequence[Scatter]
    front: Sequence[tuple[int | None, PointView]]
    """The points, those on the front first, with their numbers in the plots."""
    weighed: Sequence[MetricView]


def factors(suite: SuiteView) -> Factors | None:
    """Everything that the template shows of a matrix; None where there is none."""
    view = suite.factorial
    if view is None:
        return None
    points = _ordered(view)
    return Factors(
        view=view,
        effects=[_effects(view, metric) for metric in leading(view, judged(suite))],
        interactions=_interactions(view),
        tested=tested(view),
        crossings=list(_crossings(suite, view)),
        scatters=list(_scatters(view, points)),
        front=points,
        weighed=[measure(view, name) for name in view.front],
    )


def _effects(view: FactorialView, metric: MetricView) -> Effects:
    own = [each for each in view.effects if each.metric == metric.name]
    on = axis(_ends(own), line=0.0)
    rows: dict[str, list[Effect]] = {}
    for each in own:
        sure = told(each, view.confidence)
        row = Effect(
            view=each,
            bar=bar(each.effect, each.interval, on, 0.0),
            direction=direction(each, metric, view.confidence),
            sure=sure,
        )
        rows.setdefault(each.axis, []).append(row)
    number = sum(row.sure for each in rows.values() for row in each)
    return Effects(
        metric=metric,
        rows=list(rows.items()),
        words=f"{number:,} of {len(own):,} effects sure",
        cases=counted(own),
        best=best(view, metric),
        of=compared(view, metric.name),
        left_out=[each for each in view.contenders if each.metric == metric.name and each.reason],
    )


def _interactions(view: FactorialView) -> list[Row]:
    shown = [each for each in view.interactions if each.effect is not None]
    # Numbers have different scales: those of one stand on one axis.
    names = dict.fromkeys(each.metric for each in shown)
    on = {name: axis(_ends(each for each in shown if each.metric == name), line=0.0) for name in names}
    return [
        Row(
            view=each,
            metric=measure(view, each.metric),
            bar=bar(each.effect, each.interval, on[each.metric], 0.0),
            direction=direction(each, measure(view, each.metric), view.confidence),
            sure=told(each, view.confidence),
        )
        for each in shown
    ]


def _ends(rows: Iterable[EffectView | InteractionView]) -> Iterator[float | None]:
    for each in rows:
        yield each.effect
        yield from each.interval or ()


def _crossings(suite: SuiteView, view: FactorialView) -> Iterator[Crossing]:
    """Plots of the strongest interactions, where there are any for sure."""
    sure = [each for each in view.interactions if told(each, view.confidence)]
    # What quality is weighed against comes last: seconds and tokens are surest of all.
    weighed = view.front[1:]
    every = sorted(dict.fromkeys((each.metric, each.axes) for each in sure), key=lambda each: each[0] in weighed)
    # Numbers that are nearly one show the same lines: each pair of axes comes once before any comes twice.
    firsts = list({axes: (metric, axes) for metric, axes in reversed(every)}.values())
    for metric, axes in sorted(every, key=lambda each: each not in firsts)[:CROSSINGS]:
        means = _means(suite, view, metric, axes)
        if (found := _crossing(view, measure(view, metric), axes, means)) is not None:
            yield found


def _means(suite: SuiteView, view: FactorialView, metric: str, axes: tuple[str, str]) -> dict[tuple[str, str], float]:
    """Levels of two axes -> mean value of the variants that have both."""
    values = {each.variant: each.value for each in view.contenders if each.metric == metric}
    found: dict[tuple[str, str], list[float]] = {}
    for each in suite.variants:
        value = finite(values.get(each.id))
        if value is not None and axes[0] in each.axes and axes[1] in each.axes:
            found.setdefault((each.axes[axes[0]], each.axes[axes[1]]), []).append(value)
    return {levels: fmean(own) for levels, own in found.items()}


def _crossing(
    view: FactorialView, metric: MetricView, axes: tuple[str, str], means: Mapping[tuple[str, str], float]
) -> Crossing | None:
    levels = {each.name: each.levels for each in view.axes}
    # More levels go across than there are lines.
    first, second = sorted(axes, key=lambda name: -len(levels.get(name, ())))
    known = means if (first, second) == axes else {(b, a): value for (a, b), value in means.items()}
    across, lines = levels.get(first, ()), levels.get(second, ())[:LINES]
    on = axis((known.get((a, b)) for a in across for b in lines), width=BOX[1])
    if on is None or len(across) < 2:
        return None
    step = (BOX[0] - 2 * MARGIN) / (len(across) - 1)
    places = [round(MARGIN + at * step, 1) for at in range(len(across))]
    curves = []
    for style, level in enumerate(lines):
        own = [(x, known.get((tick, level))) for x, tick in zip(places, across, strict=True)]
        points = [(x, _up(on, value), value) for x, value in own if value is not None]
        if points:
            curves.append(Curve(level=level, style=style, path=_path(points), points=points, label=points[-1][1]))
    ticks = list(zip(places, across, strict=True))
    return Crossing(metric=metric, axes=(first, second), ticks=ticks, curves=curves, on=on)


def _path(points: Sequence[tuple[float, float, float]]) -> str:
    return "M" + " L".join(f"{x} {y}" for x, y, _ in points)


def _up(on: Axis, value: float) -> float:
    return round(BOX[1] - on.at(value), 1)


def _ordered(view: FactorialView) -> list[tuple[int | None, PointView]]:
    """Those on the front first, the best under the first number at the top; numbered as far as numbers go."""
    if not view.front:
        return []
    sign = -1.0 if measure(view, view.front[0]).higher_is_better else 1.0

    def standing(point: PointView) -> tuple[bool, float]:
        value = finite(point.values.get(view.front[0]))
        return not point.on_front, float("inf") if value is None else sign * value

    points = sorted(view.points, key=standing)
    return [(at + 1 if each.on_front and at < LABELLED else None, each) for at, each in enumerate(points)]


def _scatters(view: FactorialView, points: Sequence[tuple[int | None, PointView]]) -> Iterator[Scatter]:
    """The first number of the front against each of the others."""
    for name in view.front[1:]:
        across, up = measure(view, name), measure(view, view.front[0])
        known = [
            (number, each, x, y)
            for number, each in points
            if (x := finite(each.values.get(across.name))) is not None
            and (y := finite(each.values.get(up.name))) is not None
        ]
        horizontal = axis((x for *_, x, _ in known), width=BOX[0], scale=across.scale)
        vertical = axis((y for *_, y in known), width=BOX[1], scale=up.scale)
        if horizontal is None or vertical is None:
            continue
        places = [(horizontal.at(x), _up(vertical, y)) for *_, x, y in known]
        dots = list(_dots(places, [(number, each) for number, each, *_ in known]))
        path = _steps([(x, y) for *_, x, y in known], across, up, (horizontal, vertical))
        yield Scatter(across=across, up=up, dots=dots, path=path, x=horizontal, y=vertical)


def _dots(places: Sequence[tuple[float, float]], points: Sequence[tuple[int | None, PointView]]) -> Iterator[Dot]:
    """The points with their numbers, none of which covers a point or another number."""
    sizes = [FRONT_SIZE if each.on_front else SIZE for _, each in points]
    numbers = {at: number for at, (number, _) in enumerate(points) if number is not None}
    found = labels(list(zip(places, sizes, strict=True)), numbers, BOX)
    for at, (number, each) in enumerate(points):
        x, y = places[at]
        yield Dot(x=x, y=y, variant=each.variant, on_front=each.on_front, number=number, label=found.get(at))


def _steps(values: Sequence[tuple[float, float]], across: MetricView, up: MetricView, on: tuple[Axis, Axis]) -> str:
    """The line along the points that no other one beats in both numbers, in steps: what is beyond it, nobody has."""
    right, above = (-1 if metric.higher_is_better else 1 for metric in (across, up))
    found: list[tuple[float, float]] = []
    for x, y in sorted(set(values), key=lambda each: (right * each[0], above * each[1])):
        if not found or above * y < above * found[-1][1]:
            found.append((x, y))
    places = [(on[0].at(x), _up(on[1], y)) for x, y in found]
    if len(places) < 2:
        return ""
    steps = [f"M{places[0][0]} {places[0][1]}"]
    steps += [f"H{x} V{y}" for x, y in places[1:]]
    return " ".join(steps)
