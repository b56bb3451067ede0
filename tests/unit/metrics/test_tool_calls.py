"""Tool calls: hand-worked cases, ragas' F1 where its definition is the same, and what models may write."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import Case, Response, ScoreGroup, metric
from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import ResponseError, Trial

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def weather(city: Any) -> dict[str, Any]:
    return {"name": "weather", "arguments": {"city": city}}


def search(q: str, **more: Any) -> dict[str, Any]:
    return {"name": "search", "arguments": {"q": q, **more}}


MAP = {"name": "map", "arguments": {"city": "Rome"}}
WANTED = [weather("Rome"), search("hotels")]


def scored(made: Any, expected: Any, **options: Any) -> Any:
    return metric("tool_calls", **options)([made], tool_calls=[expected])


def values(made: Any, expected: Any, **options: Any) -> dict[str, float]:
    found = scored(made, expected, **options)
    return {score.name: score.value for score in found.scores()}


class TestByHand:
    @pytest.mark.parametrize(
        ("made", "expected"),
        [
            (WANTED, (1, 1, 1, 1, 1, 1)),
            (WANTED[::-1], (0, 0, 1, 1, 1, 1)),
            ([WANTED[0], search("bars"), WANTED[1]], (0, 1, 1, 2 / 3, 1, 4 / 5)),
            ([WANTED[0]], (0, 0, 0, 1, 1 / 2, 2 / 3)),
            ([weather("Oslo"), WANTED[1]], (0, 0, 0, 1 / 2, 1 / 2, 1 / 2)),
            ([WANTED[0], WANTED[0], WANTED[1]], (0, 1, 1, 2 / 3, 1, 4 / 5)),
            ([], (0, 0, 0, 0, 0, 0)),
        ],
    )
    def test_calls(self, made: Any, expected: tuple[float, ...]) -> None:
        """Of exact, in_order, any_order, precision, recall and f1."""
        found = values(made, WANTED)
        names = ("exact", "in_order", "any_order", "precision", "recall", "f1")
        assert tuple(found[name] for name in names) == pytest.approx(expected)

    def test_names_alone(self) -> None:
        names = scored([weather("Oslo"), search("bars"), MAP], WANTED).names
        assert (names.precision.value, names.recall.value, names.value) == pytest.approx((2 / 3, 1, 4 / 5))

    def test_arguments_are_triples_of_tool_argument_and_value(self) -> None:
        made = [search("hotels", page=1), {"name": "map", "arguments": {"page": 2}}]
        arguments = scored(made, [search("hotels", page=2, sort="price")]).arguments
        # Made: (search, q, hotels), (search, page, 1), (map, page, 2). Expected three as well; q alone is in both.
        assert (arguments.precision.value, arguments.recall.value, arguments.value) == pytest.approx((1 / 3,) * 3)

    def test_an_expected_call_without_arguments_is_met_by_any(self) -> None:
        found = values([weather("Oslo"), search("x")], ["weather", {"name": "search", "arguments": {"q": "x"}}])
        assert (found["exact"], found["f1"], found["arguments"]) == (1, 1, 1)

    def test_specific_expectations_are_met_before_open_ones(self) -> None:
        for made in itertools.permutations([weather("Rome"), weather("Oslo")]):
            assert values(made, ["weather", weather("Rome")])["recall"] == 1

    def test_an_empty_mapping_of_arguments_is_no_open_expectation(self) -> None:
        assert values([weather("Rome")], [{"name": "weather", "arguments": {}}])["exact"] == 0
        assert values([{"name": "weather"}], [{"name": "weather", "arguments": {}}])["exact"] == 1

    def test_rows_that_expect_no_call_count_for_exact_and_abstention_alone(self) -> None:
        found = metric("tool_calls")([WANTED, [], [MAP]], tool_calls=[WANTED, [], []])
        assert found.exact.per_case == (1, 1, 0)
        assert (found.abstention.value, found.abstention.n) == (0.5, 2)
        assert (found.recall.value, found.recall.n) == (1, 1)
        assert not hasattr(metric("tool_calls")([[]], tool_calls=[[]]), "recall")

    def test_rows_without_arguments_are_not_about_arguments(self) -> None:
        found = metric("tool_calls")([["weather"] and [weather("Rome")], [MAP]], tool_calls=[["weather"], [MAP]])
        assert (found.arguments.n, found.f1.n) == (1, 2)


@pytest.mark.parametrize(
    ("made", "f1"),
    [
        (WANTED, 1.0),
        (WANTED[::-1], 1.0),
        ([*WANTED, search("bars")], 0.8),
        (WANTED[:1], 0.6667),
        ([weather("Oslo"), WANTED[1]], 0.5),
        ([MAP], 0.0),
        ([], 0.0),
        ([weather("Rome"), search("bars", n=3), {"name": "map", "arguments": {}}], 0.4),
    ],
)
def test_ragas_gives_the_same_f1_where_no_call_comes_twice(made: Any, f1: float) -> None:
    """ToolCallF1 of ragas 0.4.3, which rounds to four digits."""
    assert round(values(made, WANTED)["f1"], 4) == f1


class TestForms:
    @pytest.mark.parametrize(
        "made",
        [
            {"name": "search", "arguments": {"q": "a", "n": 1}},
            {"name": "search", "args": {"n": 1.0, "q": "a"}},
            {"name": "search", "input": {"q": "a", "n": 1}, "type": "tool_use", "id": "toolu_1"},
            {"name": "search", "arguments": '{"n": 1.0, "q": "a"}'},
            {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q": "a", "n": 1}'}},
        ],
    )
    def test_one_call_in_any_form(self, made: Any) -> None:
        assert values([made], [search("a", n=1)])["exact"] == 1
        assert values([search("a", n=1)], [made])["exact"] == 1

    @pytest.mark.parametrize(
        ("mine", "its", "same"),
        [
            (1, 1.0, True),
            (1, True, False),
            (0, False, False),
            ("1", 1, False),
            ("Rome", "rome", False),
            (None, None, True),
            ({"a": 1, "b": [1, 2]}, {"b": [1.0, 2], "a": 1}, True),
            ([1, 2], [2, 1], False),
            (10**22, 1e22, True),
            (2**53 + 1, float(2**53), False),
            ("é", "e\u0301", False),
        ],
    )
    def test_arguments_are_compared_as_json_values(self, mine: Any, its: Any, same: bool) -> None:
        assert values([weather(mine)], [weather(its)])["exact"] == int(same)

    @pytest.mark.parametrize("blank", ["", " ", None, {}, "{}"])
    def test_a_tool_without_arguments(self, blank: Any) -> None:
        assert values([{"name": "now", "arguments": blank}], [{"name": "now", "arguments": {}}])["exact"] == 1

    def test_arguments_that_do_not_count(self) -> None:
        made, wanted = [search("a", trace="x1"), weather("Rome")], [search("a", trace="y2"), weather("Oslo")]
        assert values(made, wanted)["f1"] == 0
        assert values(made, wanted, ignore="trace")["f1"] == 0.5
        assert values(made, wanted, ignore=["weather.city", "trace"])["exact"] == 1
        assert "ignore:trace" in scored(made, wanted, ignore="trace").f1.signature

    @given(JSON)
    def test_what_goes_through_json_is_the_same(self, value: Any) -> None:
        try:
            written = json.dumps({"city": value}, allow_nan=False)
        except ValueError:
            return
        assert values([{"name": "weather", "arguments": written}], [weather(value)])["exact"] == 1


class TestFaults:
    @pytest.mark.parametrize(
        ("made", "told"),
        [
            ({"name": "weather", "arguments": '{"city": '}, "its arguments are no JSON: '{\"city\":'"),
            ({"name": "weather", "arguments": "[1]"}, "its arguments are no JSON object: [1]"),
            ({"name": "weather", "arguments": 3}, "its arguments are no JSON object: 3"),
            ({"name": "weather", "arguments": "[" * 100_000}, "its arguments are no JSON: '[[["),
            ({"name": "weather", "arguments": '{"n": ' + "9" * 5000 + "}"}, 'its arguments are no JSON: \'{"n": 999'),
            ({"arguments": {"city": "Rome"}}, "it names no tool"),
            ({"name": "", "arguments": {}}, "it names no tool"),
            ({"function": {"name": None}}, "it names no tool"),
            ({}, "it names no tool"),
        ],
    )
    def test_a_malformed_call_is_a_mismatch_that_is_told_of(self, made: Any, told: str) -> None:
        found = scored([made], [weather("Rome")])
        assert (found.exact.value, found.precision.value, found.arguments.value) == (0, 0, 0)
        reason = found.exact.explain(0).reason
        assert told in reason
        assert reason.isprintable()
        assert len(reason) < 500

    def test_what_was_missed_and_what_was_too_much(self) -> None:
        found = scored([search("bars"), weather("Rome")], WANTED)
        assert found.f1.explain(0).reason == 'missed: search("q": "hotels"); not expected: search("q": "bars")'
        assert scored(WANTED[::-1], WANTED).exact.explain(0).reason.startswith("the order differs: search(")

    def test_a_thousand_calls_in_a_loop(self) -> None:
        found = scored([search(str(n)) for n in range(1000)] * 2, WANTED)
        assert (found.precision.value, found.recall.value) == (1 / 2000, 1 / 2) or found.recall.value == 0
        assert found.exact.explain(0).reason.endswith("and 1995 more")

    @pytest.mark.parametrize(
        ("expected", "message"),
        [
            ("weather", "row 0: \"tool_calls\" holds 'weather'; write"),
            ([3], '"tool_calls" holds 3 as a call'),
            ([" "], "\"tool_calls\" holds ' ' as a call"),
            ([{"arguments": {}}], "holds a call of which it names no tool"),
            ([{"name": "x", "arguments": "{"}], "holds a call of which its arguments are no JSON: '{'"),
        ],
    )
    def test_malformed_expectations_are_an_error(self, expected: Any, message: str) -> None:
        with pytest.raises(MetricError) as caught:
            scored([], expected)
        assert message in str(caught.value)

    @pytest.mark.parametrize("made", ["weather", {"name": "weather"}, [3], None])
    def test_what_is_no_list_of_calls(self, made: Any) -> None:
        if made is None:
            assert scored(None, WANTED).exact.unscored == 1
        else:
            with pytest.raises(MetricError, match="give one list of calls"):
                metric("tool_calls")([made], tool_calls=[WANTED])

    @pytest.mark.parametrize("ignore", [3, [""], [None], {"a": 1}])
    def test_an_ignore_that_names_nothing(self, ignore: Any) -> None:
        with pytest.raises(MetricError, match="names no arguments"):
            metric("tool_calls", ignore=ignore)

    def test_rows_that_do_not_say_and_answers_that_never_came(self) -> None:
        cases = [
            Case(id="a"),
            Case(id="b", tool_calls=({"name": "x"},)),
            Case(id="c", tool_calls=()),
            Case(id="d", tool_calls=()),
        ]
        lost = ResponseError(kind="timeout", message="no answer within 3 s")
        answers = [
            Response(
                trial=Trial(case=case, variant="v"),
                error=lost if case.id == "c" else None,
                tool_calls=None if case.id == "d" else (),
            )
            for case in cases
        ]
        found: ScoreGroup = metric("tool_calls")(answers)
        assert (found.exact.n, found.exact.unscored) == (1, 3)
        assert found.exact.reasons == {
            "a": "input: no `tool_calls`, which tool_calls needs",
            "c": "timeout: no answer within 3 s",
            "d": "metric: the response has no `tool_calls`; let the target return them, [] where it made none",
        }


CALLS = st.lists(
    st.builds(lambda name, n: {"name": name, "arguments": {"n": n}}, st.sampled_from("ab"), st.integers(0, 2)),
    max_size=6,
)


@given(CALLS, CALLS.filter(bool))
def test_the_numbers_agree_with_each_other(made: list[Any], expected: list[Any]) -> None:
    found = values(made, expected)
    assert found["exact"] <= found["in_order"] <= found["any_order"]
    assert (found["any_order"] == 1) == (found["recall"] == 1)
    assert found["f1"] <= found["names"]
    assert values(expected, expected)["exact"] == 1
    assert values(made[::-1], expected)["f1"] == found["f1"]
