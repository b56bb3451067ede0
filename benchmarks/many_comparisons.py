"""How often equal systems are told apart, when every pair of 13 is compared and adjusted by Holm.

    python benchmarks/many_comparisons.py [--draws 1000]

Two p-values of a corpus score from the same 2000 resamples: Student t over the bootstrap's standard error, as
``statistics/pairwise.py`` has it, and the share of resamples as far from the observed difference as that is from 0.
Cases differ in length and difficulty, as segments do; no system is better than another.
"""

# ruff: noqa: TID253 - the rule is for the package; this script computes at once

from __future__ import annotations

import argparse
import math
import sys
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from pytest_genaiops.statistics.multiplicity import holm
from pytest_genaiops.statistics.quantiles import t_two_sided

SYSTEMS = 13
RESAMPLES = 2000
LEVEL = 0.05
FIRST, SECOND = np.array(list(combinations(range(SYSTEMS), 2))).T


def p_values(cases: int, shape: tuple[float, float], generator: np.random.Generator) -> tuple[list[float], list[float]]:
    """(t, share of resamples) for every pair of one draw."""
    lengths = generator.integers(5, 40, cases)
    easy = np.clip(generator.beta(*shape, cases) + generator.normal(0, 0.15, (SYSTEMS, cases)), 0, 1)
    matches = generator.binomial(lengths, easy)
    drawn = generator.integers(0, cases, (RESAMPLES, cases))
    drawn += np.arange(RESAMPLES)[:, None] * cases
    counts = np.bincount(drawn.ravel(), minlength=RESAMPLES * cases).reshape(RESAMPLES, cases).astype(float)
    scores = (counts @ matches.T) / (counts @ lengths)[:, None]
    value = matches.sum(axis=1) / lengths.sum()
    changes, change = scores[:, FIRST] - scores[:, SECOND], value[FIRST] - value[SECOND]
    errors = changes.std(axis=0, ddof=1) * math.sqrt(cases / (cases - 1))
    far = (np.abs(changes - change) >= np.abs(change)).sum(axis=0)
    student = [t_two_sided(ratio, cases - 1) for ratio in (change / errors).tolist()]
    return student, ((far + 1) / (RESAMPLES + 1)).tolist()


def rates(cases: int, shape: tuple[float, float], draws: int) -> str:
    """A line: any of the 78 pairs told apart, and single pairs told apart without adjustment, by either p-value."""
    generator = np.random.default_rng(cases)
    any_pair, single = np.zeros(2), np.zeros(2)
    for _ in range(draws):
        for place, found in enumerate(p_values(cases, shape, generator)):
            any_pair[place] += min(holm(found)) <= LEVEL
            single[place] += np.mean(np.array(found) <= LEVEL)
    error = math.sqrt(LEVEL * (1 - LEVEL) / draws)
    cells = [f"{100 * rate:5.1f} %" for rate in (*(any_pair / draws), *(single / draws))]
    return "  ".join([*cells, f"(of any pair +- {100 * error:.1f})"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    sys.stdout.write(f"{draws} draws; nominal 5 %\n{'':24}any of 78 pairs     a single pair\n")
    sys.stdout.write(f"{'':24}t        resamples  t        resamples\n")
    for cases, name, shape in (
        (20, "n = 20", (2, 2)), (50, "n = 50", (2, 2)), (50, "n = 50, skewed", (0.3, 0.6)), (200, "n = 200", (2, 2)),
    ):  # fmt: skip
        sys.stdout.write(f"  {name:20}{rates(cases, shape, draws)}\n")


if __name__ == "__main__":
    main()
