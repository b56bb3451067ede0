"""Scores corrected by people's labels of some cases."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from pytest_genaiops import Score, metric
from pytest_genaiops.errors import MetricError

N = 300


def world(rate: float = 0.7, right: float = 0.85, seed: int = 4) -> tuple[Score, dict[str, int], float]:
    """A judge's yes or no of every case, what people say of fifty, and the true rate."""
    rng = random.Random(seed)
    truth = [int(rng.random() < rate) for _ in range(N)]
    judged = [float(y if rng.random() < right else 1 - y) for y in truth]
    score = Score.of(judged, ids=[f"c{i}" for i in range(N)], name="tone")
    return score, {f"c{i}": y for i, y in enumerate(truth[:50])}, sum(truth) / N


class TestPpi:
    def test_moves_the_judges_rate_towards_peoples(self) -> None:
        score, labels, truth = world()
        found = score.corrected(labels)
        assert score.value is not None
        assert abs(found.value - truth) < abs(score.value - truth)
        assert found.interval[0] <= truth <= found.interval[1]
        assert (found.n, found.n_labelled, found.method, found.unscored) == (N, 50, "PPI++", 0)
        assert found.weight is not None
        assert 0 < found.weight < 1
        assert found.uncorrected == score.value

    def test_is_narrower_than_labels_alone(self) -> None:
        score, labels, _ = world(right=0.95)
        low, high = score.corrected(labels).interval
        alone = Score.of(list(labels.values())).interval()
        assert high - low < 0.9 * (alone[1] - alone[0])

    def test_of_all_labels_is_their_mean(self) -> None:
        score = Score.of([1, 0, 1, 0] * 10, name="tone")
        found = score.corrected({str(i): int(i < 30) for i in range(40)})
        assert found.value == 0.75
        assert found.weight == 0
        assert found.interval == pytest.approx(Score.of([1.0] * 30 + [0.0] * 10).interval(), abs=1e-6)

    def test_takes_yes_or_no_beside_a_graded_judge(self) -> None:
        rng = random.Random(1)
        truth = [int(rng.random() < 0.5) for _ in range(200)]
        graded = Score.of([3 + 1.5 * y + rng.random() / 2 for y in truth], scale=(1, 5), name="stars")
        found = graded.corrected({str(i): truth[i] for i in range(60)})
        assert found.scale == (0, 1)
        assert found.value == pytest.approx(sum(truth) / 200, abs=0.1)

    def test_takes_ratings(self) -> None:
        rng = random.Random(2)
        people = [rng.randint(1, 5) for _ in range(200)]
        judged = Score.of([min(5, rating + 1) for rating in people], scale=(1, 5), name="stars")
        found = judged.corrected({str(i): people[i] for i in range(60)})
        assert found.scale == (1, 5)
        assert found.interval[0] <= sum(people) / 200 <= found.interval[1]
        assert judged.corrected({"1": 0, "2": 9.5, "3": 4}, scale=(0, 10)).scale == (0, 10)

    def test_takes_a_threshold(self) -> None:
        score = Score.of([i / 100 for i in range(100)], name="tone")
        labels = {str(i): i >= 50 for i in range(0, 100, 2)}
        found = score.corrected(labels, threshold=0.5)
        assert found.uncorrected == 0.5
        assert found.value == pytest.approx(0.5)

    def test_counts_unscored_cases(self) -> None:
        score = Score.of([None, 1, 0, 1, 0, 1, 0, 1], name="tone")
        found = score.corrected({"0": 1, "1": 1, "2": 0, "3": 1})
        assert (found.n, found.unscored, found.n_labelled) == (7, 1, 3)
        verdict = found.at_least(0.0)
        assert verdict.outcome == "undecided"
        assert "1 of 8 cases unscored" in verdict.reason

    def test_is_less_sure_of_clusters(self) -> None:
        rng = random.Random(3)
        truth = [int(rng.random() < 0.5) for _ in range(30) for _ in range(1)]
        values = [float(y) for y in truth for _ in range(10)]
        judged = [y if rng.random() < 0.8 else 1 - y for y in values]
        ids, documents = [f"c{i}" for i in range(300)], [f"d{i // 10}" for i in range(300)]
        labels = {f"c{i}": values[i] for i in range(100)}
        apart = Score.of(judged, ids=ids).corrected(labels).interval
        together = Score.of(judged, ids=ids, clusters=documents).corrected(labels).interval
        assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])


