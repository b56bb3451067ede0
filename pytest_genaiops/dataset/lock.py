"""Locks: a file beside a dataset that says which rows it had, so that no change passes unseen.

The first line is a JSON object: ``format``, ``rows``, ``hash`` (of the dataset), ``columns``, and
``sha256`` of everything else in the file. Then every row of the dataset has a line, in the order of
the file: half of its SHA-256 digest, a space, and its id as JSON. A row that is added, removed or
edited is one line of a diff.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from pytest_genaiops.dataset.changes import Rows, changes
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.source import Source
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import DatasetError

FORMAT = "pytest-genaiops lock 1"
_BEGIN = b'{"format": "pytest-genaiops lock '
_DIGITS = 32
_ROW = re.compile(rb'[0-9a-f]{32} "')
_LONGEST_LINE = 1 << 24
_CHUNK = 1 << 20
_KEYS = {"format": str, "rows": int, "hash": str, "columns": list, "sha256": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a lock holds of a dataset beside its rows."""

    rows: int
    hash: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock file that is as it was written."""

    source: Source
    content: Content

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Every row's id and the first half of its digest, in the order of the file."""
        with self.source.lock.open("rb") as stream:
            stream.readline(_LONGEST_LINE)
            for line in stream:
                yield json.loads(line[_DIGITS + 1 :]), bytes.fromhex(line[:_DIGITS].decode("ascii"))

    def check(self, now: Content, rows: Rows) -> None:
        """Compare the dataset with its lock; ``rows`` gives its rows as (id, digest), anew each time it is called.

        Raises DatasetError with what changed: the ids of the first rows that were added, removed and
        edited, and how many more. Finding them takes about 60 bytes a row.
        """
        if now.hash == self.content.hash:
            return
        kinds = changes(self.rows, rows)
        said = kinds.sentence() or "no row differs, but the whole does"
        said += _listed(", columns added", now.columns, self.content.columns)
        said += _listed(", columns removed", self.content.columns, now.columns)
        lock, mend = self.source.shown_lock, f"run {self.source.relock} if the change is meant"
        refuse(self.source.shown, f"the rows are not those of {lock}: {said}; restore them, or {mend}")


def _listed(what: str, names: Sequence[str], others: Sequence[str]) -> str:
    new = [name for name in names if name not in others]
    return f"{what}: {listed(new)}" if new else ""


def put_lock(source: Source, rows: Iterable[tuple[str, bytes]], content: Callable[[], Content]) -> bool:
    """Write a lock in one step; ``content()`` is asked when all rows, as (id, SHA-256 digest), have passed.

    False where the lock said so already: it is left as it is, also where the rows are in another order
    now. Raises DatasetError where the file cannot be written, and whatever reading the rows raises.
    """
    whole = hashlib.sha256()
    try:
        with tempfile.TemporaryFile(prefix="genaiops-") as body:
            for name, digest in rows:
                line = _line(name, digest)
                whole.update(line)
                body.write(line)
            body.seek(0)
            found = content()
            if _said(source) == found:
                return False
            _put(source.lock, body, _header(found, whole))
            return True
    except OSError as error:
        refuse(
            source.shown_lock, f"the lock cannot be written ({error.strerror or error}); check permissions and space"
        )


def _said(source: Source) -> Content | None:
    try:
        lock = read_lock(source)
    except DatasetError:  # edited by hand: to be written anew
        return None
    return lock.content if lock else None


def _line(name: str, digest: bytes) -> bytes:
    # What could hide in a review is escaped.
    text = json.dumps(name, ensure_ascii=not name.isprintable())
    return f"{digest[: _DIGITS // 2].hex()} {text}\n".encode()


def _header(content: Content, whole: hashlib._Hash) -> bytes:
    header = {"format": FORMAT, "rows": content.rows, "hash": content.hash, "columns": list(content.columns)}
    whole.update(canonical(header))
    escaped = not all(map(str.isprintable, content.columns))
    return json.dumps({**header, "sha256": whole.hexdigest()}, ensure_ascii=escaped).encode() + b"\n"


def _put(path: Path, body: IO[bytes], header: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            stream.write(header)
            shutil.copyfileobj(body, stream, _CHUNK)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_lock(path: Path) -> bool:
    """Whether a file begins as a lock does; other tools have locks of their own."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_BEGIN)) == _BEGIN
    except OSError:
        return False


def read_lock(source: Source) -> Lock | None:
    """The lock of a dataset; None where it has none.

    Raises DatasetError, with the line, where the file is not as it was written. Line ends that a
    version control system turned into CRLF do not count.
    """
    whole = hashlib.sha256()
    try:
        if os.path.lexists(source.lock) and not source.lock.is_file():
            refuse(source.shown_lock, "the lock is not a regular file; remove it, and write it with `genaiops lock`")
        with source.lock.open("rb") as stream:
            header = _read_header(stream.readline(_LONGEST_LINE), source)
            while chunk := stream.read(_CHUNK):
                whole.update(chunk.replace(b"\r", b""))
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or error
        refuse(source.shown_lock, f"the lock cannot be read ({why}); check its name and permissions")
    sha256 = header.pop("sha256")
    whole.update(canonical(header))
    if whole.hexdigest() != sha256:
        _name_the_fault(source, header["rows"])
    content = Content(rows=header["rows"], hash=header["hash"], columns=tuple(header["columns"]))
    return Lock(source=source, content=content)


def lock_fits(source: Source, content: Content) -> bool | None:
    """Whether the dataset is what its lock says; None where it has none. Raises DatasetError as :func:`read_lock`."""
    lock = read_lock(source)
    return lock.content.hash == content.hash if lock else None


def _refuse(source: Source, line: int, problem: str) -> NoReturn:
    place = f"{source.shown_lock}:{line}" if line else source.shown_lock
    refuse(place, f"{problem}; run {source.relock} to write the lock anew")


def _read_header(line: bytes, source: Source) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(line)
        canonical(header)
    except (ValueError, RecursionError):  # of both: UnicodeEncodeError, for a lone surrogate, is a ValueError
        conflict = line.startswith((b"<<<<<<<", b"=======", b">>>>>>>"))
        _refuse(source, 1, "a merge conflict is not resolved" if conflict else "a lock begins with one JSON object")
    kinds = {key: type(value) for key, value in header.items()} if isinstance(header, dict) else {}
    if kinds != _KEYS or header["rows"] < 1 or not all(isinstance(name, str) for name in header["columns"]):
        _refuse(source, 1, f"the header is not the one of a lock, with {listed(_KEYS)} of a dataset")
    if header["format"] != FORMAT:
        _refuse(
            source, 1, f"the lock has the format {quoted(header['format'])}, where this version reads {quoted(FORMAT)}"
        )
    return header


def _name_the_fault(source: Source, rows: int) -> NoReturn:
    """Raise DatasetError about the first line that was not written by us, or about the whole."""
    number = 1
    with source.lock.open("rb") as stream:
        stream.readline(_LONGEST_LINE)
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            if not _is_row(line):
                _refuse(source, number, "the line is no row of a lock: it has to be half a digest, and an id as JSON")
    if number - 1 != rows:
        _refuse(source, 0, f"the lock was edited by hand: it has {number - 1} rows, and its header says {rows}")
    _refuse(source, 0, "the lock was edited by hand: its sha256 is not that of its lines")


def _is_row(line: bytes) -> bool:
    try:
        return bool(_ROW.match(line)) and line.endswith(b"\n") and isinstance(json.loads(line[_DIGITS + 1 :]), str)
    except (ValueError, RecursionError):
        return False
