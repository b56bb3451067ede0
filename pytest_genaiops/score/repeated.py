"""Scores over the trials of each case: pass@k, pass^k and run-to-run consistency, one value a case."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TypeVar

from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.score.number import Number
from pytest_genaiops.score.table import mean_part, own_values
from pytest_genaiops.statistics import agreement, pass_at_k, pass_hat_k

__tracebackhide__ = of_ours

AnyNumber = TypeVar("AnyNumber", bound=Number)

ESTIMATORS = {"pass@": pass_at_k, "pass^": pass_hat_k}


def passing(score: AnyNumber, k: int, kind: str) -> AnyNumber:
    """pass@k or pass^k of a score that is a yes or no for every trial.

    Raises:
        MetricError: the values are no yes or no, or a case has fewer than ``k`` trials.
    """
    low, high = score.scale
    worse, better = (low, high) if score.higher_is_better else (high, low)
    grades = sorted({value for value in score.per_case if value not in (None, worse, better)})
    if grades:
        raise MetricError(
            f"{kind}{k} counts trials that succeed, and {score.name} is no yes or no (a trial has {grades[0]:g} on "
            f"a scale of {low:g} to {high:g}); score the trials yourself: Score.of([1 if good else 0, ...])"
        )
    estimate = ESTIMATORS[kind]
    values = [
        None if None in trials else estimate(sum(value == better for value in trials), len(trials), k)
        for trials in _by_case(score).values()
    ]
    return _scored(score, f"{kind}{k}", values)


def consistent(score: AnyNumber) -> AnyNumber:
    """How often two trials of a case have the same value."""
    values = [None if None in trials or len(trials) < 2 else agreement(trials) for trials in _by_case(score).values()]
    return _scored(score, "consistency", values)


def flaky(score: Number) -> int | None:
    """How many cases have trials that do not agree; None where no case has several, or the score is no yes or no."""
    if len(set(score.table.ids)) == len(score.table.ids) or any(v not in (None, *score.scale) for v in score.per_case):
        return None
    return sum(len({value for value in trials if value is not None}) > 1 for trials in _by_case(score).values())


def _by_case(score: Number) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for case, value in zip(score.table.ids, score.per_case, strict=True):
        found.setdefault(case, []).append(value)
    return found


def _scored(score: AnyNumber, what: str, values: Sequence[float | None]) -> AnyNumber:
    """A score over cases, with the clusters of the cases, where these say more than the cases themselves."""
    name, table = f"{what} of {score.name}", score.table
    cases = list(_by_case(score))
    clusters: dict[str, Hashable] = dict(zip(table.ids, table.clusters or table.ids, strict=True))
    found = own_values(values, cases, [str(clusters[case]) for case in cases], name, (0.0, 1.0))
    return score.made(replace(found, signature=f"{score.signature}|over:{what}"), mean_part(name))
