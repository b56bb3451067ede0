"""Power: the closed form, plans over cases and trials, and the promises they make."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics import Sample, detectable, difference, interval, required_n
from pytest_genaiops.statistics.power import (
    Need,
    Outlook,
    Plan,
    Spread,
    agreeing_n,
    plan,
    spread_of_change,
    spread_of_rerun,
    spread_of_score,
)
from pytest_genaiops.statistics.rate_power import cases_for_margin, paired_rate_power, rate_power
from pytest_genaiops.statistics.tango import tango

np = pytest.importorskip("numpy")
scipy_stats = pytest.importorskip("scipy.stats")
statsmodels_power = pytest.importorskip("statsmodels.stats.power")


def test_textbook_sample_size() -> None:
    """(1.96 + 0.84)**2 (sd / effect)**2 = 31.4 for an effect of half a standard deviation."""
    assert required_n(0.1, 100, 0.5, 0.95) == 32
    assert required_n(0.1, 100, -0.5, 0.95) == 32


def test_more_power_and_more_confidence_need_more_cases() -> None:
    plain = required_n(0.02, 100, 0.01, 0.95)
    assert required_n(0.02, 100, 0.01, 0.95, power=0.9) > plain
    assert required_n(0.02, 100, 0.01, 0.99) > plain


def test_detectable_difference_is_the_effect_that_the_present_n_has_power_for() -> None:
    effect = detectable(0.02, 0.95)
    assert effect == pytest.approx(0.02 * (scipy_stats.norm.ppf(0.975) + scipy_stats.norm.ppf(0.8)))
    assert required_n(0.02, 300, effect * 1.000001, 0.95) == 300


@pytest.mark.parametrize(("error", "n", "effect"), [(0.1, 10, 0.0), (math.inf, 10, 0.1), (0.1, 0, 0.1)])
def test_no_number_of_cases_where_none_would_do(error: float, n: int, effect: float) -> None:
    assert required_n(error, n, effect, 0.95) is None


def test_no_spread_still_needs_two_cases() -> None:
    assert required_n(0.0, 50, 0.1, 0.95) == 2


def test_agreeing_cases_narrow_the_interval_faster_than_differing_ones() -> None:
    """Without a discordant pair Tango's bound is z**2 / (n + z**2): within 0.02 from 189 cases on."""
    reach = tango(0, 0, 50, 0.95)[1]
    n = agreeing_n(reach, 50, 0.02)
    assert n == pytest.approx(189, rel=0.1)
    assert agreeing_n(reach, 1, 0.02) is None
    assert agreeing_n(math.inf, 50, 0.02) is None
    assert agreeing_n(reach, 50, 0.0) is None


def spread(**given) -> Spread:
    return Spread(**{"stable": 0.04, "noise": 0.0, "basis": "trials", **given})


def need(outlook: Outlook, power: float) -> Need:
    (found,) = (each for each in outlook.needs if each.power == power)
    return found


