"""What several trials of one case say: would one of k succeed, would all of k, do they agree at all?

Every estimator is per case and unbiased, so the mean over cases is as well. Sums and ratios of binomial
coefficients are exact integers up to one final division.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import TypeVar

from pytest_genaiops.errors import MetricError

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How far the trials of each case agree with each other."""

    value: float | None
    """Mean agreement over the cases with two trials or more, from 0 to 1; None where there is no such case."""
    per_case: Mapping[Hashable, float]
    """Case -> chance that two different trials of it agree, in order of appearance."""
    flaky: tuple[Hashable, ...]
    """Cases whose trials do not all agree."""
    single: tuple[Hashable, ...]
    """Cases with a single trial, which says nothing about agreement."""


def pass_at_k(successes: int, trials: int, k: int) -> float:
    """Chance that at least one of ``k`` trials of a case succeeds, from ``successes`` in ``trials``: pass@k.

    1 - C(n - c, k) / C(n, k), the share of the k-subsets of the trials that hold a success (Chen et al. 2021,
    *Evaluating Large Language Models Trained on Code*, eq. 1). Raises MetricError where k exceeds the trials.
    """
    _check_counts(successes, trials, k)
    subsets = comb(trials, k)
    return (subsets - comb(trials - successes, k)) / subsets


def pass_hat_k(successes: int, trials: int, k: int) -> float:
    """Chance that all of ``k`` trials of a case succeed, from ``successes`` in ``trials``: pass^k.

    C(c, k) / C(n, k), the share of the k-subsets of the trials that hold successes only (Yao et al. 2024,
    *tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains*). Raises MetricError where k
    exceeds the trials.
    """
    _check_counts(successes, trials, k)
    return comb(successes, k) / comb(trials, k)


def agreement(outcomes: Sequence[Hashable]) -> float:
    """Chance that two different trials of a case agree: agreeing pairs over all pairs.

    Outcomes may be anything that can be equal: right or wrong, a value, a label, a text. For yes or no of
    success rate p it estimates p**2 + (1 - p)**2 without bias. Raises MetricError below two outcomes.
    """
    n = len(outcomes)
    if n < 2:
        raise MetricError(f"agreement compares trials of one case, and there is {'one' if n else 'none'}; run two")
    return sum(comb(count, 2) for count in _counts(outcomes).values()) / comb(n, 2)


def consistency(outcomes: Sequence[Hashable], cases: Sequence[Hashable]) -> Consistency:
    """Run-to-run agreement of each case; ``outcomes`` and ``cases`` hold one entry per trial, in any order.

    Raises MetricError where lengths differ or an outcome cannot be compared as a whole, such as a list.
    """
    groups = by_case(outcomes, cases)
    repeated = {case: found for case, found in groups.items() if len(found) > 1}
    per_case = {case: agreement(found) for case, found in repeated.items()}
    return Consistency(
        value=sum(per_case.values()) / len(per_case) if per_case else None,
        per_case=per_case,
        flaky=tuple(case for case, found in repeated.items() if len(_counts(found)) > 1),
        single=tuple(case for case in groups if case not in repeated),
    )


def by_case(outcomes: Sequence[T], cases: Sequence[Hashable]) -> dict[Hashable, list[T]]:
    """The outcomes of each case's trials, both in order of appearance. Raises MetricError where lengths differ."""
    if len(outcomes) != len(cases):
        raise MetricError(f"trials need one case each, not {len(outcomes)} outcomes and {len(cases)} cases")
    groups: dict[Hashable, list[T]] = {}
    for case, outcome in zip(cases, outcomes, strict=True):
        groups.setdefault(case, []).append(outcome)
    return groups


def _counts(outcomes: Sequence[Hashable]) -> Counter[Hashable]:
    try:
        return Counter(outcomes)
    except TypeError:
        kinds = " or ".join(sorted({type(outcome).__name__ for outcome in outcomes}))
        raise MetricError(f"outcomes of type {kinds} cannot be counted; give numbers, labels or texts") from None


def _check_counts(successes: int, trials: int, k: int) -> None:
    if not 0 <= successes <= trials:
        raise MetricError(f"{successes} successes in {trials} trials cannot be; count from 0 to all of them")
    if k < 1:
        raise MetricError(f"k is {k}; it counts trials, so it must be at least 1")
    if k > trials:
        raise MetricError(f"k is {k}, above the case's number of scored trials, {trials}; run more of them, or lower k")
