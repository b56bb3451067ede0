"""How metrics that compare with references rank real systems and their outputs, beside experts: SummEval and WMT21.

Two levels. Within an item (a document, a segment): does the metric order the outputs of the systems as people do?
The mean of a correlation over items; items that people gave one rating are left out, and a metric that sees no
difference counts as 0. Of systems: the same for their scores over all items, a corpus score where the metric has one.
"""

# ruff: noqa: TID253 - the rule is for the package; this computes at once

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import Floats, auroc, aurocs, cell, drawn, kendall, midranks, spearman
from benchmarks.public_data import consistency_rows, filled, rows, score_all, table
from benchmarks.rivals import installed, plain_words, unigram_precision
from pytest_genaiops.errors import UnscorableError, UsageError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Case, Response
from pytest_genaiops.score.metric import make

DIMENSIONS = ("relevance", "consistency", "coherence", "fluency")
Correlation = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One number of a metric for every item (rows) and system (columns), the better the higher."""

    name: str
    cases: Floats
    totals: Callable[[Floats], Floats]
    """How often each item is drawn, one draw a line -> the score of each system, one draw a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What several systems wrote for the same items, and what people gave for it."""

    cases: Sequence[Case]
    texts: Sequence[Sequence[str]]
    """One line for each item, one text for each system."""
    human: Mapping[str, Floats]


@lru_cache(maxsize=1)
def summeval(folder: Path) -> Outputs:
    """100 documents, 12 systems, 4 dimensions."""
    documents = rows(folder, "summeval_documents")
    written = {(row["id"], row["system"]): row for row in rows(folder, "summeval_outputs")}
    systems = sorted({system for _, system in written})
    cases = [Case(id=d["id"], references=tuple(d["references"]), contexts=(d["document"],)) for d in documents]
    human = {
        name: np.array([[written[case.id, system]["expert"][name] for system in systems] for case in cases])
        for name in DIMENSIONS
    }
    texts = [[written[case.id, system]["summary"] for system in systems] for case in cases]
    return Outputs(cases=cases, texts=texts, human=human)


@lru_cache(maxsize=1)
def wmt(folder: Path) -> Outputs:
    """529 segments, 13 systems, MQM."""
    segments = rows(folder, "wmt21_ted_ende_segments")
    written = {(row["id"], row["system"]): row for row in rows(folder, "wmt21_ted_ende_outputs")}
    systems = sorted({system for _, system in written})
    cases = [Case(id=s["id"], references=tuple(s["references"])) for s in segments]
    mqm = np.array([[written[case.id, system]["mqm"] for system in systems] for case in cases])
    texts = [[written[case.id, system]["translation"] for system in systems] for case in cases]
    return Outputs(cases=cases, texts=texts, human={"mqm": mqm})


def ranked(name: str, outputs: Outputs, **options: Any) -> Iterator[Ranked]:
    """The numbers of one of our metrics; none where a package or data that it needs is not here."""
    label = " ".join([name, *(f"{key}={value}" for key, value in options.items())])
    try:
        metric = make(name, **options)
        found = [
            [_statistics(metric, text, case) for text in line]
            for line, case in zip(outputs.texts, outputs.cases, strict=True)
        ]
    except (UsageError, ImportError):
        return
    parts = metric.parts(None)
    if not parts:
        yield _of_part(label, metric.part(), found)
    for part in parts.values():
        if isinstance(part, Part):
            yield _of_part(part.name, part, found)


def _statistics(metric: Metric, text: str, case: Case) -> Any:
    try:
        return metric.statistics(Response(text=text), case)
    except UnscorableError:
        return None


def _of_part(label: str, part: Part, statistics: Sequence[Sequence[Any]]) -> Ranked:
    sign = 1.0 if part.higher_is_better else -1.0
    worst = min(sign * end for end in part.scale)
    cases = np.array([[worst if s is None else sign * part.case_score(s) for s in line] for line in statistics])
    if part.is_mean or any(s is None for line in statistics for s in line):
        return of_cases(label, cases)
    summed = np.array(statistics, dtype=float)

    def totals(times: Floats) -> Floats:
        sums = np.einsum("di,isk->dsk", times, summed)
        n = round(times[0].sum())
        return np.array([[sign * part.score(tuple(total), n) for total in draw] for draw in sums])

    return Ranked(name=label, cases=cases, totals=totals)


def of_cases(label: str, cases: Floats) -> Ranked:
    """A number whose score of a system is the mean over its outputs."""
    return Ranked(name=label, cases=cases, totals=lambda times: times @ cases / times.sum(axis=1, keepdims=True))


def of_function(label: str, outputs: Outputs, function: Callable[[str, Case], float]) -> Ranked:
    """A baseline that is no metric of ours."""
    lines = zip(outputs.texts, outputs.cases, strict=True)
    return of_cases(label, np.array([[function(text, case) for text in line] for line, case in lines]))


def within(one: Ranked, human: Floats, times: Floats, correlation: Correlation) -> str:
    """The mean correlation over items, with its interval."""
    each = correlation(one.cases, human)
    known = ~np.isnan(each)
    values = np.where(known, each, 0.0)
    return cell(float(values.sum() / known.sum()), times @ values / (times @ known))


def between(one: Ranked, human: Floats, times: Floats, correlation: Correlation) -> str:
    """The correlation of the systems' scores, with its interval."""
    people = of_cases("", human).totals
    whole = np.ones((1, len(human)))
    return cell(float(correlation(one.totals(whole), people(whole))[0]), correlation(one.totals(times), people(times)))


