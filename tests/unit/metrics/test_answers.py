"""Exact match and token F1, against SQuAD's definition written anew here and values by hand."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError, TokenizerError, UnscorableError
from pytest_genaiops.metrics.answers import ExactMatch, TokenF1
from pytest_genaiops.records import Case, Response


def measure(metric: ExactMatch | TokenF1, answer: str, *references: str) -> float:
    (value,) = metric.statistics(Response(text=answer), Case(id="17", references=references))
    return value


def squad_tokens(text: str) -> list[str]:
    lowered = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", lowered).split()


def squad_f1(answer: str, reference: str) -> float:
    given, wanted = squad_tokens(answer), squad_tokens(reference)
    common = sum(min(count, wanted.count(token)) for token, count in Counter(given).items())
    if common == 0:
        return 0.0
    precision, recall = common / len(given), common / len(wanted)
    return (2 * precision * recall) / (precision + recall)


texts = st.lists(st.sampled_from(["The", "a", "an", "cat", "Cat's", "sat.", "-", "U.S.", "7", "é", "\t"]), max_size=6)
phrases = texts.map(" ".join)
worded = phrases.filter(squad_tokens)


@given(phrases, st.lists(worded, min_size=1, max_size=3))
def test_any_answer_scores_by_squads_definition(answer: str, references: list[str]) -> None:
    exact = max(float(squad_tokens(answer) == squad_tokens(reference)) for reference in references)
    assert measure(ExactMatch(), answer, *references) == exact
    assert measure(TokenF1(), answer, *references) == max(squad_f1(answer, reference) for reference in references)


@pytest.mark.parametrize(
    ("answer", "reference", "exact", "f1"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1.0, 1.0),
        ("in Paris", "Paris", 0.0, 2 / 3),
        ("Paris Paris", "Paris", 0.0, 2 / 3),
        ("U.S.", "us", 1.0, 1.0),
        ("an apple", "the apple", 1.0, 1.0),
        ("theory", "ory", 0.0, 0.0),
        ("one two three", "two four", 0.0, 0.4),
        ("", "Paris", 0.0, 0.0),
    ],
)
def test_values_by_hand(answer: str, reference: str, exact: float, f1: float) -> None:
    assert measure(ExactMatch(), answer, reference) == exact
    assert measure(TokenF1(), answer, reference) == pytest.approx(f1, abs=1e-15)


@pytest.mark.parametrize("metric", [ExactMatch(), TokenF1()])
def test_an_option_that_is_an_article_is_still_an_answer(metric: ExactMatch | TokenF1) -> None:
    assert measure(metric, "A", "A") == measure(metric, " a ", "A") == 1.0
    assert measure(metric, "", "A") == measure(metric, "B", "A") == measure(metric, "the", "A") == 0.0
    assert measure(metric, "", "B", "A") == 0.0


@pytest.mark.parametrize("metric", [ExactMatch(), TokenF1()])
def test_nothing_to_compare_with_is_unscorable(metric: ExactMatch | TokenF1) -> None:
    for references in (None, (), ("",), ("  ",)):
        with pytest.raises(UnscorableError, match="row 'x' has no reference"):
            metric.statistics(Response(text=""), Case(id="x", references=references))
    assert measure(metric, "", "", "Paris") == 0.0


def test_text_without_spaces_is_refused_by_name_and_seen_by_the_mend() -> None:
    row = Case(id="r9", references=("北京是中国的首都",), source="datasets/x.jsonl:9")
    with pytest.raises(TokenizerError, match=r'row \'r9\' \(datasets/x.jsonl:9\).*Chinese.*tokenize="unicode"'):
        TokenF1().statistics(Response(text="北京"), row)
    assert measure(TokenF1(tokenize="unicode"), "北京", "北京是中国的首都") == pytest.approx(2 * 0.25 / 1.25)
    assert measure(ExactMatch(), "北京。", "北京。") == 1.0


def test_unicode_words_leave_articles_out_as_squad_does() -> None:
    assert measure(TokenF1(tokenize="unicode"), "The café", "a CAFE\u0301") == 1.0


def test_a_wrong_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(MetricError, match="did you mean 'unicode'"):
        TokenF1(tokenize="unicod")
