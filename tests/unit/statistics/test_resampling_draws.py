"""Counts of resamples: numpy's own draws, and faster ones that follow the same law."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.statistics import draws
from pytest_genaiops.statistics.draws import choices, merged, resampled

np = pytest.importorskip("numpy")
scipy_stats = pytest.importorskip("scipy.stats")  # 1.17.1


def drawn(blocks) -> "np.ndarray":
    return np.concatenate([block.copy() for block in blocks])


def chi_squared(seen, chances) -> float:
    """p-value of seen frequencies, with the rare ones taken together."""
    expected = np.asarray(chances) * sum(seen)
    often = expected >= 20
    seen = [*np.asarray(seen)[often], np.asarray(seen)[~often].sum()]
    expected = [*expected[often], expected[~often].sum()]
    if expected[-1] < 5:
        assert seen[-1] < 30
        seen, expected = seen[:-1], np.array(expected[:-1]) * sum(seen[:-1]) / sum(expected[:-1])
    return float(scipy_stats.chisquare(seen, expected).pvalue)


@pytest.mark.parametrize(("units", "resamples"), [(1, 5), (7, 100), (2000, 150)])
def test_choices_are_numpys(monkeypatch, units: int, resamples: int) -> None:
    indices = np.random.default_rng(12345).choice(units, size=(resamples, units), replace=True)
    expected = np.array([np.bincount(row, minlength=units) for row in indices])
    assert np.array_equal(drawn(choices(units, resamples, 12345)), expected)
    monkeypatch.setattr(draws, "ENTRIES_AT_ONCE", 3 * units + 1)
    assert np.array_equal(drawn(choices(units, resamples, 12345)), expected)


def test_few_units_are_chosen_one_by_one() -> None:
    assert np.array_equal(drawn(resampled(50, 20, 3)), drawn(choices(50, 20, 3)))


@pytest.mark.parametrize("units", [1000, 1001, 30_000, 300_000])
def test_every_resample_draws_as_often_as_there_are_units(units: int) -> None:
    blocks = [block.copy() for block in resampled(units, 30, 4)]
    assert max(block.size for block in blocks) <= max(units, draws.ENTRIES_AT_ONCE)
    counts = np.concatenate(blocks)
    assert counts.shape == (30, units)
    assert (counts.sum(axis=1) == units).all()
    assert (counts >= 0).all()


def test_seeds_make_resamples() -> None:
    once, again, other = (drawn(resampled(2000, 300, seed)) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)
    assert not np.array_equal(once[0], once[-1])


def test_remembered_counts_are_those_that_are_drawn(monkeypatch) -> None:
    once = drawn(resampled(2000, 300, 1))
    for block in resampled(2000, 300, 1):
        block[:] = 7.0  # of one's own: a block is good until the next one
    assert np.array_equal(drawn(resampled(2000, 300, 1)), once)
    monkeypatch.setattr(draws, "REMEMBERED", 2000 * 300 - 1)
    assert np.array_equal(drawn(resampled(2000, 300, 1)), once)


def test_few_units_drawn_in_the_fast_way_are_multinomial(monkeypatch) -> None:
    # So few that totals and missing draws matter: 16 units get a Poisson mean of one half.
    monkeypatch.setattr(draws, "MANY", 16)
    counts = drawn(resampled(16, 200_000, 7)).astype(int)
    assert (counts.sum(axis=1) == 16).all()
    pairs = list(itertools.product(range(6), repeat=2))
    for one, other in ((0, 1), (5, 15)):
        seen = [int(((counts[:, one] == a) & (counts[:, other] == b)).sum()) for a, b in pairs]
        chances = [scipy_stats.multinomial.pmf([a, b, 16 - a - b], 16, [1 / 16, 1 / 16, 14 / 16]) for a, b in pairs]
        assert chi_squared([*seen, 200_000 - sum(seen)], [*chances, 1 - sum(chances)]) > 1e-4


def test_counts_of_many_units_are_binomial() -> None:
    counts = drawn(resampled(1000, 2000, 8))
    for value in range(7):
        chance = scipy_stats.binom.pmf(value, 1000, 1 / 1000)
        error = math.sqrt(counts.size * chance * (1 - chance))
        assert (counts == value).sum() == pytest.approx(counts.size * chance, abs=4.5 * error)
    # A third of the units, wherever they stand, gets its share of the draws.
    for part in (slice(0, 300), slice(1, 900, 3), slice(700, 1000)):
        seen = counts[:, part].sum(axis=1)
        law = scipy_stats.binom(1000, 0.3)
        assert scipy_stats.kstest(seen + np.random.default_rng(1).random(2000) - 1, _smooth(law)).pvalue > 1e-4


def _smooth(law):
    """The distribution of a count spread over the unit before it."""

    def below(numbers):
        floor = np.floor(numbers)
        return law.cdf(floor) + (numbers - floor) * law.pmf(floor + 1)

    return below


def test_no_two_resamples_of_a_block_go_together() -> None:
    counts = drawn(resampled(2000, 400, 9))
    correlations = np.corrcoef(counts)[np.triu_indices(400, 1)]
    assert abs(correlations).max() < 5.5 / math.sqrt(2000)
    assert correlations.std() == pytest.approx(1 / math.sqrt(2000), rel=0.02)


@given(mean=st.floats(0.3, 1.0))
def test_bytes_and_rest_make_a_poisson_law(mean: float) -> None:
    law = draws._law(mean)
    assert 0 < law.rest < 0.05
    common = np.diff([0, *law.bytes_below, 256]) / 256
    others = np.diff([0, *law.rest_below, 1])
    assert (common >= 0).all()
    assert (others >= -1e-15).all()
    chances = law.rest * others
    chances[: len(common)] += (1 - law.rest) * common
    assert chances == pytest.approx(scipy_stats.poisson.pmf(range(len(chances)), mean), abs=1e-12)


def test_the_rest_falls_on_every_place_alike() -> None:
    # A law of which three tenths are the rest, and the rest is always 2.
    law = draws._Law(bytes_below=[255], rest=0.3, rest_below=[0.0, 0.0])
    rest = draws._poisson(np.random.default_rng(3), law, 200_000) == 2
    assert rest.mean() == pytest.approx(0.3, abs=4.5 * math.sqrt(0.21 / 200_000))
    for gap in (1, 2, 5):
        both = rest[gap:] & rest[:-gap]
        assert both.mean() == pytest.approx(0.09, abs=0.006)
    first = [draws._poisson(np.random.default_rng(seed), law, 8)[[0, 7]] == 2 for seed in range(4000)]
    assert np.mean(first, axis=0) == pytest.approx([0.3, 0.3], abs=4.5 * math.sqrt(0.21 / 4000))


def test_kinds_are_drawn_by_their_share() -> None:
    counts = drawn(merged([700, 250, 50], 20_000, 5))
    assert counts.shape == (20_000, 3)
    assert (counts.sum(axis=1) == 1000).all()
    expected = scipy_stats.multinomial(1000, [0.7, 0.25, 0.05])
    assert counts.mean(axis=0) == pytest.approx([700, 250, 50], abs=0.5)
    assert np.cov(counts.T) == pytest.approx(expected.cov(), rel=0.05)
