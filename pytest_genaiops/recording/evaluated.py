"""An evaluation in code as a run on record."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from pytest_genaiops.config import Settings
from pytest_genaiops.dataset.text import printable
from pytest_genaiops.errors import UsageError
from pytest_genaiops.recording.facts import settings_facts
from pytest_genaiops.recording.origin import origin
from pytest_genaiops.recording.suites import SuiteRecord
from pytest_genaiops.records import Responses
from pytest_genaiops.run import Measurements, Suite
from pytest_genaiops.score import Score
from pytest_genaiops.store import NAME, Writer, new_id

Scored = Iterable[tuple[Score, Measurements | None]]
"""Scores, each with what knows the measurements behind it."""


def record_evaluation(
    root: Path, suite: Suite, responses: Mapping[str, Responses], scores: Mapping[str, Scored]
) -> str:
    """Write responses and scores, by variant, as a run of kind ``evaluate``; gives the id of the run.

    Raises UsageError where the record cannot be written.
    """
    settings, started = Settings(root=root), time.time()
    facts = {"kind": "evaluate", "command": [], **origin(root), **settings_facts(settings)}
    with closing(Writer(root / settings.folder, new_id(started))) as writer:
        try:
            writer.begin(started, facts)
            record = SuiteRecord(writer, suite.dataset.title, suite, facts={"by_case": False, "notes": []}, root=root)
            for name, found in responses.items():
                record.answers(found)
                for score, known in scores[name]:
                    _write(record, score, known or Measurements(), found)
            writer.end(time.time(), 0, {})
        except sqlite3.Error as error:
            place = f"{printable(settings.folder)}/{NAME}"
            raise UsageError(f"{place} cannot be written ({error}); the evaluation is not on record") from None
        return writer.run


def _write(record: SuiteRecord, score: Score, known: Measurements, responses: Responses) -> None:
    record.measured(score, known, [responses])
    variant = record.record_of(score.table.responses)
    if variant is not None:
        for part, cut in {"": score, **score.slices()}.items():
            variant.score(cut, part, cut.interval() if cut.n else None)
