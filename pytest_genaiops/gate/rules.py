"""The rules: each compares an interval with a line and gives a verdict.

With [L, U] the two-sided interval, a rule passes only where the whole interval is on the good side of its
line, fails where the whole interval is on the bad side, and is otherwise undecided. Nothing passes while
more cases are unscored than the coverage allows, or while two sides lack different ones. Values, thresholds
and margins are on the metric's own scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_genaiops.errors import MetricError
from pytest_genaiops.gate.estimate import Comparison, Estimate, Evidence
from pytest_genaiops.gate.wording import about_cases, counted, coverage, measured, rounded, shorten, uncovered
from pytest_genaiops.records import NOTHING, Outcome, Verdict
from pytest_genaiops.statistics.power import agreeing_n, detectable, required_n
from pytest_genaiops.statistics.quantiles import two_sided_z

MAX_REASON = 400
"""Characters of a verdict's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The rule, and the numbers that it goes by."""

    rule: str
    limits: Mapping[str, float] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What a rule made of the interval, before coverage has its say."""

    outcome: Outcome
    claim: str
    """The part of the sentence that follows the interval."""
    effect: float
    """Value minus the line that would decide: above 0 where the line lies below the value."""


def at_least(estimate: Estimate, threshold: float) -> Verdict:
    """Passed if the lower bound reaches ``threshold``; failed if the upper bound is below it.

    Raises MetricError for a threshold that is not a finite number or a confidence outside (0, 1).
    """
    asked = _Asked(rule="at_least", limits={"threshold": threshold})
    _check(estimate, asked)
    if estimate.value is None or estimate.interval is None:
        return _nothing(estimate, asked)
    low, high = estimate.interval
    outcome = _outcome(passed=low >= threshold, failed=high < threshold)
    claim = {"passed": "is at least", "failed": "is below", "undecided": "is not clearly at least"}[outcome]
    effect = estimate.value - threshold
    return _decide(estimate, asked, _Finding(outcome=outcome, claim=f"{claim} {threshold:g}", effect=effect))


def at_most(estimate: Estimate, threshold: float) -> Verdict:
    """Passed if the upper bound stays within ``threshold``; failed if the lower bound is above it.

    Raises MetricError for a threshold that is not a finite number or a confidence outside (0, 1).
    """
    asked = _Asked(rule="at_most", limits={"threshold": threshold})
    _check(estimate, asked)
    if estimate.value is None or estimate.interval is None:
        return _nothing(estimate, asked)
    low, high = estimate.interval
    outcome = _outcome(passed=high <= threshold, failed=low > threshold)
    claim = {"passed": "is at most", "failed": "is above", "undecided": "is not clearly at most"}[outcome]
    effect = estimate.value - threshold
    return _decide(estimate, asked, _Finding(outcome=outcome, claim=f"{claim} {threshold:g}", effect=effect))


def within(estimate: Estimate, low: float, high: float) -> Verdict:
    """Passed if the whole interval lies in [``low``, ``high``]; failed if it lies wholly outside.

    Raises MetricError for limits that are not finite or not in order, or a confidence outside (0, 1).
    """
    asked = _Asked(rule="within", limits={"low": low, "high": high})
    _check(estimate, asked)
    if low > high:
        raise MetricError(f"within({low:g}, {high:g}): the lower limit comes first")
    if estimate.value is None or estimate.interval is None:
        return _nothing(estimate, asked)
    lower, upper = estimate.interval
    outcome = _outcome(passed=low <= lower and upper <= high, failed=upper < low or lower > high)
    claim = {"passed": "is within", "failed": "is outside", "undecided": "is not clearly within"}[outcome]
    effect = min(estimate.value - low, estimate.value - high, key=abs)
    return _decide(estimate, asked, _Finding(outcome=outcome, claim=f"{claim} {low:g} to {high:g}", effect=effect))


def not_worse_than(comparison: Comparison, margin: float) -> Verdict:
    """Non-inferiority: passed if the loss is surely smaller than ``margin``; failed if there surely is a loss.

    With the difference turned so that up is better: passed if L > -margin, failed if U < 0 and not passed.
    Raises MetricError for a margin that is negative or not finite, or a confidence outside (0, 1).
    """
    asked = _Asked(rule="not_worse_than", limits={"margin": margin})
    _check(comparison, asked)
    if margin < 0:
        raise MetricError(f"margin is {margin:g}; give the largest tolerable loss as a number of 0 or more")
    if comparison.value is None or comparison.interval is None:
        return _nothing(comparison, asked)
    value, low, high = _upwards(comparison, comparison.value, comparison.interval)
    outcome = _outcome(passed=low > -margin, failed=high < 0)
    claim = {
        "passed": f"is not worse than the baseline by {margin:g} or more",
        "failed": f"is worse than the baseline (margin {margin:g})",
        "undecided": f"may be worse than the baseline by {margin:g} or more",
    }[outcome]
    effect = max(value + margin, value, key=abs)
    return _decide(comparison, asked, _Finding(outcome=outcome, claim=claim, effect=_turned(comparison, effect)))


def better_than(comparison: Comparison) -> Verdict:
    """Superiority: passed if there surely is a gain (L > 0), failed if there surely is a loss (U < 0).

    Raises MetricError for a confidence outside (0, 1).
    """
    asked = _Asked(rule="better_than")
    _check(comparison, asked)
    if comparison.value is None or comparison.interval is None:
        return _nothing(comparison, asked)
    value, low, high = _upwards(comparison, comparison.value, comparison.interval)
    outcome = _outcome(passed=low > 0, failed=high < 0)
    claim = {"passed": "is better than", "failed": "is worse than", "undecided": "is not clearly better than"}[outcome]
    return _decide(
        comparison, asked, _Finding(outcome=outcome, claim=f"{claim} the baseline", effect=_turned(comparison, value))
    )


def _check(evidence: Evidence, asked: _Asked) -> None:
    for name, limit in asked.limits.items():
        if not math.isfinite(limit):
            raise MetricError(f"{name} is {limit}; give a finite number on the scale of {evidence.name}")
    if not 0 < evidence.confidence < 1:
        raise MetricError(f"confidence is {evidence.confidence}; it must lie between 0 and 1, such as 0.95")


def _outcome(*, passed: bool, failed: bool) -> Outcome:
    if passed:
        return "passed"
    return "failed" if failed else "undecided"


def _upwards(comparison: Comparison, value: float, interval: tuple[float, float]) -> tuple[float, float, float]:
    """Value and bounds of the difference, turned so that up is better."""
    low, high = interval
    return (value, low, high) if comparison.higher_is_better else (-value, -high, -low)


def _turned(comparison: Comparison, effect: float) -> float:
    """An effect that was turned so that up is better, on the metric's own scale again."""
    return effect if comparison.higher_is_better else -effect


