"""What the settings of a matrix do, in some lines: effects, interactions, the best variants, and the front."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from pytest_genaiops.report.document import (
    AxisView,
    ContenderView,
    EffectView,
    FactorialView,
    InteractionView,
    MetricView,
    SuiteView,
)
from pytest_genaiops.report.table import Cell, Line
from pytest_genaiops.report.text import bound, clipped, columns, excerpt, number, visible

NUMBERS = 3
"""Numbers whose effects a terminal shows; of further ones how many there are."""
LEVELS = 12
"""Effects on one number that are shown: of more, the surest."""
STRONGEST = 3
"""Interactions that are shown."""
ADJUSTED = "p (Holm over the effects, or the interactions, on one number)"
"""What a star goes by."""
NOTES = 6
NAMES = 5
"""Variants of a set that are named."""
_NAME = 28
"""Columns of the name of an axis or of a level."""
_LEVEL = 10
"""Columns that the name of a level has at least; where they are missing, intervals are left out."""
_INDENT = "  "


def measure(view: FactorialView, name: str) -> MetricView:
    """What is known of a number; of one that is not described no more than its name."""
    unknown = MetricView(name=name, metric=name, signature="", scale=(None, None))
    return next((each for each in view.numbers if each.name == name), unknown)


def leading(view: FactorialView, first: Iterable[str] = ()) -> list[MetricView]:
    """The numbers that have effects, in their order; those of ``first`` come before others."""
    names = dict.fromkeys(each.metric for each in view.effects)
    return [measure(view, name) for name in dict.fromkeys((*(name for name in first if name in names), *names))]


def judged(suite: SuiteView) -> list[str]:
    """The numbers that verdicts of the suite are about."""
    return list(dict.fromkeys(each.metric for each in suite.verdicts if each.metric))


def told(view: EffectView | InteractionView, confidence: float) -> bool:
    """Whether there is an effect for sure, with all the others of its kind allowed for.

    The family is that of all effects, or of all interactions, on the same number. p-value and interval tell the same
    but where fewer than six cases are off the most common change: the p-value then is of signs, the interval assumes
    nothing but the scale, and both are asked.
    """
    if view.adjusted_p_value is None or view.adjusted_p_value > 1.0 - confidence or view.interval is None:
        return False
    low, high = view.interval
    return (low is not None and low > 0) or (high is not None and high < 0)


def direction(view: EffectView | InteractionView, metric: MetricView, confidence: float) -> str:
    """``better`` or ``worse`` where there is an effect for sure; empty otherwise."""
    if not told(view, confidence) or not view.effect:
        return ""
    return "better" if (view.effect > 0) == metric.higher_is_better else "worse"


def best(view: FactorialView, metric: MetricView) -> list[ContenderView]:
    """The variants that cannot be told from the best under a number, the best value first."""
    among = [each for each in view.contenders if each.metric == metric.name and each.among_best]
    sign = -1.0 if metric.higher_is_better else 1.0
    return sorted(among, key=lambda each: math.inf if each.value is None else sign * each.value)


def compared(view: FactorialView, metric: str) -> int:
    """How many variants the best was looked for among."""
    return sum(each.metric == metric and not each.reason for each in view.contenders)


def extent(view: FactorialView) -> str:
    """The size of the design: ``4 axes, 48 variants (every combination)``."""
    share = "every combination" if view.variants == view.combinations else f"of {view.combinations:,} combinations"
    if view.variants > view.combinations:
        share = f"{view.combinations:,} combinations, some of them more than once"
    axes = f"{len(view.axes)} {'axis' if len(view.axes) == 1 else 'axes'}"
    return f"{axes}, {view.variants:,} variants ({share})"


def counted(effects: Sequence[EffectView]) -> str:
    """The cases behind some effects: ``n 120``, or ``n 97 to 120, up to 23 unscored``."""
    sizes = sorted({each.n for each in effects if each.effect is not None} or {0})
    unscored = max((each.unscored for each in effects), default=0)
    cases = f"n {sizes[0]:,}" + (f" to {sizes[-1]:,}" if len(sizes) > 1 else "")
    return cases + (f", {'up to ' if len(sizes) > 1 else ''}{unscored:,} unscored" if unscored else "")


def pair(view: InteractionView) -> str:
    """The two levels of an interaction, as text that is not fit for a terminal yet: ``search=hybrid with k=12``."""
    (one, two), (first, second) = view.axes, view.levels
    return f"{one}={first} with {two}={second}"


def tested(view: FactorialView) -> int:
    """How many interactions there are, those that are not listed among them."""
    return max(view.interactions_tested, sum(each.effect is not None for each in view.interactions))


def without(view: FactorialView) -> str:
    """What is said where no interaction is sure: ``none of 140 is told from chance``."""
    of = tested(view)
    return f"none{f' of {of:,}' if of > 1 else ''} is told from chance"


def lines(view: FactorialView, width: int, *, ascii_only: bool = False, first: Iterable[str] = ()) -> list[Line]:
    """The view in lines no wider than ``width`` columns (40 or more).

    Args:
        view: what there is to tell.
        width: columns of the terminal.
        ascii_only: whether arrows cannot be shown.
        first: numbers that come before others, such as those that verdicts are about.
    """
    sign = _Sign(ascii_only)
    numbers = leading(view, first)
    level = f"{100 * view.confidence:g} % intervals; * where {ADJUSTED} is at most {1 - view.confidence:.4g}"
    found = _wrapped(f"{extent(view)}, {level}", width, 1)
    for metric in numbers[:NUMBERS]:
        found += _effects(view, metric, width, sign)
    if (more := len(numbers) - NUMBERS) > 0:
        found += _wrapped(f"effects on {more:,} more number{'' if more == 1 else 's'}: genaiops report", width, 1)
    found += _interactions(view, width)
    for metric in numbers[:NUMBERS]:
        found += _wrapped(_best(view, metric, sign), width, 1)
    found += _wrapped(_front(view, sign), width, 1)
    for note in view.notes[:NOTES]:
        found += _wrapped(excerpt(note, 400), width, 1)
    if (more := len(view.notes) - NOTES) > 0:
        found += _wrapped(f"{more:,} more note{'' if more == 1 else 's'}: genaiops report", width, 1)
    return found


def render(suite: SuiteView, width: int, *, ascii_only: bool = False) -> list[Line]:
    """The lines of a suite with its title above them; none at all where it has no factorial."""
    if suite.factorial is None:
        return []
    title = f"{clipped(visible(suite.title), width - 2)}"
    cases = f"{suite.n:,} case{'' if suite.n == 1 else 's'}"
    return [
        [Cell(text=title, style="head"), *([Cell(text=f"  {cases}")] if columns(title + cases) + 2 <= width else [])],
        *lines(suite.factorial, width, ascii_only=ascii_only, first=judged(suite)),
    ]


class _Sign:
    """The direction of a number, as far as the terminal has arrows."""

    def __init__(self, ascii_only: bool) -> None:
        self.up, self.down = ("", " (lower is better)") if ascii_only else (" ↑", " ↓")

    def of(self, metric: MetricView) -> str:
        """The number's name with its direction."""
        return f"{excerpt(metric.name, 60)}{self.up if metric.higher_is_better else self.down}"


