"""Do intervals and verdicts keep what they promise? Simulated through the public ``Score``.

    python benchmarks/error_rates.py [--draws 4000]

Prints the share of intervals that cover the truth (nominal 95 %) and the error rates of
``not_worse_than`` and ``better_than`` (nominal 2.5 %), each with its Monte Carlo standard error.
Seeded: the same command prints the same figures. The short versions stand in the tests.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator

import numpy as np  # noqa: TID253 - a script, not the package

from pytest_genaiops import Score

N = 50
MARGIN = 0.05
Generator = np.random.Generator


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=4000)
    draws = parser.parse_args().draws
    show(f"{draws} draws, n = {N} where nothing else is said")
    show("95 % intervals that cover the truth")
    for name, truth, draw in MEANS:
        generator = np.random.default_rng(1)
        report(name, sum(covers(Score.of(draw(generator)), truth) for _ in range(draws)), draws)
    for name, binary in (("30 clusters of 5, yes or no", True), ("30 clusters of 5, graded", False)):
        report(name, sum(covers(score, 2 / 3) for score in clustered(binary, draws)), draws)
    show(f"one-sided errors of the rules, margin {MARGIN}")
    for name, pair in (("graded", graded), ("yes or no, n = 100", yes_or_no)):
        same = [
            tuple(map(Score.of, pair(generator, 0.0))) for generator in [np.random.default_rng(4)] for _ in range(draws)
        ]
        worse = [tuple(map(Score.of, pair(g, MARGIN))) for g in [np.random.default_rng(5)] for _ in range(draws)]
        failed = sum(new.not_worse_than(old, MARGIN).outcome == "failed" for new, old in same)
        better = sum(bool(new.better_than(old)) for new, old in same)
        passed = sum(bool(new.not_worse_than(old, MARGIN)) for new, old in worse)
        report(f"{name}: unchanged system failed", failed, draws)
        report(f"{name}: unchanged system better", better, draws)
        report(f"{name}: loss of the margin passed", passed, draws)


MEANS: list[tuple[str, float, Callable[[Generator], list[float]]]] = [
    ("share 0.5", 0.5, lambda g: (g.random(N) < 0.5).astype(float).tolist()),
    ("share 0.9", 0.9, lambda g: (g.random(N) < 0.9).astype(float).tolist()),
    ("share 0.98", 0.98, lambda g: (g.random(N) < 0.98).astype(float).tolist()),
    ("mean of uniform values", 0.5, lambda g: g.random(N).tolist()),
    ("mean of skewed Beta(4, 1) values", 0.8, lambda g: g.beta(4, 1, N).tolist()),
]


def covers(score: Score, truth: float) -> bool:
    low, high = score.interval()
    return low <= truth <= high


def clustered(binary: bool, draws: int) -> Iterator[Score]:
    """Thirty documents of five sentences that share their document's level."""
    generator = np.random.default_rng(3)
    keys = [str(i // 5) for i in range(150)]
    for _ in range(draws):
        centers = np.repeat(generator.beta(4, 2, 30), 5)
        values = (generator.random(150) < centers) if binary else generator.beta(8 * centers, 8 * (1 - centers))
        yield Score.of(values.astype(float).tolist(), clusters=keys)


def graded(generator: Generator, loss: float) -> tuple[list[float], list[float]]:
    """Two runs over cases of their own difficulty, of which the first loses ``loss``."""
    difficulty = generator.random(N) * 0.5 + 0.25
    ours, theirs = (difficulty + generator.uniform(-0.15, 0.15, N) for _ in range(2))
    return (ours - loss).tolist(), theirs.tolist()


def yes_or_no(generator: Generator, loss: float) -> tuple[list[float], list[float]]:
    """Two runs that agree on most cases, with marginal shares that differ by ``loss``."""
    kinds = generator.choice(4, size=2 * N, p=[0.75, 0.05, 0.05 + loss, 0.15 - loss])
    return np.isin(kinds, [0, 1]).astype(float).tolist(), np.isin(kinds, [0, 2]).astype(float).tolist()


def report(name: str, hits: int, draws: int) -> None:
    share = hits / draws
    show(f"  {name:<44} {100 * share:5.1f} % +- {100 * math.sqrt(share * (1 - share) / draws):.2f}")


def show(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
