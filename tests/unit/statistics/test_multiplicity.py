"""Holm's adjustment, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics import holm


def test_values_worked_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; the last may not fall below 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_edges() -> None:
    assert holm([]) == ()
    assert holm([0.2]) == (0.2,)
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    with pytest.raises(MetricError, match=r"p-value 1 is 1\.5"):
        holm([0.5, 1.5])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_adjustment_keeps_the_order_and_never_helps(p_values) -> None:
    adjusted = holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    assert sorted(adjusted) == [after for _, after in sorted(zip(p_values, adjusted, strict=True))]
