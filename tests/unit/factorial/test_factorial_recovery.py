"""Known effects of synthetic targets are found again; at length in ``benchmarks/factorial_effects.py``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np  # noqa: TID253 - the target draws its answers
import pytest

from pytest_genaiops.factorial import factorial
from pytest_genaiops.report.document import FactorialView
from pytest_genaiops.statistics import holm
from tests.unit.factorial.synthetic import ALIKE, KINDS, Suite, World, matrix, scores
from tests.unit.factorial.synthetic import AXES as LEVELS

AXES = matrix()
DRAWS = 15


def view(world: World, seed: int) -> FactorialView:
    found = scores(world, np.random.default_rng(seed), AXES)
    return factorial({name: {"quality": score} for name, score in found.items()}, AXES)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_hold_the_true_effects_and_the_set_holds_the_best(kind: str) -> None:
    """Of 15 draws with four effects and five interactions each; clusters of unequal size."""
    world = World(kind=kind)
    effects, best = world.effects(), max(AXES, key=lambda name: world.mean(AXES[name]))
    main, pairs, kept = [], [], []
    for seed in range(DRAWS):
        found = view(world, seed)
        main += [row.interval[0] <= effects[row.axis, row.level] <= row.interval[1] for row in found.effects]  # type: ignore[operator,index]
        for row in found.interactions:
            truth = world.interaction(*zip(row.axes, row.levels, strict=True))
            pairs.append(row.interval[0] <= truth <= row.interval[1])  # type: ignore[operator,index]
        kept += [row.among_best for row in found.contenders if row.variant == best]
    # 60 and 75 intervals at 95 %, correlated within a draw: fewer than 85 % would be a rare accident.
    assert np.mean(main) >= 0.85
    assert np.mean(pairs) >= 0.85
    assert np.mean(kept) >= 0.85


def test_large_effects_are_found_and_the_interaction_is_the_strongest() -> None:
    found = view(World(cases=200, clusters=50, size=2.0), 3)
    by_level = {row.level: row for row in found.effects}
    for level in ("hybrid", "512", "1024"):
        truth = World(size=2.0).effects()[by_level[level].axis, level]
        assert by_level[level].effect == pytest.approx(truth, abs=0.03)
    assert (by_level["hybrid"].adjusted_p_value or 0) < 0.001
    strongest = found.interactions[0]
    assert set(zip(strongest.axes, strongest.levels, strict=True)) == {("chunk", "1024"), ("search", "hybrid")}
    assert strongest.effect == pytest.approx(0.16, abs=0.03)
    best = {row.variant for row in found.contenders if row.among_best}
    assert best <= {name for name, levels in AXES.items() if levels["search"] == "hybrid"}


def test_where_nothing_has_an_effect_little_is_found() -> None:
    """In 5 % of draws any effect, after Holm; of 15 draws more than four would be a rare accident."""
    false = 0
    for seed in range(DRAWS):
        found = view(replace(World(), size=0.0), 100 + seed)
        false += any((row.adjusted_p_value or 0.0) <= 0.05 for row in found.effects)
    assert false <= 4


def test_of_nine_numbers_each_keeps_its_level_and_none_hides_an_effect_on_another() -> None:
    """Five of nine numbers are nearly one, and hybrid search helps these.

    Holm over all effects of a draw, on whatever number, finds the true ones less often.
    """
    false, found, found_over_all = 0, 0, 0
    for seed in range(4):
        drawn = Suite(cases=80, axes=LEVELS, helps=0.06).scores(np.random.default_rng(seed))
        rows = factorial(drawn, AXES, front=("recall", "latency")).effects
        for row, over_all in zip(rows, holm([row.p_value or 0.0 for row in rows]), strict=True):
            sure = (row.adjusted_p_value or 0.0) <= 0.05
            if row.metric in ALIKE and row.level == "hybrid":
                found += sure
                found_over_all += over_all <= 0.05
            else:
                false += sure
    # Of 36 numbers 5 % have any, and of 20 true effects more than half are found.
    assert false <= 6
    assert found >= 10
    assert found > found_over_all