class TestPlanOfAMean:
    @pytest.mark.parametrize("effect", [0.2, 0.5, 0.8])
    @pytest.mark.parametrize("power", [0.8, 0.9])
    def test_needs_as_many_cases_as_the_t_test(self, effect: float, power: float) -> None:
        """statsmodels 0.15, noncentral t."""
        exact = statsmodels_power.TTestPower().solve_power(effect_size=effect, alpha=0.05, power=power)
        found = plan(spread(stable=1.0), n=50, margin=effect)
        assert need(found.present, power).n == pytest.approx(math.ceil(exact), abs=1)

    @pytest.mark.parametrize("n", [8, 20, 50, 300])
    def test_has_the_power_of_the_t_test(self, n: int) -> None:
        for effect in (0.1, 0.3, 0.6, 1.0):
            exact = scipy_stats.nct.sf(scipy_stats.t.ppf(0.975, n - 1), n - 1, effect * math.sqrt(n))
            assert plan(spread(stable=1.0), n=n, margin=effect).present.power == pytest.approx(exact, abs=0.015)

    def test_detects_what_its_cases_have_the_power_for(self) -> None:
        found = plan(spread(), n=100, margin=0.05)
        for each in found.present.needs:
            margin = each.detectable
            assert margin is not None
            assert plan(spread(), n=100, margin=margin).present.power == pytest.approx(each.power, abs=0.005)
            assert need(plan(spread(), n=7, margin=margin * 1.001).present, each.power).n == 100

    def test_clusters_take_their_part_of_the_degrees_of_freedom(self) -> None:
        """20 clusters of 5 know their spread as well as 20 cases do."""
        alone = plan(spread(stable=0.04 / 5), n=20, margin=0.05)
        assert plan(spread(cluster_size=5.0), n=100, margin=0.05).present.power == alone.present.power

    def test_trials_lessen_the_noise_alone(self) -> None:
        found = plan(spread(stable=0.01, noise=0.03), n=100, trials=2, margin=0.05)
        assert found.present.standard_error == pytest.approx(math.sqrt((0.01 + 0.03 / 2) / 100))
        assert [each.trials for each in found.options] == [1, 2, 3, 5, 10]
        assert [each.standard_error for each in found.options] == pytest.approx(
            [math.sqrt((0.01 + 0.03 / k) / 100) for k in (1, 2, 3, 5, 10)]
        )
        assert found.options[1] == found.present
        for option in found.options:
            assert [each.calls for each in option.needs] == [each.n * option.trials for each in option.needs]
            assert option.equal_cost_n == 200 // option.trials

    def test_the_same_calls_tell_more_over_more_cases(self) -> None:
        """Trials of one case repeat its difficulty: at equal cost new cases never lose."""
        powers = [each.equal_cost_power for each in plan(spread(noise=0.1), n=90, margin=0.05).options]
        assert powers == sorted(powers, reverse=True)
        assert powers[0] > powers[-1]

    def test_one_case_that_the_calls_pay_for_decides_nothing(self) -> None:
        found = plan(spread(), n=5, margin=10.0)
        assert [(each.equal_cost_n, each.equal_cost_power) for each in found.options[-2:]] == [(1, 0.0), (0, 0.0)]
        assert found.present.power == 1.0

    @given(st.floats(1e-6, 1e3), st.floats(0, 1e3), st.integers(2, 5000), st.integers(1, 10), st.floats(0.001, 10))
    def test_more_power_takes_more(self, stable, noise, n, trials, margin) -> None:
        found = plan(spread(stable=stable, noise=noise), n=n, trials=trials, margin=margin)
        for outlook in (found.present, *found.options):
            assert 0 <= outlook.power <= 1
            few, more = outlook.needs
            assert more.n is None or (few.n is not None and 2 <= few.n <= more.n)
            assert more.detectable is None or (few.detectable is not None and 0 < few.detectable <= more.detectable)

    def test_what_nobody_will_run_has_no_number(self) -> None:
        assert need(plan(spread(), n=50, margin=1e-6).present, 0.8).n is None

    def test_no_spread_seen_is_planned_by_the_rule_of_three(self) -> None:
        """72 agreeing cases exclude that more than 0.05 of all differ, each by the whole scale at worst."""
        found = plan(spread(stable=0.0, width=1.0), n=72, margin=0.05)
        assert need(found.present, 0.8).n == 72
        assert found.present.power == 1.0
        assert need(found.present, 0.9).detectable == pytest.approx(1 - 0.025 ** (1 / 72), rel=2e-3)
        endless = plan(spread(stable=0.0), n=72, margin=0.05).present
        assert (endless.power, need(endless, 0.8).n, need(endless, 0.8).detectable) == (0.0, None, None)


