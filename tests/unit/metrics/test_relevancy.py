"""Relevancy: does the answer take up the question, and has it something of the kind asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.agreement import auroc
from benchmarks.public_data import rows, score_all
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.relevancy import Relevancy
from pytest_genaiops.records import Case, Explanation, Response

ROOT = Path(__file__).resolve().parents[3]


def evidence(answer: str, question: str) -> Explanation:
    return Relevancy().explain(Response(text=answer), Case(id="1", inputs={"question": question}))


def test_by_hand() -> None:
    """Content words: built (1.5), Eiffel (1), Tower (1); "It was built in 1889" has the first, and a number."""
    found = evidence("It was built in 1889.", "When was the Eiffel Tower built?")
    assert found.features == {
        "coverage": pytest.approx(1.5 / 3.5, abs=1e-6),
        "neighbours": 0.0,
        "type": 1.0,
        "focus": 1.0,
    }
    assert found.score == pytest.approx(2 / 3 * 1.5 / 3.5, abs=1e-6)


def test_taking_up_the_whole_question_is_one_and_none_of_it_is_zero() -> None:
    question = "When was the Eiffel Tower built?"
    assert evidence("The Eiffel Tower was built in 1889.", question).score == 1.0
    assert evidence("Bananas are yellow.", question).score == 0.0


@pytest.mark.parametrize(
    ("question", "fits", "misses"),
    [
        ("When was the bridge opened?", "The bridge was opened in 1932.", "The bridge was opened with a ceremony."),
        ("Which year was the bridge opened?", "The bridge opened in 1932.", "The bridge opened early."),
        ("How many arches has the bridge?", "The bridge has several arches.", "The bridge has arches."),
        ("How many arches has the bridge?", "The bridge has twelve arches.", "The bridge has stone arches."),
        ("Who designed the bridge?", "The bridge was designed by John Bradfield.", "The bridge was designed well."),
        ("Where is the bridge?", "The bridge is in Sydney.", "The bridge is long."),
        ("Why was the bridge closed?", "The bridge was closed because of ice.", "The bridge was closed."),
    ],
)
def test_the_kind_asked_for(question: str, fits: str, misses: str) -> None:
    assert evidence(fits, question).features["type"] == 1.0
    assert evidence(misses, question).features["type"] == 0.8


def test_repeating_the_name_in_the_question_does_not_answer_who() -> None:
    assert evidence("Mary was shot.", "Who shot Mary?").features["type"] == 0.8


def test_a_long_sentence_dilutes_and_other_sentences_do_not() -> None:
    """Of ten other content words five are expected; the five beyond them count as 50 / (50 + 5)."""
    question = "When was the tower built?"
    plain = "The tower was built in 1889."
    crowded = "The tower was built in 1889 beside apples, pears, plums, figs, dates, grapes, limes, kiwis and melons."
    assert evidence(crowded, question).features["focus"] == pytest.approx(50 / 55, abs=1e-6)
    assert evidence(f"{plain} It has apples, pears, plums, figs, dates, grapes, limes, kiwis.", question).score == 1.0


def test_word_order_of_the_question_counts() -> None:
    question = "What causes red algae blooms?"
    near = evidence("Red algae blooms have causes.", question)
    far = evidence("Red paint on the old harbour wall blooms; some other small plant causes of algae.", question)
    assert near.features["coverage"] == far.features["coverage"] == 1.0
    assert near.score > far.score


@pytest.mark.parametrize(
    "question", ["铁塔建于哪一年？", "エッフェル塔はいつ建てられましたか", "Когда построена башня?"]
)
def test_other_scripts(question: str) -> None:
    assert evidence(question, question).score == 1.0
    assert evidence("Bananas are yellow.", question).score == 0.0


@pytest.mark.parametrize(
    ("answer", "question", "reason"),
    [
        ("", "Why?", "the answer is empty"),
        ("  ", "Who built it?", "the answer is empty"),
        ("It is.", "Who built the tower?", "the answer has no content word"),
        ("A tower.", "Who are you?", "the question has no content word"),
        ("A tower.", " ", "no question"),
    ],
)
def test_nothing_to_judge(answer: str, question: str, reason: str) -> None:
    with pytest.raises(UnscorableError, match=reason):
        evidence(answer, question)


@given(st.text(max_size=60), st.text(max_size=40))
def test_offsets_and_range_hold_on_any_text(answer: str, question: str) -> None:
    try:
        found = evidence(answer, question)
    except UnscorableError:
        return
    assert 0 <= found.score <= 1
    assert all(answer[sentence.start : sentence.end] == sentence.text for sentence in found.sentences)


def test_the_sentence_that_answers_has_the_most_support() -> None:
    found = evidence("Thanks for asking. The tower was built in 1889. Enjoy it.", "When was the tower built?")
    best = max(found.sentences, key=lambda sentence: sentence.support)
    assert best.text == "The tower was built in 1889."


def test_the_signature_names_the_method() -> None:
    assert Relevancy().signature([]) == {"method": "lexical-2"}


def test_agreement_with_people() -> None:
    """Measured: 0.897; the plain share of the question's words has 0.840."""
    folder = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "selqa_dev.jsonl").is_file():
        pytest.skip(f"no public data in {folder}; set GENAIOPS_PUBLIC_DATA to its folder")
    data = rows(folder, "selqa_dev")
    scores = [-1.0 if s is None else s for s in score_all(Relevancy(), data)]
    assert auroc([row["label"] for row in data], scores)[0] >= 0.895
