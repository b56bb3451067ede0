"""BCa intervals: a published example, scipy's numbers from the same resamples, undefined scores, properties."""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.statistics import Sample
from pytest_genaiops.statistics.bca import acceleration, bca
from pytest_genaiops.statistics.resampling import Table, bootstrap, percentile

np = pytest.importorskip("numpy")
scipy_stats = pytest.importorskip("scipy.stats")  # 1.17.1

# Efron and Tibshirani 1993, *An Introduction to the Bootstrap*, table 14.1.
SPATIAL = (
    48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41,
)  # fmt: skip
SCORES = st.lists(st.integers(0, 100).map(lambda percent: percent / 100), min_size=1, max_size=40)


def variance_of(values: Sequence[float], **given: Any) -> Sample:
    """A sample whose score is the variance with divisor n: skewed, and far from a mean."""
    return Sample(
        statistics=[(value, value * value) for value in values],
        values=values,
        score=lambda total, n: total[1] / n - (total[0] / n) ** 2,
        is_mean=False,
        scale=(0.0, math.inf),
        **given,
    )


def scipys(data: tuple[Any, ...], statistic: Callable[..., Any], scores: Sequence[float], **given: Any) -> Any:
    """scipy's BCa interval from our resamples."""
    ours = SimpleNamespace(bootstrap_distribution=np.array(scores))
    found = scipy_stats.bootstrap(data, statistic, n_resamples=0, bootstrap_result=ours, method="BCa", **given)
    return tuple(found.confidence_interval)


def test_the_example_of_efron_and_tibshirani() -> None:
    table = Table(variance_of(SPATIAL), None)
    assert table.value() == pytest.approx(171.5, abs=0.05)
    assert acceleration([table]) == pytest.approx(0.061, abs=0.0005)
    scores = [score for (score,) in bootstrap([table], resamples=20_000, seed=1)]
    # Table 14.2 has 115.8 to 259.6 from 2000 resamples: bounds of other resamples differ by a few units.
    assert bca(scores, table.value(), acceleration([table]), 0.9, (0, math.inf)) == pytest.approx((115.8, 259.6), abs=4)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [8, 40, 300])
def test_scipys_interval_from_the_same_resamples(n: int, confidence: float) -> None:
    draw = random.Random(n)
    # Of eight cases some resamples score as the sample does: in sixty-fourths to the last bit, for scipy as well.
    values = [round(64 * draw.expovariate(1)) / 64 for _ in range(n)]
    table = Table(variance_of(values), None)
    scores = [score for (score,) in bootstrap([table], resamples=2000, seed=n)]
    found = bca(scores, table.value(), acceleration([table]), confidence, (0, math.inf))
    expected = scipys((values,), np.var, scores, confidence_level=confidence)
    # scipy interpolates between two resamples where ours takes one further out, by two ranks at most.
    ordered = [-math.inf, *sorted(scores), math.inf]
    assert found[0] <= expected[0] <= ordered[bisect_right(ordered, found[0]) + 1]
    assert ordered[bisect_left(ordered, found[1]) - 2] <= expected[1] <= found[1]


def test_the_acceleration_of_a_mean_is_its_skewness(mean_of) -> None:
    draw = random.Random(2)
    values = [draw.random() ** 3 for _ in range(80)]
    expected = scipy_stats.skew(values) / (6 * math.sqrt(80))
    assert acceleration([Table(mean_of(values), None)]) == pytest.approx(expected)
    assert acceleration([Table(mean_of([1 - v for v in values]), None)]) == pytest.approx(-expected)


def test_many_cases_are_left_out_in_groups_and_estimate_the_same(mean_of) -> None:
    draw = random.Random(3)
    # Sorted by value and with a period of 500 would be the worst cases for groups of neighbours.
    values = sorted(draw.random() ** 8 for _ in range(20_000))
    expected = scipy_stats.skew(values) / (6 * math.sqrt(20_000))
    # The third moment of 500 groups of 40 has a standard error of sqrt(6 / 500) / (6 sqrt(500)).
    error = math.sqrt(6 / 500) / (6 * math.sqrt(500))
    assert acceleration([Table(mean_of(values), None)]) == pytest.approx(expected, abs=3 * error)


def test_the_jackknife_asks_for_at_most_500_scores() -> None:
    calls: list[int] = []

    def score(total: tuple[float, ...], n: int) -> float:
        calls.append(n)
        return total[0] / total[1]

    rows = [(i % 7, 10 + i % 3) for i in range(1750)]
    acceleration([Table(Sample(statistics=rows, values=[0.5] * 1750, score=score, is_mean=False), None)])
    assert len(calls) == 500
    assert sum(1750 - n for n in calls) == 1750
    assert {1750 - n for n in calls} == {3, 4}


