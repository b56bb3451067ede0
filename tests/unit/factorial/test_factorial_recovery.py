"""Known effects of a synthetic target are found again; at length in ``benchmarks/factorial_effects.py``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np  # noqa: TID253 - the target draws its answers
import pytest

from pytest_genaiops.factorial import factorial
from pytest_genaiops.report.document import FactorialView
from tests.unit.factorial.synthetic import KINDS, World, matrix, scores

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
