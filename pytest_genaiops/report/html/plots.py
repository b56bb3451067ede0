"""Where the parts of a plot stand: numbers in, numbers of an SVG's own units out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from pytest_genaiops.report.html.pack import finite

WIDTH = 220
"""Units of a bar in a forest plot."""
MARGIN = 7
"""Units on either side, for marks at the ends."""
BINS = 24
BOX = (240, 64)
"""Units of a histogram."""

Interval = tuple[float | None, float | None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Values from ``low`` to ``high`` across the width of a plot."""

    low: float
    high: float
    width: float = WIDTH

    def at(self, value: float) -> float:
        """Where the value stands; beyond an end, at the end."""
        share = (value - self.low) / (self.high - self.low or 1.0)
        return round(MARGIN + min(1.0, max(0.0, share)) * (self.width - 2 * MARGIN), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """An interval with its value, and a line for what it is compared with."""

    value: float
    low: float
    high: float
    open_low: bool
    open_high: bool
    line: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many values are in each of equal bins."""

    axis: Axis
    bars: Sequence[tuple[float, float, float, float]]
    """(x, y, width, height) of each bin that is not empty."""
    median: float
    line: float | None
    """Where zero is, in a plot of differences."""
    quartiles: tuple[float, float, float]
    n: int
    below: int
    above: int
    """How many values are below and above zero."""


def axis(
    values: Iterable[float | None],
    *,
    line: float | None = None,
    width: float = WIDTH,
    scale: tuple[float | None, float | None] = (None, None),
) -> Axis | None:
    """An axis that all of the values are on, a little wider than they are, but not than the scale; None without any."""
    known = [value for value in (*values, line) if value is not None and math.isfinite(value)]
    if not known or (line is not None and len(known) == 1):
        return None
    low, high = min(known), max(known)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    least, most = scale
    return Axis(
        low=min(low, max(low - room, -math.inf if least is None else least)),
        high=max(high, min(high + room, math.inf if most is None else most)),
        width=width,
    )


def bar(value: float | None, interval: Interval, on: Axis | None, line: float | None = None) -> Bar | None:
    """One line of a forest plot; None where there is no value."""
    if on is None or finite(value) is None or value is None:
        return None
    low, high = interval or (value, value)
    return Bar(
        value=on.at(value),
        low=on.at(on.low if low is None else low),
        high=on.at(on.high if high is None else high),
        open_low=low is None,
        open_high=high is None,
        line=None if line is None else on.at(line),
    )


def histogram(values: Sequence[float], on: Axis, most: int | None = None, *, zero: bool = False) -> Histogram | None:
    """The values in bins over the axis; ``most`` is the count at full height, so that plots can be compared."""
    if not values:
        return None
    counts = binned(values, on)
    width, height = BOX
    step = (width - 2 * MARGIN) / BINS
    full = most or max(counts)
    bars = []
    for at, count in enumerate(counts):
        if count:
            tall = max(1.0, (height - 8) * count / full)
            corner = (MARGIN + at * step + 0.5, height - tall)
            bars.append((round(corner[0], 1), round(corner[1], 1), round(step - 1, 1), round(tall, 1)))
    cut = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return Histogram(
        axis=on,
        bars=bars,
        median=on.at(median(values)),
        line=on.at(0.0) if zero else None,
        quartiles=(cut[0], cut[1], cut[2]),
        n=len(values),
        below=sum(value < 0 for value in values),
        above=sum(value > 0 for value in values),
    )


def binned(values: Sequence[float], on: Axis) -> list[int]:
    """How many of the values are in each bin."""
    counts = [0] * BINS
    for value in values:
        share = (value - on.low) / (on.high - on.low or 1.0)
        counts[min(BINS - 1, max(0, int(share * BINS)))] += 1
    return counts
