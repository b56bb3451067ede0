"""Are the cases without a score like the others? A permutation test, against scipy's and by simulation."""

import math

import pytest

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics import missing_p

np = pytest.importorskip("numpy")
scipy_stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize(
    ("missing", "rest"),
    [
        ([0.1, 0.2], [0.3, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ([0.55, 0.2], [0.1, 0.2, 0.5, 0.6, 0.9]),
        ([0.9, 0.1, 0.4, 0.3], [0.2, 0.5]),
    ],
)
def test_agrees_with_scipys_exact_permutation_test(missing: list[float], rest: list[float]) -> None:
    exact = scipy_stats.permutation_test(
        (missing, rest), lambda a, b: abs(np.mean(a) - np.mean(b)), alternative="greater", n_resamples=np.inf
    ).pvalue
    assert missing_p(missing, rest, seed=1) == pytest.approx(exact, abs=4 * math.sqrt(0.25 / 9999) + 1e-3)


def test_hard_cases_that_are_missing_are_found() -> None:
    assert missing_p([0.1, 0.15, 0.2, 0.1], [0.8, 0.9, 0.7, 0.85] * 10, seed=1) < 0.001


def test_cases_missing_at_random_are_called_special_as_often_as_the_level_says() -> None:
    generator, draws = np.random.default_rng(2), 400
    found = []
    for _ in range(draws):
        values = generator.beta(4, 1, 30).tolist()
        found.append(missing_p(values[:4], values[4:], seed=3, draws=399))
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


@pytest.mark.parametrize(("missing", "rest"), [([], [0.5]), ([0.5], []), ([0.5, 0.5], [0.5] * 5)])
def test_nothing_to_tell_apart_gives_one(missing: list[float], rest: list[float]) -> None:
    assert missing_p(missing, rest, seed=1) == 1.0


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(MetricError, match="not a finite number"):
        missing_p([math.nan], [0.5], seed=1)


def test_is_seeded() -> None:
    values = [0.3, 0.6, 0.7, 0.2, 0.9, 0.5]
    assert missing_p(values[:2], values[2:], seed=1) == missing_p(values[:2], values[2:], seed=1)
