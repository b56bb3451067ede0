"""What waits to be sent to MLflow: one folder for each run, there as a whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from uuid import uuid4

from pytest_genaiops.adapters.mlflow_entries import PARENT, Entry, Keys, entries_of
from pytest_genaiops.clients.secrets import looks_secret
from pytest_genaiops.dataset.text import place, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.document import Document, plain

FOLDER = "mlflow"
"""Below the folder of the record, ``.genaiops``."""
SCHEMA = "genaiops-mlflow/1"
"""Name and version of the format; the version rises when a field is taken away or means something else."""

_RUN = re.compile(r"[A-Za-z0-9][\w-]{0,99}", re.ASCII)
_NAME = re.compile(r"[^\w.\- ]")
_ENTRIES, _FILES = "entries.json", "files"
_ABANDONED = 3_600
"""Seconds after which nobody is still writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A report as it is sent."""

    run: str
    """Id of our run."""
    uri: str
    """The tracking server that it is meant for; empty where that holds a password, which is not kept."""
    experiment: str
    entries: tuple[Entry, ...]
    """The parent first."""
    files: Mapping[str, Path | str]
    """Name of an artifact of the parent -> a file, or its text."""


def parcel_of(document: Document, files: Mapping[str, Path | str], *, uri: str, experiment: str) -> Parcel:
    """A report, with rendered reports as a file each, or as texts.

    Raises UsageError for a run id that cannot name a folder and stand in a query.
    """
    run = document.run.id
    if not _RUN.fullmatch(run):
        raise UsageError(f"the run id {quoted(run)} cannot be sent to MLflow; ids have letters, digits, - and _ alone")
    named = Keys(lambda content: content)
    for name, content in files.items():
        named.put(name, content)
    shown = "" if looks_secret(uri) else uri
    return Parcel(run=run, uri=shown, experiment=experiment, entries=tuple(entries_of(document)), files=named.found)


def keep(parcel: Parcel, folder: Path) -> Path:
    """Write a parcel below ``folder`` (the record's), unless one of its run waits there; gives the parcel's own folder.

    Raises UsageError where nothing can be written.
    """
    top = folder / FOLDER
    target, beside = top / parcel.run, _hidden(top / parcel.run)
    try:
        _make(folder)
        (beside / _FILES).mkdir(parents=True)
        for name, content in parcel.files.items():
            if isinstance(content, Path):
                shutil.copyfile(content, beside / _FILES / name)
            else:
                (beside / _FILES / name).write_text(content, encoding="utf-8", errors="backslashreplace", newline="\n")
        (beside / _ENTRIES).write_text(_written(parcel), encoding="utf-8")
        if not _whole_in(target):
            remove(target)
            os.rename(beside, target)
    except OSError as error:
        why = error.strerror or error
        raise UsageError(
            f"{_shown(top)}: nothing can be kept there for MLflow ({why}); make room, or let it be written"
        ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def waiting(folder: Path) -> list[Path]:
    """Folders of the runs that wait below ``folder`` (the record's), by id: the oldest first."""
    try:
        return sorted(path for path in (folder / FOLDER).iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def load(path: Path) -> Parcel:
    """The parcel in a folder.

    Raises UsageError for one that is damaged, or of a later version.
    """
    try:
        raw = json.loads((path / _ENTRIES).read_bytes())
        if raw["schema"] != SCHEMA:
            raise ValueError(f"its format is {quoted(raw['schema'])} and not {SCHEMA}")
        entries = tuple(_entry(each) for each in raw["entries"])
        files: dict[str, Path | str] = {name: path / _FILES / name for name in _texts(raw["files"])}
        lost = [name for name, file in files.items() if _NAME.search(name) or not Path(file).is_file()]
        if lost or raw["run"] != path.name or not entries or entries[0].part != PARENT:
            raise ValueError(f"the file {quoted(lost[0])} is missing" if lost else "it is not whole")
        parcel = Parcel(
            run=raw["run"], uri=_text(raw["uri"]), experiment=_text(raw["experiment"]), entries=entries, files=files
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"{type(error).__name__} {error}" if isinstance(error, KeyError | TypeError) else error
        mend = "remove the folder, and push the run anew with --run"
        raise UsageError(f"{_shown(path)}: this cannot be sent ({quoted(str(why))}); {mend}") from None
    return parcel


def remove(path: Path) -> None:
    """Take a parcel away: out of the list at once, and then its files."""
    gone = _hidden(path)
    with suppress(OSError):
        os.rename(path, gone)
        shutil.rmtree(gone, ignore_errors=True)


def tidy(folder: Path) -> None:
    """Remove what writers that died have left half written, an hour ago or earlier."""
    for path in (folder / FOLDER).glob(f".*.{'[0-9a-f]' * 8}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                shutil.rmtree(path)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether nobody else on this machine sends this parcel meanwhile; a sender that dies lets go of it at once."""
    lock = path.with_name(f".{path.name}.lock")
    with ExitStack() as stack:
        free = True
        try:
            connection = sqlite3.connect(lock, timeout=0, isolation_level=None)
            stack.callback(connection.close)
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:  # where nothing can be written, nothing can be locked
            free = getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY
        yield free
        if free and not path.exists():
            with suppress(OSError):
                lock.unlink()


def _make(folder: Path) -> None:
    """Make the record's folder, which git passes over."""
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), (folder / ".gitignore").open("x", encoding="ascii") as file:
        file.write("*\n")


def _hidden(path: Path) -> Path:
    """A new name beside a parcel's folder, which is in no list."""
    return path.with_name(f".{path.name}.{uuid4().hex[:8]}")


def _whole_in(path: Path) -> bool:
    try:
        load(path)
    except UsageError:
        return False
    return True


def _written(parcel: Parcel) -> str:
    entries = [plain(entry) for entry in parcel.entries]
    head = {"schema": SCHEMA, "run": parcel.run, "uri": parcel.uri, "experiment": parcel.experiment}
    return json.dumps({**head, "files": list(parcel.files), "entries": entries}, allow_nan=False)


def _shown(path: Path) -> str:
    return place(path, Path.cwd())


def _entry(raw: Any) -> Entry:
    found = {each.name: _READ[each.name](raw[each.name]) for each in fields(Entry)}
    return Entry(**found)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{quoted(value)} is no text")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{quoted(value)} is no whole number")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        raise TypeError(f"{quoted(value)} is no finite number")
    return float(value)


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in value]


def _mapping(read: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    return lambda value: {_text(name): read(item) for name, item in value.items()}


_READ: dict[str, Callable[[Any], Any]] = {
    "part": _text,
    "name": _text,
    "status": _text,
    "started": _whole,
    "ended": _whole,
    "params": _mapping(_text),
    "metrics": _mapping(_number),
    "tags": _mapping(_text),
    "texts": _mapping(_text),
    "dataset": _mapping(_text),
}
