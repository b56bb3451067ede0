"""Classification: scikit-learn's numbers on any confusion, per class and averaged."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    matthews_corrcoef,
    precision_recall_fscore_support,
)

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Part, Total, add_up
from pytest_genaiops.metrics.classification import Classification
from pytest_genaiops.records import Case, Response

decisions = st.lists(
    st.tuples(st.sampled_from(["spam", "ham", "eggs", "käse"]), st.sampled_from(["spam", "ham", "eggs", "bacon"])),
    min_size=1,
    max_size=30,
)


def total_of(metric: Classification, pairs: list[tuple[str, str]]) -> Total:
    return add_up([metric.statistics(Response(label=guess), Case(id="1", label=label)) for guess, label in pairs])


def value(part: Part | Mapping[str, Part], total: Total, n: int) -> float:
    assert isinstance(part, Part)
    return part.score(total, n)


@settings(deadline=None)
@given(decisions, st.sampled_from(["macro", "micro", "weighted"]))
def test_averages_are_scikit_learns(pairs: list[tuple[str, str]], average: str) -> None:
    metric = Classification(average=average)
    total, n = total_of(metric, pairs), len(pairs)
    guesses, labels = zip(*pairs, strict=True)
    parts = metric.parts(total)
    wanted = precision_recall_fscore_support(labels, guesses, average=average, zero_division=0)[:3]
    assert [value(parts[name], total, n) for name in ("precision", "recall", "f1")] == pytest.approx(wanted, abs=1e-12)
    assert value(parts["accuracy"], total, n) == metric.score(total, n) == accuracy_score(labels, guesses)


@settings(deadline=None)
@given(decisions)
def test_scores_per_class_and_confusion_are_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    metric = Classification(average=None)
    total, n = total_of(metric, pairs), len(pairs)
    guesses, labels = zip(*pairs, strict=True)
    names = sorted({*guesses, *labels})
    wanted = precision_recall_fscore_support(labels, guesses, labels=names, zero_division=0)[:3]
    for kind, expected in zip(("precision", "recall", "f1"), wanted, strict=True):
        by_class = metric.parts(total)[kind]
        assert isinstance(by_class, Mapping)
        assert list(by_class) == names
        assert [part.score(total, n) for part in by_class.values()] == pytest.approx(list(expected), abs=1e-12)
    matrix = confusion_matrix(labels, guesses, labels=names)
    confusion = metric.tables(total)["confusion"]
    assert sum(confusion.values()) == n
    assert all(matrix[names.index(true), names.index(guess)] == count for (true, guess), count in confusion.items())


def test_values_by_hand() -> None:
    # spam: 2 of 3 predictions right, 2 of 2 found; ham: 1 of 1 right, 1 of 2 found.
    metric = Classification()
    total = total_of(metric, [("spam", "spam"), ("spam", "spam"), ("spam", "ham"), ("ham", "ham")])
    parts = metric.parts(total)
    assert value(parts["accuracy"], total, 4) == 0.75
    assert value(parts["precision"], total, 4) == pytest.approx((2 / 3 + 1) / 2)
    assert value(parts["recall"], total, 4) == pytest.approx((1 + 1 / 2) / 2)
    assert value(parts["f1"], total, 4) == pytest.approx((0.8 + 2 / 3) / 2)
    assert metric.tables(total) == {"confusion": {("ham", "ham"): 1, ("ham", "spam"): 1, ("spam", "spam"): 2}}


@settings(deadline=None)
@given(decisions)
def test_matthews_correlation_is_scikit_learns_where_it_exists(pairs: list[tuple[str, str]]) -> None:
    total, n = total_of(Classification(), pairs), len(pairs)
    mcc = Classification().parts(total)["mcc"]
    guesses, labels = zip(*pairs, strict=True)
    if len({*guesses}) > 1 and len({*labels}) > 1:
        assert value(mcc, total, n) == pytest.approx(matthews_corrcoef(labels, guesses), abs=1e-12)
        return
    # scikit-learn 1.9 says 0 here, the value of guessing; there is no correlation with a constant.
    with pytest.raises(UnscorableError, match=r"all (predictions|labels) are one class"):
        value(mcc, total, n)


def test_matthews_correlation_by_hand() -> None:
    """6 true and 3 missed positives, 5 true negatives and 1 false alarm: (6 * 5 - 1 * 3) / sqrt(7 * 9 * 6 * 8)."""
    pairs = [("yes", "yes")] * 6 + [("no", "yes")] * 3 + [("no", "no")] * 5 + [("yes", "no")]
    total = total_of(Classification(), pairs)
    mcc = Classification(average=None).parts(total)["mcc"]
    assert isinstance(mcc, Part)
    assert (mcc.scale, mcc.higher_is_better) == ((-1.0, 1.0), True)
    assert value(mcc, total, 15) == pytest.approx(27 / 3024**0.5)
    turned = {("no" if guess == "yes" else "yes", label): count for (guess, label), count in total.items()}
    assert value(mcc, turned, 15) == pytest.approx(-27 / 3024**0.5)
    perfect = {(str(i), str(i)): 1 for i in range(7)}
    assert value(mcc, perfect, 7) == 1.0


@pytest.mark.parametrize(("guess", "what"), [("spam", "all predictions"), ("ham", "all predictions"), (None, "labels")])
def test_a_constant_correlates_with_nothing(guess: str | None, what: str) -> None:
    pairs = [("spam", "ham"), ("ham", "ham")] if guess is None else [(guess, "spam"), (guess, "ham")]
    total = total_of(Classification(), pairs)
    with pytest.raises(UnscorableError, match=what):
        value(Classification().parts(total)["mcc"], total, 2)


def test_a_case_is_right_or_wrong_under_every_part() -> None:
    metric = Classification()
    right = metric.statistics(Response(text=" spam\n"), Case(id="1", label="spam"))
    wrong = metric.statistics(Response(label="ham", text="spam"), Case(id="1", label="spam"))
    assert right == {("spam", "spam"): 1}
    assert wrong == {("ham", "spam"): 1}
    for part in metric.parts(add_up([right, wrong])).values():
        assert isinstance(part, Part)
        assert (part.case_score(right), part.case_score(wrong)) == (1.0, 0.0)
        assert part.is_mean == (part.name == "accuracy")


def test_a_resampled_sum_with_zeros_knows_only_the_classes_that_occur() -> None:
    metric = Classification()
    total = {("spam", "spam"): 3, ("ham", "ham"): 0, ("spam", "ham"): 0}
    assert value(metric.parts(total)["f1"], total, 3) == 1.0
    part = Classification(average=None).parts({("spam", "spam"): 1, ("ham", "ham"): 1})["f1"]
    assert isinstance(part, Mapping)
    with pytest.raises(UnscorableError, match="'ham'"):
        part["ham"].score(total, 3)


def test_members_per_class_are_unknown_before_data() -> None:
    assert Classification(average=None).parts(None)["f1"] == {}


def test_what_has_no_label_or_no_prediction_is_unscorable() -> None:
    for label in (None, "", " "):
        with pytest.raises(UnscorableError, match="row 'x' has no label"):
            Classification().statistics(Response(text="spam"), Case(id="x", label=label))
    for response in (Response(text=" \n"), Response(label="", text="spam")):
        with pytest.raises(UnscorableError, match="names no class"):
            Classification().statistics(response, Case(id="x", label="spam"))


def test_a_wrong_average_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(MetricError, match="did you mean 'macro'"):
        Classification(average="marco")
