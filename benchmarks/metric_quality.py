"""How well metrics agree with people, beside plain overlap and packages that do the same, on every public set.

    python benchmarks/metric_quality.py [--data DIR] [--write] [--only NAME ...] [--constants]

Prints the tables of docs/metric-quality.md; ``--write`` puts them there. Intervals are 95 %, from 1000 bootstrap draws
of whole documents (``group``). grounded-check and argus-llm are compared where they are installed, and METEOR with
synonyms where WordNet is. ``--constants`` prints the mean and standard deviation of each measure that groundedness.py
holds as constants, and nothing else.
"""

# ruff: noqa: TID253 - the rule is for the package; this script computes at once

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.agreement import (
    SEED,
    Floats,
    auroc,
    aurocs,
    balanced_accuracy,
    best_threshold,
    cell,
    drawn,
    halved_passes,
)
from benchmarks.public_data import Lines, Row, case_of, consistency_rows, filled, rows, score_all, table
from benchmarks.rivals import BASELINES, PEERS, installed, peers, rouge_l_precision, unigram_precision
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics import groundedness
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.features import index_of, measures, overlap
from pytest_genaiops.metrics.lexical.text import analyse
from pytest_genaiops.metrics.relevancy import Relevancy
from pytest_genaiops.metrics.utilization import Utilization
from pytest_genaiops.records import Case, Explanation, Response

GATED = ("ragtruth_qa_dev", "ragtruth_summary_dev", "ragtruth_data2txt_dev", "wice_dev", "begin_wow_dev", "q2_wow",
         "faithdial_audit")  # fmt: skip
