"""Runs that are old are removed, and what nobody refers to any more; the room is given back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_genaiops.clients.database import transaction
from pytest_genaiops.dataset.text import place
from pytest_genaiops.errors import UsageError
from pytest_genaiops.store.file import NAME, mend, opened

LIVE = 2 * 86_400.0
"""Seconds for which a run that has not ended may be going on; after that it was killed."""
_BELOW = {
    "measurements": "metric",
    "unscored": "metric",
    "scores": "metric",
    "metrics": "variant",
    "trials": "variant",
    "verdicts": "variant",
    "items": "variant",
    "variants": "suite",
    "cases": "suite",
}
"""Table -> the column that says whose a row is, from the bottom up."""
_OWNERS = {
    "suite": "SELECT id FROM suites WHERE run = ?",
    "variant": "SELECT variants.id FROM variants JOIN suites ON suites.id = suite WHERE run = ?",
    "metric": "SELECT metrics.id FROM metrics JOIN variants ON variants.id = variant "
    "JOIN suites ON suites.id = suite WHERE run = ?",
}
REFERENCES = (
    ("variants", "content"),
    ("cases", "content"),
    ("trials", "response"),
    ("trials", "prompt"),
    ("measurements", "evidence"),
    ("unscored", "reason"),
    ("verdicts", "content"),
    ("items", "message"),
)
"""(table, column) of every digest of a content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was removed, or would be."""

    runs: tuple[str, ...]
    """Ids, the oldest first."""
    contents: int = 0
    """Texts that no other run refers to; 0 where nothing has been done yet."""
    bytes: int = 0
    """By which the file is smaller."""


def expire(folder: Path, *, before: float, keep: int = 0, dry_run: bool = False) -> Removed:
    """Remove the runs that began before a time (seconds since 1970), but not the ``keep`` latest ones.

    Sessions may write meanwhile: a run that goes on is not removed, and nothing that one refers to. A folder without
    a record is left as it is.

    Raises UsageError where the file cannot be used or written.
    """
    if not (folder / NAME).exists():
        return Removed(runs=())
    with changing(folder) as connection:
        runs = _old(connection, before, keep)
        if dry_run or not runs:
            return Removed(runs=tuple(runs))
        size = _size(folder)
        for run in runs:
            remove(connection, run)
        with transaction(connection):
            contents = sweep(connection)
        shrink(connection)
        return Removed(runs=tuple(runs), contents=contents, bytes=max(0, size - _size(folder)))


def remove(connection: sqlite3.Connection, run: str) -> None:
    """Remove a run and all of its rows, but not the contents that they referred to."""
    with transaction(connection):
        for table, column in _BELOW.items():
            connection.execute(f"DELETE FROM {table} WHERE {column} IN ({_OWNERS[column]})", (run,))  # noqa: S608 - our own names
        for table, column in (("suites", "run"), ("ends", "run"), ("runs", "id")):
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (run,))  # noqa: S608


def sweep(connection: sqlite3.Connection) -> int:
    """Remove the contents that no row refers to, and give how many there were.

    To be called in a transaction. A writer puts contents and the rows that refer to them into the file in one as well:
    none is ever without.
    """
    used = " UNION ALL ".join(f"SELECT {column} FROM {table} WHERE {column} NOT NULL" for table, column in REFERENCES)  # noqa: S608
    return connection.execute(f"DELETE FROM contents WHERE digest NOT IN ({used})").rowcount  # noqa: S608


def shrink(connection: sqlite3.Connection) -> None:
    """Give room back that nothing takes any more, as far as nobody reads just now."""
    # Not with execute(), which takes the first step alone: one page.
    connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def changing(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file, to remove rows from it. Raises UsageError where it is locked or cannot be written."""
    try:
        with closing(opened(folder, make=True)) as connection:
            # What is removed is overwritten, and not only forgotten.
            connection.execute("PRAGMA secure_delete = ON")
            yield connection
    except sqlite3.Error as error:
        shown = place(folder / NAME, Path.cwd())
        raise UsageError(f"{shown} cannot be changed ({error}); {mend(error)}") from None


def _old(connection: sqlite3.Connection, before: float, keep: int) -> list[str]:
    rows: Sequence[tuple[str, float, float | None]] = connection.execute(
        "SELECT id, started, ended FROM runs LEFT JOIN ends ON run = id ORDER BY started DESC, id DESC"
    ).fetchall()
    now = time.time()
    old = (
        name for name, started, ended in rows[keep:] if started < before and (ended is not None or now - started > LIVE)
    )
    return list(reversed(list(old)))


def _size(folder: Path) -> int:
    files: Iterable[Path] = (folder / NAME, folder / f"{NAME}-wal")
    return sum(file.stat().st_size for file in files if file.exists())
