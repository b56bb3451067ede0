"""The price table: what a line may say, what an answer costs, and which of two names counts."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients.prices import Tokens, cost_of, price_of, prices_of, tokens_of
from pytest_genaiops.config import Price
from pytest_genaiops.errors import UnscorableError, UsageError

MINI = Price(model="gpt-4o-mini", input=0.15, output=0.60, cached=0.075)


class TestLines:
    def test_one_model_a_line(self) -> None:
        assert prices_of(
            [
                "gpt-4o-mini: input 0.15, output 0.60, cached 0.075",
                "llama3:8b: output 0, input 0",
                " openai/gpt-4o:2024-08-06 :  input 2.5 ,output 10 ",
            ]
        ) == (
            MINI,
            Price(model="llama3:8b", input=0, output=0),
            Price(model="openai/gpt-4o:2024-08-06", input=2.5, output=10),
        )

    def test_no_lines_make_an_empty_table(self) -> None:
        assert prices_of([]) == ()

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("gpt-4o 0.15 0.60", "line 2: 'gpt-4o 0.15 0.60' names no model and its prices; write it as"),
            (": input 1, output 2", "line 2: ': input 1, output 2' names no model and its prices"),
            ("a\x1b[2J: input 1, output 2", r"line 2: 'a\x1b[2J: input 1, output 2' names no model"),
            ("llama3:8b", "line 2: '8b' is no price of 'llama3'; write it as"),
            ("m:", "line 2: '' is no price of 'm'"),
            ("m: input 1", "line 2: 'm' has no price of output; write it as"),
            ("m: output 1", "line 2: 'm' has no price of input"),
            ("m: input 1, output 2, batch 3", "line 2: 'batch 3' is no price of 'm'"),
            ("m: input 1, output 2, input 3", "line 2: 'm' has two prices of input; remove one of them"),
            ("m: input 1, output 2,", "line 2: '' is no price of 'm'"),
            ("m: input -1, output 2", "line 2: the price of input of 'm' is '-1'; give a number of 0 or more"),
            ("m: input nan, output 2", "the price of input of 'm' is 'nan'"),
            ("m: input $1, output 2", "the price of input of 'm' is '$1'"),
            ("m: input 1e3, output 2", "the price of input of 'm' is '1e3'"),
            ("m: input ١, output 2", "the price of input of 'm' is '١'"),
            (f"m: input {'9' * 400}, output 2", "the price of input of 'm' is '999"),
            ("m: input, output 2", "the price of input of 'm' is ''"),
            ("gpt-4o-mini: input 1, output 2", "line 2: 'gpt-4o-mini' has a price already; remove one of the two"),
        ],
    )
    def test_anything_else_is_refused_with_its_line_and_the_mend(self, line: str, message: str) -> None:
        with pytest.raises(UsageError) as caught:
            prices_of(["gpt-4o-mini: input 0.15, output 0.60", line])
        assert message in str(caught.value)
        assert str(caught.value).isprintable()

    @given(
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
        st.decimals(0, 1000, places=4),
        st.decimals(0, 1000, places=4),
    )
    def test_whatever_a_model_is_called_its_line_is_read_back(self, model: str, first: Any, second: Any) -> None:
        (price,) = prices_of([f"{model}: input {first}, output {second}"])
        assert price == Price(model=model, input=float(first), output=float(second))

    @given(st.text())
    def test_no_line_at_all_brings_anything_but_a_price_or_a_sentence(self, line: str) -> None:
        try:
            found = prices_of([line])
        except UsageError:
            return
        assert all(math.isfinite(price.input) and price.output >= 0 for price in found)


class TestCost:
    def test_amounts_are_per_million_tokens(self) -> None:
        assert cost_of(Tokens(input=1_000_000, output=1_000_000), MINI) == 0.75
        assert cost_of(Tokens(input=2000, output=500), MINI) == pytest.approx(0.0003 + 0.0003, rel=1e-12)

    def test_cached_input_has_a_price_of_its_own_where_the_table_has_one(self) -> None:
        tokens = Tokens(input=1_000_000, output=0, cached=400_000)
        assert cost_of(tokens, MINI) == pytest.approx(0.6 * 0.15 + 0.4 * 0.075, rel=1e-12)
        assert cost_of(tokens, Price(model="m", input=0.15, output=0.6)) == pytest.approx(0.15, rel=1e-12)

    def test_the_name_that_was_asked_for_comes_first_then_what_answered_and_both_are_exact(self) -> None:
        dated = Price(model="gpt-4o-mini-2024-07-18", input=1, output=2)
        assert price_of([dated, MINI], "gpt-4o-mini", "gpt-4o-mini-2024-07-18") is MINI
        assert price_of([dated, MINI], "my-deployment", "gpt-4o-mini-2024-07-18") is dated
        assert price_of([MINI], "GPT-4o-mini", "gpt-4o-mini-2024-07-18") is None
        assert price_of([MINI], None, None) is None


class TestUsage:
    @pytest.mark.parametrize(
        ("usage", "tokens"),
        [
            ({"input_tokens": 12, "output_tokens": 5}, Tokens(input=12, output=5)),
            ({"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}, Tokens(input=12, output=5)),
            ({"input_tokens": 12, "output_tokens": 5, "cached_tokens": 8}, Tokens(input=12, output=5, cached=8)),
            ({"input_tokens": 12, "output_tokens": 5, "cached_tokens": 80}, Tokens(input=12, output=5, cached=12)),
            ({"input_tokens": 12, "prompt_tokens": 12, "output_tokens": 5}, Tokens(input=12, output=5)),
            ({"input_tokens": 12.0, "output_tokens": 0}, Tokens(input=12, output=0)),
        ],
    )
    def test_both_spellings_count(self, usage: dict[str, Any], tokens: Tokens) -> None:
        assert tokens_of(usage) == tokens
        assert tokens.total == tokens.input + tokens.output

    @pytest.mark.parametrize(
        ("usage", "reason"),
        [
            ({}, "nobody counted the tokens"),
            ({"total_tokens": 17}, "has no input_tokens (or prompt_tokens)"),
            ({"input_tokens": 12}, "has no output_tokens (or completion_tokens)"),
            ({"input_tokens": None, "output_tokens": 5}, "has no input_tokens"),
            ({"input_tokens": -1, "output_tokens": 5}, "has input_tokens -1, which is no number of tokens"),
            ({"input_tokens": True, "output_tokens": 5}, "has input_tokens True"),
            ({"input_tokens": 1.5, "output_tokens": 5}, "has input_tokens 1.5"),
            ({"input_tokens": math.nan, "output_tokens": 5}, "has input_tokens nan"),
            ({"input_tokens": "12", "output_tokens": 5}, "has input_tokens '12'"),
            ({"input_tokens": 1, "output_tokens": 5, "cached_tokens": -3}, "has cached_tokens -3"),
            ({"input_tokens": 3, "prompt_tokens": 9, "output_tokens": 5}, "has input_tokens 3 and prompt_tokens 9, wh"),
        ],
    )
    def test_what_is_missing_or_no_count_is_a_reason_and_never_0(self, usage: dict[str, Any], reason: str) -> None:
        with pytest.raises(UnscorableError, match="of this answer") as caught:
            tokens_of(usage)
        assert reason in str(caught.value)
