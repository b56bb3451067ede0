"""Rows to nouns: what a folder has on record."""

from __future__ import annotations

import json
import math
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.wire import record_of
from pytest_genaiops.dataset.text import place, printable, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case, Explanation, Measurement, Response, ResponseError, Statistics
from pytest_genaiops.store.file import NAME, mend, opened
from pytest_genaiops.store.rows import (
    ItemRow,
    MetricRow,
    PartRow,
    RunRow,
    ScoreRow,
    SuiteRow,
    TrialRow,
    VariantRow,
    VerdictRow,
)

_RUNS = (
    "SELECT id, started, runs.facts, ended, exit, ends.facts FROM runs LEFT JOIN ends ON run = id "
    "ORDER BY started DESC, id DESC"
)
_LATEST = "latest"
_REMOVED = Response(error=ResponseError(kind="missing", message="the response was removed from the record"))


class Store:
    """The runs that a folder has on record. Sessions may write meanwhile.

    Raises UsageError where there are none yet, or the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._shown = place(folder / NAME, Path.cwd())
        try:
            self._connection = opened(folder, make=False)
        except sqlite3.Error as error:
            raise UsageError(f"{self._shown} cannot be read ({error}); {mend(error)}") from None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def runs(self) -> list[RunRow]:
        """Every run, the newest first."""
        return [
            RunRow(
                id=name,
                started=started,
                facts=json.loads(facts),
                ended=ended,
                exit=code,
                closing=json.loads(closing or "{}"),
            )
            for name, started, facts, ended, code, closing in self._all(_RUNS)
        ]

    def run(self, name: str = _LATEST) -> RunRow:
        """The run of an id, of the beginning of one, or ``latest``; ``latest~1`` is the one before.

        Raises:
            UsageError: there is no such run, or several begin like this.
        """
        runs = self.runs()
        if not runs:
            raise UsageError("no run is on record yet")
        word, _, back = name.partition("~")
        if word == _LATEST and (back.isdecimal() or not _):
            number = int(back or 0)
            if number >= len(runs):
                raise UsageError(f"there is no run {printable(name)}: {len(runs)} are on record")
            return runs[number]
        found = [run for run in runs if run.id == name] or [run for run in runs if name and run.id.startswith(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{len(found)} runs begin with {printable(name)}; give more of the id")
        raise UsageError(f"there is no run {printable(name) or 'without a name'}; `genaiops runs list` names them")

    def suites(self, run: str) -> list[SuiteRow]:
        """The suites of a run, by title."""
        rows = self._all("SELECT id, title, facts FROM suites WHERE run = ? ORDER BY title", run)
        return [SuiteRow(id=number, title=title, facts=json.loads(facts)) for number, title, facts in rows]

    def names(self, run: str) -> tuple[list[str], list[str]]:
        """The titles of the suites of a run, and the names of its variants."""
        titles = self._all("SELECT title FROM suites WHERE run = ? ORDER BY title", run)
        names = self._all(
            "SELECT DISTINCT name FROM variants JOIN suites ON suites.id = suite WHERE run = ? ORDER BY name", run
        )
        return [title for (title,) in titles], [name for (name,) in names]

    def variants(self, suite: int) -> list[VariantRow]:
        """The variants of a suite, in its order."""
        rows = self._all(
            "SELECT id, name, text FROM variants LEFT JOIN contents ON digest = content WHERE suite = ?", suite
        )
        found = [VariantRow(id=number, name=name, facts=json.loads(text or "{}")) for number, name, text in rows]
        return sorted(found, key=lambda each: (each.facts.get("place", 0), each.name))

    def cases(self, suite: int) -> dict[int, Case]:
        """The cases of a suite by position; one whose text was removed has an id alone."""
        rows = self._all(
            "SELECT position, text FROM cases LEFT JOIN contents ON digest = content WHERE suite = ? ORDER BY position",
            suite,
        )
        return {position: _case(position, text) for position, text in rows}

    def trials(self, variant: int) -> Iterator[TrialRow]:
        """The responses of a variant, by case and trial; one whose text was removed is missing."""
        with self._reading(
            "SELECT position, trial, answers.text, prompts.text FROM trials "
            "LEFT JOIN contents AS answers ON answers.digest = response "
            "LEFT JOIN contents AS prompts ON prompts.digest = prompt WHERE variant = ? ORDER BY position, trial",
            variant,
        ) as rows:
            for position, trial, text, prompt in rows:
                yield TrialRow(
                    position=position,
                    trial=trial,
                    response=_REMOVED if text is None else record_of(Response, json.loads(text)),
                    prompt=None if prompt is None else json.loads(prompt),
                )

    def metrics(self, variant: int) -> list[MetricRow]:
        """The metrics that a variant was measured by, by signature."""
        rows = self._all("SELECT id, signature, facts FROM metrics WHERE variant = ? ORDER BY signature", variant)
        return [_metric(number, signature, json.loads(facts)) for number, signature, facts in rows]

    def measurements(self, metric: int) -> Iterator[tuple[int, int, Measurement]]:
        """(position, trial, measurement) of a metric, by case and trial; those without a score come last."""
        with self._reading(
            "SELECT position, trial, statistics, text FROM measurements LEFT JOIN contents ON digest = evidence "
            "WHERE metric = ? ORDER BY position, trial",
            metric,
        ) as rows:
            for position, trial, value, text in rows:
                if text is None and value.__class__ is float:  # nearly every one
                    yield position, trial, Measurement(statistics=(value,))
                else:
                    said = None if text is None else record_of(Explanation, json.loads(text))
                    yield position, trial, Measurement(statistics=unpacked(value), explanation=said)
        with self._reading(
            "SELECT position, trial, kind, text FROM unscored LEFT JOIN contents ON digest = reason "
            "WHERE metric = ? ORDER BY position, trial",
            metric,
        ) as rows:
            for position, trial, kind, text in rows:
                yield position, trial, Measurement(kind=kind, reason=json.loads(text or '""'))

    def scores(self, metric: int) -> list[ScoreRow]:
        """The numbers of a metric as the run worked them out; none where it judged case by case."""
        rows = self._all(
            "SELECT part, slice, value, low, high, n, unscored FROM scores WHERE metric = ? ORDER BY part, slice",
            metric,
        )
        return [
            ScoreRow(
                name=part,
                slice=cut,
                value=value,
                interval=None if low is None or high is None else (low, high),
                n=n,
                unscored=unscored,
            )
            for part, cut, value, low, high, n, unscored in rows
        ]

    def verdicts(self, variant: int) -> list[VerdictRow]:
        """What was decided about a variant, by test."""
        rows = self._all(
            "SELECT test, metric, text FROM verdicts LEFT JOIN contents ON digest = content WHERE variant = ? "
            "ORDER BY test, number",
            variant,
        )
        return [VerdictRow(test=test, metric=metric, facts=json.loads(text or "{}")) for test, metric, text in rows]

    def items(self, variant: int) -> list[ItemRow]:
        """The test items of a variant, by node id."""
        rows = self._all(
            "SELECT test, position, trial, outcome, text, seconds FROM items LEFT JOIN contents ON digest = message "
            "WHERE variant = ? ORDER BY test",
            variant,
        )
        return [
            ItemRow(
                test=test,
                position=position,
                trial=trial,
                outcome=outcome,
                message=json.loads(text or '""'),
                seconds=seconds,
            )
            for test, position, trial, outcome, text, seconds in rows
        ]

    def _all(self, sql: str, *values: Any) -> list[Any]:
        with self._reading(sql, *values) as rows:
            return list(rows)

    def each(self, sql: str, *values: Any) -> Iterator[Any]:
        """The rows of a query of this room's own, one by one; raises UsageError where they cannot be read."""
        with self._reading(sql, *values) as rows:
            yield from rows

    @contextmanager
    def _reading(self, sql: str, *values: Any) -> Iterator[sqlite3.Cursor]:
        """The rows of a query; what is wrong with them, or with the file, is raised as UsageError."""
        try:
            with closing(self._connection.execute(sql, values)) as cursor:
                yield cursor
        except sqlite3.Error as error:
            raise UsageError(f"{self._shown} cannot be read ({error}); {mend(error)}") from None
        except (ValueError, TypeError, KeyError) as error:
            what = quoted(str(error))
            raise UsageError(f"{self._shown} holds a row that this version cannot read ({what}); upgrade it") from None


def unpacked(value: float | bytes | str) -> Statistics:
    """The statistics that :func:`~pytest_genaiops.store.write.packed` made a value of."""
    if isinstance(value, bytes):
        found = array("d")
        found.frombytes(value)
        return tuple(found)
    if isinstance(value, str):
        return {_key(key): number for key, number in json.loads(value)}
    return (float(value),)


def _key(given: Any) -> Any:
    """A key of statistics, which are hashable."""
    return tuple(map(_key, given)) if isinstance(given, list) else given


def _case(position: int, text: str | None) -> Case:
    return Case(id=f"removed-{position}") if text is None else record_of(Case, json.loads(text))


def _metric(number: int, signature: str, facts: dict[str, Any]) -> MetricRow:
    parts = [record_of(PartRow, {**part, "scale": _scale(part["scale"])}) for part in facts["parts"]]
    return MetricRow(id=number, signature=signature, name=facts["name"], options=facts["options"], parts=parts)


def _scale(ends: Sequence[float | None]) -> tuple[float, float]:
    low, high = ends
    return (-math.inf if low is None else low, math.inf if high is None else high)
