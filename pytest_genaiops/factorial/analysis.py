"""A matrix of variants taken apart: effects, interactions, the variants that may be the best, and a Pareto front."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import MetricError
from pytest_genaiops.factorial.contenders import contenders, without_contenders
from pytest_genaiops.factorial.design import Design, Levels, axes_of, repeated
from pytest_genaiops.factorial.effects import Found, Panels, effects, measured, strongest, without_effects
from pytest_genaiops.factorial.front import numbers_of_front, points
from pytest_genaiops.factorial.numbers import Number
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.report.document import AxisView, ContenderView, EffectView, FactorialView, MetricView
from pytest_genaiops.score import Score
from pytest_genaiops.statistics.intervals import RESAMPLES
from pytest_genaiops.statistics.sample import check_settings

Scores = Mapping[str, Mapping[str, Score]]
"""Variant id -> name of a number -> score."""


def worthwhile(axes: Mapping[str, Levels]) -> bool:
    """Whether variants, each with its levels, come from a matrix of two axes or more, or of one with three levels."""
    sizes = [len(axis.levels) for axis in axes_of(_alike(axes).values())]
    return sum(size > 1 for size in sizes) > 1 or any(size > 2 for size in sizes)


def factorial(
    scores: Scores,
    axes: Mapping[str, Levels],
    *,
    metrics: Sequence[str] | None = None,
    front: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> FactorialView:
    """What each level of each axis does, from the scores of variants over the same cases.

    p-values are adjusted by Holm over the effects on one number, and over the interactions on one number.

    Args:
        scores: by variant id, then by name of the number; rows belong together by case id.
        axes: variant id -> axis -> level; the first variant has the reference levels.
        metrics: the numbers to look at; by default all of them.
        front: the numbers of the Pareto front; by default the first one about quality, cost (or tokens) and latency.
        confidence: of the two-sided intervals, and with which the contenders hold the best variant.

    Raises:
        MetricError: no two variants differ on an axis, a name is unknown, or the confidence is not between 0 and 1.
    """
    check_settings(confidence, RESAMPLES)
    matrix = _matrix(scores, axes)
    names, front = _asked(matrix, metrics, front)
    parts = [_part(name, matrix, confidence) for name in names]
    return FactorialView(
        axes=matrix.axes,
        variants=len(matrix.variants),
        combinations=matrix.combinations,
        confidence=confidence,
        effects=tuple(chain.from_iterable(part.effects for part in parts)),
        interactions=tuple(strongest([part.interactions for part in parts], confidence)),
        interactions_tested=sum(len(part.interactions) for part in parts),
        contenders=tuple(chain.from_iterable(part.contenders for part in parts)),
        front=tuple(front),
        points=tuple(points(matrix.scores, front)),
        numbers=tuple(_described(name, matrix.scores) for name in dict.fromkeys((*names, *front))),
        notes=tuple(_notes(matrix, {**axes, **scores}, parts)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matrix:
    """The variants on the same axes that have scores."""

    axes: tuple[AxisView, ...]
    variants: Mapping[str, Levels]
    scores: Scores

    @property
    def names(self) -> list[str]:
        """The numbers that variants have."""
        return list(dict.fromkeys(chain.from_iterable(self.scores.values())))

    @property
    def combinations(self) -> int:
        """Combinations that there are of all levels."""
        return math.prod(len(axis.levels) for axis in self.axes)


def _matrix(scores: Scores, axes: Mapping[str, Levels]) -> _Matrix:
    variants = {name: levels for name, levels in _alike(axes).items() if scores.get(name)}
    found = axes_of(variants.values())
    if all(len(axis.levels) < 2 for axis in found):
        raise MetricError("no two variants with scores differ on an axis; a factorial takes a matrix of variants")
    return _Matrix(axes=found, variants=variants, scores={name: scores[name] for name in variants})


def _asked(
    matrix: _Matrix, metrics: Sequence[str] | None, front: Sequence[str] | None
) -> tuple[Sequence[str], Sequence[str]]:
    """The numbers to look at, and those of the front."""
    names = _known(metrics, matrix.names, "metrics")
    return names, numbers_of_front(matrix.scores, names) if front is None else _known(front, matrix.names, "front")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What there is to tell of one number."""

    effects: Sequence[EffectView]
    interactions: Sequence[Found]
    contenders: Sequence[ContenderView]
    notes: Sequence[str]


