"""Do intervals and verdicts keep what they promise?

    python benchmarks/error_rates.py [--draws 4000] [--only shares means clusters corpus rules planned candidates]

Nominal: a 95 % interval covers the truth in 95 % of samples and each of its bounds, which is what decides a gate, in
97.5 %. Shares and paired shares are enumerated exactly; everything else is simulated, with its Monte Carlo standard
error. Seeded: the same command prints the same figures. The short versions stand in the tests.
"""

from __future__ import annotations

import argparse
import math
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

import numpy as np  # noqa: TID253 - a script, not the package

from pytest_genaiops.columns import Columns
from pytest_genaiops.statistics import Sample, difference, required_n, summarize
from pytest_genaiops.statistics.bca import acceleration, bca
from pytest_genaiops.statistics.intervals import clopper_pearson
from pytest_genaiops.statistics.quantiles import t_quantile
from pytest_genaiops.statistics.resampling import Table, bootstrap
from pytest_genaiops.statistics.tango import tango

SIZES = (20, 50, 200, 1000)
SHARES = (0.5, 0.9, 0.98)
MARGIN = 0.05
Generator = np.random.Generator
Interval = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    arguments = parser.parse_args()
    show(f"{arguments.draws} draws; percentages; Monte Carlo standard error in brackets")
    for name in arguments.only:
        show()
        SECTIONS[name](arguments.draws)


# -- one score ---------------------------------------------------------------------------


def shares(_: int) -> None:
    """Exact: every possible count with its binomial probability."""
    show("shares, exact: lower bound / upper bound / both cover the truth")
    show(f"  {'':<34}" + "".join(f"{f'n = {n}':>22}" for n in SIZES))
    for truth in SHARES:
        cells = [exact_cells(n, truth) for n in SIZES]
        show(f"  {f'share {truth}':<34}" + "".join(f"{cell:>22}" for cell in cells))
    worst = [min(exact_coverage(n, truth)[0] for truth in np.linspace(0.005, 0.995, 199)) for n in SIZES]
    show(f"  {'worst lower bound, any share':<34}" + "".join(f"{100 * each:>22.1f}" for each in worst))


def exact_cells(n: int, truth: float) -> str:
    return " / ".join(f"{100 * each:.1f}" for each in exact_coverage(n, truth))


def exact_coverage(n: int, truth: float) -> tuple[float, float, float]:
    low = high = both = 0.0
    for count, weight in enumerate(binomial(n, truth)):
        if weight < 1e-12:
            continue
        lower, upper = clopper_pearson(count / n, n, 0.95)
        low += weight * (lower <= truth)
        high += weight * (upper >= truth)
        both += weight * (lower <= truth <= upper)
    return low, high, both


def binomial(n: int, p: float) -> list[float]:
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    return [math.exp(logs[k] + k * math.log(p) + (n - k) * math.log1p(-p)) for k in range(n + 1)]


def lumps(share: float) -> Callable[[Generator, int], np.ndarray]:
    """A share of the cases scores 1, the others anything: what judges give good systems."""
    return lambda g, n: np.where(g.random(n) < share, 1.0, g.random(n))


Population = tuple[str, float, Interval, Callable[[Generator, int], np.ndarray]]
MEANS: list[Population] = [
    ("uniform", 0.5, (0, 1), lambda g, n: g.random(n)),
    ("skewed, Beta(4, 1)", 0.8, (0, 1), lambda g, n: g.beta(4, 1, n)),
    ("skewed, Beta(9, 1)", 0.9, (0, 1), lambda g, n: g.beta(9, 1, n)),
    ("half 1, the rest uniform", 0.75, (0, 1), lumps(0.5)),
    ("nine in ten 1, the rest uniform", 0.95, (0, 1), lumps(0.9)),
    ("change, one case in ten loses 0.5", -0.05, (-1, 1), lambda g, n: np.where(g.random(n) < 0.1, -0.5, 0.0)),
    ("seconds, exponential", 1.0, (0, math.inf), lambda g, n: g.exponential(1, n)),
    ("seconds, log-normal, sigma 0.5", math.exp(0.125), (0, math.inf), lambda g, n: g.lognormal(0, 0.5, n)),
    ("seconds, log-normal, sigma 1", math.exp(0.5), (0, math.inf), lambda g, n: g.lognormal(0, 1, n)),
]


