"""The words of a verdict: one sentence that fits a line of a report."""

from __future__ import annotations

import math

from pytest_genaiops.gate.estimate import Comparison, Evidence, Misses

MANY = 10**9
UNLIKELY = 0.05
"""p-value below which the missing cases are said not to be missing at random."""


def measured(evidence: Evidence) -> str:
    """Name, value and interval: "bleu 29.1, 95 % interval 27.2 to 31.0"."""
    assert evidence.value is not None
    assert evidence.interval is not None
    low, high = evidence.interval
    places = _places(high - low)
    sign = "+" if isinstance(evidence, Comparison) else ""
    value, lower, upper = (_number(number, places, sign) for number in (evidence.value, low, high))
    change = "change " if isinstance(evidence, Comparison) else ""
    direction = "" if evidence.higher_is_better else " (lower is better)"
    return f"{shorten(evidence.name, 40)} {change}{value}{direction}, {_kind(evidence)} {lower} to {upper}"


def _kind(evidence: Evidence) -> str:
    """What interval it is: "95 % interval", and how it was read where it is not the only reading."""
    interval = f"{100 * (evidence.level or evidence.confidence):.6g} % interval"
    if evidence.continuous:
        return f"{interval} read continuously"
    return interval if evidence.level is None else f"{interval} behind a continuous reading"


def coverage(evidence: Evidence) -> str:
    """How many cases have no score, of which kind, and why the first has none."""
    kinds = f" ({', '.join(f'{count} {kind}' for kind, count in evidence.kinds.items())})" if evidence.kinds else ""
    first = f": {shorten(evidence.reasons[0], 50)}" if evidence.reasons else ""
    return f"{evidence.unscored} of {evidence.n + evidence.unscored} cases unscored{kinds}{first}"


def uncovered(evidence: Evidence) -> str:
    """What of the coverage keeps a verdict from passing; empty where nothing does."""
    if isinstance(evidence, Comparison) and evidence.misses is not None:
        return f"{coverage(evidence)}; {_misses(evidence.misses)}"
    total = evidence.n + evidence.unscored
    # A share of 0.9 of ten cases is nine, whatever 0.9 * 10 is in floating point.
    if evidence.n >= evidence.coverage * total - 1e-9 * total:
        return ""
    asked = f"; at least {100 * evidence.coverage:g} % must be scored" if evidence.coverage < 1 else ""
    return coverage(evidence) + asked


def counted(evidence: Evidence) -> str:
    """The number of cases, and what was left out of them: ``n=95 in 19 clusters, of 100 shared``."""
    note = f"n={evidence.n}"
    if evidence.clusters is not None:
        note += f" in {evidence.clusters} cluster{'' if evidence.clusters == 1 else 's'}"
    if isinstance(evidence, Comparison) and evidence.unshared:
        note += f", {evidence.unshared} cases of one side only left out"
    if evidence.unscored and not uncovered(evidence):
        note += f", {coverage(evidence)}"
    if evidence.not_needed:
        note += f", {evidence.not_needed} case{'' if evidence.not_needed == 1 else 's'} not needed"
    if evidence.whole:
        note += f", not stopped early: {evidence.whole}"
    return note


def about_cases(needed: int | None, *, tie: bool) -> str:
    """What an undecided verdict says about the number of cases that would decide."""
    if needed is not None:
        return f", about {rounded(needed)} cases would decide"
    return ", no number of cases decides a tie" if tie else ", too few cases to know the spread"


def _misses(misses: Misses) -> str:
    """That two sides lack different cases, and whether these are like the others."""
    apart = f"candidate and baseline miss different cases ({misses.candidate} and {misses.baseline} of their own"
    if misses.there is not None and misses.elsewhere is not None:
        apart += f"; the other side's mean is {misses.there:.3g} there, {misses.elsewhere:.3g} elsewhere"
    random = "may be at random" if misses.p_value >= UNLIKELY else "not at random"
    return f"{apart}; {random}, p={misses.p_value:.2g})"


def shorten(text: str, length: int) -> str:
    """The text on one line, cut to ``length`` characters with an ellipsis.

    Reasons may quote a model's output, so whatever could steer a terminal is shown as a replacement character.
    """
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in " ".join(text.split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def rounded(count: int) -> str:
    """Two significant digits, rounded up: more would claim a precision that a plan does not have."""
    if count > MANY:
        return "over a billion"
    unit = int(10 ** max(0, len(str(count)) - 2))
    return str(-(-count // unit) * unit)


def _places(width: float) -> int:
    """Decimals that show the half-width of an interval to two significant digits; four for none or an unbounded one."""
    if not math.isfinite(width) or width < 1e-9:
        return 4
    return max(0, 1 - math.floor(math.log10(width / 2)))


def _number(number: float, places: int, sign: str) -> str:
    if not math.isfinite(number):
        return "unbounded"
    return f"{number + 0.0:{sign}.{places}f}"
