"""Public outputs of real systems, joined by id into datasets with recorded responses.

The public files are in long form, one row per document and system. A dataset of this plugin has
one row per document, with a response of every system. Joined files are written below
``.genaiops/`` (git-ignored), never into the project.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).parents[2]
JOINED = ROOT / ".genaiops" / "public"
FILES = (
    "wmt21_ted_ende_segments.jsonl",
    "wmt21_ted_ende_outputs.jsonl",
    "summeval_documents.jsonl",
    "summeval_outputs.jsonl",
    "ragtruth_qa_dev.jsonl",
    "summeval_judge_ratings.jsonl",
)

DECLINED = "Unable to answer based on given passages."
"""What RAGTruth's models were told to reply where the passages do not hold the answer."""

Row: TypeAlias = Mapping[str, Any]


def folder() -> Path:
    """The folder with the public files, whether it is there or not."""
    return Path(os.environ.get("GENAIOPS_PUBLIC_DATA") or ROOT.parent / "shared" / "data").resolve()


def missing(folder: Path) -> str:
    """Why the suite cannot run, in one line; empty where it can."""
    absent = [name for name in FILES if not (folder / name).is_file()]
    if not absent:
        return ""
    what = f"is no folder {folder}" if not folder.is_dir() else f"is no {', '.join(absent)} in {folder}"
    return f"the public data is absent: there {what}; set GENAIOPS_PUBLIC_DATA to the folder that has it"


def rows(path: Path) -> Iterator[Row]:
    """Rows of a JSON Lines file."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def translations(segments: Iterable[Row], outputs: Iterable[Row]) -> list[Row]:
    """One row per segment: id, source, references, responses of every system."""
    return _beside(segments, _by_id(outputs, "translation"))


def summaries(documents: Iterable[Row], outputs: Iterable[Row]) -> list[Row]:
    """One row per article: id, document, references, responses of every system."""
    return _beside(documents, _by_id(outputs, "summary"))


def answers(outputs: Iterable[Row]) -> list[Row]:
    """One row per question that *every* model answered: id, question, context, responses.

    A model that was never asked a question has not failed it, one that declines claims nothing
    that a passage could support, and models are compared on the same questions only: so
    questions that lack the answer of a model are left out.
    """
    asked: dict[str, Row] = {}
    responses: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in outputs:
        asked.setdefault(row["group"], row)
        if row["answer"].strip() != DECLINED:
            responses[row["group"]][row["model"]] = row["answer"]
    models = {model for given in responses.values() for model in given}
    return [
        {"id": group, "question": row["question"], "context": row["context"], "responses": responses[group]}
        for group, row in asked.items()
        if responses[group].keys() == models
    ]


def judgements(ratings: Iterable[Row], outputs: Iterable[Row]) -> list[Row]:
    """One row per summary: its article as cluster, whether experts found it consistent, and every judge prompt's word.

    The experts' rule is full marks from all three; a judge prompt's is full marks, 5, as well. A reply that nobody
    could parse stays null, and is a response without a label.
    """
    truth = {(row["id"], row["system"]): row["consistent"] for row in outputs}
    return [
        {
            "id": f"{row['id']}-{row['system']}",
            "cluster": row["id"],
            "label": _verdict(truth[row["id"], row["system"]]),
            "responses": {
                prompt: None if mark is None else _verdict(mark == 5)
                for prompt, mark in row["judge_consistency"].items()
            },
        }
        for row in ratings
    ]


def write(name: str, joined: Iterable[Row]) -> str:
    """Write a dataset and give its path relative to the root.

    The file appears whole or not at all: workers that run side by side write the same bytes.
    """
    JOINED.mkdir(parents=True, exist_ok=True)
    path = JOINED / f"{name}.jsonl"
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=JOINED, suffix=".part", delete=False) as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in joined)
    Path(file.name).replace(path)
    return path.relative_to(ROOT).as_posix()


def _verdict(consistent: object) -> str:
    return "consistent" if consistent else "inconsistent"


def _by_id(outputs: Iterable[Row], field: str) -> dict[str, dict[str, str]]:
    responses: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in outputs:
        responses[row["id"]][row["system"]] = row[field]
    return responses


def _beside(documents: Iterable[Row], responses: Mapping[str, Mapping[str, str]]) -> list[Row]:
    return [{**row, "responses": responses[row["id"]]} for row in documents]
