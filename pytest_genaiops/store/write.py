"""Runs to rows: gathered, and written together; the same facts from two processes are one row."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from pytest_genaiops.clients.database import transaction
from pytest_genaiops.records import Case, Measurement, Statistics, Verdict
from pytest_genaiops.store.file import NAME, identity, opened
from pytest_genaiops.store.redaction import Hook, Redaction
from pytest_genaiops.store.rows import ItemRow, PartRow, ScoreRow, TrialRow
from pytest_genaiops.store.texts import as_text, digest_of, fields_of

TOGETHER = 5000
"""Rows that are gathered before they are written."""
AT_LEAST_EVERY = 1.0
"""Seconds after which what has been gathered is written, when the next row comes."""
_WIDTHS = {
    "contents": 2,
    "cases": 3,
    "trials": 5,
    "measurements": 5,
    "unscored": 5,
    "scores": 8,
    "verdicts": 5,
    "items": 7,
}
"""Columns by table, in the order in which they are written: what is referred to stands first."""
_LAST_COUNTS = {"verdicts", "items"}
"""Of an item that is run again the last outcome counts; of everything else the first."""
_AT_ONCE = 100
"""Rows of one statement: SQLite takes them three times as fast as one by one."""
_BATCH = 1000
_NAMES = ("id", "cluster", "source", "slices")
"""Fields of a case that rows are found and grouped by."""
T = TypeVar("T")


def new_id(now: float) -> str:
    """A name for a run that begins now, in the order of time: ``20261130T102940-3f9a1c``."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}-{os.urandom(3).hex()}"


