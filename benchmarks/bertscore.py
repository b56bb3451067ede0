"""BERTScore of several variants against the package bert-score: the largest difference, and the ratio of times.

    python benchmarks/bertscore.py MODEL [--layer N] [--data DIR] [--pairs N] [--variants N] [--threads N]

MODEL is a folder with a model, or its name on the Hugging Face hub. Pairs: translations of WMT21 by the first systems
of the file, the same segments for each. Both sides score one variant after the other, in this process, with their own
defaults; models are loaded before the clock. CPU time, since others may use the machine; wall time beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pytest_genaiops.adapters.bert_score import BertScore
from pytest_genaiops.adapters.encoder import STORE
from pytest_genaiops.records import Case, Response

Pair = tuple[str, str]
Scores = list[tuple[float, float, float]]


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def variants(data: Path, pairs: int, systems: int) -> list[list[Pair]]:
    """(translation, reference) pairs of each of the first systems."""
    references = {row["id"]: row["references"][0] for row in rows(data / "wmt21_ted_ende_segments.jsonl")}
    by_system: dict[str, list[Pair]] = {}
    for row in rows(data / "wmt21_ted_ende_outputs.jsonl"):
        by_system.setdefault(row["system"], []).append((row["translation"], references[row["id"]]))
    return [found[:pairs] for found in list(by_system.values())[:systems]]


def ours(model: str, layer: int | None) -> Callable[[list[Pair]], Scores]:
    metric = BertScore(model=model, layer=layer)

    def score(work: list[Pair]) -> Scores:
        given = [(Response(text=text), Case(id=str(i), references=(ref,))) for i, (text, ref) in enumerate(work)]
        found = metric.batch(given)
        assert all(isinstance(one, tuple) for one in found), "a row has no score"
        return [one[:3] for one in found]

    return score


def theirs(model: str, layer: int | None) -> Callable[[list[Pair]], Scores]:
    from bert_score import BERTScorer

    scorer = BERTScorer(model_type=model, num_layers=layer)

    def score(work: list[Pair]) -> Scores:
        texts, references = map(list, zip(*work, strict=True))
        return list(zip(*(column.tolist() for column in scorer.score(texts, references)), strict=True))

    return score


def timed(score: Callable[[list[Pair]], Scores], work: list[list[Pair]]) -> tuple[list[Scores], float, float]:
    wall, spent = time.perf_counter(), time.process_time()
    found = [score(pairs) for pairs in work]
    return found, time.process_time() - spent, time.perf_counter() - wall


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("GENAIOPS_PUBLIC_DATA", Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("model")
    parser.add_argument("--layer", type=int)
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--variants", type=int, default=3)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    mine, other = ours(options.model, options.layer), theirs(options.model, options.layer)
    for score in (mine, other):
        score([("import it all", "before the clock")])
    work = variants(options.data, options.pairs, options.variants)
    found, fast, fast_wall = timed(mine, work)
    expected, slow, slow_wall = timed(other, work)
    far = max(
        abs(a - b)
        for left, right in zip(found, expected, strict=True)
        for one, two in zip(left, right, strict=True)
        for a, b in zip(one, two, strict=True)
    )
    distinct = len({text for pairs in work for pair in pairs for text in pair})
    write = sys.stdout.write
    write(
        f"{len(work)} variants x {len(work[0])} pairs, {distinct} distinct texts, held: {STORE.size / 2**20:.0f} MiB\n"
    )
    write(f"{'':12} {'CPU s':>8} {'wall s':>8}\n")
    write(f"{'ours':12} {fast:8.1f} {fast_wall:8.1f}\n{'bert-score':12} {slow:8.1f} {slow_wall:8.1f}\n")
    write(f"{'ratio':12} {slow / fast:8.2f} {slow_wall / fast_wall:8.2f}\nlargest difference {far:.1e}\n")
    return 1 if far > 1e-6 else 0


if __name__ == "__main__":
    sys.exit(main())
