"""Exact power of shares against scipy's binomial and against a walk through every table."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.statistics.rate_power import (
    best_lower_bound,
    best_margin,
    binomial_tail,
    cases_for_lower_bound,
    cases_for_margin,
    paired_rate_power,
    rate_power,
)
from pytest_genaiops.statistics.tango import tango

np = pytest.importorskip("numpy")
scipy_stats = pytest.importorskip("scipy.stats")


@given(st.integers(0, 2000).flatmap(lambda n: st.tuples(st.integers(-1, n + 1), st.just(n))), st.floats(0, 1))
def test_tail_of_the_binomial_is_scipys(counts: tuple[int, int], share: float) -> None:
    least, n = counts
    assert binomial_tail(least, n, share) == pytest.approx(scipy_stats.binom.sf(least - 1, n, share), abs=1e-10)


def test_tail_of_very_many_trials() -> None:
    for least in (499_000, 500_000, 501_000, 502_500):
        expected = scipy_stats.binom.sf(least - 1, 1_000_000, 0.5)
        assert binomial_tail(least, 1_000_000, 0.5) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("n", "share", "threshold"), [(20, 0.9, 0.7), (50, 0.95, 0.9), (149, 0.95, 0.9), (60, 1.0, 0.94)]
)
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_power_of_the_exact_lower_bound(n: int, share: float, threshold: float, confidence: float) -> None:
    """scipy 1.17: the outcomes whose Clopper-Pearson bound reaches the threshold, by their chances."""
    low = [scipy_stats.binomtest(x, n).proportion_ci(confidence, method="exact").low for x in range(n + 1)]
    expected = sum(scipy_stats.binom.pmf(x, n, share) for x in range(n + 1) if low[x] >= threshold)
    assert rate_power(n, confidence, share, threshold) == pytest.approx(expected, abs=1e-9)


def test_the_normal_approximation_would_promise_too_much() -> None:
    """149 cases would do by the textbook formula; the module's docstring says how often they do."""
    needed = 0.95 * 0.05 * (scipy_stats.norm.ppf(0.975) + scipy_stats.norm.ppf(0.8)) ** 2 / 0.05**2
    assert needed == pytest.approx(149, abs=1)
    assert rate_power(149, 0.95, 0.95, 0.90) == pytest.approx(0.53, abs=0.005)


def test_a_threshold_at_the_end_of_the_scale() -> None:
    assert rate_power(10, 0.95, 0.5, 0.0) == 1.0
    assert rate_power(10, 0.95, 0.5, -0.1) == 1.0
    assert rate_power(1000, 0.95, 1.0, 1.0) == 0.0


@pytest.mark.parametrize("n", [1, 7, 25])
@pytest.mark.parametrize("discordant", [0.0, 0.1, 0.4, 1.0])
@pytest.mark.parametrize("margin", [0.05, 0.15, 0.3, 0.99])
def test_paired_power_by_every_table(n: int, discordant: float, margin: float) -> None:
    tables = [(g, lost) for g in range(n + 1) for lost in range(n + 1 - g)]
    chances = scipy_stats.multinomial(n, [discordant / 2, discordant / 2, 1 - discordant])
    expected = sum(chances.pmf([g, lost, n - g - lost]) for g, lost in tables if tango(g, lost, n, 0.95)[0] > -margin)
    assert paired_rate_power(n, 0.95, discordant, margin) == pytest.approx(expected, abs=1e-6)


@given(
    n=st.integers(1, 60),
    discordant=st.floats(0, 1),
    margin=st.floats(0.001, 1),
    more=st.floats(0.001, 0.5),
    confidence=st.floats(0.5, 0.99),
)
def test_a_wider_margin_is_never_harder(n, discordant, margin, more, confidence) -> None:
    power = paired_rate_power(n, confidence, discordant, margin)
    assert 0 <= power <= paired_rate_power(n, confidence, discordant, margin + more) + 1e-9 <= 1 + 2e-9


@pytest.mark.parametrize("n", [1, 5, 50, 999])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_the_best_that_cases_can_show(n: int, confidence: float) -> None:
    exact = scipy_stats.binomtest(n, n).proportion_ci(confidence, method="exact").low
    assert best_lower_bound(n, confidence) == pytest.approx(exact, rel=1e-9)
    assert best_margin(n, confidence) == pytest.approx(-tango(0, 0, n, confidence)[0], rel=1e-9)


def test_no_case_shows_nothing() -> None:
    assert (best_lower_bound(0, 0.95), best_margin(0, 0.95)) == (0.0, 1.0)


@given(st.one_of(st.floats(-0.5, 0.0), st.floats(1e-6, 0.9999)), st.floats(0.01, 0.999))
def test_fewest_cases_for_a_claim_are_the_fewest(claim: float, confidence: float) -> None:
    n = cases_for_lower_bound(claim, confidence)
    assert n is not None
    assert best_lower_bound(n, confidence) >= claim
    assert n == 1 or best_lower_bound(n - 1, confidence) < claim
    if claim > 0:
        n = cases_for_margin(claim, confidence)
        assert n is not None
        assert best_margin(n, confidence) < claim
        assert n == 1 or best_margin(n - 1, confidence) >= claim


def test_some_claims_have_no_number() -> None:
    assert cases_for_lower_bound(0.95, 0.95) == 72  # 0.025 ** (1 / 72) is 0.9501
    assert cases_for_margin(0.02, 0.95) == math.floor(1.959963984540054**2 * 0.98 / 0.02) + 1
    assert cases_for_lower_bound(1.0, 0.95) is None
    assert cases_for_margin(0.0, 0.95) is None
    assert cases_for_margin(-1.0, 0.95) is None
    assert cases_for_margin(5e-324, 0.95) is None
    assert cases_for_margin(1.0, 0.95) == 1