def _nothing(evidence: Evidence, asked: _Asked) -> Verdict:
    reason = f"{shorten(evidence.name, 40)}: nothing was scored"
    if evidence.unscored:
        reason += f"; {coverage(evidence)}"
    return _verdict(evidence, asked, "undecided", reason)


def _decide(evidence: Evidence, asked: _Asked, finding: _Finding) -> Verdict:
    """The verdict: a pass needs the coverage that was set, whatever the interval says."""
    outcome = finding.outcome
    reason = f"{measured(evidence)}, {finding.claim} ({_note(evidence, finding)})"
    lacking = uncovered(evidence)
    if lacking:
        reason = f"{lacking}; {reason}"
        outcome = "undecided" if outcome == "passed" else outcome
    tolerated = outcome == "undecided" and not lacking and evidence.undecided == "warn"
    return replace(_verdict(evidence, asked, outcome, reason, finding.effect), tolerated=tolerated)


def _note(evidence: Evidence, finding: _Finding) -> str:
    """How many cases there are, what difference they can tell, and how many would decide."""
    needed, smallest = _plan(evidence, finding.effect)
    note = counted(evidence)
    if smallest:
        note += f", detects {smallest:.2g}"
    if finding.outcome == "undecided":
        return note + about_cases(needed, tie=finding.effect == 0)
    # Equal outputs show no spread at all, hence neither number; nor is there one where the cases were just enough.
    return note if needed is None or not smallest else f"{note}, {rounded(needed)} cases decide this"


def _plan(evidence: Evidence, effect: float) -> tuple[int | None, float | None]:
    """Cases that would decide, and the difference that the present ones can tell."""
    if evidence.continuous or evidence.not_needed:
        return evidence.n, None  # they were just enough, and no plan was made for them
    if evidence.value is None or evidence.interval is None:
        return None, None
    below, above = evidence.value - evidence.interval[0], evidence.interval[1] - evidence.value
    if evidence.standard_error is not None:
        # A bound that leans out on the side of the line needs more cases than the standard error says.
        leaning = (below if effect > 0 else above) / two_sided_z(evidence.confidence)
        error = max(evidence.standard_error, leaning if math.isfinite(leaning) else 0.0)
        return required_n(error, evidence.n, effect, evidence.confidence), detectable(error, evidence.confidence)
    reach = max(below, above)
    return agreeing_n(reach, evidence.n, effect), reach if math.isfinite(reach) else None


def _verdict(evidence: Evidence, asked: _Asked, outcome: Outcome, reason: str, effect: float = 0.0) -> Verdict:
    needed, smallest = _plan(evidence, effect)
    return Verdict(
        outcome=outcome,
        reason=shorten(reason, MAX_REASON),
        value=evidence.value,
        interval=evidence.interval,
        confidence=evidence.confidence,
        n=evidence.n,
        unscored=evidence.unscored,
        required_n=needed,
        detectable=smallest,
        signature=evidence.signature,
        method=evidence.method,
        clusters=evidence.clusters,
        p_values=evidence.p_values if isinstance(evidence, Comparison) else NOTHING,
        not_needed=evidence.not_needed,
        rule=asked.rule,
        limits={name: float(limit) for name, limit in asked.limits.items()},
    )
