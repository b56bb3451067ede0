"""Numbers and texts of the page as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from urllib.parse import quote

from pytest_genaiops.report.document import Document, VerdictView
from pytest_genaiops.report.html.plots import Interval
from pytest_genaiops.report.text import bound, number, visible

LONGEST = 20_000
"""Characters of one text that the overview shows; the case view has all of it."""
_LINES = re.compile(r"([\n\t])")
_HALVES = re.compile("[\ud800-\udfff]")

Scale = tuple[float | None, float | None]


def shown(text: str) -> str:
    """The text with control and direction characters as escapes; line ends and tabs stay, a long rest is counted."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… {len(text) - LONGEST:,} more characters"
    return "".join(part if part in ("\n", "\t") else visible(part) for part in _LINES.split(text))


def figure(value: float | None, scale: Scale, *, signed: bool = False) -> str:
    """A score or a change, with the sign that print has."""
    if value is None or not math.isfinite(value):
        return "none"
    return _minus(number(value, _ends(scale), "+" if signed else ""))


def interval(ends: Interval, scale: Scale, *, signed: bool = False) -> str:
    """Both ends of an interval; an end that is missing is unbounded."""
    if ends is None:
        return "none"
    return " to ".join(_bound(end, scale, signed) for end in ends)


def p_value(value: float | None) -> str:
    """Three decimals; smaller ones are only said to be."""
    if value is None or not math.isfinite(value):
        return "none"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: float | None) -> str:
    """Time for people: tenths of seconds, or minutes and seconds."""
    if seconds is None or not math.isfinite(seconds):
        return "unknown"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def plural(count: int, one: str, many: str = "") -> str:
    """``1 case``, ``1,200 cases``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def part(name: str) -> str:
    """A name as one part of a link's fragment, as ``encodeURIComponent`` writes it."""
    return quote(_HALVES.sub("\ufffd", name), safe="!'()*~")


def slugs(titles: Sequence[str]) -> list[str]:
    """A short name for each suite, for links: its function's, with a number where two are alike."""
    found: list[str] = []
    for title in titles:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", title.rpartition("::")[2] or title)[:60].strip("-") or "suite"
        slug, number_ = plain, 1
        while slug in found:
            number_ += 1
            slug = f"{plain}-{number_}"
        found.append(slug)
    return found


def headline(document: Document) -> tuple[str, str]:
    """What became of the run: (tone, words). Tones are outcomes of verdicts, or empty where nothing was decided."""
    verdicts = [verdict for suite in document.suites for verdict in suite.verdicts]
    items = [item for suite in document.suites for item in suite.items]
    failed = sum(item.outcome in ("failed", "lost") for item in items)
    parts = [_count(verdicts, outcome) for outcome in ("failed", "undecided", "passed")]
    words = ", ".join(each for each in parts if each)
    if failed:
        words = f"{words}; {plural(failed, 'case')} failed" if words else f"{plural(failed, 'case')} failed"
    if not words:
        missed = sum(item.outcome == "missed" for item in items)
        words = f"{plural(len(items), 'item')}, {missed} missed" if items else "No gate was asked for"
    firm = {verdict.outcome for verdict in verdicts if not verdict.tolerated}
    tone = next((each for each in ("failed", "undecided", "passed") if each in firm), "")
    return ("failed" if failed else tone), words


def _count(verdicts: Sequence[VerdictView], outcome: str) -> str:
    found = [verdict for verdict in verdicts if verdict.outcome == outcome]
    tolerated = sum(verdict.tolerated for verdict in found)
    if not found:
        return ""
    return f"{plural(len(found), 'gate')} {outcome}" + (f" ({tolerated} tolerated)" if tolerated else "")


def _bound(end: float | None, scale: Scale, signed: bool) -> str:
    if end is None or not math.isfinite(end):
        return "unbounded"
    return _minus(("+" if signed and end >= 0 else "") + bound(end, _ends(scale)))


def _ends(scale: Scale) -> tuple[float, float]:
    low, high = scale
    return -math.inf if low is None else low, math.inf if high is None else high


def _minus(text: str) -> str:
    return text.replace("-", "−")
