"""Samples and settings that no verdict can be made of: a sentence or "undecided", never a crash, a NaN or a pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from pytest_genaiops import Case, Response, Score, Verdict, metric
from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Trial

GOOD = [0.9, 0.8, 0.85, 0.95, 0.7, 0.75, 0.9, 0.8, 0.6, 0.9]


def tone(values: list[float | None], **more: Any) -> Score:
    return Score.of(values, name="tone", **more)


def verdicts(score: Score, other: Score) -> list[Verdict]:
    """Every rule, with lines that more cases like these would meet."""
    return [
        score.at_least(0.5),
        score.at_most(0.9),
        score.within(0.5, 0.9),
        score.not_worse_than(other, margin=0.2),
        score.better_than(other),
    ]


@pytest.mark.parametrize(
    ("values", "others"),
    [
        ([], []),
        ([None, None, None], [None, None, None]),
        ([0.8], [0.8]),
        ([0.8], [0.1]),
        ([0.8, 0.8], [0.2, 0.2]),
        ([0.8, 0.7], [0.8, 0.7]),
        ([1.0, 1.0], [0.0, 0.0]),
        ([0.8, None], [0.8, 0.8]),
        ([0.8] * 3, [0.8] * 3),
        ([0.8] * 3, [None] * 3),
    ],
)
def test_too_little_to_go_by_is_undecided_with_a_reason(values: Any, others: Any) -> None:
    for verdict in verdicts(tone(values), tone(others)):
        assert verdict.outcome == "undecided", verdict
        assert verdict.reason
        assert "nan" not in verdict.reason.lower()
        numbers = [*(verdict.interval or ()), verdict.value or 0.0, verdict.detectable or 0.0]
        assert not any(map(math.isnan, numbers))


@pytest.mark.parametrize("n", [2, 20, 200])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_rate_without_spread_is_not_certain(n: int, value: float) -> None:
    score = tone([value] * n)
    low, high = score.interval()
    assert high - low > 1 / (2 * n)
    found = score.difference(tone([value] * n))
    assert found is not None
    assert found.interval[1] - found.interval[0] > 1 / n


@pytest.mark.parametrize("values", [[1.2], [-0.1], [math.nan], [math.inf], ["0.5"], [[]]])
def test_values_off_the_scale_or_no_numbers_are_refused(values: Any) -> None:
    with pytest.raises(MetricError, match=r"tone: 0 has the value .* not on the scale 0 to 1"):
        tone(values)


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf, -math.inf])
def test_margins_that_are_none_are_refused(margin: float) -> None:
    with pytest.raises(MetricError, match="margin is"):
        tone([*GOOD]).not_worse_than(tone([*GOOD]), margin=margin)


@pytest.mark.parametrize("confidence", [0, 1, -1, 95, math.nan])
@pytest.mark.parametrize(
    "judge",
    [
        lambda s, c: s.at_least(0.5, confidence=c),
        lambda s, c: s.at_most(0.5, confidence=c),
        lambda s, c: s.within(0.5, 0.6, confidence=c),
        lambda s, c: s.not_worse_than(s, 0.1, confidence=c),
        lambda s, c: s.better_than(s, confidence=c),
        lambda s, c: s.interval(c),
        lambda s, c: s.difference(s, confidence=c),
    ],
)
def test_confidences_that_are_none_are_refused(judge: Callable[[Score, float], Any], confidence: float) -> None:
    for score in (tone([*GOOD]), metric("bleu")(["a b c d e", "f g h i j"], ["a b c d e", "f g h i k"])):
        with pytest.raises(MetricError, match="confidence is"):
            judge(score, confidence)


@pytest.mark.parametrize("limit", [math.nan, math.inf])
def test_thresholds_that_are_none_are_refused(limit: float) -> None:
    with pytest.raises(MetricError, match="threshold is"):
        tone([*GOOD]).at_least(limit)


def of_dataset(name: str) -> list[Response]:
    return [
        Response(text="y", trial=Trial(case=Case(id=f"c{i}", references=("y",)), variant="v", dataset=name))
        for i in range(30)
    ]


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (lambda: Score.of(GOOD, name="style"), "one has tone, the other style"),
        (lambda: Score.of(GOOD, name="tone", higher_is_better=False), "better:higher, the other better:lower"),
        (lambda: Score.of(GOOD, name="tone", scale=(0, 5)), "scale:0-1, the other scale:0-5"),
        (lambda: Score.of(GOOD, name="tone", ids=[f"x{i}" for i in range(10)]), "share 0 of 20 cases"),
    ],
)
def test_a_baseline_of_something_else_is_refused_with_what_differs(other: Callable[[], Score], differs: str) -> None:
    for judge in (lambda s, o: s.not_worse_than(o, 0.1), lambda s, o: s.better_than(o), lambda s, o: s.tests(o)):
        with pytest.raises(MetricError, match=differs):
            judge(tone([*GOOD]), other())


def test_a_baseline_of_another_dataset_is_refused() -> None:
    exact = metric("exact_match")
    with pytest.raises(MetricError, match="one has data:aaaa, the other data:bbbb"):
        exact(of_dataset("aaaa")).not_worse_than(of_dataset("bbbb"), margin=0.5)


def test_clusters_that_are_all_different_change_nothing() -> None:
    alone, apart = tone([*GOOD]), tone([*GOOD], clusters=[str(i) for i in range(10)])
    assert apart.interval() == alone.interval()
    assert apart.at_least(0.5).clusters is None


def test_one_cluster_decides_nothing() -> None:
    together = tone([*GOOD] * 5, clusters=["one"] * 50)
    other = tone([0.1] * 50, clusters=["one"] * 50)
    for verdict in verdicts(together, other):
        assert verdict.outcome == "undecided"
        assert verdict.clusters == 1
        assert "in 1 cluster" in verdict.reason


@pytest.mark.parametrize("name", ["bleu", "chrf", "ter", "rouge"])
def test_corpus_scores_of_one_case_decide_nothing(name: str) -> None:
    found = metric(name)(["the cat sat on the mat"], ["the cat sat on a mat"])
    score = found if isinstance(found, Score) else found.rougeL
    assert score.at_least(0.0001).outcome == "undecided"
    assert score.interval() == score.scale