ALSO = "topicalchat_usr"
APART = "summeval_outputs"  # neither the constants nor any choice of a measure comes from it
OURS = "groundedness"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "metric-quality.md"
CITED = re.compile(r"[Pp]assages? (\d(?:(?:,|,? and| &) \d)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A set of labelled answers, and what every method gives for each of them."""

    labels: list[int]
    clusters: list[str]
    scores: Mapping[str, list[float]]
    unscored: int
    times: Floats
    """How often each row is drawn, one draw a line."""


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


@lru_cache(maxsize=1)
def scored_sets(folder: Path) -> dict[str, Scored]:
    """Every groundedness set under every method."""
    methods = BASELINES | peers()
    found = {}
    for number, name in enumerate((*GATED, ALSO, APART)):
        data = consistency_rows(folder) if name == APART else rows(folder, name)
        ours = score_all(groundedness.Groundedness(), data)
        scores = {key: [method(row["answer"], row["context"]) for row in data] for key, method in methods.items()}
        clusters = [str(row["group"]) for row in data]
        found[name] = Scored(
            labels=[row["label"] for row in data],
            clusters=clusters,
            scores={OURS: filled(ours)} | scores,
            unscored=ours.count(None),
            times=drawn(clusters, seed=SEED + number),  # of one seed, the sets would be drawn alike
        )
    return found


def left_out(folder: Path) -> dict[str, list[float]]:
    """Scores of each gated set with constants from the other sets only."""
    table = measure_table(folder)
    found = {}
    for name in GATED:
        scale = constants([columns for key, (_, columns) in table.items() if key != name])
        with patch.object(groundedness, "_SCALE", scale):
            found[name] = filled(score_all(groundedness.Groundedness(), rows(folder, name)))
    return found


def means(draws: Mapping[str, Floats], points: Mapping[str, float]) -> str:
    """The mean over the gated sets with its interval; sets are drawn apart from each other."""
    return cell(float(np.mean([points[n] for n in GATED])), np.mean([draws[n] for n in GATED], axis=0))


def groundedness_table(folder: Path) -> Lines:
    """AUROC on every groundedness set, the mean over the gated ones, and how far ours is ahead."""
    sets = scored_sets(folder)
    methods = list(next(iter(sets.values())).scores)
    points = {m: {n: auroc(s.labels, s.scores[m])[0] for n, s in sets.items()} for m in methods}
    draws = {m: {n: aurocs(s.labels, s.scores[m], s.times) for n, s in sets.items()} for m in methods}
    body = [
        [name, str(len(scored.labels)), str(scored.unscored), *(cell(points[m][name], draws[m][name]) for m in methods)]
        for name, scored in sets.items()
    ]
    body.append(["**mean of the first 7**", "", "", *(means(draws[m], points[m]) for m in methods)])
    ahead = ["groundedness is ahead by", "", "", ""]
    for m in methods[1:]:
        gain = {n: draws[OURS][n] - draws[m][n] for n in GATED}
        ahead.append(means(gain, {n: points[OURS][n] - points[m][n] for n in GATED}))
    yield from table(["data", "n", "unscored", *methods], [*body, ahead])
    missing = [package for package in PEERS if installed(package) is None]
    versions = ", ".join(f"{package} {installed(package)}" for package in PEERS if package not in missing)
    yield ""
    yield f"Peers: {versions or 'none'}." + (f" Not installed here: {', '.join(missing)}." if missing else "")


def validation_table(folder: Path) -> Lines:
    """AUROC where nothing of groundedness comes from the set that it is measured on."""
    sets, without = scored_sets(folder), left_out(folder)
    points, draws = {}, {}
    for name, scores in without.items():
        points[name] = auroc(sets[name].labels, scores)[0]
        draws[name] = aurocs(sets[name].labels, scores, sets[name].times)
    body = [[name, cell(points[name], draws[name])] for name in without]
    yield from table(["data", "AUROC"], [*body, ["**mean**", means(draws, points)]])


def thresholds_table(folder: Path) -> Lines:
    """Balanced accuracy with thresholds that the set itself has no say in, and with one from its other half."""
    sets = scored_sets(folder)
    methods = list(next(iter(sets.values())).scores)
    body = []
    for name, one in sets.items():
        cells = []
        for m in methods:
            at = best_threshold([(sets[n].labels, sets[n].scores[m]) for n in GATED if n != name])
            cells.append(_accuracy(one, [score >= at for score in one.scores[m]]))
        half = halved_passes(one.labels, one.scores[OURS], one.clusters)
        own = best_threshold([(one.labels, one.scores[OURS])])
        body.append([name, *cells, _accuracy(one, half), f"{own:.2f}"])
    yield from table(["data", *methods, "groundedness, from the other half", "best threshold"], body)


def _accuracy(one: Scored, passed: list[bool]) -> str:
    point = balanced_accuracy(one.labels, passed, np.ones((1, len(passed))))[0]
    return cell(float(point), balanced_accuracy(one.labels, passed, one.times))


def relevancy_table(folder: Path) -> Lines:
    """AUROC and balanced accuracy on SelQA."""
    data = rows(folder, "selqa_dev")
    labels, clusters = [row["label"] for row in data], [row["group"] for row in data]
    times = drawn(clusters)
    ours = score_all(Relevancy(), data)
    methods: dict[str, list[float]] = {
        "relevancy": filled(ours),
        "unigram recall of the question": [unigram_precision(row["question"], row["answer"]) for row in data],
        "ROUGE-L recall of the question": [rouge_l_precision(row["question"], row["answer"]) for row in data],
    }
    body = []
    for name, scores in methods.items():
        passed = halved_passes(labels, scores, clusters)
        one = Scored(labels=labels, clusters=clusters, scores={}, unscored=0, times=times)
        area = cell(auroc(labels, scores)[0], aurocs(labels, scores, times))
        first = reciprocal_ranks(labels, scores, clusters)
        body.append([name, area, _accuracy(one, passed), cell(*resampled(first))])
    head = [f"selqa_dev, n = {len(data)}, {ours.count(None)} unscored", "AUROC",
            "balanced accuracy, threshold from the other half", "mean reciprocal rank"]  # fmt: skip
    yield from table(head, body)


def reciprocal_ranks(labels: Sequence[int], scores: Sequence[float], clusters: Sequence[str]) -> list[float]:
    """One over the rank of the best good answer to each question that has one; of equals the bad come first."""
    groups: dict[str, list[tuple[float, int]]] = {}
    for label, score, cluster in zip(labels, scores, clusters, strict=True):
        groups.setdefault(cluster, []).append((-score, label))
    ranked = [[label for _, label in sorted(group)] for group in groups.values()]
    return [1 / (1 + labels.index(1)) for labels in ranked if 1 in labels]


def resampled(values: Sequence[float]) -> tuple[float, Floats]:
    """The mean of independent values, and of every draw of them."""
    times = drawn(range(len(values)))
    return float(np.mean(values)), times @ np.asarray(values) / len(values)


def chunks_of(context: str) -> list[str]:
    """The passages of a RAGTruth question, without their numbers."""
    return [re.sub(r"^passage \d+:", "", part) for part in re.split(r"\n\n(?=passage \d+:)", context)]


def uses(answer: str, chunks: Sequence[str]) -> list[float]:
    """How far each chunk is used; 0 for all where there is nothing to judge."""
    try:
        found = Utilization().explain(Response(text=answer), Case(id="", contexts=tuple(chunks)))
    except UnscorableError:
        return [0.0] * len(chunks)
    return list(found.features.values())


def utilization_table(folder: Path) -> Lines:
    """AUROC of single passages: those that an answer cites, and those that it was never shown."""
    data = rows(folder, "ragtruth_qa_dev")
    cited: list[tuple[int, str, float, float]] = []
    foreign: list[tuple[int, str, float, float]] = []
    for at, row in enumerate(data):
        own = chunks_of(row["context"])
        numbers = {int(digit) for named in CITED.findall(row["answer"]) for digit in re.findall(r"\d", named)}
        answer = CITED.sub("", row["answer"])
        if numbers and not {1, 2, 3} <= numbers:
            cited += told(answer, own, [number in numbers for number in (1, 2, 3)], row["group"])
        other = next(r for r in (*data[at + 1 :], *data) if r["group"] != row["group"])
        shown = [*own, chunks_of(other["context"])[0]]
        foreign += told(answer, shown, [True, True, True, False], row["group"])
    body = []
    for name, found in (("passages that the answer cites, against the others", cited),
                        ("passages of the question, against one of another question", foreign)):  # fmt: skip
        labels, clusters, ours, plain = (list(column) for column in zip(*found, strict=True))
        areas = [cell(auroc(labels, s)[0], aurocs(labels, s, drawn(clusters))) for s in (ours, plain)]
        body.append([name, str(len(found)), *areas])
    yield from table(["ragtruth_qa_dev", "passages", "utilization", "unigram precision"], body)


def told(
    answer: str, chunks: Sequence[str], right: Sequence[bool], cluster: str
) -> Iterator[tuple[int, str, float, float]]:
    """Of each chunk: whether it is one that was used, its cluster, how far we say it is, and plain overlap with it."""
    for chunk, label, use in zip(chunks, right, uses(answer, chunks), strict=True):
        yield int(label), cluster, use, unigram_precision(answer, chunk)


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


def sentence_quality(folder: Path, name: str) -> tuple[int, str, float]:
    """Number of sentences, AUROC of their support, and word F1 of the unsupported words, against people's spans."""
    labels: list[int] = []
    supports: list[float] = []
    clusters: list[str] = []
    hits = flagged = wrong = 0
    for row in rows(folder, name):
        found = overlap(row["answer"], index_of((row["context"],)), row["question"])
        evidence = evidence_of(row)
        bad = [(span["start"], span["end"]) for span in row["spans"]]
        for sentence in evidence.sentences:
            labels.append(int(not any(s < sentence.end and e > sentence.start for s, e in bad)))
            supports.append(sentence.support)
            clusters.append(row["group"])
        said = {(span.start, span.end) for span in evidence.unsupported}
        for span, weight in zip(found.answer.spans, found.weights, strict=True):
            if weight:
                is_wrong = any(s < span[1] and e > span[0] for s, e in bad)
                hits += span in said and is_wrong
                flagged += span in said
                wrong += is_wrong
    area = cell(auroc(labels, supports)[0], aurocs(labels, supports, drawn(clusters)))
    return len(labels), area, f1(hits, flagged, wrong)


def evidence_table(folder: Path) -> Lines:
    """Where the error is: sentences and words against people's spans."""
    body = []
    for name in GATED[:3]:
        n, area, score = sentence_quality(folder, name)
        body.append([name, f"{n} sentences", area, f"{score:.3f}"])
    n, every, content = wice_tokens(folder)
    body.append(["wice_tokens_dev, all tokens", f"{n} claims", "", f"{every:.3f}"])
    body.append(["wice_tokens_dev, no grammar words", f"{n} claims", "", f"{content:.3f}"])
    yield from table(["evidence", "n", "AUROC of sentence support", "F1 of unsupported words"], body)


def speed(folder: Path, metric: Metric, name: str) -> float:
    """Answers a second of one core's time, best of three, contexts tokenised anew each time."""
    data = rows(folder, name)
    best = math.inf
    for repeat in range(3):
        # A context that was never seen: what one repeat remembers is no help to the next.
        fresh = [{**row, "context": row["context"] and row["context"] + "\n" * repeat} for row in data]
        start = time.process_time()
        score_all(metric, fresh)
        best = min(best, time.process_time() - start)
    return len(data) / best


def speed_table(folder: Path) -> Lines:
    """Answers a second, ours and the peers'."""
    body = [
        ["groundedness", "ragtruth_qa_dev", f"{speed(folder, groundedness.Groundedness(), 'ragtruth_qa_dev'):.0f}"],
        ["utilization", "ragtruth_qa_dev", f"{speed(folder, Utilization(), 'ragtruth_qa_dev'):.0f}"],
        ["relevancy", "selqa_dev", f"{speed(folder, Relevancy(), 'selqa_dev'):.0f}"],
    ]
    data = rows(folder, "ragtruth_qa_dev")
    for name, method in peers().items():
        if name != "grounded-check, sentences":  # the same call as for its claims
            start = time.process_time()
            for row in data:
                method(row["answer"], row["context"] + "\n")
            body.append([name, "ragtruth_qa_dev", f"{len(data) / (time.process_time() - start):.0f}"])
    yield from table(["", "data", "answers a second on one core"], body)


def tables() -> dict[str, Callable[[Path], Lines]]:
    """The tables of the page by name."""
    from benchmarks import reference_quality

    return {
        "groundedness": groundedness_table,
        "cross-validation": validation_table,
        "thresholds": thresholds_table,
        "evidence": evidence_table,
        "relevancy": relevancy_table,
        "utilization": utilization_table,
        "summeval": reference_quality.summeval_table,
        "summeval-systems": reference_quality.summeval_systems_table,
        "wmt": reference_quality.wmt_table,
        "judges": reference_quality.judges_table,
        "speed": speed_table,
    }


def put(name: str, lines: Sequence[str]) -> None:
    """Write a table into the page, between the lines that name it."""
    page = PAGE.read_text(encoding="utf-8")
    first, last = f"<!-- table {name} -->\n", "<!-- end -->\n"
    before, _, rest = page.partition(first)
    _, _, after = rest.partition(last)
    PAGE.write_text(before + first + "\n".join(["", *lines, "", last]) + after, encoding="utf-8")


def main() -> None:
    """Print everything, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GENAIOPS_PUBLIC_DATA", beside)))
    parser.add_argument("--write", action="store_true", help="put the tables into docs/metric-quality.md")
    parser.add_argument("--only", nargs="+", choices=list(tables()), help="these tables alone")
    parser.add_argument("--constants", action="store_true", help="print the scaling constants and nothing else")
    options = parser.parse_args()
    if not (options.data / f"{ALSO}.jsonl").is_file():
        parser.error(f"no public data in {options.data}; name its folder with --data or GENAIOPS_PUBLIC_DATA")
    if options.constants:
        found = constants([columns for _, columns in measure_table(options.data).values()])
        for name, (mean, spread) in found.items():
            sys.stdout.write(f'    "{name}": ({mean:.3f}, {spread:.3f}),\n')
        return
    for name, made in tables().items():
        if options.only is None or name in options.only:
            lines = list(made(options.data))
            sys.stdout.write("\n".join([f"## {name}", "", *lines, "", ""]))
            sys.stdout.flush()
            if options.write:
                put(name, lines)


if __name__ == "__main__":
    main()
