"""Data in the page comes back as it was, whatever it holds."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from html_pages import RUN, SHOWN_BY_NOBODY, Page, answer, shown, suite, verdict
from hypothesis import example as given_example
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.report.document import (
    CaseView,
    Document,
    Evidence,
    ScoreView,
    plain,
)
from pytest_genaiops.report.html import pack, page
from tests.documents import HOSTILE, example, filled


def test_values_of_cases_are_in_the_index() -> None:
    document = example(cases=30)
    view = document.suites[0]
    index = Page(page(document)).data("index")[0]
    assert index["ids"] == [case.id for case in view.cases]
    for number, metric in enumerate(view.metrics):
        for at, variant in enumerate(view.variants):
            expected = [
                each.values[metric.name] for case in view.cases for each in case.answers if each.variant == variant.id
            ]
            assert index["values"][number][at] == expected


def test_texts_of_cases_are_in_blocks() -> None:
    document = example(cases=450, variants=2, context=100)
    found = Page(page(document))
    assert found.data("index")[0]["blocks"] == [200, 200, 50]
    for given_, back in zip(document.suites[0].cases, found.cases(), strict=True):
        assert {**back, "answers": []} == {**plain(given_), "answers": []}
        for one, other in zip(given_.answers, back["answers"], strict=True):
            assert other == plain(one)


def test_a_block_ends_where_its_texts_are_long() -> None:
    cases = [CaseView(id=str(at), contexts=(str(at) * 400_000,)) for at in range(6)]
    assert [len(block) for block in pack.blocks(cases)] == [3, 3]


def test_a_passage_that_many_found_stands_once_in_a_block() -> None:
    same, other = "a passage", "another one"
    answers = (answer(contexts=(same, other)), answer("b", contexts=(other, same, same)), answer("c", contexts=()))
    cases = [CaseView(id=str(at), contexts=(same,), answers=answers) for at in range(3)]
    found = pack.texts(cases)
    assert found["pool"] == [same, other]
    assert [each["contexts"] for each in found["cases"][2]["answers"]] == [[0, 1], [1, 0, 0], []]
    assert [len(block) for block in pack.blocks([replace(each, contexts=("x" * 700_000,)) for each in cases])] == [3]


def test_a_passage_that_several_blocks_have_stands_once_in_the_page() -> None:
    common = "a passage of the corpus that every case has"
    cases = [CaseView(id=str(at), contexts=(common, f"own {at}"), answers=(answer(),)) for at in range(450)]
    found = shown(cases=cases)
    assert found.data("passages-0") == [common]
    assert found.data("texts-0-2")["pool"] == [[0, 0], *(f"own {at}" for at in range(400, 450))]
    assert [case["contexts"] for case in found.cases()] == [list(case.contexts or ()) for case in cases]


def test_suites_share_passages() -> None:
    case = CaseView(id="1", contexts=("a passage",), answers=(answer(),))
    both = (suite(cases=[case]), suite(cases=[case]))
    found = Page(page(Document(run=RUN, suites=both)))
    assert found.data("passages-0") == ["a passage"]
    assert found.cases(0) == found.cases(1)
    assert found.cases(0)[0]["contexts"] == ["a passage"]


def test_values_of_several_trials_stand_with_the_answers() -> None:
    twice = CaseView(id="1", answers=(answer(value=0.25), answer(value=0.75, trial=2), answer("b", value=0.5)))
    (case,) = pack.texts([twice])["cases"]
    assert [each.get("values") for each in case["answers"]] == [{"m": 0.25}, {"m": 0.75}, None]


def test_a_case_with_several_trials_has_their_mean_and_the_worst_outcome() -> None:
    case = CaseView(
        id="c",
        answers=(
            answer(value=0.2, trial=1, outcome="passed"),
            answer(value=0.6, trial=2, outcome="missed"),
            answer("b", value=0.2, trial=1, outcome="lost"),
            answer("b", value=None, trial=2, outcome="passed", error="timeout: no answer"),
        ),
    )
    index = shown(cases=(case,), trials=2).data("index")[0]
    assert index["values"] == [[[0.4], [None]]]
    assert index["outcomes"] == [[pack.OUTCOMES.index("missed")], [pack.OUTCOMES.index("lost")]]
    assert index["errors"] == [[0], [1]]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_none(value: float) -> None:
    cases = (CaseView(id="c", inputs={"x": value}, answers=(answer(value=value, latency=value),)),)
    scores = (ScoreView(variant="a", metric="m", value=value, interval=(value, value), n=0, unscored=1),)
    found = shown(cases=cases, scores=scores)
    assert found.data("index")[0]["values"] == [[[None], [None]]]
    assert found.cases()[0]["answers"][0]["latency"] is None
    assert not re.search(r"\b(nan|inf)\b", found.text, re.IGNORECASE)


def test_inputs_of_any_kind_are_texts() -> None:
    circle: list[Any] = []
    circle.append(circle)
    inputs = {"text": "a\nb", "list": [1, {"x": None}], "object": object, "circle": circle}
    back = shown(cases=(CaseView(id="c", inputs=inputs),)).cases()[0]["inputs"]
    assert back["text"] == "a\nb"
    assert json.loads(back["list"]) == [1, {"x": None}]
    assert back["circle"] == "a list that cannot be shown"


def test_offsets_are_those_of_a_browser() -> None:
    # One character above U+FFFF is two units in JavaScript: "a😀b" has b at 3, not at 2.
    spans = Evidence(unsupported=((2, 3), (0, 99)), sentences=((1, 3, 0.5, "note"),))
    cases = (CaseView(id="c", answers=(answer(text="a😀b", evidence={"m": spans}),)),)
    evidence = shown(cases=cases).cases()[0]["answers"][0]["evidence"]["m"]
    assert evidence == {"reason": "", "unsupported": [[3, 4], [0, 4]], "sentences": [[1, 4, 0.5, "note"]]}


# Hostile content.


@settings(max_examples=15)
@given(st.text(alphabet=st.characters(), min_size=1, max_size=60))
@given_example("\ud83d\ude00 two halves")
@given_example("</script><script>window.hacked = 1</script>")
@given_example("".join(HOSTILE))
def test_hostile_texts_are_texts(text: str) -> None:
    document = filled(text)
    written = page(document)
    assert written.encode("utf-8").decode("utf-8") == written
    found, calm = Page(written), _calm()
    values = [str(value) for _, attributes in found.elements for value in attributes.values()]
    assert SHOWN_BY_NOBODY.search("\n".join((*found.words, *values))) is None
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in calm.elements]
    assert [each for each in found.scripts if "type" not in each[0]] == [
        each for each in calm.scripts if "type" not in each[0]
    ]
    for given_, back in zip(document.suites[0].cases, found.cases(), strict=True):
        # A browser joins two halves that stand together, as JSON readers do.
        assert _joined(back["answers"][0]["text"]) == _joined(given_.answers[0].text)
        assert [_joined(each) for each in back["contexts"]] == [_joined(each) for each in given_.contexts or ()]


@cache
def _calm() -> Page:
    return Page(page(filled("calm")))


def _joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_control_and_direction_characters_are_shown_as_escapes() -> None:
    text = shown(notes=("a\x1b[31m\x00b \u202e evil \ud800 end",)).text
    assert "a\\x1b[31m\\x00b \\u202e evil \\ud800 end" in text


def test_a_megabyte_in_one_word_is_cut_in_the_overview_and_kept_for_the_case() -> None:
    word = "x" * 1_000_000
    cases = (CaseView(id="c", inputs={"q": word}, answers=(answer(text=word),)),)
    found = shown(cases=cases, verdicts=(verdict("failed", reason=word),))
    assert "980,000 more characters" in found.text
    assert len(found.text) < 60_000
    assert found.cases()[0]["answers"][0]["text"] == word
    assert len(found.data("index")[0]["heads"][0]) == pack.HEAD
