"""Comparisons of numbers that are about some cases only: which ones may take an answer to tell."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_genaiops import evaluate, metric
from pytest_genaiops.comparison import Change
from pytest_genaiops.evaluation import Evaluation

SPAN = [{"source": "s", "start": 0, "end": 10}]
FOUND, ELSEWHERE = {"source": "s", "start": 0, "end": 10}, {"source": "s", "start": 20, "end": 30}


def evaluated(answers: dict[str, dict[str, Any]], positive: str) -> Evaluation:
    """Questions named by a letter, those of ``positive`` with something to find; answers that raise are None."""
    rows = [{"id": name, "question": "?", "relevant": SPAN if name in positive else []} for name in "abcdefgh"]

    def answer(case: Any, variant: Any) -> Any:
        found = answers[variant.id].get(case.id, FOUND)
        if found is None:
            raise RuntimeError("down")
        return {"text": "t", "retrieved": [found]}

    return evaluate(dataset=rows, target=answer, variants=list(answers), metrics=[metric("retrieval", k=1)])


def change(evaluation: Evaluation, name: str) -> Change:
    (found,) = [each for each in evaluation.compare("new", "old") if each.metric == name]
    return found


def test_a_failure_on_a_case_that_the_number_is_not_about_leaves_the_others_paired() -> None:
    evaluation = evaluated({"old": {}, "new": {"a": None, "c": ELSEWHERE}}, positive="bcdefgh")
    found = change(evaluation, "mrr")
    assert (found.n, found.unscored) == (7, 0)
    assert found.change == pytest.approx(-1 / 7)


def test_a_failure_on_a_case_that_it_is_about_is_unscored() -> None:
    evaluation = evaluated({"old": {"c": ELSEWHERE}, "new": {"b": None, "c": ELSEWHERE}}, positive="bcdefgh")
    found = change(evaluation, "mrr")
    assert (found.n, found.unscored) == (6, 1)
    assert found.change == 0


def test_rows_join_by_case_where_each_side_fails_on_another_one() -> None:
    # Both tables have seven rows, and of each place from the first on the rows of two different cases.
    evaluation = evaluated({"old": {"a": None, "c": ELSEWHERE}, "new": {"h": None, "c": ELSEWHERE}}, positive="bcdefg")
    found = change(evaluation, "mrr")
    assert (found.n, found.unscored) == (6, 0)
    assert found.interval is not None
    assert found.change == 0
    assert found.p_value == 1


def test_a_pair_does_not_depend_on_a_third_variant() -> None:
    two = {"old": {}, "new": {"c": ELSEWHERE, "d": None}}
    alone = evaluated(two, positive="bcdefgh")
    beside = evaluated({**two, "other": {"a": None, "b": None}}, positive="bcdefgh")
    for name in ("mrr", "abstention", "unlabelled_at_1"):
        assert change(alone, name) == change(beside, name)
    among = [each for each in beside.compare(adjust="holm") if each.metric == "mrr" and each.baseline_id == "old"]
    assert [(each.candidate_id, each.n, each.unscored) for each in among if not each.slice] == [
        ("new", 6, 1), ("other", 6, 1),
    ]  # fmt: skip
