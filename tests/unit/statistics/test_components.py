"""Variance components against hand-made analyses of variance, scipy, statsmodels and known truths."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics import Sample, summarize
from pytest_genaiops.statistics.components import LEFT_OUT, components, pseudo_values, split, split_change

np = pytest.importorskip("numpy")
scipy_stats = pytest.importorskip("scipy.stats")
pandas = pytest.importorskip("pandas")
mixed_linear_model = pytest.importorskip("statsmodels.regression.mixed_linear_model")

finite = st.floats(-1e3, 1e3, allow_nan=False)


def test_one_way_analysis_by_hand() -> None:
    """Three cases with means 1, 4, 7 and squares of 2 within each: MSW = 6 / 3, MSA = 2 * 18 / 2."""
    found = components([0, 2, 3, 5, 6, 8], ["a", "a", "b", "b", "c", "c"])
    assert (found.within, found.between, found.cluster) == (2.0, pytest.approx((18 - 2) / 2), 0.0)
    assert (found.mean, found.cases, found.responses, found.cluster_size) == (4.0, 3, 6, 1.0)
    assert found.total == pytest.approx(10.0)


def test_unequal_numbers_of_trials() -> None:
    """F of scipy's one-way analysis, and n0 = (N - sum(n**2) / N) / (a - 1) (Searle et al., eq. 3.57)."""
    groups = [[0.2, 0.5, 0.4], [0.9], [0.6, 0.7, 0.8, 0.1], [0.3, 0.2]]
    values = [value for group in groups for value in group]
    cases = [str(i) for i, group in enumerate(groups) for _ in group]
    found = components(values, cases)
    within = sum(np.var(group) * len(group) for group in groups) / (10 - 4)
    f = scipy_stats.f_oneway(*groups).statistic
    n0 = (10 - (9 + 1 + 16 + 4) / 10) / 3
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx((f - 1) * within / n0)


@pytest.mark.parametrize("trials", [2, 5])
def test_balanced_estimates_are_those_of_restricted_maximum_likelihood(trials: int) -> None:
    """statsmodels 0.15 MixedLM; the two agree for balanced data without a negative component."""
    generator = np.random.default_rng(7)
    values = (generator.normal(0, 2, (40, 1)) + generator.normal(0, 1, (40, trials))).ravel()
    cases = np.repeat(np.arange(40), trials)
    fitted = mixed_linear_model.MixedLM(values, np.ones_like(values), groups=cases).fit(reml=True)
    found = components(values.tolist(), cases.tolist())
    assert found.within == pytest.approx(fitted.scale, rel=1e-4)
    assert found.between == pytest.approx(float(np.asarray(fitted.cov_re)[0, 0]), rel=1e-3)


def test_clusters_of_cases_are_those_of_restricted_maximum_likelihood() -> None:
    generator = np.random.default_rng(11)
    shape = (15, 4, 3)
    parts = (generator.normal(0, s, (*shape[:d], *(1,) * (3 - d))) for d, s in enumerate((1.5, 1.0, 0.7), start=1))
    values = sum(parts).ravel()
    clusters, cases = np.repeat(np.arange(15), 12), np.repeat(np.arange(60), 3)
    data = pandas.DataFrame({"y": values, "cluster": clusters, "case": cases})
    model = mixed_linear_model.MixedLM.from_formula(
        "y ~ 1", data, groups="cluster", re_formula="1", vc_formula={"case": "0 + C(case)"}
    )
    fitted = model.fit(reml=True)
    found = components(values.tolist(), cases.tolist(), clusters.tolist())
    expected = [fitted.scale, fitted.vcomp[0], float(np.asarray(fitted.cov_re)[0, 0])]
    assert [found.within, found.between, found.cluster] == pytest.approx(expected, rel=2e-3)
    assert (found.cluster_size, found.cases) == (4.0, 60)


def test_estimates_of_an_uneven_design_are_unbiased() -> None:
    generator, draws = np.random.default_rng(3), 400
    sizes, trials = generator.integers(1, 6, 40), generator.integers(1, 5, 200)
    clusters = np.repeat(np.arange(40), sizes)
    cases = np.repeat(np.arange(len(clusters)), trials[: len(clusters)])
    found = []
    for _ in range(draws):
        difficulty = generator.normal(0, 2.0, 40)[clusters] + generator.normal(0, 1.5, len(clusters))
        values = difficulty[cases] + generator.normal(0, 1.0, len(cases))
        one = components(values.tolist(), cases.tolist(), clusters[cases].tolist())
        found.append((one.cluster, one.between, one.within))
    means, errors = np.mean(found, axis=0), np.std(found, axis=0) / math.sqrt(draws)
    assert np.all(np.abs(means - [4.0, 2.25, 1.0]) < 3.5 * errors), (means, errors)


