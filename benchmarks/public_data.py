"""Public answers with people's labels, how metrics score them, and tables of what comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Response

Row = dict[str, Any]
Lines = Iterator[str]


def rows(folder: Path, name: str) -> list[Row]:
    """Rows of one public file."""
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def consistency_rows(folder: Path) -> list[Row]:
    """Summaries of 12 systems; good where all three experts gave full marks for consistency."""
    documents = {row["id"]: row["document"] for row in rows(folder, "summeval_documents")}
    return [
        {"id": r["id"], "question": "", "context": documents[r["id"]], "answer": r["summary"], "label": r["consistent"],
         "group": r["id"]}
        for r in rows(folder, "summeval_outputs")
    ]  # fmt: skip


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


def filled(scores: Sequence[float | None]) -> list[float]:
    """An unscored answer counts as the worst there is, so that leaving one out can gain nothing here."""
    return [-1.0 if score is None else score for score in scores]


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> Lines:
    """A Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for cells in body:
        yield "| " + " | ".join(cells) + " |"
