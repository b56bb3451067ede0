"""pass@k, pass^k and agreement against a walk through every subset of the trials."""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.trials import agreement, by_case, consistency, pass_at_k, pass_hat_k

numpy = pytest.importorskip("numpy")


@pytest.mark.parametrize("n", range(1, 9))
def test_every_subset_of_the_trials_counts_once(n: int) -> None:
    for successes in range(n + 1):
        outcomes = [True] * successes + [False] * (n - successes)
        for k in range(1, n + 1):
            subsets = list(combinations(outcomes, k))
            assert pass_at_k(successes, n, k) == float(Fraction(sum(map(any, subsets)), len(subsets)))
            assert pass_hat_k(successes, n, k) == float(Fraction(sum(map(all, subsets)), len(subsets)))


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n))))
def test_one_of_k_is_likelier_and_all_of_k_less_likely_than_one_of_one(drawn) -> None:
    successes, n, k = drawn
    share = successes / n
    assert 0 <= pass_hat_k(successes, n, k) <= share <= pass_at_k(successes, n, k) <= 1
    assert pass_at_k(successes, n, 1) == pass_hat_k(successes, n, 1) == share
    # To fail at least once in k is not to succeed in all: the two are one estimator, read from both sides.
    assert pass_at_k(n - successes, n, k) == pytest.approx(1 - pass_hat_k(successes, n, k))


def test_published_estimator_in_its_stable_form() -> None:
    """Chen et al. 2021, figure 3: 1 - prod(1 - k / (n - c + 1 .. n))."""
    n, c, k = 200, 7, 10
    stable = 1 - numpy.prod(1 - k / numpy.arange(n - c + 1, n + 1))
    assert pass_at_k(c, n, k) == pytest.approx(stable, rel=1e-12)


def test_many_trials_stay_exact() -> None:
    assert pass_hat_k(9_999, 10_000, 5_000) == 0.5
    assert pass_at_k(1, 10_000, 5_000) == 0.5
    assert pass_at_k(0, 10_000, 10_000) == 0.0


@pytest.mark.parametrize(
    ("estimator", "truth"), [(pass_at_k, lambda p, k: 1 - (1 - p) ** k), (pass_hat_k, lambda p, k: p**k)]
)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_estimates_are_unbiased(estimator: Callable, truth: Callable, p: float) -> None:
    """The expected estimate over all outcomes of n trials is the chance itself: exact, no draws needed."""
    n = 6
    for k in range(1, n + 1):
        expected = sum(comb(n, c) * p**c * (1 - p) ** (n - c) * estimator(c, n, k) for c in range(n + 1))
        assert expected == pytest.approx(truth(p, k), rel=1e-12)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((2, 3, 4), "k is 4, above the case's number of scored trials, 3; run more"),
        ((0, 0, 1), "scored trials, 0"),
        ((1, 3, 0), "k is 0"),
        ((4, 3, 1), "4 successes in 3 trials"),
        ((-1, 3, 1), "-1 successes"),
    ],
)
def test_what_cannot_be_is_refused(counts: tuple[int, int, int], message: str) -> None:
    for estimator in (pass_at_k, pass_hat_k):
        with pytest.raises(MetricError, match=message):
            estimator(*counts)


@given(st.lists(st.sampled_from(["a", "b", "", 1, None]), min_size=2, max_size=12))
def test_agreement_is_the_share_of_equal_pairs(outcomes) -> None:
    pairs = list(combinations(outcomes, 2))
    assert agreement(outcomes) == sum(a == b for a, b in pairs) / len(pairs)


def test_agreement_of_a_coin_is_estimated_without_bias() -> None:
    """Expected over all outcomes of four throws: p**2 + (1 - p)**2."""
    p = 0.3
    expected = sum(comb(4, c) * p**c * (1 - p) ** (4 - c) * agreement([True] * c + [False] * (4 - c)) for c in range(5))
    assert expected == pytest.approx(p**2 + (1 - p) ** 2, rel=1e-12)


def test_consistency_by_case() -> None:
    cases = ["q1", "q2", "q1", "q3", "q2", "q1"]
    found = consistency(["yes", "4", "yes", "?", "5", "no"], cases)
    assert found.per_case == {"q1": 1 / 3, "q2": 0.0}
    assert found.value == pytest.approx(1 / 6)
    assert found.flaky == ("q1", "q2")
    assert found.single == ("q3",)
    assert by_case([True, False], ["a", "a"]) == {"a": [True, False]}


def test_cases_whose_trials_agree_are_not_flaky() -> None:
    found = consistency([0.5, 0.5, 1.0, 1.0], ["a", "a", "b", "b"])
    assert (found.value, found.flaky, found.single) == (1.0, (), ())


def test_without_a_second_trial_nothing_is_known() -> None:
    assert consistency([], []).value is None
    found = consistency(["x", "y"], ["a", "b"])
    assert (found.value, found.per_case, found.flaky, found.single) == (None, {}, (), ("a", "b"))
    with pytest.raises(MetricError, match="there is one; run two"):
        agreement(["x"])
    with pytest.raises(MetricError, match="there is none"):
        agreement([])


def test_trials_without_a_case_and_outcomes_without_equality_are_refused() -> None:
    with pytest.raises(MetricError, match="3 outcomes and 2 cases"):
        consistency([1, 2, 3], ["a", "b"])
    with pytest.raises(MetricError, match="type list cannot be counted"):
        consistency([[1], [1]], ["a", "a"])
