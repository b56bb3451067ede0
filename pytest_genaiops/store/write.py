"""Runs to rows: gathered, and written together; the same facts from two processes are one row."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.database import transaction
from pytest_genaiops.clients.wire import plain
from pytest_genaiops.records import Case, Measurement, Statistics, Verdict
from pytest_genaiops.store.file import opened
from pytest_genaiops.store.rows import ItemRow, PartRow, ScoreRow, TrialRow

TOGETHER = 5000
"""Rows that are gathered before they are written."""
AT_LEAST_EVERY = 1.0
"""Seconds after which what has been gathered is written, when the next row comes."""

_INSERT = {
    "contents": "INSERT OR IGNORE INTO contents (digest, text) VALUES (?, ?)",
    "cases": "INSERT OR IGNORE INTO cases VALUES (?, ?, ?)",
    "trials": "INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?)",
    "measurements": "INSERT OR IGNORE INTO measurements VALUES (?, ?, ?, ?, ?)",
    "unscored": "INSERT OR IGNORE INTO unscored VALUES (?, ?, ?, ?, ?)",
    "scores": "INSERT OR IGNORE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    # Of an item that is run again the last outcome counts.
    "verdicts": "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)",
    "items": "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?)",
}
"""In the order in which they are written: what is referred to stands first."""


def new_id(now: float) -> str:
    """A name for a run that begins now, in the order of time: ``20261130T102940-3f9a1c``."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}-{os.urandom(3).hex()}"


