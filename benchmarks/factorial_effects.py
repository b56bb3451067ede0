"""How often the statements of a factorial are true, on a synthetic target whose effects are known.

    python benchmarks/factorial_effects.py [--draws 400]

12 variants on three axes, one of which interacts with another (``tests/unit/factorial/synthetic.py``). Cases lie in
clusters of unequal size that share how hard they are and what each level does to them. Per world: how often intervals
of main effects and of interactions hold the true ones, how often the best set holds the best variant, and how many
variants it has. Then the same without any effect: how often any effect, or any interaction, is found (Holm, nominal
5 %), and how often a variant that ties with all others for the best is in the set.
"""

# ruff: noqa: TID253 - the rule is for the package; this script computes at once

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from pytest_genaiops.factorial import factorial
from pytest_genaiops.report.document import FactorialView
from tests.unit.factorial.synthetic import World, matrix, scores

LEVEL = 0.05
AXES = matrix()
WORLDS = [
    World(kind=kind, cases=cases, clusters=clusters)
    for kind in ("value", "yes or no", "ratio")
    for cases, clusters in ((60, 20), (120, 120))
]


def view(world: World, generator: np.random.Generator) -> FactorialView:
    return factorial({name: {"quality": score} for name, score in scores(world, generator, AXES).items()}, AXES)


def held(world: World, draws: int) -> tuple[list[float], ...]:
    """For each draw: shares of intervals that hold the truth, whether the best is in the set, and the set's size."""
    effects, best = world.effects(), max(AXES, key=lambda name: world.mean(AXES[name]))
    found: tuple[list[float], ...] = ([], [], [], [])
    for draw in range(draws):
        seen = view(world, np.random.default_rng(draw))
        main = [_holds(row.interval, effects[row.axis, row.level]) for row in seen.effects]
        pairs = [
            _holds(row.interval, world.interaction(*zip(row.axes, row.levels, strict=True)))
            for row in seen.interactions
        ]
        chosen = [row.variant for row in seen.contenders if row.among_best]
        for column, value in zip(found, (np.mean(main), np.mean(pairs), best in chosen, len(chosen)), strict=True):
            column.append(float(value))
    return found


def without_effects(world: World, draws: int) -> tuple[list[float], ...]:
    """For each draw: whether any effect is found, whether any interaction is, and the share of variants in the set."""
    found: tuple[list[float], ...] = ([], [], [])
    for draw in range(draws):
        seen = view(replace(world, size=0.0), np.random.default_rng(10_000 + draw))
        for column, rows in zip(found, (seen.effects, seen.interactions), strict=False):
            column.append(float(any((row.adjusted_p_value or 0.0) <= LEVEL for row in rows)))
        found[2].append(float(np.mean([row.among_best for row in seen.contenders])))
    return found


def _holds(interval: tuple[float | None, float | None] | None, truth: float) -> bool:
    assert interval is not None
    low, high = interval
    return (low is None or low <= truth) and (high is None or truth <= high)


def _share(draws: Sequence[float]) -> str:
    """A mean over draws in percent, with its Monte Carlo error."""
    return f"{100 * np.mean(draws):6.1f} ± {100 * np.std(draws, ddof=1) / math.sqrt(len(draws)):3.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    sys.stdout.write(f"{draws} draws a world; percent ± Monte Carlo error\n{'':30}")
    for title in ("effects", "interact.", "best in set", "(size)", "any effect", "any inter.", "tie in set"):
        sys.stdout.write(f"{title:>14}")
    for world in WORLDS:
        start = time.process_time()
        *shares, sizes = held(world, draws)
        null = without_effects(world, draws)
        name = f"{world.kind}, {world.cases} cases, {world.clusters} clusters"
        cells = [*map(_share, shares), f"{np.mean(sizes):.1f}", *map(_share, null)]
        sys.stdout.write(f"\n{name:36}{''.join(f'{cell:>14}' for cell in cells)}")
        sys.stdout.write(f"   {1000 * (time.process_time() - start) / draws / 2:.0f} ms a view")
        sys.stdout.flush()
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