def _part(name: str, matrix: _Matrix, confidence: float) -> _Part:
    axes, variants, scores = matrix.axes, matrix.variants, matrix.scores
    having = {variant: own[name] for variant, own in scores.items() if name in own}
    absent = {variant: f"{variant} has no {name}" for variant in scores if variant not in having}
    try:
        number = Number(name, having)
    except MetricError as error:
        rows = without_effects(name, Design(axes, list(variants.values())), str(error))
        none = without_contenders(name, dict.fromkeys(scores, str(error)) | absent)
        return _Part(effects=rows, interactions=(), contenders=none, notes=(f"{name}: {error}",))
    left_out = {**absent, **number.unused}
    design, panels = Design(axes, [variants[variant] for variant in number.scores]), Panels(number)
    terms = design.interactions()
    found = measured(panels, [term.weights for term in terms])
    return _Part(
        effects=effects(panels, design, confidence),
        interactions=[Found(name=name, term=t, measured=each) for t, each in zip(terms, found, strict=True)],
        contenders=[*contenders(panels, confidence), *without_contenders(name, left_out)],
        notes=tuple(_of_number(panels, left_out)),
    )


def _described(name: str, scores: Scores) -> MetricView:
    score = next(own[name] for own in scores.values() if name in own)
    low, high = (end if math.isfinite(end) else None for end in score.scale)
    return MetricView(
        name=name,
        metric=score.table.metric.name if score.table.metric is not None else name,
        signature=score.signature,
        scale=(low, high),
        higher_is_better=score.higher_is_better,
    )


def _of_number(panels: Panels, left_out: Mapping[str, str]) -> Iterable[str]:
    """Notes on what of a number is missing."""
    number = panels.number
    if left_out:
        why = next(iter(left_out.values()))
        yield f"{number.name}: left out {listed(left_out)}, as nothing of theirs is scored ({why})"
    if number.gaps:
        yield (
            f"{number.name}: {number.gaps} responses have no value while another trial of their case has one; "
            "a case counts with the mean of those that have"
        )
    everyone = number.everyone()
    if missing := number.unscored(everyone):
        scored = int(number.common(everyone).sum())
        yield f"{number.name}: {scored} of {scored + missing} cases are scored under every variant"


def _of_design(matrix: _Matrix, every: Iterable[str]) -> Iterable[str]:
    """Notes on the matrix itself, and on variants that are not in it."""
    if left_out := [name for name in every if name not in matrix.variants]:
        yield f"left out {listed(left_out)}: no scores, or not the axes that the other variants have"
    single = [axis for axis in matrix.axes if len(axis.levels) < 2]
    if single:
        named = listed(f"{axis.name}={axis.levels[0]}" for axis in single)
        yield f"all variants have {named}, of which nothing can be told"
    if same := repeated(matrix.variants):
        yield same
    design = Design(matrix.axes, list(matrix.variants.values()))
    if (run := design.combinations) < matrix.combinations:
        yield (
            f"{run} of {matrix.combinations} combinations were run: effects are those of a model in which axes do not "
            "interact, and an interaction is that of a model in which no two other axes do"
        )
    if lost := design.untold():
        yield f"{lost} {'interaction' if lost == 1 else 'interactions'} cannot be told with these combinations"


def _notes(matrix: _Matrix, every: Iterable[str], parts: Sequence[_Part]) -> Iterable[str]:
    yield from _of_design(matrix, every)
    yield from chain.from_iterable(part.notes for part in parts)


def _alike(axes: Mapping[str, Levels]) -> dict[str, Levels]:
    """The variants on the axes that most have; on those of the first where as many have others."""
    sets = Counter(frozenset(levels) for levels in axes.values() if levels)
    if not sets:
        return {}
    usual = sets.most_common(1)[0][0]
    return {name: levels for name, levels in axes.items() if frozenset(levels) == usual}


def _known(asked: Sequence[str] | None, names: Sequence[str], what: str) -> list[str]:
    """The names that are asked for, each once, by default all; for a front at least two."""
    if asked is None:
        return list(names)
    wanted = list(dict.fromkeys([asked] if isinstance(asked, str) else asked))
    for name in wanted:
        if not isinstance(name, str) or name not in names:
            hint = did_you_mean(name, list(names)) if isinstance(name, str) else f"Known: {', '.join(sorted(names))}"
            raise MetricError(f"{what} has {quoted(name)}, which was not evaluated; {hint}")
    if not wanted:
        raise MetricError(f"{what} is empty; name a number, or leave it out")
    if what == "front" and len(wanted) < 2:
        raise MetricError(f"front has {quoted(wanted[0])} alone; a front weighs two numbers or more")
    return wanted