class TestPlanOfAShare:
    def test_counts_exactly(self) -> None:
        found = plan(spread(stable=0.0475, kind="share", share=0.95, width=1.0), n=149, margin=0.05)
        assert found.present.power == rate_power(149, 0.95, 0.95, 0.90)
        assert need(found.present, 0.8).n == 255

    def test_promises_a_number_from_which_the_power_stays(self) -> None:
        """It falls wherever one more case allows no more failures; 231 cases reach 0.8 for the first time."""
        powers = [rate_power(n, 0.95, 0.95, 0.90) for n in range(1000)]
        assert next(n for n, power in enumerate(powers) if power >= 0.8 and n > 1) == 231
        assert max(n for n, power in enumerate(powers) if power < 0.8) == 254

    def test_on_another_scale_is_the_same(self) -> None:
        percent = spread(stable=475.0, kind="share", share=0.95, width=100.0)
        found = plan(percent, n=149, margin=5.0)
        assert found.present.power == pytest.approx(rate_power(149, 0.95, 0.95, 0.90))
        assert need(found.present, 0.8).n == 255

    def test_of_cases_that_were_all_right(self) -> None:
        found = plan(spread(stable=0.0, kind="share", share=1.0, width=1.0), n=50, margin=0.05)
        assert found.present.power == 0.0
        assert need(found.present, 0.8).n == 72
        assert need(found.present, 0.8).detectable == pytest.approx(1 - 0.025 ** (1 / 50), rel=2e-3)

    def test_clusters_count_for_fewer_cases(self) -> None:
        whole = plan(spread(stable=0.25, kind="share", share=0.5, width=1.0, cluster_size=5.0), n=100, margin=0.2)
        doubled = plan(spread(stable=0.5, kind="share", share=0.5, width=1.0, cluster_size=5.0), n=200, margin=0.2)
        assert doubled.present.power == pytest.approx(whole.present.power, abs=0.02)
        alone = plan(spread(stable=0.25, kind="share", share=0.5, width=1.0), n=100, margin=0.2)
        assert whole.present.power < alone.present.power
        assert plan(spread(kind="share", share=0.5, width=1.0, cluster_size=5.0), n=4, margin=0.2).present.power == 0.0


class TestPlanOfAPairedShare:
    def test_counts_exactly_where_discordant_pairs_are_few(self) -> None:
        """Off by 18 points at n = 50 and 12 at n = 200 if the normal approximation were believed."""
        for n in (50, 200):
            discordant = 0.02 * 200 / n
            found = plan(spread(stable=discordant, kind="paired share", width=1.0), n=n, margin=0.08)
            assert found.present.power == paired_rate_power(n, 0.95, discordant, 0.08)

    def test_takes_the_approximation_where_it_holds(self) -> None:
        found = plan(spread(stable=0.3, kind="paired share", width=1.0), n=800, margin=0.054)
        assert found.present.power == pytest.approx(paired_rate_power(800, 0.95, 0.3, 0.054), abs=0.005)

    def test_without_a_discordant_pair_needs_agreeing_cases(self) -> None:
        found = plan(spread(stable=0.0, kind="paired share", width=1.0), n=50, margin=0.02)
        assert found.present.power == 0.0
        assert need(found.present, 0.9).n == cases_for_margin(0.02, 0.95)

    def test_promises_a_number_from_which_the_power_stays(self) -> None:
        found = plan(spread(stable=0.1, kind="paired share", width=1.0), n=50, margin=0.1)
        needed = need(found.present, 0.8).n
        assert needed is not None
        powers = [paired_rate_power(n, 0.95, 0.1, 0.1) for n in range(needed - 1, needed + 40)]
        assert powers[0] < 0.8 <= min(powers[1:])


