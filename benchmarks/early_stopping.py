"""What does reading after every case cost, and what does it save? Simulated through ``ConfidenceSequence``.

    python benchmarks/early_stopping.py [--draws 400]

First the errors: how often a run of 1000 cases is decided wrongly at some time when the truth lies on the line,
each with its Monte Carlo standard error. "Sequence" is a confidence sequence of 95 % alone; "with a last look" is
one of 97.5 % and, where it does not decide, the ordinary rule at 97.5 % on all cases (``split_confidence``).
Nominal: 2.5 % each; "ordinary" is what an ordinary 95 % interval would do if it were read after every case.
Then the cases saved where the truth lies a number of standard errors (those of all cases) from the line.
Seeded: the same command prints the same figures.
"""

from __future__ import annotations

import argparse
import bisect
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np  # noqa: TID253 - a script, not the package
from numpy.typing import NDArray  # noqa: TID253

from pytest_genaiops import Score
from pytest_genaiops.statistics.betting import ConfidenceSequence, split_confidence

Generator = np.random.Generator
Values = NDArray[np.float64]
Run = tuple[Values, Values | None]
"""Scores of the candidate and, in a paired comparison, of the baseline."""

CASES = 1000
Z = 1.959963984540054


@dataclass(frozen=True)
class Gate:
    """A rule with its lines: passed once the lower bound is over the one, failed once the upper is under the other."""

    passes: float
    fails: float

    def sequence(self, paired: bool, n: int, confidence: float) -> ConfidenceSequence:
        return ConfidenceSequence((-1.0, 1.0) if paired else (0.0, 1.0), horizon=n, confidence=confidence)

    def early(self, run: Run, planned: int, confidence: float) -> str:
        """Outcome of a reading after every case. Both bounds only tighten, so the last reading knows of all."""
        sequence = self.sequence(run[1] is not None, planned, confidence)
        sequence.observe(observed(run).tolist())
        low, high = sequence.bounds
        return "passed" if low > self.passes else "failed" if high < self.fails else "undecided"

    def at_the_end(self, run: Run, confidence: float) -> str:
        """Outcome of the library's own rule on all cases."""
        score = Score.of(run[0].tolist())
        if run[1] is None:
            return score.at_least(self.passes, confidence=confidence).outcome
        baseline = Score.of(run[1].tolist())
        return score.not_worse_than(baseline, max(0.0, -self.passes), confidence=confidence).outcome

    def cases_used(self, run: Run, confidence: float) -> int:
        """Cases after which the first reading decides, or all of them."""
        n = len(run[0])

        def decided(count: int) -> bool:
            part = (run[0][:count], None if run[1] is None else run[1][:count])
            return self.early(part, n, confidence) != "undecided"

        return min(n, 1 + bisect.bisect_left(range(1, n + 1), True, key=decided))


def observed(run: Run) -> Values:
    return run[0] if run[1] is None else run[0] - run[1]


def peeked(run: Run, gate: Gate) -> str:
    """Outcome of an ordinary interval (Wilson's for a share, else the normal one), read from the tenth case on."""
    x, n = observed(run), np.arange(1, len(run[0]) + 1)
    mean = np.cumsum(x) / n
    is_share = run[1] is None and np.isin(x, (0.0, 1.0)).all()
    variance = gate.passes * (1 - gate.passes) if is_share else np.cumsum(x * x) / n - mean * mean
    error = np.sqrt(np.maximum(variance, 0) / n)
    first = [np.flatnonzero(hit[9:]) for hit in (mean - Z * error > gate.passes, mean + Z * error < gate.fails)]
    passed, failed = (hits[0] if hits.size else CASES for hits in first)
    return "undecided" if passed == failed else "passed" if passed < failed else "failed"


def share(rate: float) -> Callable[[Generator, int], Run]:
    return lambda g, n: ((g.random(n) < rate).astype(float), None)


def beta(mean: float) -> Callable[[Generator, int], Run]:
    return lambda g, n: (g.beta(5 * mean, 5 * (1 - mean), n), None)


def yes_or_no(loss: float) -> Callable[[Generator, int], Run]:
    """A tenth of the pairs disagree; the candidate loses ``loss`` more of them than it gains."""

    def draw(g: Generator, n: int) -> Run:
        kinds = g.choice(4, size=n, p=[0.7, 0.05 - loss / 2, 0.05 + loss / 2, 0.2])
        return np.isin(kinds, [0, 1]).astype(float), np.isin(kinds, [0, 2]).astype(float)

    return draw


def graded(loss: float) -> Callable[[Generator, int], Run]:
    """Cases of their own difficulty, judged with noise on both sides: differences with a deviation of 0.2."""

    def draw(g: Generator, n: int) -> Run:
        difficulty, noise = 0.4 + 0.2 * g.random(n), 0.2 * math.sqrt(1.5)
        ours, theirs = (difficulty + g.uniform(-noise, noise, n) for _ in range(2))
        return ours - loss, theirs

    return draw


