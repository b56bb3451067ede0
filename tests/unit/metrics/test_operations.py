"""Latency with its percentiles and parts, and error rate."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import metric
from pytest_genaiops.errors import CoverageError, UnscorableError
from pytest_genaiops.metrics.base import add_up
from pytest_genaiops.metrics.operations import ErrorRate, Latency
from pytest_genaiops.records import Case, Response, ResponseError, Trial

ROW = Case(id="17")
LENGTHS = ("short", "long")


def test_latency_is_the_mean_of_seconds_and_lower_is_better() -> None:
    latency = Latency()
    rows = [latency.statistics(Response(latency=seconds), ROW) for seconds in (0.5, 1, 1.5)]
    assert latency.score(add_up(rows), 3) == 1.0
    assert latency.scale == (0.0, math.inf)
    assert not latency.higher_is_better
    assert latency.part().is_mean


@pytest.mark.parametrize("seconds", [None, -0.1, math.nan, math.inf])
def test_a_latency_that_nobody_measured_is_unscorable(seconds: float | None) -> None:
    with pytest.raises(UnscorableError):
        Latency().statistics(Response(latency=seconds), ROW)


class TestPercentiles:
    def test_they_are_latencies_that_somebody_has_waited_for(self) -> None:
        """Nearest rank: of 20 values the 10th and the 19th, of 21 the 11th and the 20th."""
        latency = metric("latency")
        twenty, more = latency(list(range(20, 0, -1))), latency(list(range(1, 22)))
        assert (twenty.p50.value, twenty.p95.value) == (10, 19)
        assert (more.p50.value, more.p95.value) == (11, 20)
        assert latency([3.5]).p95.value == 3.5

    @given(st.lists(st.floats(0, 1e6), min_size=1, max_size=80), st.sampled_from([("p50", 50), ("p95", 95)]))
    def test_the_smallest_value_that_the_share_does_not_exceed(
        self, seconds: list[float], asked: tuple[str, int]
    ) -> None:
        name, percent = asked
        value = getattr(metric("latency")(seconds), name).value
        at_or_below = [each for each in seconds if each <= value]
        below = [each for each in seconds if each < value]
        assert value in seconds
        assert 100 * len(at_or_below) >= percent * len(seconds)
        assert 100 * len(below) < percent * len(seconds)

    def test_counts_add_up_to_the_same_number(self) -> None:
        part = Latency().part().children["p95"]
        whole = [0.1] * 18 + [0.4, 0.9]
        assert part.score(Counter(whole[:7]) + Counter(whole[7:]), 20) == 0.4

    def test_they_are_scores_with_cases_direction_and_signature(self) -> None:
        p95 = metric("latency")([0.2, 0.4], ids=["a", "b"]).p95
        assert (p95.name, p95.n, p95.unscored, p95.scale, p95.higher_is_better) == ("p95", 2, 0, (0, math.inf), False)
        assert p95.per_case == (0.2, 0.4)
        assert p95.signature == "latency|part:p95"
        assert p95 <= 0.4
        assert not p95 <= 0.3

    def test_the_interval_is_that_of_order_statistics(self) -> None:
        """Ranks from the binomial distribution: of 100 values 40 and 61 around the median (David and Nagaraja 7.1)."""
        score = metric("latency")([float(n) for n in range(1, 101)])
        assert score.p50.interval() == (40, 61)
        assert score.p95.interval() == (90, 100)

    def test_too_few_cases_leave_the_upper_end_open(self) -> None:
        """The largest of n values is below the 95th percentile with chance 0.95**n: 2.6 % at 71, 2.5 % at 72."""
        latency = metric("latency")
        assert latency([1.0] * 71).p95.interval() == (1.0, math.inf)
        assert latency([1.0] * 72).p95.interval() == (1.0, 1.0)

    def test_verdicts(self) -> None:
        latency = metric("latency")
        score = latency([n / 100 for n in range(100)])
        assert score.p95.at_most(1.0).outcome == "passed"
        assert score.p95.at_most(0.95).outcome == "undecided"
        assert score.p95.at_most(0.5).outcome == "failed"
        few = latency([0.1] * 50).p95.at_most(2)
        assert few.outcome == "undecided"
        assert "0.1000 to unbounded" in few.reason

    def test_a_slower_system_is_worse_than_its_baseline(self) -> None:
        latency = metric("latency")
        base = [1 + (n * 37 % 100) / 100 for n in range(200)]
        before, after = latency(base), latency([seconds + 1 for seconds in base])
        verdict = after.p50.not_worse_than(before.p50, margin=0.1)
        assert (verdict.outcome, verdict.method) == ("failed", "paired order statistics")
        assert verdict.value == pytest.approx(1.0)
        assert verdict.p_values["order statistics"] < 0.001
        assert before.p50.better_than(after.p50).outcome == "passed"
        same = latency([seconds + 1e-3 * (n % 2) for n, seconds in enumerate(base)])
        assert same.p95.not_worse_than(before.p95, margin=0.2).outcome == "passed"

    def test_trials_of_one_case_are_no_further_cases(self) -> None:
        seconds = [n / 10 for n in range(40)]
        alone = metric("latency")(seconds).p50
        clusters = [str(n // 4) for n in range(40)]
        grouped = metric("latency")(seconds, clusters=clusters).p50
        assert grouped.interval()[0] < alone.interval()[0]
        assert grouped.interval()[1] > alone.interval()[1]
        assert grouped.at_most(9).clusters == 10


def answers(*given: tuple[float | None, Any, float | None]) -> list[Response]:
    return [
        Response(
            text="a",
            latency=seconds,
            usage={} if tokens is None else {"input_tokens": 5, "output_tokens": tokens},
            first_token=first,
            trial=Trial(case=Case(id=str(number)), variant="v1"),
        )
        for number, (seconds, tokens, first) in enumerate(given)
    ]


class TestParts:
    def test_seconds_per_output_token_and_to_the_first_one(self) -> None:
        score = metric("latency")(answers((1.0, 10, 0.2), (3.0, 10, 0.4)))
        assert score.per_token.value == pytest.approx((0.1 + 0.3) / 2)
        assert score.first_token.value == pytest.approx(0.3)
        assert score.per_token <= 0.21
        assert (score.per_token.n, score.first_token.n, score.value) == (2, 2, 2.0)

    @pytest.mark.parametrize("silent", [(3.0, None, None), (3.0, 0, math.nan), (3.0, -4, -1.0)])
    def test_an_answer_that_does_not_tell_is_unscored_there_and_only_there(self, silent: Any) -> None:
        score = metric("latency")(answers((1.0, 10, 0.2), silent))
        assert (score.value, score.n, score.unscored) == (2.0, 2, 0)
        for part, value, why in ((score.per_token, 0.1, "output tokens"), (score.first_token, 0.2, "first token")):
            assert (part.value, part.n, part.unscored) == (value, 1, 1)
            assert part.per_case == (value, None)
            assert why in part.reasons["1"]
            assert not part <= 100
            with pytest.raises(CoverageError):
                assert part >= 0
            assert part.at_most(100).outcome == "undecided"

    def test_errors_stay_unscored_everywhere(self) -> None:
        failed = Response(
            error=ResponseError(kind="timeout", message="no answer in 5 s"),
            latency=5.0,
            trial=Trial(case=Case(id="late"), variant="v1"),
        )
        score = metric("latency")([*answers((1.0, 10, 0.2)), failed])
        assert all(each.unscored == 1 for each in (score, score.p50, score.p95, score.per_token, score.first_token))
        assert score.p95.reasons == {"late": "timeout: no answer in 5 s"}

    def test_statistics_of_whoever_knew_seconds_alone_have_no_parts(self) -> None:
        """As baselines hold them that were committed before there were any."""
        for name in ("per_token", "first_token"):
            lacking = Latency().part().children[name].lacking
            assert lacking is not None
            assert lacking((1.0,))

    def test_where_nobody_tells_there_is_no_number_and_no_crash(self) -> None:
        score = metric("latency")([0.5, 1.0])
        assert (score.first_token.value, score.first_token.n, score.per_token.unscored) == (None, 0, 2)
        assert not score.first_token <= 1


def test_slices_and_comparisons_go_through_parts() -> None:
    def responses(seconds: Sequence[float]) -> list[Response]:
        return [
            Response(
                latency=each,
                first_token=each / 4 if number % 3 else None,
                trial=Trial(case=Case(id=str(number), slices={"length": LENGTHS[number % 2]}), variant="v"),
            )
            for number, each in enumerate(seconds)
        ]

    latency = metric("latency")
    score = latency(responses([n / 10 for n in range(1, 61)])).first_token
    parts = score.slices()
    assert sorted(parts) == ["length=long", "length=short"]
    assert (score.n, parts["length=long"].n + parts["length=short"].n, score.unscored) == (40, 40, 20)
    other = latency(responses([n / 10 + 1 + n % 2 / 10 for n in range(1, 61)]))
    verdict = other.first_token.not_worse_than(score, margin=0.1, coverage=0.6)
    assert (verdict.outcome, verdict.n) == ("failed", 40)
    assert verdict.value == pytest.approx(0.25 + 0.0125)


def test_error_rate_counts_failed_trials_themselves() -> None:
    rate = ErrorRate()
    failed = Response(error=ResponseError(kind="timeout", message="no answer in 5 s"))
    rows = [rate.statistics(response, ROW) for response in (Response(text="a"), Response(text=""), failed, failed)]
    assert rate.score(add_up(rows), 4) == 0.5
    assert rate.judges_errors
    assert not rate.higher_is_better
