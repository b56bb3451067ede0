"""State that limits and budgets keep: in this process, or in one file for all workers of a session."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from pytest_genaiops.clients.database import transaction

State: TypeAlias = Mapping[str, Any]
"""JSON values; empty before anybody has changed it. Times in it are ``time.time()`` or ``time.monotonic()``: processes
of one machine share either clock. Nobody changes one in place."""
T = TypeVar("T")


class Shared(Protocol):
    """Named states that are changed one at a time, whoever does it."""

    def peek(self, name: str) -> State:
        """A state as it is, without waiting for those who change it."""

    @property
    def together(self) -> bool:
        """Whether every process of the session still sees the same."""

    def update(self, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        """Replace a state by what ``change`` makes of it, and give the other thing that it gave."""


class InProcess:
    """For a session of one process."""

    together = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}

    def peek(self, name: str) -> State:
        """A state as it is, without waiting for those who change it."""
        return self._states.get(name, {})

    def update(self, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        """Replace a state by what ``change`` makes of it, and give the other thing that it gave."""
        with self._lock:
            self._states[name], given = change(self._states.get(name, {}))
        return given


class InFile:
    """For the workers of one session, on one machine.

    Where the file cannot be written (a full disk), each process goes on with the last state that it knows; a change is
    then asked for a second time. Raises nothing of its own.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._known = InProcess()
        self._database: sqlite3.Connection | None = None
        with suppress(sqlite3.Error):
            self._database = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute("CREATE TABLE IF NOT EXISTS states (name TEXT PRIMARY KEY, state TEXT)")

    @property
    def together(self) -> bool:
        """Whether every process of the session still sees the same."""
        return self._database is not None

    def peek(self, name: str) -> State:
        """A state as it is, without waiting for those who change it."""
        return self._kept(lambda database: _read(database, name), lambda: self._known.peek(name))

    def update(self, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        """Replace a state by what ``change`` makes of it, and give the other thing that it gave."""
        return self._kept(
            lambda database: self._update(database, name, change), lambda: self._known.update(name, change)
        )

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._leave()

    def _kept(self, together: Callable[[sqlite3.Connection], T], alone: Callable[[], T]) -> T:
        with self._lock:
            if self._database is not None:
                try:
                    return together(self._database)
                except sqlite3.Error:
                    self._leave()
        return alone()

    def _update(self, database: sqlite3.Connection, name: str, change: Callable[[State], tuple[State, T]]) -> T:
        with transaction(database):
            state, given = change(_read(database, name))
            database.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", [name, json.dumps(state)])
        self._known.update(name, lambda _: (state, None))
        return given

    def _leave(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()


def _read(database: sqlite3.Connection, name: str) -> State:
    with closing(database.execute("SELECT state FROM states WHERE name = ?", [name])) as found:
        row = found.fetchone()
    try:
        state: State = json.loads(row[0]) if row else {}
    except ValueError as torn:
        raise sqlite3.DatabaseError(f"the state of {name} is no JSON") from torn
    return state
