"""Corpus BLEU, chrF and chrF++ against sacrebleu on 13 real systems: equality, and CPU time where three tests ask.

    python benchmarks/corpus_metrics.py [--data DIR] [--asks N]

The base is sacrebleu's own ``corpus_score``, called anew for each system and each test, as a suite
without shared statistics does. Both sides run in this process; ours starts with nothing remembered.
TER is compared on every tenth segment: it is slow by nature.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from pytest_genaiops.metrics.base import Metric, add_up
from pytest_genaiops.metrics.translation import Bleu, Chrf, Ter
from pytest_genaiops.records import Case, Response

Systems = dict[str, list[str]]


def load(data: Path) -> tuple[list[Case], Systems]:
    """Cases in file order, and each system's translations in the same order."""

    def rows(name: str) -> list[dict]:
        return [json.loads(line) for line in (data / name).read_text(encoding="utf-8").splitlines()]

    segments = rows("wmt21_ted_ende_segments.jsonl")
    cases = [Case(id=row["id"], references=tuple(row["references"])) for row in segments]
    found: dict[str, dict[str, str]] = {}
    for row in rows("wmt21_ted_ende_outputs.jsonl"):
        found.setdefault(row["system"], {})[row["id"]] = row["translation"]
    return cases, {system: [texts[case.id] for case in cases] for system, texts in found.items()}


def ours(metric: Metric, cases: list[Case], systems: Systems, asks: int) -> tuple[dict[str, float], float]:
    scores = {}
    start = time.process_time()
    for _ in range(asks):
        for system, texts in systems.items():
            rows = [metric.statistics(Response(text=t), case) for t, case in zip(texts, cases, strict=True)]
            scores[system] = metric.score(add_up(rows), len(rows))
    return scores, time.process_time() - start


def theirs(engine: object, cases: list[Case], systems: Systems, asks: int) -> tuple[dict[str, float], float]:
    references = [[case.references[0] for case in cases]]
    scores = {}
    start = time.process_time()
    for _ in range(asks):
        for system, texts in systems.items():
            scores[system] = engine.corpus_score(texts, references).score
    return scores, time.process_time() - start


def main() -> int:
    from sacrebleu.metrics import BLEU, CHRF, TER

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("GENAIOPS_PUBLIC_DATA", Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--asks", type=int, default=3)
    options = parser.parse_args()
    cases, systems = load(options.data)
    tenth = {system: texts[::10] for system, texts in systems.items()}
    write = sys.stdout.write
    write("metric   systems segments  asks  ours s sacrebleu s  ratio unequal\n")
    wrong = 0
    for name, metric, engine, rows, texts in (
        ("bleu", Bleu(), BLEU(), cases, systems),
        ("chrf", Chrf(), CHRF(), cases, systems),
        ("chrf++", Chrf(word_order=2), CHRF(word_order=2), cases, systems),
        ("ter", Ter(), TER(), cases[::10], tenth),
    ):
        reference, slow = theirs(engine, rows, texts, options.asks)
        mine, fast = ours(metric, rows, texts, options.asks)
        unequal = sum(mine[system] != reference[system] for system in texts)
        wrong += unequal
        write(
            f"{name:8} {len(texts):7} {len(rows):8} {options.asks:5} {fast:7.2f} {slow:11.2f} "
            f"{slow / fast:6.1f} {unequal:7}\n"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