def test_without_a_second_trial_noise_is_not_told_from_difficulty() -> None:
    values = [0.1, 0.4, 0.9, 0.3]
    found = components(values, "abcd")
    assert (found.within, found.between) == (None, None)
    assert found.total == pytest.approx(np.var(values, ddof=1))
    shared = components([1, 2, 5, 6], "abcd", "xxyy")
    assert (shared.within, shared.between) == (None, None)
    # Within clusters 2 * 0.5 / 2, between them 4 * 4 / 1, of which (16 - 0.5) / 2 is the clusters' own.
    assert (shared.cluster, shared.total) == (pytest.approx(7.75), pytest.approx(8.25))


def test_a_negative_component_is_zero() -> None:
    found = components([0, 1, 0, 1, 1, 0], "aabbcc")
    assert (found.between, found.within, found.total) == (0.0, 0.5, 0.5)


@given(st.lists(st.tuples(finite, st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=40))
def test_parts_are_never_negative_and_move_with_neither_shift_nor_order(rows) -> None:
    values, cases, clusters = ([row[i] for row in rows] for i in range(3))
    cases = [f"{case}/{cluster}" for case, cluster in zip(cases, clusters, strict=True)]
    if len(set(cases)) < 2 or len(set(clusters)) < 2:
        return
    found = components(values, cases, clusters)
    parts = [found.cluster, found.between or 0.0, found.within or 0.0]
    assert all(part >= 0 for part in parts)
    if found.within is not None:
        assert found.total == pytest.approx(sum(parts))
    turned = components([1 - v for v in values[::-1]], cases[::-1], clusters[::-1])
    assert turned.total == pytest.approx(found.total, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("value", [0.1, 1e9, 0.0])
def test_equal_values_have_no_spread(value: float) -> None:
    found = components([value] * 6, "aabbcc", "xxxxyy")
    assert (found.cluster, found.between, found.within, found.total) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("values", "cases", "clusters", "message"),
    [
        ([], "", None, "there are no values"),
        ([0.5], "a", None, "belong to one case"),
        ([0.5, 0.6], "aa", None, "belong to one case"),
        ([0.5, 0.6], "abc", None, "2 values, 3 cases"),
        ([0.5, 0.6], "ab", "x", "2 values, 2 cases, 1 clusters"),
        ([0.5, math.nan], "ab", None, "value 1 is nan"),
        ([math.inf, 0.5], "ab", None, "value 0 is inf"),
        ([0.5, 0.6, 0.7], "aab", "xyy", "case 'a' lies in the clusters 'x' and 'y'"),
        ([0.5, 0.6, 0.7], "abc", "xxx", "all cases share one cluster"),
    ],
)
def test_what_has_no_components_is_refused(values, cases, clusters, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        components(values, cases, clusters)


def test_clusters_of_one_case_each_are_the_cases() -> None:
    values, cases = [1, 2, 4, 8, 3, 3], "aabbcc"
    assert components(values, cases, "xxyyzz") == components(values, cases)


class TestPseudoValues:
    def test_of_a_mean_are_its_values(self, mean_of: Callable[..., Sample]) -> None:
        assert list(pseudo_values(mean_of([0.5, 0.25, 1.0]))) == [0.5, 0.25, 1.0]
        assert list(pseudo_values(mean_of([0.5, 0.25, 1.0]), [2, 0])) == [1.0, 0.5]

    def test_of_a_ratio_are_the_jackknife_s(self, ratio_of: Callable[..., Sample]) -> None:
        rows = [(3, 7), (1, 9), (8, 8), (3, 7)]
        matches, lengths = (np.array(column) for column in zip(*rows, strict=True))
        without = [np.delete(matches, i).sum() / np.delete(lengths, i).sum() for i in range(4)]
        expected = 4 * matches.sum() / lengths.sum() - 3 * np.array(without)
        assert list(pseudo_values(ratio_of(rows))) == pytest.approx(expected.tolist())

    def test_spread_as_wide_as_the_bootstrap_s_interval(self, ratio_of: Callable[..., Sample]) -> None:
        generator = np.random.default_rng(5)
        lengths = generator.integers(5, 30, 400)
        sample = ratio_of(list(zip(generator.binomial(lengths, 0.4).tolist(), lengths.tolist(), strict=True)))
        error = math.sqrt(split(sample, range(400)).total / 400)
        assert error == pytest.approx(summarize(sample).standard_error, rel=0.1)

    def test_of_counts_by_key_leave_no_key_behind(self) -> None:
        """A class that one response alone named is gone without it: the score must not see a count of 0."""
        seen = []

        def score(total, n):
            seen.append(dict(total))
            return sum(total.values()) / n

        rows = [{"x": 1}, {"x": 1}, {"y": 1}]
        sample = Sample(statistics=rows, values=[1, 1, 1], score=score, is_mean=False)
        assert list(pseudo_values(sample)) == pytest.approx([1, 1, 1])
        assert seen == [{"x": 2, "y": 1}, {"x": 1, "y": 1}, {"x": 2}]  # equal rows are left out once

    def test_a_score_that_one_response_alone_defines_is_refused(self) -> None:
        def score(total, n):
            if not total[0]:
                raise UnscorableError("no case of class 'x'")
            return total[0] / n

        sample = Sample(statistics=[(0,), (1,), (0,)], values=[0, 1, 0], score=score, is_mean=False)
        with pytest.raises(MetricError, match=r"without row 1 is undefined \(no case of class 'x'\)"):
            split(sample, "abc")
        nowhere = Sample(statistics=[(0,), (0,)], values=[0, 0], score=score, is_mean=False)
        with pytest.raises(MetricError, match="the score is undefined"):
            pseudo_values(nowhere)

    def test_of_one_response_is_the_score(self, ratio_of: Callable[..., Sample]) -> None:
        assert list(pseudo_values(ratio_of([(3, 4)]))) == [0.75]


class TestSplit:
    def rows(self, cases: int, trials: int) -> list[tuple[int, int]]:
        generator = np.random.default_rng(cases)
        rate = np.repeat(generator.beta(2, 2, cases), trials)
        return [(int(hits), 20) for hits in generator.binomial(20, rate)]

    def test_equal_lengths_make_a_ratio_a_mean(self, mean_of, ratio_of) -> None:
        rows, cases = self.rows(30, 3), np.repeat(np.arange(30), 3).tolist()
        one = split(ratio_of(rows), cases)
        other = split(mean_of([hits / 20 for hits, _ in rows]), cases)
        assert (one.between, one.within) == (pytest.approx(other.between), pytest.approx(other.within))

    @pytest.mark.parametrize("clustered", [False, True])
    def test_of_many_responses_is_told_from_a_part_of_the_cases(self, ratio_of, clustered: bool) -> None:
        n = 2 * LEFT_OUT
        rows, cases = self.rows(n, 2), np.repeat(np.arange(n), 2).tolist()
        clusters = [case // 5 for case in cases] if clustered else None
        found = split(ratio_of(rows, clusters=clusters), cases)
        assert (found.cases, found.responses, found.cluster_size) == (n, 2 * n, 5.0 if clustered else 1.0)
        assert found.between == pytest.approx(0.05, rel=0.1)
        assert found.within == pytest.approx(0.2 / 20, rel=0.1)
        assert found.cluster == pytest.approx(0.0, abs=0.004)

    def test_no_more_responses_are_left_out_than_announced(self) -> None:
        calls, n = [], 3 * LEFT_OUT

        def score(total, n):
            calls.append(n)
            return total[0] / total[1]

        rows = [(i % 7, 7 + i) for i in range(n)]
        for clusters in (None, [i // 3 for i in range(n)], [i % 4 for i in range(n)]):
            calls.clear()
            split(Sample(statistics=rows, values=[0.5] * n, score=score, is_mean=False, clusters=clusters), range(n))
            assert len(calls) == pytest.approx(LEFT_OUT, rel=0.01)

    def test_a_change_has_what_both_sides_share_taken_out(self, mean_of) -> None:
        generator = np.random.default_rng(2)
        difficulty = np.repeat(generator.normal(0, 5, 200), 2)
        theirs, noise = difficulty + generator.normal(0, 1, 400), generator.normal(0, 1, 400)
        ours = difficulty + np.repeat(generator.normal(0.3, 0.5, 200), 2) + noise
        sides = [mean_of(side.tolist(), scale=(-99, 99)) for side in (ours, theirs)]
        found = split_change(*sides, np.repeat(np.arange(200), 2).tolist())
        assert found.mean == pytest.approx(np.mean(ours - theirs))
        assert found.within == pytest.approx(2.0, rel=0.25)
        assert found.between == pytest.approx(0.25, abs=0.3)
        assert split(sides[0], np.repeat(np.arange(200), 2).tolist()).between == pytest.approx(25, rel=0.3)

    def test_a_change_of_corpus_scores(self, ratio_of) -> None:
        ours, theirs = self.rows(50, 1), [*self.rows(49, 1), (3, 20)]
        found = split_change(ratio_of(ours), ratio_of(theirs), range(50))
        changes = [(a[0] - b[0]) / 20 for a, b in zip(ours, theirs, strict=True)]
        assert (found.mean, found.total) == (pytest.approx(np.mean(changes)), pytest.approx(np.var(changes, ddof=1)))

    def test_sides_that_do_not_match_are_refused(self, mean_of, ratio_of) -> None:
        with pytest.raises(MetricError, match="not 2 and 1"):
            split_change(mean_of([0.1, 0.2]), mean_of([0.1]), "ab")
        with pytest.raises(MetricError, match="differ in scale or kind"):
            split_change(mean_of([0.1, 0.2]), ratio_of([(1, 2), (1, 2)]), "ab")
