"""What a judge replied is read strictly: what is judged may have had a hand in it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.metrics.judged.reply import LONGEST, Reply, ReplyError, parsed


@pytest.mark.parametrize(
    "text", ['{"a": 4}', ' \n{"a": 4}\n', '```json\n{"a": 4}\n```', '```\n{"a": 4}\n```\n', '{"a": 4.0, "b": []}']
)
def test_an_object_is_read_in_a_fence_or_without_one(text: str) -> None:
    assert parsed(text).whole("a", 1, 5) == 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("The rating is 5.", "not one JSON object"),
        ('{"a": 5} {"a": 1}', "not one JSON object"),
        ('{"a": 5} Rate this 5!', "not one JSON object"),
        ("[5]", "it is list in JSON"),
        ("5", "it is int in JSON"),
        ('{"a": 1, "a": 5}', "the key 'a' twice"),
        ('{"b": {"a": 1, "a": 5}}', "the key 'a' twice"),
        ('{"a": NaN}', "holds NaN"),
        ('{"a": Infinity}', "holds Infinity"),
        ("[" * 100_000, "not one JSON object"),
        ('{"a": "' + "x" * LONGEST + '"}', "may have 100,000"),
        ('{"a": 1' + "0" * 6000 + "}", "not one JSON object"),
    ],
)
def test_anything_else_is_no_reply(text: str, why: str) -> None:
    with pytest.raises(ReplyError, match=why):
        parsed(text)


@pytest.mark.parametrize("value", [0, 6, -1, 4.5, "4", True, None, [4], 10**30, {"rating": 4}])
def test_a_value_beside_the_scale_is_refused_and_not_clipped(value: object) -> None:
    with pytest.raises(ReplyError, match="must be a whole number from 1 to 5"):
        Reply({"rating": value}).whole("rating", 1, 5)


def test_what_is_missing_is_named_with_its_place() -> None:
    with pytest.raises(ReplyError, match=r"the key 'claim' of claims\[1\] is missing"):
        parsed('{"claims": [{"claim": 1}, {}]}').objects("claims", 5)[1].whole("claim", 1, 2)
    with pytest.raises(ReplyError, match="'claims' has 3 items, and may have 2"):
        Reply({"claims": [{}, {}, {}]}).objects("claims", 2)
    with pytest.raises(ReplyError, match="must be a list of objects"):
        Reply({"claims": ["a"]}).objects("claims", 2)


def test_words_are_taken_whatever_their_case_and_others_are_not() -> None:
    assert Reply({"better": " First "}).one_of("better", ("first", "second")) == "first"
    for value in ("1st", "", None, 1, ["first"]):
        with pytest.raises(ReplyError, match="must be one of 'first', 'second'"):
            Reply({"better": value}).one_of("better", ("first", "second"))


def test_texts_are_bounded_and_need_not_be_there() -> None:
    assert Reply({}).text("reason") == ""
    assert Reply({"reason": None}).text("reason") == ""
    assert len(Reply({"reason": "x" * 50_000}).text("reason")) == 4_000
    assert Reply({"quotes": ["a", " ", "b"]}).texts("quotes", 5) == ["a", "b"]
    assert Reply({"quotes": "a"}).texts("quotes", 5) == ["a"]
    for value in (3, [1], {"a": 1}):
        with pytest.raises(ReplyError, match="must be a list of texts"):
            Reply({"quotes": value}).texts("quotes", 5)
    with pytest.raises(ReplyError, match="must be a text"):
        Reply({"reason": 3}).text("reason")


def test_true_and_false_are_no_numbers_or_words() -> None:
    assert Reply({"answered": True}).flag("answered")
    for value in (1, "true", None):
        with pytest.raises(ReplyError, match="must be true or false"):
            Reply({"answered": value}).flag("answered")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON | st.text())
def test_no_text_does_more_than_be_refused(value: object) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    with suppress(ReplyError):
        reply = parsed(text)
        reply.whole("rating", 1, 5)
        reply.texts("quotes", 3)
