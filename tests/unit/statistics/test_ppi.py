"""Prediction-powered means. Golden numbers: ``ppi_mean_pointestimate`` of ppi-python 0.2.3."""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.intervals import clopper_pearson
from pytest_genaiops.statistics.ppi import Audited, powered_mean, tuned_weight

ROOT = Path(__file__).parents[3]
LABELS = [1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0]
JUDGED = [0.9, 0.4, 0.8, 0.7, 0.5, 0.6, 0.9, 0.2, 0.4, 0.8, 1.0, 0.6]
OTHERS = [0.3, 0.8, 0.7, 0.9, 0.6, 0.5, 0.1, 0.95, 0.85, 0.4, 0.65, 0.75, 0.2, 0.55, 0.9, 0.7, 0.8, 0.35, 0.45, 0.6]


def audited(labels: Sequence[float], judged: Sequence[float], others: Sequence[float], **more: object) -> Audited:
    return Audited(predictions=[*judged, *others], labels=[*labels, *[None] * len(others)], **more)  # type: ignore[arg-type]


class TestValue:
    @pytest.mark.parametrize(("weight", "value"), [(1, 0.61916667), (0.5, 0.64291667)])
    def test_is_that_of_ppi_python(self, weight: float, value: float) -> None:
        found = powered_mean(audited(LABELS, JUDGED, OTHERS), weight=weight)
        assert found.value == pytest.approx(value, abs=1e-8)

    def test_of_the_published_weight_is_that_of_ppi_python(self) -> None:
        # Its weight is min(1, cov / ((1 + n / N) var)), worked out here; ours is drawn towards 0 by 1 - 1 / F besides.
        n, others, every = len(LABELS), len(OTHERS), [*JUDGED, *OTHERS]
        label, judged, center = sum(LABELS) / n, sum(JUDGED) / n, sum(every) / (n + others)
        covariance = sum((y - label) * (f - judged) for y, f in zip(LABELS, JUDGED, strict=True)) / n
        variance = sum((f - center) ** 2 for f in every) / (n + others - 1)
        published = covariance / ((1 + n / others) * variance)
        found = powered_mean(audited(LABELS, JUDGED, OTHERS), weight=published)
        assert found.value == pytest.approx(0.62819843, abs=1e-8)

    def test_of_our_weight_is_nearly_that_of_many_labels(self) -> None:
        labels, judged = LABELS * 50, JUDGED * 50
        covariance = 0.0
        label, center = sum(labels) / 600, sum(judged) / 600
        for y, f in zip(labels, judged, strict=True):
            covariance += (y - label) * (f - center) / 600
        sample = audited(labels, judged, JUDGED * 500)
        variance = sum((f - center) ** 2 for f in judged) / 600
        published = covariance / ((1 + 600 / 6000) * variance)
        assert tuned_weight(sample) == pytest.approx(published, rel=0.01)
        assert tuned_weight(sample) < published

    def test_of_ratings_is_that_of_ppi_python(self) -> None:
        labels, judged = [5, 3, 4, 2, 5, 1, 4, 4, 3, 5], [4, 3, 5, 2, 4, 2, 3, 5, 3, 4]
        others = [5, 4, 4, 3, 2, 1, 5, 5, 3, 2, 4, 4, 3, 5, 1]
        found = powered_mean(audited(labels, judged, others, scale=(1, 5)), weight=0.37735849056603776)
        assert found.value == pytest.approx(3.56226415, abs=1e-8)

    @given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=6, max_size=30), st.floats(0, 1.5))
    @settings(max_examples=25, deadline=None)
    def test_lies_within_its_interval_on_the_scale(self, rows: list[tuple[int, bool]], weight: float) -> None:
        half = len(rows) // 2
        sample = audited(
            [float(y) for _, y in rows[:half]], [f / 10 for f, _ in rows[:half]], [f / 10 for f, _ in rows[half:]]
        )
        for asked in (None, weight):
            found = powered_mean(sample, weight=asked)
            assert 0 <= found.interval[0] <= found.value <= found.interval[1] <= 1


class TestWeight:
    def test_is_nothing_where_every_case_is_labelled(self) -> None:
        sample = audited([1, 0] * 10, [1, 0] * 10, [])
        assert tuned_weight(sample) == 0
        assert powered_mean(sample).interval == pytest.approx(clopper_pearson(0.5, 20, 0.95), abs=1e-9)

    def test_is_nothing_for_a_judge_that_always_says_yes(self) -> None:
        sample = audited([1, 0] * 10, [1] * 20, [1] * 30)
        found = powered_mean(sample)
        assert found.weight == 0
        assert found.interval == pytest.approx(clopper_pearson(0.5, 20, 0.95), abs=1e-9)

    def test_is_nothing_for_a_judge_that_is_wrong(self) -> None:
        assert tuned_weight(audited([1, 0] * 10, [0, 1] * 10, [0, 1] * 15)) == 0

    def test_is_not_learned_from_five_failures(self) -> None:
        few, more = [0] * 5 + [1] * 45, [0] * 6 + [1] * 44
        assert tuned_weight(audited(few, few, [0, 1] * 50)) == 0
        assert tuned_weight(audited(more, more, [0, 1] * 50)) > 0

    def test_of_a_perfect_judge_is_nearly_one_times_its_share(self) -> None:
        # cov = var of the labels here; all predictions have nearly the same variance; 1 / (1 + n / N) is left.
        sample = audited([1, 0] * 50, [1, 0] * 50, [1, 0] * 450)
        assert tuned_weight(sample) == pytest.approx(1 / (1 + 100 / 900), rel=0.01)


