"""Power by drawing again: against exact counts, the closed form, and what the intervals then do."""

import math

import pytest

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics import interval
from pytest_genaiops.statistics import simulated_power as simulated_power_module
from pytest_genaiops.statistics.power import plan, spread_of_rerun, spread_of_score
from pytest_genaiops.statistics.rate_power import paired_rate_power, rate_power
from pytest_genaiops.statistics.simulated_power import DRAWS, Pilot, reruns, simulated_n, simulated_power

np = pytest.importorskip("numpy")

ERROR = 3 * math.sqrt(0.2 * 0.8 / DRAWS)


def test_of_a_share_is_the_exact_power(mean_of) -> None:
    pilot = Pilot(candidate=mean_of([1.0] * 19 + [0.0]), cases=range(20))
    found = simulated_power(pilot, n=250, margin=0.05)
    assert found == pytest.approx(rate_power(250, 0.95, 0.95, 0.90), abs=ERROR)


def test_of_a_paired_share_is_the_exact_power(mean_of) -> None:
    """One gain and one loss in 20 pairs; the pilot's change is 0, as the exact count has it."""
    ours, theirs = mean_of([1.0, 0.0] + [1.0] * 18), mean_of([0.0, 1.0] + [1.0] * 18)
    pilot = Pilot(candidate=ours, baseline=theirs, cases=range(20))
    for n, margin in ((50, 0.125), (200, 0.06)):
        found = simulated_power(pilot, n=n, margin=margin)
        assert found == pytest.approx(paired_rate_power(n, 0.95, 0.1, margin), abs=ERROR)


def test_of_a_mean_without_a_tail_is_that_of_the_plan(mean_of) -> None:
    values = np.random.default_rng(1).uniform(0, 1, 300).tolist()
    planned = plan(spread_of_score(mean_of(values), range(300)), n=60, margin=0.1).present.power
    found = simulated_power(Pilot(candidate=mean_of(values), cases=range(300)), n=60, margin=0.1)
    assert found == pytest.approx(planned, abs=ERROR)


def test_values_that_lean_to_one_end_need_more_than_the_plan_says(mean_of) -> None:
    """The number found by drawing from one pilot keeps its power on fresh data."""
    generator = np.random.default_rng(2)
    values = generator.beta(9, 1, 500).tolist()
    margin = 0.035
    (few, _) = plan(spread_of_score(mean_of(values), range(500)), n=50, margin=margin).present.needs
    assert few.n is not None
    pilot = Pilot(candidate=mean_of(values), cases=range(500))
    assert simulated_power(pilot, n=few.n, margin=margin) < 0.8 - ERROR
    n = simulated_n(pilot, guess=few.n, margin=margin)
    assert n is not None
    assert few.n * 1.1 < n < few.n * 2
    fresh = sum(interval(mean_of(generator.beta(9, 1, n).tolist()))[0] > 0.9 - margin for _ in range(DRAWS)) / DRAWS
    assert fresh == pytest.approx(0.8, abs=1.5 * ERROR)


def test_reruns_hold_the_first_trial_against_the_second(mean_of) -> None:
    values = [1.0, 0.5, 0.25, 0.75, 0.0, 0.1]
    pilot = reruns(mean_of(values), ["a", "b", "a", "c", "b", "a"])
    assert pilot.baseline is not None
    assert (list(pilot.candidate.values), list(pilot.baseline.values)) == ([1.0, 0.5], [0.25, 0.0])
    assert list(pilot.cases) == ["a", "b"]
    assert pilot.candidate.clusters is None
    clustered = reruns(mean_of(values, clusters=list("xyxzyx")), ["a", "b", "a", "c", "b", "a"])
    assert list(clustered.candidate.clusters or ()) == ["x", "y"]
    with pytest.raises(MetricError, match="no case has two trials"):
        reruns(mean_of([0.5, 0.6]), "ab")


def test_an_unchanged_system_passes_as_its_plan_says(mean_of) -> None:
    generator = np.random.default_rng(4)
    difficulty = np.repeat(generator.normal(0, 1, 200), 2)
    sample = mean_of((difficulty + generator.normal(0, 0.2, 400)).tolist(), scale=(-9, 9))
    cases = np.repeat(np.arange(200), 2).tolist()
    planned = plan(spread_of_rerun(sample, cases), n=80, margin=0.09).present.power
    assert simulated_power(reruns(sample, cases), n=80, margin=0.09) == pytest.approx(planned, abs=1.5 * ERROR)


