"""Where a judge draws the line, and how that is tested."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.calibration import Asked, Ratings, best_threshold, figures_of, halves
from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.raters import Figure, weighted_kappa

ASKED = Asked(confidence=0.95, seed=12345)


def figure(found: object) -> Figure:
    assert isinstance(found, Figure), found
    return found


class TestThreshold:
    def test_maximizes_kappa(self) -> None:
        # Passing the first two: 8/13. Passing all but the last: 6/11.
        ratings = Ratings(values=[0.9, 0.6, 0.4, 0.4, 0.1], labels=[1, 1, 1, 0, 0])
        assert best_threshold(ratings) == 0.5

    def test_of_a_lower_is_better_judge_lets_pass_what_is_below(self) -> None:
        ratings = Ratings(values=[1, 2, 5, 6], labels=[1, 1, 0, 0], higher_is_better=False)
        assert best_threshold(ratings) == 4
        assert ratings.says_yes(4) == [True, True, False, False]

    def test_is_the_strictest_of_equals(self) -> None:
        # Passing the first, or all but the last: kappa is 1/2 both times.
        ratings = Ratings(values=[5, 4, 3, 2], labels=[1, 0, 1, 0])
        assert best_threshold(ratings) == pytest.approx(4.5, abs=0.5)
        assert sum(ratings.says_yes(best_threshold(ratings))) == 1

    @given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=20))
    @settings(max_examples=20, deadline=None)
    def test_separates_as_it_did_when_chosen(self, rows: list[tuple[int, bool]]) -> None:
        ratings = Ratings(values=[value for value, _ in rows], labels=[float(good) for _, good in rows])
        if len(set(ratings.labels)) < 2:
            with pytest.raises(MetricError, match="of the other kind too"):
                best_threshold(ratings)
            return
        chosen = best_threshold(ratings)

        def kappa(threshold: float) -> float:
            return weighted_kappa([float(yes) for yes in ratings.says_yes(threshold)], ratings.labels).value

        assert kappa(chosen) >= max(map(kappa, set(ratings.values))) - 1e-9


class TestRatings:
    def test_of_ratings_need_a_line(self) -> None:
        with pytest.raises(MetricError, match="a label is 4: of ratings, say from which on"):
            Ratings(values=[1, 2], labels=[1, 4])

    def test_are_accepted_in_the_judges_direction(self) -> None:
        assert Ratings(values=[1, 2], labels=[3, 4], accept=4).accepted == [False, True]
        assert Ratings(values=[1, 2], labels=[3, 4], accept=3, higher_is_better=False).accepted == [True, False]

    def test_need_a_label_each(self) -> None:
        with pytest.raises(MetricError, match="2 values of the judge and 1 labels"):
            Ratings(values=[1, 2], labels=[1])


class TestHalves:
    def test_share_no_cluster_and_do_not_depend_on_the_order(self) -> None:
        keys = [f"d{i // 3}" for i in range(60)]
        ratings = Ratings(values=list(range(60)), labels=[i % 2 for i in range(60)], keys=keys)
        first, second = halves(ratings, 1)
        assert not set(first.keys) & set(second.keys)
        assert len(first) == len(second) == 30
        turned = ratings.at(list(range(59, -1, -1)))
        assert set(halves(turned, 1)[0].values) == set(first.values)
        assert set(halves(ratings, 2)[0].values) != set(first.values)

    def test_take_two_clusters(self) -> None:
        with pytest.raises(MetricError, match="all labels are of one cluster"):
            halves(Ratings(values=[1, 2], labels=[0, 1], keys=["a", "a"]), 1)


class TestFigures:
    def test_expose_a_judge_that_always_says_yes(self) -> None:
        labels = [1.0] * 70 + [0.0] * 30
        ratings = Ratings(values=[1.0] * 100, labels=labels, scale=(0, 1), lengths=list(range(100)))
        found = figures_of(ratings, ratings, best_threshold(ratings), ASKED)
        assert figure(found["kappa"]).value == pytest.approx(0)
        assert figure(found["sensitivity"]).value == 1
        assert figure(found["specificity"]).value == 0
        assert figure(found["auroc"]).value == 0.5
        assert isinstance(found["spearman"], str)

    def test_of_a_judge_that_favours_length(self) -> None:
        rng = random.Random(1)
        labels, lengths = [float(rng.random() < 0.5) for _ in range(150)], [rng.randint(20, 400) for _ in range(150)]
        fair = [0.5 * label + 0.25 + 0.2 * rng.random() for label in labels]
        partial = [0.4 * label + length / 800 for label, length in zip(labels, lengths, strict=True)]
        biases = []
        for values in (fair, partial):
            ratings = Ratings(values=values, labels=labels, scale=(0, 1), lengths=lengths)
            biases.append(figure(figures_of(ratings, ratings, 0.5, ASKED)["length_bias"]))
        assert biases[0].interval[0] < 0 < biases[0].interval[1]
        assert biases[1].interval[0] > 0.2

    def test_of_a_judge_that_favours_the_first(self) -> None:
        # It says "the first" of 80 pairs in both orders, and sticks to its answer on 20.
        values, swapped = [1.0] * 90 + [0.0] * 10, [0.0] * 80 + [1.0] * 10 + [0.0] * 10
        ratings = Ratings(values=values, labels=[1.0, 0.0] * 50, swapped=swapped)
        found = figure(figures_of(ratings, ratings, 0.5, ASKED)["position_bias"])
        assert found.value == pytest.approx(0.4)
        assert found.interval[0] > 0.3

    def test_of_a_judge_that_cannot_make_up_its_mind(self) -> None:
        ratings = Ratings(values=[1.0, 0.0] * 10, labels=[1.0, 0.0] * 10, samples=[(1.0, 1.0, 0.0)] * 20)
        found = figure(figures_of(ratings, ratings, 0.5, ASKED)["self_consistency"])
        assert found.value == pytest.approx(1 / 3)

    def test_of_ratings_have_a_kappa_by_distance(self) -> None:
        ratings = Ratings(values=[1, 2, 4, 5] * 5, labels=[1, 3, 4, 5] * 5, accept=4)
        found = figures_of(ratings, ratings, 4, ASKED)
        assert 0.8 < figure(found["quadratic_kappa"]).value < 1
        assert figure(found["kappa"]).value == 1

    def test_turn_a_lower_is_better_judge(self) -> None:
        severity, people = [0, 1, 6, 7] * 5, [0, 2, 6, 6] * 5
        ratings = Ratings(values=severity, labels=people, accept=2, higher_is_better=False, scale=(0, 7))
        found = figures_of(ratings, ratings, 3, ASKED)
        assert figure(found["auroc"]).value == 1
        assert figure(found["spearman"]).value > 0.8
        assert figure(found["specificity"]).value == 1

    def test_say_why_there_is_none(self) -> None:
        ratings = Ratings(values=[1.0, 0.0, 1.0], labels=[1.0, 1.0, 1.0])
        found = figures_of(ratings, ratings, 0.5, ASKED)
        assert found["specificity"] == "people accept all of the answers that it is tested on"
        assert "all 3 cases are good" in str(found["auroc"])
