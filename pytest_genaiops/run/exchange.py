"""Trials across the processes of one session: who calls which, and what was answered."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pytest_genaiops.clients.wire import from_json, to_json
from pytest_genaiops.records import Response, ResponseError, Trial
from pytest_genaiops.targets import from_error

Claim: TypeAlias = Literal["ours", "theirs", "full"]
Found: TypeAlias = Response | Literal["under way", "overdue", "free"]

PATIENCE = 30.0
"""Seconds to wait for another process that writes."""
GRACE = 1.0
"""Seconds past the timeout after which the process that calls is taken not to look at its clock."""
DEATHS = 2
"""A trial is not called again once so many processes have died during its call."""

TABLES = """
    PRAGMA synchronous = OFF;
    PRAGMA journal_mode = WAL;
    CREATE TABLE trials (key BLOB PRIMARY KEY, owner TEXT, since REAL, deaths INTEGER NOT NULL DEFAULT 0, answer TEXT);
    CREATE INDEX under_way ON trials (owner) WHERE answer IS NULL;
    CREATE TABLE stopped (for_good INTEGER);
"""
LOOK = "SELECT owner, since, answer FROM trials WHERE key = ?"
STOPPED = "SELECT 1 FROM stopped WHERE for_good >= ?"
UNDER_WAY = "(SELECT count(*) FROM trials WHERE answer IS NULL AND owner IS NOT NULL)"
ROOM = f"NOT EXISTS ({STOPPED}) AND {UNDER_WAY} < ?"
TAKE = f"INSERT OR IGNORE INTO trials (owner, since, key) SELECT ?, ?, ? WHERE {ROOM}"
TAKE_OVER = f"UPDATE trials SET owner = ?, since = ? WHERE key = ? AND owner IS NULL AND answer IS NULL AND {ROOM}"  # noqa: S608 - our own constants
SINCE = "UPDATE trials SET since = ? WHERE key = ? AND answer IS NULL"
ANSWER = "UPDATE trials SET answer = ? WHERE key = ? AND answer IS NULL"
RELEASE = "UPDATE trials SET owner = NULL, deaths = deaths + 1 WHERE owner = ? AND answer IS NULL"
GIVE_UP = "UPDATE trials SET answer = ? WHERE answer IS NULL AND owner IS NULL AND deaths >= ?"


class Exchange:
    """A database in a temporary file, through which the processes of a session share their calls.

    A process claims a trial when its call is about to begin, and hands in the response; the first
    one handed in holds for all. ``capacity`` bounds the calls under way in all processes together,
    ``timeout`` is the seconds that each may take. Where the database cannot be reached or written,
    every process calls for itself.
    """

    def __init__(self, path: Path, *, owner: str, capacity: int, timeout: float | None) -> None:
        self._path = path
        self._owner = owner
        self._capacity = capacity
        self._limit = None if timeout is None else timeout + GRACE
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        with suppress(sqlite3.Error):
            self._database = _open(path)

    @property
    def reachable(self) -> bool:
        """Whether calls are shared at all."""
        return self._database is not None

    def claim(self, key: object, *, again: bool) -> Claim:
        """Whether this process may call a trial now: it is ours, it is somebody else's, or too many are under way.

        ``again`` takes over a trial whose caller has died, and calls it although the session is being stopped.
        """
        name = _digest(key)
        try:
            for _ in range(2):  # once more where another process was faster
                found = self._row(name)
                if found is None:
                    sql = TAKE
                else:
                    owner, _, answer = found
                    if owner == self._owner and answer is None:
                        return "ours"
                    if owner is not None or answer is not None or not again:
                        return "theirs"
                    sql = TAKE_OVER
                if self._write(sql, self._owner, time.monotonic(), name, again, self._capacity):
                    return "ours"
            if self._read(STOPPED, again):
                return "theirs"
        except sqlite3.Error:
            self._leave()
            return "ours"
        return "full"

    def answer(self, key: object, response: Response) -> Response:
        """Hand in a response, and get the one that holds: another may have been handed in when our time was up."""
        name, trial = _digest(key), response.trial
        try:
            if self._write(ANSWER, to_json(response), name):
                return response
            found = self._row(name)
        except sqlite3.Error:
            self._leave()
            return response
        held = found[2] if found is not None else None
        return response if held is None or trial is None else from_json(held, trial)

    def excuse(self, key: object, *, over: bool = False) -> None:
        """Let the time of a call of ours stand, or go on (from the beginning), in the eyes of other processes."""
        try:
            self._write(SINCE, time.monotonic() if over else None, _digest(key))
        except sqlite3.Error:
            self._leave()

    def find(self, key: object, trial: Trial) -> Found:
        """The response to a trial that was somebody else's, or why there is none yet; ``free`` is nobody's.

        Behind the end of the session there is none any more: that is an error.
        """
        try:
            if not self._path.exists():
                raise sqlite3.OperationalError("somebody could not write it, and took it away")
            found = self._row(_digest(key))
            ended = self._read(STOPPED, True)
        except sqlite3.Error:
            self._leave()
            return "free"
        owner, since, answer = found or (None, None, None)
        if answer is not None:
            return from_json(answer, trial)
        if ended:
            return from_error("target", "the session ended before there was an answer", trial)
        if owner is None:
            return "free"
        late = self._limit is not None and since is not None and time.monotonic() - since > self._limit
        return "overdue" if late else "under way"

    def close(self) -> None:
        """Share nothing any more; what is under way is handed in nowhere."""
        with self._lock:
            database, self._database = self._database, None
            if database is not None:
                database.close()

    def _row(self, name: bytes) -> tuple[str | None, float | None, str | None] | None:
        return next(iter(self._read(LOOK, name)), None)

    def _read(self, sql: str, *values: object) -> list[Any]:
        with self._connected() as database:
            # Read to the end under the lock: an open read keeps this connection's other threads from writing.
            return database.execute(sql, values).fetchall()

    def _write(self, sql: str, *values: object) -> bool:
        with self._connected() as database:
            return database.execute(sql, values).rowcount > 0

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._database is None:
                raise sqlite3.OperationalError("not connected")
            yield self._database

    def _leave(self) -> None:
        """Take the database away from the others too: they would wait for answers that nobody can write."""
        if self.reachable:
            self.close()
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def create(path: Path) -> None:
    """Make the database, before any process opens it; where that fails there is none, and nothing is shared."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES)


def release(path: Path, owner: str) -> None:
    """Let others call what a process that is gone had begun to call; what several of them died over is an error."""
    error = ResponseError(kind="target", message="every process that called the target ended before it answered")
    _change(path, (RELEASE, [owner]), (GIVE_UP, [to_json(Response(error=error)), DEATHS]))


def stop(path: Path, *, for_good: bool) -> None:
    """Let nobody begin a call that nobody waits for; ``for_good`` lets nobody begin any, nor wait for one."""
    _change(path, ("INSERT INTO stopped VALUES (?)", [for_good]))


def _change(path: Path, *statements: tuple[str, list[object]]) -> None:
    with suppress(sqlite3.Error), closing(_open(path)) as database:
        for sql, values in statements:
            database.execute(sql, values)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    # Nothing has to outlive the machine's next crash; a process that is killed leaves a whole database all the same.
    database.execute("PRAGMA synchronous = OFF")
    return database


def _digest(key: object) -> bytes:
    return blake2b(repr(key).encode(), digest_size=16).digest()
