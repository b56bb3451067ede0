"""Many samples over the same cases, compared in pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from statistics import stdev

import numpy as np  # noqa: TID253 - the tests draw samples
import pytest

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics import Sample, difference
from pytest_genaiops.statistics.multiplicity import holm
from pytest_genaiops.statistics.pairwise import pairwise

Build = Callable[..., Sample]
THREE = [(0, 1), (0, 2), (1, 2)]


def ratios(seed: int, systems: int, cases: int, gain: float = 0.0) -> list[list[tuple[int, int]]]:
    """Matches and lengths of systems over common cases; each is better than the one before by ``gain``."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(5, 40, cases)
    easy = generator.beta(2, 2, cases)
    return [
        [
            (int(generator.binomial(length, min(1, max(0, share + gain * system)))), int(length))
            for length, share in zip(lengths, easy + generator.normal(0, 0.15, cases), strict=True)
        ]
        for system in range(systems)
    ]


class TestScoresThatAreNoMeans:
    def test_agree_with_single_comparisons_but_for_the_p_value(self, ratio_of: Build) -> None:
        """The same resamples, drawn once."""
        samples = [ratio_of(rows) for rows in ratios(1, 3, 60, gain=0.02)]
        for (a, b), found in zip(THREE, pairwise(samples, THREE), strict=True):
            alone = difference(samples[a], samples[b])
            assert found is not None
            assert (found.value, found.interval, found.standard_error, found.n) == (
                alone.value, alone.interval, alone.standard_error, 60,
            )  # fmt: skip

    def test_p_is_student_t_over_the_bootstrap_s_standard_error(self, ratio_of: Build) -> None:
        """Against a bootstrap of its own and scipy 1.17.1: they differ by the noise of the resamples alone."""
        from scipy.stats import t

        rows = np.array(ratios(2, 2, 40, gain=0.04), dtype=float)
        generator = np.random.default_rng(0)
        drawn = rows[:, generator.integers(0, 40, (10_000, 40))].sum(axis=2)
        changes = drawn[0, :, 0] / drawn[0, :, 1] - drawn[1, :, 0] / drawn[1, :, 1]
        sums = rows.sum(axis=1)
        value = sums[0, 0] / sums[0, 1] - sums[1, 0] / sums[1, 1]
        error = stdev(changes.tolist()) * math.sqrt(40 / 39)
        samples = [ratio_of([(int(m), int(n)) for m, n in side]) for side in rows]
        (found,) = pairwise(samples, [(0, 1)], resamples=10_000)
        assert found is not None
        assert found.p_value == pytest.approx(2 * t.sf(abs(value) / error, 39), rel=0.1)

    def test_a_p_value_is_finer_than_one_in_the_number_of_resamples(self, ratio_of: Build) -> None:
        samples = [ratio_of(rows) for rows in ratios(3, 2, 100, gain=0.2)]
        (found,) = pairwise(samples, [(1, 0)], resamples=200)
        assert found is not None
        assert found.value > 0
        assert 0 < found.p_value < 1e-6

    def test_one_draw_serves_all_pairs(self, ratio_of: Build) -> None:
        """Differences add up, resample by resample: so do the values."""
        samples = [ratio_of(rows) for rows in ratios(4, 3, 30)]
        first, both, second = pairwise(samples, THREE)
        assert first is not None
        assert both is not None
        assert second is not None
        assert both.value == pytest.approx(first.value + second.value)

    def test_whole_clusters_are_drawn(self, ratio_of: Build) -> None:
        """Each case five times in a cluster tells no more than each case once."""
        once = ratios(5, 2, 30, gain=0.05)
        five = [[row for row in rows for _ in range(5)] for rows in once]
        clusters = [str(i) for i in range(30) for _ in range(5)]
        (alone,) = pairwise([ratio_of(rows) for rows in once], [(0, 1)])
        (found,) = pairwise([ratio_of(rows, clusters=clusters) for rows in five], [(0, 1)])
        assert alone is not None
        assert found is not None
        assert found.p_value == pytest.approx(alone.p_value, rel=1e-6)
        assert found.method == "paired BCa bootstrap over clusters"

    def test_the_same_outputs_do_not_differ(self, ratio_of: Build) -> None:
        rows = ratios(6, 1, 40)[0]
        found = pairwise([ratio_of(rows), ratio_of(rows)], [(0, 1), (0, 0)])
        assert [(one.value, one.interval, one.p_value) for one in found if one] == [(0.0, (0.0, 0.0), 1.0)] * 2

    def test_few_cases_that_tie_keep_their_interval(self, ratio_of: Build) -> None:
        rows = [(1, 2), (3, 4), (5, 6)]
        (found,) = pairwise([ratio_of(rows), ratio_of(rows)], [(0, 1)])
        assert found is not None
        assert found.interval[0] < 0 < found.interval[1]
        assert found.p_value == 1.0

    def test_one_case_decides_nothing(self, ratio_of: Build) -> None:
        (found,) = pairwise([ratio_of([(1, 2)]), ratio_of([(2, 2)])], [(0, 1)])
        assert found is not None
        assert (found.value, found.interval, found.p_value, found.n) == (-0.5, (-1.0, 1.0), 1.0, 1)

    def test_a_change_without_any_spread_is_judged_by_its_signs(self, ratio_of: Build) -> None:
        (found,) = pairwise([ratio_of([(2, 4)] * 5), ratio_of([(1, 4)] * 5)], [(0, 1)])
        assert found is not None
        assert (found.value, found.standard_error, found.p_value) == (0.25, None, 2 * 0.5**5)

    def test_a_sample_without_a_score_spoils_no_other_pair(self, ratio_of: Build) -> None:
        def undefined(_: object, __: int) -> float:
            raise UnscorableError("one class only")

        good = [ratio_of(rows) for rows in ratios(7, 2, 25)]
        bad = replace(good[0], score=undefined)
        found = pairwise([good[0], bad, good[1]], THREE)
        assert [one is None for one in found] == [True, False, True]
        assert found[1] == pairwise(good, [(0, 1)])[0]
        assert pairwise([bad, bad], [(0, 1)]) == [None]

    def test_resamples_without_a_score_count_against_a_difference(self, ratio_of: Build) -> None:
        """Without its single case of weight the score is undefined: that is a third of the resamples."""

        def sparse(total: tuple[float, float], _: int) -> float:
            if not total[1]:
                raise UnscorableError("nothing to divide by")
            return total[0] / total[1]

        rows = [(0, 0)] * 29
        samples = [
            replace(ratio_of([(1, 1)] * 30), statistics=[*rows, last], score=sparse) for last in ((1, 1), (0, 1))
        ]
        (found,) = pairwise(samples, [(0, 1)])
        assert found is not None
        assert found.p_value > 0.3