class Writer:
    """Writes one run into the record of a folder. Any thread may use it, and any number of processes the file.

    Nothing is opened or made before something is written; :meth:`begin` comes first. Secrets are taken out of whatever
    is written (:mod:`~pytest_genaiops.store.redaction`), and so is what the functions of ``redact`` leave out.

    Raises, wherever it writes: UsageError for a file of a later version or of another program; sqlite3.Error.
    """

    def __init__(self, folder: Path, run: str, *, redact: Sequence[Hook] = ()) -> None:
        self.run = run
        self._folder = folder
        self._redaction = Redaction(redact)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: object = None
        """What tells the connection's file from another one of its name."""
        self._gathered: dict[str, list[Any]] = {table: [] for table in _WIDTHS}
        """The values of rows, one row after the other."""
        self._count = 0
        self._limit = TOGETHER
        self._written = time.monotonic()
        self._ids: dict[tuple[Any, ...], int] = {}
        self._held: set[bytes] = set()
        """Digests of the contents that are gathered. Not of those in the file: somebody may remove them from there."""

    def begin(self, started: float, facts: Mapping[str, Any]) -> None:
        """Note the run. Workers of one session may all do so: the first counts."""
        self._write("INSERT OR IGNORE INTO runs VALUES (?, ?, ?)", (self.run, started, self._redaction.text(facts)))

    def end(self, ended: float, code: int, facts: Mapping[str, Any]) -> None:
        """Write what has been gathered, and note how the run ended."""
        self.flush()
        self._write(
            "INSERT OR REPLACE INTO ends VALUES (?, ?, ?, ?)", (self.run, ended, code, self._redaction.text(facts))
        )

    def suite(self, title: str, facts: Mapping[str, Any]) -> int:
        """The id of a suite of this run, which is noted when it is new."""
        key = (self.run, self._redaction.name(title))
        return self._id("suites", ("run", "title", "facts"), key, lambda: self._redaction.text(facts))

    def variant(self, suite: int, name: str, facts: Mapping[str, Any]) -> int:
        """The id of a variant of a suite."""
        key = (suite, self._redaction.name(name))
        return self._id("variants", ("suite", "name", "content"), key, lambda: self._content(facts))

    def metric(
        self, variant: int, signature: str, name: str, options: Mapping[str, Any] | None, parts: Iterable[PartRow]
    ) -> int:
        """The id of a metric of a variant."""

        def facts() -> str:
            found = [fields_of(part) | {"scale": [_finite(end) for end in part.scale]} for part in parts]
            return self._redaction.text({"name": name, "options": options, "parts": found})

        return self._id("metrics", ("variant", "signature", "facts"), (variant, signature), facts)

    def cases(self, suite: int, cases: Iterable[tuple[int, Case]]) -> None:
        """The cases of a suite by their position."""
        for batch in _batches(cases):
            with self._lock:
                gathered = self._gathered["cases"]
                for position, case in batch:
                    facts = fields_of(case)
                    # Recorded responses stand under the variants that gave them.
                    facts.pop("recorded", None)
                    gathered += (suite, position, self._content(facts, names=_NAMES))
                self._came(len(batch))

    def trials(self, variant: int, rows: Iterable[TrialRow]) -> None:
        """Responses of a variant, each with the rendered prompt where there is one."""
        for batch in _batches(rows):
            with self._lock:
                gathered = self._gathered["trials"]
                for row in batch:
                    response = self._content(fields_of(row.response))
                    prompt = None if row.prompt is None else self._content(row.prompt)
                    gathered += (variant, row.position, row.trial, response, prompt)
                self._came(len(batch))

    def measurements(self, metric: int, rows: Iterable[tuple[int, int, Measurement]]) -> None:
        """Measurements under a metric: position of the case, trial, and what was measured."""
        for batch in _batches(rows):
            with self._lock:
                gathered = self._gathered["measurements"]
                for position, trial, each in batch:
                    statistics, said = each.statistics, each.explanation
                    if statistics is None:
                        unscored = (metric, position, trial, each.kind or "metric", self._content(each.reason))
                        self._gathered["unscored"] += unscored
                    else:
                        evidence = None if said is None else self._content(fields_of(said))
                        gathered += (metric, position, trial, packed(statistics), evidence)
                self._came(len(batch))

    def scores(self, metric: int, rows: Iterable[ScoreRow]) -> None:
        """Numbers as the run worked them out."""
        with self._lock:
            for row in rows:
                low, high = row.interval or (None, None)
                cut = self._redaction.name(row.slice)
                self._gathered["scores"] += (metric, row.name, cut, row.value, low, high, row.n, row.unscored)
                self._came(1)

    def verdicts(self, variant: int, test: str, verdicts: Iterable[tuple[str, Verdict]]) -> None:
        """What an item decided: (name of the score, verdict) in the order in which it did."""
        name = self._redaction.name(test)
        with self._lock:
            for number, (metric, verdict) in enumerate(verdicts):
                content = self._content(fields_of(verdict))
                self._gathered["verdicts"] += (variant, name, number, metric, content)
                self._came(1)

    def item(self, variant: int, item: ItemRow) -> None:
        """What became of an item."""
        name = self._redaction.name(item.test)
        with self._lock:
            message = self._content(item.message) if item.message else None
            row = (variant, name, item.position, item.trial, item.outcome, message, item.seconds)
            self._gathered["items"] += row
            self._came(1)

    def flush(self) -> None:
        """Write what has been gathered."""
        with self._lock:
            self._written = time.monotonic()
            if self._count:
                # Where it cannot be written, it is not tried again with the very next row.
                self._limit = self._count + TOGETHER
                connection = self._opened()
                with transaction(connection):
                    self._insert(connection)
                self._forget()

    def close(self) -> None:
        """Let go of the file, without writing what has been gathered."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _came(self, count: int) -> None:
        """Count rows that were gathered; write them where there are enough."""
        self._count += count
        if self._count >= self._limit or time.monotonic() - self._written > AT_LEAST_EVERY:
            self.flush()

    def _insert(self, connection: sqlite3.Connection) -> None:
        for table, values in self._gathered.items():
            width = _WIDTHS[table]
            several = _AT_ONCE * width
            whole = len(values) // several * several
            for start in range(0, whole, several):
                connection.execute(_insertion(table, _AT_ONCE), values[start : start + several])
            if whole < len(values):
                rest = values[whole:]
                connection.execute(_insertion(table, len(rest) // width), rest)

    def _forget(self) -> None:
        """Begin anew, once what has been gathered is in the file."""
        for values in self._gathered.values():
            values.clear()
        self._held.clear()
        self._count, self._limit = 0, TOGETHER

    def _content(self, value: Any, names: Sequence[str] = ()) -> bytes:
        """The digest under which a JSON value is kept."""
        text = self._redaction.text(value, names)
        digest = digest_of(text)
        if digest not in self._held:
            self._held.add(digest)
            self._gathered["contents"] += (digest, text)
            self._count += 1
        return digest

    def _id(self, table: str, columns: Sequence[str], key: tuple[Any, ...], facts: Callable[[], Any]) -> int:
        with self._lock:
            known = self._ids.get((table, *key))
            if known is None:
                connection = self._opened()
                names, marks = ", ".join(columns), ", ".join("?" * len(columns))
                where = " AND ".join(f"{column} = ?" for column in columns[:-1])
                value = facts()
                with transaction(connection):
                    self._insert(connection)  # the content that the row refers to
                    connection.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", (*key, value))  # noqa: S608 - our own names
                    known = connection.execute(f"SELECT id FROM {table} WHERE {where}", key).fetchone()[0]  # noqa: S608
                self._forget()
                self._ids[(table, *key)] = known
            return known

    def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        with self._lock:
            self._opened().execute(sql, values)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = opened(self._folder, make=True)
            self._file = identity(self._folder / NAME)
        elif identity(self._folder / NAME) != self._file:
            raise sqlite3.OperationalError("the file was removed or renamed while the run was written to it")
        return self._connection


@cache
def _insertion(table: str, rows: int) -> str:
    verb = "REPLACE" if table in _LAST_COUNTS else "IGNORE"
    row = f"({','.join('?' * _WIDTHS[table])})"
    columns = "(digest, text)" if table == "contents" else ""
    return f"INSERT OR {verb} INTO {table} {columns} VALUES {','.join([row] * rows)}"  # noqa: S608 - our own names


def _batches(rows: Iterable[T]) -> Iterable[Sequence[T]]:
    """Rows a thousand at a time: whatever makes them does so while other threads may write."""
    if isinstance(rows, list | tuple) and len(rows) <= _BATCH:
        return (rows,)
    each = iter(rows)
    first = list(islice(each, _BATCH))
    if len(first) < _BATCH:  # of an item that judges one case
        return (first,)
    return chain((first,), iter(lambda: list(islice(each, _BATCH)), []))


def packed(statistics: Statistics) -> float | bytes | str:
    """Statistics as SQLite holds them: one number, the bytes of several (doubles), or a JSON list of pairs."""
    if statistics.__class__ is not tuple and isinstance(statistics, Mapping):
        return as_text([[key, value] for key, value in statistics.items()])
    if len(statistics) == 1 and statistics[0] == statistics[0]:  # SQLite takes NaN for nothing
        return float(statistics[0])
    return array("d", statistics).tobytes()


def _finite(end: float) -> float | None:
    return end if abs(end) != float("inf") else None
