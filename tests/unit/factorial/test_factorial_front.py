"""The Pareto front: several numbers weighed by their values."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import Score
from pytest_genaiops.errors import MetricError
from pytest_genaiops.factorial import factorial
from pytest_genaiops.factorial.front import points as weighed
from pytest_genaiops.report.document import PointView

UPWARD = {"quality": True, "cost": False, "latency": False, "tokens": False}
AXES = {name: {"chunk": name[0], "k": name[1]} for name in ("a1", "a2", "b1", "b2")}


def scored(rows: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, Score]]:
    """Variant -> number -> a score of two cases with this mean; None is unscored."""
    return {
        variant: {
            name: Score.of([value, value], name=name, scale=(0, 100), higher_is_better=UPWARD[name])
            for name, value in values.items()
        }
        for variant, values in rows.items()
    }


def points(rows: Mapping[str, Mapping[str, float | None]], front: list[str] | None = None) -> dict[str, PointView]:
    return {point.variant: point for point in factorial(scored(rows), AXES, front=front).points}


def test_whoever_is_beaten_in_nothing_is_on_the_front() -> None:
    found = points(
        {
            "a1": {"quality": 90, "cost": 5},
            "a2": {"quality": 80, "cost": 2},
            "b1": {"quality": 80, "cost": 3},
            "b2": {"quality": 70, "cost": 6},
        }
    )
    assert {name for name, point in found.items() if point.on_front} == {"a1", "a2"}
    assert found["b1"].dominated_by == ("a2",)
    assert found["b2"].dominated_by == ("a1", "a2", "b1")
    assert found["a1"].values == {"quality": 90, "cost": 5}


def test_equals_do_not_beat_each_other() -> None:
    found = points({name: {"quality": 50, "cost": 1} for name in AXES})
    assert all(point.on_front and not point.dominated_by for point in found.values())


def test_a_variant_without_a_value_is_off_the_front_and_beats_nobody() -> None:
    rows: dict[str, dict[str, float | None]] = {name: {"quality": 50, "cost": 1} for name in AXES}
    rows["a1"] = {"quality": 99, "cost": None}
    found = points(rows)
    assert (found["a1"].on_front, found["a1"].dominated_by) == (False, ())
    assert found["a2"].on_front


def test_by_default_quality_cost_and_latency() -> None:
    rows = {name: {"latency": 1, "tokens": 9, "cost": 2, "quality": 3} for name in AXES}
    assert factorial(scored(rows), AXES).front == ("quality", "cost", "latency")
    without = {name: {key: value for key, value in own.items() if key != "cost"} for name, own in rows.items()}
    assert factorial(scored(without), AXES).front == ("quality", "tokens", "latency")


def test_a_cost_that_nobody_knows_gives_way_to_tokens() -> None:
    rows: dict[str, dict[str, float | None]] = {name: {"quality": 3, "cost": None, "tokens": 9} for name in AXES}
    assert factorial(scored(rows), AXES).front == ("quality", "tokens")


def test_one_number_is_no_front() -> None:
    view = factorial(scored({name: {"quality": 3} for name in AXES}), AXES)
    assert (view.front, view.points) == ((), ())
    with pytest.raises(MetricError, match="two numbers or more"):
        factorial(scored({name: {"quality": 3} for name in AXES}), AXES, front=["quality"])


def test_an_unknown_number_is_named() -> None:
    rows = scored({name: {"quality": 3, "cost": 1} for name in AXES})
    with pytest.raises(MetricError, match=r"front has 'qualty'.*did you mean 'quality'"):
        factorial(rows, AXES, front=["qualty", "cost"])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=4, max_size=4))
def test_against_the_definition(rows: list[tuple[int, int, int]]) -> None:
    names = ("quality", "cost", "latency")
    values = {variant: dict(zip(names, row, strict=True)) for variant, row in zip(AXES, rows, strict=True)}
    found = {point.variant: point for point in weighed(scored(values), names)}

    def better(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
        pairs = list(zip((one[0], -one[1], -one[2]), (other[0], -other[1], -other[2]), strict=True))
        return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)

    for variant, row in zip(AXES, rows, strict=True):
        beaten = [name for name, other in zip(AXES, rows, strict=True) if better(other, row)]
        assert found[variant].on_front is (not beaten)
        assert set(found[variant].dominated_by) <= set(beaten)
        assert len(found[variant].dominated_by) == min(3, len(beaten))
