"""The budget: what is set aside, what is booked, and that no limit is ever passed."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import pytest
from budget_help import BODY, BOUND, PRICES, Model, answer, call, made, request
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients.bound import OF_CALL, OF_PART, bound_of
from pytest_genaiops.clients.budget import Budget
from pytest_genaiops.clients.ledger import Amount, Limit, booked, room, set_aside, totals, units
from pytest_genaiops.clients.prices import Tokens
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.shared import InProcess
from pytest_genaiops.config import Price
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response, ResponseError


class TestBound:
    def test_the_bytes_of_the_body_and_what_a_template_adds(self) -> None:
        assert len(json.dumps(BODY)) + OF_CALL + OF_PART == BOUND.input
        assert BOUND.output == 100

    @given(st.lists(st.text(), max_size=5), st.integers(1, 10**6))
    def test_no_text_has_more_tokens_than_bytes_and_none_is_left_out(self, texts: list[str], limit: int) -> None:
        messages = [{"role": "user", "content": text} for text in texts]
        bound = bound_of({"messages": messages, "max_tokens": limit})
        assert bound.input >= sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) + OF_CALL
        assert bound.output == limit

    @pytest.mark.parametrize(("letter", "size"), [("u", 1), ("ü", 2), ("語", 3), ("🙂", 4), ("\ud800", 3)])
    def test_a_letter_has_as_many_tokens_as_bytes(self, letter: str, size: int) -> None:
        one, many = (bound_of({"prompt": letter * times, "max_tokens": 1}).input for times in (1, 1001))
        assert many - one == 1000 * size

    def test_the_larger_limit_counts_and_that_for_each_of_n_answers(self) -> None:
        assert bound_of({**BODY, "max_completion_tokens": 300, "n": 2}).output == 600

    def test_an_embedding_has_no_output_and_a_chat_is_none_for_having_its_parameter(self) -> None:
        assert bound_of({"input": "a text", "encoding_format": "float"}).output == 0
        with pytest.raises(RefusedError, match="nothing limits the length"):
            bound_of({"messages": BODY["messages"], "encoding_format": "float"})

    def test_tools_and_schemas_count(self) -> None:
        tool = {"type": "function", "function": {"name": "look_up", "description": "Looks a word up."}}
        assert bound_of({**BODY, "tools": [tool]}).input > BOUND.input + len(json.dumps(tool))
        schema = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
        assert bound_of({**BODY, "response_format": schema}).input > BOUND.input + len(json.dumps(schema))

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ({"max_tokens": None}, "nothing limits the length of its answer; set max_tokens"),
            ({"max_tokens": 0}, "it limits its answer to 0; set max_tokens to a whole number"),
            ({"max_tokens": True}, "it limits its answer to True"),
            ({"max_tokens": 1e9}, "it limits its answer to 1000000000.0"),
            ({"n": "two"}, "it limits its answer to 'two'"),
            ({"web_search_options": {"size": "low"}}, "it has 'web_search_options', and nobody can tell"),
            ({"tools": [{"type": "web_search"}]}, "it has a tool of type 'web_search'"),
            (
                {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]},
                "it has a message with 'image_url'",
            ),
            ({"stop": {1, 2}}, "JSON has no form for it"),
        ],
    )
    def test_what_nobody_can_bound_fits_into_no_budget(self, body: dict[str, Any], why: str) -> None:
        with pytest.raises(RefusedError) as caught:
            bound_of({**BODY, **body})
        assert caught.value.message.startswith(f"the call fits into no budget: {why}")
        assert (caught.value.kind, caught.value.again) == ("budget", False)

    def test_shapes_that_no_endpoint_takes_are_bounded_all_the_same(self) -> None:
        for messages in (None, "text", [None, "text", {"content": ["text"]}, {"content": 3}]):
            assert bound_of({"messages": messages, "max_tokens": 5}).output == 5


class TestWithoutLimits:
    def test_what_calls_take_is_counted_by_model(self) -> None:
        budget = Budget(InProcess(), prices=PRICES)
        made(budget, answer(1000, 500), answer(3000, 0))
        made(budget, answer(7, 7), service=Model(model="other"))
        found = budget.totals()
        assert (found.calls, found.input_tokens, found.output_tokens, found.estimated, found.refused) == (
            3,
            4007,
            507,
            0,
            0,
        )
        assert found.by_model["small"].cost == pytest.approx((4000 * 1 + 500 * 2) / 1e6, rel=1e-12)
        assert found.unpriced == ("other",)
        assert (found.cost, found.by_model["other"].cost) == (None, None)

    def test_nothing_is_refused_whatever_the_body(self) -> None:
        budget = Budget(InProcess())
        made(budget, answer(), max_tokens=None)
        assert budget.totals().calls == 1

    def test_an_answer_without_usage_is_booked_with_its_bound_and_said_to_be_an_estimate(self) -> None:
        budget = Budget(InProcess(), prices=PRICES)
        made(budget, Response(text="Hi"), Response(text="Hi", usage={"input_tokens": -5, "output_tokens": 1}))
        found = budget.totals()
        assert (found.estimated, found.unknown) == (2, 0)
        assert (found.input_tokens, found.output_tokens) == (2 * BOUND.input, 2 * BOUND.output)

    def test_where_there_is_no_bound_either_the_call_is_unknown_and_its_cost_too(self) -> None:
        budget = Budget(InProcess(), prices=PRICES)
        made(budget, Response(text="Hi"), answer(), max_tokens=None)
        found = budget.totals()
        assert (found.calls, found.unknown, found.input_tokens, found.cost, found.unpriced) == (2, 1, 10, None, ())

    def test_an_app_that_costs_nothing_costs_nothing_even_where_it_does_not_count(self) -> None:
        budget = Budget(InProcess(), prices=PRICES)
        made(budget, Response(text="Hi"), service=Model(model=None, name="app"))
        found = budget.totals()
        assert (found.cost, found.unknown, found.by_model["app"].calls) == (0, 1, 1)

    def test_cached_tokens_have_a_price_of_their_own(self) -> None:
        budget = Budget(InProcess(), prices=[Price(model="small", input=1.0, output=2.0, cached=0.5)])
        made(budget, Response(usage={"input_tokens": 1000, "output_tokens": 0, "cached_tokens": 600}))
        assert budget.totals().cost == pytest.approx((400 * 1 + 600 * 0.5) / 1e6, rel=1e-12)

    def test_a_deployment_without_a_price_goes_by_the_model_that_answered(self) -> None:
        budget = Budget(InProcess(), prices=PRICES)
        reply = Response(usage={"input_tokens": 10, "output_tokens": 0}, deployment="mine", model="small")
        made(budget, reply, service=Model(model="mine"))
        assert budget.totals().by_model["mine"].cost == pytest.approx(1e-5)


class TestLimits:
    def test_a_call_that_does_not_fit_is_not_made(self) -> None:
        budget = Budget(InProcess(), max_tokens=BOUND.total + 20)
        made(budget, answer(10, 5))
        with pytest.raises(RefusedError) as caught:
            made(budget, answer(), max_tokens=106)
        assert caught.value.kind == "budget"
        assert caught.value.message == (
            f"'small': the call may take {BOUND.total + 6:,} tokens, and of the {BOUND.total + 20:,} of "
            f"--genaiops-max-tokens {BOUND.total + 5:,} are left"
        )
        assert (budget.totals().calls, budget.totals().refused, budget.totals().by_model["small"].refused) == (1, 1, 1)

    def test_what_was_set_aside_and_not_taken_is_free_again(self) -> None:
        budget = Budget(InProcess(), max_tokens=BOUND.total + 90)
        made(budget, *[answer(10, 5)] * 7)  # the last one begins with exactly its bound left
        assert budget.totals().calls == 7
        with pytest.raises(RefusedError):
            made(budget, answer())

    def test_money_is_limited_in_the_same_way(self) -> None:
        most = (BOUND.input * 1.0 + BOUND.output * 2.0) / 1e6
        budget = Budget(InProcess(), prices=PRICES, max_cost=1.5 * most)
        made(budget, answer(10, 5))
        made(budget, answer(BOUND.input, BOUND.output))
        with pytest.raises(RefusedError, match=r"'small': the call may cost 0.0005\d*, and of the 0.0008\d* of --gen"):
            made(budget, answer())
        assert budget.totals().cost == pytest.approx(2e-5 + most)

    def test_a_model_without_a_price_is_refused_where_money_is_limited(self) -> None:
        with pytest.raises(RefusedError) as caught:
            made(Budget(InProcess(), prices=PRICES, max_cost=5), answer(), service=Model(model="new\nmodel"))
        assert caught.value.message == (
            r"'new\nmodel': it has no price, and --genaiops-max-cost is set; give it a line in genaiops_prices"
        )

    def test_a_call_without_a_bound_is_refused_with_the_mend(self) -> None:
        budget = Budget(InProcess(), max_tokens=10**9)
        with pytest.raises(RefusedError, match=r"'small': the call fits into no budget: .* set max_tokens"):
            made(budget, answer(), max_tokens=None)
        assert budget.totals().refused == 1

    def test_a_free_app_may_be_called_where_money_is_limited_and_no_other_app(self) -> None:
        budget = Budget(InProcess(), prices=[*PRICES, Price(model="dear", input=1, output=1)], max_cost=0)
        made(budget, answer(), service=Model(model=None, name="app"))
        assert budget.totals().calls == 1
        for name, limits in (("dear", {"max_cost": 5}), ("app", {"max_tokens": 10**9})):
            limited = Budget(InProcess(), prices=budget.prices[-1:] + PRICES, **limits)  # type: ignore[arg-type]
            with pytest.raises(RefusedError, match="it is no model whose calls could be bounded"):
                made(limited, answer(), service=Model(model=None, name=name))

    def test_a_refusal_costs_nothing(self) -> None:
        budget = Budget(InProcess(), max_tokens=BOUND.total)

        async def fails() -> None:
            async with budget.spending(request(), Model()):
                raise RefusedError("429")

        for _ in range(3):
            with pytest.raises(RefusedError, match="429"):
                asyncio.run(fails())
        made(budget, Response(error=ResponseError(kind="target", message="filtered")))
        assert budget.totals().calls == 0
        made(budget, answer())

    @pytest.mark.parametrize("error", [RefusedError("another model", kind="model"), asyncio.CancelledError()])
    def test_what_may_have_been_billed_is_counted_with_its_bound(self, error: BaseException) -> None:
        budget = Budget(InProcess(), max_tokens=BOUND.total)

        async def fails() -> None:
            async with budget.spending(request(), Model()):
                raise error

        with pytest.raises(type(error)):
            asyncio.run(fails())
        found = budget.totals()
        assert (found.calls, found.estimated, found.input_tokens + found.output_tokens) == (1, 1, BOUND.total)

    @pytest.mark.parametrize("limits", [{"max_cost": math.nan}, {"max_cost": math.inf}, {"max_tokens": -1}])
    def test_a_limit_that_would_limit_nothing_is_refused(self, limits: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="give a number of 0 or more"):
            Budget(InProcess(), **limits)


class TestWaiting:
    def test_a_call_waits_for_what_others_give_back_and_is_then_made(self) -> None:
        budget = Budget(InProcess(), max_tokens=BOUND.total + 15)
        order = []

        async def first() -> None:
            async with budget.spending(request(), Model()) as spending:
                order.append("first begins")
                await asyncio.sleep(0.05)
                order.append("first ends")
                spending.spent(answer(10, 5))

        async def second() -> None:
            async with budget.spending(request(), Model()) as spending:
                order.append("second begins")
                spending.spent(answer(10, 5))

        async def both() -> None:
            await asyncio.wait_for(asyncio.gather(first(), second()), 30)

        asyncio.run(both())
        assert order == ["first begins", "first ends", "second begins"]

    def test_a_call_that_would_fit_beside_nothing_is_refused_at_once(self) -> None:
        budget = Budget(InProcess(), max_tokens=BOUND.total)

        async def scenario() -> None:
            async with budget.spending(request(), Model()):
                with pytest.raises(RefusedError):
                    await asyncio.wait_for(call(budget, answer(), max_tokens=101), 30)

        with pytest.raises(RefusedError, match="released"):
            asyncio.run(_raising(scenario()))

    def test_one_that_is_cancelled_while_it_waits_leaves_nothing_behind(self) -> None:
        budget = Budget(InProcess(), max_tokens=BOUND.total)

        async def scenario() -> None:
            async with budget.spending(request(), Model()) as spending:
                waiting = asyncio.ensure_future(call(budget, answer()))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                spending.spent(answer(0, 0))
            await asyncio.wait_for(call(budget, answer()), 30)

        asyncio.run(scenario())
        assert budget.totals().calls == 2


async def _raising(scenario: Any) -> None:
    await scenario
    raise RefusedError("released")


AMOUNTS = st.builds(Amount, calls=st.just(1), input=st.integers(0, 500), output=st.integers(0, 500))


class TestLedger:
    @given(
        st.integers(0, 3000),
        st.lists(st.tuples(st.sampled_from("abc"), AMOUNTS, st.floats(0, 1), st.integers(0, 3)), max_size=40),
    )
    def test_in_any_interleaving_what_is_spent_and_set_aside_stays_within_the_limit(
        self, limit: int, steps: list[tuple[str, Amount, float, int]]
    ) -> None:
        """Every step begins a call of a process where it fits, then ends some of those under way, in any order."""
        state: Any = {}
        most, under_way, spent = Limit(tokens=limit), [], 0
        for owner, amount, share, ends in steps:
            if room(state, most, owner=owner, now=0).holds(amount):
                state = set_aside(state, "m", amount, owner=owner, now=0)
                under_way.append((owner, amount))
            for _ in range(min(ends, len(under_way))):
                other, held = under_way.pop(int(share * (len(under_way) - 1)))
                took = Amount(calls=1, input=int(held.input * share), output=held.output)
                state = booked(state, "m", held, took, owner=other, now=0)
                spent += took.tokens
            state = json.loads(json.dumps(state))
            found = totals(state, ended=False)
            assert found.input_tokens + found.output_tokens == spent
            assert spent + sum(held.tokens for _, held in under_way) <= limit
        for other, held in under_way:
            state = booked(state, "m", held, Amount(), owner=other, now=0)
        left = room(state, most, owner="a", now=0)
        assert (left.tokens, left.under_way) == (limit - spent, (0, 0))

    def test_amounts_of_money_do_not_drift(self) -> None:
        state: Any = {}
        each = Amount(calls=1, cost=units(0.1))
        for _ in range(10_000):
            state = set_aside(state, "m", each, owner="a", now=0)
            state = booked(state, "m", each, each, owner="a", now=0)
        assert totals(state, ended=False).cost == 1000.0

    def test_tokens_are_bounded_together(self) -> None:
        assert Amount(input=3, output=4).tokens == Tokens(input=3, output=4).total == 7
