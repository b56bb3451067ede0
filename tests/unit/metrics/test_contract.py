"""The contract test that people run on their metrics, run on every one of ours, and on some that break it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_genaiops import Case, Response, metric
from pytest_genaiops.errors import ExtraMissingError, MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Explanation, Statistics, Step, UnsupportedSpan
from pytest_genaiops.registry import JUDGED, METRICS
from pytest_genaiops.score.metric import make
from pytest_genaiops.testing import FakeServer, check_metric

CONTEXTS = ("Lamps can be returned within 30 days of delivery.", "Parking is free.")
EXAMPLES = [
    (
        Response(
            text=text,
            label=label,
            probabilities={"spam": 0.9, "ham": 0.1},
            tool_calls=({"name": "search", "arguments": {"q": text}},),
            steps=(Step(id="search", output=text, latency=0.2, usage={"input_tokens": 9, "output_tokens": 1}),),
            usage={"input_tokens": 90, "output_tokens": 7},
            latency=0.5 + len(text) / 100,
            model="small",
        ),
        Case(
            id=str(number),
            inputs={"question": "When can lamps be returned?", "relevant": ["a"]},
            references=("Lamps can be returned within 30 days.", "Within a month."),
            contexts=CONTEXTS,
            label="spam",
            tool_calls=({"name": "search", "arguments": {"q": "Lamps can be returned within 30 days."}},),
        ),
    )
    for number, (text, label) in enumerate(
        [
            ("Lamps can be returned within 30 days.", "spam"),
            ("Lamps can be brought back within 40 days of delivery.", "ham"),
            ("Parking is free, and open from nine to five.", "spam"),
        ]
    )
]
OPTIONS: dict[str, dict[str, Any]] = {
    "cost": {"prices": ("small: input 0.15, output 0.60",)},
    "content_safety": {"banned": ("snake oil",), "canary": ("blue-falcon-17",)},
    "rubric": {"criteria": "The answer is polite."},
}
ELSEWHERE = {
    "meteor": "needs WordNet; its own tests have it",
    "prefer": "compares two answers; its own tests have it",
    "retrieval": "is given what was retrieved; its own tests have it",
    "bertscore": "needs a model folder; its session has it",
    "similarity": "needs a model; its session has it",
}


def filled(schema: dict[str, Any], index: int = 0) -> Any:
    """A reply of the form that a JSON schema asks for."""
    if "enum" in schema:
        return schema["enum"][index % len(schema["enum"])]
    if schema["type"] == "object":
        return {name: filled(own, index) for name, own in schema["properties"].items()}
    if schema["type"] == "array":
        choices = schema["items"].get("properties", {}).get("category", {}).get("enum", [None])
        return [filled(schema["items"], i) for i in range(len(choices))]
    return {"string": "Lamps", "boolean": True, "integer": 1, "number": 1.0}[schema["type"]]


@pytest.fixture(scope="module")
def judge() -> Iterator[dict[str, Any]]:
    """A judge that fills in whatever form it is asked for."""

    def answer(body: dict[str, Any]) -> str:
        if "response_format" not in body:
            return "4"
        return json.dumps(filled(body["response_format"]["json_schema"]["schema"]))

    with FakeServer(answer) as server:
        yield {"model": {"name": "m", "base_url": server.url}}


@pytest.mark.parametrize("name", METRICS)
def test_ours_keep_the_contract(name: str, judge: dict[str, Any]) -> None:
    if name in ELSEWHERE:
        pytest.skip(f"{name} {ELSEWHERE[name]}")
    try:
        check_metric(make(name, **OPTIONS.get(name, {})), EXAMPLES, judge=judge)
    except ExtraMissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", sorted(set(JUDGED["endpoint"]) & set(METRICS) - set(ELSEWHERE)))
def test_ours_with_a_judge_keep_it_too(name: str, judge: dict[str, Any]) -> None:
    check_metric(make(name, judge=judge, **OPTIONS.get(name, {})), EXAMPLES)


@metric(scale=(1, 5))
async def tone(response: Response, case: Case, judge: Any) -> float:
    """The tone, as a judge rates it."""
    return float(await judge(f"Rate the tone of this from 1 to 5: {response.text}"))


def test_an_async_function_keeps_it(judge: dict[str, Any]) -> None:
    check_metric(tone, EXAMPLES, judge=judge)


def test_a_judge_that_is_not_named_is_asked_for() -> None:
    with pytest.raises(MetricError, match="tone needs a model to judge"):
        check_metric(tone, EXAMPLES)


@metric
def brevity(response: Response, case: Case) -> float:
    """1 for nothing, 0 for a hundred words or more."""
    return max(0.0, 1 - len(response.text.split()) / 100)


def test_a_function_keeps_it() -> None:
    check_metric(brevity, EXAMPLES)


class Sound(Metric):
    """Keeps the contract; each test below breaks one thing of it."""

    name = "sound"

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (len(response.text) / 1000,)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return 1


def test_a_class_keeps_it() -> None:
    check_metric(Sound, EXAMPLES)
    check_metric(Sound(), EXAMPLES[:1])


CALLS: list[str] = []


class Counting(Sound):
    """Gives another value each time."""

    def statistics(self, response: Response, case: Case) -> Statistics:
        CALLS.append("")
        return (len(CALLS) / 1000,)


@dataclass(frozen=True, kw_only=True)
class Keeping(Metric):
    """Holds what it has seen."""

    name = "keeping"
    seen: list[str] = field(default_factory=list, hash=False, compare=False)

    def statistics(self, response: Response, case: Case) -> Statistics:
        object.__setattr__(self, "seen", [*self.seen, response.text])
        return (0.5,)


@dataclass(kw_only=True, unsafe_hash=True)
class Changeable(Metric):
    """Can be changed."""

    name = "changeable"
    option: int = 1

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (0.5,)


@dataclass(frozen=True, kw_only=True)
class Unhashable(Metric):
    """Has an option that cannot be hashed."""

    name = "unhashable"
    options: list[str] = field(default_factory=list)

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (0.5,)


class Silent(Sound):
    def statistics(self, response: Response, case: Case) -> Statistics:
        return (0.5,)


class Beyond(Sound):
    """Leaves its scale."""

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (len(response.text),)


class Backwards(Sound):
    """Has its scale the wrong way round."""

    scale = (1.0, 0.0)


class Uneven(Sound):
    """Gives statistics that cannot be added up."""

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (0.5,) * (1 + len(response.text) % 3)


class NoMean(Sound):
    """Says that it is a mean, and is none."""

    def part(self) -> Part:
        return Part(name="sound", score=lambda total, n: 0.9, case_score=lambda s: s[0], is_mean=True)


class Elsewhere(Sound):
    """Shows evidence that the answer does not hold."""

    def explain(self, response: Response, case: Case) -> Explanation:
        span = UnsupportedSpan(start=0, end=3, text="???")
        return Explanation(score=0.5, sentences=(), unsupported=(span,))


class Outside(Sound):
    """Shows evidence behind the end of the answer."""

    def explain(self, response: Response, case: Case) -> Explanation:
        span = UnsupportedSpan(start=0, end=9999, text=response.text)
        return Explanation(score=0.5, sentences=(), unsupported=(span,))


class Mute(Sound):
    """Leaves an empty answer unscored and does not say why."""

    def statistics(self, response: Response, case: Case) -> Statistics:
        if not response.text:
            raise UnscorableError("")
        return (0.5,)


class Infinite(Sound):
    """Scores nothing."""

    def statistics(self, response: Response, case: Case) -> Statistics:
        return (float("nan"),)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Counting, "sound gives example 0 a second time"),
        (Keeping, "keeping keeps something of the responses that it has seen"),
        (Changeable, "changeable can be changed: make it a frozen dataclass"),
        (Unhashable, "unhashable cannot be hashed"),
        (Silent, "sound has no docstring"),
        (Beyond, "which is not on its scale 0 to 1"),
        (Backwards, "sound has the scale (1.0, 0.0); the lowest value comes first"),
        (Uneven, "sound gives statistics of different widths"),
        (NoMean, "sound says that sound is a mean, and scores 0.9"),
        (Elsewhere, "sound shows '???' where the answer has 'Lam'"),
        (Outside, "sound shows 0 to 9999 of an answer of 37 characters"),
        (Mute, "sound leaves an empty answer unscored without a reason"),
        (Infinite, "sound scores none of the examples: sound gave a value that is not a finite number"),
    ],
)
def test_what_breaks_it_is_said_in_one_sentence(broken: type[Metric], said: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_metric(broken, EXAMPLES)
    assert said in str(caught.value)


def test_a_metric_that_does_not_travel_is_told() -> None:
    class Local(Sound):
        """Has no name that another process could find it by."""

    with pytest.raises(AssertionError, match="sound does not go to another process"):
        check_metric(Local, EXAMPLES)


def test_without_examples_nothing_is_shown() -> None:
    with pytest.raises(AssertionError, match="sound is checked with no examples"):
        check_metric(Sound, [])


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(MetricError, match="int is no metric"):
        check_metric(7, EXAMPLES)
