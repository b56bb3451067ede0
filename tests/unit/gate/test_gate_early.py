"""Verdicts over some of the cases: what their sentence says of the interval, and of the cases left out."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_genaiops.gate import Comparison, Estimate, at_least, at_most, not_worse_than, within


def early(**more: Any) -> Estimate:
    facts = {"name": "tone", "value": 0.82, "interval": (0.71, 0.9), "n": 40, "not_needed": 60}
    return Estimate(**{**facts, "level": 0.975, "continuous": True, **more})


def test_a_verdict_of_a_continuous_reading_says_so_and_how_many_cases_it_left_out() -> None:
    verdict = at_least(early(), 0.7)
    assert verdict.reason == (
        "tone 0.820, 97.5 % interval read continuously 0.710 to 0.900, is at least 0.7 (n=40, 60 cases not needed)"
    )
    assert (verdict.confidence, verdict.not_needed) == (0.95, 60)


@pytest.mark.parametrize(("left", "words"), [(1, "1 case not needed"), (0, "n=40)")])
def test_one_case_and_none(left: int, words: str) -> None:
    assert words in at_least(early(not_needed=left), 0.7).reason


def test_the_cases_that_decided_were_just_enough() -> None:
    verdict = at_least(early(), 0.7)
    assert (verdict.required_n, verdict.detectable) == (40, None)


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (at_least(early(), 0.95), "failed"),
        (at_most(early(), 0.95), "passed"),
        (within(early(), 0.7, 0.95), "passed"),
        (at_least(early(), 0.8), "undecided"),
    ],
)
def test_outcomes_are_those_of_the_interval(verdict: Any, outcome: str) -> None:
    assert verdict.outcome == outcome


def test_a_last_look_tells_its_interval_from_an_ordinary_one() -> None:
    verdict = at_least(early(continuous=False, not_needed=0, n=100, standard_error=0.04), 0.7)
    assert verdict.reason.startswith("tone 0.820, 97.5 % interval behind a continuous reading 0.710 to 0.900, is at")
    assert verdict.detectable is not None


def test_a_comparison() -> None:
    facts: dict[str, Any] = {"name": "tone", "value": 0.01, "interval": (-0.08, 0.1), "n": 40, "not_needed": 60}
    verdict = not_worse_than(Comparison(**facts, level=0.975, continuous=True), 0.1)
    assert verdict.outcome == "passed"
    assert "change +0.010, 97.5 % interval read continuously -0.080 to +0.100" in verdict.reason


def test_why_all_cases_were_needed() -> None:
    facts = early(continuous=False, level=None, not_needed=0, n=100, whole="it is no mean over cases")
    assert "(n=100, not stopped early: it is no mean over cases, detects 0.11" in at_least(facts, 0.7).reason


def test_unscored_cases_forbid_a_pass_here_too() -> None:
    verdict = at_least(early(unscored=1, reasons=["target: no route"], kinds={"target": 1}), 0.7)
    assert verdict.outcome == "undecided"
    assert verdict.reason.startswith("1 of 41 cases unscored (1 target): target: no route; ")
