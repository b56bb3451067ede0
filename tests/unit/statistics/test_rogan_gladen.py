"""True rates from apparent ones."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.rogan_gladen import Seen, true_rate


def seen(successes: float, n: float) -> Seen:
    return Seen(share=successes / n, n=n)


class TestValue:
    def test_is_rogan_and_gladens(self) -> None:
        # (0.3 + 0.8 - 1) / (0.9 + 0.8 - 1) = 1 / 7
        found = true_rate(seen(300, 1000), seen(90, 100), seen(80, 100))
        assert found.value == pytest.approx(1 / 7)

    def test_of_a_perfect_judge_is_what_it_says(self) -> None:
        assert true_rate(seen(300, 1000), seen(50, 50), seen(50, 50)).value == pytest.approx(0.3)

    @pytest.mark.parametrize(("said", "value"), [(0.01, 0.0), (0.99, 1.0)])
    def test_stays_between_0_and_1(self, said: float, value: float) -> None:
        assert true_rate(Seen(share=said, n=1000), seen(80, 100), seen(80, 100)).value == value


class TestInterval:
    def test_solves_fiellers_inequality(self) -> None:
        said, sensitivity, specificity = seen(400, 1000), seen(45, 50), seen(40, 50)
        low, high = true_rate(said, sensitivity, specificity).interval
        z = 1.959963984540054
        q, se, sp = (400 + z * z / 2) / (1000 + z * z), 46 / 52, 41 / 52
        for p in (low, high):
            distance = q + sp - 1 - p * (se + sp - 1)
            variance = q * (1 - q) / (1000 + z * z) + p * p * se * (1 - se) / 52 + (1 - p) ** 2 * sp * (1 - sp) / 52
            assert distance**2 == pytest.approx(z * z * variance)

    def test_of_a_judge_that_may_be_a_coin_is_the_whole_scale(self) -> None:
        assert true_rate(seen(500, 1000), seen(6, 10), seen(5, 10)).interval == (0.0, 1.0)

    @given(st.integers(0, 40), st.integers(1, 12), st.integers(1, 12), st.integers(0, 12), st.integers(0, 12))
    def test_holds_the_value(self, said: int, m: int, n: int, right: int, wrong: int) -> None:
        right, wrong = min(right, m), min(wrong, n)
        if right / m + wrong / n <= 1:
            return
        found = true_rate(seen(said, 40), seen(right, m), seen(wrong, n))
        assert 0 <= found.interval[0] <= found.value <= found.interval[1] <= 1
        assert math.isfinite(found.standard_error)

    @pytest.mark.parametrize("rate", [0.0, 0.3, 0.95, 1.0])
    @pytest.mark.parametrize(("sensitivity", "specificity"), [(1.0, 1.0), (0.9, 0.75), (0.99, 0.9)])
    @pytest.mark.parametrize("labels", [8, 30])
    def test_covers(self, rate: float, sensitivity: float, specificity: float, labels: int) -> None:
        rng, runs, covered, done = random.Random(7), 400, 0, 0
        said = rate * sensitivity + (1 - rate) * (1 - specificity)
        for _ in range(runs):
            right, wrong = (sum(rng.random() < share for _ in range(labels)) for share in (sensitivity, specificity))
            if right + wrong <= labels:
                continue
            done += 1
            share = min(1.0, max(0.0, rng.gauss(said, math.sqrt(said * (1 - said) / 500))))
            low, high = true_rate(Seen(share=share, n=500), seen(right, labels), seen(wrong, labels)).interval
            covered += low - 1e-9 <= rate <= high + 1e-9
        assert covered / done >= 0.93 - 2 * math.sqrt(0.93 * 0.07 / done)


def test_a_judge_that_is_no_better_than_chance_is_refused() -> None:
    with pytest.raises(MetricError, match=r"no better than chance \(sensitivity 0.5, specificity 0.5\)"):
        true_rate(seen(5, 10), seen(5, 10), seen(5, 10))


def test_a_judge_that_always_says_yes_is_refused() -> None:
    with pytest.raises(MetricError, match="no better than chance"):
        true_rate(seen(10, 10), seen(10, 10), seen(0, 10))
