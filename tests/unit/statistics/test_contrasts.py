"""Contrasts of many scores over the same cases, and which of the scores may be the best."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np  # noqa: TID253 - the tests draw samples
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics import Sample
from pytest_genaiops.statistics.best import none_better
from pytest_genaiops.statistics.contrasts import Means, Panel, Summed, freedom_of
from pytest_genaiops.statistics.paired import difference
from pytest_genaiops.statistics.quantiles import t_two_sided

Build = Callable[..., Sample]
PAIR = np.array([[1.0, -1.0]])


def drawn(rows: int, cases: int, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.clip(generator.uniform(0.2, 0.8, cases) + generator.normal(0, 0.05, (rows, cases)), 0, 1)


class TestContrastsOfMeans:
    def test_of_two_it_is_their_paired_difference(self, mean_of: Build) -> None:
        values = drawn(2, 40)
        alone = difference(mean_of(values[0].tolist()), mean_of(values[1].tolist()))
        panel = Means(values)
        found = panel.estimates(PAIR)
        assert found.values[0] == pytest.approx(alone.value)
        assert found.errors[0] == pytest.approx(alone.standard_error)
        assert panel.interval(PAIR[0], 0.95) == pytest.approx(alone.interval)
        # That of a difference is of a plain t; these values are hardly skewed.
        assert found.p_values[0] == pytest.approx(alone.p_value, rel=0.2)

    def test_of_two_over_clusters_of_one_size_too(self, mean_of: Build) -> None:
        values, groups = drawn(2, 60), np.arange(60) // 4
        alone = difference(*(mean_of(row.tolist(), clusters=list(map(str, groups))) for row in values))
        panel = Means(values, groups)
        found = panel.estimates(PAIR)
        assert (panel.units, panel.freedom) == (15, pytest.approx(14))
        assert found.errors[0] == pytest.approx(alone.standard_error)
        assert found.p_values[0] == pytest.approx(alone.p_value, rel=0.2)
        assert panel.interval(PAIR[0], 0.9) == pytest.approx(
            difference(*(mean_of(r.tolist(), clusters=list(map(str, groups))) for r in values), confidence=0.9).interval
        )

    def test_where_few_cases_differ_signs_tell(self, mean_of: Build) -> None:
        """Four of 30 cases change, all upward: 2 of 16 patterns of signs are as far from 0."""
        values = np.full((2, 30), 0.5)
        values[0, :4] = 0.9
        found = Means(values).estimates(PAIR)
        assert found.p_values[0] == pytest.approx(2 / 16)

    @settings(deadline=None)
    @given(st.lists(st.floats(0, 1), min_size=12, max_size=40), st.booleans(), st.floats(0.5, 0.999))
    def test_the_p_value_is_the_interval_turned_round(
        self, changes: list[float], clustered: bool, confidence: float
    ) -> None:
        """Skewed one way or the other, in clusters of unequal size or not."""
        values = np.vstack([np.square(changes), np.full(len(changes), 0.3)])
        groups = np.unique(np.arange(len(changes)) ** 2 % 17, return_inverse=True)[1] if clustered else None
        panel = Means(values, groups, scale=(-math.inf, math.inf))
        found = panel.estimates(PAIR)
        assume(found.errors[0] > 0)
        assume(abs(found.p_values[0] - (1 - confidence)) > 1e-6)
        low, high = panel.interval(PAIR[0], confidence)
        assert (found.p_values[0] < 1 - confidence) == (low > 0 or high < 0)

    def test_a_long_tail_towards_no_change_makes_less_sure(self) -> None:
        """30 cases: 27 rise by 0.1 and a little, three fall; turned round, the tail is where the change points."""
        rise = np.r_[0.1 + 0.001 * np.arange(27), -0.3, -0.35, -0.1]
        tail = 2 * rise.mean() - rise  # the same mean and error
        against, along = (Means(np.vstack([0.5 + each, np.full(30, 0.5)])).estimates(PAIR) for each in (rise, tail))
        assert against.errors[0] == pytest.approx(along.errors[0])
        plain = t_two_sided(float(along.values[0] / along.errors[0]), 29)
        assert along.p_values[0] == pytest.approx(plain)
        assert against.p_values[0] > 1.5 * plain

    def test_equal_scores_do_not_differ(self) -> None:
        panel = Means(np.tile(drawn(1, 25), (3, 1)))
        weights = np.array([[1, -0.5, -0.5]])
        found = panel.estimates(weights)
        assert (found.values[0], found.errors[0], found.p_values[0]) == (0, 0, 1)
        low, high = panel.interval(weights[0], 0.95)
        assert low < 0 < high
        assert found.strength()[0] == 0

    def test_a_change_without_any_spread_is_judged_by_its_signs(self) -> None:
        values = np.vstack([np.full(8, 0.75), np.full(8, 0.25)])
        found = Means(values).estimates(PAIR)
        assert (found.values[0], found.errors[0], found.p_values[0]) == (0.5, 0, 2 * 0.5**8)
        assert found.strength()[0] == math.inf

    @pytest.mark.parametrize("groups", [None, np.zeros(6, dtype=np.intp)], ids=["one case", "one cluster"])
    def test_one_unit_decides_nothing(self, groups: np.ndarray | None) -> None:
        values = drawn(2, 6 if groups is not None else 1)
        panel = Means(values, groups)
        assert panel.estimates(PAIR).p_values[0] == 1
        assert panel.interval(PAIR[0], 0.95) == (-1, 1)
        assert none_better(panel, higher_is_better=True) == [1, 1]

    def test_no_case_is_refused(self) -> None:
        with pytest.raises(MetricError, match="at least one case"):
            Means(np.zeros((2, 0)))

    def test_an_interval_stays_on_the_scale_of_its_contrast(self) -> None:
        values = np.vstack([np.ones(4), np.zeros(4)])
        assert Means(values).interval(np.array([1.0, -1.0]), 0.95)[1] <= 1
        assert Means(values).span(np.array([2.0, -2.0])) == (-2, 2)
        assert Means(values, scale=(0, math.inf)).span(PAIR[0]) == (-math.inf, math.inf)


class TestDegreesOfFreedom:
    @given(st.integers(2, 60), st.integers(1, 9))
    def test_clusters_of_one_size_give_one_less_than_their_number(self, number: int, size: int) -> None:
        assert freedom_of(np.full(number, float(size))) == pytest.approx(number - 1)

    @given(st.lists(st.integers(1, 50), min_size=2, max_size=30))
    def test_others_give_less(self, sizes: list[int]) -> None:
        assert 0 < freedom_of(np.array(sizes, dtype=float)) <= len(sizes) - 1

    @given(st.lists(st.integers(1, 50), min_size=2, max_size=12))
    def test_from_the_traces_of_the_matrices_themselves(self, sizes: list[int]) -> None:
        n = np.array(sizes, dtype=float)
        moves = np.diag(1 / (n.sum() - n)) @ (np.eye(len(n)) - np.outer(n, np.ones(len(n))) / n.sum()) @ np.diag(n)
        law = moves @ moves.T
        assert freedom_of(n) == pytest.approx(np.trace(law) ** 2 / np.trace(law @ law), rel=1e-6)

    def test_one_cluster_gives_none(self) -> None:
        assert freedom_of(np.array([5.0])) == 0


class TestContrastsOfSummedStatistics:
    def test_of_a_mean_they_are_those_of_the_mean(self, mean_of: Build) -> None:
        values = drawn(3, 50)
        weights = np.array([[1, -1, 0], [0.5, 0.5, -1]])
        means, summed = Means(values), Summed([mean_of(row.tolist()) for row in values], cases=50)
        one, other = means.estimates(weights), summed.estimates(weights)
        assert other.values == pytest.approx(one.values)
        assert other.errors == pytest.approx(one.errors)
        assert other.p_values == pytest.approx([t_two_sided(float(t), 49) for t in one.values / one.errors])
        assert np.allclose(summed.covariance(), means.covariance())

    def test_whole_clusters_are_left_out(self, ratio_of: Build) -> None:
        """Each case five times in a cluster tells no more than each case once."""
        generator = np.random.default_rng(3)
        rows = [[(int(generator.integers(0, 9)), 9) for _ in range(20)] for _ in range(2)]
        once = Summed([ratio_of(own) for own in rows], cases=20)
        groups = [[i for i in range(20) for _ in range(5)]] * 2
        five = Summed([ratio_of([row for row in own for _ in range(5)]) for own in rows], groups, cases=100)
        assert (five.units, five.clustered) == (20, True)
        assert five.estimates(PAIR).errors == pytest.approx(once.estimates(PAIR).errors)
        assert (five.differing() == once.differing()).all()

    def test_beyond_500_units_groups_of_them_are_left_out(self, ratio_of: Build) -> None:
        generator = np.random.default_rng(3)
        rows = [[(int(generator.integers(0, 9)), 9) for _ in range(4000)] for _ in range(2)]
        panel = Summed([ratio_of(own) for own in rows], cases=4000)
        found = panel.estimates(PAIR)
        shares = np.array([[match / 9 for match, _ in own] for own in rows])
        error = (shares[0] - shares[1]).std(ddof=1) / math.sqrt(4000)
        assert panel.freedom == pytest.approx(499)
        assert found.errors[0] == pytest.approx(error, rel=0.15)

    def test_a_score_that_hangs_on_one_case_tells_nothing(self) -> None:
        def precision(total: tuple[float, float], _: int) -> float:
            if not total[1]:
                raise UnscorableError("nothing was predicted")
            return total[0] / total[1]

        def sample(rows: list[tuple[int, int]]) -> Sample:
            return Sample(statistics=rows, values=[0.0] * len(rows), score=precision, is_mean=False)

        one = sample([(1, 1)] + [(0, 0)] * 29)
        many = [sample([(int(i % k == 0), 1) for i in range(30)]) for k in (2, 3)]
        panel = Summed([one, *many], cases=30)
        weights = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])
        found = panel.estimates(weights)
        assert found.p_values[0] == 1
        assert found.p_values[1] < 1
        assert panel.interval(weights[0], 0.95) == (-1, 1)
        assert panel.interval(weights[1], 0.95) != (-1, 1)
        assert none_better(panel, higher_is_better=True)[1] == 1

    def test_an_undefined_score_is_an_error(self, ratio_of: Build) -> None:
        def undefined(_: object, __: int) -> float:
            raise UnscorableError("one class only")

        bad = Sample(statistics=[(1, 2)], values=[0.5], score=undefined, is_mean=False)
        with pytest.raises(UnscorableError):
            Summed([ratio_of([(1, 2)]), bad], cases=1)
        with pytest.raises(MetricError, match="at least one case"):
            Summed([], cases=0)


class TestNoneBetter:
    def test_two_scores_give_a_one_sided_t_test(self) -> None:
        """The one behind: half the two-sided p-value, but for the noise of the draws."""
        values = drawn(2, 40, seed=8)
        values[1] += 0.012 - (values[1] - values[0]).mean()
        panel: Panel = Means(values)
        two_sided = panel.estimates(PAIR).p_values[0]
        ahead, behind = sorted(none_better(panel, higher_is_better=True), reverse=True)
        assert ahead == 1
        assert behind == pytest.approx(two_sided / 2, abs=4 * math.sqrt(two_sided / 2 / 5000))

    def test_the_direction_turns_it_round(self) -> None:
        values = drawn(2, 40)
        values[0] += 0.1
        up, down = (none_better(Means(values, scale=(0, 2)), higher_is_better=up) for up in (True, False))
        assert up[0] == down[1] == 1
        assert up[1] < 1e-6
        assert down[0] < 1e-6

    def test_more_rivals_ask_for_a_greater_lead(self) -> None:
        values = drawn(2, 60)
        values[0] += 0.02 - (values[0] - values[1]).mean()
        crowd = np.vstack([values, drawn(20, 60, seed=4) + values[1].mean() - drawn(20, 60, seed=4).mean()])
        alone = none_better(Means(values, scale=(-1, 2)), higher_is_better=True)[1]
        among = none_better(Means(crowd, scale=(-1, 2)), higher_is_better=True)[1]
        assert alone < among

    def test_rivals_that_are_clearly_worse_ask_for_none(self) -> None:
        """Beside 40 that are far behind a close one is judged as if it were alone, but for the error of a first step.

        The least favourable case would take them for ties: the p-value of the test before, some times larger.
        """
        values = drawn(2, 60)
        values[0] += 0.012 - (values[0] - values[1]).mean()
        alone = none_better(Means(values), higher_is_better=True)
        behind = values.mean(axis=0) - 0.3 + np.random.default_rng(4).normal(0, 0.05, (40, 60))
        among = none_better(Means(np.vstack([values, behind]), scale=(-1, 1)), higher_is_better=True)
        assert among[0] == alone[0] == 1
        assert among[1] == pytest.approx(alone[1] + 0.001, abs=4 * math.sqrt(2 * alone[1] / 5000))
        assert max(among[2:]) < 1e-6

    def test_the_first_step_is_made_for_the_confidence_that_is_asked_for(self) -> None:
        values = drawn(6, 40)
        values[0] += 0.01
        given = [none_better(Means(values), higher_is_better=True, confidence=c) for c in (0.8, 0.99)]
        assert all(wide >= narrow - 0.02 for wide, narrow in zip(*given, strict=True))
        assert all(0 < p_value <= 1 for found in given for p_value in found)

    def test_a_tie_stays_in(self) -> None:
        values = np.tile(drawn(1, 40), (3, 1))
        values[2] -= 0.1
        found = none_better(Means(values, scale=(-1, 1)), higher_is_better=True)
        assert found[:2] == [1, 1]
        # Behind by the same in all 40 cases: a sign test, for two rivals.
        assert found[2] == 2 * 0.5**40

    def test_a_lead_in_five_cases_is_none(self) -> None:
        values = np.full((2, 200), 0.0)
        values[0, :5] = 1
        assert none_better(Means(values), higher_is_better=True) == [1, 1]
        values[0, :8] = 1
        assert none_better(Means(values), higher_is_better=True)[1] < 0.01

    def test_equal_draws_every_time(self) -> None:
        values = drawn(4, 30)
        assert none_better(Means(values), higher_is_better=True) == none_better(Means(values), higher_is_better=True)

    def test_the_best_is_kept_beside_close_ones_and_bad_ones(self) -> None:
        """Three that tie, two a little and five far behind, 24 cases (Monte Carlo error 2 to 3 %)."""
        means, kept, sizes = np.r_[np.zeros(3), np.full(2, -0.05), np.full(5, -0.4)], [], []
        for seed in range(60):
            generator = np.random.default_rng(seed)
            values = means[:, None] + generator.uniform(0.2, 0.7, 24) + generator.uniform(0, 0.3, (10, 24))
            among = [p > 0.05 for p in none_better(Means(values, scale=(-1, 2)), higher_is_better=True)]
            kept += among[:3]
            sizes.append(sum(among[5:]))
        assert np.mean(kept) >= 0.89
        assert max(sizes) == 0

    def test_ties_are_kept_as_often_as_promised(self) -> None:
        """Eight equal variants, 24 cases: each is among the best in 95 % of draws (Monte Carlo error 1 %)."""
        kept = []
        for seed in range(100):
            generator = np.random.default_rng(seed)
            values = generator.uniform(0, 0.5, 24) + generator.uniform(0, 0.5, (8, 24))
            kept += [p > 0.05 for p in none_better(Means(values), higher_is_better=True)]
        assert np.mean(kept) == pytest.approx(0.95, abs=0.03)
