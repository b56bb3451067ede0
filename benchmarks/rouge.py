"""ROUGE against rouge-score on real outputs: every number must be equal, and the ratio of CPU times.

    python benchmarks/rouge.py [--data DIR] [--step N]

Pairs: each summary of SummEval with each of its 11 references, each translation of WMT21 with its
reference, each RAGTruth answer with its passages. ``--step N`` takes every N-th case. Both sides run
in this process, each over the same pairs, and start with nothing remembered.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pytest_genaiops.metrics.rouge import TYPES, Rouge
from pytest_genaiops.records import Case, Response

Pair = tuple[str, str]


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pairs(data: Path, name: str) -> Iterator[Pair]:
    """(reference, hypothesis) pairs of one data set."""
    if name == "summeval":
        references = {row["id"]: row["references"] for row in rows(data / "summeval_documents.jsonl")}
        for row in rows(data / "summeval_outputs.jsonl"):
            yield from ((reference, row["summary"]) for reference in references[row["id"]])
    elif name == "wmt21":
        references = {row["id"]: row["references"] for row in rows(data / "wmt21_ted_ende_segments.jsonl")}
        for row in rows(data / "wmt21_ted_ende_outputs.jsonl"):
            yield references[row["id"]][0], row["translation"]
    else:
        for row in rows(data / f"{name}_dev.jsonl"):
            context = row["context"]
            yield context if isinstance(context, str) else "\n".join(context), row["answer"]


def ours(work: list[Pair]) -> tuple[list[tuple[float, ...]], float]:
    metric = Rouge(use_stemmer=True)
    records = [
        (Response(text=hypothesis), Case(id=str(index), references=(reference,)))
        for index, (reference, hypothesis) in enumerate(work)
    ]
    start = time.process_time()
    found = [metric.statistics(response, case) for response, case in records]
    return found, time.process_time() - start


def theirs(work: list[Pair]) -> tuple[list[tuple[float, ...]], float]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(TYPES), use_stemmer=True)
    start = time.process_time()
    found = [scorer.score(reference, hypothesis) for reference, hypothesis in work]
    spent = time.process_time() - start
    return [tuple(x for t in TYPES for x in (s[t].fmeasure, s[t].precision, s[t].recall)) for s in found], spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("GENAIOPS_PUBLIC_DATA", Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    ours([("import it all", "before the clock")])
    theirs([("import it all", "before the clock")])
    write = sys.stdout.write
    write(f"{'data':18} {'pairs':>6} {'ours/s':>8} {'rouge-score/s':>13} {'ratio':>6} {'unequal':>8}\n")
    totals = [0, 0.0, 0.0, 0]
    for name in ("summeval", "wmt21", "ragtruth_qa", "ragtruth_summary", "ragtruth_data2txt"):
        work = list(pairs(options.data, name))[:: options.step]
        (mine, fast), (reference, slow) = ours(work), theirs(work)
        unequal = sum(a != b for a, b in zip(mine, reference, strict=True))
        line = [len(work), fast, slow, unequal]
        totals = [total + one for total, one in zip(totals, line, strict=True)]
        write(row_of(name, line))
    write(row_of("all", totals))
    return 1 if totals[3] else 0


def row_of(name: str, line: list[float]) -> str:
    n, fast, slow, unequal = line
    return f"{name:18} {n:6} {n / fast:8.0f} {n / slow:13.1f} {slow / fast:6.1f} {unequal:8}\n"


if __name__ == "__main__":
    sys.exit(main())
