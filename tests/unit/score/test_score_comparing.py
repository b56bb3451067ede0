"""A score compares like a number, and only where every case has one."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from pytest_genaiops import CoverageError, Score, metric
from pytest_genaiops.errors import GenaiopsError, MetricError

full = Score.of([0.5, 1.0, 0.0, 0.5], name="tone")
gaps = Score.of([1.0, None, 1.0], name="tone")
none = Score.of([None, None], name="tone")
cost = Score.of([2.0, 4.0], name="cost", scale=(0, math.inf), higher_is_better=False)
cost_gaps = Score.of([0.0, None], name="cost", scale=(0, math.inf), higher_is_better=False)

Compare = Callable[[Any, Any], bool]


class TestNumbers:
    @pytest.mark.parametrize(
        ("compare", "threshold", "holds"),
        [
            (operator.ge, 0.5, True),
            (operator.ge, 0.51, False),
            (operator.gt, 0.5, False),
            (operator.gt, 0.49, True),
            (operator.le, 0.5, True),
            (operator.le, 0.49, False),
            (operator.lt, 0.5, False),
            (operator.lt, 0.51, True),
            (operator.eq, 0.5, True),
            (operator.eq, 0.4, False),
            (operator.ne, 0.5, False),
            (operator.ne, 0.4, True),
        ],
    )
    def test_as_their_value_does(self, compare: Compare, threshold: float, holds: bool) -> None:
        assert compare(full, threshold) is holds

    @pytest.mark.parametrize("kind", ["float64", "float32", "fraction"])
    def test_with_every_kind_of_real_number(self, kind: str) -> None:
        import numpy as np

        half: Any = Fraction(1, 2) if kind == "fraction" else np.dtype(kind).type(0.5)
        assert half == full
        assert half <= full
        assert not half < full
        assert full >= half
        assert not full > half

    def test_with_whole_numbers(self) -> None:
        import numpy as np

        assert cost == 3
        assert 3 == cost  # noqa: SIM300 - the other way round is the point
        assert cost <= np.int64(3)
        assert not cost < 3

    def test_the_number_on_the_left(self) -> None:
        assert 0.4 < full < 0.6

    @pytest.mark.parametrize("other", ["0.5", None, [0.5], True, object()])
    def test_nothing_else_can_be_a_threshold(self, other: object) -> None:
        with pytest.raises(MetricError, match=f"with a number or another score, not {type(other).__name__}"):
            full >= other  # noqa: B015

    @pytest.mark.parametrize("compare", [operator.ge, operator.lt, operator.eq])
    def test_nan_is_no_threshold(self, compare: Compare) -> None:
        with pytest.raises(MetricError, match="compared with NaN, which nothing can meet"):
            compare(full, math.nan)

    def test_equal_to_nothing_else(self) -> None:
        assert full != None  # noqa: E711
        assert full != "0.5"

    def test_approx(self) -> None:
        third = Score.of([1, 0, 0])
        assert third == pytest.approx(0.333, abs=0.001)
        assert third != pytest.approx(0.334, abs=0.0001)

    def test_approx_of_an_incomplete_score_never_holds(self) -> None:
        assert not gaps == pytest.approx(1.0)  # noqa: SIM201
        assert not none == pytest.approx(0.0)  # noqa: SIM201


class TestScores:
    def test_by_their_values(self) -> None:
        better = Score.of([1.0, 1.0], name="tone")
        assert better > full
        assert full < better
        assert not better == full  # noqa: SIM201
        assert better != full
        assert Score.of([0.5], name="tone") == full

    def test_one_with_gaps_on_either_side_never_holds(self) -> None:
        assert not full >= gaps
        assert not gaps >= full
        with pytest.raises(CoverageError):
            full <= gaps  # noqa: B015

    @pytest.mark.parametrize(
        ("other", "differs"),
        [
            (Score.of([0.5], name="style"), r"tone cannot be compared with style: one has tone, the other style"),
            (Score.of([0.5], name="tone", scale=(0, 5)), r"one has scale:0-1, the other scale:0-5"),
            (
                Score.of([0.5], name="tone", higher_is_better=False),
                r"one has better:higher, the other better:lower",
            ),
        ],
    )
    @pytest.mark.parametrize("compare", [operator.ge, operator.lt, operator.eq, operator.ne])
    def test_of_different_signatures_are_refused_naming_what_differs(
        self, compare: Compare, other: Score, differs: str
    ) -> None:
        with pytest.raises(MetricError, match=differs):
            compare(full, other)

    def test_an_option_of_the_metric_is_part_of_the_signature(self) -> None:
        texts = (["The cat sat."], ["The cat sat."])
        plain, lower = metric("bleu")(*texts), metric("bleu", lowercase=True)(*texts)
        with pytest.raises(MetricError, match="one has case:mixed, the other case:lc"):
            plain >= lower  # noqa: B015


class TestGaps:
    """With unscored cases a comparison is false along the score's direction and refused against it."""

    @pytest.mark.parametrize("score", [gaps, none])
    @pytest.mark.parametrize("compare", [operator.ge, operator.gt, operator.eq])
    def test_along_the_direction_it_is_false(self, score: Score, compare: Compare) -> None:
        assert compare(score, 0.0) is False
        assert compare(score, 1.0) is False

    @pytest.mark.parametrize("score", [gaps, none])
    @pytest.mark.parametrize("compare", [operator.le, operator.lt, operator.ne])
    def test_against_the_direction_it_is_refused(self, score: Score, compare: Compare) -> None:
        with pytest.raises(CoverageError, match="cannot be compared: score every case first"):
            compare(score, 7.0)

    def test_lower_is_better_turns_both_round(self) -> None:
        assert (cost_gaps <= 5) is False
        assert (cost_gaps < 5) is False
        for against in (operator.ge, operator.gt, operator.ne):
            with pytest.raises(CoverageError):
                against(cost_gaps, 0)

    def test_no_spelling_lets_an_incomplete_score_pass(self) -> None:
        spellings: list[Callable[[Score], object]] = [
            lambda s: s >= 0,
            lambda s: s > -1,
            lambda s: s <= 1,
            lambda s: s < 2,
            lambda s: s == 1,
            lambda s: s != 5,
            lambda s: s != "x",
            lambda s: not s < 0,
            lambda s: not s <= -1,
            lambda s: s == pytest.approx(1.0),
            lambda s: s != pytest.approx(0.5),
            lambda s: float(s) >= 0,
            lambda s: round(float(s)) == 1,
            bool,
            lambda s: not s,
            lambda s: s.at_least(0),
            lambda s: s.at_most(1),
            lambda s: s.within(0, 1),
            lambda s: s.not_worse_than(s, margin=1.0),
            lambda s: s.better_than(s),
        ]
        for score in (gaps, none):
            for number, spelling in enumerate(spellings):
                try:
                    passed = bool(spelling(score))
                except GenaiopsError:
                    passed = False
                assert not passed, number

    def test_the_error_is_an_assertion_so_that_a_test_fails_by_it(self) -> None:
        with pytest.raises(AssertionError):
            gaps < 0.5  # noqa: B015

    def test_an_empty_score_is_not_perfect(self) -> None:
        empty = Score.of([])
        assert (empty.value, empty.n, empty.unscored) == (None, 0, 0)
        assert not empty >= 0
        with pytest.raises(CoverageError):
            empty < 1  # noqa: B015


class TestConversions:
    def test_float(self) -> None:
        assert float(full) == 0.5
        with pytest.raises(CoverageError, match=r"tone = 1.0000 \(n=2, 1 unscored, scale 0-1\) is not complete; use"):
            float(gaps)

    def test_a_score_is_neither_true_nor_false(self) -> None:
        with pytest.raises(MetricError, match="a score is neither true nor false; compare it: tone"):
            assert full

    def test_format(self) -> None:
        assert f"{full:.2f}" == "0.50"
        assert f"{full}" == repr(full) == "<tone = 0.5000 (n=4, scale 0-1)>"
        assert f"{none:.2f}" == "<tone = unscored (n=0, 2 unscored, scale 0-1)>"

    def test_it_can_be_put_into_a_set(self) -> None:
        assert len({full, gaps, full}) == 2
