"""Do four judge prompts agree with experts, and do rates corrected by 50 labels cover the true one?

    python benchmarks/calibration.py [--draws 1000] [--labels 50] [--only agreement corrected shuffled rogan]

Data: the ratings of a real judge beside those of experts, ``summeval_judge_ratings.jsonl`` in ``../shared/data`` (or
``GENAIOPS_PUBLIC_DATA``); 1200 summaries of 100 documents. The true rate is that of all experts' labels. A draw labels
50 cases at random, without replacement. Nominal: a 95 % interval covers in 95 % of draws. Seeded: the same command
prints the same figures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np  # noqa: TID253 - a script, not the package

from pytest_genaiops.calibration import Asked, Ratings, best_threshold, figures_of, halves
from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.ppi import Audited, powered_mean
from pytest_genaiops.statistics.raters import mean
from pytest_genaiops.statistics.rogan_gladen import Seen, true_rate

ROOT = Path(__file__).parents[1]
PROMPTS = ("rts", "altrts", "mcq", "stareval")
LINES = {"consistency": 5.0, "relevance": 4.0}
"""From which expert rating on a summary is accepted."""
COLUMNS = ("covers", "alone covers", "width", "alone", "to alone", "to lambda = 0", "lambda")
"""``alone``: the interval of ``Score.of(labels)``; ``lambda = 0``: that of the procedure itself without the judge."""
ASKED = Asked(confidence=0.95, seed=12345)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--labels", type=int, default=50)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    arguments = parser.parse_args()
    rows = public()
    for name in arguments.only:
        SECTIONS[name](rows, arguments.draws, arguments.labels)
        show()


def public() -> list[dict[str, object]]:
    folder = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
    file = folder / "summeval_judge_ratings.jsonl"
    if not file.is_file():
        sys.exit(f"no public data in {folder}; set GENAIOPS_PUBLIC_DATA to its folder")
    return [json.loads(line) for line in file.open(encoding="utf-8")]


def ratings_of(rows: Sequence[dict[str, object]], what: str, prompt: str) -> Ratings:
    """One prompt's ratings beside the experts'; rows whose reply could not be parsed are left out."""
    known = [row for row in rows if row[f"judge_{what}"][prompt] is not None]  # type: ignore[index]
    documents = [str(row["id"]) for row in known]
    return Ratings(
        values=[float(row[f"judge_{what}"][prompt]) for row in known],  # type: ignore[index]
        labels=[float(row[f"expert_{what}"]) for row in known],  # type: ignore[arg-type]
        accept=LINES[what],
        scale=(1, 5),
        clusters=documents,
        keys=documents,
    )


# -- agreement ---------------------------------------------------------------------------


def agreement(rows: Sequence[dict[str, object]], _: int, __: int) -> None:
    show("agreement with experts, 95 % intervals over documents; kappa at a threshold chosen on the other half")
    names = ("kappa", "quadratic_kappa", "sensitivity", "specificity", "auroc", "spearman", "kendall")
    for what, least in LINES.items():
        show(f"  {what}, accepted from {least:g} on")
        show(f"    {'':<10}{'passes':>8}" + "".join(f"{name:>21}" for name in names))
        for prompt in PROMPTS:
            whole = ratings_of(rows, what, prompt)
            chosen, tested = halves(whole, ASKED.seed)
            threshold = best_threshold(chosen)
            found = figures_of(whole, tested, threshold, ASKED)
            cells = [f"{f.value:.2f} ({f.interval[0]:.2f}, {f.interval[1]:.2f})" for f in map(found.__getitem__, names)]  # type: ignore[union-attr]
            show(f"    {prompt:<10}{f'>= {threshold:g}':>8}" + "".join(f"{cell:>21}" for cell in cells))


# -- corrected rates ---------------------------------------------------------------------


def corrected(rows: Sequence[dict[str, object]], draws: int, labels: int) -> None:
    show(f"PPI++ against {labels} labels alone: {draws} draws; coverage in %; Monte Carlo standard errors in brackets")
    head(COLUMNS)
    for what in LINES:
        for prompt in PROMPTS:
            whole = ratings_of(rows, what, prompt)
            accepted = [float(good) for good in whole.accepted]
            simulate(f"{what} {prompt}, rate", whole, accepted, (0.0, 1.0), (draws, labels))
        for prompt in PROMPTS:
            whole = ratings_of(rows, what, prompt)
            simulate(f"{what} {prompt}, mean", whole, list(whole.labels), (1.0, 5.0), (draws, labels))


def shuffled(rows: Sequence[dict[str, object]], draws: int, labels: int) -> None:
    show(f"the same judges, their ratings shuffled so that they tell nothing: {draws} draws")
    head(COLUMNS)
    generator = np.random.default_rng(7)
    for prompt in PROMPTS[:2]:
        whole = ratings_of(rows, "consistency", prompt)
        accepted = [float(good) for good in whole.accepted]
        shuffled = generator.permutation(np.asarray(whole.values)).tolist()
        simulate(f"{prompt}, rate", whole, accepted, (0.0, 1.0), (draws, labels), values=shuffled)


def simulate(
    name: str,
    whole: Ratings,
    people: Sequence[float],
    scale: tuple[float, float],
    plan: tuple[int, int],
    values: Sequence[float] | None = None,
) -> None:
    draws, count = plan
    judged, clusters = list(whole.values if values is None else values), list(whole.clusters or ())
    truth, generator = sum(people) / len(people), np.random.default_rng(1)
    rows = []
    for _ in range(draws):
        seen = generator.choice(len(people), count, replace=False)
        labels: list[float | None] = [None] * len(people)
        for row in seen:
            labels[row] = people[row]
        sample = Audited(predictions=judged, labels=labels, scale=scale, clusters=clusters)
        found, unaided = powered_mean(sample), powered_mean(sample, weight=0)
        alone = interval_of([people[row] for row in seen], [clusters[row] for row in seen], scale)
        widths = (width(found.interval), width(alone), width(unaided.interval))
        rows.append((inside(truth, found.interval), inside(truth, alone), *widths, found.weight))
    covers, alone_covers, ours, alone_width, unaided_width, weight = np.asarray(rows, dtype=float).T
    cells = [percent(covers), percent(alone_covers), f"{ours.mean():.4f}", f"{alone_width.mean():.4f}"]
    line(name, [*cells, ratio(ours, alone_width), ratio(ours, unaided_width), f"{weight.mean():.3f}"])


def width(bounds: tuple[float, float]) -> float:
    return bounds[1] - bounds[0]


def ratio(ours: Sequence[float], others: Sequence[float]) -> str:
    """Of the mean widths, with its Monte Carlo standard error (of a ratio of paired means)."""
    mine, theirs = np.asarray(ours), np.asarray(others)
    found = mine.mean() / theirs.mean()
    error = (mine - found * theirs).std(ddof=1) / math.sqrt(len(mine)) / theirs.mean()
    return f"{found:.3f} ({error:.3f})"


def interval_of(values: Sequence[float], clusters: Sequence[str], scale: tuple[float, float]) -> tuple[float, float]:
    return mean(values, scale=scale, clusters=clusters).interval


# -- Rogan and Gladen --------------------------------------------------------------------


def rogan(_: Sequence[dict[str, object]], draws: int, __: int) -> None:
    show(f"Rogan-Gladen, 1000 judged cases: coverage in % of {draws} draws, for the rate of column")
    rates = (0.0, 0.05, 0.5, 0.95, 1.0)
    head([f"rate {rate:g}" for rate in rates])
    generator = np.random.default_rng(3)
    for sensitivity, specificity in ((1.0, 1.0), (0.99, 0.9), (0.9, 0.9), (0.9, 0.5)):
        for good, bad in ((5, 5), (10, 40), (25, 25), (100, 100)):
            cells = [covered(generator, rate, (sensitivity, specificity), (good, bad), draws) for rate in rates]
            line(f"{sensitivity:g}, {specificity:g}; {good} and {bad} labels", cells)


def covered(
    generator: np.random.Generator, rate: float, shares: tuple[float, float], labels: tuple[int, int], draws: int
) -> str:
    found = []
    for _ in range(draws):
        right = [Seen(share=generator.binomial(n, p) / n, n=n) for n, p in zip(labels, shares, strict=True)]
        said = rate * shares[0] + (1 - rate) * (1 - shares[1])
        try:
            bounds = true_rate(Seen(share=generator.binomial(1000, said) / 1000, n=1000), *right).interval
        except MetricError:  # no better than chance: nothing is claimed
            continue
        found.append(inside(rate, bounds))
    return percent(np.asarray(found, dtype=float))


def inside(truth: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] - 1e-12 <= truth <= bounds[1] + 1e-12


def percent(found: Sequence[float]) -> str:
    share = float(np.mean(found))
    return f"{100 * share:.1f} ({100 * math.sqrt(share * (1 - share) / len(found)):.1f})"


def head(names: Sequence[str]) -> None:
    show(f"  {'':<28}" + "".join(f"{name:>16}" for name in names))


def line(name: str, cells: Sequence[str]) -> None:
    show(f"  {name:<28}" + "".join(f"{cell:>16}" for cell in cells))


def show(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


SECTIONS = {"agreement": agreement, "corrected": corrected, "shuffled": shuffled, "rogan": rogan}

if __name__ == "__main__":
    main()
