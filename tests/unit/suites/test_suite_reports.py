"""The classifiers of eval_suites/classification, and the glossary of eval_suites/translation."""

import json
import math
from pathlib import Path

import pytest
from sklearn.naive_bayes import MultinomialNB

from eval_suites.classification.app import TRAINING, Settings, by_bayes, by_rules, classify
from eval_suites.reference_text import words
from eval_suites.translation.glossary import translate

REPORTS = TRAINING.with_name("python_reports.jsonl")


def texts(path: Path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 100.0])
def test_naive_bayes_gives_scikit_learns_probabilities(alpha):
    train, test = texts(TRAINING), texts(REPORTS)
    vocabulary = sorted({word for row in train for word in words(row["text"])})
    model = MultinomialNB(alpha=alpha)
    model.fit([counts(row["text"], vocabulary) for row in train], [row["label"] for row in train])
    expected = model.predict_proba([counts(row["text"], vocabulary) for row in test])
    for row, probabilities in zip(test, expected, strict=True):
        assert by_bayes(row["text"], alpha) == pytest.approx(dict(zip(model.classes_, probabilities, strict=True)))


def counts(text, vocabulary):
    found = words(text)
    return [found.count(word) for word in vocabulary]


def test_probabilities_add_up_even_where_no_word_is_known():
    probabilities = by_bayes("zzz")
    assert math.fsum(probabilities.values()) == pytest.approx(1.0)
    assert set(probabilities.values()) == {0.2}


def test_the_label_is_the_most_probable_one():
    given = classify("a coroutine was never awaited", Settings(method="bayes"))
    assert given["label"] == "concurrency" == max(given["probabilities"], key=given["probabilities"].get)


def test_the_first_rule_with_a_word_of_the_text_wins():
    assert by_rules("pip waits for a lock") == "packaging"
    assert by_rules("a lock is never released") == "concurrency"
    assert by_rules("nothing to go by") == "types"


def test_rules_that_are_not_tried_cannot_win():
    assert by_rules("SyntaxError", rules=2) == "types"
    assert by_rules("SyntaxError") == "syntax"


def test_the_rules_give_no_probabilities():
    assert classify("SyntaxError", Settings()) == {"text": "syntax", "label": "syntax"}


def test_the_glossary_keeps_what_it_does_not_know():
    assert translate("The loop frobnicates a list, twice!") == "Die Schleife frobnicates ein Liste, twice!"
