"""Groundedness by claims: listed from the answer, judged against the contexts, with evidence that is looked up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from pytest_genaiops.metrics.judged.material import LONGEST
from pytest_genaiops.report.evidence import case_lines

ANSWER = "Lamps can be returned within 99 years, and shipping is free."
CONTEXTS = ["Lamps can be returned within 30 days of delivery.", "Desks cannot."]
CLAIMS = {
    "claims": [
        {"claim": "Lamps can be returned.", "quote": "Lamps can be returned"},
        {"claim": "Lamps can be returned within 99 years.", "quote": "within 99 years"},
        {"claim": "Shipping is free.", "quote": "shipping is free"},
    ]
}


def verdict(claim: int, word: str, quote: str = "", reason: str = "") -> dict[str, Any]:
    return {"claim": claim, "quote": quote, "reason": reason, "verdict": word}


SUPPORT = {
    "verdicts": [
        verdict(1, "supported", "Lamps can be returned"),
        verdict(2, "contradicted", "within 30 days", "30 days, not 99 years"),
        verdict(3, "not mentioned"),
    ]
}


def test_the_value_is_the_share_of_supported_claims(judge: Callable[..., Any]) -> None:
    groundedness, script = judge("groundedness", {"claims": CLAIMS, "support": SUPPORT})
    score = groundedness([ANSWER], contexts=[CONTEXTS], questions=["May I return a lamp?"])
    assert score.value == pytest.approx(1 / 3)
    assert (score.scale, score.higher_is_better) == ((0, 1), True)
    assert len(script.bodies) == 2
    assert "30 days" not in script.user(0)
    assert "May I return a lamp?" in script.user(0)
    assert ANSWER not in script.user(1)
    assert "2. Lamps can be returned within 99 years." in script.user(1)
    assert "value:supported claims" in score.signature


def test_every_claim_is_shown_where_the_answer_makes_it(judge: Callable[..., Any]) -> None:
    groundedness, _ = judge("groundedness", {"claims": CLAIMS, "support": SUPPORT})
    found = groundedness([ANSWER], contexts=[CONTEXTS]).explain(0)
    assert [(each.text, each.support) for each in found.sentences] == [
        ("Lamps can be returned", 1), ("within 99 years", 0), ("shipping is free", 0),
    ]  # fmt: skip
    assert all(ANSWER[each.start : each.end] == each.text for each in (*found.sentences, *found.unsupported))
    assert found.sentences[1].note == (
        "contradicted: Lamps can be returned within 99 years. (30 days, not 99 years); context 1: within 30 days"
    )
    assert found.reason == "3 claims: 1 supported; 1 contradicted; 1 not mentioned"
    assert found.features["invented_quotes"] == 0


def test_a_failed_test_shows_what_is_not_supported(judge: Callable[..., Any]) -> None:
    groundedness, _ = judge("groundedness", {"claims": CLAIMS, "support": SUPPORT})
    lines = case_lines(groundedness([ANSWER], contexts=[CONTEXTS]).evidence())
    assert lines[1:5] == [
        f"  0: 0.3333  '{ANSWER}'",
        "    judge: 3 claims: 1 supported; 1 contradicted; 1 not mentioned",
        "    judge: contradicted: Lamps can be returned within 99 years. "
        "(30 days, not 99 years); context 1: within 30 days",
        "    judge: not mentioned: Shipping is free.",
    ]


def test_a_quote_that_no_context_holds_is_noted(judge: Callable[..., Any]) -> None:
    made_up = {"verdicts": [verdict(1, "supported", "Everything can be returned"), *SUPPORT["verdicts"][1:]]}
    groundedness, _ = judge("groundedness", {"claims": CLAIMS, "support": made_up})
    found = groundedness([ANSWER], contexts=[CONTEXTS]).explain(0)
    assert found.features["invented_quotes"] == 1
    assert "a quote that no context holds: Everything can be returned" in found.sentences[0].note
    assert found.reason.endswith("1 of the judge's quotes are not in the contexts")


@pytest.mark.parametrize(
    ("answer", "contexts", "reason", "calls"),
    [
        ("I don't know.", CONTEXTS, "nothing to ground: the judge finds no claim in the answer", 1),
        ("", CONTEXTS, "nothing to ground: the answer is empty", 0),
        (" \n ", CONTEXTS, "nothing to ground: the answer is empty", 0),
        ("A lamp.", ["", " "], "nothing to ground the answer in: its contexts are empty", 0),
    ],
)
def test_nothing_to_ground_is_an_answer_of_its_own(
    judge: Callable[..., Any], answer: str, contexts: list[str], reason: str, calls: int
) -> None:
    groundedness, script = judge("groundedness", {"claims": {"claims": []}})
    score = groundedness([answer], contexts=[contexts])
    assert score.reasons == {"0": f"metric: {reason}"}
    assert len(script.bodies) == calls


def test_a_case_without_contexts_is_unscored(judge: Callable[..., Any]) -> None:
    groundedness, _ = judge("groundedness", {"claims": CLAIMS, "support": SUPPORT})
    score = groundedness([ANSWER, ANSWER, ANSWER], contexts=[CONTEXTS, None, []])
    assert score.unscored_by_kind == {"input": 2}


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        (SUPPORT["verdicts"][:2], "claim 3 has no verdict"),
        ([*SUPPORT["verdicts"][:2], verdict(1, "supported")], "claim 1 has two verdicts"),
        ([*SUPPORT["verdicts"], verdict(4, "supported")], "has 4 items, and may have 3"),
        ([verdict(0, "supported"), *SUPPORT["verdicts"][1:]], "must be a whole number from 1 to 3"),
        ([verdict(1, "yes"), *SUPPORT["verdicts"][1:]], "must be one of 'supported', 'contradicted', 'not mentioned'"),
        ([], "claim 1 has no verdict"),
    ],
)
def test_a_claim_without_just_one_verdict_is_no_judgement(judge: Callable[..., Any], verdicts: Any, why: str) -> None:
    groundedness, script = judge("groundedness", {"claims": CLAIMS, "support": {"verdicts": verdicts}})
    score = groundedness([ANSWER], contexts=[CONTEXTS])
    assert score.unscored_by_kind == {"judge": 1}
    assert why in score.reasons["0"]
    assert len(script.bodies) == 3  # the claims once, the verdicts twice


def test_a_claim_that_the_answer_does_not_make_is_no_claim(judge: Callable[..., Any]) -> None:
    invented = {"claims": [{"claim": "Bananas grow overnight.", "quote": "Bananas grow overnight."}]}
    groundedness, _ = judge("groundedness", {"claims": invented, "support": SUPPORT})
    assert "none of its words is there" in groundedness([ANSWER], contexts=[CONTEXTS]).reasons["0"]


def test_a_claim_that_is_not_quoted_to_the_letter_stands_at_the_sentence_it_is_from(judge: Callable[..., Any]) -> None:
    answer = "We sell desks. Lamps may be brought back for a month."
    claims = {"claims": [{"claim": "Lamps may be brought back.", "quote": "Customers may bring lamps back"}]}
    groundedness, _ = judge("groundedness", {"claims": claims, "support": {"verdicts": [verdict(1, "supported")]}})
    (claim,) = groundedness([answer], contexts=[CONTEXTS]).explain(0).sentences
    assert claim.text == "Lamps may be brought back for a month."


def test_an_answer_in_another_script_than_its_contexts_is_judged(judge: Callable[..., Any]) -> None:
    answer = "台灯可以在三十天内退货。"
    claims = {"claims": [{"claim": "Lamps can be returned within 30 days.", "quote": "台灯可以在三十天内退货"}]}
    support = {"verdicts": [verdict(1, "supported", "returned within 30 days")]}
    groundedness, _ = judge("groundedness", {"claims": claims, "support": support})
    score = groundedness([answer], contexts=[CONTEXTS])
    assert score.value == 1
    assert score.explain(0).sentences[0].text == "台灯可以在三十天内退货"


def test_many_claims_are_judged_in_parts(judge: Callable[..., Any]) -> None:
    answer = " ".join(f"Lamp {i} is blue." for i in range(60))
    claims = {"claims": [{"claim": f"Lamp {i} is blue.", "quote": f"Lamp {i} is blue."} for i in range(60)]}

    def support(body: dict[str, Any]) -> Any:
        numbers = re.findall(r"^(\d+)\. Lamp (\d+)", body["messages"][1]["content"], re.MULTILINE)
        return {"verdicts": [verdict(int(n), "supported" if int(i) < 45 else "not mentioned") for n, i in numbers]}

    groundedness, script = judge("groundedness", {"claims": claims, "support": support})
    score = groundedness([answer], contexts=[["Lamps are blue."]])
    assert score.value == 45 / 60
    assert len(script.bodies) == 1 + 3


class TestLongContexts:
    def test_what_is_left_out_is_said(self, judge: Callable[..., Any]) -> None:
        filler = "The history of furniture is long and of little use here. " * 20_000
        contexts = [filler[: len(filler) // 2] + CONTEXTS[0] + " " + filler[len(filler) // 2 :]]
        assert len(contexts[0]) > 1_000_000
        groundedness, script = judge("groundedness", {"claims": CLAIMS, "support": SUPPORT})
        found = groundedness([ANSWER], contexts=[contexts]).explain(0)
        shown = script.user(1)
        assert len(shown) < LONGEST + 5_000
        assert CONTEXTS[0] in shown, "the piece that the answer is about is among those that are shown"
        assert found.features["characters_left_out"] >= len(contexts[0]) - LONGEST
        assert f"of {len(contexts[0]):,} characters of the contexts" in found.reason

    def test_of_two_hundred_contexts_those_near_the_answer_are_shown_under_their_numbers(
        self, judge: Callable[..., Any]
    ) -> None:
        contexts = [f"Chapter {i}. " + "Furniture has a history. " * 20 for i in range(1, 201)]
        contexts[149] = CONTEXTS[0]
        groundedness, script = judge("groundedness", {"claims": CLAIMS, "support": SUPPORT})
        found = groundedness([ANSWER], contexts=[contexts]).explain(0)
        assert re.search(rf" context 150>>\n{re.escape(CONTEXTS[0])}\n<<", script.user(1))
        assert found.sentences[0].note.endswith("context 150: Lamps can be returned")
        assert found.features["characters_left_out"] > 0

    def test_short_ones_are_shown_whole(self, judge: Callable[..., Any]) -> None:
        contexts = ["x y. " * 11_000, "", "z. " * 1_000]
        groundedness, script = judge("groundedness", {"claims": CLAIMS, "support": SUPPORT})
        found = groundedness([ANSWER], contexts=[contexts]).explain(0)
        assert all(text in script.user(1) for text in contexts)
        assert found.features["characters_left_out"] == 0
        assert "saw" not in found.reason
