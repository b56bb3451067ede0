"""The question answering program of eval_suites/rag."""

import math

import pytest

from eval_suites.rag.bm25 import Bm25
from eval_suites.rag.lexical import DECLINED, Settings, reply
from eval_suites.reference_text import document


def test_bm25_gives_the_value_worked_out_by_hand():
    """Two texts of two words each, so that length normalisation cancels: weight * 1 * 2.2 / (1 + 1.2)."""
    index = Bm25(["red apple", "green apple"])
    rare, common = math.log(1 + 1.5 / 1.5), math.log(1 + 0.5 / 2.5)
    assert index.scores("red apple") == pytest.approx([rare + common, common])
    assert index.scores("plum") == [0.0, 0.0]


def test_bm25_prefers_the_shorter_of_two_texts_with_the_same_word():
    shorter, longer = Bm25(["red apple", "red apple on a very old tree"]).scores("red")
    assert shorter > longer > 0


def test_nearness_of_an_indexed_text_is_its_score():
    texts = ["red apple", "green apple and pear", "plum"]
    index = Bm25(texts)
    assert [index.nearness("green apple", text) for text in texts] == index.scores("green apple")


def test_coverage_is_the_share_of_the_weight_that_is_there():
    index = Bm25(["red apple", "green apple"])
    assert index.coverage("red apple", ["apple pie", "red wine"]) == pytest.approx(1.0)
    assert index.coverage("red apple", []) == 0.0
    assert 0 < index.coverage("red apple", ["an apple"]) < 0.5
    assert index.coverage("?", ["red"]) == 0.0


def test_the_answer_stands_in_a_retrieved_passage():
    given = reply("Which exception does deletion of a name raise if the name is unbound?", Settings(k=3))
    assert given["text"] == 'If the name is unbound, a "NameError" exception will be raised.'
    assert len(given["contexts"]) == 3
    assert any(given["text"] in passage for passage in given["contexts"])


def test_it_declines_what_the_documents_do_not_say():
    assert reply("How do I plot a histogram with matplotlib?", Settings())["text"] == DECLINED


def test_the_floor_decides_when_to_decline():
    question = "How do I plot a histogram with matplotlib?"
    assert reply(question, Settings(floor=0.0))["text"] != DECLINED


def test_the_opening_comes_before_the_answer_and_not_into_the_passages():
    given = reply("Is the sort() method guaranteed to be stable?", Settings(opening="Hello!"))
    assert given["text"].startswith('Hello! The "sort()" method is guaranteed to be stable.')
    assert not any("Hello!" in passage for passage in given["contexts"])


def test_first_takes_the_sentences_that_stand_first():
    given = reply("Is the sort() method guaranteed to be stable?", Settings(pick="first", take=2))
    assert given["contexts"][0].startswith(given["text"])


def test_every_passage_stands_in_the_section_that_is_said_to_be_retrieved():
    given = reply("Is the sort() method guaranteed to be stable?", Settings(k=5))
    assert len(given["retrieved"]) == 5
    assert all(text in document(name) for name, text in zip(given["retrieved"], given["contexts"], strict=True))
