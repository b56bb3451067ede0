"""State that limits and budgets keep: in this process, or in one file for all workers of a session."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

State: TypeAlias = Mapping[str, Any]
"""JSON values; empty before anybody has changed it. Times in it are ``time.time()``, which processes share."""
T = TypeVar("T")


class Shared(Protocol):
    """Named states that are changed one at a time, whoever does it."""

    def update(self, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        """Replace a state by what ``change`` makes of it, and give the other thing that it gave."""


class InProcess:
    """For a session of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}

    def update(self, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        """Replace a state by what ``change`` makes of it, and give the other thing that it gave."""
        with self._lock:
            self._states[name], given = change(self._states.get(name, {}))
        return given


class InFile:
    """For the workers of one session, on one machine.

    Where the file cannot be written (a full disk), each process goes on with the last state that it knows.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._alone = InProcess()
        self._database: sqlite3.Connection | None = None
        with suppress(sqlite3.Error):
            self._database = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute("CREATE TABLE IF NOT EXISTS states (name TEXT PRIMARY KEY, state TEXT)")

    def update(self, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        """Replace a state by what ``change`` makes of it, and give the other thing that it gave."""
        with self._lock:
            if self._database is not None:
                try:
                    return self._update(self._database, name, change)
                except sqlite3.Error:
                    self._database.close()
                    self._database = None
        return self._alone.update(name, change)

    def _update(self, database: sqlite3.Connection, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        database.execute("BEGIN IMMEDIATE")
        try:
            with closing(database.execute("SELECT state FROM states WHERE name = ?", [name])) as found:
                row = found.fetchone()
            state, given = change(json.loads(row[0]) if row else {})
            database.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", [name, json.dumps(state)])
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
        return given

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            database, self._database = self._database, None
            if database is not None:
                database.close()
