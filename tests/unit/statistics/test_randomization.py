"""Paired tests by resampling and re-labelling: sacrebleu's own numbers, exact permutations, bad input."""

import itertools
import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np  # noqa: TID253 - a test, not the package
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics import Sample
from pytest_genaiops.statistics.randomization import (
    approximate_randomization,
    paired_bootstrap,
    paired_bootstraps,
    sign_flip,
)

scipy_stats = pytest.importorskip("scipy.stats")
significance = pytest.importorskip("sacrebleu.significance")
metrics = pytest.importorskip("sacrebleu.metrics")

# Run with sacrebleu 2.6.0 and 2.5.0, numpy 2.4.6 and 1.26.4, scipy 1.17.1 and 1.15.3.
ENGINES = {"BLEU": metrics.BLEU, "chrF2": metrics.CHRF, "TER": metrics.TER}
CHANGES = st.lists(st.integers(-20, 20).map(lambda tenths: tenths / 10), min_size=1, max_size=11)


def texts(n: int, seed: int, names: str = "abc") -> tuple[list[tuple[str, list[str]]], list[list[str]]]:
    """Systems that replace some words of a reference, the later the more, and that reference."""
    draw = random.Random(seed)
    words = [f"w{number}" for number in range(60)]
    references = [" ".join(draw.choice(words) for _ in range(draw.randint(4, 16))) for _ in range(n)]

    def worse(share: float) -> list[str]:
        return [" ".join(w if draw.random() > share else draw.choice(words) for w in r.split()) for r in references]

    return [(name, worse(0.2 + 0.03 * rank)) for rank, name in enumerate(names)], [references]


def sample(engine: Any, hypotheses: Sequence[str], references: Sequence[Sequence[str]], **given: Any) -> Sample:
    """Our sample of a system, from sacrebleu's statistics of its segments."""
    rows = [tuple(row) for row in engine._extract_corpus_statistics(hypotheses, references)]

    def score(total: Sequence[float], n: int) -> float:
        return float(engine._compute_score_from_stats(list(total)).score)

    scale = (0.0, math.inf)
    return Sample(statistics=rows, values=[0.0] * len(rows), score=score, is_mean=False, scale=scale, **given)


def theirs(name: str, systems: Any, references: Any, test: str, draws: int) -> list[Any]:
    engine = ENGINES[name]()
    _, found = significance.PairedTest(systems, {name: engine}, references, test_type=test, n_samples=draws)()
    return found[name]


