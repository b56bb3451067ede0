"""The summarizers of eval_suites/summarization, and the text that they read."""

import pytest

from eval_suites.reference_text import document, sentences, words
from eval_suites.summarization.app import Settings, centrality, summarize


def test_lead_takes_the_first_sentences_of_the_section():
    given = summarize("break", Settings(method="lead", sentences=2))
    assert given["text"] == " ".join(sentences("break")[:2])
    assert given["contexts"] == [document("break")]


def test_tail_takes_the_last_sentences_in_their_order():
    assert summarize("for", Settings(method="tail", sentences=2))["text"] == " ".join(sentences("for")[-2:])


def test_a_section_shorter_than_its_summary_is_given_whole():
    assert summarize("if", Settings(method="central", sentences=99))["text"] == document("if")


def test_the_most_central_sentence_shares_words_with_all_others():
    text = ["Lists hold items.", "Lists and tuples hold items in order.", "Tuples keep order.", "Whales sing."]
    weights = centrality(text)
    assert sum(weights) == pytest.approx(1.0)
    assert max(weights) == weights[1]
    assert weights[3] == pytest.approx(0.25), "a sentence that no other is like keeps its own quarter"


def test_equal_sentences_are_equally_central():
    assert centrality(["a loop ends"] * 4) == pytest.approx([0.25] * 4)


def test_sections_are_read_without_headings_grammar_and_sessions():
    text = document("raise")
    assert "****" not in text
    assert "::=" not in text
    assert ">>>" not in text
    assert text.startswith('If no expressions are present, "raise" re-raises')


def test_a_closing_bracket_stays_with_its_sentence():
    assert "(Usually, the suite contains mostly function definitions.)" in sentences("class")


def test_a_section_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        sentences("no such section")


def test_words_are_lower_case_and_without_a_plural_s():
    assert words("The Classes' __init__ is 3.5 times as long") == [
        "the", "classe", "__init__", "is", "3.5", "time", "as", "long",
    ]  # fmt: skip
