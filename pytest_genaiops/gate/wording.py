"""The words of a verdict: one sentence that fits a line of a report."""

from __future__ import annotations

import math

from pytest_genaiops.gate.estimate import Comparison, Evidence


def measured(evidence: Evidence) -> str:
    """Name, value and interval: "bleu 29.1, 95 % interval 27.2 to 31.0"."""
    assert evidence.value is not None
    assert evidence.interval is not None
    low, high = evidence.interval
    places = _places(high - low)
    sign = "+" if isinstance(evidence, Comparison) else ""
    value, lower, upper = (_number(number, places, sign) for number in (evidence.value, low, high))
    change = "change " if isinstance(evidence, Comparison) else ""
    percent = f"{100 * evidence.confidence:.6g} %"
    direction = "" if evidence.higher_is_better else " (lower is better)"
    return f"{shorten(evidence.name, 40)} {change}{value}{direction}, {percent} interval {lower} to {upper}"


def coverage(evidence: Evidence) -> str:
    """How many cases have no score, and why the first has none."""
    first = f": {shorten(evidence.reasons[0], 50)}" if evidence.reasons else ""
    return f"{evidence.unscored} of {evidence.n + evidence.unscored} cases unscored{first}"


def about_cases(needed: int | None, *, tie: bool) -> str:
    """What an undecided verdict says about the number of cases that would decide."""
    if needed is not None:
        return f", about {_rounded(needed)} cases would decide"
    return ", no number of cases decides a tie" if tie else ", too few cases to know the spread"


def shorten(text: str, length: int) -> str:
    """The text on one line, cut to ``length`` characters with an ellipsis.

    Reasons may quote a model's output, so whatever could steer a terminal is shown as a replacement character.
    """
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in " ".join(text.split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _rounded(count: int) -> int:
    """Two significant digits, rounded up: more would claim a precision that a plan does not have."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit


def _places(width: float) -> int:
    """Decimals that show the half-width of an interval to two significant digits; four for none or an unbounded one."""
    if not math.isfinite(width) or width < 1e-9:
        return 4
    return max(0, 1 - math.floor(math.log10(width / 2)))


def _number(number: float, places: int, sign: str) -> str:
    if not math.isfinite(number):
        return "unbounded"
    return f"{number + 0.0:{sign}.{places}f}"