def test_trials_and_clusters_are_drawn_whole(mean_of) -> None:
    """Four equal rows of one case, or of one cluster, tell no more than one: neither may lift the power."""
    values = np.random.default_rng(5).uniform(0, 1, 100)
    once = simulated_power(Pilot(candidate=mean_of(values.tolist()), cases=range(100)), n=40, margin=0.1)
    repeated, keys = np.repeat(values, 4).tolist(), np.repeat(np.arange(100), 4).tolist()
    trials = Pilot(candidate=mean_of(repeated, clusters=keys), cases=keys)
    assert simulated_power(trials, n=40, margin=0.1) == once
    clusters = Pilot(candidate=mean_of(repeated, clusters=keys), cases=range(400))
    assert simulated_power(clusters, n=160, margin=0.1) == pytest.approx(once, abs=1.5 * ERROR)


def test_lower_may_be_better(mean_of) -> None:
    values = np.random.default_rng(6).beta(9, 1, 200)
    up = Pilot(candidate=mean_of(values.tolist()), cases=range(200))
    down = Pilot(candidate=mean_of((1 - values).tolist()), cases=range(200), higher_is_better=False)
    assert simulated_power(up, n=50, margin=0.04) == simulated_power(down, n=50, margin=0.04)


def test_the_seed_decides(mean_of) -> None:
    pilot = Pilot(candidate=mean_of([0.2, 0.4, 0.9, 0.5, 0.7]), cases=range(5))
    given = {"n": 20, "margin": 0.15}
    assert simulated_power(pilot, seed=1, **given) == simulated_power(pilot, seed=1, **given)
    assert len({simulated_power(pilot, seed=seed, draws=50, **given) for seed in range(5)}) > 1


def test_a_number_is_found_from_any_guess_or_there_is_none(mean_of, monkeypatch: pytest.MonkeyPatch) -> None:
    pilot = Pilot(candidate=mean_of(np.random.default_rng(7).uniform(0, 1, 100).tolist()), cases=range(100))
    found = [simulated_n(pilot, guess=guess, margin=0.15) for guess in (8, 30, 300)]
    assert all(n is not None and 24 < n < 36 for n in found), found
    monkeypatch.setattr(simulated_power_module, "MOST_CASES", 500)
    assert simulated_n(pilot, guess=100, margin=0.0004) is None


def test_data_that_always_decide_are_bracketed(mean_of) -> None:
    """All right: the exact bound excludes 0.1 less from 36 cases on, always, and never before."""
    pilot = Pilot(candidate=mean_of([1.0] * 10), cases=range(10))
    assert simulated_n(pilot, guess=30, margin=0.1) in range(36, 41)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 1}, "n is 1"),
        ({"draws": 0}, "draws 0"),
        ({"margin": 0.0}, "margin is 0.0"),
        ({"margin": math.nan}, "margin is nan"),
        ({"confidence": 1.0}, "confidence is 1.0"),
    ],
)
def test_what_makes_no_sense_is_refused(mean_of, given: dict, message: str) -> None:
    pilot = Pilot(candidate=mean_of([0.5, 0.6]), cases=range(2))
    with pytest.raises(MetricError, match=message):
        simulated_power(pilot, **{"n": 10, "margin": 0.1, **given})


def test_pilots_that_cannot_be_drawn_from_are_refused(mean_of, ratio_of) -> None:
    with pytest.raises(MetricError, match="nothing to draw from"):
        Pilot(candidate=mean_of([]), cases=[])
    with pytest.raises(MetricError, match="rows of one number, not 1 and 2"):
        Pilot(candidate=mean_of([0.5, 0.6]), baseline=mean_of([0.5]), cases="ab")
    with pytest.raises(MetricError, match="corpus score is no mean"):
        Pilot(candidate=ratio_of([(1, 2)]), cases="a")
    with pytest.raises(MetricError, match=r"power is 1\.0"):
        simulated_n(Pilot(candidate=mean_of([0.5]), cases="a"), guess=5, margin=0.1, power=1.0)
