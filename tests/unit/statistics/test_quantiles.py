"""Own quantiles against scipy."""

import pytest

from pytest_genaiops.statistics.quantiles import binomial_tail, normal_quantile, t_quantile, t_two_sided, two_sided_z

scipy_stats = pytest.importorskip("scipy.stats")

DF = [1, 2, 3, 4, 9, 49, 199, 999, 1000, 12_345, 1e6]


@pytest.mark.parametrize("df", DF)
@pytest.mark.parametrize("probability", [1e-5, 0.005, 0.025, 0.2, 0.4999, 0.6, 0.9, 0.975, 0.995, 0.99999])
def test_t_quantile_agrees_with_scipy_to_eight_digits(probability: float, df: float) -> None:
    assert t_quantile(probability, df) == pytest.approx(scipy_stats.t.ppf(probability, df), rel=1e-8)


@pytest.mark.parametrize("df", DF)
@pytest.mark.parametrize("t", [0.01, 0.5, 1.0, 1.96, 4.0, 12.0])
def test_two_sided_t_probability_agrees_with_scipy(t: float, df: float) -> None:
    expected = 2 * scipy_stats.t.sf(t, df)
    assert t_two_sided(t, df) == pytest.approx(expected, rel=1e-8, abs=1e-15)
    assert t_two_sided(-t, df) == t_two_sided(t, df)


def test_edges_of_the_t_distribution() -> None:
    assert t_two_sided(0.0, 5) == 1.0
    assert t_two_sided(float("inf"), 5) == 0.0
    assert t_quantile(0.5, 5) == 0.0


@pytest.mark.parametrize("probability", [1e-6, 0.025, 0.5, 0.8, 0.975])
def test_normal_quantile_agrees_with_scipy(probability: float) -> None:
    assert normal_quantile(probability) == pytest.approx(scipy_stats.norm.ppf(probability), rel=1e-12, abs=1e-15)


def test_two_sided_z_is_the_familiar_one() -> None:
    assert two_sided_z(0.95) == pytest.approx(1.959963984540054)


@pytest.mark.parametrize(("seen", "n", "share"), [(1, 1, 0.5), (3, 20, 0.05), (19, 20, 0.95), (61, 100, 0.5)])
def test_the_tail_of_the_binomial_distribution_is_scipys(seen: int, n: int, share: float) -> None:
    assert binomial_tail(seen, n, share) == pytest.approx(scipy_stats.binom.sf(seen - 1, n, share), rel=1e-8)
