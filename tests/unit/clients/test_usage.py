"""What an answer took by its own account and that of its steps, and what further ones will take."""

from __future__ import annotations

import math

import pytest

from pytest_genaiops.clients.bills import cost_in, tokens_in
from pytest_genaiops.clients.prices import Tokens
from pytest_genaiops.clients.usage import Expected, expected
from pytest_genaiops.config import Price
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.records import Response, ResponseError, Step

PRICES = (Price(model="small", input=1, output=2), Price(model="large", input=10, output=20))


def usage(given: int, said: int) -> dict[str, int]:
    return {"input_tokens": given, "output_tokens": said}


def step(name: str, model: str | None = None, **tokens: int) -> Step:
    return Step(id=name, output="", usage=tokens, model=model)


DRAFT = step("draft", "small", input_tokens=100, output_tokens=50)
REVISE = step("revise", "large", prompt_tokens=10, completion_tokens=5)


class TestAnswers:
    def test_an_answer_of_one_call(self) -> None:
        response = Response(usage=usage(100, 50), deployment="small", model="large")
        assert tokens_in(response) == Tokens(input=100, output=50)
        assert cost_in(response, PRICES) == pytest.approx(200e-6)

    def test_every_step_is_priced_by_its_own_model(self) -> None:
        for whole in ({}, usage(110, 55)):
            response = Response(usage=whole, model="large", steps=(DRAFT, REVISE))
            assert tokens_in(response).total == 165
            assert cost_in(response, PRICES) == pytest.approx((100 + 100 + 100 + 100) * 1e-6)

    def test_a_sum_in_which_a_step_is_missing_is_no_sum(self) -> None:
        response = Response(usage=usage(100, 50), model="small", steps=(DRAFT, step("search")))
        with pytest.raises(UnscorableError, match="nobody counted the tokens of step 'search'; return its usage, of 0"):
            tokens_in(response)

    def test_a_target_that_counts_more_than_its_steps_is_believed(self) -> None:
        response = Response(usage=usage(500, 50), model="small", steps=(DRAFT, step("search")))
        assert tokens_in(response).input == 500
        assert cost_in(response, PRICES) == pytest.approx(600e-6)

    def test_a_whole_of_several_models_has_no_price(self) -> None:
        response = Response(usage=usage(500, 50), model="small", steps=(DRAFT, REVISE))
        with pytest.raises(UnscorableError, match="does not name the one model it came from"):
            cost_in(response, PRICES)

    def test_the_only_step_needs_no_model_of_its_own(self) -> None:
        alone = step("answer", input_tokens=100, output_tokens=50)
        assert cost_in(Response(usage=usage(100, 50), model="small", steps=(alone,)), PRICES) == pytest.approx(200e-6)

    @pytest.mark.parametrize(
        ("response", "reason"),
        [
            (Response(usage=usage(1, 1)), "does not name the one model"),
            (Response(usage=usage(1, 1), model="new"), "'new' has no price; give it a line in genaiops_prices"),
            (Response(usage=usage(1, 1), deployment="a\x1b[2J", model="b"), r"'a\x1b[2J', 'b' has no price"),
            (Response(model="small"), "nobody counted the tokens"),
        ],
    )
    def test_what_is_unknown_is_a_reason(self, response: Response, reason: str) -> None:
        with pytest.raises(UnscorableError) as caught:
            cost_in(response, PRICES)
        assert reason in str(caught.value)


class TestForecast:
    def test_the_mean_times_the_calls_with_the_error_of_a_forecast(self) -> None:
        earlier = [Response(usage=usage(n, 0), model="small") for n in (10, 20, 30)]
        found = expected(100, earlier, prices=PRICES)
        assert found is not None
        assert (found.calls, found.n, found.tokens) == (100, 3, 2000)
        assert found.tokens_error == pytest.approx(10 * math.sqrt(100 + 100**2 / 3))  # s of 10, 20, 30 is 10
        assert found.cost == pytest.approx(2000e-6)
        assert found.cost_error == pytest.approx(10e-6 * math.sqrt(100 + 100**2 / 3))

    def test_answers_of_the_same_model_stand_in_where_the_variant_is_new(self) -> None:
        alike = [Response(usage=usage(10, 0)), Response(usage=usage(10, 0))]
        silent = [Response(text="no usage"), Response(error=ResponseError(kind="target", message="500"))]
        assert expected(5, silent, alike) == Expected(
            calls=5, n=2, tokens=50, tokens_error=0, cost=None, cost_error=None
        )

    def test_one_answer_shows_no_spread(self) -> None:
        found = expected(5, [Response(usage=usage(10, 0), model="small")], prices=PRICES)
        assert found is not None
        assert (found.tokens_error, found.cost_error) == (None, None)

    def test_a_single_answer_without_a_price_leaves_the_cost_open(self) -> None:
        earlier = [Response(usage=usage(10, 0), model=model) for model in ("small", "new")]
        found = expected(5, earlier, prices=PRICES)
        assert found is not None
        assert (found.cost, found.cost_error) == (None, None)

    def test_nothing_is_made_of_nothing(self) -> None:
        assert expected(5, [], [Response(text="no usage")]) is None
