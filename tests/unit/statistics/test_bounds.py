"""Bounds of means: against published formulas worked out with scipy, exact cases, and seeded simulations."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.statistics.bounds import FEW, SKEWED, mean_bounds
from pytest_genaiops.statistics.means import Interval

np = pytest.importorskip("numpy")
scipy_optimize = pytest.importorskip("scipy.optimize")
scipy_stats = pytest.importorskip("scipy.stats")

SCALE = (0.0, 1.0)
DRAWS = 800


def bounds(values: list[float], scale: Interval = SCALE, groups: list[int] | None = None) -> Interval:
    return mean_bounds(values, groups, confidence=0.95, scale=scale, seed=12345).interval


def hall(values: list[float]) -> Interval:
    """Hall 1992, eq. for g and its inverse, over skewnesses 0, G1 and Bobée and Robitaille's; critical value from t."""
    n, mean, error = len(values), np.mean(values), scipy_stats.sem(values)
    raw = scipy_stats.skew(values)
    critical = scipy_stats.t.ppf(0.975, n - 1)
    found = [(mean - critical * error, mean + critical * error)]
    pearson = raw * ((1 + 6.51 / n + 20.20 / n**2) + (1.48 / n + 6.77 / n**2) * raw**2)
    for skewness in (scipy_stats.skew(values, bias=False), pearson):

        def g(t: float, skewness: float = skewness) -> float:
            a = skewness / math.sqrt(n)
            return t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6

        # g rises wherever its slope (1 + a t / 3)**2 is not 0, so that it has one root for each critical value.
        roots = [scipy_optimize.brentq(lambda t, c=c: g(t) - c, -1e4, 1e4) for c in (critical, -critical)]
        found.append((mean - error * roots[0], mean - error * roots[1]))
    return min(low for low, _ in found), max(high for _, high in found)


@pytest.mark.parametrize("n", [8, 20, 100])
@pytest.mark.parametrize("shape", [(4, 1), (1, 6), (0.5, 0.5)])
def test_enough_different_values_get_halls_bounds(n: int, shape: tuple[float, float]) -> None:
    values = np.random.default_rng(n).beta(*shape, n).tolist()
    found = mean_bounds(values, None, confidence=0.95, scale=(-50.0, 50.0), seed=1)
    assert found.method == SKEWED
    assert found.interval == pytest.approx(hall(values), abs=1e-9)


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (17, 20), (49, 50), (2, 200)])
def test_values_at_the_ends_of_the_scale_get_clopper_and_pearsons_bounds(successes: int, n: int) -> None:
    expected = scipy_stats.binomtest(successes, n).proportion_ci(0.95, method="exact")
    # 20 000 draws place a quantile to a hundredth or two of a standard error.
    assert bounds([1.0] * successes + [0.0] * (n - successes)) == pytest.approx((expected.low, expected.high), abs=4e-3)


def test_few_different_values_get_the_quantiles_of_dirichlet_means() -> None:
    values = [0.9] * 27 + [0.4, 0.1, 0.7]
    weights = np.random.default_rng(1).dirichlet([1.0] * 31, 200_000)
    expected = (
        np.quantile(weights[:, :30] @ values, 0.025),
        np.quantile(weights[:, :30] @ values + weights[:, 30], 0.975),
    )
    assert bounds(values) == pytest.approx(expected, abs=1e-3)


def test_equal_values_get_the_rule_of_three() -> None:
    share = 1 - 0.025 ** (1 / 40)
    assert bounds([0.8] * 40) == pytest.approx((0.8 * (1 - share), 0.8 + 0.2 * share))


def test_few_different_clusters_are_bounded_by_their_number_not_by_that_of_their_cases() -> None:
    values = [0.9] * 45 + [0.2] * 5
    alone, together = bounds(values), bounds(values, groups=[i // 5 for i in range(50)])
    assert together == pytest.approx(bounds([0.9] * 9 + [0.2]), abs=4e-3)
    assert together[0] < alone[0]


def test_an_unbounded_scale_has_no_end_to_put_a_further_case_at() -> None:
    found = mean_bounds([1.0, 1.0, 1.0, 2.0], None, confidence=0.95, scale=(0.0, math.inf), seed=1)
    assert found.method == SKEWED
    assert math.isfinite(found.interval[1])
    # Of two equal values a differing one may be as small as 0, and as large as anything.
    assert bounds([1.0, 1.0], (0.0, math.inf)) == (pytest.approx(0.025 ** (1 / 2)), math.inf)


LEVELS = st.lists(st.integers(0, 20).map(lambda twentieths: twentieths / 20), min_size=2, max_size=40)


@given(values=LEVELS)
def test_turning_the_scale_turns_the_bounds(values: list[float]) -> None:
    low, high = bounds(values)
    assert bounds([1 - v for v in values]) == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert 0 <= low <= math.fsum(values) / len(values) + 1e-12
    assert math.fsum(values) / len(values) - 1e-12 <= high <= 1


@given(values=LEVELS, order=st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(values: list[float], order: random.Random) -> None:
    assert bounds(order.sample(values, len(values))) == pytest.approx(bounds(values), abs=1e-9)


def mostly_perfect(generator: object, n: int) -> list[float]:
    """Nine cases in ten score 1, the others anything: what judges give good systems. Mean 0.95."""
    return np.where(generator.random(n) < 0.9, 1.0, generator.random(n)).tolist()


@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize(
    ("truth", "draw"),
    [
        (0.8, lambda g, n: g.beta(4, 1, n).tolist()),
        (0.9, lambda g, n: g.beta(9, 1, n).tolist()),
        (0.95, mostly_perfect),
    ],
)
def test_each_bound_alone_holds_its_level_on_skewed_values(n: int, truth: float, draw) -> None:
    generator = np.random.default_rng(n)
    found = [bounds(draw(generator, n)) for _ in range(DRAWS)]
    error = 3 * math.sqrt(0.03 * 0.97 / DRAWS)
    assert np.mean([low <= truth for low, _ in found]) >= 0.97 - error
    assert np.mean([high >= truth for _, high in found]) >= 0.97 - error


def test_a_change_that_breaks_one_case_in_ten_does_not_pass_for_harmless() -> None:
    """The losses are few and large: with t, samples that happen to hold few of them would look certain."""
    generator, n, truth = np.random.default_rng(9), 50, -0.05
    passed = 0
    for _ in range(DRAWS):
        changes = np.where(generator.random(n) < 0.1, -0.5, 0.0).tolist()
        passed += bounds(changes, (-1.0, 1.0))[0] > truth
    assert passed / DRAWS <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / DRAWS)


def test_the_rule_for_few_is_where_it_is_said_to_be() -> None:
    values = [0.9] * 30 + [0.1 * i for i in range(1, FEW)]
    assert mean_bounds(values, None, confidence=0.95, scale=SCALE, seed=1).method == "Dirichlet bound"
    assert mean_bounds([*values, 0.95], None, confidence=0.95, scale=SCALE, seed=1).method == SKEWED


def test_differences_that_are_hardly_there_have_bounds_too() -> None:
    values = [0.0, 1e-160, 2e-160, 3e-160, 4e-160, 5e-160, 6e-160] * 3
    low, high = bounds(values, scale=(0.0, math.inf))
    assert 0 <= low <= 3e-160 <= high < 1e-150
