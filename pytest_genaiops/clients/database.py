"""The file of kept answers: opened when first needed, brought up to date, and set aside where it cannot be read."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from pytest_genaiops.dataset.text import place

NAME = "cache.sqlite"
PATIENCE = 5.0
"""Seconds to wait for another process that writes; nothing but setting aside takes longer than a moment."""
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # The response stands before the request: reading it passes over no long prompt.
        "CREATE TABLE answers (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, session TEXT NOT NULL, "
        "made REAL NOT NULL, variant TEXT NOT NULL, case_id TEXT NOT NULL, version TEXT NOT NULL, "
        "response TEXT NOT NULL, request TEXT NOT NULL)",
        "CREATE INDEX answers_by_label ON answers (case_id, variant)",
        "CREATE TABLE trials (digest BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE uses (key BLOB PRIMARY KEY, session TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID",
        "CREATE TABLE misses (key BLOB PRIMARY KEY, session TEXT NOT NULL, at REAL NOT NULL, variant TEXT NOT NULL, "
        "case_id TEXT NOT NULL, request TEXT NOT NULL)",
        "CREATE TABLE owners (id TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, start TEXT NOT NULL, "
        "until REAL NOT NULL, until_here REAL NOT NULL) WITHOUT ROWID",
        "CREATE TABLE claims (key BLOB PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TRIGGER answered AFTER INSERT ON answers BEGIN DELETE FROM claims WHERE key = NEW.key; "
        "DELETE FROM misses WHERE key = NEW.key; END",
    ),
)
"""What brings a file from one version to the next; a file's ``user_version`` says how many of them it has seen."""
VERSION = len(MIGRATIONS)

Statement: TypeAlias = tuple[str, Sequence[Any]]
_CHUNK = 500