class InDoubles:
    """numpy, but for arrays in single precision."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def array(self, numbers: Any, dtype: Any = None) -> Any:
        return np.array(numbers, dtype=np.float64 if dtype == "float32" else dtype)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("n", "draws"), [(2, 200), (7, 1000), (41, 119), (150, 300)])
def test_paired_bootstrap_is_sacrebleus(monkeypatch, name: str, n: int, draws: int) -> None:
    systems, references = texts(n, seed=n)
    base, *others = [sample(ENGINES[name](), hypotheses, references) for _, hypotheses in systems]
    found = paired_bootstraps(others, base, resamples=draws)
    # sacrebleu adds in single precision (from numpy 2 on it scores in it, too), hence seven digits.
    rounded = theirs(name, systems, references, "bs", draws)
    monkeypatch.setattr(significance, "np", InDoubles())
    exact = theirs(name, systems, references, "bs", draws)
    for ours, single, double in zip(found, rounded[1:], exact[1:], strict=True):
        assert ours.p_value == single.p_value == double.p_value
        assert ours.candidate.value == single.score
        assert (ours.candidate.mean, ours.candidate.half_width) == pytest.approx((single.mean, single.ci), rel=2e-6)
        assert (ours.candidate.mean, ours.candidate.half_width) == (double.mean, double.ci)
        assert (ours.baseline.value, ours.baseline.mean) == (exact[0].score, exact[0].mean)
        assert ours.baseline.half_width == exact[0].ci


def test_paired_bootstrap_keeps_sacrebleus_draws_from_block_to_block(monkeypatch) -> None:
    systems, references = texts(40, seed=3, names="ab")
    base, other = [sample(metrics.BLEU(), hypotheses, references) for _, hypotheses in systems]
    whole = paired_bootstrap(other, base, resamples=150)
    monkeypatch.setattr("pytest_genaiops.statistics.draws.ENTRIES_AT_ONCE", 7 * 40 + 3)
    assert paired_bootstrap(other, base, resamples=150) == whole
    assert paired_bootstrap(other, base, resamples=150, seed=1) != whole


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("n", "draws"), [(2, 300), (9, 1000), (150, 501)])
def test_approximate_randomization_is_sacrebleus(monkeypatch, name: str, n: int, draws: int) -> None:
    systems, references = texts(n, seed=n + 1)
    base, *others = [sample(ENGINES[name](), hypotheses, references) for _, hypotheses in systems]
    expected = [result.p_value for result in theirs(name, systems, references, "ar", draws)[1:]]
    assert [approximate_randomization(other, base, trials=draws) for other in others] == expected
    monkeypatch.setattr("pytest_genaiops.statistics.randomization.ENTRIES_AT_ONCE", 33 * n)
    assert [approximate_randomization(other, base, trials=draws) for other in others] == expected


def test_the_default_numbers_of_draws_are_sacrebleus() -> None:
    systems, references = texts(12, seed=5, names="ab")
    base, other = [sample(metrics.TER(), hypotheses, references) for _, hypotheses in systems]
    assert paired_bootstrap(other, base).p_value == theirs("TER", systems, references, "bs", 0)[1].p_value
    assert approximate_randomization(other, base) == theirs("TER", systems, references, "ar", 0)[1].p_value


def test_fractional_statistics_agree_with_sacrebleu() -> None:
    # The mean length of three references is no whole number.
    systems, references = texts(60, seed=8, names="abcd")
    more = [*references, *(hypotheses for _, hypotheses in systems[2:])]
    base, other = [sample(metrics.TER(), hypotheses, more) for _, hypotheses in systems[:2]]
    found, expected = paired_bootstrap(other, base), theirs("TER", systems[:2], more, "bs", 1000)[1]
    assert found.p_value == expected.p_value
    assert found.candidate.value == pytest.approx(expected.score, rel=1e-12)
    assert (found.candidate.mean, found.candidate.half_width) == pytest.approx((expected.mean, expected.ci), rel=2e-6)
    assert (
        approximate_randomization(other, base, trials=1000) == theirs("TER", systems[:2], more, "ar", 1000)[1].p_value
    )


def test_systems_that_never_differ_get_one_where_sacrebleu_gives_its_smallest_p() -> None:
    systems, references = texts(20, seed=9, names="a")
    twice = [*systems, ("again", systems[0][1])]
    base, other = [sample(metrics.BLEU(), hypotheses, references) for _, hypotheses in twice]
    assert theirs("BLEU", twice, references, "bs", 100)[1].p_value == 1 / 101
    assert paired_bootstrap(other, base, resamples=100).p_value == 1
    assert theirs("BLEU", twice, references, "ar", 100)[1].p_value == 1 / 101
    assert approximate_randomization(other, base, trials=100) == 1


def test_whole_clusters_are_drawn_and_swapped(ratio_of) -> None:
    draw = random.Random(6)
    documents = [(draw.randint(2, 9), draw.randint(2, 9)) for _ in range(12)]
    keys = [str(i // 5) for i in range(60)]
    ours, theirs_ = ([(pair[side], 10) for pair in documents for _ in range(5)] for side in (0, 1))
    by_case = paired_bootstrap(ratio_of(ours), ratio_of(theirs_))
    by_cluster = paired_bootstrap(ratio_of(ours, clusters=keys), ratio_of(theirs_, clusters=keys))
    assert by_cluster.candidate.value == by_case.candidate.value
    assert by_cluster.candidate.half_width > 1.8 * by_case.candidate.half_width
    # Twelve documents of five equal sentences are twelve cases of five times the length.
    sums = [ratio_of([(5 * pair[side], 50) for pair in documents]) for side in (0, 1)]
    assert by_cluster == paired_bootstrap(*sums)
    clustered = approximate_randomization(ratio_of(ours, clusters=keys), ratio_of(theirs_, clusters=keys))
    assert clustered == approximate_randomization(*sums)
    assert approximate_randomization(ratio_of(ours), ratio_of(theirs_)) != clustered


def test_a_resample_without_a_score_counts_as_a_larger_difference() -> None:
    def score(total: tuple[float, ...], n: int) -> float:
        if total[0] == 0:
            raise UnscorableError("no positive case")
        return total[1] / total[0]

    def of(rows: list[tuple[int, int]]) -> Sample:
        return Sample(statistics=rows, values=[1.0] * len(rows), score=score, is_mean=False)

    ours, theirs_ = of([(1, 1), (1, 0)] + [(0, 0)] * 8), of([(1, 0), (1, 1)] + [(0, 0)] * 8)
    found = paired_bootstrap(ours, theirs_)
    assert found.candidate.value == 0.5
    assert found.candidate.mean is None
    assert found.candidate.half_width is None
    assert found.p_value >= 0.8**10 * 0.8  # a tenth of the resamples draws neither of the two cases
    # Swapping moves both positive cases to one side in no trial: every one is defined.
    assert 0 < approximate_randomization(ours, theirs_) <= 1
    rare = of([(1, 1)] + [(0, 0)] * 9), of([(0, 0)] * 9 + [(1, 1)])
    assert approximate_randomization(*rare, trials=1000) > 0.4  # both cases on one side leave the other empty


def test_the_tests_refuse_samples_that_do_not_pair(ratio_of, mean_of) -> None:
    for test in (paired_bootstrap, approximate_randomization):
        with pytest.raises(MetricError, match="not 2 and 1"):
            test(ratio_of([(1, 2), (2, 2)]), ratio_of([(1, 2)]))
        with pytest.raises(MetricError, match="at least two cases"):
            test(ratio_of([]), ratio_of([]))
        with pytest.raises(MetricError, match="at least two cases"):
            test(ratio_of([(1, 2)]), ratio_of([(2, 2)]))
        with pytest.raises(MetricError, match=r"or clusters.*not 1"):
            test(ratio_of([(1, 2)] * 2, clusters="aa"), ratio_of([(2, 2)] * 2, clusters="aa"))
        with pytest.raises(MetricError, match="one metric"):
            test(ratio_of([(1, 2), (2, 2)]), mean_of([0.5, 0.5]))
    with pytest.raises(MetricError, match="resamples is 99; a p-value needs at least 100"):
        paired_bootstrap(ratio_of([(1, 2), (2, 2)]), ratio_of([(1, 2), (2, 2)]), resamples=99)
    with pytest.raises(MetricError, match="trials is 0; a p-value needs at least 100"):
        approximate_randomization(ratio_of([(1, 2), (2, 2)]), ratio_of([(1, 2), (2, 2)]), trials=0)


@pytest.mark.parametrize("n", [2, 5, 10, 13])
def test_few_changes_get_scipys_exact_permutation_test(n: int) -> None:
    draw = random.Random(n)
    changes = [draw.gauss(0.4, 1) for _ in range(n)]
    expected = scipy_stats.permutation_test((changes,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(changes) == pytest.approx(expected.pvalue, abs=1e-15)


def test_many_changes_get_the_exact_value_within_monte_carlo_error() -> None:
    draw = random.Random(3)
    changes = [draw.gauss(0.4, 1) for _ in range(17)]
    exact = sign_flip(changes, flips=2**17)
    expected = scipy_stats.permutation_test((changes,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert exact == pytest.approx(expected.pvalue, abs=1e-15)
    drawn = sign_flip(changes, flips=20_000)
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 20_000))
    assert drawn != exact
    assert drawn == sign_flip(changes, flips=20_000, seed=12345) != sign_flip(changes, flips=20_000, seed=2)


def test_a_drawn_p_value_is_never_zero() -> None:
    assert sign_flip([1.0] * 200, flips=1000) == 1 / 1001


def test_blocks_do_not_change_the_flips(monkeypatch) -> None:
    draw = random.Random(4)
    changes = [draw.gauss(0.2, 1) for _ in range(45)]
    few = changes[:12]
    whole, all_patterns = sign_flip(changes), sign_flip(few)
    monkeypatch.setattr("pytest_genaiops.statistics.randomization.ENTRIES_AT_ONCE", 45 * 50)
    assert (sign_flip(changes), sign_flip(few)) == (whole, all_patterns)


def test_groups_flip_together() -> None:
    changes = [0.3, 0.1, -0.2, 0.4, 0.5, -0.1, 0.2]
    groups = [0, 1, 0, 2, 1, 2, 2]
    assert sign_flip(changes, groups=groups) == sign_flip([0.1, 0.6, 0.5]) == 2 / 8
    assert sign_flip([0.3] * 10, groups=[0] * 10) == 1


def test_changes_of_zero_say_nothing() -> None:
    assert sign_flip([0.0] * 50) == 1
    assert sign_flip([0.2, 0.1, 0.3] + [0.0] * 500) == sign_flip([0.2, 0.1, 0.3]) == 2 / 8


def test_sign_flip_refuses_what_it_cannot_test() -> None:
    with pytest.raises(MetricError, match="at least one paired difference"):
        sign_flip([])
    with pytest.raises(MetricError, match="change 1 is nan"):
        sign_flip([0.1, math.nan])
    with pytest.raises(MetricError, match="change 0 is inf"):
        sign_flip([math.inf, 0.1])
    with pytest.raises(MetricError, match="a group for each of 2 changes, not 1"):
        sign_flip([0.1, 0.2], groups=[0])
    with pytest.raises(MetricError, match="flips is 10; a p-value needs at least 100"):
        sign_flip([0.1, 0.2], flips=10)


@given(changes=CHANGES)
def test_exact_flips_are_the_share_of_patterns_at_least_as_far_out(changes) -> None:
    tenths = [round(10 * change) for change in changes]
    patterns = list(itertools.product((-1, 1), repeat=len(tenths)))
    far = sum(abs(sum(s * c for s, c in zip(signs, tenths, strict=True))) >= abs(sum(tenths)) for signs in patterns)
    assert sign_flip(changes) == far / len(patterns)


@given(changes=CHANGES, order=st.randoms(use_true_random=False), factor=st.sampled_from([-1.0, 100.0, 1e-9]))
def test_neither_order_nor_unit_nor_direction_matters(changes, order, factor) -> None:
    shuffled = [factor * change for change in order.sample(changes, len(changes))]
    assert sign_flip(shuffled) == sign_flip(changes)


def test_a_true_null_is_rejected_at_the_level() -> None:
    generator = np.random.default_rng(7)
    rejected = sum(sign_flip(generator.normal(size=9).tolist()) <= 0.05 for _ in range(1000))
    # Exact and symmetric: P(p <= 0.05) is 24 of 512 at most; three standard errors above.
    assert rejected <= 1000 * (0.0469 + 3 * 0.0067)
    assert rejected >= 1000 * (0.0469 - 3 * 0.0067)
