"""Resampling against scipy and sacrebleu: equal answers, and CPU time in pairs of runs.

    python benchmarks/resampling.py [--rounds N]

- a mean: the percentile interval from 10 000 resamples of 10 000 cases against ``scipy.stats.bootstrap``, as called
  (it then holds all draws at once) and with the batch it is fastest with (10, of 10 to 1000 that were tried);
- corpus scores: the paired bootstrap of three systems, 2000 sentences and 1000 resamples against sacrebleu's
  ``PairedTest``, both from the same statistics of sentences, so that no text is read while the clock runs; and the
  drawing and adding up alone, which is what the number of resamples multiplies beside the score itself.

Peak memory is that of a fresh process with one such run. Both need scipy, which the package itself does not.
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from pytest_genaiops.columns import Columns
from pytest_genaiops.metrics.translation import Bleu, Chrf
from pytest_genaiops.statistics import Sample
from pytest_genaiops.statistics.draws import choices
from pytest_genaiops.statistics.randomization import paired_bootstraps
from pytest_genaiops.statistics.resampling import Table, bootstrap, percentile
from pytest_genaiops.statistics.rows import Dense

CASES = RESAMPLES = 10_000
BATCH = 10
SENTENCES = 2000
write = sys.stdout.write


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", choices=sorted(PEAKS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        import scipy.stats  # noqa: F401
    except ImportError:
        parser.exit(2, "this benchmark compares with scipy, which is not installed: python -m pip install scipy\n")
    if options.peak:
        PEAKS[options.peak]()
        write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
        return 0
    write(f"{options.rounds} rounds; ratio of CPU times, minimum (median) maximum\n")
    wrong = means(options.rounds)
    for name, metric in (("BLEU", Bleu()), ("chrF", Chrf())):
        wrong += systems(name, metric, options.rounds)
    return 1 if wrong else 0


def means(rounds: int) -> int:
    """The interval of a mean, against scipy's: whether they disagree by more than their resamples explain."""
    # Before anything large is held here: a child's peak is at least what its parent weighed.
    memory = {side: peak(side) for side in PEAKS}
    write(f"a mean, {RESAMPLES} resamples of {CASES} cases; peak memory {memory['ours']}\n")
    wrong = 0
    for side, batch in (("scipy", None), ("scipy in batches", BATCH)):
        pairs = [(timed(our_mean), timed(lambda batch=batch: scipys_mean(batch))) for _ in range(rounds)]
        (_, ours), (_, theirs) = pairs[0]
        # Each bound has a Monte Carlo error of 1.3 % of the width of its interval.
        apart = max(abs(one - other) for one, other in zip(ours, theirs, strict=True)) / (theirs[1] - theirs[0])
        wrong += apart > 4 * math.sqrt(2) * 0.0068
        show(side, pairs, f"bounds differ by {apart:.1%} of the width; peak memory {memory[side]}")
    return wrong


def our_mean() -> tuple[float, float]:
    values = draws()
    sample = Sample(statistics=[(v,) for v in values], values=values, score=lambda total, n: total[0] / n, is_mean=True)
    scores = [score for (score,) in bootstrap([Table(sample, None)], resamples=RESAMPLES, seed=12345)]
    return percentile(scores, 0.95, (0, 1))


def scipys_mean(batch: int | None) -> tuple[float, float]:
    import numpy as np
    from scipy.stats import bootstrap as theirs

    found = theirs(
        (np.array(draws()),),
        np.mean,
        n_resamples=RESAMPLES,
        batch=batch,
        method="percentile",
        rng=np.random.default_rng(12345),  # without one it takes numpy's old generator, which is slower
    )
    return tuple(found.confidence_interval)


def draws() -> list[float]:
    draw = random.Random(1)
    return [draw.random() for _ in range(CASES)]


PEAKS: dict[str, Callable[[], object]] = {
    "ours": our_mean,
    "scipy": lambda: scipys_mean(None),
    "scipy in batches": lambda: scipys_mean(BATCH),
}


def peak(side: str) -> str:
    command = [sys.executable, __file__, "--peak", side]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout + " MB"


