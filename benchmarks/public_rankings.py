"""Public systems ranked with ties, and judge prompts compared as classifiers of consistent summaries.

    python benchmarks/public_rankings.py

Reads the folder with the public data (``GENAIOPS_PUBLIC_DATA``), and copies nothing from it.
"""

from __future__ import annotations

import sys
import time
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from eval_suites.public import joined
from pytest_genaiops import Evaluation, evaluate
from pytest_genaiops.comparison import Change, Changes, compare
from pytest_genaiops.report.changes import Row, changes

WIDTH = 100


def show(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")


def ranked(title: str, evaluation: Evaluation, metrics: tuple[str, ...], found: Changes | None = None) -> None:
    """The ranking by each metric; with ties as in ``found``, where that is given."""
    show(f"## {title}")
    for metric in metrics:
        show(evaluation.ranking(metric, changes=found).forest(WIDTH))


def compared(evaluation: Evaluation, group: str, metrics: tuple[str, ...]) -> Changes:
    """Every pair under some scores of a group, adjusted over these alone."""
    scores = {
        variant: {(metric, ""): getattr(evaluation.score(group, variant), metric) for metric in metrics}
        for variant in evaluation.responses
    }
    pairs = [(later, earlier) for earlier, later in combinations(scores, 2)]
    return compare(scores, pairs, confidence=0.95, adjust="holm")


def table(found: Changes, evaluation: Evaluation) -> None:
    for metric in dict.fromkeys(row.metric for row in found):
        rows = [line(row) for row in found if row.metric == metric]
        title = f"{metric}, p-values adjusted over {len(found)} comparisons"
        show("\n".join([title, *changes(rows, evaluation.ranking(metric).scale, WIDTH)]))


def line(row: Change) -> Row:
    return Row(
        candidate=row.candidate_id, baseline=row.baseline_id, change=row.change, interval=row.interval,
        p_value=row.p_value, adjusted=row.adjusted_p_value, n=row.n, reason=row.reason,
    )  # fmt: skip


def main() -> None:
    data = joined.folder()
    if reason := joined.missing(data):
        sys.exit(reason)
    read = {name: list(joined.rows(data / name)) for name in joined.FILES}
    segments, translations, documents, summaries, _, ratings = read.values()
    started = time.perf_counter()
    translators = evaluate(joined.translations(segments, translations), metrics=["bleu", "chrf"])
    ranked("13 translation systems, 529 segments of WMT 2021 TED, English to German", translators, ("bleu", "chrf"))
    show(f"Read, scored and ranked in {time.perf_counter() - started:.1f} s")
    summarizers = evaluate(joined.summaries(documents, summaries), metrics=["rouge"])
    ranked("12 summarizers, 100 articles of SummEval with 11 references", summarizers, ("rouge1", "rouge2", "rougeL"))
    judges = evaluate(joined.judgements(ratings, summaries), metrics=["classification"])
    title = "4 judge prompts as classifiers of consistent summaries, 1200 summaries of 100 articles (clusters)"
    metrics = ("accuracy", "recall", "mcc")  # recall of both classes alike: the balanced accuracy
    found = compared(judges, "classification", metrics)
    ranked(title, judges, metrics, found)
    table(found, judges)


if __name__ == "__main__":
    main()
