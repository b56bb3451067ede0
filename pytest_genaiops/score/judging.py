"""Scores to verdicts: gathers what a rule needs, and tells whoever looks on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from pytest_genaiops import gate
from pytest_genaiops.config import Rules
from pytest_genaiops.errors import MetricError, UnscorableError, of_ours
from pytest_genaiops.records import Response, Verdict
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.score.committed import Committed
from pytest_genaiops.score.number import Number
from pytest_genaiops.score.table import Pairing, kinds, paired, reasons, same_responses
from pytest_genaiops.score.watching import WATCH, rules
from pytest_genaiops.statistics import Difference, difference, missing_p, p_values, summarize

__tracebackhide__ = of_ours

Judge: TypeAlias = Callable[[Number, Number, float], Verdict]
Baseline: TypeAlias = Sequence[Response] | Committed
"""What a suite's ``baseline`` fixture gives."""

MIN_SHARED = 0.9
"""Share of the cases of both sides that both must have, for a comparison to be about the same thing."""


def settled(confidence: float | None, coverage: float | None = None) -> Rules:
    """The rules in force, with what the call asks for instead.

    Raises:
        MetricError: coverage is not a share of the cases.
    """
    found = rules()
    if confidence is not None:
        found = replace(found, confidence=confidence)
    if coverage is not None:
        if not 0 < coverage <= 1:
            raise MetricError(f"coverage is {coverage}; give the share of cases that must be scored, such as 0.95")
        found = replace(found, coverage=coverage)
    return found


def told(score: Number, verdict: Verdict) -> Verdict:
    """The verdict, of which whoever looks on has been told."""
    if (watch := WATCH.get()) is not None:
        watch.verdict(score, verdict)
    return verdict


def estimate(score: Number, rules: Rules) -> gate.Estimate:
    """A score with its uncertainty."""
    table, found = score.table, None
    if score.value is not None:
        found = summarize(score.sample(), confidence=rules.confidence, seed=rules.seed)
    return gate.Estimate(
        name=score.name,
        value=score.value,
        interval=found.interval if found else None,
        standard_error=found.standard_error if found else None,
        method=found.method if found else "",
        clusters=found.clusters if found else None,
        confidence=rules.confidence,
        coverage=rules.coverage,
        undecided=rules.undecided,
        n=score.n,
        unscored=score.unscored,
        reasons=[reason for _, reason in reasons(table)],
        kinds=kinds(table),
        scale=score.scale,
        higher_is_better=score.higher_is_better,
        signature=score.signature,
    )


def comparison(score: Number, other: Number, rules: Rules, min_shared: float | None = None) -> gate.Comparison:
    """A score against another one of the same metric, paired by case.

    Raises:
        MetricError: the two differ in metric, settings or data, or share too few cases.
    """
    pairing = pair(score, other, MIN_SHARED if min_shared is None else min_shared)
    found = difference_of(score, other, pairing, rules)
    n = found.n if found else 0
    why = [reason for table in (score.table, other.table) for _, reason in reasons(table)]
    return gate.Comparison(
        name=score.name,
        value=found.value if found else None,
        interval=found.interval if found else None,
        standard_error=found.standard_error if found else None,
        method=found.method if found else "",
        clusters=found.clusters if found else None,
        p_values=found.p_values if found else {},
        confidence=rules.confidence,
        coverage=rules.coverage,
        undecided=rules.undecided,
        n=n,
        unscored=pairing.shared - n,
        unshared=pairing.unshared,
        reasons=why,
        kinds=_more(kinds(score.table), kinds(other.table)),
        misses=_misses(score, other, pairing, rules.seed),
        scale=score.scale,
        higher_is_better=score.higher_is_better,
        signature=score.signature,
    )


def pair(score: Number, other: Number, min_shared: float) -> Pairing:
    """The rows that two scores share.

    Raises:
        MetricError: the two differ in metric, settings or data, or share too few cases.
    """
    same_signature(score, other)
    if not 0 < min_shared <= 1:
        raise MetricError(f"min_shared is {min_shared}; give the share of cases that both sides must have, such as 0.9")
    pairing = paired(score.table, other.table)
    every = pairing.shared + pairing.unshared
    if every and pairing.shared < min_shared * every - 1e-9 * every:
        raise MetricError(
            f"{score.name}: the two scores share {pairing.shared} of {every} cases "
            f"(such as {_apart(score, other)!r} in one only); a comparison needs {100 * min_shared:g} %, "
            "or a lower min_shared="
        )
    return pairing


def difference_of(score: Number, other: Number, pairing: Pairing, rules: Rules) -> Difference | None:
    """The paired difference over the rows that both sides scored; None where there is none, or no score is defined."""
    if not pairing.left or score.value is None or other.value is None:
        return None
    mine = score.sample(pairing.left)
    # A variant compared with itself differs by nothing, whatever the sample: not two samples that happen to agree.
    theirs = mine if same_responses(score.table, other.table, pairing) else other.sample(pairing.right)
    try:
        return difference(mine, theirs, confidence=rules.confidence, seed=rules.seed)
    except UnscorableError:  # defined on all cases of a side, but not on those that both sides scored
        return None


