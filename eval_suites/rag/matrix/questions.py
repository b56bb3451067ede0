"""The questions of the suite, with the places where their evidence stands in the corpus of the interpreter at hand."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval_suites.rag.app.corpus import span

FILE = Path(__file__).parents[3] / "datasets" / "python_library_questions.jsonl"
MOST_REWORDED = 0.1
"""Share of the questions whose evidence another release of Python may word otherwise."""


class EvidenceError(ValueError):
    """Too many quotes that the corpus does not have."""


def answerable(file: Path = FILE) -> list[dict[str, Any]]:
    """Rows whose ``evidence`` (quotes) has become ``relevant`` (spans), as the metric ``retrieval`` reads it.

    A question with a quote that does not stand in its document once is left out with a warning that names it. Raises
    EvidenceError where that are more than a tenth.
    """
    rows = [row for row in _rows(file) if row["evidence"]]
    spans = {row["id"]: [_relevant(**quoted) for quoted in row["evidence"]] for row in rows}
    lost = [name for name, found in spans.items() if None in found]
    if lost:
        what = f"{len(lost)} of {len(rows)} questions are left out, for this Python words their evidence otherwise: "
        message = what + ", ".join(lost)
        if len(lost) > MOST_REWORDED * len(rows):
            raise EvidenceError(message + "; quote them anew")
        warnings.warn(message, stacklevel=2)
    return [_row(row, spans[row["id"]]) for row in rows if row["id"] not in lost]


def unanswerable(file: Path = FILE) -> list[dict[str, Any]]:
    """Rows for which nothing is relevant: the application is to decline."""
    return [_row(row, []) for row in _rows(file) if not row["evidence"]]


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _row(row: dict[str, Any], relevant: list[Any]) -> dict[str, Any]:
    return {**{name: value for name, value in row.items() if name != "evidence"}, "relevant": relevant}


def _relevant(source: str, quote: str) -> dict[str, Any] | None:
    found = span(source, quote)
    return None if found is None else {"source": source, "start": found[0], "end": found[1]}