class Writer:
    """Writes one run into the record of a folder. Any thread may use it, and any number of processes the file.

    Nothing is opened or made before something is written. ``clean`` is given every text before it is written, and
    gives it without what must not be kept.

    Raises, wherever it writes: UsageError for a file of a later version or of another program; sqlite3.Error.
    """

    def __init__(self, folder: Path, run: str, *, clean: Callable[[str], str] = str) -> None:
        self.run = run
        self._folder = folder
        self._clean = clean
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._gathered: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _INSERT}
        self._count = 0
        self._written = time.monotonic()
        self._ids: dict[tuple[Any, ...], int] = {}
        self._held: set[bytes] = set()
        """Digests that have been written or gathered by this process."""

    def begin(self, started: float, facts: Mapping[str, Any]) -> None:
        """Note the run. Workers of one session may all do so: the first counts."""
        self._write("INSERT OR IGNORE INTO runs VALUES (?, ?, ?)", (self.run, started, self._text(facts)))

    def end(self, ended: float, code: int, facts: Mapping[str, Any]) -> None:
        """Write what has been gathered, and note how the run ended."""
        self.flush()
        self._write("INSERT OR REPLACE INTO ends VALUES (?, ?, ?, ?)", (self.run, ended, code, self._text(facts)))

    def suite(self, title: str, facts: Mapping[str, Any]) -> int:
        """The id of a suite of this run, which is noted when it is new."""
        return self._id("suites", ("run", "title", "facts"), (self.run, title), lambda: self._text(facts))

    def variant(self, suite: int, name: str, facts: Mapping[str, Any]) -> int:
        """The id of a variant of a suite."""
        return self._id("variants", ("suite", "name", "content"), (suite, name), lambda: self._content(facts))

    def metric(
        self, variant: int, signature: str, name: str, options: Mapping[str, Any] | None, parts: Iterable[PartRow]
    ) -> int:
        """The id of a metric of a variant."""

        def facts() -> str:
            found = [plain(part) | {"scale": [_finite(end) for end in part.scale]} for part in parts]
            return self._text({"name": name, "options": options, "parts": found})

        return self._id("metrics", ("variant", "signature", "facts"), (variant, signature), facts)

    def cases(self, suite: int, cases: Iterable[tuple[int, Case]]) -> None:
        """The cases of a suite by their position."""
        for position, case in cases:
            # Recorded responses stand under the variants that gave them.
            self._add("cases", (suite, position, self._content(plain(replace(case, recorded={})))))

    def trials(self, variant: int, rows: Iterable[TrialRow]) -> None:
        """Responses of a variant, each with the rendered prompt where there is one."""
        for row in rows:
            prompt = None if row.prompt is None else self._content(row.prompt)
            self._add("trials", (variant, row.position, row.trial, self._content(plain(row.response)), prompt))

    def measurements(self, metric: int, rows: Iterable[tuple[int, int, Measurement]]) -> None:
        """Measurements under a metric: position of the case, trial, and what was measured."""
        for position, trial, each in rows:
            if each.statistics is None:
                reason = self._content(each.reason)
                self._add("unscored", (metric, position, trial, each.kind or "metric", reason))
            else:
                evidence = None if each.explanation is None else self._content(plain(each.explanation))
                self._add("measurements", (metric, position, trial, packed(each.statistics), evidence))

    def scores(self, metric: int, rows: Iterable[ScoreRow]) -> None:
        """Numbers as the run worked them out."""
        for row in rows:
            low, high = row.interval or (None, None)
            self._add("scores", (metric, row.name, row.slice, row.value, low, high, row.n, row.unscored))

    def verdicts(self, variant: int, test: str, verdicts: Iterable[tuple[str, Verdict]]) -> None:
        """What an item decided: (name of the score, verdict) in the order in which it did."""
        for number, (metric, verdict) in enumerate(verdicts):
            self._add("verdicts", (variant, test, number, metric, self._content(plain(verdict))))

    def item(self, variant: int, item: ItemRow) -> None:
        """What became of an item."""
        message = self._content(item.message) if item.message else None
        self._add("items", (variant, item.test, item.position, item.trial, item.outcome, message, item.seconds))

    def flush(self) -> None:
        """Write what has been gathered."""
        with self._lock:
            if self._count:
                connection = self._opened()
                with transaction(connection):
                    for table, rows in self._gathered.items():
                        connection.executemany(_INSERT[table], rows)
                for rows in self._gathered.values():
                    rows.clear()
                self._count = 0
            self._written = time.monotonic()

    def close(self) -> None:
        """Let go of the file, without writing what has been gathered."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _add(self, table: str, row: tuple[Any, ...]) -> None:
        with self._lock:
            self._gathered[table].append(row)
            self._count += 1
            if self._count >= TOGETHER or time.monotonic() - self._written > AT_LEAST_EVERY:
                self.flush()

    def _content(self, value: Any) -> bytes:
        """The digest under which a JSON value is kept."""
        text = self._text(value)
        digest = blake2b(text.encode("utf-8"), digest_size=16).digest()
        with self._lock:
            if digest not in self._held:
                self._held.add(digest)
                self._gathered["contents"].append((digest, text))
                self._count += 1
        return digest

    def _text(self, value: Any) -> str:
        return self._clean(as_text(value))

    def _id(self, table: str, columns: Sequence[str], key: tuple[Any, ...], facts: Callable[[], Any]) -> int:
        with self._lock:
            known = self._ids.get((table, *key))
            if known is None:
                connection = self._opened()
                names, marks = ", ".join(columns), ", ".join("?" * len(columns))
                where = " AND ".join(f"{column} = ?" for column in columns[:-1])
                value = facts()
                self.flush()  # the content that the row refers to
                with transaction(connection):
                    connection.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", (*key, value))  # noqa: S608 - our own names
                    known = connection.execute(f"SELECT id FROM {table} WHERE {where}", key).fetchone()[0]  # noqa: S608
                self._ids[(table, *key)] = known
            return known

    def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        with self._lock:
            self._opened().execute(sql, values)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = opened(self._folder, make=True)
        return self._connection


def as_text(value: Any) -> str:
    """JSON of a value, as it is where UTF-8 can hold it; what JSON has no form for (a date) becomes text."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        text = json.dumps(value, separators=(",", ":"), default=str)
    return text


def packed(statistics: Statistics) -> float | bytes | str:
    """Statistics as SQLite holds them: one number, the bytes of several (doubles), or a JSON list of pairs."""
    if isinstance(statistics, Mapping):
        return as_text([[key, value] for key, value in statistics.items()])
    return float(statistics[0]) if len(statistics) == 1 else array("d", statistics).tobytes()


def _finite(end: float) -> float | None:
    return end if abs(end) != float("inf") else None
