"""Numbers and texts of the page as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from urllib.parse import quote

from pytest_genaiops.report.document import SuiteView, VerdictView
from pytest_genaiops.report.html.pack import finite
from pytest_genaiops.report.html.plots import Interval
from pytest_genaiops.report.text import number, visible

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
    """Both ends of an interval with as many decimals; an end that is missing is unbounded."""
    if ends is None:
        return "none"
    known = [finite(end) for end in ends]
    places = _places([end for end in known if end is not None], _ends(scale))
    return " to ".join(
        "unbounded" if end is None else _minus(f"{end:{'+' if signed else ''}z.{places}f}") for end in known
    )


def _places(ends: Sequence[float], scale: tuple[float, float]) -> int:
    """One decimal less than a score has; without an end of the scale, two digits of the larger number or more."""
    width = scale[1] - scale[0]
    if math.isfinite(width):
        return 1 if width > 10 else 3
    largest = max(map(abs, ends), default=0.0)
    return max(2, 1 - math.floor(math.log10(largest))) if largest else 2


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


def headline(suites: Sequence[SuiteView]) -> tuple[str, str]:
    """What became of them: (tone, words). Tones are outcomes of verdicts, or empty where nothing was decided."""
    verdicts = [verdict for suite in suites for verdict in suite.verdicts]
    items = [item for suite in suites for item in suite.items]
    failed, lost = (sum(item.outcome == outcome for item in items) for outcome in ("failed", "lost"))
    words = _gates(verdicts)
    if failed or lost:
        bad = [f"{plural(failed, 'item')} failed"] * bool(failed)
        bad += [f"{lost:,} without a result" if bad else f"{plural(lost, 'item')} without a result"] * bool(lost)
        words = "; ".join(filter(None, (words, ", ".join(bad))))
    elif not verdicts and items:
        missed = sum(item.outcome == "missed" for item in items)
        words = f"{plural(len(items), 'item')}, " + (f"{missed} missed" if missed else "none failed")
    firm = {verdict.outcome for verdict in verdicts if not verdict.tolerated}
    if not verdicts and items and all(item.outcome in ("passed", "skipped") for item in items):
        firm = {"passed"} & {item.outcome for item in items}
    tone = next((each for each in ("failed", "undecided", "passed") if each in firm), "")
    return ("failed" if failed or lost else tone), words or "No gate was asked for"


def _gates(verdicts: Sequence[VerdictView]) -> str:
    """``1 gate failed, 2 undecided (1 tolerated), 4 passed``."""
    parts: list[str] = []
    for outcome in ("failed", "undecided", "passed"):
        found = [verdict for verdict in verdicts if verdict.outcome == outcome]
        if found:
            count = f"{len(found):,}" if parts else plural(len(found), "gate")
            tolerated = sum(verdict.tolerated for verdict in found)
            parts.append(f"{count} {outcome}" + (f" ({tolerated:,} tolerated)" if tolerated else ""))
    return ", ".join(parts)


def _ends(scale: Scale) -> tuple[float, float]:
    low, high = scale
    return -math.inf if low is None else low, math.inf if high is None else high


def _minus(text: str) -> str:
    return text.replace("-", "−")
