"""How often the statements of a factorial are true, on synthetic targets whose effects are known.

    python benchmarks/factorial_effects.py [--draws 400]

- Twelve variants on three axes, one of which interacts with another (``tests/unit/factorial/synthetic.py``). Cases lie
  in clusters of unequal size that share how hard they are and what each level does to them. Per world: how often
  intervals of main effects and of interactions hold the true ones. Then the same without any effect: how often any
  effect, or any interaction, is found (Holm, nominal 5 %).
- The best set of the same worlds, and of 48 variants of which 40 are clearly bad: how often it holds the best variant,
  how many variants it has, beside as many as the least favourable case would leave; and how often a variant that ties
  with all others for the best is in the set.
- A suite with nine numbers of 48 variants, five of them nearly one: how often any effect is found where there is none,
  on a number and on all nine together, and how often one that there is, with Holm over each number and over all nine.
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
from pytest_genaiops.factorial.design import Design, axes_of
from pytest_genaiops.factorial.effects import Panels
from pytest_genaiops.factorial.numbers import Number
from pytest_genaiops.report.document import FactorialView
from pytest_genaiops.score import Score
from pytest_genaiops.statistics.best import none_better
from pytest_genaiops.statistics.bounds import FEW
from pytest_genaiops.statistics.contrasts import Means, Panel
from pytest_genaiops.statistics.multiplicity import holm
from tests.unit.factorial.synthetic import ALIKE, LARGE, NINE, Suite, World, crowd, matrix, scale_of, scores

LEVEL = 0.05
DRAWS = 2000
"""Of the law of leads in the least favourable case."""
AXES = matrix()
WORLDS = [
    World(kind=kind, cases=cases, clusters=clusters)
    for kind in ("value", "yes or no", "ratio")
    for cases, clusters in ((60, 20), (120, 120))
]


def view(found: dict[str, Score]) -> FactorialView:
    return factorial({name: {"quality": score} for name, score in found.items()}, AXES)


def panel(found: dict[str, Score]) -> Panel:
    number = Number("quality", found)
    over = Panels(number).over(number.common(number.everyone()))
    assert not isinstance(over, str)
    return over


def least_favourable(found: Panel) -> np.ndarray:
    """The best set with the critical value of variants that all tie."""
    generator = np.random.default_rng(1)
    law = generator.multivariate_normal(np.zeros(len(found.values)), found.covariance(), DRAWS, method="eigh")
    law /= np.sqrt(generator.chisquare(found.freedom, (DRAWS, 1)) / found.freedom)
    apart, chosen = found.differing() >= FEW, []
    for item, value in enumerate(found.values):
        errors = found.errors_beside(item)
        others = (errors > 0) & apart[item]
        leads = ((found.values - value)[others] / errors[others]).max(initial=0.0)
        drawn = ((law - law[:, [item]])[:, others] / errors[others]).max(axis=1, initial=0.0)
        chosen.append(leads <= 0 or (1 + (drawn >= leads).sum()) / (DRAWS + 1) > LEVEL)
    return np.array(chosen)


def held(world: World, draws: int) -> tuple[list[float], ...]:
    """For each draw: shares of intervals that hold the truth; whether the best is in the set, its size, the old one."""
    truths, best = world.effects(), max(AXES, key=lambda name: world.mean(AXES[name]))
    found: tuple[list[float], ...] = ([], [], [], [], [])
    for draw in range(draws):
        drawn = scores(world, np.random.default_rng(draw), AXES)
        seen = view(drawn)
        main = [_holds(row.interval, truths[row.axis, row.level]) for row in seen.effects]
        pairs = [
            _holds(row.interval, world.interaction(*zip(row.axes, row.levels, strict=True)))
            for row in seen.interactions
        ]
        chosen = [row.variant for row in seen.contenders if row.among_best]
        row = np.mean(main), np.mean(pairs), best in chosen, len(chosen), least_favourable(panel(drawn)).sum()
        for column, value in zip(found, row, strict=True):
            column.append(float(value))
    return found


def without_effects(world: World, draws: int) -> tuple[list[float], ...]:
    """For each draw: whether any effect is found, whether any interaction is, and the share of variants in the set."""
    found: tuple[list[float], ...] = ([], [], [])
    for draw in range(draws):
        seen = view(scores(replace(world, size=0.0), np.random.default_rng(10_000 + draw), AXES))
        for column, rows in zip(found, (seen.effects, seen.interactions), strict=False):
            column.append(float(any((row.adjusted_p_value or 0.0) <= LEVEL for row in rows)))
        found[2].append(float(np.mean([row.among_best for row in seen.contenders])))
    return found


def crowded(draws: int) -> tuple[list[float], ...]:
    """The best set among 40 that are clearly bad and 7 that are close: with the best, its size, the old one."""
    found: tuple[list[float], ...] = ([], [], [])
    for draw in range(draws):
        over = Means(crowd(np.random.default_rng(draw)))
        chosen = np.array(none_better(over, higher_is_better=True)) > LEVEL
        for column, value in zip(found, (chosen[0], chosen.sum(), least_favourable(over).sum()), strict=True):
            column.append(float(value))
    return found


def suite(helps: float, draws: int) -> dict[str, dict[str, list[float]]]:
    """Family of Holm -> what is asked -> for each draw whether it is so, of a suite of nine numbers."""
    axes = list(matrix(LARGE).values())
    terms = Design(axes_of(axes), axes).main_effects()
    weights = np.array([term.weights for term in terms])
    planted = np.array([[helps > 0 and name in ALIKE and term.level == "hybrid" for term in terms] for name in NINE])
    found: dict[str, dict[str, list[float]]] = {}
    for draw in range(draws):
        drawn = Suite(helps=helps).values(np.random.default_rng(20_000 + draw))
        p_values = [
            Means(own, scale=scale_of(name)).estimates(weights).p_values.tolist() for name, own in drawn.items()
        ]
        families = {
            "each number": np.array([holm(row) for row in p_values]) <= LEVEL,
            "all nine": np.reshape(holm([p for row in p_values for p in row]), planted.shape) <= LEVEL,
        }
        for family, sure in families.items():
            false = (sure & ~planted).any(axis=1)
            told = {
                "on a number": false.mean(), "on recall": false[0], "on latency": false[7], "on any": false.any(),
                "the true one": (sure & planted)[0].any(),
            }  # fmt: skip
            for what, value in told.items():
                found.setdefault(family, {}).setdefault(what, []).append(float(value))
    return found


def _holds(interval: tuple[float | None, float | None] | None, truth: float) -> bool:
    assert interval is not None
    low, high = interval
    return (low is None or low <= truth) and (high is None or truth <= high)


def _share(draws: Sequence[float]) -> str:
    """A mean over draws in percent, with its Monte Carlo error."""
    return f"{100 * np.mean(draws):6.1f} ± {100 * np.std(draws, ddof=1) / math.sqrt(len(draws)):3.1f}"


def _line(name: str, cells: Sequence[str], start: float) -> None:
    sys.stdout.write(f"\n{name:36}{''.join(f'{cell:>14}' for cell in cells)}   {time.process_time() - start:.0f} s")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    sys.stdout.write(f"{draws} draws a world; percent ± Monte Carlo error")
    titles = "effects", "interact.", "any effect", "any inter.", "best in set", "(size)", "(of old)", "tie in set"
    _line("", titles, time.process_time())
    for world in WORLDS:
        start = time.process_time()
        main_effects, pairs, best, sizes, old = held(world, draws)
        null = list(map(_share, without_effects(world, draws)))
        cells = [_share(main_effects), _share(pairs), *null[:2], _share(best)]
        name = f"{world.kind}, {world.cases} cases, {world.clusters} clusters"
        _line(name, [*cells, f"{np.mean(sizes):.1f}", f"{np.mean(old):.1f}", null[2]], start)
    start = time.process_time()
    best, sizes, old = crowded(draws)
    cells = [*[""] * 4, _share(best), f"{np.mean(sizes):.1f}", f"{np.mean(old):.1f}"]
    _line("48 variants, 40 of them clearly bad", cells, start)
    for helps in (0.0, 0.06):
        start = time.process_time()
        found = suite(helps, draws)
        sys.stdout.write(f"\n\nnine numbers of 48 variants; hybrid search adds {helps} to five")
        _line("false ones with Holm over", list(found["all nine"]), start)
        for family, told in found.items():
            _line(family, list(map(_share, told.values())), start)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
