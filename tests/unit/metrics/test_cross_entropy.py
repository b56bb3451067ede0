"""Cross-entropy: scikit-learn's log loss, and a reason where probabilities are not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import add_up
from pytest_genaiops.metrics.cross_entropy import CrossEntropy
from pytest_genaiops.records import Case, Response


def measure(probabilities: dict | None, label: str | None = "a") -> float:
    (value,) = CrossEntropy().statistics(Response(probabilities=probabilities), Case(id="17", label=label))
    return value


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from("ab")), min_size=1, max_size=20))
def test_the_mean_is_scikit_learns_log_loss(rows: list[tuple[int, int, str]]) -> None:
    rows = [(a, b if a + b else 1, label) for a, b, label in rows]
    shares = [(a / (a + b), b / (a + b)) for a, b, _ in rows]
    labels = [label for *_, label in rows]
    metric = CrossEntropy()
    statistics = [(measure({"a": a, "b": b}, label),) for (a, b), label in zip(shares, labels, strict=True)]
    assert metric.score(add_up(statistics), len(rows)) == pytest.approx(log_loss(labels, shares, labels=["a", "b"]))


def test_values_by_hand() -> None:
    assert measure({"a": 0.5, "b": 0.5}) == math.log(2)
    assert measure({"a": 1 / math.e, "b": 1 - 1 / math.e}) == pytest.approx(1.0)
    assert math.copysign(1, measure({"a": 1.0, "b": 0.0})) == 1.0
    assert measure({"a": 1, "b": 0}) == 0.0


def test_a_true_class_given_no_chance_costs_a_finite_lot() -> None:
    assert measure({"a": 0.0, "b": 1.0}) == pytest.approx(36.0437, abs=1e-4)
    assert not CrossEntropy().higher_is_better


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        (None, "no class probabilities"),
        ({}, "no class probabilities"),
        ({"a": 0.5, "b": 0.6}, "sum to 1.1"),
        ({"a": 0.5, "b": 0.498}, "sum to 0.998"),
        ({"a": float("nan"), "b": 1.0}, "'a' is nan"),
        ({"a": 1.5, "b": -0.5}, "'a' is 1.5"),
        ({"a": float("inf"), "b": 0.0}, "'a' is inf"),
        ({"a": "0.5", "b": 0.5}, "'a' is '0.5'"),
        ({"a": None, "b": 1.0}, "'a' is None"),
        ({"a": True}, "'a' is True"),
        ({"b": 0.5, "c": 0.5}, "label 'a' of row '17' has no probability; the classes are 'b', 'c'"),
    ],
)
def test_what_is_no_distribution_over_the_label_is_unscorable(probabilities: dict | None, reason: str) -> None:
    with pytest.raises(UnscorableError, match=reason):
        measure(probabilities)


def test_a_missing_label_is_unscorable_and_rounded_probabilities_are_fine() -> None:
    with pytest.raises(UnscorableError, match="row '17' has no label"):
        measure({"a": 1.0}, label=None)
    assert measure({"a": 0.333, "b": 0.333, "c": 0.333}) == -math.log(0.333)


def test_the_reason_lists_some_of_many_classes() -> None:
    with pytest.raises(UnscorableError, match="and 90 more"):
        measure({f"c{i:02}": 0.01 for i in range(100)})
