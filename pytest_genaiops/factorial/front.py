"""Several numbers weighed against each other: which variants no other one beats in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_genaiops.errors import MetricError
from pytest_genaiops.report.document import PointView
from pytest_genaiops.score import Score
from pytest_genaiops.score.judging import same_signature

SHOWN = 3
"""Variants that are named as beating another one."""

OPERATIONS = ("cost", "tokens", "latency", "error_rate")
"""Numbers that tell what answers take, not how good they are."""

Scores = Mapping[str, Mapping[str, Score]]
"""Variant id -> name of a number -> score."""


def numbers_of_front(scores: Scores, names: Sequence[str]) -> list[str]:
    """The first of the names that is about quality, the cost (or the tokens) and the latency; none where one is left.

    A number of which no variant has a value, or whose scores are not of one kind, is none to weigh by.
    """
    usable = [name for name in dict.fromkeys((*names, *OPERATIONS)) if _usable(name, scores)]
    quality = [name for name in usable if name not in OPERATIONS][:1]
    spent = [name for name in ("cost", "tokens") if name in usable][:1]
    found = [*quality, *spent, *(name for name in ("latency",) if name in usable)]
    return found if len(found) > 1 else []


def points(scores: Scores, front: Sequence[str]) -> list[PointView]:
    """A point for each variant over the numbers of the front, by their values alone; none without such numbers.

    A variant that lacks a value is not on the front, and beats no other one. Where more than three beat a variant, the
    best of them under the first number are named. Raises MetricError where scores of one number differ in metric,
    settings or data.
    """
    if not front:
        return []
    for name in front:
        _check(_under(name, scores))
    values = {variant: _values(own, front) for variant, own in scores.items()}
    upward = [1 if _under(name, scores)[0].higher_is_better else -1 for name in front]
    known = {
        variant: [sign * value for sign, value in zip(upward, own.values(), strict=True) if value is not None]
        for variant, own in values.items()
        if None not in own.values()
    }
    return [_point(variant, own, known) for variant, own in values.items()]


def _point(variant: str, values: Mapping[str, float | None], known: Mapping[str, list[float]]) -> PointView:
    if variant not in known:
        return PointView(variant=variant, values=values, on_front=False)
    beaten_by = [other for other, theirs in known.items() if _beats(theirs, known[variant])]
    best = sorted(beaten_by, key=lambda other: known[other], reverse=True)[:SHOWN]
    return PointView(variant=variant, values=values, on_front=not beaten_by, dominated_by=tuple(best))


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    """At least as good in everything, and better in something."""
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def _values(own: Mapping[str, Score], front: Iterable[str]) -> dict[str, float | None]:
    return {name: own[name].value if name in own else None for name in front}


def _under(name: str, scores: Scores) -> list[Score]:
    return [own[name] for own in scores.values() if name in own]


def _usable(name: str, scores: Scores) -> bool:
    found = _under(name, scores)
    try:
        _check(found)
    except MetricError:
        return False
    return any(score.value is not None for score in found)


def _check(scores: Sequence[Score]) -> None:
    for score in scores:
        same_signature(score, scores[0])
