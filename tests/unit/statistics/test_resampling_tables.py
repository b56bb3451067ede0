"""Statistics as a matrix: what a score is handed, and what many rows weigh."""

import itertools
import math
import random
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.statistics import Sample, draws, resampling
from pytest_genaiops.statistics.bca import acceleration
from pytest_genaiops.statistics.randomization import approximate_randomization, paired_bootstrap
from pytest_genaiops.statistics.resampling import Table, bootstrap
from pytest_genaiops.statistics.rows import dense, keyed

np = pytest.importorskip("numpy")

NUMBERS = st.integers(-5, 5)
MAPPINGS = st.lists(st.dictionaries(st.sampled_from("abcd"), NUMBERS, max_size=4), min_size=1, max_size=12)


def macro_f1(total: Mapping[tuple[str, str], int], n: int) -> float:
    """Mean over classes of 2 hits / (predicted + true), from counts of (predicted, true) pairs."""
    assert sum(total.values()) == n
    classes = {name for pair in total for name in pair}
    sizes = dict.fromkeys(classes, 0)
    for pair, count in total.items():
        assert type(count) is int
        for name in pair:
            sizes[name] += count
    return math.fsum(2 * total.get((name, name), 0) / size for name, size in sizes.items()) / len(classes)


def classified(n: int, classes: int, seed: int, right: float = 0.7) -> Sample:
    draw = random.Random(seed)
    names = [f"class {number}" for number in range(classes)]
    rows = {pair: {pair: 1} for pair in itertools.product(names, repeat=2)}
    true = [draw.choice(names) for _ in range(n)]
    found = [rows[name if draw.random() < right else draw.choice(names), name] for name in true]
    return Sample(statistics=found, values=[0.0] * n, score=macro_f1, is_mean=False)


