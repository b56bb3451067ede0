"""Quantiles and their differences: bounds that are values of the sample, and hold whatever the distribution."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import NormalDist

import pytest

from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.operations import Latency
from pytest_genaiops.statistics import Sample, difference, summarize
from pytest_genaiops.statistics.positions import correlation, difference_bounds, inverted, quantile_bounds

SCALE = (0.0, math.inf)


def sample(values: Sequence[float], quantile: float = 0.5, clusters: Sequence[str] | None = None) -> Sample:
    part = Latency().part().children["p50" if quantile == 0.5 else "p95"]
    return Sample(
        statistics=[(value,) for value in values],
        values=values,
        score=part.score,
        is_mean=False,
        quantile=quantile,
        scale=SCALE,
        clusters=clusters,
    )


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 20, 71, 72, 200])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_ranks_are_those_of_the_binomial_distribution(quantile: float, n: int, confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    outside = (1 - confidence) / 2
    first = max((r for r in range(1, n + 1) if stats.binom.cdf(r - 1, n, quantile) <= outside), default=0)
    last = min((s for s in range(1, n + 1) if stats.binom.sf(s - 1, n, quantile) <= outside), default=n + 1)
    ranks = [float(rank) for rank in range(1, n + 1)]
    found = quantile_bounds(ranks, quantile, effective=n, confidence=confidence, scale=SCALE)
    assert found == (float(first), math.inf if last > n else float(last))


def test_fewer_independent_values_reach_further() -> None:
    ranks = [float(rank) for rank in range(1, 101)]
    low, high = quantile_bounds(ranks, 0.5, effective=25, confidence=0.95, scale=SCALE)
    alone = quantile_bounds([float(rank) for rank in range(1, 26)], 0.5, effective=25, confidence=0.95, scale=SCALE)
    assert low == pytest.approx(4 * alone[0], abs=4)
    assert high == pytest.approx(4 * alone[1], abs=4)
    assert quantile_bounds(ranks, 0.5, effective=1.0, confidence=0.95, scale=SCALE) == SCALE


def test_a_single_cluster_says_nothing() -> None:
    found = summarize(sample([1.0, 2.0, 3.0], clusters=["a"] * 3))
    assert (found.value, found.interval, found.clusters, found.standard_error) == (2.0, SCALE, 1, None)


def test_values_that_are_all_equal_bound_the_quantile_by_themselves() -> None:
    found = summarize(sample([1.5] * 20))
    assert (found.interval, found.standard_error, found.method) == ((1.5, 1.5), None, "order statistics")


class TestDifferences:
    def test_distances_add_up_as_those_of_independent_estimates(self) -> None:
        """By hand: sqrt(3**2 + 4**2) below, sqrt(5**2 + 12**2) above; with a correlation of -1 the sums."""
        ours, theirs = (10.0, (7.0, 15.0)), (20.0, (8.0, 24.0))
        assert difference_bounds(ours, theirs, 0.0) == (-10 - 5, -10 + 13)
        assert difference_bounds(ours, theirs, -1.0) == (-10 - 7, -10 + 17)
        assert difference_bounds((1.0, (0.0, math.inf)), (1.0, (1.0, 1.0)), 0.5) == (-1.0, math.inf)

    def test_correlation(self) -> None:
        assert correlation([1.0, -1.0], [2.0, -2.0]) == pytest.approx(1)
        assert correlation([1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]) == pytest.approx(-1)
        assert correlation([0.0, 0.0], [1.0, -1.0]) == 0

    def test_the_p_value_is_the_error_at_which_the_interval_leaves_out_0(self) -> None:
        draw = random.Random(5)
        base = [draw.expovariate(1.0) for _ in range(80)]
        ours, theirs = sample([value + 0.4 + 0.2 * draw.random() for value in base]), sample(base)
        p = difference(ours, theirs).p_value
        assert 1e-4 < p < 0.5
        assert difference(ours, theirs, confidence=1 - 1.1 * p).interval[0] > 0
        assert difference(ours, theirs, confidence=1 - 0.9 * p).interval[0] <= 0

    def test_nothing_is_told_of_p_values_beyond_any_doubt(self) -> None:
        assert inverted(lambda confidence: (1.0, 2.0)) < 1e-5
        assert inverted(lambda confidence: (-1.0, 2.0)) == 1.0

    def test_two_quantiles_of_different_kind_are_refused(self) -> None:
        with pytest.raises(MetricError, match="two samples of one metric"):
            difference(sample([1.0, 2.0]), sample([1.0, 2.0], 0.95))

    def test_a_sample_against_itself_differs_by_nothing(self) -> None:
        one = sample([float(n) for n in range(30)])
        assert difference(one, one).interval == (0.0, 0.0)


def lognormal(z: float) -> float:
    return math.exp(0.6 * z)


def two_modes(z: float) -> float:
    """Seven answers in a hundred wait for something else: the 95th percentile lies near the gap."""
    return 1 + 0.1 * z if z < 1.4758 else 8 + 0.5 * z


@pytest.mark.parametrize(
    ("quantile", "n", "shape", "agreement"),
    [(0.5, 50, lognormal, 0.0), (0.5, 50, lognormal, -0.9), (0.95, 100, two_modes, 0.8), (0.95, 200, lognormal, 0.0)],
)
def test_each_bound_of_a_difference_errs_at_most_as_often_as_it_may(
    quantile: float, n: int, shape: Callable[[float], float], agreement: float
) -> None:
    """2.5 % a side, and 3 Monte Carlo errors of 120 samples on top: 8 of them."""
    draw, samples = random.Random(11), 120
    truth = 0.2 * shape(NormalDist().inv_cdf(quantile))
    above = below = 0
    for _ in range(samples):
        ours, theirs = [], []
        for _ in range(n):
            first, second = draw.gauss(0, 1), draw.gauss(0, 1)
            ours.append(1.2 * shape(first))
            theirs.append(shape(agreement * first + math.sqrt(1 - agreement**2) * second))
        low, high = difference(sample(ours, quantile), sample(theirs, quantile)).interval
        above += low > truth
        below += high < truth
    assert max(above, below) <= 8


def test_counts_are_what_adds_up() -> None:
    assert sample([3.0, 1.0, 2.0]).score(Counter([3.0, 1.0, 2.0]), 3) == 2.0
