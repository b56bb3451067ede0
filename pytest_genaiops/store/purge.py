"""A person's texts taken out of the record, and of the answers that are kept; numbers stay.

The case of a text keeps its place, so that the number of cases stays what it was: what was asked, answered, judged and
said of it goes, under every variant and in every run. A text that other cases have too, such as "I don't know", stays
with them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.database import NAME as CACHE
from pytest_genaiops.clients.database import VersionError, connected
from pytest_genaiops.dataset.text import place, printable
from pytest_genaiops.errors import UsageError
from pytest_genaiops.store.file import NAME, mend
from pytest_genaiops.store.gc import changing, sweep
from pytest_genaiops.store.texts import as_text, digest_of
from pytest_genaiops.store.wanted import REMOVED, Wanted, folded, texts_of

_CASES = (
    "SELECT suite, position, run, text FROM cases JOIN suites ON suites.id = suite JOIN contents ON digest = content"
)
_TELLING = 16
"""Characters from which a text of a case tells the case: others say "yes" as well."""
_MARKS = (
    "CREATE TEMP TABLE gone (suite, position, PRIMARY KEY (suite, position)) WITHOUT ROWID",
    "CREATE TEMP TABLE gone_of_variants (variant, position, PRIMARY KEY (variant, position)) WITHOUT ROWID",
    "CREATE TEMP TABLE gone_of_metrics (metric, position, PRIMARY KEY (metric, position)) WITHOUT ROWID",
    "CREATE TEMP TABLE hit (digest BLOB PRIMARY KEY) WITHOUT ROWID",
    "CREATE TEMP TABLE silent (digest BLOB)",
)
"""Cases that go, the same by what their rows are numbered by, contents that hold the text, verdicts on such cases."""
_MARK = (
    "INSERT INTO gone_of_variants SELECT variants.id, position FROM variants JOIN gone USING (suite)",
    "INSERT INTO gone_of_metrics SELECT metrics.id, position FROM metrics JOIN gone_of_variants USING (variant)",
)
_RUNS = """
WITH whose (variant) AS (
    SELECT id FROM variants WHERE content IN hit
    UNION SELECT variant FROM trials WHERE response IN hit OR prompt IN hit
    UNION SELECT variant FROM verdicts WHERE content IN hit
    UNION SELECT variant FROM items WHERE message IN hit
    UNION SELECT variant FROM metrics JOIN measurements ON metric = metrics.id WHERE evidence IN hit
    UNION SELECT variant FROM metrics JOIN unscored ON metric = metrics.id WHERE reason IN hit
)
SELECT DISTINCT run FROM whose JOIN variants ON variants.id = variant JOIN suites ON suites.id = suite
"""
"""Runs that have a text elsewhere than in a case, such as a name that an answer has brought up."""
# No content has an empty digest: what refers to it is read as removed.
_STATEMENTS = (
    "UPDATE cases SET content = x'' WHERE (suite, position) IN gone",
    "UPDATE trials SET response = x'', prompt = NULL "
    "WHERE response IN hit OR prompt IN hit OR (variant, position) IN gone_of_variants",
    "UPDATE measurements SET evidence = NULL "
    "WHERE evidence NOT NULL AND (evidence IN hit OR (metric, position) IN gone_of_metrics)",
    "UPDATE unscored SET reason = x'' WHERE reason IN hit OR (metric, position) IN gone_of_metrics",
    "UPDATE items SET message = NULL "
    "WHERE message NOT NULL AND (message IN hit OR (variant, position) IN gone_of_variants)",
)
_NAMES = (
    ("suites", "title"),
    ("variants", "name"),
    ("metrics", "signature"),
    ("scores", "part"),
    ("scores", "slice"),
    ("verdicts", "metric"),
    ("items", "test"),
    ("verdicts", "test"),
)


@dataclass(slots=True, kw_only=True)
class Purged:
    """What was removed from a file, or would be."""

    cases: int = 0
    """Cases of runs whose texts are gone."""
    texts: int = 0
    """Contents, facts and names that are gone or were cut."""
    runs: set[str] = field(default_factory=set)
    """Ids of the runs that had them."""
    said: set[str] = field(default_factory=set)
    """What was asked and answered, folded, where a case was named by its id: nothing else tells it in other files."""


def purge_record(folder: Path, wanted: Wanted, *, dry_run: bool = False) -> Purged:
    """Remove what is meant from the record of a folder.

    Raises UsageError where the file cannot be used or written, or another process reads or writes it meanwhile.
    """
    done = Purged()
    if not (folder / NAME).exists():
        return done
    with changing(folder) as connection:
        connection.execute("BEGIN IMMEDIATE")
        _purge(connection, wanted, done)
        connection.execute("ROLLBACK" if dry_run else "COMMIT")
        if not dry_run:
            renew(connection)
    return done


def purge_cache(folder: Path, wanted: Wanted, *, dry_run: bool = False) -> int:
    """Remove kept answers, and questions that were not answered, from the cache of a folder; gives how many.

    Raises UsageError as :func:`purge_record` does.
    """
    if not (folder / CACHE).exists():
        return 0
    with _usable(folder / CACHE) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        rows = "SELECT key, variant, case_id, response, request FROM answers"
        answers = [key for key, *row in connection.execute(rows) if _is_meant(wanted, *row)]
        rows = "SELECT key, variant, case_id, '{}', request FROM misses"
        misses = [key for key, *row in connection.execute(rows) if _is_meant(wanted, *row)]
        for table, keys in (("uses", answers), ("trials", answers), ("answers", answers), ("misses", misses)):
            connection.executemany(f"DELETE FROM {table} WHERE key = ?", [(key,) for key in keys])  # noqa: S608 - our own names
        connection.execute("ROLLBACK" if dry_run else "COMMIT")
        if not dry_run:
            renew(connection)
    return len(answers) + len(misses)


def renew(connection: sqlite3.Connection) -> None:
    """Write the file anew, without room that once held something, and empty its log."""
    connection.execute("VACUUM")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("another process reads it, so that its log still has what was removed")


def left_in(path: Path, wanted: Wanted) -> list[str]:
    """``table.column`` of every text of a database that still is what was meant.

    Raises UsageError for a file that cannot be read.
    """
    found = []
    with _usable(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - as the file has it
            names = [column[0] for column in cursor.description]
            for row in cursor:
                found += [f"{table}.{name}" for name, value in zip(names, row, strict=True) if _holds(wanted, value)]
    return sorted(set(found))


@contextmanager
def _usable(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(connected(path) if path.name == CACHE else sqlite3.connect(path, isolation_level=None)) as found:
            yield found
    except sqlite3.Error as error:
        shown, why = place(path, Path.cwd()), printable(str(error))
        if isinstance(error, VersionError):
            raise UsageError(f"{shown} {why}; upgrade pytest-genaiops, or move the file away") from None
        raise UsageError(f"{shown} cannot be changed ({why}); {mend(error)}") from None


def _holds(wanted: Wanted, value: Any) -> bool:
    return isinstance(value, str) and wanted.in_json(value)


def _is_meant(wanted: Wanted, variant: str, case: str, response: str, request: str) -> bool:
    if wanted.id is not None and case == wanted.id:
        return True
    return wanted.in_text(variant) or wanted.in_text(case) or wanted.in_json(response) or wanted.in_json(request)


def _purge(connection: sqlite3.Connection, wanted: Wanted, done: Purged) -> None:
    for statement in _MARKS:
        connection.execute(statement)
    for suite, position, run, text in connection.execute(_CASES).fetchall():
        if (wanted.id is not None and json.loads(text)["id"] == wanted.id) or wanted.in_json(text):
            connection.execute("INSERT INTO gone VALUES (?, ?)", (suite, position))
            done.cases += 1
            done.runs.add(run)
    for statement in _MARK:
        connection.execute(statement)
    if wanted.id is not None:
        done.said = _said(connection)
        wanted = Wanted(texts=(*wanted.texts, *sorted(done.said)), id=wanted.id)
    hits = [digest for digest, text in connection.execute("SELECT digest, text FROM contents") if wanted.in_json(text)]
    connection.executemany("INSERT INTO hit VALUES (?)", [(digest,) for digest in hits])
    done.runs.update(run for (run,) in connection.execute(_RUNS))
    done.texts += _rewritten(connection, wanted.cut, "SELECT digest FROM hit")
    done.texts += _renamed_items(connection)
    for statement in _STATEMENTS:
        connection.execute(statement)
    done.texts += _cut_facts(connection, wanted) + _cut_names(connection, wanted) + _cut_counts(connection, wanted)
    done.texts += sweep(connection)


def _said(connection: sqlite3.Connection) -> set[str]:
    """What was asked in the cases that go and what was answered, folded, without what is said of other cases too.

    Contexts are documents, which others have as well, and a short text tells nobody.
    """
    whose = (
        "SELECT text, digest IN (SELECT content FROM cases WHERE (suite, position) IN gone UNION ALL "
        "SELECT response FROM trials WHERE (variant, position) IN gone_of_variants), "
        "digest IN (SELECT content FROM cases WHERE (suite, position) NOT IN gone UNION ALL "
        "SELECT response FROM trials WHERE (variant, position) NOT IN gone_of_variants) FROM contents"
    )
    said: set[str] = set()
    others: set[str] = set()
    for text, theirs, anybodys in connection.execute(whose):
        if theirs or anybodys:
            value = json.loads(text)
            texts = map(folded, texts_of([*value.get("inputs", {}).values(), value.get("text")]))
            (others if anybodys else said).update(text for text in texts if len(text) >= _TELLING)
    return said - others


def _rewritten(connection: sqlite3.Connection, change: Callable[[Any], Any], digests: str) -> int:
    """Contents of variants and verdicts, which have numbers as well, with their texts changed."""
    count = 0
    for table in ("variants", "verdicts"):
        sql = (
            f"SELECT DISTINCT content, text FROM {table} JOIN contents ON digest = content WHERE content IN ({digests})"  # noqa: S608 - our own names
        )
        for old, text in connection.execute(sql).fetchall():
            new = as_text(change(json.loads(text)))
            digest = digest_of(new)
            connection.execute("INSERT OR IGNORE INTO contents (digest, text) VALUES (?, ?)", (digest, new))
            connection.execute(f"UPDATE {table} SET content = ? WHERE content = ?", (digest, old))  # noqa: S608
            count += 1
    return count


def _renamed_items(connection: sqlite3.Connection) -> int:
    """Items of the cases that go, whose node ids name them, and their verdicts."""
    rows = connection.execute(
        "SELECT variant, test, position, trial, name FROM items "
        "JOIN gone_of_variants USING (variant, position) JOIN variants ON variants.id = variant"
    ).fetchall()
    for variant, test, position, trial, name in rows:
        sql = "INSERT INTO silent SELECT content FROM verdicts WHERE variant = ? AND test = ?"
        connection.execute(sql, (variant, test))
        new = f"{test.partition('[')[0]}[{name}-{REMOVED}-{position}{f'-t{trial}' if trial > 1 else ''}]"
        for change in (
            "UPDATE OR REPLACE items SET test = ? WHERE variant = ? AND test = ?",
            "UPDATE OR REPLACE verdicts SET test = ? WHERE variant = ? AND test = ?",
        ):
            connection.execute(change, (new, variant, test))
    _rewritten(connection, lambda facts: {**facts, "reason": REMOVED}, "SELECT digest FROM silent")
    return len(rows)


def _cut_facts(connection: sqlite3.Connection, wanted: Wanted) -> int:
    count = 0
    for table, key in (("runs", "id"), ("ends", "run"), ("suites", "id"), ("metrics", "id")):
        for row, text in connection.execute(f"SELECT {key}, facts FROM {table}").fetchall():  # noqa: S608 - our own names
            if wanted.in_json(text):
                cut = as_text(wanted.cut(json.loads(text)))
                connection.execute(f"UPDATE {table} SET facts = ? WHERE {key} = ?", (cut, row))  # noqa: S608
                count += 1
    return count


def _cut_names(connection: sqlite3.Connection, wanted: Wanted) -> int:
    """Names of all kinds; what two rows have in common they have in common afterwards."""
    names: dict[str, str] = {}
    for table, column in _NAMES:
        for (name,) in connection.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall():  # noqa: S608 - our own names
            if wanted.in_text(name):
                new = names.setdefault(name, f"{REMOVED}-{len(names) + 1}")
                connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {column} = ?", (new, name))  # noqa: S608
    return len(names)


def _cut_counts(connection: sqlite3.Connection, wanted: Wanted) -> int:
    """Keys of counts, such as a label that a model made up."""
    sql = "SELECT metric, position, trial, statistics FROM measurements WHERE typeof(statistics) = 'text'"
    rows = [row for row in connection.execute(sql) if wanted.in_json(row[3])]
    for *key, text in rows:
        counts: dict[str, list[Any]] = {}
        for name, number in wanted.cut(json.loads(text)):
            pair = counts.setdefault(as_text(name), [name, 0.0])
            pair[1] += number
        connection.execute(
            "UPDATE measurements SET statistics = ? WHERE metric = ? AND position = ? AND trial = ?",
            (as_text(list(counts.values())), *key),
        )
    return len(rows)