class TestSpreads:
    cases = tuple("aabbccdd")
    values = (0.1, 0.3, 0.5, 0.9, 0.2, 0.2, 0.8, 0.6)

    def test_of_a_score(self, mean_of) -> None:
        found = spread_of_score(mean_of(self.values), self.cases)
        within = (0.02 + 0.08 + 0.0 + 0.02) / 4
        between = np.var([0.2, 0.7, 0.2, 0.7], ddof=1) - within / 2
        assert (found.basis, found.kind, found.width) == ("trials", "mean", 1.0)
        assert (found.noise, found.stable) == (pytest.approx(within), pytest.approx(between))

    def test_of_a_score_over_clusters(self, mean_of) -> None:
        """Cases that share a cluster of m add (m - 1) times what they share."""
        values = [value for value in (0.1, 0.2, 0.9, 0.8, 0.4, 0.6) for _ in range(2)]
        cases, clusters = ([key for key in keys for _ in range(2)] for keys in ("abcdef", "xxyyzz"))
        found = spread_of_score(mean_of(values, clusters=clusters), cases)
        difficulty = (0.005 + 0.005 + 0.02) / 3
        shared = (2 * np.var([0.15, 0.85, 0.5], ddof=1) - difficulty) / 2
        assert (found.cluster_size, found.noise) == (2.0, 0.0)
        assert found.stable == pytest.approx(difficulty + 2 * shared)

    def test_of_a_rerun_is_noise_on_both_sides(self, mean_of) -> None:
        found = spread_of_rerun(mean_of(self.values), self.cases)
        assert (found.basis, found.stable, found.noise) == ("reruns", 0.0, pytest.approx(0.06))
        assert plan(found, n=4, margin=0.1).basis == "reruns"

    def test_without_trials_only_a_bound_is_known(self, mean_of) -> None:
        values = [0.1, 0.3, 0.5, 0.9]
        found = spread_of_rerun(mean_of(values), "abcd")
        assert (found.basis, found.noise) == ("bound", 0.0)
        assert found.stable == pytest.approx(2 * np.var(values, ddof=1))
        one = spread_of_score(mean_of(values), "abcd")
        assert (one.basis, one.stable) == ("one trial", pytest.approx(np.var(values, ddof=1)))
        assert plan(found, n=4, margin=0.1).options == plan(one, n=4, margin=0.1).options == ()

    def test_of_a_change_is_measured_on_two_systems(self, mean_of) -> None:
        ours = [
            value + shift for value, shift in zip(self.values, (0.1, 0.0, 0.0, 0.1, 0.2, 0.0, 0.1, 0.0), strict=True)
        ]
        found = spread_of_change(mean_of(ours), mean_of(self.values), self.cases)
        # Mean changes 0.05, 0.05, 0.1, 0.05 vary less than their trials do: nothing is stable.
        assert (found.basis, found.stable) == ("trials", 0.0)
        assert found.noise == pytest.approx((0.005 + 0.005 + 0.02 + 0.005) / 4)
        single = spread_of_change(mean_of(ours[::2]), mean_of(self.values[::2]), "abcd")
        assert (single.basis, single.stable) == ("one trial", pytest.approx(np.var([0.1, 0.0, 0.2, 0.1], ddof=1)))

    def test_of_shares_are_known_as_such(self, mean_of) -> None:
        right = [1.0, 1.0, 0.0, 1.0]
        sample = mean_of(right)
        assert (spread_of_score(sample, "abcd").kind, spread_of_score(sample, "abcd").share) == ("share", 0.75)
        assert spread_of_score(sample, "abcd", higher_is_better=False).share == 0.25
        assert spread_of_rerun(sample, "abcd").kind == "paired share"
        assert spread_of_change(sample, mean_of(right[::-1]), "abcd").kind == "paired share"
        assert spread_of_change(sample, mean_of([0.5] * 4), "abcd").kind == "mean"

    def test_twice_the_noise_of_a_share_is_how_often_two_runs_differ(self, mean_of) -> None:
        sample = mean_of([1, 0, 1, 1, 0, 1, 0, 0])
        assert spread_of_rerun(sample, self.cases).noise == pytest.approx(2 / 4)

    def test_of_a_corpus_score_is_as_wide_as_the_bootstrap(self, ratio_of) -> None:
        generator = np.random.default_rng(8)
        lengths = generator.integers(5, 30, 300)
        rows = [list(zip(generator.binomial(lengths, 0.4).tolist(), lengths.tolist(), strict=True)) for _ in range(2)]
        change = difference(*map(ratio_of, rows))
        found = plan(spread_of_change(*map(ratio_of, rows), range(300)), n=300, margin=0.05)
        assert found.present.standard_error == pytest.approx(change.standard_error, rel=0.1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 0}, "n is 0; a plan needs at least 2 cases"),
        ({"n": 1}, "n is 1"),
        ({"trials": 0}, "trials is 0"),
        ({"margin": 0.0}, "margin is 0.0; a plan needs the smallest difference that matters"),
        ({"margin": -0.1}, "margin is -0.1"),
        ({"margin": math.nan}, "margin is nan"),
        ({"margin": math.inf}, "margin is inf"),
        ({"confidence": 0.0}, "confidence is 0.0"),
        ({"confidence": 1.0}, "confidence is 1.0"),
    ],
)
def test_plans_that_make_no_sense_are_refused(given: dict, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        plan(spread(), **{"n": 50, "margin": 0.05, **given})


DRAWS = 300


def share_of(hits: int) -> tuple[float, float]:
    """Observed share, and three Monte Carlo standard errors of one near 0.8."""
    return hits / DRAWS, 3 * math.sqrt(0.16 / DRAWS)


class TestPromises:
    """What a plan says is what the intervals of this room then do, by simulation."""

    def planned(self, found: Plan) -> int:
        needed = need(found.present, 0.8).n
        assert needed is not None
        return needed

    def shares(self, generator, n: int, trials: int, loss: float = 0.0) -> list[list[float]]:
        """Two runs of cases of which nine in ten are sure and the others are coins; the first may lose."""
        sure = np.repeat(np.where(generator.random(n) < 0.9, 1.0, 0.5), trials)
        return [(generator.random(n * trials) < sure - lost).astype(float).tolist() for lost in (loss, 0.0)]

    @pytest.mark.parametrize(("trials", "margin"), [(1, 0.1), (1, 0.05), (3, 0.1)])
    def test_an_unchanged_share_passes_as_often_as_planned(self, mean_of, trials: int, margin: float) -> None:
        generator, noise = np.random.default_rng(1), 0.1 * 0.25
        found = spread(stable=0.0, noise=2 * noise, basis="reruns", width=1.0, kind="paired share")
        n = self.planned(plan(found, n=50, trials=trials, margin=margin))
        keys = np.repeat(np.arange(n), trials).tolist() if trials > 1 else None
        hits = worse = 0
        for _ in range(DRAWS):
            ours, theirs = (mean_of(side, clusters=keys) for side in self.shares(generator, n, trials))
            hits += difference(ours, theirs).interval[0] > -margin
            ours, theirs = (mean_of(side, clusters=keys) for side in self.shares(generator, n, trials, 2 * margin))
            worse += difference(ours, theirs).interval[0] > -margin
        passed, error = share_of(hits)
        # What trials buy is known to about ten points where one case in ten makes all the noise.
        assert passed >= 0.8 - error - (0.1 if trials > 1 else 0.0)
        assert passed <= 0.9 + error
        assert worse / DRAWS <= 0.1  # a drop of twice the margin ends not-passed in nine of ten runs, and more

    def test_an_unchanged_mean_passes_as_often_as_planned(self, mean_of: Callable[..., Sample]) -> None:
        generator, hits = np.random.default_rng(2), 0
        n = self.planned(plan(spread(stable=0.01, noise=0.02), n=50, trials=2, margin=0.04))
        keys = np.repeat(np.arange(n), 2).tolist()
        for _ in range(DRAWS):
            change = np.repeat(generator.normal(0, 0.1, n), 2) + generator.normal(0, math.sqrt(0.02), 2 * n)
            low, _ = interval(mean_of(change.tolist(), scale=(-9, 9), clusters=keys))
            hits += low > -0.04
        passed, error = share_of(hits)
        assert passed == pytest.approx(0.8, abs=error)

    def test_a_plan_from_a_pilot_holds_in_the_long_run(self, mean_of) -> None:
        """30 cases twice estimate the noise; the numbers planned from such pilots are about right in the middle."""
        generator, planned = np.random.default_rng(3), []
        for _ in range(60):
            difficulty = np.repeat(generator.normal(0, 1, 30), 2)
            sample = mean_of((difficulty + generator.normal(0, 0.2, 60)).tolist(), scale=(-9, 9))
            found = spread_of_rerun(sample, np.repeat(np.arange(30), 2).tolist())
            planned.append(self.planned(plan(found, n=30, margin=0.05)))
        truth = self.planned(plan(spread(stable=0.0, noise=2 * 0.04), n=30, margin=0.05))
        assert np.median(planned) == pytest.approx(truth, rel=0.15)