@lru_cache(maxsize=1)
def summaries(folder: Path) -> list[Ranked]:
    """What is compared with the experts of SummEval."""
    outputs = summeval(folder)
    found = [
        of_function("length in words", outputs, lambda text, case: len(plain_words(text))),
        of_function("unigram recall, best reference", outputs, lambda text, case: max(
            unigram_precision(reference, text) for reference in case.references or ())),
    ]  # fmt: skip
    for name in ("completeness", "rouge", "bleu", "chrf", "meteor_stem", "meteor", "groundedness"):
        found += ranked(name, outputs)
    if installed("argus-llm"):
        found.append(_argus(outputs))
    return found


def _argus(outputs: Outputs) -> Ranked:
    from argus_ai.scoring.metrics import AccuracyScorer
    from argus_ai.types import EvalRequest

    scorer = AccuracyScorer()

    def best(text: str, case: Case) -> float:
        given = [EvalRequest(prompt="", response=text, ground_truth=reference) for reference in case.references or ()]
        return max(float(scorer.score(request).score) for request in given)

    return of_function("argus-llm accuracy, best reference", outputs, best)


def summeval_table(folder: Path) -> Iterator[str]:
    """Kendall's tau within a document, for each dimension."""
    human, times = summeval(folder).human, drawn(range(100))
    body = [[one.name, *(within(one, human[d], times, kendall) for d in DIMENSIONS)] for one in summaries(folder)]
    yield from table(["within a document, 12 systems", *DIMENSIONS], body)


def summeval_systems_table(folder: Path) -> Iterator[str]:
    """Kendall's tau between systems, for each dimension."""
    human, times = summeval(folder).human, drawn(range(100))
    body = [[one.name, *(between(one, human[d], times, kendall) for d in DIMENSIONS)] for one in summaries(folder)]
    yield from table(["12 systems, 100 documents", *DIMENSIONS], body)


def wmt_table(folder: Path) -> Iterator[str]:
    """Kendall's tau and Spearman's rho within a segment and between systems, against MQM."""
    outputs = wmt(folder)
    human, times = outputs.human["mqm"], drawn(range(len(outputs.cases)))
    found = [one for name in ("bleu", "chrf") for one in ranked(name, outputs)]
    found += ranked("chrf", outputs, word_order=2)
    found += [*ranked("ter", outputs), *ranked("rouge", outputs, tokenize="unicode"), *ranked("meteor_stem", outputs)]
    body = [
        [one.name, *(of(one, human, times, how) for of in (within, between) for how in (kendall, spearman))]
        for one in found
    ]
    head = ["MQM, 13 systems, 529 segments", "tau within a segment", "rho within a segment", "tau of systems",
            "rho of systems"]  # fmt: skip
    yield from table(head, body)


def judges_table(folder: Path) -> Iterator[str]:
    """The judge prompts of Shen et al. beside metrics without a model, on the same summaries."""
    written = rows(folder, "summeval_outputs")
    ratings = {(row["id"], row["system"]): row for row in rows(folder, "summeval_judge_ratings")}
    documents = {row["id"]: row for row in rows(folder, "summeval_documents")}
    data = [ratings[row["id"], row["system"]] for row in written]
    labels, clusters = [row["consistent"] for row in written], [row["id"] for row in written]
    relevance = np.array([row["expert"]["relevance"] for row in written])
    times = drawn(clusters)
    rivals: dict[str, tuple[list[float], list[float]]] = {
        "no model: groundedness, completeness": (
            filled(score_all(make("groundedness"), consistency_rows(folder))),
            [
                make("completeness").statistics(
                    Response(text=row["summary"]), Case(id="", references=tuple(documents[row["id"]]["references"]))
                )[0]
                for row in written
            ],
        )
    }
    for prompt in data[0]["judge_consistency"]:
        pairs = [(row["judge_consistency"][prompt], row["judge_relevance"][prompt]) for row in data]
        rivals[f"gpt-3.5-turbo-0301, prompt {prompt}"] = tuple(  # type: ignore[assignment]
            [0.0 if value is None else float(value) for value in column] for column in zip(*pairs, strict=True)
        )
    body = []
    for name, (consistency, relevant) in rivals.items():
        area = cell(auroc(labels, consistency)[0], aurocs(labels, consistency, times))
        body.append([name, area, cell(*_pooled(np.array(relevant), relevance, times))])
    yield from table(["1200 summaries", "AUROC, consistent", "Spearman, relevance"], body)


def _pooled(x: Floats, y: Floats, times: Floats) -> tuple[float, Floats]:
    """Spearman's rho over all rows, and of every draw (ranks are those of the whole)."""
    first, second = midranks(x), midranks(y)
    n = times.sum(axis=1)

    def moment(values: Floats, weights: Floats, total: Floats) -> Floats:
        return weights @ values / total

    def rho(weights: Floats, total: Floats) -> Floats:
        a, b = moment(first, weights, total), moment(second, weights, total)
        shared = moment(first * second, weights, total) - a * b
        spread = (moment(first**2, weights, total) - a**2) * (moment(second**2, weights, total) - b**2)
        return shared / np.sqrt(spread)

    return float(rho(np.ones((1, len(x))), np.array([len(x)]))[0]), rho(times, n)
