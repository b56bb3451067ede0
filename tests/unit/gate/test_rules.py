"""The rules: outcomes at their lines, coverage, wording."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.gate import Comparison, Estimate, at_least, at_most, better_than, not_worse_than, within
from pytest_genaiops.records import Verdict


def estimate(low: float, value: float, high: float, **more: Any) -> Estimate:
    numbers = {"name": "bleu", "n": 300, "standard_error": (high - low) / 3.92, "scale": (0.0, 100.0)}
    return Estimate(value=value, interval=(low, high), **{**numbers, **more})


def change(low: float, value: float, high: float, **more: Any) -> Comparison:
    numbers = {"name": "chrf", "n": 300, "standard_error": (high - low) / 3.92, "scale": (0.0, 100.0)}
    return Comparison(value=value, interval=(low, high), **{**numbers, **more})


@pytest.mark.parametrize(
    ("threshold", "outcome"),
    [(27, "passed"), (27.2, "passed"), (27.3, "undecided"), (31.0, "undecided"), (31.1, "failed")],
)
def test_at_least_looks_at_the_lower_bound(threshold: float, outcome: str) -> None:
    assert at_least(estimate(27.2, 29.1, 31.0), threshold).outcome == outcome


@pytest.mark.parametrize(
    ("threshold", "outcome"),
    [(32, "passed"), (31.0, "passed"), (30.9, "undecided"), (27.2, "undecided"), (27.1, "failed")],
)
def test_at_most_looks_at_the_upper_bound(threshold: float, outcome: str) -> None:
    assert at_most(estimate(27.2, 29.1, 31.0), threshold).outcome == outcome


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (27, 32, "passed"),
        (27.2, 31.0, "passed"),
        (28, 32, "undecided"),
        (28, 30, "undecided"),
        (32, 40, "failed"),
        (1, 27, "failed"),
    ],
)
def test_within_wants_the_whole_interval(low: float, high: float, outcome: str) -> None:
    assert within(estimate(27.2, 29.1, 31.0), low, high).outcome == outcome


@pytest.mark.parametrize(
    ("interval", "margin", "outcome"),
    [
        ((-0.9, -0.3, 0.3), 1.0, "passed"),
        ((-1.0, -0.3, 0.3), 1.0, "undecided"),
        ((-1.1, -0.3, 0.3), 1.0, "undecided"),
        ((-1.1, -0.6, -0.1), 1.0, "failed"),
        ((-0.9, -0.5, -0.1), 1.0, "passed"),
        ((-1.1, -0.6, 0.0), 1.0, "undecided"),
        ((0.1, 0.5, 0.9), 0.0, "passed"),
        ((0.0, 0.0, 0.0), 0.5, "passed"),
        ((0.0, 0.0, 0.0), 0.0, "undecided"),
    ],
)
def test_not_worse_than_is_non_inferiority(interval: tuple[float, float, float], margin: float, outcome: str) -> None:
    assert not_worse_than(change(*interval), margin).outcome == outcome


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [
        ((0.1, 0.5, 0.9), "passed"),
        ((0.0, 0.5, 1.0), "undecided"),
        ((-0.5, 0.0, 0.5), "undecided"),
        ((-0.9, -0.5, -0.1), "failed"),
    ],
)
def test_better_than_wants_a_sure_gain(interval: tuple[float, float, float], outcome: str) -> None:
    assert better_than(change(*interval)).outcome == outcome


def test_where_lower_is_better_a_rise_is_a_loss() -> None:
    rise = change(0.2, 0.6, 1.0, higher_is_better=False)
    assert not_worse_than(rise, 0.5).outcome == "failed"
    assert not_worse_than(rise, 1.1).outcome == "passed"
    assert better_than(rise).outcome == "failed"
    assert better_than(change(-1.0, -0.6, -0.2, higher_is_better=False)).outcome == "passed"
    assert "lower is better" in better_than(rise).reason
    # The verdict keeps the metric's own units: a rise stays a rise.
    assert (better_than(rise).value, better_than(rise).interval) == (0.6, (0.2, 1.0))


def test_a_verdict_is_true_only_when_passed() -> None:
    assert at_least(estimate(27.2, 29.1, 31.0), 20)
    assert not at_least(estimate(27.2, 29.1, 31.0), 29)
    assert not at_least(estimate(27.2, 29.1, 31.0), 40)


def test_an_undecided_verdict_says_what_would_decide() -> None:
    verdict = at_least(estimate(27.2, 29.1, 31.0, standard_error=0.97), 28)
    assert verdict.reason == (
        "bleu 29.1, 95 % interval 27.2 to 31.0, is not clearly at least 28 "
        "(n=300, detects 2.7, about 1900 cases would decide)"
    )
    # (1.95996 + 0.84162)**2 * 300 * (0.97 / 1.1)**2 = 1830.9
    assert verdict.required_n == 1831
    assert verdict.detectable == pytest.approx(2.80158 * 0.97, rel=1e-5)
    assert (verdict.n, verdict.unscored, verdict.confidence) == (300, 0, 0.95)


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        # 2.80158 * 0.9694 = 2.716; 300 * (2.716 / 9.1)**2 = 26.7
        (at_least(estimate(27.2, 29.1, 31.0), 20), "is at least 20 (n=300, detects 2.7, 27 cases decide this)"),
        (at_least(estimate(27.2, 29.1, 31.0), 40), "is below 40 (n=300, detects 2.7, 19 cases decide this)"),
        (
            not_worse_than(change(-0.91, -0.3, 0.31), 1),
            "is not worse than the baseline by 1 or more (n=300, detects 0.87, 470 cases decide this)",
        ),
        (
            not_worse_than(change(-1.91, -1.3, -0.69), 1),
            "is worse than the baseline (margin 1) (n=300, detects 0.87, 140 cases decide this)",
        ),
    ],
)
def test_decided_verdicts_say_how_sharp_they_are(verdict: Verdict, sentence: str) -> None:
    assert verdict.reason.endswith(f", {sentence}")


def test_sentences_show_value_and_interval() -> None:
    assert at_least(estimate(27.2, 29.1, 31.0), 20).reason.startswith("bleu 29.1, 95 % interval 27.2 to 31.0, is")
    found = not_worse_than(change(-0.91, -0.3, 0.31), 1)
    assert found.reason.startswith("chrf change -0.30, 95 % interval -0.91 to +0.31, is not")


def test_unscored_cases_never_pass() -> None:
    reasons = ("timeout: no answer after 30 s", "target: boom")
    passed = at_least(estimate(27.2, 29.1, 31.0, unscored=2, reasons=reasons), 20)
    assert passed.outcome == "undecided"
    assert passed.reason.startswith("2 of 302 cases unscored: timeout: no answer after 30 s; bleu 29.1")
    assert at_least(estimate(27.2, 29.1, 31.0, unscored=2, reasons=reasons), 40).outcome == "failed"
    assert not_worse_than(change(-0.1, 0.0, 0.1, unscored=1), 1).outcome == "undecided"


def test_nothing_scored_is_undecided() -> None:
    nothing = {"name": "bleu", "value": None, "interval": None, "n": 0}
    verdicts = [
        at_least(Estimate(**nothing), 20),
        at_most(Estimate(**nothing), 20),
        within(Estimate(**nothing), 1, 2),
        not_worse_than(Comparison(**nothing), 1),
        better_than(Comparison(**nothing)),
    ]
    assert {(v.outcome, v.reason, v.value, v.required_n) for v in verdicts} == {
        ("undecided", "bleu: nothing was scored", None, None)
    }
    told = at_least(Estimate(**nothing, unscored=3, reasons=("target: boom",)), 20)
    assert told.reason == "bleu: nothing was scored; 3 of 3 cases unscored: target: boom"


def test_an_unbounded_interval_reads_as_such() -> None:
    verdict = at_most(estimate(0.0, 2.0, math.inf, name="latency", n=1, standard_error=None, higher_is_better=False), 3)
    assert verdict.reason == (
        "latency 2.0000 (lower is better), 95 % interval 0.0000 to unbounded, is not clearly at most 3 "
        "(n=1, too few cases to know the spread)"
    )
    assert verdict.required_n is None
    assert verdict.detectable is None


def test_cases_that_all_agree_still_say_how_many_would_decide() -> None:
    verdict = not_worse_than(change(-0.0713, 0.0, 0.0713, standard_error=None, n=50, scale=(0, 1)), 0.02)
    assert verdict.required_n == 179  # 50 * 0.0713 / 0.02, rounded up
    assert verdict.detectable == 0.0713
    assert "(n=50, detects 0.071, about 180 cases would decide)" in verdict.reason


def test_a_value_on_the_line_is_not_decided_by_more_cases() -> None:
    assert "no number of cases decides a tie" in at_least(estimate(27, 28, 29), 28).reason
    assert at_least(estimate(27, 28, 29), 28).required_n is None


def test_reasons_fit_a_line_and_cannot_steer_a_terminal() -> None:
    hostile = estimate(27.2, 29.1, 31.0, name="m" * 300, unscored=1, reasons=("target: \x1b[31mred\x07\n" * 40,))
    reason = at_least(hostile, 28).reason
    assert len(reason) <= 400
    assert reason.isprintable()


@pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf])
def test_limits_that_are_not_numbers_are_refused(limit: float) -> None:
    for rule in (at_least, at_most):
        with pytest.raises(MetricError, match="threshold is"):
            rule(estimate(1, 2, 3), limit)
    with pytest.raises(MetricError, match="high is"):
        within(estimate(1, 2, 3), 0, limit)
    with pytest.raises(MetricError, match="margin is"):
        not_worse_than(change(1, 2, 3), limit)


def test_limits_in_the_wrong_order_or_of_the_wrong_sign_are_refused() -> None:
    with pytest.raises(MetricError, match="lower limit comes first"):
        within(estimate(1, 2, 3), 5, 4)
    with pytest.raises(MetricError, match=r"margin is -0\.5; give the largest tolerable loss"):
        not_worse_than(change(1, 2, 3), -0.5)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(MetricError, match="between 0 and 1"):
        at_least(estimate(1, 2, 3, confidence=confidence), 1)
    with pytest.raises(MetricError, match="between 0 and 1"):
        better_than(change(1, 2, 3, confidence=confidence))


@given(bounds=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3).map(sorted), line=st.floats(-1e6, 1e6))
def test_at_least_and_at_most_mirror_each_other(bounds: list[float], line: float) -> None:
    low, value, high = bounds
    above = at_least(estimate(low, value, high), line).outcome
    assert at_most(estimate(-high, -value, -low), -line).outcome == above
    assert len(at_least(estimate(low, value, high), line).reason) <= 200


@given(bounds=st.lists(st.floats(-1, 1), min_size=3, max_size=3).map(sorted), margin=st.floats(0, 1))
def test_a_wider_margin_never_turns_a_pass_into_less(bounds: list[float], margin: float) -> None:
    verdict = not_worse_than(change(*bounds), margin)
    wider = not_worse_than(change(*bounds), margin + 0.5)
    assert wider.outcome == "passed" or verdict.outcome != "passed"
    if better_than(change(*bounds)):
        assert verdict.outcome == "passed"


@pytest.mark.parametrize(
    ("line", "leaning"),
    [(26.0, 5.9), (30.0, 1.9)],
)
def test_a_bound_that_leans_towards_the_line_needs_more_cases(line: float, leaning: float) -> None:
    verdict = at_least(estimate(23.2, 29.1, 31.0, standard_error=0.5), line)
    assert verdict.outcome == "undecided"
    # (1.95996 + 0.84162)**2 * 300 * (leaning / 1.95996 / effect)**2, of at least twice the cases while undecided
    expected = 300 * ((1.95996 + 0.84162) * leaning / 1.95996 / abs(29.1 - line)) ** 2
    assert verdict.required_n == pytest.approx(expected, rel=0.01)
    assert verdict.required_n > 2 * verdict.n


@given(
    bounds=st.lists(st.floats(-1, 1), min_size=3, max_size=3, unique=True).map(sorted),
    margin=st.floats(0, 1),
    higher=st.booleans(),
)
def test_an_undecided_verdict_never_needs_fewer_cases_than_it_has(
    bounds: list[float], margin: float, higher: bool
) -> None:
    found = change(*bounds, scale=(0.0, 1.0), higher_is_better=higher)
    for verdict in (not_worse_than(found, margin), better_than(found)):
        if verdict.outcome == "undecided" and verdict.required_n is not None:
            assert verdict.required_n >= found.n


class TestWhatWasAsked:
    def test_each_rule_tells_its_numbers(self) -> None:
        score, difference = estimate(27, 29, 31), change(-1, 0, 1)
        verdicts = [
            at_least(score, 28),
            at_most(score, 30),
            within(score, 20, 40),
            not_worse_than(difference, 0.5),
            better_than(difference),
        ]
        assert [(each.rule, each.limits) for each in verdicts] == [
            ("at_least", {"threshold": 28.0}),
            ("at_most", {"threshold": 30.0}),
            ("within", {"low": 20.0, "high": 40.0}),
            ("not_worse_than", {"margin": 0.5}),
            ("better_than", {}),
        ]

    def test_where_nothing_was_scored_as_well(self) -> None:
        found = at_least(Estimate(name="bleu", value=None, interval=None, n=0, unscored=3), 28)
        assert (found.outcome, found.rule, found.limits) == ("undecided", "at_least", {"threshold": 28.0})

    def test_whole_numbers_are_floats_as_well(self) -> None:
        (limit,) = at_least(estimate(27, 29, 31), 28).limits.values()
        assert type(limit) is float