def _effects(view: FactorialView, metric: MetricView, width: int, sign: _Sign) -> Iterator[Line]:
    """A line for each level but the references, as (axis, level, effect, interval)."""
    own = [each for each in view.effects if each.metric == metric.name]
    shown = _surest(own)
    head, cases = clipped(f"effects on {sign.of(metric)}", width - 2), counted(own)
    fits = columns(head) + columns(cases) + 4 <= width
    yield [Cell(text=_INDENT), Cell(text=head, style="head"), Cell(text=f"  {cases}" if fits else "")]
    if not fits:
        yield from _wrapped(cases, width, 2)
    yield from _aligned([each for each in shown if each.effect is not None], view.confidence, metric, width)
    if len(own) > len(shown):
        yield [Cell(text=f"    and {len(own) - len(shown):,} more")]
    for each in shown:
        if each.effect is None:
            yield from _wrapped(excerpt(f"{each.axis} {each.level} for {each.reference}: {each.reason}", 300), width, 2)


def _aligned(effects: Sequence[EffectView], confidence: float, metric: MetricView, width: int) -> Iterator[Line]:
    """Columns of axis, level, effect and interval; the reference level is left out where there is no room for it."""
    scale = _scale(metric)
    axes = [clipped(visible(each.axis), _NAME) for each in effects]
    axis_width = max(map(columns, axes), default=0)
    right = [(number(each.effect, scale, "+"), interval(each, metric)) for each in effects]
    figures = [max((columns(each[at]) for each in right), default=0) for at in range(2)]
    room = width - sum(figures) - axis_width - 12
    if room < _LEVEL:
        right, room = [(value, "") for value, _ in right], room + figures[1]
        figures[1] = 0
    against = [clipped(visible(each.reference), _NAME) for each in effects]
    levels = [clipped(visible(each.level), _NAME) for each in effects]
    whole = [f"{level} for {reference}" for level, reference in zip(levels, against, strict=True)]
    if max(map(columns, whole), default=0) > room:
        whole = [clipped(level, max(_LEVEL, room)) for level in levels]
    level_width = max(map(columns, whole), default=0)
    for at, each in enumerate(effects):
        axis = "" if at and effects[at - 1].axis == each.axis else axes[at]
        value, ends = (f"  {text:>{size}}" if size else "" for text, size in zip(right[at], figures, strict=True))
        left = f"    {_padded(axis, axis_width)}  {_padded(whole[at], level_width)}"
        yield [
            Cell(text=clipped(left, max(3, width - columns(value) - columns(ends) - 2))),
            Cell(text=value, style=direction(each, metric, confidence)),
            Cell(text=f"{ends}{' *' if told(each, confidence) else ''}"),
        ]


