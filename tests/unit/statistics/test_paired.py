"""Paired differences: golden values, ties, properties."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics import Sample, difference
from pytest_genaiops.statistics.tango import mcnemar, tango

scipy_stats = pytest.importorskip("scipy.stats")

VALUE = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
PAIRS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=50)
SHARE_PAIRS = st.lists(st.tuples(*[st.sampled_from([0.0, 1.0])] * 2), min_size=1, max_size=50)


def test_means_get_the_paired_t_test(mean_of) -> None:
    draw = random.Random(1)
    ours = [draw.random() for _ in range(40)]
    theirs = [min(1.0, max(0.0, v + draw.gauss(0.02, 0.1))) for v in ours]
    found = difference(mean_of(ours), mean_of(theirs))
    expected = scipy_stats.ttest_rel(ours, theirs)
    assert found.value == pytest.approx(sum(ours) / 40 - sum(theirs) / 40)
    low, high = expected.confidence_interval(0.95)
    # The bounds of test_bounds.py: t's own, or wider on the side that the changes lean to.
    assert found.interval[0] <= low + 1e-9
    assert found.interval[1] >= high - 1e-9
    assert found.interval[1] - found.interval[0] < 1.1 * (high - low)
    assert found.p_values == {"paired t": pytest.approx(expected.pvalue, rel=1e-8)}
    assert found.standard_error == pytest.approx(found.value / expected.statistic)
    assert (found.n, found.method) == (40, "paired skewness-corrected t")


def test_few_changes_get_an_exact_test(mean_of) -> None:
    ours, theirs = [0.5] * 26 + [0.9, 0.8, 0.7, 0.6], [0.5] * 30
    found = difference(mean_of(ours), mean_of(theirs))
    # All four changes are gains: of the 16 ways to turn their signs, 2 are as far from 0.
    assert found.p_values == {"sign-flip permutation": pytest.approx(2 / 16)}
    assert found.method == "paired Dirichlet bound"
    assert found.interval[0] < 0 < found.interval[1]


def test_shares_get_tango_and_mcnemar_from_the_discordant_pairs(mean_of) -> None:
    ours = [1.0] * 30 + [1.0] * 6 + [0.0] * 2 + [0.0] * 12
    theirs = [1.0] * 30 + [0.0] * 6 + [1.0] * 2 + [0.0] * 12
    found = difference(mean_of(ours), mean_of(theirs))
    assert found.value == pytest.approx(4 / 50)
    assert found.interval == tango(6, 2, 50, 0.95)
    assert found.p_value == mcnemar(6, 2)
    percent = difference(
        mean_of([100 * v for v in ours], scale=(0, 100)), mean_of([100 * v for v in theirs], scale=(0, 100))
    )
    assert percent.interval == pytest.approx(tuple(100 * bound for bound in found.interval))


def test_clustered_differences_use_the_clusters_as_units(mean_of) -> None:
    draw = random.Random(2)
    ours, theirs = ([draw.random() for _ in range(60)] for _ in range(2))
    means = [sum(ours[i : i + 5]) / 5 - sum(theirs[i : i + 5]) / 5 for i in range(0, 60, 5)]
    keys = [str(i // 5) for i in range(60)]
    found = difference(mean_of(ours, clusters=keys), mean_of(theirs, clusters=keys))
    expected = scipy_stats.ttest_1samp(means, 0)
    low, high = expected.confidence_interval(0.95)
    assert found.interval[0] <= low + 1e-9
    assert found.interval[1] >= high - 1e-9
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-8)
    assert (found.method, found.clusters) == ("paired skewness-corrected t over clusters", 12)


def test_trials_of_one_case_do_not_count_as_cases(mean_of) -> None:
    ours, theirs = [1.0, 1.0, 0.0, 1.0] * 5, [0.0, 1.0, 0.0, 1.0] * 5
    keys = list("abcd") * 5
    repeated = difference(mean_of(ours, clusters=keys), mean_of(theirs, clusters=keys))
    assert repeated.interval[0] < 0 < repeated.interval[1]


def test_both_sides_of_a_corpus_score_see_the_same_resamples(ratio_of) -> None:
    draw = random.Random(3)
    theirs = [(draw.randint(2, 8), 10) for _ in range(100)]
    ours = [(matches + (i % 10 == 0), 10) for i, (matches, _) in enumerate(theirs)]
    found = difference(ratio_of(ours), ratio_of(theirs))
    # Ten of a hundred cases gain 0.1: independent resamples would be about 0.08 wide, paired ones are 0.012.
    assert found.value == pytest.approx(0.01)
    assert found.interval[1] - found.interval[0] < 0.02
    assert found.p_value < 0.01
    mean_sd = math.sqrt(0.1 * 0.9) * 0.1 / 10
    assert found.standard_error == pytest.approx(mean_sd, rel=0.1)


def test_a_sample_against_itself_differs_by_exactly_nothing(mean_of, ratio_of) -> None:
    for sample in (mean_of([1.0, 0.0, 1.0]), mean_of([0.3, 0.4]), ratio_of([(1, 2)]), mean_of([0.5] * 30)):
        found = difference(sample, sample)
        assert (found.value, found.interval, found.p_value) == (0.0, (0.0, 0.0), 1.0)


def test_twenty_fine_grained_cases_that_agree_are_the_same_outputs(mean_of, ratio_of) -> None:
    values = [i / 40 for i in range(20)]
    rows = [(i, 40) for i in range(20)]
    assert difference(mean_of(values), mean_of(list(values))).interval == (0.0, 0.0)
    assert difference(ratio_of(rows), ratio_of(list(rows))).interval == (0.0, 0.0)


def test_fewer_ties_prove_less(mean_of, ratio_of) -> None:
    values = [i / 40 for i in range(19)]
    rows = [(i, 40) for i in range(19)]
    bound = 1 - 0.025 ** (1 / 19)
    for found in (difference(mean_of(values), mean_of(list(values))), difference(ratio_of(rows), ratio_of(list(rows)))):
        assert found.value == 0
        assert found.interval == pytest.approx((-bound, bound))


def test_trials_of_few_cases_do_not_make_two_samples_one(mean_of) -> None:
    values = [i / 40 for i in range(30)]
    keys = [str(i % 3) for i in range(30)]
    found = difference(mean_of(values, clusters=keys), mean_of(list(values), clusters=keys))
    assert found.interval == pytest.approx((-(1 - 0.025 ** (1 / 3)), 1 - 0.025 ** (1 / 3)))


def test_a_tie_of_shares_is_not_certainty(mean_of) -> None:
    found = difference(mean_of([1.0] * 45 + [0.0] * 5), mean_of([1.0] * 45 + [0.0] * 5))
    assert found.value == 0
    assert found.interval == tango(0, 0, 50, 0.95)
    assert found.standard_error is None
    constant = difference(mean_of([0.7] * 50), mean_of([0.7] * 50))
    assert constant.interval[0] < 0 < constant.interval[1]


def test_the_same_gain_everywhere_is_not_certainty_either(mean_of) -> None:
    found = difference(mean_of([0.75] * 10), mean_of([0.5] * 10))
    assert found.value == 0.25
    share = 1 - 0.025 ** (1 / 10)
    assert found.interval == pytest.approx((0.25 - share * 1.25, 0.25 + share * 0.75))
    assert found.p_value == pytest.approx(2 * 0.5**10)


def test_one_pair_says_nothing(mean_of, ratio_of) -> None:
    for found in (
        difference(mean_of([0.8]), mean_of([0.1])),
        difference(ratio_of([(8, 10)]), ratio_of([(1, 10)])),
        difference(mean_of([0.8, 0.9], clusters=["a", "a"]), mean_of([0.1, 0.3], clusters=["a", "a"])),
    ):
        assert found.interval == (-1.0, 1.0)
        assert found.p_value == 1.0


def test_samples_that_do_not_pair_are_refused(mean_of, ratio_of) -> None:
    with pytest.raises(MetricError, match="not 2 and 1"):
        difference(mean_of([0.1, 0.2]), mean_of([0.1]))
    with pytest.raises(MetricError, match="there is none"):
        difference(mean_of([]), mean_of([]))
    with pytest.raises(MetricError, match="one metric"):
        difference(mean_of([0.1]), mean_of([0.1], scale=(0, 100)))
    with pytest.raises(MetricError, match="between 0 and 1"):
        difference(mean_of([0.1]), mean_of([0.2]), confidence=1)


@given(pairs=PAIRS | SHARE_PAIRS)
def test_swapping_the_sides_turns_the_sign(mean_of, pairs) -> None:
    ours, theirs = ([*side] for side in zip(*pairs, strict=True))
    forth, back = difference(mean_of(ours), mean_of(theirs)), difference(mean_of(theirs), mean_of(ours))
    assert back.value == pytest.approx(-forth.value)
    assert back.interval == pytest.approx((-forth.interval[1], -forth.interval[0]), abs=1e-9)
    assert back.p_value == pytest.approx(forth.p_value)
    assert -1 <= forth.interval[0] <= forth.value <= forth.interval[1] <= 1
    assert 0 <= forth.p_value <= 1


@given(pairs=PAIRS | SHARE_PAIRS, order=st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(mean_of, pairs, order) -> None:
    shuffled = order.sample(pairs, len(pairs))
    one, other = (difference(*(mean_of(side) for side in zip(*rows, strict=True))) for rows in (pairs, shuffled))
    assert other.value == pytest.approx(one.value)
    assert other.interval == pytest.approx(one.interval, abs=1e-9)


@given(rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25))
def test_a_corpus_difference_is_always_a_number(ratio_of, rows) -> None:
    ours, theirs = (ratio_of([(pair[side], 9) for pair in rows]) for side in (0, 1))
    found = difference(ours, theirs, resamples=100)
    assert -1 <= found.interval[0] <= found.value <= found.interval[1] <= 1
    assert 0 < found.p_value <= 1


def test_unbounded_scales_stay_unbounded_where_nothing_is_known() -> None:
    def seconds(values: list[float]) -> Sample:
        scale = (0.0, math.inf)
        return Sample(statistics=[(v,) for v in values], values=values, score=max, is_mean=True, scale=scale)

    found = difference(seconds([2.0, 2.0]), seconds([1.5, 1.5]))
    assert found.interval == (-math.inf, math.inf)
    assert found.standard_error is None
