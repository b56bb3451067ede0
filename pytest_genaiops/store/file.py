"""The file of records: made when first written, brought up to date, and never thrown away."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from pytest_genaiops.clients.database import VersionError, bring_up_to_date, version_of
from pytest_genaiops.dataset.text import place
from pytest_genaiops.errors import UsageError

NAME = "record.sqlite"
_LOCK = "record.lock"
PATIENCE = 10.0
"""Seconds to wait for another process that writes."""
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE runs (id TEXT PRIMARY KEY, started REAL NOT NULL, facts TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE ends (run TEXT PRIMARY KEY, ended REAL NOT NULL, exit INTEGER NOT NULL, facts TEXT NOT NULL) "
        "WITHOUT ROWID",
        # Whatever has text of people in it is here, once, under its hash; other tables hold numbers and names.
        "CREATE TABLE contents (digest BLOB NOT NULL UNIQUE, text TEXT NOT NULL)",
        "CREATE TABLE suites (id INTEGER PRIMARY KEY, run TEXT NOT NULL, title TEXT NOT NULL, facts TEXT NOT NULL, "
        "UNIQUE (run, title))",
        "CREATE TABLE variants (id INTEGER PRIMARY KEY, suite INTEGER NOT NULL, name TEXT NOT NULL, "
        "content BLOB NOT NULL, UNIQUE (suite, name))",
        "CREATE TABLE cases (suite INTEGER NOT NULL, position INTEGER NOT NULL, content BLOB NOT NULL, "
        "PRIMARY KEY (suite, position)) WITHOUT ROWID",
        "CREATE TABLE trials (variant INTEGER NOT NULL, position INTEGER NOT NULL, trial INTEGER NOT NULL, "
        "response BLOB NOT NULL, prompt BLOB, PRIMARY KEY (variant, position, trial)) WITHOUT ROWID",
        "CREATE TABLE metrics (id INTEGER PRIMARY KEY, variant INTEGER NOT NULL, signature TEXT NOT NULL, "
        "facts TEXT NOT NULL, UNIQUE (variant, signature))",
        # A number, the bytes of several, or a JSON object: see write.packed.
        "CREATE TABLE measurements (metric INTEGER NOT NULL, position INTEGER NOT NULL, trial INTEGER NOT NULL, "
        "statistics, evidence BLOB, PRIMARY KEY (metric, position, trial)) WITHOUT ROWID",
        "CREATE TABLE unscored (metric INTEGER NOT NULL, position INTEGER NOT NULL, trial INTEGER NOT NULL, "
        "kind TEXT NOT NULL, reason BLOB NOT NULL, PRIMARY KEY (metric, position, trial)) WITHOUT ROWID",
        "CREATE TABLE scores (metric INTEGER NOT NULL, part TEXT NOT NULL, slice TEXT NOT NULL, value REAL, low REAL, "
        "high REAL, n INTEGER NOT NULL, unscored INTEGER NOT NULL, PRIMARY KEY (metric, part, slice)) WITHOUT ROWID",
        "CREATE TABLE verdicts (variant INTEGER NOT NULL, test TEXT NOT NULL, number INTEGER NOT NULL, "
        "metric TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (variant, test, number)) WITHOUT ROWID",
        "CREATE TABLE items (variant INTEGER NOT NULL, test TEXT NOT NULL, position INTEGER, trial INTEGER NOT NULL, "
        "outcome TEXT NOT NULL, message BLOB, seconds REAL, PRIMARY KEY (variant, test)) WITHOUT ROWID",
    ),
)
"""What brings a file from one version to the next; a file's ``user_version`` says how many of them it has seen."""
VERSION = len(MIGRATIONS)
TABLES = ("measurements", "unscored", "scores", "metrics", "trials", "verdicts", "items", "variants", "cases", "suites")


def opened(folder: Path, *, make: bool) -> sqlite3.Connection:
    """A connection to the record in a folder; ``make`` makes what is missing, else the file is only read.

    Raises:
        UsageError: there is no such file, or it is of a later version or no record.
        sqlite3.Error: it cannot be read or written.
    """
    path = folder / NAME
    shown = place(path, Path.cwd())
    try:
        if make:
            return _to_write(path)
        if not path.exists():
            raise UsageError(f"{place(folder, Path.cwd())} holds no record yet; it comes with the first run of a suite")
        return _to_read(path)
    except VersionError as error:
        raise UsageError(f"{shown} {error}; upgrade pytest-genaiops, or move the file away") from None
    except sqlite3.DatabaseError as error:
        if not is_spoilt(error):
            raise
        raise UsageError(f"{shown} cannot be read ({error}); {mend(error)}") from None


def is_spoilt(error: sqlite3.Error) -> bool:
    """Whether the file itself is damaged, or no database."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def mend(error: sqlite3.Error) -> str:
    """What helps against an error, as the end of a sentence."""
    if is_spoilt(error):
        return "move it away, and a new one is begun"
    if _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, 0):  # 0: an error of our own about a file in use
        return "another process holds it: try again when that has ended"
    if _code(error) == sqlite3.SQLITE_FULL:
        return "make room on the disk"
    return "see to its folder and its rights"


def identity(path: Path) -> object:
    """What tells the file from another one of its name; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the error is not SQLite's own."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _to_write(path: Path) -> sqlite3.Connection:
    """Make the file where there is none, in a folder that git passes over."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), (path.parent / ".gitignore").open("x", encoding="ascii") as file:
            file.write("*\n")
    except OSError as error:
        raise sqlite3.OperationalError(error.strerror or str(error)) from None
    with _connected(path, "mode=rwc") as connection:
        if not version_of(connection, VERSION):
            _begin(path)
        # What is committed outlives the process; after a power failure the last moments may be missing.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Bringing the log home waits for the disk: rarely while a run is written.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        bring_up_to_date(connection, MIGRATIONS)
    return connection


def _begin(path: Path) -> None:
    """Turn a new file into a database with a log.

    One process at a time: two that do so at once may find it locked, without waiting. SQLite's own lock ends with the
    process that holds it.
    """
    with _connected(path.with_name(_LOCK), "mode=rwc") as lock, closing(lock):
        lock.execute("BEGIN EXCLUSIVE")
        with _connected(path, "mode=rwc") as connection, closing(connection):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")


def _to_read(path: Path) -> sqlite3.Connection:
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with _connected(path, "mode=rw") as connection:
            bring_up_to_date(connection, MIGRATIONS)
        return connection
    # In a folder that cannot be written SQLite has nowhere to note who reads. Where somebody has left a log there,
    # and the notes on it, both can be read; else all there is stands in the file itself.
    log = path.with_name(f"{path.name}-wal")
    with _connected(path, "mode=ro" if log.exists() and log.stat().st_size else "immutable=1") as connection:
        version = version_of(connection, VERSION)
        if version < VERSION:
            raise VersionError(f"is of version {version}, and cannot be brought up to date where nobody may write it")
    return connection


@contextmanager
def _connected(path: Path, how: str) -> Iterator[sqlite3.Connection]:
    """A connection that is closed where what is done with it first goes wrong."""
    uri = f"{path.absolute().as_uri()}?{how}"
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    with ExitStack() as stack:
        stack.callback(connection.close)
        yield connection
        stack.pop_all()
