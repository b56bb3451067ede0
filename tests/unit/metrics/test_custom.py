"""Metrics of one's own: functions and classes, sync and async."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy  # noqa: TID253 - its numbers are what is tested
import pytest

from pytest_genaiops import Case, Response, evaluate, metric, registry
from pytest_genaiops.clients.assembly import shared_of
from pytest_genaiops.config import Settings
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Statistics
from pytest_genaiops.run import Measurements, judging_of
from pytest_genaiops.score import MetricHandle
from pytest_genaiops.testing import FakeServer


@metric
def brevity(response: Response, case: Case) -> float:
    """1 for nothing, 0 for ten words or more."""
    return max(0.0, 1 - len(response.text.split()) / 10)


@metric(scale=(0, 10), higher_is_better=False, needs=("references",))
def shouting(response: Response, case: Case) -> float | None:
    if response.text == "?":
        return None
    return response.text.count("!")


@metric
async def waiting(response: Response, case: Case) -> bool:
    return "wait" in response.text


@dataclass(frozen=True, kw_only=True)
class Length(Metric):
    """Characters of an answer."""

    name = "length"
    scale = (0, 1000)
    most: int = 100

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (min(self.most, len(response.text)),)


def gives(value: object) -> MetricHandle:
    @metric(name="giving")
    def function(response: Response, case: Case) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return function


class TestFunctions:
    def test_are_scored_like_any_metric(self) -> None:
        score = brevity(["one two", "one two three four"], ids=["a", "b"])
        assert score.per_case == pytest.approx((0.8, 0.6))
        assert (score.value, score.scale, score.higher_is_better) == (pytest.approx(0.7), (0, 1), True)
        assert score.ids == ("a", "b")

    def test_say_their_scale_direction_and_needs(self) -> None:
        score = shouting(["no!", "no!!!"], ["no", "no"])
        assert (score.value, score.scale, score.higher_is_better) == (2.0, (0, 10), False)
        with pytest.raises(MetricError, match="shouting needs `reference` or `references`"):
            shouting(["no!"], references=[None])

    def test_none_is_unscored(self) -> None:
        score = shouting(["?", "!"], ["no", "no"])
        assert score.per_case == (None, 1.0)
        assert score.reasons == {"0": "metric: shouting gave None: it has no value for this response"}

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (float("nan"), "metric: giving gave nan, which is not a finite number"),
            (float("inf"), "metric: giving gave inf, which is not a finite number"),
            (1.5, "metric: giving gave 1.5, which is not on its scale 0 to 1; write its scale as @metric(scale="),
            (-1, "metric: giving gave -1, which is not on its scale 0 to 1"),
            (ValueError("broken\nbadly"), "metric: giving raised ValueError: broken"),
        ],
    )
    def test_what_is_no_value_is_unscored_with_the_reason(self, value: object, reason: str) -> None:
        score = gives(value)("x")
        assert score.value is None
        assert score.reasons["0"].startswith(reason)

    @pytest.mark.parametrize(
        ("value", "kind"), [("0.5", "str"), ({"a": 1}, "dict"), ([1.0], "list"), (1j, "complex"), ((1, 2), "tuple")]
    )
    def test_what_is_no_number_is_the_authors_mistake(self, value: object, kind: str) -> None:
        with pytest.raises(MetricError, match=rf"^giving gave {kind}; return a number, a bool, or None"):
            gives(value)("x")

    @pytest.mark.parametrize("value", [True, 1, numpy.float32(1), numpy.int64(1)])
    def test_bools_and_numbers_of_numpy_are_numbers(self, value: object) -> None:
        assert gives(value)("x").value == 1.0

    def test_a_question_that_is_needed_and_missing_is_unscored(self) -> None:
        @metric(needs="question")
        def asked(response: Response, case: Case) -> float:
            return 1.0

        score = asked(["a", "b"], questions=["What?", None])
        assert score.per_case == (1.0, None)

    def test_are_known_by_their_place_and_source(self) -> None:
        @metric(name="giving")
        def other(response: Response, case: Case) -> float:
            return 0.5

        first, second = gives(0.5)("x").signature, other("x").signature
        assert first.startswith(f"giving|function:{__name__}:gives.<locals>.function|source:")
        assert first.rpartition(":")[2] != second.rpartition(":")[2]
        with pytest.raises(MetricError, match="function"):
            gives(0.5)("x").not_worse_than(other("x"), margin=0.1)

    def test_a_function_without_a_source_file_is_known_by_its_code(self) -> None:
        names: dict[str, Any] = {"__name__": "console"}
        exec("def one(response, case): return 0.1\ndef two(response, case): return 0.2", names)
        digests = {metric(names[name], name="n")("x").signature for name in ("one", "two")}
        assert len({digest.rpartition("source:")[2] for digest in digests}) == 2

    def test_equal_themselves_and_no_other(self) -> None:
        assert brevity.metric == brevity.metric
        assert hash(brevity.metric) == hash(brevity.metric)
        assert brevity.metric != gives(1).metric
        assert gives(1).metric != gives(1).metric

    def test_go_to_another_process_by_their_name(self) -> None:
        assert pickle.loads(pickle.dumps(brevity.metric)) == brevity.metric
        assert pickle.loads(pickle.dumps(waiting.metric)) == waiting.metric

    def test_are_measured_once(self) -> None:
        seen: list[str] = []

        @metric
        def counted(response: Response, case: Case) -> float:
            seen.append(response.text)
            return 1.0

        rows = [{"id": 1, "input": "q", "responses": {"v": "a"}}]
        evaluation = evaluate(rows, metrics=[counted])
        assert evaluation.score("counted", "v") == 1
        assert evaluation.score("counted", "v") == 1
        assert seen == ["a"]


class TestMistakesAreOneSentence:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"scale": (1, 0)}, "scale is (1, 0); write the lowest and the highest value"),
            ({"scale": (0, float("nan"))}, "scale is (0, nan)"),
            ({"scale": 10}, "scale is 10"),
            ({"scale": (False, True)}, "scale is (False, True)"),
            ({"needs": ("reference",)}, "needs is ('reference',); it may hold 'references'"),
            ({"higher_is_better": "no"}, "higher_is_better is 'no'; write True or False"),
            ({"name": "my tone"}, "'my tone' cannot be a fixture"),
            ({"judge": "x"}, "@metric has no option 'judge'"),
        ],
    )
    def test_options(self, options: dict[str, Any], said: str) -> None:
        with pytest.raises(MetricError, match="tone") as caught:

            @metric(**options)
            def tone(response: Response, case: Case) -> float:
                return 1.0

        assert said in str(caught.value)

    @pytest.mark.parametrize(
        "function",
        [
            lambda: 1,
            lambda response: 1,
            lambda response, case, judge: 1,
            lambda response, case, *, more: 1,
        ],
    )
    def test_arguments(self, function: Callable[..., Any]) -> None:
        with pytest.raises(MetricError, match=r"arguments; write it as <lambda>\(response, case\)"):
            metric(function, name="tone")

    @pytest.mark.parametrize("given", [7, None.__class__, [brevity], int, print])
    def test_things_that_are_no_metric(self, given: Any) -> None:
        with pytest.raises(
            MetricError, match=r"metric\(\) takes a name, a function or a class|is no metric; derive it"
        ):
            metric(given)

    def test_a_lambda_has_no_name(self) -> None:
        with pytest.raises(MetricError, match="'<lambda>' cannot be a fixture"):
            metric(lambda response, case: 1)


class TestClasses:
    def test_are_given_as_they_are(self) -> None:
        assert metric(Length)(["abc", "a"]).value == 2
        assert metric(Length, most=2)(["abc", "a"]).value == 1.5

    def test_without_statistics_are_refused(self) -> None:
        class Half(Metric):
            name = "half"

            def score(self, total: Any, n: int) -> float:
                return 0.0

            @classmethod
            def __init_subclass__(cls, **kwargs: Any) -> None: ...

            statistics = Metric.statistics

        with pytest.raises(MetricError, match="Half does not define 'statistics'"):
            metric(Half)

    def test_that_need_arguments_are_refused(self) -> None:
        @dataclass(frozen=True)
        class Needy(Length):
            more: int

        with pytest.raises(MetricError, match="Needy cannot be made"):
            metric(Needy)


class TestNames:
    @pytest.fixture
    def known(self) -> Iterator[Callable[[Any], None]]:
        with ExitStack() as stack:
            yield lambda given: stack.callback(registry.register(given))

    def test_are_known_until_they_are_taken_back(self) -> None:
        undo = registry.register(brevity.metric)
        assert metric("brevity")("a").value == 0.9
        assert "brevity" in registry.metric_names()
        undo()
        with pytest.raises(MetricError, match="no metric is called 'brevity'"):
            metric("brevity")

    @pytest.mark.parametrize("name", ["bleu", "hf", "response", "baseline"])
    def test_of_ours_are_taken(self, name: str) -> None:
        @metric(name=name)
        def function(response: Response, case: Case) -> float:
            return 1.0

        with pytest.raises(MetricError, match=f"the name {name!r} is taken by this package; give the metric another"):
            registry.register(function.metric)

    def test_of_two_functions_clash(self, known: Callable[[Any], None]) -> None:
        known(gives(1).metric)

        @metric(name="giving")
        def other(response: Response, case: Case) -> float:
            return 1.0

        with pytest.raises(MetricError, match=r"two metrics are called 'giving': .*function and .*other; rename one"):
            registry.register(other.metric)

    def test_bring_the_options_that_they_were_given(self, known: Callable[[Any], None]) -> None:
        known(Length(most=2))
        assert metric("length")("abc").value == 2
        assert metric("length", most=1)("abc").value == 1


class TestAsyncFunctions:
    @pytest.fixture
    def judging(self, tmp_path: Path) -> Iterator[Callable[[Any], dict[str, Any]]]:
        with ExitStack() as stack:
            found = judging_of(Settings(root=tmp_path, cache="off"), shared_of(None))
            stack.callback(lambda: found._engine().close())
            self.measurements = Measurements(found)

            def served(answer: Any) -> dict[str, Any]:
                server = stack.enter_context(FakeServer(answer))
                return {"model": {"name": "m", "base_url": server.url}}

            yield served

    def test_that_ask_nobody_need_no_judge(self) -> None:
        assert waiting(["wait", "go"]).value == 0.5

    def test_may_ask_the_judge(self, judging: Callable[[Any], dict[str, Any]]) -> None:
        @metric(scale=(1, 5))
        async def tone(response: Response, case: Case, judge: Any) -> float:
            return float(await judge(f"Rate the tone from 1 to 5: {response.text}"))

        asked: list[str] = []

        def answer(body: dict[str, Any]) -> str:
            asked.append(body["messages"][0]["content"])
            return "4"

        score = tone.remembering(self.measurements)(["hello"], judge=judging(answer))
        assert (score.value, asked) == (4.0, ["Rate the tone from 1 to 5: hello"])
        assert "judge:m" in score.signature

    def test_that_ask_and_have_no_judge_say_how_to_name_one(self) -> None:
        @metric
        async def tone(response: Response, case: Case, judge: Any) -> float:
            return 1.0

        with pytest.raises(MetricError, match="tone needs a model to judge; write --genaiops-judge="):
            tone("x")

    def test_a_reply_that_is_no_number_is_unscored(self, judging: Callable[[Any], dict[str, Any]]) -> None:
        @metric
        async def tone(response: Response, case: Case, judge: Any) -> float:
            return float(await judge("?"))

        score = tone.remembering(self.measurements)("x", judge=judging(lambda body: "four"))
        assert score.reasons["0"].startswith("metric: tone raised ValueError: could not convert")

    def test_a_sync_function_that_gives_a_coroutine_is_told(self) -> None:
        async def later() -> float:
            return 1.0

        coroutine = later()
        with pytest.raises(MetricError, match="gave a coroutine; make the function async"):
            gives(coroutine)("x")
        coroutine.close()