class Database:
    """The file ``cache.sqlite`` of a folder. Any thread may use it, and any number of processes.

    Nothing is opened or made before it is needed: reading makes no file. What goes wrong is raised as sqlite3.Error,
    and the file is opened anew next time. One that is corrupt, or of a version that is not known yet, is renamed
    together with what belongs to it, and ``tell`` is given a sentence with both names.
    """

    def __init__(self, folder: Path, *, tell: Callable[[str], None]) -> None:
        self.path = folder / NAME
        self._tell = tell
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: object = None
        """What tells the connection's file from another one of its name."""

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query; none where there is no file."""
        with self._connected(make=False) as connection:
            # Read to the end under the lock: an open read keeps this connection's other threads from writing.
            return [] if connection is None else connection.execute(sql, values).fetchall()

    def read_in(self, sql: str, values: Sequence[Any]) -> Iterator[Any]:
        """The rows of a query that ends in ``IN`` for any number of values."""
        for start in range(0, len(values), _CHUNK):
            some = values[start : start + _CHUNK]
            yield from self.read(f"{sql} ({','.join('?' * len(some))})", some)

    def write(self, *statements: Statement) -> int:
        """Run statements as one, and give how many rows the last of them changed; committed when it returns."""
        with self._connected(make=True) as connection:
            assert connection is not None
            if len(statements) == 1:
                return connection.execute(*statements[0]).rowcount
            with transaction(connection):
                return [connection.execute(*statement).rowcount for statement in statements][-1]

    def write_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run one statement for each row, all or none of them, and give how many rows that changed."""
        if len(rows) == 1:
            return self.write((sql, rows[0]))
        with self._connected(make=True) as connection:
            assert connection is not None
            with transaction(connection):
                return connection.executemany(sql, rows).rowcount

    def shrink(self) -> None:
        """Give room back that nothing takes any more, as far as nobody reads just now."""
        with self._connected(make=False) as connection:
            if connection is not None:
                # Not with execute(), which takes the first step alone: one page.
                connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file; it is opened anew where it is needed again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    @contextmanager
    def _connected(self, *, make: bool) -> Iterator[sqlite3.Connection | None]:
        with self._lock:
            try:
                if make and self._connection is not None and _identity(self.path) != self._file:
                    self.close()  # somebody has removed or renamed it: what is written there is lost
                if self._connection is None and (make or os.path.exists(self.path)):
                    self._connection = self._opened()
                    self._file = _identity(self.path)
                yield self._connection
            except sqlite3.Error as error:
                self.close()
                if spoilt(error):
                    self._set_aside(self._file, f"cannot be read ({error})")
                raise

    def _opened(self) -> sqlite3.Connection:
        if not os.path.exists(self.path):
            self._make()
        seen = _identity(self.path)
        try:
            return connected(self.path)
        except VersionError as newer:
            self._set_aside(seen, str(newer))
        except sqlite3.DatabaseError as error:
            if not spoilt(error):
                raise
            self._set_aside(seen, f"cannot be read ({error})")
        if not os.path.exists(self.path):
            self._make()
        return connected(self.path)

    def _make(self) -> None:
        """Make the file, in a folder that git passes over."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError), (self.path.parent / ".gitignore").open("x", encoding="ascii") as file:
                file.write("*\n")
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror or str(error)) from None
        # One at a time: two that turn a new file into a database at once may find it locked, without waiting.
        with self._alone(), closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")

    def _set_aside(self, seen: object, why: str) -> None:
        """Rename the file that was seen, unless another process has done so already."""
        with self._alone():
            if seen is None or _identity(self.path) != seen:
                return
            number = 1
            while (aside := self.path.with_name(f"{NAME}.aside-{number}")).exists():
                number += 1
            try:
                # What belongs to it goes first: a new file of this name must not find the old one's log.
                for suffix in ("-wal", "-shm", ""):
                    with suppress(FileNotFoundError):
                        Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
            except OSError as error:
                raise sqlite3.OperationalError(f"{why}; it cannot be renamed ({error.strerror})") from None
        self._tell(f"{place(self.path, None)} {why}; it is set aside as {aside.name}, and a new one is begun")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process makes or renames the file. SQLite's own lock ends with the process that holds it."""
        lock = self.path.with_name("cache.lock")
        with closing(sqlite3.connect(lock, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield


class VersionError(sqlite3.DatabaseError):
    """A file that this version of the package does not understand, or cannot bring up to date."""


def connected(path: Path) -> sqlite3.Connection:
    """A connection to a file of the present version; where nobody may write it, one that reads what is there.

    Raises VersionError for a file of a later version, and sqlite3.Error.
    """
    try:
        return _prepared(f"{path.absolute().as_uri()}?mode=rw")
    except sqlite3.OperationalError:
        if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
            raise
    # In a folder that cannot be written SQLite has nowhere to note who reads.
    return _prepared(f"{path.absolute().as_uri()}?immutable=1")


def _prepared(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    with ExitStack() as stack:
        stack.callback(connection.close)
        # What is committed outlives the process; after a power failure the last moments may be missing.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Bringing the log home waits for the disk: rarely while calls are under way, and when the last one closes.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        bring_up_to_date(connection, MIGRATIONS)
        stack.pop_all()
    return connection


def bring_up_to_date(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]]) -> None:
    """Take the steps that a file has not seen yet. Raises VersionError, and sqlite3.Error."""
    if version_of(connection, len(migrations)) == len(migrations):
        return
    with transaction(connection):
        seen = version_of(connection, len(migrations))  # looked at again: another process may have been faster
        for number, steps in enumerate(migrations[seen:], start=seen + 1):
            for statement in steps:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def version_of(connection: sqlite3.Connection, latest: int) -> int:
    """How many steps a file has seen, 0 for a new one. Raises VersionError for a later one, or none of ours."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > latest or version < 0:
        raise VersionError(f"is of version {version}, which this version of pytest-genaiops does not know")
    if not version and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise VersionError("is the database of another program")
    return version


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is done within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def spoilt(error: sqlite3.Error) -> bool:
    """Whether the file cannot be read, and has been set aside for that."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the error is not SQLite's own."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _identity(path: Path) -> object:
    """What tells the file from another one of its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
