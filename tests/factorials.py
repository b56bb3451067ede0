"""An example report of a matrix: a documentation assistant whose retrieval varies, made up from a seed.

As in ``tests/documents.py``, nothing in it was measured: effects and intervals are drawn so that there is all to show.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

from pytest_genaiops.report.document import (
    AxisView,
    ContenderView,
    Document,
    EffectView,
    FactorialView,
    InteractionView,
    MetricView,
    PointView,
    SuiteView,
)
from tests.documents import example

AXES = {
    "chunk": ("256", "768"),
    "embedding": ("lsa-64", "lsa-256"),
    "search": ("vector", "text", "hybrid"),
    "k": ("3", "5", "8", "12"),
}
"""Of 48 combinations."""
SMALL = {"a": "12", "b": "xyz"}
FRONT = ("groundedness", "latency")


def matrix_example(
    *,
    cases: int = 20,
    metrics: int = 5,
    axes: Mapping[str, Sequence[str]] = AXES,
    context: int = 600,
    seed: int = 1,
) -> Document:
    """A run of one suite: every combination of the axes' levels, the first of which is the baseline."""
    levels = {
        ",".join(f"{axis}={level}" for axis, level in zip(axes, combination, strict=True)): combination
        for combination in product(*axes.values())
    }
    document = example(cases=cases, variants=tuple(levels), metrics=metrics, context=context, seed=seed)
    suite = document.suites[0]
    shown = [
        replace(each, prompt="", differs="", axes=dict(zip(axes, levels[each.id], strict=True)))
        for each in suite.variants
    ]
    suite = replace(suite, variants=shown, factorial=factorial_of(suite, axes, seed))
    return replace(document, suites=(suite,))


def hostile_matrix(text: str) -> Document:
    """A small matrix whose axes and levels, and so its variants, have this text in their names."""
    axes = {f"{text} {axis}": [f"{text} {level}" for level in levels] for axis, levels in SMALL.items()}
    return matrix_example(cases=3, axes=axes)


def close_front(suite: SuiteView) -> FactorialView:
    """The suite's factorial with 12 variants on the front whose values are nearly equal, and the others behind."""
    assert suite.factorial is not None
    points = [
        PointView(
            variant=each.id,
            values={"groundedness": 0.9 + at * 0.0002, "latency": 1.0 + at * 0.001}
            if at < 12
            else {"groundedness": 0.9 - at * 0.004 - (at % 5) * 0.01, "latency": 1.02 + (at % 7) * 0.05},
            on_front=at < 12,
        )
        for at, each in enumerate(suite.variants)
    ]
    return replace(suite.factorial, points=points)


def factorial_of(suite: SuiteView, axes: Mapping[str, Sequence[str]], seed: int = 1) -> FactorialView:
    """Effects, interactions, the best and the front of a suite's variants."""
    draw = random.Random(seed)
    values = {(each.variant, each.metric): each.value for each in suite.scores if not each.slice}
    names = [each.id for each in suite.variants]
    points = [{name: values.get((variant, name)) for name in FRONT} for variant in names]
    return FactorialView(
        axes=[AxisView(name=name, levels=levels) for name, levels in axes.items()],
        variants=len(names),
        combinations=len(names),
        confidence=0.95,
        effects=[effect for metric in suite.metrics for effect in _effects(draw, metric, axes, suite.n)],
        interactions=sorted(_interactions(draw, suite, axes), key=lambda each: each.p_value or 0.0),
        contenders=[each for metric in suite.metrics for each in _contenders(metric, values, names)],
        front=FRONT,
        points=[
            PointView(
                variant=name, values=own, on_front=not (worse := _dominating(own, points, names)), dominated_by=worse
            )
            for name, own in zip(names, points, strict=True)
        ],
        numbers=suite.metrics,
    )


def _span(metric: MetricView) -> float:
    low, high = metric.scale
    return (2.0 if high is None else high) - (low or 0.0)


def _effects(draw: random.Random, metric: MetricView, axes: Mapping[str, Sequence[str]], n: int) -> list[EffectView]:
    found = []
    for axis, (reference, *others) in axes.items():
        for level in others:
            effect, half = draw.gauss(0.0, 0.04) * _span(metric), draw.uniform(0.01, 0.03) * _span(metric)
            p = 0.0004 if abs(effect) > 1.8 * half else 0.03 if abs(effect) > half else 0.4
            found.append(
                EffectView(
                    metric=metric.name,
                    axis=axis,
                    level=level,
                    reference=reference,
                    effect=round(effect, 4),
                    interval=(round(effect - half, 4), round(effect + half, 4)),
                    p_value=p,
                    adjusted_p_value=min(1.0, p * 20),
                    n=n,
                    unscored=0,
                )
            )
    return found


def _interactions(draw: random.Random, suite: SuiteView, axes: Mapping[str, Sequence[str]]) -> list[InteractionView]:
    found = []
    for metric in suite.metrics:
        for first, second in combinations(axes, 2):
            effect, half = draw.gauss(0.0, 0.03) * _span(metric), draw.uniform(0.01, 0.03) * _span(metric)
            p = 0.0001 if abs(effect) > 2 * half else 0.2
            found.append(
                InteractionView(
                    metric=metric.name,
                    axes=(first, second),
                    levels=(axes[first][-1], axes[second][-1]),
                    references=(axes[first][0], axes[second][0]),
                    effect=round(effect, 4),
                    interval=(round(effect - half, 4), round(effect + half, 4)),
                    p_value=p,
                    adjusted_p_value=min(1.0, p * 30),
                    n=suite.n,
                    unscored=0,
                )
            )
    return found


def _contenders(
    metric: MetricView, values: Mapping[tuple[str, str], float | None], names: Sequence[str]
) -> list[ContenderView]:
    known = {name: value for name in names if (value := values.get((name, metric.name))) is not None}
    best = (max if metric.higher_is_better else min)(known.values())
    near = 0.04 * _span(metric)
    return [
        ContenderView(
            metric=metric.name,
            variant=name,
            value=known.get(name),
            p_value=(0.4 if abs(known[name] - best) < near else 0.001) if name in known else None,
            among_best=name in known and abs(known[name] - best) < near,
            reason="" if name in known else "no response has a score",
        )
        for name in names
    ]


def _dominating(
    own: Mapping[str, float | None], points: Sequence[Mapping[str, float | None]], names: Sequence[str]
) -> list[str]:
    """More of the first number and less of the second is better."""
    quality, latency = (own[name] or 0.0 for name in FRONT)
    return [
        name
        for name, each in zip(names, points, strict=True)
        if (each[FRONT[0]] or 0.0) >= quality
        and (each[FRONT[1]] or 0.0) <= latency
        and (each[FRONT[0]], each[FRONT[1]]) != (own[FRONT[0]], own[FRONT[1]])
    ]