def other_of(score: Number, baseline: Number | Baseline) -> Number:
    """The baseline's score under the metric of this one."""
    if isinstance(baseline, Committed):
        return score.of_table(baseline.table_for(score.table))
    if not isinstance(baseline, Sequence) or isinstance(baseline, str):
        if not hasattr(baseline, "table"):
            kind = type(baseline).__name__
            raise MetricError(f"{score.name} is compared with a score or with responses, not with {kind}")
        return baseline
    if score.table.score_again is None:
        raise MetricError(f"{score.name} was made from values: compare it with another Score, not with responses")
    found = score.table.score_again(baseline)
    for step in score.path:
        found = getattr(found, step) if not isinstance(found, Mapping) else found[step]
    other: Number = found
    return other


def tested(score: Number, other: Number) -> dict[str, float]:
    """p-values of every test that fits the score, by the name of the test."""
    pairing = pair(score, other, MIN_SHARED)
    found = difference_of(score, other, pairing, rules())
    if found is None:
        raise MetricError(f"{score.name}: no case is scored on both sides, so that nothing can be tested")
    mine, theirs = score.sample(pairing.left), other.sample(pairing.right)
    return dict(found.p_values) | p_values(mine, theirs, seed=rules().seed)


def by_slice(
    score: Number,
    other: Number,
    margins: float | Mapping[str, float],
    judge: Judge,
) -> dict[str, Verdict]:
    """The verdict on each slice that has a margin: of one tag (``topic``), of one value (``topic=law``), or of all.

    Raises:
        MetricError: no slice has the name, or the cases have no slices at all.
    """
    parts = score.slices()
    if not parts:
        raise MetricError(f"{score.name}: slice_margins are given, but the cases carry no slices (columns slice_*)")
    tags = {name.partition("=")[0] for name in parts}
    wanted = dict.fromkeys(tags, margins) if isinstance(margins, int | float) else margins
    found: dict[str, Verdict] = {}
    for key, margin in wanted.items():
        if key not in parts and key not in tags:
            raise MetricError(f"no slice is called {key!r}; {did_you_mean(key, [*sorted(tags), *parts])}")
        for name in [key] if key in parts else [name for name in parts if name.partition("=")[0] == key]:
            if name not in found or key in parts:
                found[name] = judge(parts[name], other.among(parts[name].ids), margin)
    return found


def joined(whole: Verdict, parts: Mapping[str, Verdict]) -> Verdict:
    """One verdict over all cases and their slices: passed where every one has passed (intersection-union)."""
    everyone = {"": whole, **parts}
    for outcome in ("failed", "undecided"):
        bad = {name: verdict for name, verdict in everyone.items() if verdict.outcome == outcome}
        if bad and whole.outcome != outcome:
            name, first = next(iter(bad.items()))
            more = f" (and {len(bad) - 1} more slices)" if len(bad) > 1 else ""
            tolerated = outcome == "undecided" and all(verdict.tolerated for verdict in bad.values())
            reason = f"slice {name}{more}: {first.reason}"
            return replace(whole, outcome=first.outcome, reason=reason, parts=parts, tolerated=tolerated)
        if bad:
            tolerated = all(verdict.tolerated for verdict in bad.values())
            return replace(whole, parts=parts, tolerated=tolerated)
    return replace(whole, parts=parts)


def _misses(score: Number, other: Number, pairing: Pairing, seed: int) -> gate.Misses | None:
    """What is to be said where the two sides lack different cases."""
    sides = [(other, pairing.missed_left, pairing.right), (score, pairing.missed_right, pairing.left)]
    tested = [
        (len(gone), _values(side, gone), _values(side, there)) for side, gone, there in sides if len(gone) and side.n
    ]
    if not tested:
        return None
    least = min(missing_p(gone, there, seed=seed) for _, gone, there in tested)
    _, gone, there = max(tested, key=lambda each: each[0])
    return gate.Misses(
        candidate=len(pairing.missed_left),
        baseline=len(pairing.missed_right),
        there=sum(gone) / len(gone),
        elsewhere=sum(there) / len(there) if there else None,
        p_value=min(1.0, least * len(tested)),
    )


def _values(score: Number, positions: Sequence[int]) -> list[float]:
    return list(score.sample(positions).values) if len(positions) else []


def _apart(score: Number, other: Number) -> str:
    mine, theirs = set(score.ids), set(other.ids)
    return min(mine ^ theirs, default=min(mine))


def _more(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {kind: max(one.get(kind, 0), other.get(kind, 0)) for kind in (*one, *other)}


def same_signature(a: Number, b: Number) -> None:
    """Raise MetricError where two scores differ in metric, settings or data, and name what differs."""
    if a.signature == b.signature:
        return
    mine, theirs = set(a.signature.split("|")), set(b.signature.split("|"))
    raise MetricError(
        f"{a.name} cannot be compared with {b.name}: one has {' '.join(sorted(mine - theirs)) or 'nothing more'}, "
        f"the other {' '.join(sorted(theirs - mine)) or 'nothing more'}"
    )