class TestMeans:
    def test_are_single_comparisons(self, mean_of: Build) -> None:
        generator = np.random.default_rng(8)
        samples = [mean_of(generator.beta(4, 2, 30).tolist()) for _ in range(3)]
        assert pairwise(samples, THREE) == [difference(samples[a], samples[b]) for a, b in THREE]


class TestBadInput:
    def test_no_pairs(self, mean_of: Build) -> None:
        assert pairwise([], []) == []
        assert pairwise([mean_of([0.5])], []) == []

    @pytest.mark.parametrize("kind", ["mean", "ratio"])
    def test_no_cases_or_different_ones(self, kind: str, mean_of: Build, ratio_of: Build) -> None:
        def build(n: int) -> Sample:
            return mean_of([0.5] * n) if kind == "mean" else ratio_of([(1, 2)] * n)

        with pytest.raises(MetricError, match="at least one case"):
            pairwise([build(0), build(0)], [(0, 1)])
        with pytest.raises(MetricError, match="the same cases on both sides, not 2 and 3"):
            pairwise([build(2), build(3)], [(0, 1)])

    def test_different_metrics(self, mean_of: Build, ratio_of: Build) -> None:
        with pytest.raises(MetricError, match="samples of one metric"):
            pairwise([mean_of([0.5, 0.6]), ratio_of([(1, 2), (1, 3)])], [(0, 1)])

    @pytest.mark.parametrize("confidence", [0, 1, math.nan])
    def test_a_confidence_that_is_none(self, confidence: float, mean_of: Build) -> None:
        with pytest.raises(MetricError, match="it must lie between 0 and 1"):
            pairwise([mean_of([0.5, 0.6])] * 2, [(0, 1)], confidence=confidence)


def test_thirteen_equal_systems_of_few_cases_are_seldom_separated(ratio_of: Build) -> None:
    """Any of 78 false separations in at most 5 % of 60 draws, within three standard errors: nominal 3, at most 8.

    The share of resamples beyond the observed difference gives 16 %, once there are resamples enough to see it.
    """
    pairs = list(combinations(range(13), 2))
    wrong = 0
    for seed in range(60):
        found = pairwise([ratio_of(rows) for rows in ratios(100 + seed, 13, 20)], pairs, resamples=100)
        wrong += min(holm([one.p_value for one in found if one])) <= 0.05
    assert wrong <= 8