@given(rows=MAPPINGS, seed=st.integers(0, 99))
def test_a_sparse_matrix_sums_like_the_dense_one(rows: list[dict[str, int]], seed: int) -> None:
    every = [*rows, *rows[:3]]
    found = keyed(every)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    assert found.keys == keys
    full = np.array([[row.get(key, 0) for key in keys] for row in every], dtype=float).reshape(len(every), len(keys))
    assert found.total == full.sum(axis=0).tolist()
    assert {type(number) for number in found.total} <= {int}
    assert np.array_equal(found.matrix.whole(), full)
    assert found.kinds.tolist()[-len(rows[:3]) :] == found.kinds.tolist()[: len(rows[:3])]
    generator = np.random.default_rng(seed)
    weights = generator.integers(0, 4, size=(3, len(full))).astype(float)
    places = generator.integers(0, 5, size=len(full))
    some = generator.permutation(len(full))[: 1 + len(full) // 2]
    matrices = [found.matrix] if not keys else [found.matrix, dense(full.T)]
    for matrix in matrices:
        assert len(matrix) == len(full)
        assert np.array_equal(matrix.sums(weights), weights @ full)
        grouped = np.array([full[places == place].sum(axis=0) for place in range(5)])
        assert np.array_equal(matrix.grouped(places, 5).whole(), grouped)
        assert np.array_equal(matrix.at(some).whole(), full[some])


def test_sums_of_more_units_than_are_added_at_once() -> None:
    generator = np.random.default_rng(2)
    units = draws.ENTRIES_AT_ONCE + 5
    columns = generator.integers(0, 9, size=(2, units)).astype(float)
    weights = generator.integers(0, 3, size=(3, units)).astype(float)
    assert np.array_equal(dense(columns).sums(weights), weights @ columns.T)


def test_a_mean_is_resampled_without_asking_its_score() -> None:
    def score(total: Any, n: int) -> float:
        raise AssertionError("the mean of the values is known")

    values = [0.1, 0.5, 0.9, 0.3]
    sample = Sample(statistics=[{"a": 1}] * 4, values=values, score=score, is_mean=True)
    table = Table(sample, None)
    assert table.value() == pytest.approx(0.45)
    scores = [score for (score,) in bootstrap([table], resamples=500, seed=1)]
    assert {type(score) for score in scores} == {float}
    asked = Sample(statistics=[(v,) for v in values], values=values, score=lambda t, n: t[0] / n, is_mean=False)
    assert scores == pytest.approx([score for (score,) in bootstrap([Table(asked, None)], resamples=500, seed=1)])


def test_a_clustered_mean_divides_by_the_cases_drawn() -> None:
    values, groups = [0.0, 0.2, 0.4, 1.0], [0, 0, 0, 1]
    table = Table(Sample(statistics=[()] * 4, values=values, score=max, is_mean=True), groups)
    assert table.value() == pytest.approx(0.4)
    scores = {round(score, 9) for (score,) in bootstrap([table], resamples=100, seed=1)}
    assert scores == {0.2, 0.4, 1.0}


@pytest.mark.parametrize("groups", [None, [i // 2 for i in range(60)]])
def test_scores_of_mappings_are_those_of_tuples(groups) -> None:
    draw = random.Random(4)
    pairs = [(draw.randint(0, 3), draw.randint(1, 3)) for _ in range(60)]
    ways = [
        Sample(statistics=[{"a": a, "b": b} for a, b in pairs], values=[0.5] * 60, score=_by_name, is_mean=False),
        Sample(statistics=pairs, values=[0.5] * 60, score=lambda total, n: total[0] / total[1], is_mean=False),
    ]
    one, other = (Table(sample, groups) for sample in ways)
    assert one.value() == other.value()
    assert acceleration([one]) == pytest.approx(acceleration([other]))
    assert bootstrap([one], resamples=100, seed=3) == bootstrap([other], resamples=100, seed=3)


def _by_name(total: Mapping[str, int], n: int) -> float:
    return total.get("a", 0) / total["b"]


def test_equal_rows_are_drawn_together_by_the_same_law(monkeypatch) -> None:
    sides = [classified(600, 2, seed) for seed in (1, 2)]
    tables = [Table(side, None) for side in sides]
    together = np.array(bootstrap(tables, resamples=4000, seed=1))
    monkeypatch.setattr(resampling, "EQUAL_UNITS", math.inf)
    apart = np.array(bootstrap(tables, resamples=4000, seed=1))
    assert not np.array_equal(together, apart)
    for numbers in ([1, 0], [0, 1], [1, -1]):
        one, other = together @ numbers, apart @ numbers
        # Standard errors: of a mean s / sqrt(4000), of a standard deviation about s / sqrt(8000), for each side.
        assert one.mean() == pytest.approx(other.mean(), abs=4 * one.std() * math.sqrt(2 / 4000))
        assert one.std() == pytest.approx(other.std(), rel=4 * math.sqrt(2 / 8000))


def test_many_classes_do_not_take_a_dense_matrix() -> None:
    # 20 000 rows of 900 or 10 000 kinds would fill 144 MB or 1.6 GB.
    for classes, resamples in ((30, 20), (100, 2)):
        sample = classified(20_000, classes, seed=5)
        tracemalloc.start()
        table = Table(sample, None)
        scores = [score for (score,) in bootstrap([table], resamples=resamples, seed=1)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10e6
        assert scores == pytest.approx([table.value()] * resamples, abs=0.03)


def test_both_sides_of_a_swap_may_name_different_classes() -> None:
    sides = [classified(60, classes, seed) for classes, seed in ((3, 1), (4, 1))]
    assert 0 < approximate_randomization(*sides, trials=200) <= 1
    assert 0 < paired_bootstrap(*sides, resamples=200).p_value <= 1
    turned = [approximate_randomization(*pair, trials=500) for pair in (sides, sides[::-1])]
    # Swapping all is as likely as swapping none, so direction does not matter but for the draws.
    assert turned[0] == pytest.approx(turned[1], abs=0.1)


def test_rows_without_any_number_reach_the_score() -> None:
    def score(total: Mapping[str, int], n: int) -> float:
        if not total:
            raise UnscorableError("nothing was counted")
        return 1.0

    table = Table(Sample(statistics=[{}] * 30, values=[0.0] * 30, score=score, is_mean=False), None)
    with pytest.raises(UnscorableError):
        table.value()
    assert bootstrap([table], resamples=100, seed=1) == [(None,)] * 100