MARGIN = 0.05
ERRORS = [
    ("share 0.5, at_least(0.5)", share(0.5), Gate(0.5, 0.5)),
    ("share 0.9, at_least(0.9)", share(0.9), Gate(0.9, 0.9)),
    ("share 0.98, at_least(0.98)", share(0.98), Gate(0.98, 0.98)),
    ("Beta(4, 1), at_least(0.8)", beta(0.8), Gate(0.8, 0.8)),
    ("paired yes or no, unchanged", yes_or_no(0.0), Gate(math.inf, 0.0)),
    ("paired yes or no, lost the margin", yes_or_no(MARGIN), Gate(-MARGIN, -math.inf)),
    ("paired graded, unchanged", graded(0.0), Gate(math.inf, 0.0)),
    ("paired graded, lost the margin", graded(MARGIN), Gate(-MARGIN, -math.inf)),
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    show(f"{draws} draws; errors in %, reading after each of {CASES} cases, the truth on the line")
    show(f"  {'':<36}{'sequence':^20}{'with a last look':^20}{'ordinary':^20}")
    show(f"  {'':<36}" + 3 * f"{'passed':>9}{'failed':>9}  ")
    for name, draw, gate in ERRORS:
        errors(name, draw, gate, draws)
    show("cases used in %, reading after every case; at the end: share of all runs decided rightly, in %")
    show(f"  {'':<30}{'':>6}{'':>6}{'sequence':^18}{'with a last look':^18}{'once':>8}")
    show(f"  {'':<30}{'n':>6}{'SE':>6}" + 2 * f"{'used':>9}{'right':>9}" + f"{'right':>8}")
    for n in (200, CASES):
        for far in (2.8, 4.2, 5.0):
            for name, draw, gate, right in clear(n, far):
                savings(name, n, far, (draw, gate, right), max(1, draws // 10))


def errors(name: str, draw: Callable[[Generator, int], Run], gate: Gate, draws: int) -> None:
    generator = np.random.default_rng(1)
    counts: dict[str, list[str]] = {"sequence": [], "split": [], "ordinary": []}
    for _ in range(draws):
        run = draw(generator, CASES)
        counts["sequence"].append(gate.early(run, CASES, 0.95))
        counts["split"].append(with_last_look(gate, run))
        counts["ordinary"].append(peeked(run, gate))
    cells = []
    for outcomes in counts.values():
        for wrong, line in (("passed", gate.passes), ("failed", gate.fails)):
            cells.append(percent(outcomes.count(wrong), draws) if math.isfinite(line) else "")
        cells.append("")
    show(f"  {name:<36}" + "".join(f"{cell:>9}" if cell or i % 3 != 2 else "  " for i, cell in enumerate(cells)))


def with_last_look(gate: Gate, run: Run) -> str:
    confidence = split_confidence(0.95)
    early = gate.early(run, len(run[0]), confidence)
    if early != "undecided":
        return early
    last = gate.at_the_end(run, confidence)
    line = {"passed": gate.passes, "failed": gate.fails}.get(last, math.nan)
    return last if math.isfinite(line) else "undecided"


def clear(n: int, far: float) -> list[tuple[str, Callable[[Generator, int], Run], Gate, str]]:
    """Gates whose line lies ``far`` standard errors of n cases from a truth that is fine, or worse."""
    scenes = []
    for rate in (0.9, 0.98):
        line = rate - far * math.sqrt(rate * (1 - rate) / n)
        scenes.append((f"share {rate}, fine", share(rate), Gate(line, line), "passed"))
    loss = far * math.sqrt(0.1 / (n + far * far))
    margin = far * math.sqrt(0.1 / n)
    scenes.append(("paired yes or no, fine", yes_or_no(0.0), Gate(-margin, 0.0), "passed"))
    if loss <= 0.1:
        scenes.append(("paired yes or no, worse", yes_or_no(loss), Gate(-loss / 2, 0.0), "failed"))
    margin = far * 0.2 / math.sqrt(n)
    scenes.append(("paired graded, fine", graded(0.0), Gate(-margin, 0.0), "passed"))
    scenes.append(("paired graded, worse", graded(margin), Gate(-margin / 2, 0.0), "failed"))
    return scenes


Scene = tuple[Callable[[Generator, int], Run], Gate, str]


def savings(name: str, n: int, far: float, scene: Scene, draws: int) -> None:
    draw, gate, right = scene
    generator = np.random.default_rng(2)
    runs = [draw(generator, n) for _ in range(draws)]
    cells = []
    for confidence, outcome in (
        (0.95, lambda run: gate.early(run, n, 0.95)),
        (0.975, lambda r: with_last_look(gate, r)),
    ):
        used = [gate.cases_used(run, confidence) / n for run in runs]
        cells += [f"{100 * np.mean(used):.0f}", f"{100 * sum(outcome(run) == right for run in runs) / draws:.0f}"]
    once = sum(gate.at_the_end(run, 0.95) == right for run in runs)
    show(f"  {name:<30}{n:>6}{far:>6}" + "".join(f"{cell:>9}" for cell in cells) + f"{100 * once / draws:>8.0f}")


def percent(hits: int, draws: int) -> str:
    part = hits / draws
    return f"{100 * part:.1f}±{100 * math.sqrt(part * (1 - part) / draws):.1f}"


def show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