def means(draws: int) -> None:
    show("means: lower bound / upper bound / both cover the truth")
    show(f"  {'':<34}" + "".join(f"{f'n = {n}':>30}" for n in SIZES))
    for name, truth, scale, draw in MEANS:
        cells = []
        for n in SIZES:
            generator = np.random.default_rng([n, 1])
            cells.append(covered((interval(draw(generator, n), scale) for _ in range(draws)), truth, draws))
        show(f"  {name:<34}" + "".join(f"{cell:>30}" for cell in cells))


def interval(values: Iterable[float], scale: Interval, clusters: Sequence[str] | None = None) -> Interval:
    return summarize(mean_sample(values, scale, clusters)).interval


def mean_sample(values: Iterable[float], scale: Interval = (0, 1), clusters: Sequence[str] | None = None) -> Sample:
    numbers = [float(value) for value in values]
    return Sample(
        statistics=[(value,) for value in numbers],
        values=numbers,
        score=lambda total, n: float(total[0]) / n,
        is_mean=True,
        scale=scale,
        clusters=clusters,
    )


def clusters(draws: int) -> None:
    """Documents of five sentences that share their document's level."""
    show("clusters of 5: lower bound / upper bound / both cover the truth")
    show(f"  {'':<34}" + "".join(f"{f'n = {n}':>30}" for n in SIZES))
    for name, truth, draw in CLUSTERED:
        cells = []
        for n in SIZES:
            generator, keys = np.random.default_rng([n, 3]), [str(i // 5) for i in range(n)]
            found = (interval(draw(generator, n), (0, 1), keys) for _ in range(draws))
            cells.append(covered(found, truth, draws))
        show(f"  {name:<34}" + "".join(f"{cell:>30}" for cell in cells))


def clustered(a: float, b: float, *, binary: bool) -> Callable[[Generator, int], np.ndarray]:
    def draw(g: Generator, n: int) -> np.ndarray:
        centers = np.repeat(np.clip(g.beta(a, b, n // 5), 1e-6, 1 - 1e-6), 5)
        return (g.random(n) < centers).astype(float) if binary else g.beta(8 * centers, 8 * (1 - centers))

    return draw


CLUSTERED = [
    ("yes or no, share 0.5", 0.5, clustered(2, 2, binary=True)),
    ("yes or no, share 0.9", 0.9, clustered(4.5, 0.5, binary=True)),
    ("yes or no, share 0.98", 0.98, clustered(9.8, 0.2, binary=True)),
    ("graded, mean 2/3", 2 / 3, clustered(4, 2, binary=False)),
    ("graded, mean 0.9", 0.9, clustered(9, 1, binary=False)),
]


def corpus(draws: int) -> None:
    """Scores of summed statistics, by the bootstrap."""
    draws = min(draws, 1000)
    show(f"corpus scores, {draws} draws: lower bound / upper bound / both cover the truth")
    sizes = (20, 50, 200)
    show(f"  {'':<34}" + "".join(f"{f'n = {n}':>30}" for n in sizes))
    for name, truth, score, draw in CORPUS:
        cells = []
        for n in sizes:
            generator = np.random.default_rng([n, 5])
            found = (summarize(corpus_sample(draw(generator, n), score)).interval for _ in range(draws))
            cells.append(covered(found, truth, draws))
        show(f"  {name:<34}" + "".join(f"{cell:>30}" for cell in cells))


def corpus_sample(rows: np.ndarray, score: Callable[[Sequence[float], int], float]) -> Sample:
    listed = [tuple(row) for row in rows.tolist()]
    return Sample(statistics=Columns(listed), values=[0.0] * len(listed), score=score, is_mean=False)


def matched(g: Generator, n: int) -> np.ndarray:
    lengths = g.integers(5, 30, n)
    return np.stack([g.binomial(lengths, g.beta(4, 1, n)), lengths], axis=1)


def retrieved(g: Generator, n: int) -> np.ndarray:
    """True positives, misses and false alarms where one case in five is positive; recall 0.8."""
    positive = g.random(n) < 0.2
    called = np.where(positive, g.random(n) < 0.8, g.random(n) < 0.08)
    return np.stack([positive & called, positive & ~called, ~positive & called], axis=1).astype(int)


def f1(total: Sequence[float], _: int) -> float:
    found = 2 * total[0] + total[1] + total[2]
    return 2 * total[0] / found if found else 0.0


CORPUS: list[tuple[str, float, Callable[[Sequence[float], int], float], Callable[[Generator, int], np.ndarray]]] = [
    ("matched words over words", 0.8, lambda total, n: total[0] / total[1], matched),
    ("F1, one case in five positive", 0.32 / (0.32 + 0.04 + 0.064), f1, retrieved),
]


# -- two scores ---------------------------------------------------------------------------


def rules(draws: int) -> None:
    show("errors of not_worse_than (nominal 2.5): unchanged system failed / loss of the margin passed")
    show(f"  {'':<44}" + "".join(f"{f'n = {n}':>22}" for n in SIZES))
    for shared in (0.02, 0.1, 0.3):
        cells = [paired_shares(n, shared) for n in SIZES]
        show(f"  {f'yes or no, exact, {shared:.0%} of cases change':<44}" + "".join(f"{cell:>22}" for cell in cells))
    for name, pair in PAIRS:
        cells = []
        for n in SIZES:
            unchanged, worse = np.random.default_rng([n, 7]), np.random.default_rng([n, 8])
            failed = sum(changed(pair(unchanged, n, 0.0))[1] < 0 for _ in range(draws))
            passed = sum(changed(pair(worse, n, MARGIN))[0] > -MARGIN for _ in range(draws))
            cells.append(f"{rate(failed, draws)} / {rate(passed, draws)}")
        show(f"  {name:<44}" + "".join(f"{cell:>22}" for cell in cells))


def paired_shares(n: int, shared: float) -> str:
    """Exact, over all tables of discordant pairs; a loss of the margin needs that many cases to change."""
    failed = sum(weight for (low, high), weight in tables(n, shared / 2, shared / 2) if high < 0)
    if shared < MARGIN:
        return f"{100 * failed:.2f} / -"
    gains, losses = (shared - MARGIN) / 2, (shared + MARGIN) / 2
    passed = sum(weight for (low, high), weight in tables(n, gains, losses) if low > -MARGIN)
    return f"{100 * failed:.2f} / {100 * passed:.2f}"


def tables(n: int, gain: float, loss: float) -> Iterable[tuple[Interval, float]]:
    """Tango's interval of every table that is not all but impossible, with its multinomial probability."""
    rest = 1 - gain - loss
    for discordant, weight in enumerate(binomial(n, 1 - rest)):
        if weight < 1e-9:
            continue
        for gained, part in enumerate(binomial(discordant, gain / (gain + loss)) if discordant else [1.0]):
            if weight * part > 1e-9:
                yield tango(gained, discordant - gained, n, 0.95), weight * part


def changed(pair: tuple[Sample, Sample]) -> Interval:
    return difference(*pair).interval


def graded(g: Generator, n: int, loss: float) -> tuple[Sample, Sample]:
    """Two runs over cases of their own difficulty, of which the first loses ``loss``."""
    difficulty = g.random(n) * 0.5 + 0.25
    ours, theirs = (difficulty + g.uniform(-0.15, 0.15, n) for _ in range(2))
    return mean_sample(ours - loss), mean_sample(theirs)


def broken(g: Generator, n: int, loss: float) -> tuple[Sample, Sample]:
    """Most answers stay as they were; of some the score moves a little, and a few break altogether."""
    theirs = g.uniform(0.6, 1.0, n)
    moved = np.where(g.random(n) < 0.3, g.uniform(-0.1, 0.1, n), 0.0)
    ours = np.clip(theirs + moved, 0.5, 1.0)
    lost = g.random(n) < loss / 0.5
    bias = (np.clip(theirs + moved, 0.5, 1.0) - theirs - moved).mean()
    return mean_sample(np.clip(ours - bias - 0.5 * lost, 0, 1)), mean_sample(theirs)


def in_documents(g: Generator, n: int, loss: float) -> tuple[Sample, Sample]:
    """Changes that sentences of one document share."""
    keys = [str(i // 5) for i in range(n)]
    theirs = np.repeat(g.uniform(0.4, 0.8, n // 5), 5) + g.uniform(-0.1, 0.1, n)
    change = np.repeat(g.normal(0, 0.05, n // 5), 5) + g.uniform(-0.05, 0.05, n) - loss
    return mean_sample(np.clip(theirs + change, 0, 1), clusters=keys), mean_sample(theirs, clusters=keys)


PAIRS = [
    ("graded", graded),
    ("graded, most cases equal, a few broken", broken),
    ("graded, clusters of 5", in_documents),
]


def planned(draws: int) -> None:
    """The number of cases that a pilot promises, and what happens there."""
    show(f"at the promised number of cases (80 % power for a margin of {MARGIN}), with the deviation known")
    deviation = math.sqrt(2 * 0.3**2 / 12)
    n = required_n(deviation / math.sqrt(50), 50, MARGIN, 0.95)
    assert n is not None
    generator = np.random.default_rng(9)
    same = sum(changed(graded(generator, n, 0.0))[0] > -MARGIN for _ in range(draws))
    worse = sum(changed(graded(generator, n, 2 * MARGIN))[0] <= -MARGIN for _ in range(draws))
    show(f"  graded, n = {n}: an unchanged system passes {rate(same, draws)}")
    show(f"  graded, n = {n}: a drop of twice the margin does not pass {rate(worse, draws)}")
    gain = loss = 0.05
    size = bisect_left(range(2000), 0.8, key=lambda n: power_of_shares(n, gain, loss) if n >= 20 else 0.0)
    stopped = 1 - sum(w for (low, _), w in tables(size, 0.05, 0.15) if low > -MARGIN)
    show(f"  yes or no, 10 % change, n = {size}: exactly {100 * power_of_shares(size, gain, loss):.1f} pass unchanged,")
    show(f"    and after a drop of twice the margin {100 * stopped:.1f} do not pass")


def power_of_shares(n: int, gain: float, loss: float) -> float:
    return sum(weight for (low, _), weight in tables(n, gain, loss) if low > -MARGIN)


# -- what was not chosen ---------------------------------------------------------------------


def candidates(draws: int) -> None:
    """Other methods where the chosen ones were needed."""
    draws = min(draws, 1000)
    show(f"what was not chosen, {draws} draws: lower bound / upper bound / both cover the truth")
    for name, truth, scale, draw in MEANS[1:5]:
        for n in (20, 50):
            cells = []
            for method in (student, bca_of_mean):
                generator = np.random.default_rng([n, 11])
                found = (method(draw(generator, n).tolist(), scale) for _ in range(draws))
                cells.append(covered(found, truth, draws))
            show(f"  {f'{name}, n = {n}':<44}t {cells[0]:>26}   BCa {cells[1]:>26}")
    show("  shares, exact, Wilson's interval")
    for n in (20, 50, 200):
        cells = [" / ".join(f"{100 * each:.1f}" for each in wilson_coverage(n, truth)) for truth in SHARES]
        show(f"    {f'n = {n}':<12}" + "".join(f"share {t}: {cell:<22}" for t, cell in zip(SHARES, cells, strict=True)))


def student(values: Sequence[float], _: Interval) -> Interval:
    n, mean = len(values), math.fsum(values) / len(values)
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    half = t_quantile(0.975, n - 1) * error
    return mean - half, mean + half


def bca_of_mean(values: Sequence[float], scale: Interval) -> Interval:
    sample = Sample(
        statistics=[(value,) for value in values],
        values=values,
        score=lambda total, n: float(total[0]) / n,
        is_mean=False,
        scale=scale,
    )
    table = Table(sample, None)
    scores = [score for (score,) in bootstrap([table], resamples=2000, seed=12345)]
    return bca(scores, table.value(), acceleration([table]), 0.95, scale)


def wilson_coverage(n: int, truth: float) -> tuple[float, float, float]:
    low = high = both = 0.0
    z2 = 1.959963984540054**2
    for count, weight in enumerate(binomial(n, truth)):
        share = count / n
        center = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
        low += weight * (center - half <= truth)
        high += weight * (center + half >= truth)
        both += weight * (center - half <= truth <= center + half)
    return low, high, both


# -- words -----------------------------------------------------------------------------------


def covered(found: Iterable[Interval], truth: float, draws: int) -> str:
    lows = highs = both = 0
    for low, high in found:
        lows += low <= truth + 1e-12
        highs += high >= truth - 1e-12
        both += low <= truth + 1e-12 and high >= truth - 1e-12
    return f"{100 * lows / draws:.1f} / {100 * highs / draws:.1f} / {rate(both, draws)}"


def rate(hits: int, draws: int) -> str:
    share = hits / draws
    return f"{100 * share:.1f} ({100 * math.sqrt(share * (1 - share) / draws):.1f})"


def show(line: str = "") -> None:
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


SECTIONS: dict[str, Callable[[int], None]] = {
    "shares": shares,
    "means": means,
    "clusters": clusters,
    "corpus": corpus,
    "rules": rules,
    "planned": planned,
    "candidates": candidates,
}


if __name__ == "__main__":
    main()
