"""Kappa against scikit-learn."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics.raters import mean, share, weighted_kappa

cohen_kappa_score = pytest.importorskip("sklearn.metrics").cohen_kappa_score

PAIRS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=5, max_size=30)


class TestKappa:
    def test_of_the_textbook_table(self) -> None:
        # Observed 0.7, expected 0.5: kappa 0.4 (20, 5, 10 and 15 of 50).
        first = [1] * 25 + [0] * 25
        second = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
        assert weighted_kappa(first, second).value == pytest.approx(0.4)

    @given(PAIRS)
    @settings(max_examples=30, deadline=None)
    def test_of_ratings_is_scikit_learns_with_quadratic_weights(self, pairs: list[tuple[int, int]]) -> None:
        first, second = (list(column) for column in zip(*pairs, strict=True))
        if len({*first, *second}) < 2:
            return
        labels = [1, 2, 3, 4, 5]
        expected = cohen_kappa_score(first, second, weights="quadratic", labels=labels)
        found = weighted_kappa(first, second)
        assert found.value == pytest.approx(expected, abs=1e-12)
        assert found.interval[0] <= found.value <= found.interval[1]

    @given(PAIRS)
    @settings(max_examples=30, deadline=None)
    def test_of_yes_and_no_is_cohens(self, pairs: list[tuple[int, int]]) -> None:
        first, second = ([float(each > 2) for each in column] for column in zip(*pairs, strict=True))
        if len({*first, *second}) == 2:
            assert weighted_kappa(first, second).value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)

    def test_of_a_judge_that_always_says_yes_is_nothing(self) -> None:
        found = weighted_kappa([1.0] * 100, [1.0] * 70 + [0.0] * 30)
        assert found.value == pytest.approx(0)
        assert found.interval[0] < 0 < found.interval[1] < 0.1

    def test_is_less_sure_of_clusters(self) -> None:
        first = [float(i // 10 % 2) for i in range(80)]
        second = [float(i // 10 % 2 if i < 60 else 1 - i // 10 % 2) for i in range(80)]
        plain = weighted_kappa(first, second).interval
        clustered = weighted_kappa(first, second, clusters=[i // 10 for i in range(80)]).interval
        assert clustered[1] - clustered[0] > 1.5 * (plain[1] - plain[0])

    def test_of_one_rating_throughout_is_unknown(self) -> None:
        with pytest.raises(UnscorableError, match="one and the same"):
            weighted_kappa([1, 1, 1], [1, 1, 1])

    def test_needs_pairs(self) -> None:
        with pytest.raises(MetricError, match="not 1 and 2"):
            weighted_kappa([1], [1, 0])


def test_a_share_has_clopper_and_pearsons_interval() -> None:
    found = share([True] * 10)
    assert found.value == 1
    assert found.interval == pytest.approx((0.025 ** (1 / 10), 1.0))


def test_a_mean_is_that_of_any_score() -> None:
    found = mean([0.2, -0.2, 0.1, -0.1], scale=(-0.5, 0.5))
    assert found.value == pytest.approx(0)
    assert math.isclose(-found.interval[0], found.interval[1], rel_tol=1e-6)
