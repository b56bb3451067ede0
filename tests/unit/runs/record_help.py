"""Runs on record for tests: what an evaluation knows, row by row, as a session writes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pytest_genaiops import Evaluation, Score, Verdict, evaluate
from pytest_genaiops.config import Settings
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.registry import metric_names
from pytest_genaiops.score.metric import MetricHandle
from pytest_genaiops.store import ItemRow, PartRow, ScoreRow, TrialRow, Writer, new_id

Command = Callable[..., tuple[int, list[str], str]]
"""Arguments of ``genaiops`` -> exit code, lines of standard output, standard error."""
TITLE = "tests/test_qa.py::test_answers"
RULES = {"confidence": 0.95, "seed": 12345, "undecided": "fail"}
WORDS = ("red", "green", "blue", "grey", "pink", "gold", "teal", "plum")


def rows(count: int = 24) -> list[dict[str, Any]]:
    """Cases with two recorded systems, of which v2 is right more often."""
    found = []
    for number in range(count):
        right = f"the {WORDS[number % 8]} house of number {number}"
        found.append(
            {
                "id": f"c{number}",
                "input": f"Which house is number {number}?",
                "reference": right,
                "label": WORDS[number % 2],
                "context": f"It is {right}.",
                "slice_half": "first" if number < count // 2 else "second",
                "responses": {
                    "v1": {
                        "text": right if number % 3 else "the red house",
                        "latency": 0.5 + number / 100,
                        "label": "red",
                    },
                    "v2": {"text": right if number % 4 else "it is blue", "label": WORDS[number % 3]},
                },
            }
        )
    return found


def evaluated(tmp_path: Path, metrics: Sequence[Any] = ("exact_match", "bleu"), count: int = 24) -> Evaluation:
    """An evaluation of these rows."""
    return evaluate(rows(count), metrics=metrics, settings=Settings(root=tmp_path))


def recorded(
    folder: Path,
    evaluation: Evaluation,
    *,
    title: str = TITLE,
    facts: Mapping[str, Any] | None = None,
    verdicts: Mapping[str, Sequence[tuple[str, Verdict]]] | None = None,
    items: Mapping[str, Sequence[ItemRow]] | None = None,
    run: str | None = None,
) -> str:
    """Write a run with this evaluation as its suite; gives its id. ``run`` continues one that was begun."""
    now = time.time()
    name = run or new_id(now)
    writer = Writer(folder / ".genaiops", name)
    writer.begin(now, {"kind": "pytest", "rules": RULES, "command": ["pytest"], "python": "3.11"})
    _write_suite(writer, evaluation, (title, facts or {}), (verdicts or {}, items or {}))
    writer.end(now + 2, 0, {})
    writer.close()
    return name


def _write_suite(
    writer: Writer,
    evaluation: Evaluation,
    named: tuple[str, Mapping[str, Any]],
    judged: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> None:
    suite = evaluation.suite
    known = {
        "dataset": suite.dataset.name,
        "dataset_hash": suite.dataset.hash,
        "n": len(suite.cases),
        "trials": suite.trials,
        "coverage": suite.coverage,
        "pass_rate": None,
        "baseline": "v1",
        "by_case": False,
        "notes": [],
    } | named[1]
    number = writer.suite(named[0], known)
    writer.cases(number, enumerate(suite.cases))
    places = {case.id: position for position, case in enumerate(suite.cases)}
    for place, variant in enumerate(suite.variants):
        facts = {"hash": variant.hash, "place": place, "axes": dict(variant.axes)}
        own = writer.variant(number, variant.id, facts)
        given = evaluation.responses[variant.id]
        keys = [(places[r.trial.case.id], r.trial.index) for r in given if r.trial]
        writer.trials(own, (TrialRow(position=p, trial=t, response=r) for (p, t), r in zip(keys, given, strict=True)))
        for handle in evaluation.handles.values():
            _write_metric(writer, own, handle, (evaluation, variant.id, keys), by_case=bool(known["by_case"]))
        for test, found in judged[0].items():
            if test.endswith(f"[{variant.id}]"):
                writer.verdicts(own, test, found)
        for item in judged[1].get(variant.id, ()):
            writer.item(own, item)


def _write_metric(writer: Writer, own: int, handle: MetricHandle, of: tuple[Any, ...], *, by_case: bool) -> None:
    evaluation, variant, keys = of
    found = handle(evaluation.responses[variant])
    members = [found] if isinstance(found, Score) else list(found.scores())
    table = members[0].table
    parts = [
        PartRow(
            name=each.name,
            path=each.path,
            scale=each.scale,
            higher_is_better=each.higher_is_better,
            is_mean=each.part.is_mean,
        )
        for each in members
    ]
    number = writer.metric(own, table.signature, handle.name, options_of(handle.metric), parts)
    writer.measurements(number, ((p, t, m) for (p, t), m in zip(keys, table.measurements, strict=True)))
    if not by_case:
        writer.scores(number, (row for each in members for row in _scores(each)))


def _scores(score: Score) -> Iterator[ScoreRow]:
    for cut, each in {"": score, **score.slices()}.items():
        yield ScoreRow(
            name=each.name,
            slice=cut,
            value=each.value,
            interval=each.interval() if each.n else None,
            n=each.n,
            unscored=each.unscored,
        )


def options_of(metric: Metric) -> dict[str, Any] | None:
    """The options that are not at their defaults; None of a metric of somebody's own."""
    if metric.name not in metric_names():
        return None
    return {
        field.name: value
        for field in fields(metric)  # type: ignore[arg-type]
        if (value := getattr(metric, field.name)) != field.default
    }
