"""Short seeded simulations: do the intervals and the rules keep what they promise?

Each bound is the nominal level plus three Monte Carlo standard errors of the simulation.
"""

import math
from collections.abc import Callable

import pytest

from pytest_genaiops.gate import Comparison, better_than, not_worse_than
from pytest_genaiops.statistics import Sample, difference, interval, required_n

np = pytest.importorskip("numpy")

DRAWS = 800
N = 50
MARGIN = 0.05


def share_with_error(hits: int, level: float, draws: int = DRAWS) -> tuple[float, float]:
    """Observed share, and three Monte Carlo standard errors at the nominal level."""
    return hits / draws, 3 * math.sqrt(level * (1 - level) / draws)


def covers(sample: Sample, truth: float) -> bool:
    low, high = interval(sample, resamples=400)
    return low <= truth <= high


@pytest.mark.parametrize(
    ("name", "truth", "draw"),
    [
        ("share 0.5", 0.5, lambda r: (r.random(N) < 0.5).astype(float)),
        ("share 0.9", 0.9, lambda r: (r.random(N) < 0.9).astype(float)),
        ("uniform", 0.5, lambda r: r.random(N)),
        ("skewed", 0.8, lambda r: r.beta(4, 1, N)),
    ],
)
def test_intervals_of_means_cover_the_truth(mean_of, name: str, truth: float, draw: Callable) -> None:
    generator = np.random.default_rng(1)
    covered, error = share_with_error(sum(covers(mean_of(draw(generator).tolist()), truth) for _ in range(DRAWS)), 0.95)
    assert covered >= 0.95 - error, name


def test_bootstrap_intervals_of_a_ratio_cover_the_truth(ratio_of) -> None:
    generator, draws, hits = np.random.default_rng(2), 400, 0
    for _ in range(draws):
        lengths = generator.integers(5, 30, N)
        matches = generator.binomial(lengths, 0.4)
        hits += covers(ratio_of(list(zip(matches.tolist(), lengths.tolist(), strict=True))), 0.4)
    covered, error = share_with_error(hits, 0.95, draws)
    # The percentile bootstrap knows neither skewness nor the t correction: allow it one point at this size.
    assert covered >= 0.94 - error


@pytest.mark.parametrize("binary", [False, True])
def test_intervals_over_clusters_cover_the_truth(mean_of, binary: bool) -> None:
    generator, hits = np.random.default_rng(3), 0
    keys = [str(i // 5) for i in range(150)]
    for _ in range(DRAWS):
        centers = np.repeat(generator.beta(4, 2, 30), 5)
        values = (generator.random(150) < centers) if binary else generator.beta(8 * centers, 8 * (1 - centers))
        hits += covers(mean_of(values.astype(float).tolist(), clusters=keys), 2 / 3)
    covered, error = share_with_error(hits, 0.95)
    assert covered >= 0.95 - error


def compare(candidate: Sample, baseline: Sample) -> Comparison:
    found = difference(candidate, baseline)
    return Comparison(
        name="simulated", value=found.value, interval=found.interval, n=found.n, standard_error=found.standard_error
    )


def graded(generator, loss: float) -> tuple[list[float], list[float]]:
    difficulty = generator.random(N) * 0.5 + 0.25
    ours, theirs = (difficulty + generator.uniform(-0.15, 0.15, N) for _ in range(2))
    return (ours - loss).tolist(), theirs.tolist()


def binary(generator, loss: float) -> tuple[list[float], list[float]]:
    """Two runs that agree on most cases, with marginal shares that differ by ``loss``."""
    kinds = generator.choice(4, size=2 * N, p=[0.75, 0.05, 0.05 + loss, 0.15 - loss])
    return np.isin(kinds, [0, 1]).astype(float).tolist(), np.isin(kinds, [0, 2]).astype(float).tolist()


@pytest.mark.parametrize("draw", [graded, binary])
def test_an_unchanged_system_does_not_turn_red(mean_of, draw: Callable) -> None:
    generator = np.random.default_rng(4)
    verdicts = [compare(*map(mean_of, draw(generator, 0.0))) for _ in range(DRAWS)]
    failed, error = share_with_error(sum(not_worse_than(v, MARGIN).outcome == "failed" for v in verdicts), 0.025)
    assert failed <= 0.025 + error
    better, error = share_with_error(sum(bool(better_than(v)) for v in verdicts), 0.025)
    assert better <= 0.025 + error


@pytest.mark.parametrize("draw", [graded, binary])
def test_a_loss_of_the_whole_margin_rarely_passes(mean_of, draw: Callable) -> None:
    generator = np.random.default_rng(5)
    verdicts = [not_worse_than(compare(*map(mean_of, draw(generator, MARGIN))), MARGIN) for _ in range(DRAWS)]
    passed, error = share_with_error(sum(map(bool, verdicts)), 0.025)
    assert passed <= 0.025 + error


def test_the_promised_number_of_cases_decides_in_four_of_five_runs(mean_of) -> None:
    generator, effect, sd = np.random.default_rng(6), 0.05, 0.15
    n = required_n(sd / math.sqrt(N), N, effect, 0.95)
    assert n is not None
    decided = 0
    for _ in range(DRAWS):
        low, _ = interval(mean_of(generator.normal(effect, sd, n).tolist(), scale=(-9, 9)))
        decided += low > 0
    share, error = share_with_error(decided, 0.8)
    assert share == pytest.approx(0.8, abs=error)
