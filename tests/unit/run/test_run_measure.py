"""Each response is read once under each metric; what cannot be scored says why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_genaiops.errors import MetricError, UnscorableError, UsageError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Response, ResponseError, Statistics, Trial
from pytest_genaiops.run import Measurements
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.run.measure import measure
from pytest_genaiops.run.settling import MAX_CHARACTERS

CALLS: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Length(Metric):
    """Counts its calls: the instances are frozen, so the count is kept beside them."""

    name = "length"
    scale = (0.0, math.inf)
    unit: int = 1

    def statistics(self, response: Response, case: Case) -> Statistics:
        CALLS.append(response.text)
        return (len(response.text) / self.unit,)


@dataclass(frozen=True, kw_only=True)
class Returns(Metric):
    """Gives, or raises, what it was told to."""

    name = "returns"
    value: Any = None

    def statistics(self, response: Response, case: Case) -> Statistics:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value  # type: ignore[no-any-return]


@dataclass(frozen=True, kw_only=True)
class Needy(Metric):
    name = "needy"
    needs = ("references", "contexts", "label")

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (1.0,)


class Failures(Length):
    name = "failures"
    judges_errors = True


def answered(text: str = "abc", **case: Any) -> Response:
    return Response(text=text, trial=Trial(case=Case(id="c1", **case), variant="v1"))


@pytest.fixture(autouse=True)
def _fresh_count() -> None:
    CALLS.clear()


class TestOnce:
    def test_a_response_is_measured_once_however_often_it_is_scored(self) -> None:
        measurements, responses = Measurements(), [answered("a"), answered("bb")]
        first = measurements.of(Length(), responses)
        again = measurements.of(Length(), [responses[1]])
        assert [m.statistics for m in first] == [(1.0,), (2.0,)]
        assert again[0] is first[1]
        assert CALLS == ["a", "bb"]

    def test_other_options_measure_anew(self) -> None:
        measurements, response = Measurements(), answered("abcd")
        assert measurements.of(Length(), [response])[0].statistics == (4.0,)
        assert measurements.of(Length(unit=2), [response])[0].statistics == (2.0,)

    def test_equal_responses_are_measured_each_by_itself(self) -> None:
        Measurements().of(Length(), [answered("same"), answered("same")])
        assert CALLS == ["same", "same"]

    def test_a_measured_response_stays_known_when_the_caller_forgets_it(self) -> None:
        measurements = Measurements()
        for i in range(100):
            assert measurements.of(Length(), [answered("x" * i)])[0].statistics == (float(i),)
        assert len(CALLS) == 100


class TestReasons:
    def test_a_failed_trial_passes_its_error_on(self) -> None:
        error = ResponseError(kind="timeout", message="no answer within 2 s")
        found = measure(Length(), Response(error=error))
        assert (found.statistics, found.kind, found.reason) == (None, "timeout", "no answer within 2 s")
        assert CALLS == []

    def test_a_metric_about_failures_sees_them(self) -> None:
        found = measure(Failures(), Response(error=ResponseError(kind="target", message="down")))
        assert found.statistics == (0.0,)

    @pytest.mark.parametrize(
        ("case", "reason"),
        [
            ({}, "no `reference` or `references`, which needy needs"),
            ({"references": ()}, "`reference` or `references` is empty, and needy needs one"),
            ({"references": ("r",)}, "no `context` or `contexts`, which needy needs"),
            ({"references": ("r",), "contexts": ("c",)}, "no `label`, which needy needs"),
        ],
    )
    def test_what_a_case_lacks_is_named(self, case: dict[str, Any], reason: str) -> None:
        found = measure(Needy(), answered(**case))
        assert (found.statistics, found.kind, found.reason) == (None, "input", reason)

    def test_contexts_of_the_response_serve_as_well(self) -> None:
        case = Case(id="c", references=("r",), label="x")
        assert measure(Needy(), Response(contexts=("found",), trial=Trial(case=case, variant="v"))).statistics == (1.0,)

    @pytest.mark.parametrize(
        ("raised", "reason"),
        [
            (UnscorableError("nothing to say"), "nothing to say"),
            (ZeroDivisionError("division by zero"), "returns raised ZeroDivisionError: division by zero"),
            (ValueError("one\ntwo"), "returns raised ValueError: one"),
        ],
    )
    def test_a_metric_that_raises_leaves_the_case_unscored(self, raised: Exception, reason: str) -> None:
        found = measure(Returns(value=raised), answered())
        assert (found.statistics, found.kind, found.reason) == (None, "metric", reason)

    def test_a_metric_that_cannot_work_here_at_all_says_so(self) -> None:
        with pytest.raises(UsageError, match="wrong tokenizer"):
            measure(Returns(value=MetricError("wrong tokenizer")), answered())

    @pytest.mark.parametrize("value", [(math.nan,), (1.0, math.inf), {"a": -math.inf}])
    def test_a_value_that_is_no_finite_number_is_unscored(self, value: object) -> None:
        found = measure(Returns(value=value), answered())
        assert (found.statistics, found.kind) == (None, "metric")
        assert found.reason == "returns gave a value that is not a finite number"

    @pytest.mark.parametrize("value", [0.5, None, "0.5", [0.5]])
    def test_a_metric_that_returns_no_statistics_is_told_what_to_return(self, value: object) -> None:
        with pytest.raises(MetricError, match=f"returns: statistics\\(\\) gave {type(value).__name__}; return a tuple"):
            measure(Returns(value=value), answered())

    def test_a_text_that_is_too_long_is_unscored_and_costs_nothing(self) -> None:
        found = measure(Length(), answered("x" * 10_000_000))
        assert (found.statistics, CALLS) == (None, [])
        assert found.reason == "the answer has 10,000,000 characters, more than the 100,000 that are scored"
        assert measure(Length(), answered("x" * MAX_CHARACTERS)).statistics == (float(MAX_CHARACTERS),)


class TestGuard:
    def test_a_result_or_what_was_raised(self) -> None:
        assert attempt(divmod, 7, 2) == ((3, 1), None)
        value, error = attempt(divmod, 7, 0)
        assert value is None
        assert isinstance(error, ZeroDivisionError)

    def test_only_what_was_asked_for_is_caught(self) -> None:
        def leave() -> None:
            raise SystemExit(1)

        with pytest.raises(SystemExit):
            attempt(leave)
        assert isinstance(attempt(leave, catch=BaseException)[1], SystemExit)

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (ValueError("bad"), "ValueError: bad"),
            (ValueError("  bad \n worse"), "ValueError: bad "),
            (ValueError(), "ValueError"),
            (KeyError("k"), "KeyError: 'k'"),
        ],
    )
    def test_an_exception_in_one_line(self, error: Exception, text: str) -> None:
        assert describe(error) == text

    def test_an_exception_that_cannot_say_what_it_is_is_named_by_its_type(self) -> None:
        class MuteError(Exception):
            def __str__(self) -> str:
                raise ValueError("no text")

        assert describe(MuteError()) == "MuteError"
