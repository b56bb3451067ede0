"""How many cases differ at all, and what that does to the power of graded means."""

from __future__ import annotations

import itertools
import math

import pytest

from pytest_genaiops.statistics import difference, interval
from pytest_genaiops.statistics.differing import between_runs, off_the_most_common
from pytest_genaiops.statistics.power import plan, spread_of_change, spread_of_rerun, spread_of_score

np = pytest.importorskip("numpy")


def test_cases_off_the_most_common_value_by_counting_subsets() -> None:
    """Of each case's trials every pair is as likely; the pairs are listed by hand."""
    values = {"a": [1, 1, 1], "b": [1, 0.5, 1], "c": [0.2, 0.2, 0.2]}
    found = off_the_most_common([v for rows in values.values() for v in rows], [c for c in values for _ in range(3)])
    assert found.share(1) == pytest.approx((0 + 1 / 3 + 1) / 3)
    for trials in (2, 3):
        expected = [
            sum(any(v != 1 for v in rows) for rows in itertools.combinations(each, trials)) / math.comb(3, trials)
            for each in values.values()
        ]
        assert found.share(trials) == pytest.approx(sum(expected) / 3)
    assert found.share(6) == pytest.approx((1 - (2 / 3) ** 6 + 1) / 3)


def test_two_runs_of_fair_coins_by_counting_every_outcome() -> None:
    found = between_runs([0, 1, 1, 0, 1, 1], "aabbcc")
    assert (found.for_good, found.tossed) == (0, pytest.approx(4 / 3))
    found = between_runs([0, 1, 1, 1], "aabb")
    for trials in (1, 2, 3):
        rows = list(itertools.product((0, 1), repeat=trials))
        unequal = sum(sum(one) != sum(other) for one in rows for other in rows) / len(rows) ** 2
        assert found.share(trials) == pytest.approx(unequal)


def test_where_each_case_was_run_once_two_at_random_are_compared() -> None:
    """Of the 6 pairs of 4 cases, 3 are equal."""
    assert between_runs([1, 1, 1, 0.5], "abcd").share(1) == pytest.approx(0.5)


def graded(generator, n: int, trials: int, flaky: float = 0.3) -> list[float]:
    """Answers that are right, but for flaky cases, which now and then get a value of their own."""
    miss = np.where(generator.random(n) < flaky, generator.uniform(0.1, 0.5, n), 0.0)
    low = generator.uniform(0.3, 0.95, n)
    return [float(low[i]) if generator.random() < miss[i] else 1.0 for i in range(n) for _ in range(trials)]


@pytest.mark.parametrize(("n", "trials", "margin"), [(12, 3, 0.05), (40, 3, 0.08), (60, 1, 0.08), (120, 3, 0.03)])
def test_the_plan_of_an_unchanged_system_does_not_promise_more_than_its_intervals_do(
    mean_of, n: int, trials: int, margin: float
) -> None:
    """By the variance alone a dozen such cases would pass in 9 of 10 runs; they never do.

    Misses that are rarer than a coin's let more cases differ over several trials, so the plan may promise less.
    """
    generator = np.random.default_rng(5)
    cases = [i for i in range(600) for _ in range(3)]
    planned = plan(spread_of_rerun(mean_of(graded(generator, 600, 3)), cases), n=n, trials=trials, margin=margin)
    keys = [i for i in range(n) for _ in range(trials)] if trials > 1 else None
    seeds = np.random.SeedSequence(9).generate_state(200)
    passed = 0
    for seed in seeds:
        both = graded(np.random.default_rng(seed), n, 2 * trials)
        ours = [v for i in range(n) for v in both[2 * i * trials : (2 * i + 1) * trials]]
        theirs = [v for i in range(n) for v in both[(2 * i + 1) * trials : (2 * i + 2) * trials]]
        passed += difference(mean_of(ours, clusters=keys), mean_of(theirs, clusters=keys)).interval[0] > -margin
    assert passed / len(seeds) - 0.35 < planned.present.power < passed / len(seeds) + 0.1


def test_few_differing_cases_need_as_many_as_make_the_spread_known(mean_of) -> None:
    """The variance alone would have 4 cases do; bounds trust it from 6 differing ones on."""
    sample = mean_of([1.0] * 36 + [0.9] * 4)
    (need, _) = plan(spread_of_score(sample, range(40)), n=40, margin=0.05).present.needs
    assert need.n is not None
    assert need.n > 60
    assert interval(mean_of([1.0] * 9 + [0.9]))[0] < 0.99 - 0.05
    change = spread_of_change(mean_of([1.0] * 38 + [0.9, 0.8]), mean_of([1.0] * 40), range(40))
    assert plan(change, n=20, margin=0.05).present.power < 0.05


def test_an_open_scale_knows_no_such_bounds(mean_of) -> None:
    sample = mean_of([1.0] * 36 + [0.9] * 4, scale=(0.0, math.inf))
    assert spread_of_score(sample, range(40)).differing is None
