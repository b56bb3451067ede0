"""Power: the closed form, and the promise it makes."""

import math

import pytest

from pytest_genaiops.statistics import detectable, required_n
from pytest_genaiops.statistics.power import agreeing_n
from pytest_genaiops.statistics.tango import tango

scipy_stats = pytest.importorskip("scipy.stats")


def test_textbook_sample_size() -> None:
    """(1.96 + 0.84)**2 (sd / effect)**2 = 31.4 for an effect of half a standard deviation."""
    assert required_n(0.1, 100, 0.5, 0.95) == 32
    assert required_n(0.1, 100, -0.5, 0.95) == 32


def test_more_power_and_more_confidence_need_more_cases() -> None:
    plain = required_n(0.02, 100, 0.01, 0.95)
    assert required_n(0.02, 100, 0.01, 0.95, power=0.9) > plain
    assert required_n(0.02, 100, 0.01, 0.99) > plain


def test_detectable_difference_is_the_effect_that_the_present_n_has_power_for() -> None:
    effect = detectable(0.02, 0.95)
    assert effect == pytest.approx(0.02 * (scipy_stats.norm.ppf(0.975) + scipy_stats.norm.ppf(0.8)))
    assert required_n(0.02, 300, effect * 1.000001, 0.95) == 300


@pytest.mark.parametrize(("error", "n", "effect"), [(0.1, 10, 0.0), (math.inf, 10, 0.1), (0.1, 0, 0.1)])
def test_no_number_of_cases_where_none_would_do(error: float, n: int, effect: float) -> None:
    assert required_n(error, n, effect, 0.95) is None


def test_no_spread_still_needs_two_cases() -> None:
    assert required_n(0.0, 50, 0.1, 0.95) == 2


def test_agreeing_cases_narrow_the_interval_faster_than_differing_ones() -> None:
    """Without a discordant pair Tango's bound is z**2 / (n + z**2): within 0.02 from 189 cases on."""
    reach = tango(0, 0, 50, 0.95)[1]
    n = agreeing_n(reach, 50, 0.02)
    assert n == pytest.approx(189, rel=0.1)
    assert agreeing_n(reach, 1, 0.02) is None
    assert agreeing_n(math.inf, 50, 0.02) is None
    assert agreeing_n(reach, 50, 0.0) is None
