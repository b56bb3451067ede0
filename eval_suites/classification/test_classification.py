"""Reports must be sorted by subject; a classifier that gives probabilities must mean them."""

import math

import pytest

VARIANTS = "eval_suites/classification/variants/*.yaml"
WITH_PROBABILITIES = "eval_suites/classification/variants/bayes*.yaml"
CANDIDATES = "eval_suites/classification/variants/candidates"
GUESSING = math.log(5)
"""Cross entropy, in nats, of giving each of the five labels a fifth."""

suite = pytest.mark.genaiops(dataset="python_reports", variants=VARIANTS, baseline="rules")


@suite
def test_reports_are_sorted(responses, classification):
    scores = classification(responses)
    assert scores.accuracy >= 0.75
    assert scores.f1 >= 0.75


@suite
def test_accuracy_is_not_an_accident(responses, classification):
    assert classification(responses).accuracy.at_least(0.6, confidence=0.95)


@pytest.mark.genaiops(dataset="python_reports", variants=VARIANTS)
def test_classifiers_are_as_good_as_committed(responses, baseline, classification):
    # Fifty reports without a single change leave room for a loss of 0.071: no smaller margin could pass.
    assert classification(responses).accuracy.not_worse_than(baseline, margin=0.1)


@pytest.mark.genaiops(dataset="python_reports", variants=WITH_PROBABILITIES)
def test_probabilities_are_meant(responses, cross_entropy):
    assert cross_entropy(responses) <= GUESSING / 2


@pytest.mark.genaiops(dataset="python_reports", variants=VARIANTS, pass_rate=0.75)
def test_report_is_sorted(response, case):
    assert response.label == case.label


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="three labels have no rule: the gate must stop it")
@pytest.mark.genaiops(dataset="python_reports", variants=f"{CANDIDATES}/two_rules.yaml")
def test_missing_rules_are_stopped(responses, classification):
    assert classification(responses).accuracy >= 0.75


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="it is hardly better than guessing: the gate must stop it"
)
@pytest.mark.genaiops(dataset="python_reports", variants=f"{CANDIDATES}/bayes_vague.yaml")
def test_vague_probabilities_are_stopped(responses, cross_entropy):
    assert cross_entropy(responses) <= GUESSING / 2
