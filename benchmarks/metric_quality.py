"""How well groundedness and relevancy agree with people: AUROC on public labels, beside two simple baselines.

    python benchmarks/metric_quality.py [--data DIR] [--constants]

AUROC is the chance that a random good answer scores above a random bad one (ties count half). Intervals are 95 %,
after DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44:837); they take answers as independent.
``--constants`` prints the mean and standard deviation of each measure that groundedness.py holds as constants.
"""

# ruff: noqa: TID253 - the rule is for the package; this script computes at once

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics import groundedness
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.features import index_of, measures, overlap
from pytest_genaiops.metrics.lexical.text import analyse
from pytest_genaiops.metrics.relevancy import Relevancy
from pytest_genaiops.records import Case, Explanation, Response

GATED = ("ragtruth_qa_dev", "ragtruth_summary_dev", "ragtruth_data2txt_dev", "wice_dev", "begin_wow_dev", "q2_wow",
         "faithdial_audit")  # fmt: skip
ALSO = "topicalchat_usr"
APART = "summeval_outputs"  # neither the constants nor any choice of a measure comes from it
Row = dict[str, Any]
Floats = NDArray[np.float64]


def rows(folder: Path, name: str) -> list[Row]:
    """Rows of one public file."""
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def summeval(folder: Path) -> list[Row]:
    """Summaries of 12 systems; good where all three experts gave full marks for consistency."""
    documents = {row["id"]: row["document"] for row in rows(folder, "summeval_documents")}
    return [
        {"id": r["id"], "question": "", "context": documents[r["id"]], "answer": r["summary"], "label": r["consistent"]}
        for r in rows(folder, "summeval_outputs")
    ]


def auroc(labels: Sequence[int], scores: Sequence[float]) -> tuple[float, float]:
    """AUROC and its DeLong standard error; ``labels`` 1 = good, 0 = bad; both must occur."""
    values = np.asarray(scores, dtype=float)
    good = values[np.asarray(labels) == 1]
    bad = values[np.asarray(labels) == 0]
    above = (midranks(np.concatenate([good, bad]))[: len(good)] - midranks(good)) / len(bad)
    below = 1 - (midranks(np.concatenate([bad, good]))[: len(bad)] - midranks(bad)) / len(good)
    variance = above.var(ddof=1) / len(good) + below.var(ddof=1) / len(bad)
    return float(above.mean()), math.sqrt(float(variance))


def midranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing their mean rank."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[group], dtype=float)


def best_threshold(labels: Sequence[int], scores: Sequence[float]) -> float:
    """The score at and above which calling an answer good gives the best balanced accuracy."""
    values, good = np.asarray(scores, dtype=float), np.asarray(labels) == 1
    accuracies = [((values >= at)[good].mean() + (values < at)[~good].mean(), at) for at in np.unique(values)]
    return float(max(accuracies)[1])


def case_of(row: Row) -> Case:
    """A row as the library sees it."""
    contexts = (row["context"],) if row["context"] else None
    return Case(id=row["id"], inputs={"question": row["question"]}, contexts=contexts)


def score_all(metric: Metric, data: Iterable[Row]) -> list[float | None]:
    """Scores in order; None where unscored."""
    found: list[float | None] = []
    for row in data:
        try:
            statistics = metric.statistics(Response(text=row["answer"]), case_of(row))
        except UnscorableError:
            found.append(None)
        else:
            found.append(metric.case_score(statistics))
    return found


def plain_words(text: str) -> list[str]:
    """What the baselines see: lower-case runs of word characters."""
    return re.findall(r"\w+", text.lower())


def unigram_precision(answer: str, context: str) -> float:
    """Share of the answer's words that the context has."""
    known = set(plain_words(context))
    said = plain_words(answer)
    return sum(word in known for word in said) / max(len(said), 1)


def rouge_l_precision(answer: str, context: str) -> float:
    """Longest common subsequence of words over the answer's length."""
    said = plain_words(answer)
    return float(LCSseq.similarity(said, plain_words(context))) / max(len(said), 1)


