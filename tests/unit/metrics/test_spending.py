"""Tokens and cost of answers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_genaiops import metric
from pytest_genaiops.config import Price
from pytest_genaiops.errors import CoverageError, MetricError
from pytest_genaiops.metrics.spending import Cost
from pytest_genaiops.records import Case, Response, ResponseError, Step, Trial

PRICES = ("small: input 0.15, output 0.60", "large: input 2.5, output 10")


def answer(given: Any, said: Any, model: str | None = "small", **fields: Any) -> Response:
    return Response(text="a", usage={"input_tokens": given, "output_tokens": said}, model=model, **fields)


class TestTokens:
    def test_the_mean_total_with_input_and_output_under_it(self) -> None:
        score = metric("tokens")([answer(100, 20), answer(60, 40)])
        assert (score.value, score.input.value, score.output.value) == (110, 80, 30)
        assert score.per_case == (120, 100)
        assert (score.scale, score.higher_is_better, score.signature) == ((0, math.inf), False, "tokens")
        assert score.output.signature == "tokens|part:output"
        assert score <= 110
        assert score.output <= 30
        assert not score.input <= 79

    def test_mappings_of_usage_are_enough(self) -> None:
        score = metric("tokens")(
            [{"prompt_tokens": 9, "completion_tokens": 1}, {"input_tokens": 3, "output_tokens": 7}]
        )
        assert (score.value, score.input.value) == (10, 6)
        assert metric("tokens")({"input_tokens": 3, "output_tokens": 7}) == 10

    def test_verdicts(self) -> None:
        score = metric("tokens")([answer(100 + n % 7, 20) for n in range(60)])
        assert score.at_most(130).outcome == "passed"
        assert score.input.at_most(100).outcome == "failed"
        longer = metric("tokens")([answer(110 + n % 5, 20) for n in range(60)])
        assert longer.not_worse_than(score, margin=2).outcome == "failed"

    @pytest.mark.parametrize(
        "usage", [{}, {"total_tokens": 5}, {"input_tokens": 5}, {"input_tokens": -1, "output_tokens": 2}]
    )
    def test_what_nobody_counted_is_unscored_and_never_0(self, usage: dict[str, Any]) -> None:
        score = metric("tokens")([answer(100, 20), Response(text="a", usage=usage)])
        assert (score.value, score.n, score.unscored) == (120, 1, 1)
        assert list(score.reasons) == ["1"]
        assert not score <= 1000
        with pytest.raises(CoverageError):
            assert score >= 0

    def test_a_failed_trial_is_unscored_whatever_it_used(self) -> None:
        failed = Response(
            error=ResponseError(kind="target", message="500"),
            usage={"input_tokens": 5, "output_tokens": 0},
            trial=Trial(case=Case(id="a"), variant="v"),
        )
        assert metric("tokens")([failed]).reasons == {"a": "target: 500"}


class TestCost:
    def test_the_mean_cost_of_an_answer(self) -> None:
        cost = metric("cost", prices=PRICES)
        score = cost([answer(1000, 500), answer(1000, 500, "large")])
        assert score.per_case == pytest.approx((450e-6, 7500e-6))
        assert score.value == pytest.approx(3975e-6)
        assert (score.scale, score.higher_is_better) == ((0, math.inf), False)
        assert score <= 0.004

    def test_what_was_asked_for_is_priced_before_what_answered(self) -> None:
        score = metric("cost", prices=PRICES)([answer(1000, 0, "large", deployment="small")])
        assert score.value == pytest.approx(150e-6)

    def test_steps_are_priced_one_by_one(self) -> None:
        steps = tuple(
            Step(id=model, output="", usage={"input_tokens": 1000, "output_tokens": 0}, model=model)
            for model in ("small", "large")
        )
        score = metric("cost", prices=PRICES)([answer(2000, 0, "large", steps=steps)])
        assert score.value == pytest.approx(150e-6 + 2500e-6)

    @pytest.mark.parametrize(
        ("response", "reason"),
        [
            (answer(1, 1, "new"), "metric: 'new' has no price; give it a line in genaiops_prices"),
            (answer(1, 1, None), "metric: this answer does not name the one model it came from"),
            (Response(text="a", model="small"), "metric: nobody counted the tokens of this answer"),
        ],
    )
    def test_what_is_unknown_is_unscored_with_the_reason(self, response: Response, reason: str) -> None:
        score = metric("cost", prices=PRICES)([response])
        assert (score.value, score.unscored) == (None, 1)
        assert score.reasons["0"].startswith(reason)
        assert not score <= 1

    def test_without_a_price_table_nothing_has_a_price(self) -> None:
        assert "has no price" in metric("cost")([answer(1, 1)]).reasons["0"]

    def test_scores_under_different_prices_refuse_to_be_compared(self) -> None:
        ours = metric("cost", prices=PRICES)([answer(1000, n) for n in range(30)])
        theirs = metric("cost", prices=PRICES[:1])([answer(1000, n) for n in range(30)])
        with pytest.raises(MetricError, match=r"one has prices:\w{12}, the other prices:\w{12}"):
            ours.not_worse_than(theirs, margin=0.1)
        again = metric("cost", prices=list(reversed(PRICES)))([answer(1000, n) for n in range(30)])
        assert ours.signature == again.signature

    def test_prices_are_lines_or_what_was_made_of_them(self) -> None:
        table = (Price(model="small", input=0.15, output=0.6),)
        assert Cost(prices=table) == Cost(prices=PRICES[:1]) == Cost(prices=PRICES[0])  # type: ignore[arg-type]
        assert hash(Cost(prices=table)) == hash(Cost(prices=[PRICES[0]]))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("prices", "message"),
        [
            (["small"], "cost: prices: line 1: 'small' names no model"),
            ({"small": 0.15}, "cost: prices must be lines"),
            ([0.15], "cost: prices must be lines"),
            (None, "cost: prices must be lines"),
            (0.15, "cost: prices must be lines"),
        ],
    )
    def test_anything_else_is_refused(self, prices: Any, message: str) -> None:
        with pytest.raises(MetricError) as caught:
            metric("cost", prices=prices)
        assert str(caught.value).startswith(message)