class TestRoganGladen:
    def test_takes_labels_of_either_kind_in_equal_numbers(self) -> None:
        rng = random.Random(6)
        truth = [int(i % 10 > 0) for i in range(1000)]
        judged = [float(rng.random() < (0.9 if y else 0.2)) for y in truth]
        score = Score.of(judged, name="tone")
        kinds = [[i for i, y in enumerate(truth) if y == kind][:60] for kind in (0, 1)]
        found = score.corrected({str(i): truth[i] for kind in kinds for i in kind}, method="rogan_gladen")
        assert found.method == "Rogan-Gladen"
        assert found.weight is None
        assert found.interval[0] <= 0.9 <= found.interval[1]

    def test_is_the_published_estimate(self) -> None:
        # Says yes to 6 of 10; of 5 accepted it passes 4, of 5 others it stops 3: (0.6 + 0.6 - 1) / (0.8 + 0.6 - 1).
        score = Score.of([1, 1, 1, 1, 0, 1, 1, 0, 0, 0], name="tone")
        found = score.corrected({str(i): int(i < 5) for i in range(10)}, method="rogan_gladen")
        assert found.value == pytest.approx(0.5)

    @pytest.mark.parametrize(
        ("values", "labels", "message"),
        [
            ([0.2, 0.9, 1, 0], {"0": 0, "1": 1}, "graded: give threshold="),
            ([1, 0, 1, 0], {"0": 1, "2": 1}, "all labels are the same"),
            ([1, 0, 1, 0], {"0": 0, "1": 1}, "no better than chance"),
        ],
    )
    def test_is_refused(self, values: list[float], labels: dict[str, int], message: str) -> None:
        with pytest.raises(MetricError, match=message):
            Score.of(values, name="tone").corrected(labels, method="rogan_gladen")


class TestVerdicts:
    def test_go_by_the_corrected_interval(self) -> None:
        score, labels, _ = world()
        found = score.corrected(labels)
        low, high = found.interval
        assert found.at_least(low - 0.01).outcome == "passed"
        assert found.at_least(high + 0.01).outcome == "failed"
        assert found.at_least(found.value).outcome == "undecided"
        assert found.at_most(high + 0.01).outcome == "passed"
        assert "tone corrected by 50 labels" in found.at_least(0.5).reason
        assert found.at_least(0.5).method == "PPI++"

    def test_have_the_confidence_that_was_asked_for(self) -> None:
        score, labels, _ = world()
        wide, narrow = score.corrected(labels, confidence=0.99), score.corrected(labels, confidence=0.8)
        assert wide.interval[0] < narrow.interval[0] < narrow.interval[1] < wide.interval[1]
        assert wide.at_least(0.1).confidence == 0.99


class TestBadInput:
    @pytest.mark.parametrize(
        ("labels", "more", "message"),
        [
            ({"c1": 1, "c 2": 0}, {}, r"labels name a case 'c 2' that tone does not have \(did you mean 'c2'"),
            ([1, 0], {}, "labels are list; give a mapping"),
            ({"c1": "yes", "c2": 0}, {}, "the label of 'c1' is 'yes'"),
            ({"c1": math.nan, "c2": 0}, {}, "the label of 'c1' is nan"),
            ({"c1": 4, "c2": 1}, {}, "off the scale of tone, 0 to 1; give the labels' own"),
            ({"c1": 4, "c2": 1}, {"threshold": 0.5}, "a label is 4; beside a threshold"),
            ({"c1": 4, "c2": 1}, {"scale": (5, 1)}, "the lower end comes first"),
            ({"c1": 1, "c2": 0}, {"threshold": math.nan}, "threshold is nan"),
            ({"c1": 1, "c2": 0}, {"method": "ppi2"}, "method is 'ppi2'; the methods are ppi, rogan_gladen"),
            ({"c1": 1, "c2": 0}, {"confidence": 95}, "confidence is 95"),
            ({"c1": 1, "c2": None}, {}, "1 labels tell nothing"),
            ({}, {}, "0 labels tell nothing"),
        ],
    )
    def test_is_refused(self, labels: Any, more: dict[str, Any], message: str) -> None:
        score = Score.of([1, 0, 1, 0], ids=["c1", "c2", "c3", "c4"], name="tone")
        with pytest.raises(MetricError, match=message):
            score.corrected(labels, **more)

    def test_nothing_scored(self) -> None:
        with pytest.raises(MetricError, match="nothing was scored"):
            Score.of([None, None], name="tone").corrected({"0": 1, "1": 0})


def test_a_metric_of_texts_is_corrected_by_its_ids() -> None:
    answers = ["Paris", "Rome", "Lyon", "Vienna"] * 5
    references = ["Paris", "Rome", "Paris", "Vienna"] * 5
    score = metric("exact_match")(answers, references, ids=[f"q{i}" for i in range(20)])
    found = score.corrected({f"q{i}": 1 for i in range(8)} | {"q8": 0})
    assert found.n == 20
    assert found.interval[0] <= found.value <= found.interval[1]