def measure_table(folder: Path) -> dict[str, tuple[list[int], dict[str, Floats]]]:
    """Per data set: labels and the raw measures of every answer."""
    table = {}
    for name in (*GATED, ALSO):
        data = rows(folder, name)
        each = [measures(overlap(r["answer"], index_of((r["context"],)), r["question"])) for r in data]
        table[name] = ([r["label"] for r in data], {key: np.array([m[key] for m in each]) for key in each[0]})
    return table


def constants(columns: Sequence[Mapping[str, Floats]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each measure, every data set with the same say."""
    found = {}
    for key in columns[0]:
        mean = float(np.mean([c[key].mean() for c in columns]))
        spread = math.sqrt(float(np.mean([((c[key] - mean) ** 2).mean() for c in columns])))
        found[key] = (mean, spread)
    return found


def left_out(folder: Path) -> list[float]:
    """AUROC of each gated set with constants from the other sets only."""
    table = measure_table(folder)
    found = []
    for name in GATED:
        labels, columns = table[name]
        scale = constants([other for key, (_, other) in table.items() if key != name])
        total = sum(np.clip((columns[key] - mean) / spread, -3, 3) for key, (mean, spread) in scale.items())
        found.append(auroc(labels, np.asarray(total).tolist())[0])
    return found


def f1(hits: int, flagged: int, wrong: int) -> float:
    """F1 of flagged tokens against tokens that people call unsupported."""
    return 2 * hits / (flagged + wrong) if flagged + wrong else 0.0


def evidence_of(row: Row) -> Explanation:
    """What groundedness says about a row; nothing where it has nothing to say."""
    try:
        return groundedness.Groundedness().explain(Response(text=row["answer"]), case_of(row))
    except UnscorableError:
        return Explanation(score=0.0, sentences=(), unsupported=())


def wice_tokens(folder: Path) -> tuple[int, float, float]:
    """Number of claims, and token F1 over all tokens and over tokens that are no grammar words."""
    counts = np.zeros((2, 3), dtype=int)
    data = rows(folder, "wice_tokens_dev")
    for row in data:
        spans = [(span.start, span.end) for span in evidence_of(row).unsupported]
        at = 0
        for token, wrong in zip(row["answer_tokens"], row["unsupported"], strict=True):
            at = max(row["answer"].find(token, at), at)
            said = any(start < at + len(token) and end > at for start, end in spans)
            step = np.array([said and wrong, said, wrong], dtype=int)
            counts[0] += step
            if any(c.isalnum() for c in token) and analyse(token)[1]:
                counts[1] += step
            at += len(token)
    return len(data), f1(*counts[0]), f1(*counts[1])


def sentence_quality(folder: Path, name: str) -> tuple[int, float, float]:
    """Number of sentences, AUROC of their support, and word F1 of the unsupported words, against people's spans."""
    labels: list[int] = []
    supports: list[float] = []
    hits = flagged = wrong = 0
    for row in rows(folder, name):
        found = overlap(row["answer"], index_of((row["context"],)), row["question"])
        evidence = evidence_of(row)
        bad = [(span["start"], span["end"]) for span in row["spans"]]
        for sentence in evidence.sentences:
            labels.append(int(not any(s < sentence.end and e > sentence.start for s, e in bad)))
            supports.append(sentence.support)
        said = {(span.start, span.end) for span in evidence.unsupported}
        for span, weight in zip(found.answer.spans, found.weights, strict=True):
            if weight:
                is_wrong = any(s < span[1] and e > span[0] for s, e in bad)
                hits += span in said and is_wrong
                flagged += span in said
                wrong += is_wrong
    return len(labels), auroc(labels, supports)[0], f1(hits, flagged, wrong)


def speed(folder: Path, metric: Metric, name: str) -> float:
    """Answers a second on one core, best of three, contexts tokenised anew each time."""
    data = rows(folder, name)
    best = math.inf
    for repeat in range(3):
        # A context that was never seen: what one repeat remembers is no help to the next.
        fresh = [{**row, "context": row["context"] and row["context"] + "\n" * repeat} for row in data]
        start = time.perf_counter()
        score_all(metric, fresh)
        best = min(best, time.perf_counter() - start)
    return len(data) / best


def write(*cells: str) -> None:
    """One line of a Markdown table."""
    sys.stdout.write("| " + " | ".join(cells) + " |\n")


def cell(value: tuple[float, float]) -> str:
    """AUROC with its 95 % interval."""
    area, error = value
    return f"{area:.3f} ({max(area - 1.96 * error, 0):.3f}-{min(area + 1.96 * error, 1):.3f})"


def groundedness_table(folder: Path) -> None:
    """AUROC on every groundedness set, and the mean over the gated ones."""
    write("data", "n", "unscored", "groundedness", "unigram precision", "ROUGE-L precision", "best threshold")
    write(*["---"] * 7)
    means: list[list[float]] = []
    for name in (*GATED, ALSO, APART):
        data = summeval(folder) if name == APART else rows(folder, name)
        scores = score_all(groundedness.Groundedness(), data)
        labels = [row["label"] for row in data]
        # An unscored answer counts as the worst there is, so that leaving one out can gain nothing here.
        filled = [-1.0 if s is None else s for s in scores]
        ours = auroc(labels, filled)
        plain = auroc(labels, [unigram_precision(row["answer"], row["context"]) for row in data])
        rouge = auroc(labels, [rouge_l_precision(row["answer"], row["context"]) for row in data])
        write(name, str(len(data)), str(scores.count(None)), cell(ours), cell(plain), cell(rouge),
              f"{best_threshold(labels, filled):.2f}")  # fmt: skip
        if name in GATED:
            means.append([ours[0], plain[0], rouge[0]])
    write("**mean of the first 7**", "", "", *(f"**{value:.3f}**" for value in np.mean(means, axis=0)), "")
    sys.stdout.write(
        f"\nConstants from the other data sets only, mean of the first 7: {np.mean(left_out(folder)):.3f}\n\n"
    )


def relevancy_table(folder: Path) -> None:
    """AUROC on SelQA."""
    data = rows(folder, "selqa_dev")
    labels = [row["label"] for row in data]
    scores = score_all(Relevancy(), data)
    plain = [unigram_precision(row["question"], row["answer"]) for row in data]
    rouge = [rouge_l_precision(row["question"], row["answer"]) for row in data]
    write("data", "n", "unscored", "relevancy", "unigram recall of the question", "ROUGE-L recall of the question")
    write(*["---"] * 6)
    ours = auroc(labels, [-1.0 if s is None else s for s in scores])
    write("selqa_dev", str(len(data)), str(scores.count(None)), cell(ours), cell(auroc(labels, plain)),
          cell(auroc(labels, rouge)))  # fmt: skip
    sys.stdout.write("\n")


def evidence_table(folder: Path) -> None:
    """Where the error is: sentences and words against people's spans."""
    write("evidence", "n", "AUROC of sentence support", "F1 of unsupported words")
    write(*["---"] * 4)
    for name in GATED[:3]:
        n, area, score = sentence_quality(folder, name)
        write(name, f"{n} sentences", f"{area:.3f}", f"{score:.3f}")
    n, every, content = wice_tokens(folder)
    write("wice_tokens_dev, all tokens", f"{n} claims", "", f"{every:.3f}")
    write("wice_tokens_dev, no grammar words", f"{n} claims", "", f"{content:.3f}")
    sys.stdout.write("\n")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GENAIOPS_PUBLIC_DATA", beside)))
    parser.add_argument("--constants", action="store_true", help="print the scaling constants and nothing else")
    options = parser.parse_args()
    if not (options.data / f"{ALSO}.jsonl").is_file():
        parser.error(f"no public data in {options.data}; name its folder with --data or GENAIOPS_PUBLIC_DATA")
    if options.constants:
        found = constants([columns for _, columns in measure_table(options.data).values()])
        for name, (mean, spread) in found.items():
            sys.stdout.write(f'    "{name}": ({mean:.3f}, {spread:.3f}),\n')
        return
    groundedness_table(options.data)
    relevancy_table(options.data)
    evidence_table(options.data)
    for label, metric, name in (
        ("groundedness", groundedness.Groundedness(), "ragtruth_qa_dev"),
        ("relevancy", Relevancy(), "selqa_dev"),
    ):
        sys.stdout.write(f"{label} on {name}: {speed(options.data, metric, name):.0f} answers/s on one core\n")


if __name__ == "__main__":
    main()