def test_clusters_are_left_out_whole() -> None:
    keys = [i // 3 for i in range(60)]
    draw = random.Random(4)
    rows = [(draw.randint(0, 5), draw.randint(6, 9)) for _ in range(60)]
    single = [tuple(map(sum, zip(*rows[i : i + 3], strict=True))) for i in range(0, 60, 3)]

    def of(statistics: Any) -> Sample:
        values = [0.5] * len(statistics)
        return Sample(statistics=statistics, values=values, score=lambda t, n: t[0] / t[1], is_mean=False)

    assert acceleration([Table(of(rows), keys)]) == pytest.approx(acceleration([Table(of(single), None)]))


def test_a_paired_difference_agrees_with_scipy(ratio_of) -> None:
    draw = random.Random(5)
    lengths = [draw.randint(5, 30) for _ in range(60)]
    ours, theirs = ([(draw.randint(0, length), length) for length in lengths] for _ in (0, 1))
    tables = [Table(ratio_of(side), None) for side in (ours, theirs)]
    value = tables[0].value() - tables[1].value()
    scores = [one - other for one, other in bootstrap(tables, resamples=2000, seed=6)]
    found = bca(scores, value, acceleration(tables), 0.95, (-1, 1))

    def change(one: Any, other: Any, length: Any, axis: int) -> Any:
        return (one.sum(axis) - other.sum(axis)) / length.sum(axis)

    data = ([row[0] for row in ours], [row[0] for row in theirs], lengths)
    expected = scipys(data, change, scores, paired=True, vectorized=True)
    spacing = max(np.diff(sorted(scores)[20:-20]))
    assert found == pytest.approx(expected, abs=spacing)
    turned = bca([-score for score in scores], -value, acceleration(tables[::-1]), 0.95, (-1, 1))
    assert turned == pytest.approx((-found[1], -found[0]))


def test_a_resample_without_a_score_counts_against_both_bounds() -> None:
    scores = [0.4 + i / 1000 for i in range(170)]
    middle = (scores[0] + scores[-1]) / 2
    assert bca([None] * 30 + scores, middle, 0.0, 0.95, (0, 1)) == (0, 1)
    # Four of 173 lie outside each bound: the three without a score, and one more.
    assert bca([None] * 3 + scores, middle, 0.0, 0.95, (0, 1)) == (scores[0], scores[-1])
    assert bca([None] * 100, 0.5, 0.0, 0.95, (0, math.inf)) == (0, math.inf)


def test_a_unit_without_which_there_is_no_score_is_passed_over() -> None:
    def score(total: tuple[float, ...], n: int) -> float:
        if total[0] == 0:
            raise UnscorableError("no positive case")
        return total[1] / total[0]

    rows = [(2, 1), (0, 3), (0, 1), (0, 0)]
    table = Table(Sample(statistics=rows, values=[1.0] * 4, score=score, is_mean=False), None)
    defined = [2 / 2, 4 / 2, 5 / 2]
    assert acceleration([table]) == pytest.approx(-scipy_stats.skew(defined) / (6 * math.sqrt(3)))


def test_scores_that_agree_have_no_acceleration(mean_of, ratio_of) -> None:
    assert acceleration([Table(mean_of([0.1] * 30), None)]) == 0
    assert acceleration([Table(ratio_of([(2, 3)] * 7), None)]) == 0
    assert acceleration([Table(ratio_of([(2, 3)]), None)]) == 0


@pytest.mark.parametrize("resamples", [100, 999, 1999, 2000])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99, 0.999])
def test_without_bias_and_acceleration_it_is_the_percentile_interval(resamples: int, confidence: float) -> None:
    scores = [i / resamples for i in range(resamples)]
    middle = (scores[0] + scores[-1]) / 2
    assert bca(scores, middle, 0.0, confidence, (0, 1)) == percentile(scores, confidence, (0, 1))


def test_bounds_beyond_every_resample_are_the_outermost_ones() -> None:
    scores = [i / 100 for i in range(101)]
    # 1 - acceleration * z is below 0 from z = 2 on: the formula would turn the bound around.
    assert bca(scores, 0.5, 0.5, 0.9999, (0, 1))[1] == 1
    assert bca(scores, 0.5, -0.5, 0.9999, (0, 1))[0] == 0


@given(
    scores=SCORES,
    value=st.floats(0, 1),
    acceleration=st.floats(-0.5, 0.5),
    confidence=st.floats(0.01, 0.9999),
    missing=st.integers(0, 30),
)
def test_the_bounds_are_ordered_scores_whatever_comes(scores, value, acceleration, confidence, missing) -> None:
    low, high = bca([*scores, *[None] * missing], value, acceleration, confidence, (0, 1))
    assert 0 <= low <= high <= 1
    assert {low, high} <= {*scores, 0, 1}


@given(scores=SCORES, value=st.floats(0, 1), acceleration=st.floats(-0.3, 0.3))
def test_turning_the_scores_turns_the_interval(scores, value, acceleration) -> None:
    low, high = bca(scores, value, acceleration, 0.95, (0, 1))
    assert bca([-s for s in scores], -value, -acceleration, 0.95, (-1, 0)) == pytest.approx((-high, -low))
