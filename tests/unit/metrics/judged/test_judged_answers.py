"""Relevancy, correctness, coherence, fluency: ratings. Completeness and utilization: shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

QUESTION = "How long may lamps be returned, and what does it cost?"
ANSWER = "Lamps may be returned for 30 days."


def rating(number: int, *quotes: str) -> dict[str, Any]:
    return {"quotes": list(quotes), "reason": "because", "rating": number}


class TestRatings:
    @pytest.mark.parametrize("name", ["relevancy", "correctness", "coherence", "fluency"])
    @pytest.mark.parametrize(("number", "value"), [(1, 0), (2, 0.25), (3, 0.5), (4, 0.75), (5, 1)])
    def test_one_to_five_is_nought_to_one(
        self, judge: Callable[..., Any], name: str, number: int, value: float
    ) -> None:
        metric, script = judge(name, {name: rating(number)})
        score = metric([ANSWER], questions=[QUESTION], references=["For 30 days, free of charge."])
        assert score.value == value
        assert score.scale == (0, 1)
        assert "value:(rating-1)/4" in score.signature
        assert len(script.bodies) == 1

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("relevancy", ["question", "answer"]),
            ("correctness", ["question", "reference 1", "reference 2", "answer"]),
            ("coherence", ["question", "answer"]),
            ("fluency", ["answer"]),
        ],
    )
    def test_a_judge_sees_what_it_needs_and_no_more(
        self, judge: Callable[..., Any], name: str, shown: list[str]
    ) -> None:
        metric, script = judge(name, {name: rating(3)})
        metric([ANSWER], questions=[QUESTION], references=[["30 days.", " ", "A month."]], contexts=[["A secret."]])
        blocks = [line for line in script.user().splitlines() if line.startswith("<<") and "end of" not in line]
        assert [line.split(" ", 1)[1].removesuffix(">>") for line in blocks] == shown
        assert "A secret." not in script.user()

    def test_the_reason_and_the_quotes_are_evidence(self, judge: Callable[..., Any]) -> None:
        metric, _ = judge("correctness", {"correctness": rating(4, "for 30 days", "for ninety days")})
        found = metric([ANSWER], references=["A month."]).explain(0)
        assert found.score == 0.75
        assert found.reason == "4 on a scale of 1 to 5: because"
        assert [(each.start, each.text) for each in found.sentences] == [(ANSWER.index("for 30"), "for 30 days")]
        assert found.features["invented_quotes"] == 1

    @pytest.mark.parametrize(
        ("name", "answer", "roles", "why"),
        [
            ("relevancy", ANSWER, {}, "no question"),
            ("relevancy", " ", {"questions": [QUESTION]}, "the answer is empty"),
            ("fluency", "", {}, "the answer is empty"),
            ("coherence", "\n", {}, "the answer is empty"),
            ("correctness", ANSWER, {"references": [" "]}, "has no reference to compare with"),
            ("correctness", ANSWER, {"references": ["x" * 100_001]}, "the reference has 100,001 characters"),
            ("relevancy", ANSWER, {"questions": ["x" * 100_001]}, "the question has 100,001 characters"),
        ],
    )
    def test_what_cannot_be_judged_is_not_asked(
        self, judge: Callable[..., Any], name: str, answer: str, roles: dict[str, Any], why: str
    ) -> None:
        metric, script = judge(name, {name: rating(5)})
        score = metric([answer], **roles)
        assert score.value is None
        assert why in score.reasons["0"]
        assert script.bodies == []


PARTS = {
    "parts": [
        {"part": "how long", "quote": "for 30 days", "answered": True},
        {"part": "what it costs", "quote": "", "answered": False},
    ]
}


class TestCompleteness:
    def test_the_value_is_the_share_of_parts_that_are_answered(self, judge: Callable[..., Any]) -> None:
        completeness, script = judge("completeness", {"parts": PARTS})
        score = completeness([ANSWER], questions=[QUESTION])
        assert score.value == 0.5
        found = score.explain(0)
        assert found.reason == "1 of 2 parts of the question are answered; missing: what it costs"
        assert [(each.text, each.note) for each in found.sentences] == [("for 30 days", "answers: how long")]
        assert len(script.bodies) == 1

    def test_a_question_without_parts_is_no_judgement(self, judge: Callable[..., Any]) -> None:
        completeness, _ = judge("completeness", {"parts": {"parts": []}})
        assert "every question asks for something" in completeness([ANSWER], questions=[QUESTION]).reasons["0"]

    def test_without_a_question_there_is_nothing_to_complete(self, judge: Callable[..., Any]) -> None:
        completeness, script = judge("completeness", {"parts": PARTS})
        assert "no question" in completeness([ANSWER]).reasons["0"]
        assert script.bodies == []


class TestUtilization:
    CONTEXTS = ("Lamps: 30 days.", "", "Desks: never.", "Chairs: 10 days.", "Beds: 5 days.")

    def test_the_value_is_the_share_of_contexts_that_are_used(self, judge: Callable[..., Any]) -> None:
        used = {"used": [{"context": 1, "quote": "for 30 days"}, {"context": 1, "quote": "Lamps"}]}
        utilization, script = judge("utilization", {"used": used})
        score = utilization([ANSWER], contexts=[self.CONTEXTS])
        assert score.value == 1 / 4  # the blank one does not count
        assert score.explain(0).reason == "1 of 4 contexts are used: 1"
        assert "context 5>>" in script.user()

    def test_none_used_is_nought(self, judge: Callable[..., Any]) -> None:
        utilization, _ = judge("utilization", {"used": {"used": []}})
        assert utilization([ANSWER], contexts=[self.CONTEXTS]).value == 0

    @pytest.mark.parametrize("number", [0, 2, 6, "1"])
    def test_a_context_that_is_not_there_is_no_judgement(self, judge: Callable[..., Any], number: Any) -> None:
        utilization, script = judge("utilization", {"used": {"used": [{"context": number, "quote": ""}]}})
        assert utilization([ANSWER], contexts=[self.CONTEXTS]).unscored_by_kind == {"judge": 1}
        assert len(script.bodies) == 2
