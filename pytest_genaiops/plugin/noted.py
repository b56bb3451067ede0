"""What a session notes of its items, and how that becomes rows of the record."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.recording import SuiteRecord, VariantRecord
from pytest_genaiops.records import Case, Response, Verdict
from pytest_genaiops.report.table import Row
from pytest_genaiops.run import Measurements
from pytest_genaiops.score import Score
from pytest_genaiops.score.arriving import ArrivingScore
from pytest_genaiops.store import ItemRow, Store, Writer

LONGEST = 4096
"""Characters of an item's message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One item and what became of it."""

    binding: Any
    """What it evaluates."""
    by_case: bool
    """Whether the test judges case by case."""
    notes: Sequence[str] = ()
    """What a reader of the suite's numbers has to know."""
    test: str
    """Node id."""
    phase: str
    """That has decided: ``setup``, ``call`` or ``teardown``."""
    case: Case | None = None
    trial: int = 1
    outcome: str
    message: str = ""
    seconds: float
    progress: Any = None
    """What the item asked for; None for a gate."""
    scores: Sequence[tuple[Score, str, Row]] = ()
    """Each score with the slice that it is over, and its row in the summary."""
    verdict: Verdict | None = None
    """A gate's."""


class Rows:
    """Writes the items of one process."""

    def __init__(self, writer: Writer, root: Path, measurements: Measurements) -> None:
        self.writer = writer
        self._root = root
        self._measurements = measurements
        self._suites: dict[str, SuiteRecord] = {}

    def write(self, noted: Noted) -> None:
        """Write an item with all that it asked for."""
        suite = self._suite(noted)
        record = suite.variant(noted.binding.variant)
        if noted.progress is not None:
            self._asked(suite, record, noted)
        if noted.verdict is not None:
            record.verdicts(noted.test, [("", noted.verdict)])
        record.item(
            ItemRow(
                test=noted.test,
                position=None if noted.case is None else suite.places[noted.case.id],
                trial=noted.trial,
                outcome=noted.outcome,
                message=noted.message,
                seconds=noted.seconds,
            )
        )

    def _suite(self, noted: Noted) -> SuiteRecord:
        title = noted.binding.title
        known = self._suites.get(title)
        if known is None:
            facts = {"by_case": noted.by_case, "notes": noted.notes}
            known = SuiteRecord(self.writer, title, noted.binding.suite, facts=facts, root=self._root)
            self._suites[title] = known
        return known

    def _asked(self, suite: SuiteRecord, record: VariantRecord, noted: Noted) -> None:
        """Responses, measurements, scores and verdicts, each under the variant that it is about."""
        progress = noted.progress
        groups: list[Sequence[Response]] = [*progress.datasets, *([each] for each in progress.responses)]
        for group in groups:
            suite.answers(group)
        self._measured(suite, noted, groups)
        for score, part, row in noted.scores:
            (suite.record_of(score.table.responses) or record).score(score, part, row.interval)
        for score, verdict in progress.verdicts:
            if metric_of(score) is None:
                record.own_values(score)
                record.score(score, "", verdict.interval if verdict.value == score.value else None)
        if progress.verdicts:
            record.verdicts(noted.test, [(score.name, verdict) for score, verdict in progress.verdicts])

    def _measured(self, suite: SuiteRecord, noted: Noted, groups: Sequence[Sequence[Response]]) -> None:
        progress = noted.progress
        seen: set[tuple[str, int]] = set()
        for score in progress.scores:
            key = (score.table.signature, id(score.table.responses))
            if key not in seen:  # the members of a group share what was measured
                seen.add(key)
                suite.measured(score, self._measurements, groups)
        if "baseline" in noted.binding.wants:
            for metric, signature in _compared(progress.verdicts).items():
                for group in groups:
                    suite.remembered(metric, signature, group, self._measurements)


def metric_of(score: Score) -> Metric | None:
    """The metric of a score; of one whose responses are still arriving too, without calling for them."""
    call = score.call if isinstance(score, ArrivingScore) else None
    return score.table.metric if call is None else call.metric


def _compared(verdicts: Sequence[tuple[Score, Verdict]]) -> dict[Metric, str]:
    """The metrics of scores that were judged, with their signatures: a baseline was measured by them as well."""
    found: dict[Metric, str] = {}
    for score, _ in verdicts:
        if (metric := metric_of(score)) is not None:
            found[metric] = score.signature.partition("|part:")[0]
    return found


def message_of(report: Any, root: Path) -> str:
    """Why an item did not pass, in its own words: the assertion's message, or the reason of a skip."""
    found = report.longrepr
    if found is None:
        return ""
    if isinstance(found, tuple):  # of a skip: file, line and reason
        text = str(found[2])
    else:
        crash = getattr(found, "reprcrash", None)
        text = str(found if crash is None else crash.message)
    text = text.replace(f"{root}{os.sep}", "")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def write_lost(writer: Writer, folder: Path, lost: Mapping[str, str]) -> None:
    """Items that took their worker with them, under the suites and variants that others have on record."""
    with closing(Store(folder)) as store:
        for suite in store.suites(writer.run):
            mine = {test: message for test, message in lost.items() if test.partition("[")[0] == suite.title}
            if not mine:
                continue
            names = {variant.name: variant.id for variant in store.variants(suite.id)}
            places = {_escaped(case.id): position for position, case in store.cases(suite.id).items()}
            for test, message in mine.items():
                parameters = f"-{test.partition('[')[2].removesuffix(']')}-"
                named = [name for name in names if f"-{_escaped(name)}-" in parameters]
                if named:
                    place, trial = _place(parameters[:-1], places, trials=suite.facts.get("trials", 1))
                    row = ItemRow(test=test, position=place, trial=trial, outcome="lost", message=message[:LONGEST])
                    writer.item(names[max(named, key=len)], row)


def _place(parameters: str, places: Mapping[str, int], *, trials: int) -> tuple[int | None, int]:
    """The position of the case that a node id ends in, and the trial."""
    head, _, last = parameters.rpartition("-t")
    trial = int(last) if trials > 1 and last.isdecimal() else 1
    text = head if trials > 1 and last.isdecimal() else parameters
    named = [case for case in places if text.endswith(f"-{case}")]
    return (places[max(named, key=len)] if named else None), trial


def _escaped(name: str) -> str:
    """As a node id has it."""
    return name.encode("unicode_escape").decode("ascii").replace("::", ":")
