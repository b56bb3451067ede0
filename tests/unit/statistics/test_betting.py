"""Confidence sequences against a slow capital process, exact enumeration and short simulations."""

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.betting import ConfidenceSequence, split_confidence
from pytest_genaiops.statistics.tango import tango

np = pytest.importorskip("numpy")

DRAWS = 200
N = 200
GRID = 1 / (1 << 20)

SHARES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
RUNS = st.lists(st.one_of(SHARES, st.sampled_from([0.0, 1.0])), min_size=1, max_size=40)


def read(values, *, scale: tuple[float, float] = (0.0, 1.0), horizon: int = N, confidence: float = 0.95):
    sequence = ConfidenceSequence(scale, horizon=horizon, confidence=confidence)
    sequence.observe(values)
    return sequence.bounds


def shares_staked(mean: float, horizon: int, confidence: float) -> list[float]:
    """Five shares in even ratios, from 0.97 down to what half of the horizon needs if the values are yes or no."""
    level = math.log(2 / (1 - confidence))
    least = min(0.97, math.sqrt(2 * level / (horizon / 2)) * math.sqrt(mean / (1 - mean)))
    return [least ** (1 - part / 4) * 0.97 ** (part / 4) for part in range(5)]


def fortune(values: list[float], mean: float, horizon: int, confidence: float) -> float:
    """The largest capital ever held by a gambler who bets against a mean of at most ``mean``, coin by coin."""
    shares = shares_staked(mean, horizon, confidence)
    parts, most = [1 / 5] * 5, 1.0
    for value in values:
        parts = [part * (1 + share / mean * (value - mean)) for part, share in zip(parts, shares, strict=True)]
        most = max(most, sum(parts))
    return most


@settings(deadline=None)
@given(values=RUNS, horizon=st.integers(1, 500), confidence=st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_the_bounds_are_where_a_plain_gambler_would_have_won(values, horizon, confidence) -> None:
    goal = 2 / (1 - confidence)
    bounds = read(values, horizon=horizon, confidence=confidence)
    distances = bounds[0], 1 - bounds[1]
    sides = values, [1 - value for value in values]
    won = [{m for m in range(1, 20) if fortune(side, m / 20, horizon, confidence) >= goal} for side in sides]
    for distance, side, claims in zip(distances, sides, won, strict=True):
        assert claims >= {m for m in range(1, 20) if m / 20 < distance}
        if distance:
            assert fortune(side, distance, horizon, confidence) >= goal * (1 - 1e-9)
    # Values in no random order may refute both sides of a mean; then both bounds stay where they were.
    if sum(max(claims, default=0) for claims in won) < 18:
        for distance, claims in zip(distances, won, strict=True):
            assert distance >= max(claims, default=0) / 20 - GRID


@settings(deadline=None)
@given(values=RUNS, cuts=st.lists(st.integers(0, 40), max_size=4), horizon=st.integers(1, 200))
def test_blocks_and_single_observations_give_the_same_nested_bounds(values, cuts, horizon) -> None:
    single = ConfidenceSequence((0, 1), horizon=horizon, confidence=0.8)
    low, high = single.bounds
    assert (low, high) == (0, 1)
    for count, value in enumerate(values, 1):
        single.observe([value])
        assert low <= single.bounds[0] < single.bounds[1] <= high
        assert single.n == count
        low, high = single.bounds
    blocks = ConfidenceSequence((0, 1), horizon=horizon, confidence=0.8)
    edges = [0, *sorted(cuts), len(values)]
    for start, stop in pairwise(edges):
        blocks.observe(values[start:stop])
    assert blocks.bounds == pytest.approx((low, high), abs=2 * GRID)


@settings(deadline=None)
@given(values=RUNS, horizon=st.integers(1, 200))
def test_the_bounds_turn_and_stretch_with_the_scale(values, horizon) -> None:
    low, high = read(values, horizon=horizon)
    turned = read([1 - value for value in values], horizon=horizon)
    assert turned == pytest.approx((1 - high, 1 - low), abs=2 * GRID)
    stretched = read([40 * value - 10 for value in values], scale=(-10, 30), horizon=horizon)
    assert stretched == pytest.approx((40 * low - 10, 40 * high - 10), abs=80 * GRID)


@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(9, 10)])
def test_the_error_is_bounded_exactly(share: Fraction) -> None:
    """Over all yes-or-no sequences of nine with their probabilities, read after every observation at 80 %."""
    n, below, above = 9, Fraction(0), Fraction(0)
    for bits in range(1 << n):
        values = [bits >> i & 1 for i in range(n)]
        chance = share ** sum(values) * (1 - share) ** (n - sum(values))
        low, high = read(values, horizon=n, confidence=0.8)
        below += chance * (low > share)
        above += chance * (high < share)
    assert below <= Fraction(1, 10)
    assert Fraction(1, 200) < above <= Fraction(1, 10)


def yes_or_no(rate: float) -> Callable:
    return lambda generator: (generator.random(N) < rate).astype(float)


def paired(loss: float) -> Callable:
    """Differences of yes-or-no results that disagree in a tenth of the cases."""
    return lambda generator: generator.choice([1.0, 0.0, -1.0], N, p=[0.05 - loss / 2, 0.9, 0.05 + loss / 2])