class TestInterval:
    def test_of_a_perfect_judge_is_much_narrower(self) -> None:
        labels = [1, 0, 1] * 20
        found = powered_mean(audited(labels, labels, [1, 0, 1] * 300))
        low, high = clopper_pearson(2 / 3, 60, 0.95)
        assert found.interval[1] - found.interval[0] < 0.6 * (high - low)

    def test_does_not_vanish_where_the_judge_was_never_wrong(self) -> None:
        found = powered_mean(audited([1, 0] * 10, [1, 0] * 10, [1, 0] * 5000), weight=1)
        # 20 agreements leave disagreement on 1 - 0.025 ** (1 / 20) = 16.8 % of the cases possible.
        assert found.interval[1] - found.interval[0] > 0.2

    def test_of_clustered_labels_is_wider(self) -> None:
        rng = random.Random(3)
        labels = [float(i // 10 % 2) for i in range(60)]
        judged = [label if rng.random() < 0.7 else 1 - label for label in labels]
        others = [float(rng.random() < 0.5) for _ in range(100)]
        clusters = [str(i // 10) for i in range(60)] + [f"other {i}" for i in range(100)]
        plain = powered_mean(audited(labels, judged, others))
        clustered = powered_mean(audited(labels, judged, others, clusters=clusters))
        assert clustered.units == 6
        assert clustered.interval[1] - clustered.interval[0] > 1.3 * (plain.interval[1] - plain.interval[0])

    def test_counts_errors_that_labelled_and_other_cases_of_a_cluster_share(self) -> None:
        rng = random.Random(5)
        labels = [float(rng.random() < 0.5) for _ in range(40)]
        judged = [0.8 * label + 0.2 * rng.random() for label in labels]
        documents = [i % 10 for i in range(240)]
        lift = [0.4 * (document % 2) for document in documents]
        others = [lift[40 + i] + 0.3 * rng.random() for i in range(200)]
        apart = [f"labelled {d}" for d in documents[:40]] + [f"other {d}" for d in documents[40:]]
        shared = [str(d) for d in documents]
        widths = []
        for clusters in (apart, shared):
            low, high = powered_mean(audited(labels, judged, others, clusters=clusters), weight=0.5).interval
            widths.append(high - low)
        assert widths[0] != pytest.approx(widths[1], rel=1e-3)

    @pytest.mark.parametrize(("sensitivity", "specificity", "ratio"), [(0.95, 0.95, 0.75), (0.6, 0.4, 1.01)])
    def test_covers_and_is_never_much_wider_than_labels_alone(
        self, sensitivity: float, specificity: float, ratio: float
    ) -> None:
        rng, rate, runs = random.Random(11), 0.6, 150
        covered, width, alone = 0, 0.0, 0.0
        for _ in range(runs):
            truth = [rng.random() < rate for _ in range(200)]
            judged = [float(rng.random() < (sensitivity if y else 1 - specificity)) for y in truth]
            sample = audited([float(y) for y in truth[:50]], judged[:50], judged[50:])
            low, high = powered_mean(sample).interval
            covered += low <= rate <= high
            width += high - low
            lonely = powered_mean(sample, weight=0).interval
            alone += lonely[1] - lonely[0]
        # 93 % less two standard errors of the simulation
        assert covered / runs >= 0.93 - 2 * math.sqrt(0.93 * 0.07 / runs)
        assert width <= ratio * alone


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"labels": [1, 0]}, "as many labels"),
            ({"labels": [1, None, None]}, "1 labels tell nothing"),
            ({"labels": [None] * 3}, "0 labels tell nothing"),
            ({"labels": [1, 2, None]}, "label 1 is 2, which is not on the scale 0 to 1"),
            ({"labels": [1, math.nan, None]}, "label 1 is nan"),
            ({"predictions": [1, math.inf, 0]}, "prediction 1 is inf"),
            ({"clusters": ["a"]}, "as many clusters"),
        ],
    )
    def test_is_refused(self, change: dict[str, object], message: str) -> None:
        given: dict[str, object] = {"predictions": [1, 0, 1], "labels": [1, 0, None]} | change
        with pytest.raises(MetricError, match=message):
            Audited(**given)  # type: ignore[arg-type]

    def test_a_confidence_is_between_0_and_1(self) -> None:
        with pytest.raises(MetricError, match="confidence is 95"):
            powered_mean(audited([1, 0], [1, 0], [1]), confidence=95)


class TestRealJudgements:
    """gpt-3.5-turbo beside experts (Shen et al. 2023); all of it in ``benchmarks/calibration.py``."""

    @pytest.fixture(scope="class")
    def rows(self) -> list[tuple[float, float, str]]:
        folder = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
        file = folder / "summeval_judge_ratings.jsonl"
        if not file.is_file():
            pytest.skip(f"no public data in {folder}; set GENAIOPS_PUBLIC_DATA to its folder")
        found = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        return [
            (float(row["expert_consistency"] == 5), float(row["judge_consistency"]["altrts"]), row["id"])
            for row in found
        ]

    def test_fifty_labels_cover_and_are_narrower_with_the_judge(self, rows: list[tuple[float, float, str]]) -> None:
        truth, rng, runs = sum(y for y, _, _ in rows) / len(rows), random.Random(1), 60
        covered, width, alone = 0, 0.0, 0.0
        for _ in range(runs):
            seen = set(rng.sample(range(len(rows)), 50))
            sample = Audited(
                predictions=[f for _, f, _ in rows],
                labels=[y if i in seen else None for i, (y, _, _) in enumerate(rows)],
                clusters=[document for _, _, document in rows],
            )
            low, high = powered_mean(sample).interval
            covered += low <= truth <= high
            width += high - low
            low, high = powered_mean(sample, weight=0).interval
            alone += high - low
        assert covered / runs >= 0.93 - 2 * math.sqrt(0.93 * 0.07 / runs)
        assert width < 0.98 * alone
