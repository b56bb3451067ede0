"""Intervals of one score: golden values, honest edges, properties."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics import Sample, interval, summarize

scipy_stats = pytest.importorskip("scipy.stats")

SHARES = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=60)
MEANS = st.lists(st.integers(0, 1000).map(lambda thousandths: thousandths / 1000), min_size=1, max_size=60)


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 20), (3, 20), (49, 50), (50, 50), (617, 1000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_a_share_gets_the_exact_interval(mean_of, successes: int, n: int, confidence: float) -> None:
    values = [1.0] * successes + [0.0] * (n - successes)
    expected = scipy_stats.binomtest(successes, n).proportion_ci(confidence, method="exact")
    assert interval(mean_of(values), confidence=confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_standard_error_of_a_share_is_that_of_its_interval(mean_of) -> None:
    low, high = interval(mean_of([1.0] * 15 + [0.0] * 5))
    assert summarize(mean_of([1.0] * 15 + [0.0] * 5)).standard_error == pytest.approx(
        (high - low) / 2 / 1.959963984540054
    )
    assert summarize(mean_of([1.0] * 20)).standard_error is None


def test_a_share_on_another_scale_is_the_same_interval_stretched(mean_of) -> None:
    values = [1.0] * 7 + [0.0] * 3
    low, high = interval(mean_of(values))
    assert interval(mean_of([100 * v for v in values], scale=(0, 100))) == pytest.approx((100 * low, 100 * high))


@pytest.mark.parametrize("n", [10, 11, 200])
def test_a_mean_of_symmetric_values_gets_student_t(mean_of, n: int) -> None:
    values = [40 + 5 * (i - (n - 1) / 2) / n for i in range(n)]
    mean, error = sum(values) / n, scipy_stats.sem(values)
    found = summarize(mean_of(values, scale=(-1000, 1000)))
    assert found.value == pytest.approx(mean)
    assert found.standard_error == pytest.approx(error)
    assert found.interval == pytest.approx(scipy_stats.t.interval(0.95, n - 1, loc=mean, scale=error), rel=1e-9)


def test_equal_clusters_give_the_t_interval_of_the_cluster_means(mean_of) -> None:
    draw = random.Random(4)
    centers = [i / 24 for i in range(7, 19)]
    groups = [[center + 0.1 * draw.random() for _ in range(5)] for center in centers]
    groups = [[v - sum(group) / 5 + center for v in group] for group, center in zip(groups, centers, strict=True)]
    sample = mean_of([v for group in groups for v in group], clusters=[f"d{i}" for i in range(12) for _ in range(5)])
    expected = scipy_stats.t.interval(0.95, 11, loc=sum(centers) / 12, scale=scipy_stats.sem(centers))
    found = summarize(sample)
    assert found.interval == pytest.approx(expected, rel=1e-9)
    assert (found.n, found.clusters, found.method) == (60, 12, "skewness-corrected t over clusters")


def test_repeating_every_case_does_not_narrow_the_interval(mean_of) -> None:
    draw = random.Random(5)
    for values in ([draw.random() for _ in range(30)], [float(draw.random() < 0.7) for _ in range(30)]):
        keys = [str(i) for i in range(30)]
        once = interval(mean_of(values))
        thrice = interval(mean_of(values * 3, clusters=keys * 3))
        assert thrice[1] - thrice[0] >= once[1] - once[0] - 1e-12


def test_clusters_that_never_repeat_change_nothing(mean_of, ratio_of) -> None:
    values = [0.2, 0.4, 0.9, 0.35]
    assert interval(mean_of(values, clusters=list("abcd"))) == interval(mean_of(values))
    rows = [(1, 5), (3, 4), (2, 6)]
    assert interval(ratio_of(rows, clusters=list("abc"))) == interval(ratio_of(rows))


def test_one_cluster_says_nothing_about_others(mean_of, ratio_of) -> None:
    assert interval(mean_of([0.2, 0.4, 0.9], clusters=["a"] * 3)) == (0.0, 1.0)
    assert interval(mean_of([0.0, 1.0, 1.0], clusters=["a"] * 3)) == (0.0, 1.0)
    assert interval(ratio_of([(1, 5), (3, 4)], clusters=["a"] * 2)) == (0.0, 1.0)


def test_bootstrap_of_a_mean_agrees_with_scipy() -> None:
    draw = random.Random(8)
    values = [draw.random() ** 2 for _ in range(80)]
    sample = Sample(statistics=[(v,) for v in values], values=values, score=lambda t, n: t[0] / n, is_mean=False)
    theirs = scipy_stats.bootstrap(
        (values,), lambda v, axis: v.mean(axis), n_resamples=20_000, method="percentile", rng=1
    )
    found = summarize(sample, resamples=20_000)
    # Two bootstraps of 20 000 resamples differ by Monte Carlo error alone: about 1 % of the width.
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert found.interval == pytest.approx(tuple(theirs.confidence_interval), abs=0.03 * width)
    assert found.standard_error == pytest.approx(theirs.standard_error, rel=0.03)


def test_bootstrap_hands_exact_integers_to_the_score(ratio_of) -> None:
    seen: list[object] = []

    def score(total: tuple[int, ...], n: int) -> float:
        seen.extend([*total, n])
        return total[0] / total[1]

    rows = [(3, 2**40 + i) for i in range(20)]
    summarize(Sample(statistics=rows, values=[0.0] * 20, score=score, is_mean=False), resamples=100)
    assert {type(number) for number in seen} == {int}
    assert max(seen) >= 20 * 2**40


def test_bootstrap_of_bleu_reports_sacrebleus_own_value() -> None:
    hypotheses = ["the cat sat on the mat", "it rains in the green valley today", "we sat on the old mat again"]
    references = [["the cat sat on a mat", "it rains in the green valley", "they sat on the old mat again"]]
    bleu = pytest.importorskip("sacrebleu.metrics").BLEU()
    rows = [tuple(row) for row in bleu._extract_corpus_statistics(hypotheses, references)]

    def score(total: tuple[int, ...], n: int) -> float:
        return bleu._compute_score_from_stats(list(total)).score

    sample = Sample(statistics=rows, values=[50.0] * 3, score=score, is_mean=False, scale=(0, 100))
    found = summarize(sample)
    assert found.value == bleu.corpus_score(hypotheses, references).score
    assert 0 <= found.interval[0] < found.value < found.interval[1] <= 100


def test_mappings_reach_the_score_without_zero_entries() -> None:
    rows = [{"hit": 1}, {"miss": 1}, {"hit": 1}, {("a", "b"): 2}]
    totals: list[Counter[object]] = []

    def score(total: dict[object, int], n: int) -> float:
        totals.append(Counter(total))
        return total.get("hit", 0) / n

    low, high = interval(Sample(statistics=rows, values=[1, 0, 1, 0], score=score, is_mean=False), resamples=200)
    assert 0 <= low < 0.5 < high <= 1
    assert totals[0] == {"hit": 2, "miss": 1, ("a", "b"): 2}
    assert all(count for total in totals for count in total.values())


def test_bootstrap_is_seeded(ratio_of) -> None:
    sample = ratio_of([(i % 7, 7 + i % 3) for i in range(40)])
    assert interval(sample) == interval(sample, seed=12345)
    assert interval(sample, seed=1) != interval(sample, seed=2)


def test_resampling_whole_clusters_widens_a_clustered_corpus_score(ratio_of) -> None:
    rows = [(8, 10)] * 20 + [(2, 10)] * 20
    alone = interval(ratio_of(rows))
    together = interval(ratio_of(rows, clusters=[str(i // 5) for i in range(40)]))
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


def test_a_resample_without_a_score_counts_against_both_bounds() -> None:
    def score(total: tuple[float, ...], n: int) -> float:
        if total[0] == 0:
            raise UnscorableError("no positive case")
        return total[1] / total[0]

    rows = [(1, 1)] + [(0, 0)] * 9
    assert interval(Sample(statistics=rows, values=[1.0] * 10, score=score, is_mean=False)) == (0.0, 1.0)


@pytest.mark.parametrize("n", [2, 20, 100])
def test_equal_values_leave_room_for_cases_not_yet_seen(mean_of, n: int) -> None:
    low, high = interval(mean_of([0.8] * n))
    # (1 - p)**n = 0.025 bounds the share p of cases that may differ, down to 0 or up to 1.
    share = 1 - 0.025 ** (1 / n)
    assert (low, high) == pytest.approx((0.8 - share * 0.8, 0.8 + share * 0.2))
    assert summarize(mean_of([0.8] * n)).standard_error is None


def test_a_corpus_score_that_no_resample_moves_is_not_certain(ratio_of) -> None:
    low, high = interval(ratio_of([(5, 5)] * 30))
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 30))


def test_one_case_says_nothing(mean_of, ratio_of) -> None:
    assert interval(mean_of([0.8])) == (0.0, 1.0)
    assert interval(ratio_of([(3, 4)])) == (0.0, 1.0)
    unbounded = summarize(mean_of([3.0], scale=(0, math.inf)))
    assert unbounded.interval == (0.0, math.inf)
    assert unbounded.standard_error is None


def test_nothing_scored_is_refused(mean_of) -> None:
    with pytest.raises(MetricError, match="at least one scored case"):
        interval(mean_of([]))


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, math.nan])
def test_confidence_outside_its_range_is_refused(mean_of, confidence: float) -> None:
    with pytest.raises(MetricError, match="between 0 and 1"):
        interval(mean_of([0.1, 0.2]), confidence=confidence)


def test_too_few_resamples_are_refused(ratio_of) -> None:
    with pytest.raises(MetricError, match="at least 100"):
        interval(ratio_of([(1, 2), (2, 2)]), resamples=10)


def test_a_sample_that_cannot_be_is_refused_where_it_is_made(mean_of) -> None:
    with pytest.raises(MetricError, match="value 1 of the sample is nan"):
        mean_of([0.5, math.nan])
    with pytest.raises(MetricError, match=r"value 1 of the sample, 1\.5, lies outside the scale 0 to 1"):
        mean_of([0.5, 1.5])
    with pytest.raises(MetricError, match="2 values, 1 clusters"):
        mean_of([0.5, 0.6], clusters=["a"])
    with pytest.raises(MetricError, match="lower to a higher"):
        mean_of([0.5], scale=(1, 0))
    with pytest.raises(MetricError, match="one width"):
        interval(Sample(statistics=[(1,), (1, 2)], values=[1, 1], score=lambda t, n: 0.0, is_mean=False))


@given(values=SHARES | MEANS, confidence=st.floats(0.01, 0.999))
def test_an_interval_holds_its_value_and_stays_on_the_scale(mean_of, values, confidence) -> None:
    found = summarize(mean_of(values), confidence=confidence)
    assert 0 <= found.interval[0] <= found.value <= found.interval[1] <= 1


@given(values=SHARES | MEANS)
def test_turning_the_scale_turns_the_interval(mean_of, values) -> None:
    low, high = interval(mean_of(values))
    assert interval(mean_of([1 - v for v in values])) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(values=SHARES | MEANS, order=st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(mean_of, values, order) -> None:
    shuffled = order.sample(values, len(values))
    assert interval(mean_of(shuffled)) == pytest.approx(interval(mean_of(values)), abs=1e-12)


@given(rows=st.lists(st.tuples(st.integers(0, 9), st.integers(9, 20)), min_size=1, max_size=25))
def test_a_bootstrap_interval_holds_its_value_and_stays_on_the_scale(ratio_of, rows) -> None:
    found = summarize(ratio_of(rows), resamples=100)
    assert 0 <= found.interval[0] <= found.value <= found.interval[1] <= 1


@given(values=MEANS, keys=st.lists(st.sampled_from("abc"), min_size=60, max_size=60))
def test_any_clustering_gives_numbers(mean_of, values, keys) -> None:
    for numbers in (values, [float(v > 0.5) for v in values]):
        found = summarize(mean_of(numbers, clusters=keys[: len(numbers)]))
        assert 0 <= found.interval[0] <= found.value <= found.interval[1] <= 1
