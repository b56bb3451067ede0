"""What a target may say that it retrieved, and what is said about the rest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients.wire import from_json, plain, response_of, to_json
from pytest_genaiops.records import Case, Passage, Response, Trial
from pytest_genaiops.targets import recorded_response, to_response

TRIAL = Trial(case=Case(id="c1", contexts=("gold",)), variant="v1")
SPAN = {"source": "manual.md", "start": 10, "end": 90}
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
PASSAGES = st.fixed_dictionaries(
    {"id": NAMES | st.integers(0, 2**128)},
    optional={"text": st.text(st.characters(codec="utf-8"), max_size=8), "source": NAMES, "score": st.floats(-9, 9)},
) | st.tuples(NAMES, st.integers(0, 99), st.integers(1, 99)).map(
    lambda of: {"source": of[0], "start": of[1], "end": of[1] + of[2]}
)


def read(*passages: Any) -> tuple[Passage, ...]:
    response = to_response({"text": "x", "retrieved": list(passages)}, TRIAL)
    assert response.error is None, response.error
    assert response.retrieved is not None
    return response.retrieved


def refusal(retrieved: Any) -> str:
    response = to_response({"text": "x", "retrieved": retrieved}, TRIAL)
    assert response.error is not None
    assert (response.error.kind, response.retrieved) == ("target", None)
    return response.error.message


class TestForms:
    def test_texts_and_whole_numbers_are_ids(self) -> None:
        import numpy as np

        assert read("d1", 7, "ü", np.int64(8)) == tuple(Passage(id=each) for each in ("d1", "7", "ü", "8"))

    def test_mappings_have_an_id_or_a_place(self) -> None:
        assert read({"id": 7, "score": 0.5, "text": None}, {**SPAN, "text": "t"}) == (
            Passage(id="7", score=0.5),
            Passage(source="manual.md", start=10, end=90, text="t"),
        )

    def test_a_source_alone_may_stand_beside_an_id(self) -> None:
        assert read({"id": "c7", "source": "manual.md"}) == (Passage(id="c7", source="manual.md"),)

    def test_passages_are_checked_too(self) -> None:
        given = Response(text="x", retrieved=(Passage(id="d1"), {"id": 2}, "d3"))  # type: ignore[arg-type]
        assert to_response(given, TRIAL).retrieved == read("d1", "2", "d3")
        assert to_response(Response(text="x", retrieved=(Passage(),)), TRIAL).error is not None

    def test_a_retriever_alone_needs_no_text(self) -> None:
        response = to_response({"retrieved": ["d1"]}, TRIAL)
        assert (response.error, response.text, response.retrieved) == (None, "", (Passage(id="d1"),))

    def test_recorded_rankings_are_read_the_same_way(self) -> None:
        case = Case(id="c1", recorded={"v1": {"text": "x", "retrieved": ["d1", SPAN]}})
        assert recorded_response(Trial(case=case, variant="v1")).retrieved == read("d1", SPAN)

    def test_who_does_not_tell_is_not_one_who_found_nothing(self) -> None:
        assert to_response("x", TRIAL).retrieved is None
        assert to_response({"text": "x", "retrieved": None}, TRIAL).retrieved is None
        assert read() == ()

    def test_10_000_passages(self) -> None:
        assert len(read(*map(str, range(10_000)))) == 10_000


class TestContexts:
    def contexts(self, retrieved: list[Any], **more: Any) -> tuple[str, ...] | None:
        return to_response({"text": "x", "retrieved": retrieved, **more}, TRIAL).contexts

    def test_they_are_the_texts_of_the_passages(self) -> None:
        assert self.contexts([{"id": 1, "text": "one"}, "d2", {"id": 3, "text": "three"}]) == ("one", "three")

    def test_given_ones_count(self) -> None:
        assert self.contexts([{"id": 1, "text": "one"}], contexts=["two"]) == ("two",)
        assert self.contexts([{"id": 1, "text": "one"}], contexts=[]) == ()

    def test_ids_say_nothing_of_them_and_nothing_retrieved_is_no_context(self) -> None:
        assert self.contexts(["d1"]) is None
        assert self.contexts([]) == ()


@given(st.lists(PASSAGES, max_size=4))
def test_what_arrives_equals_what_was_sent(retrieved: list[dict[str, Any]]) -> None:
    sent = to_response({"text": "x", "retrieved": retrieved}, TRIAL)
    assert sent.error is None
    arrived = from_json(to_json(sent), TRIAL)
    assert arrived == sent
    assert repr(arrived.retrieved) == repr(sent.retrieved)
    assert response_of(plain(sent)).retrieved == sent.retrieved
    assert to_response(arrived, TRIAL) == sent


def test_a_cassette_that_somebody_edited_is_checked() -> None:
    with pytest.raises(ValueError, match=r"^response\.retrieved\[0\]\.start is 'x'; give a whole number$"):
        response_of({"retrieved": [{"source": "a", "start": "x", "end": 5}]})


@pytest.mark.parametrize(
    ("retrieved", "said"),
    [
        ("d1", "the response's 'retrieved' is str, not a list of passages; give them best first"),
        ({"id": "d1"}, "the response's 'retrieved' is dict, not a list of passages"),
        (b"d1", "the response's 'retrieved' is bytes, not a list of passages"),
        (5, "the response's 'retrieved' is int, not a list of passages"),
        (["d1", None], "passage 2 of 'retrieved' has no id, nor a source with start and end; give one of them"),
        ([{}], "passage 1 of 'retrieved' has no id, nor a source"),
        ([{"source": "s"}], "passage 1 of 'retrieved' has no id, nor a source"),
        ([""], "the id of passage 1 in 'retrieved' is ''; give a text that is not empty, or a whole number"),
        ([True], "the id of passage 1 in 'retrieved' is True; "),
        ([1.5], "the id of passage 1 in 'retrieved' is 1.5; "),
        ([["d1", 0.9]], "the id of passage 1 in 'retrieved' is ['d1', 0.9]; "),
        ([{"idd": "a"}], "passage 1 of 'retrieved' has an unknown key 'idd'; did you mean 'id'? Known: end, id, score"),
        ([{3: "a"}], "passage 1 of 'retrieved' has an unknown key 3; "),
        ([{**SPAN, "start": 90}], "passage 1 of 'retrieved' has source 'manual.md', start 90, end 90; give a source, "),
        ([{**SPAN, "end": None}], "passage 1 of 'retrieved' has source 'manual.md', start 10, end None; "),
        ([{"id": "a", "start": 0, "end": 5}], "passage 1 of 'retrieved' has source None, start 0, end 5; "),
        ([{**SPAN, "start": -1}], "the start of passage 1 in 'retrieved' is -1; give a whole number from 0"),
        ([{**SPAN, "end": 9.5}], "the end of passage 1 in 'retrieved' is 9.5; "),
        ([{**SPAN, "end": True}], "the end of passage 1 in 'retrieved' is True; "),
        ([{"id": "a", "score": float("nan")}], "the score of passage 1 in 'retrieved' is nan; give a finite number"),
        ([{"id": "a", "score": "high"}], "the score of passage 1 in 'retrieved' is 'high'; "),
        ([{"id": "a", "text": 5}], "the response's 'retrieved' is int, not a string"),
        ([10**5000], "the id of passage 1 in 'retrieved' is a int that is too large to show; "),
        ([{**SPAN, "end": 10**5000}], "the end of passage 1 in 'retrieved' is a int that is too large to show; "),
        ([{"id": "a", "score": 10**400}], "the score of passage 1 in 'retrieved' is 1000"),
        (["\ud800"], "the response's 'retrieved' holds a lone surrogate ('\\ud800'), which is no character"),
    ],
)
def test_what_is_no_passage_is_an_error_with_its_rank(retrieved: Any, said: str) -> None:
    assert refusal(retrieved).startswith(said)


def test_messages_are_bounded_and_escaped() -> None:
    found = refusal([{"id": ["\x1b[31m" * 10_000]}])
    assert len(found) < 300
    assert found.isprintable()