def _surest(effects: Sequence[EffectView]) -> list[EffectView]:
    """Those that are shown, in the order of the design."""
    order = sorted(range(len(effects)), key=lambda at: p if (p := effects[at].p_value) is not None else -1.0)
    return [effects[at] for at in sorted(order[:LEVELS])]


def interval(view: EffectView | InteractionView, metric: MetricView) -> str:
    """Both ends with their signs; empty where there is no interval."""
    if view.interval is None:
        return ""
    scale = _scale(metric)
    ends = ("unbounded" if end is None else _signed(end, scale) for end in view.interval)
    return f"[{', '.join(ends)}]"


def _signed(end: float, scale: tuple[float, float]) -> str:
    shown = bound(end, scale)
    return f"+{shown}" if end > 0 and any(digit in "123456789" for digit in shown) else shown


def _interactions(view: FactorialView, width: int) -> Iterator[Line]:
    known = [each for each in view.interactions if each.effect is not None]
    if not known:
        return
    shown = [each for each in known if told(each, view.confidence)][:STRONGEST]
    if not shown:
        yield from _wrapped(f"interactions: {without(view)}", width, 1)
        return
    head = clipped("strongest interactions, beyond the sum of both", width - 2)
    yield [Cell(text=_INDENT), Cell(text=head, style="head")]
    for each in shown:
        metric = measure(view, each.metric)
        value = f"{number(each.effect, _scale(metric), '+')} {interval(each, metric)} *".replace("  ", " ")
        yield from _wrapped(f"{excerpt(pair(each), 120)}: {value} on {excerpt(each.metric, 60)}", width, 2)


def _best(view: FactorialView, metric: MetricView, sign: _Sign) -> str:
    among = best(view, metric)
    if not among:
        return ""
    of = compared(view, metric.name)
    if len(among) == of:
        return f"best under {sign.of(metric)}: of {of:,} variants none can be told from the best"
    head = f"best under {sign.of(metric)}: {len(among):,} of {of:,} cannot be told from the best"
    return f"{head}: {named([each.variant for each in among])}"


def _front(view: FactorialView, sign: _Sign) -> str:
    on_front = [each.variant for each in view.points if each.on_front]
    if not on_front:
        return ""
    weighed = ", ".join(sign.of(measure(view, name)) for name in view.front)
    return f"front of {weighed}: {len(on_front):,} of {len(view.points):,}: {named(on_front)}"


def named(variants: Sequence[str]) -> str:
    """The first of them by name, and how many more there are."""
    shown = "; ".join(excerpt(each, 120) for each in variants[:NAMES])
    more = len(variants) - NAMES
    return f"{shown}; and {more:,} more" if more > 0 else shown


def axis_text(axis: AxisView) -> str:
    """An axis with its levels, the reference first: ``search: vector (reference), hybrid``; not escaped."""
    first, *others = axis.levels or ("",)
    return f"{axis.name}: {', '.join((f'{first} (reference)', *others))}"


def _wrapped(text: str, width: int, depth: int) -> list[Line]:
    start = _INDENT * depth
    lines = textwrap.wrap(text, width, initial_indent=start, subsequent_indent=start + _INDENT, break_on_hyphens=False)
    return [[Cell(text=clipped(line, width))] for line in lines]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _scale(metric: MetricView) -> tuple[float, float]:
    low, high = metric.scale
    return -math.inf if low is None else low, math.inf if high is None else high
