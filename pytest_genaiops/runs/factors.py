"""A recorded matrix of variants -> what each of its settings does, to every number and to what answers took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pytest_genaiops.config import Price, Rules
from pytest_genaiops.errors import MetricError
from pytest_genaiops.factorial import factorial, worthwhile
from pytest_genaiops.report.document import FactorialView
from pytest_genaiops.runs.reading import Recorded
from pytest_genaiops.score import MetricHandle, Score, ScoreGroup, metric
from pytest_genaiops.store import Store, SuiteRow

Numbers: TypeAlias = Mapping[str, Mapping[str, Score]]
"""Variant -> name -> score."""

TAKEN = ("latency", "tokens", "cost")
"""What answers take: weighed against quality in every matrix, whether or not a test asked for it."""


def is_matrix(store: Store, row: SuiteRow) -> bool:
    """Whether the variants of a suite on record vary settings, so that there are effects to tell."""
    return worthwhile({each.name: each.facts.get("axes") or {} for each in store.variants(row.id)})


def factors_of(
    recorded: Recorded, numbers: Numbers, notes: list[str], *, rules: Rules, prices: Sequence[Price]
) -> FactorialView | None:
    """The factorial of a suite, over its own numbers and what answers took; None where variants are no matrix.

    Where there is a matrix whose effects cannot be worked out, a note says why.
    """
    axes = {variant.id: variant.axes for variant in recorded.suite.variants}
    if not worthwhile(axes):
        return None
    own = _taken(recorded, numbers, prices)
    scores = {variant: {**numbers.get(variant, {}), **own.get(variant, {})} for variant in recorded.variants}
    known = {name: score for own in scores.values() for name, score in own.items()}
    # Effects are those of means and sums; a median has none. What verdicts are about is weighed against the rest.
    judged = [row.metric for rows in recorded.verdicts.values() for row in rows]
    asked = [name for name in dict.fromkeys((*judged, *known)) if name in known and known[name].part.quantile is None]
    try:
        return factorial(scores, axes, metrics=asked, confidence=rules.confidence)
    except MetricError as error:
        notes.append(f"the effects of settings cannot be told: {error}")
        return None


def _taken(recorded: Recorded, numbers: Numbers, prices: Sequence[Price]) -> dict[str, dict[str, Score]]:
    """Variant -> name -> score of what answers took, as far as it is on record and no test asked for it."""
    known = {name for own in numbers.values() for name in own}
    handles = {name: _handle(name, prices) for name in TAKEN if name not in known and (prices or name != "cost")}
    found: dict[str, dict[str, Score]] = {variant: {} for variant in recorded.variants}
    for name, handle in handles.items():
        scores = {variant: _whole(handle(own), name) for variant, own in recorded.responses.items()}
        if any(score.n for score in scores.values()):
            for variant, score in scores.items():
                found[variant][name] = score
    return found


def _handle(name: str, prices: Sequence[Price]) -> MetricHandle:
    return metric(name, prices=tuple(prices)) if name == "cost" else metric(name)


def _whole(found: Score | ScoreGroup, name: str) -> Score:
    """Of several numbers that a metric makes, the one of its own name."""
    return found if isinstance(found, Score) else next(each for each in found.scores() if each.name == name)
