"""Why a request has no kept answer: what differs from the kept request that is nearest to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_genaiops.clients.request import Labels, Request
from pytest_genaiops.clients.secrets import without_secrets
from pytest_genaiops.dataset.text import printable, quoted

Lookup: TypeAlias = Callable[[str, Sequence[Any]], list[Any]]
"""Rows of a query on the file of answers."""

MOST = 5
"""Differences that a sentence names."""
CANDIDATES = 50
"""Kept requests that are looked at."""
AROUND = 24
"""Characters before the first difference of two texts that are shown, and twice as many behind."""
LONGEST = 400
"""Characters of a difference that is shown."""

_COLUMNS = "SELECT variant, case_id, request FROM answers WHERE session <> ?"
_NEWEST = "ORDER BY id DESC LIMIT ?"
_SAME_LABELS = f"{_COLUMNS} AND case_id = ? AND variant = ? {_NEWEST}"
_SAME_CASE = f"{_COLUMNS} AND case_id = ? {_NEWEST}"
_ANY = f"{_COLUMNS} {_NEWEST}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which a request differs from a kept one."""

    path: str
    """``messages[0].content``, ``temperature``: in the body; ``service.model``, ``trial``."""
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before} -> {self.after}"


class Nearest:
    """Finds the kept request that a new one is to be compared with."""

    def __init__(self, lookup: Lookup, replayed: Iterable[Request] = (), *, before: str = "") -> None:
        self._lookup = lookup
        self._before = before
        """Session whose own answers are not looked at."""
        self._replayed = list(replayed)

    def to(self, request: Request) -> Request | None:
        """The nearest: of the same variant and case, else of the same case, else of any; there of the same service."""
        labels = request.labels
        for sql, values in (
            (_SAME_LABELS, [labels.case, labels.variant]),
            (_SAME_CASE, [labels.case]),
            (_ANY, []),
        ):
            known = [kept for kept in self._replayed if _fits(kept.labels, labels, len(values))][:CANDIDATES]
            known += map(asked, self._lookup(sql, [self._before, *values, CANDIDATES]))
            known = [kept for kept in known if kept.key != request.key]
            if known:
                return min(known, key=lambda kept: _distance(kept, request))
        return None


def asked(row: Sequence[Any]) -> Request:
    """The request of a row (variant, case, content)."""
    variant, case, content = row
    return Request(**json.loads(content), labels=Labels(variant=variant, case=case))


def why_missing(request: Request, nearest: Nearest) -> str:
    """What part of a request is new, in a sentence that begins with it: messages are cut at their end."""
    kept = nearest.to(request)
    if kept is None:
        return "no answer is kept for this request, nor for any other; run once with --genaiops-cache=use to get them"
    found = differences(kept, request)
    rest = f", and {len(found) - MOST} more" if len(found) > MOST else ""
    shown = ", ".join(map(str, found[:MOST]))
    of = "the one" if kept.labels == request.labels else "the nearest one"
    whose = f"variant {quoted(kept.labels.variant)}, case {quoted(kept.labels.case)}"
    return f"no answer is kept for this request: {shown}{rest} (against {of} that is kept, of {whose})"


def differences(before: Request, after: Request) -> list[Difference]:
    """Every place in which the second request asks something else than the first."""
    found = [*_differing(before.service, after.service, "service"), *_differing(before.body, after.body, "")]
    found += _differing(before.trial, after.trial, "trial")
    return [*found, *_differing(before.repeat, after.repeat, "repeat")]


def _differing(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            inner = f"{path}.{name}" if path else str(name)
            if name not in before or name not in after:
                yield _difference(inner, before.get(name, _ABSENT), after.get(name, _ABSENT))
            else:
                yield from _differing(before[name], after[name], inner)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from _differing(one, other, f"{path}[{number}]")
        if len(before) != len(after):
            yield Difference(
                printable(path), *(f"{len(each)} item{'s' * (len(each) != 1)}" for each in (before, after))
            )
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield _difference(path, before, after)


_ABSENT = object()


def _difference(path: str, before: Any, after: Any) -> Difference:
    if isinstance(before, str) and isinstance(after, str):
        start = max(0, _first_difference(before, after) - AROUND)
        before, after = _cut(before, start), _cut(after, start)
    return Difference(printable(path[:LONGEST]), _shown(before), _shown(after))


def _cut(text: str, start: int) -> str:
    end = start + 3 * AROUND
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False, default=dict)
    return printable(without_secrets(text if len(text) <= LONGEST else f"{text[:LONGEST]}…"))


def _first_difference(one: str, other: str) -> int:
    """Length of the common beginning; halving, for texts may be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _fits(kept: Labels, wanted: Labels, level: int) -> bool:
    """Whether labels agree as far as a level looks at them: 2 at both, 1 at the case, 0 at none."""
    return (level < 1 or kept.case == wanted.case) and (level < 2 or kept.variant == wanted.variant)


def _distance(kept: Request, request: Request) -> tuple[bool, float]:
    """How far a kept request is from another one: another service before all else, then places, weighted by texts."""
    return kept.service != request.service, _apart(kept.body, request.body) + _trials(kept, request)


def _trials(kept: Request, request: Request) -> float:
    return 0.1 * ((kept.trial != request.trial) + (kept.repeat != request.repeat))


def _apart(before: Any, after: Any) -> float:
    """A number for how different two JSON values are: 1 for each place, less for texts that begin or end alike."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return sum(_apart(before.get(name, _ABSENT), after.get(name, _ABSENT)) for name in {*before, *after})
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        common = sum(_apart(one, other) for one, other in zip(before, after, strict=False))
        return common + abs(len(before) - len(after))
    if isinstance(before, str) and isinstance(after, str):
        if before == after:
            return 0.0
        alike = _first_difference(before, after) + _first_difference(before[::-1], after[::-1])
        return max(0.05, 1 - alike / max(len(before), len(after)))
    return float(before != after)