@pytest.mark.parametrize(
    ("draw", "mean", "scale"),
    [
        (yes_or_no(0.5), 0.5, (0, 1)),
        (yes_or_no(0.9), 0.9, (0, 1)),
        (yes_or_no(0.98), 0.98, (0, 1)),
        (lambda generator: generator.beta(4, 1, N), 0.8, (0, 1)),
        (paired(0.0), 0.0, (-1, 1)),
        (paired(0.05), -0.05, (-1, 1)),
        (lambda generator: generator.uniform(-0.4, 0.3, N), -0.05, (-1, 1)),
    ],
)
def test_reading_after_every_case_is_wrong_as_rarely_as_promised(draw: Callable, mean: float, scale) -> None:
    generator = np.random.default_rng(1)
    found = [read(draw(generator), scale=scale) for _ in range(DRAWS)]
    allowed = 0.025 + 3 * math.sqrt(0.025 * 0.975 / DRAWS)
    assert sum(low > mean for low, _ in found) / DRAWS <= allowed
    assert sum(high < mean for _, high in found) / DRAWS <= allowed


@pytest.mark.parametrize(
    ("draw", "scale", "line"),
    [
        # The line lies five standard errors of all 200 cases away, where a test without peeking has a power of 99.9 %.
        (yes_or_no(0.9), (0, 1), 0.9 - 5 * 0.3 / math.sqrt(N)),
        (paired(0.0), (-1, 1), -5 * math.sqrt(0.1 / N)),
        (lambda generator: generator.uniform(-0.4, 0.4, N), (-1, 1), -5 * 0.8 / math.sqrt(12 * N)),
    ],
)
def test_three_fifths_of_the_cases_decide_what_is_clear(draw: Callable, scale, line: float) -> None:
    generator, passed = np.random.default_rng(2), 0
    for _ in range(DRAWS):
        passed += read(draw(generator)[: 3 * N // 5], scale=scale)[0] > line
    assert passed / DRAWS >= 0.6


def test_values_that_all_agree_are_not_certainty() -> None:
    assert read([1.0] * 20)[1] == 1.0
    # Twenty yes have a chance of 2.5 % where the rate is 0.025**(1 / 20): no valid bound is higher.
    assert 0.7 < read([1.0] * 20)[0] < 0.025 ** (1 / 20)
    low, high = read([0.0] * 50, scale=(-1, 1))
    assert low == pytest.approx(-high, abs=4 * GRID)
    assert tango(0, 0, 50, 0.95)[1] < high < 0.15


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_observations_say_little(value: float, n: int) -> None:
    low, high = read([value] * n)
    assert 0 <= low <= 0.1
    assert 0.9 <= high <= 1


def test_sides_that_contradict_each_other_stay_where_they_were() -> None:
    """As from a data set sorted by difficulty."""
    sequence = ConfidenceSequence((0, 1), horizon=200)
    sequence.observe([1.0] * 100)
    assert sequence.bounds[0] > 0.9
    sequence.observe([0.0] * 400)
    low, high = sequence.bounds
    assert 0.9 < low < high < 1
    assert sequence.n == 500


def test_a_mere_rounding_error_lies_on_the_scale() -> None:
    assert read([0.1 + 0.2, 0.3], scale=(0.1, 0.3)) == read([0.3, 0.3], scale=(0.1, 0.3))


def test_a_run_longer_than_planned_goes_on() -> None:
    values = np.random.default_rng(3).beta(4, 1, 400).tolist()
    low, high = read(values, horizon=50)
    assert low < 0.8 < high
    assert high - low < 0.2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.01, 1.01])
def test_a_value_that_cannot_be_is_refused_and_nothing_taken(value: float) -> None:
    sequence = ConfidenceSequence((0, 1), horizon=20)
    sequence.observe([1.0] * 10)
    before = sequence.bounds
    with pytest.raises(MetricError, match=r"leave the case unscored|outside the scale 0 to 1"):
        sequence.observe([1.0, value])
    assert (sequence.n, sequence.bounds) == (10, before)


@pytest.mark.parametrize("scale", [(0, math.inf), (-math.inf, 0), (1, 0), (0.5, 0.5), (0, math.nan)])
def test_a_scale_without_two_ends_is_refused(scale) -> None:
    with pytest.raises(MetricError, match="two finite ends"):
        ConfidenceSequence(scale, horizon=20)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 1.5, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(MetricError, match="must lie between 0 and 1"):
        ConfidenceSequence((0, 1), horizon=20, confidence=confidence)
    with pytest.raises(MetricError, match="must lie between 0 and 1"):
        split_confidence(confidence)


@pytest.mark.parametrize("horizon", [0, -3, math.inf, math.nan])
def test_a_plan_of_no_cases_is_refused(horizon) -> None:
    with pytest.raises(MetricError, match="number of cases planned"):
        ConfidenceSequence((0, 1), horizon=horizon)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_two_readings_at_the_split_confidence_err_as_rarely_as_one(confidence: float) -> None:
    assert 2 * (1 - split_confidence(confidence)) == pytest.approx(1 - confidence)
