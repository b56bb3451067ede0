"""Holm's and Benjamini and Hochberg's adjustments, by hand and against statsmodels and scipy."""

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.multiplicity import ADJUSTMENTS, adjusted, benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.05, 1.0]), min_size=1, max_size=30)
Adjustment = Callable[[Sequence[float]], tuple[float, ...]]
BOTH = pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])


def test_values_worked_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; the last may not fall below 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_step_up_values_worked_by_hand() -> None:
    """Sorted 0.005, 0.02, 0.03, 0.04 times 4/1, 4/2, 4/3, 4/4 is 0.02, 0.04, 0.04, 0.04."""
    assert benjamini_hochberg([0.02, 0.04, 0.03, 0.005]) == pytest.approx((0.04, 0.04, 0.04, 0.02))


@settings(deadline=None)  # the first draw loads the oracle
@given(P_VALUES)
def test_step_up_values_are_those_of_scipy(p_values: list[float]) -> None:
    """scipy 1.17.1."""
    from scipy.stats import false_discovery_control

    assert benjamini_hochberg(p_values) == pytest.approx(false_discovery_control(p_values).tolist(), abs=1e-15)


@settings(deadline=None)  # the first draw loads the oracle
@given(P_VALUES)
def test_both_are_those_of_statsmodels(p_values: list[float]) -> None:
    """statsmodels 0.15.0."""
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    for ours, theirs in (holm, "holm"), (benjamini_hochberg, "fdr_bh"):
        assert ours(p_values) == pytest.approx(multipletests(p_values, method=theirs)[1].tolist(), abs=1e-15)


@BOTH
def test_edges(adjust: Adjustment) -> None:
    assert adjust([]) == ()
    assert adjust([0.2]) == (0.2,)
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert benjamini_hochberg([0.6, 0.7]) == (0.7, 0.7)


@BOTH
@pytest.mark.parametrize("bad", [1.5, -0.1, math.nan])
def test_what_is_no_p_value_is_refused(adjust: Adjustment, bad: float) -> None:
    with pytest.raises(MetricError, match=rf"p-value 1 is {bad}; it must lie between 0 and 1"):
        adjust([0.5, bad])


@BOTH
@given(p_values=st.lists(st.floats(0, 1), max_size=20))
def test_adjustment_keeps_the_order_and_never_helps(adjust: Adjustment, p_values: list[float]) -> None:
    found = adjust(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, found, strict=True))
    assert sorted(found) == [after for _, after in sorted(zip(p_values, found, strict=True))]


@given(st.lists(st.floats(0, 1), max_size=20))
def test_the_weaker_promise_never_finds_less(p_values: list[float]) -> None:
    pairs = zip(benjamini_hochberg(p_values), holm(p_values), strict=True)
    assert all(weak <= strong + 1e-15 for weak, strong in pairs)


class TestByName:
    def test_a_comparison_that_was_not_made_does_not_count(self) -> None:
        assert adjusted([0.01, None, 0.04], "holm") == pytest.approx((0.02, None, 0.04))
        assert adjusted([None, None], "bh") == (None, None)

    def test_every_name(self) -> None:
        assert {name: adjusted([0.02, 0.04], name) for name in ADJUSTMENTS} == {
            "holm": (0.04, 0.04),
            "bh": (0.04, 0.04),
        }

    def test_an_unknown_name_is_refused(self) -> None:
        with pytest.raises(MetricError, match="no adjustment of p-values is called 'bonferroni'; give one of holm, bh"):
            adjusted([0.1], "bonferroni")
