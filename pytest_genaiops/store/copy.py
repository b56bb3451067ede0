"""The rows of one run once more, as those of another: what they refer to is shared, so that a copy is small."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from pytest_genaiops.clients.database import transaction
from pytest_genaiops.store.file import opened

_OF_VARIANT = {
    "trials": "position, trial, response, prompt",
    "verdicts": "test, number, metric, content",
    "items": "test, position, trial, outcome, message, seconds",
}
_OF_METRIC = {
    "measurements": "position, trial, statistics, evidence",
    "unscored": "position, trial, kind, reason",
    "scores": "part, slice, value, low, high, n, unscored",
}
"""Table -> its columns beside the one that says whose a row is."""


def copied(folder: Path, source: str, target: str, *, anew: Collection[tuple[str, str, str]] = ()) -> None:
    """Copy everything that is on record of a run to another one, which has begun.

    Args:
        folder: that has the record.
        source: id of the run.
        target: id of the other one.
        anew: (title of a suite, variant, signature of a metric) of what will be measured again: measurements that are
            there stay, but reasons why there are none, and scores, are not copied.

    Raises:
        UsageError: the file is not one of ours, or cannot be used.
        sqlite3.Error: it cannot be written.
    """
    with closing(opened(folder, make=True)) as connection, transaction(connection):
        for suite, title, facts in _all(connection, "SELECT id, title, facts FROM suites WHERE run = ?", source):
            own = _put(connection, "INSERT INTO suites (run, title, facts) VALUES (?, ?, ?)", target, title, facts)
            connection.execute("INSERT INTO cases SELECT ?, position, content FROM cases WHERE suite = ?", (own, suite))
            for variant, name, content in _all(
                connection, "SELECT id, name, content FROM variants WHERE suite = ?", suite
            ):
                sql = "INSERT INTO variants (suite, name, content) VALUES (?, ?, ?)"
                spared = {signature for *of, signature in anew if of == [title, name]}
                _variant(connection, variant, _put(connection, sql, own, name, content), spared)


def _variant(connection: sqlite3.Connection, old: int, new: int, spared: Collection[str]) -> None:
    _rows(connection, _OF_VARIANT, "variant", (old, new))
    for metric, signature, facts in _all(connection, "SELECT id, signature, facts FROM metrics WHERE variant = ?", old):
        sql = "INSERT INTO metrics (variant, signature, facts) VALUES (?, ?, ?)"
        tables = {"measurements": _OF_METRIC["measurements"]} if signature in spared else _OF_METRIC
        _rows(connection, tables, "metric", (metric, _put(connection, sql, new, signature, facts)))


def _rows(connection: sqlite3.Connection, tables: dict[str, str], owner: str, ids: tuple[int, int]) -> None:
    old, new = ids
    for table, columns in tables.items():
        connection.execute(
            f"INSERT INTO {table} ({owner}, {columns}) SELECT ?, {columns} FROM {table} WHERE {owner} = ?",  # noqa: S608 - our own names
            (new, old),
        )


def _all(connection: sqlite3.Connection, sql: str, *values: object) -> list[tuple[int, str, str]]:
    return connection.execute(sql, values).fetchall()


def _put(connection: sqlite3.Connection, sql: str, *values: object) -> int:
    number = connection.execute(sql, values).lastrowid
    assert number is not None
    return number
