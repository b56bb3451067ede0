"""Tango's interval against published values and a slow likelihood oracle; McNemar against scipy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.statistics.tango import mcnemar, mcnemar_mid_p, tango

scipy_stats = pytest.importorskip("scipy.stats")
scipy_optimize = pytest.importorskip("scipy.optimize")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1, 300))
    gained = draw(st.integers(0, n))
    return gained, draw(st.integers(0, n - gained)), n


def test_published_values() -> None:
    """Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables (2017), ch. 8.

    Complete response before and after consolidation therapy (Cavo 2012: 6 and 16 of 161 pairs discordant).
    """
    assert tango(6, 16, 161, 0.95) == pytest.approx((-0.1240, -0.0054), abs=5e-5)


@pytest.mark.parametrize("n", [1, 10, 50, 1000])
def test_no_discordant_pair_is_not_certainty(n: int) -> None:
    """With no discordant pair the score equation reduces to n delta**2 = z**2 |delta| (1 - |delta|)."""
    z2 = 1.959963984540054**2
    assert tango(0, 0, n, 0.95) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), rel=1e-9)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(1, 7, 21), (12, 2, 50), (40, 20, 160), (5, 0, 30), (0, 9, 200), (3, 3, 8), (30, 65, 99)]
)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_agrees_with_the_score_test_from_a_maximized_likelihood(
    gained: int, lost: int, n: int, confidence: float
) -> None:
    z = scipy_stats.norm.ppf((1 + confidence) / 2)
    low, high = tango(gained, lost, n, confidence)
    assert _score(gained, lost, n, low) == pytest.approx(z, rel=1e-4)
    assert _score(gained, lost, n, high) == pytest.approx(-z, rel=1e-4)


def _score(gained: int, lost: int, n: int, delta: float) -> float:
    """Score statistic whose nuisance parameter is found by maximizing the multinomial likelihood numerically."""

    def loss(only_baseline: float) -> float:
        cells = (only_baseline + delta, only_baseline, 1 - 2 * only_baseline - delta)
        counts = (gained, lost, n - gained - lost)
        return -sum(k * math.log(p) for k, p in zip(counts, cells, strict=True) if k)

    bounds = (max(0.0, -delta) + 1e-12, (1 - delta) / 2 - 1e-12)
    fitted = scipy_optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return (gained - lost - n * delta) / math.sqrt(n * (2 * fitted + delta - delta**2))


@given(counts=pairs(), confidence=st.floats(0.5, 0.999))
def test_interval_holds_the_difference_and_turns_with_the_sides(counts, confidence) -> None:
    gained, lost, n = counts
    low, high = tango(gained, lost, n, confidence)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert low < high
    assert tango(lost, gained, n, confidence) == (-high, -low)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (0, 5), (3, 9), (7, 7), (60, 41), (400, 300)])
def test_mcnemar_is_the_exact_binomial_test(gained: int, lost: int) -> None:
    expected = scipy_stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-10)
    assert mcnemar(lost, gained) == mcnemar(gained, lost)


@pytest.mark.parametrize(
    ("gained", "lost", "expected"),
    [
        # Fagerland, Lydersen and Laake 2013, their first example (1 and 7 discordant pairs): mid-p 0.039.
        (1, 7, 0.0391),
        (7, 1, 0.0391),
        (5, 5, 1.0),
        (0, 0, 1.0),
    ],
)
def test_the_mid_p_value_counts_the_observed_table_half(gained: int, lost: int, expected: float) -> None:
    assert mcnemar_mid_p(gained, lost) == pytest.approx(expected, abs=5e-5)
    assert mcnemar_mid_p(gained, lost) <= mcnemar(gained, lost)