def systems(name: str, metric: Any, rounds: int) -> int:
    """Three systems against sacrebleu's paired bootstrap: how many of their numbers are unequal."""
    texts, references = corpus()
    engine = counted(metric.engine(), texts, references)
    samples = [
        Sample(statistics=rows, values=[0.0] * SENTENCES, score=metric.score, is_mean=False, scale=(0.0, 100.0))
        for rows in (Columns(map(tuple, engine._extract_corpus_statistics(text, None))) for _, text in texts)
    ]
    write(f"{name}, 3 systems, {SENTENCES} sentences, 1000 resamples\n")
    pairs = [
        (timed(lambda: paired_bootstraps(samples[1:], samples[0])), timed(lambda: sacrebleus(engine, texts)))
        for _ in range(rounds)
    ]
    (_, ours), (_, theirs) = pairs[0]
    base, *others = theirs
    sides = [(ours[0].baseline, None, base)] + [
        (mine.candidate, mine.p_value, other) for mine, other in zip(ours, others, strict=True)
    ]
    unequal = sum(
        (side.value, p_value) != (other.score, other.p_value)
        # sacrebleu's resamples are sums in single precision, and so is the score of each.
        or max(abs(side.mean - other.mean), abs(side.half_width - other.ci)) > 2e-6 * side.value
        for side, p_value, other in sides
    )
    show("sacrebleu", pairs, f"scores, p-values, means and intervals of 3 systems: {unequal} unequal")
    counted_rows = [engine._extract_corpus_statistics(text, None) for _, text in texts]
    return unequal + sums(counted_rows, rounds)


def sums(rows: Sequence[Any], rounds: int) -> int:
    """Drawing and adding up alone, from matrices that are at hand: how many sums are unequal."""
    import numpy as np

    single = [np.array(each, dtype="float32") for each in rows]  # as sacrebleu adds
    double = [Dense(np.array(each, dtype=np.float64)) for each in rows]
    pairs = [(timed(lambda: our_sums(double)), timed(lambda: sacrebleus_sums(single))) for _ in range(rounds)]
    (_, ours), (_, theirs) = pairs[0]
    mine = np.concatenate([np.concatenate(block, axis=1) for block in ours])
    apart = int(np.count_nonzero(~np.isclose(mine, np.concatenate(theirs, axis=1), rtol=1e-6)))
    show("resampling alone", pairs, f"sums of 3 x 1000 resamples, without their scores: {apart} unequal")
    return apart


def our_sums(systems: Sequence[Dense]) -> list[list[Any]]:
    """Sums of statistics, in blocks of resamples: draws are counted once for all systems."""
    return [[system.sums(counts) for system in systems] for counts in choices(SENTENCES, 1000, 12345)]


def sacrebleus_sums(systems: Sequence[Any]) -> list[Any]:
    """The same as the lines of sacrebleu's paired bootstrap make them before they score."""
    import numpy as np

    drawn = np.random.default_rng(12345).choice(SENTENCES, size=(1000, SENTENCES), replace=True)
    return [[picked.sum(0) for picked in system[drawn]] for system in systems]


def sacrebleus(engine: Any, texts: Sequence[tuple[str, list[str]]]) -> list[Any]:
    from sacrebleu.significance import PairedTest

    _, found = PairedTest(texts, {"it": engine}, None, test_type="bs", n_samples=1000)()
    return next(results for name, results in found.items() if name != "System")


def counted(engine: Any, texts: Sequence[tuple[str, list[str]]], references: list[list[str]]) -> Any:
    """The engine with the statistics of all texts at hand; nothing else is left to read."""
    known = {id(text): engine._extract_corpus_statistics(text, references) for _, text in texts}
    engine.num_refs = 1
    engine._extract_corpus_statistics = lambda text, _: known[id(text)]
    return engine


def corpus() -> tuple[list[tuple[str, list[str]]], list[list[str]]]:
    """Sentences of made-up words, and three systems that replace a fifth of them or a little more."""
    draw = random.Random(1)
    words = ["".join(draw.choice("aeioulnrst") for _ in range(draw.randint(2, 9))) for _ in range(800)]
    references = [" ".join(draw.choice(words) for _ in range(draw.randint(5, 35))) for _ in range(SENTENCES)]

    def worse(share: float) -> list[str]:
        return [" ".join(w if draw.random() > share else draw.choice(words) for w in r.split()) for r in references]

    return [(name, worse(share)) for name, share in (("base", 0.2), ("near", 0.202), ("far", 0.21))], [references]


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def show(against: str, pairs: Sequence[tuple[tuple[float, Any], tuple[float, Any]]], remark: str) -> None:
    ratios = [slow / fast for (fast, _), (slow, _) in pairs]
    ours, theirs = (statistics.median(pair[side][0] for pair in pairs) for side in (0, 1))
    spread = f"{min(ratios):5.1f} ({statistics.median(ratios):.1f}) {max(ratios):.1f}"
    write(f"  {against:18} {theirs:7.3f} s, ours {ours:6.3f} s, ratio {spread}; {remark}\n")


if __name__ == "__main__":
    sys.exit(main())
