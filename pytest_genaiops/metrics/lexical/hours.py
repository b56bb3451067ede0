"""Opening hours in contexts (``Monday: 17:30-23:0``) and what an answer says of them, day by day.

Every day and every time of "open Monday to Sunday from 5 pm to 9 pm" may occur in the contexts while some day has other
hours. Times are compared on a twelve-hour clock, since records often leave out which half of the day they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"(?:\d{1,2}(?::\d{1,2})?\s?[ap]\.?m\b\.?|\d{1,2}:\d{1,2}|noon\b|midnight\b)"
_ROW = re.compile(
    rf"\b(mon|tues|wednes|thurs|fri|satur|sun)day[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?"
    rf"({_TIME})\s{{0,4}}(?:-|\u2013|to)\s{{0,4}}({_TIME})",
    re.IGNORECASE,
)
_EVENT = re.compile(
    rf"(?P<day>\b(?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)(?:day|nesday|urday)?s?\b)"
    rf"|(?P<all>\b(?:daily|every ?day|each day|all week|(?:7|seven) days)\b)"
    rf"|(?P<work>\bweekdays?\b)|(?P<end>\bweekends?\b)|(?P<time>\b{_TIME})",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s*(?:to|through|thru|until|till?|[-\u2013\u2014])\s*", re.IGNORECASE)
_CLOSED = re.compile(r"\bclosed (?:on |every )?\Z", re.IGNORECASE)
_OTHER_HOURS = re.compile(r"\bhappy hours?\b", re.IGNORECASE)
_CLOCK = re.compile(r"(\d+)(?::(\d+))?")

Hours = Mapping[str, frozenset[tuple[int, int]]]
"""Day -> opening and closing time of each record, in minutes on a twelve-hour clock."""


def hours_of(contexts: Iterable[str]) -> Hours:
    """Opening hours by day; empty unless at least two days have some."""
    found: dict[str, set[tuple[int, int]]] = {}
    for context in contexts:
        for match in _ROW.finditer(context):
            span = (_clock(match.group(2)), _clock(match.group(3)))
            found.setdefault(match.group(1)[:3].lower(), set()).add(span)
    return {day: frozenset(spans) for day, spans in found.items()} if len(found) > 1 else {}


def _clock(text: str) -> int:
    parsed = _CLOCK.match(text)
    return int(parsed.group(1)) % 12 * 60 + int(parsed.group(2) or 0) if parsed else 0


@dataclass(slots=True, kw_only=True)
class _Run:
    """Days, or times, that follow each other in a sentence."""

    timed: bool
    days: list[str]
    times: list[int]
    start: int
    end: int


def misstated(text: str, sentences: Iterable[tuple[int, int, range]], hours: Hours) -> list[tuple[int, int]]:
    """Start and end of every place that gives some days hours which no context gives them."""
    found: list[tuple[int, int]] = []
    if not hours:
        return found
    for start, end, _ in sentences:
        if not _OTHER_HOURS.search(text, start, end):
            found += _wrong(_runs(text, start, end), hours)
    return found


def _wrong(runs: list[_Run], hours: Hours) -> list[tuple[int, int]]:
    """Days stand before their times or behind them: of both readings the one that reads more, then the kinder one."""
    readings = []
    for first in (0, 1):
        pairs = [
            (one, other) if other.timed else (other, one)
            for one, other in zip(runs[first::2], runs[first + 1 :: 2], strict=False)
        ]
        wrong = [
            (min(days.start, times.start), max(days.end, times.end))
            for days, times in pairs
            if not all(_open(times.times, hours.get(day, frozenset())) for day in days.days)
        ]
        readings.append((-len(pairs), len(wrong), wrong))
    return min(readings)[2]


def _open(times: list[int], spans: frozenset[tuple[int, int]]) -> bool:
    if len(times) == 2:
        return (times[0], times[1]) in spans
    if len(times) == 1:
        return any(times[0] in span for span in spans)
    return any(set(span) <= set(times) for span in spans)


def _runs(text: str, start: int, end: int) -> list[_Run]:
    """Days and times of a sentence in alternating runs; days that it calls closed are left out."""
    runs: list[_Run] = []
    for match in _EVENT.finditer(text, start, end):
        timed = match.lastgroup == "time"
        if not timed and _CLOSED.search(text, max(start, match.start() - 16), match.start()):
            continue
        if not runs or runs[-1].timed != timed:
            runs.append(_Run(timed=timed, days=[], times=[], start=match.start(), end=match.start()))
        run = runs[-1]
        if timed:
            run.times.append(_clock(match.group()))
        else:
            between = text[run.end : match.start()]
            run.days += _days(match, run.days[-1] if run.days and _RANGE.fullmatch(between) else None)
        run.end = match.end()
    return runs


def _days(match: re.Match[str], since: str | None) -> Iterator[str]:
    """Days that one word or one range stands for."""
    if match.lastgroup != "day":
        yield from {"all": _DAYS, "work": _DAYS[:5], "end": _DAYS[5:]}[str(match.lastgroup)]
        return
    last = _DAYS.index(match.group()[:3].lower())
    first = last if since is None else (_DAYS.index(since) + 1) % 7
    yield from (_DAYS[(first + step) % 7] for step in range((last - first) % 7 + 1))
