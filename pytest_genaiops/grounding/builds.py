"""What takes long to make, such as an index: made once on disk, for all threads, processes and later runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias
from uuid import uuid4

from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.errors import UsageError, of_ours

FOLDER = "builds"
"""Below the folder of the record, ``.genaiops``: where the builds of a project are."""
MANIFEST = "build.json"
"""The file of a build that says what it is, and which files it has."""
LOG = "made.jsonl"
"""One line for every time that a build of the folder was made."""
PATIENCE = 1.0
"""Seconds between two looks whether somebody wants to stop, while another process builds."""

Make: TypeAlias = Callable[[Path], object]

_FORMAT = 1
_DIGITS = 20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,59}")
_PASSING = re.compile(r"(?:.*/)?\.[^/]*|.*-(?:wal|shm|journal)", re.DOTALL)
"""Files that come and go while a build is read: hidden ones, and SQLite's."""
_MAKING: ContextVar[tuple[Path, ...]] = ContextVar("making", default=())

__tracebackhide__ = of_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One time that a build was made."""

    folder: str
    """Name of its folder: the build's own, and the hash of its key."""
    seconds: float
    """How long ``make`` took."""
    bytes: int
    files: int
    at: float
    """When it was complete, as ``time.time()`` has it."""
    again: str
    """What was wrong with an earlier one of this key; empty where there was none."""


class Builds:
    """Builds in one folder, each under its name and the hash of its key. Any thread may use it, and any process.

    A build is for reading: one whose files are not as they were made is made anew. Copy it before you change it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder).absolute()
        self._known: dict[Path, object] = {}
        """Builds that were looked at, and what told their manifest from another file of its name."""
        self._failed: dict[Path, Exception] = {}

    def get(self, name: str, key: Mapping[str, Any], make: Make) -> Path:
        """The folder ``<name>-<hash>``, which ``make`` has filled now or in an earlier run.

        ``make`` is handed an empty folder, and what it has put there counts once it returns. For one name and key it
        runs in one thread of all processes at a time; the others wait for what it makes. Where it raises, or its
        process dies, nothing is kept. Its error goes to whoever called, and in this process holds for later callers;
        another process that waits makes the build itself.

        ``key`` says in JSON values what the build depends on: settings, and a hash or version of what is read.

        Raises UsageError for a name or key that cannot be one, for a ``make`` that writes nothing, asks for the build
        that it makes, or has failed before, and for a folder that cannot be written.
        """
        said = _said(key)
        folder = self.folder / _folder_name(name, said)
        if folder in _MAKING.get():
            raise UsageError(f"the build {quoted(name)} asks for itself while it is made; hand its parts on instead")
        if self._is_known(folder) or self._look(folder, said) is None:
            return folder
        with self._alone(folder):
            fault = self._look(folder, said)  # who had the lock before may have made it
            if fault is not None:
                self._refuse_if_failed(folder)
                self._make(folder, said, make, again=fault)
                self._look(folder, said)
        return folder

    def made(self) -> tuple[Build, ...]:
        """Every time that a build of this folder was made, by whichever process, in order.

        No index is built twice where no folder is named twice.
        """
        try:
            lines = (self.folder / LOG).read_bytes().splitlines()
        except OSError:
            return ()
        return tuple(build for build in map(_of_line, lines) if build is not None)

    def _is_known(self, folder: Path) -> bool:
        """Whether the build was looked at before, and is the same: files of thousands are not looked at each time."""
        return folder in self._known and self._known[folder] == _identity(folder / MANIFEST)

    def _look(self, folder: Path, said: bytes) -> str | None:
        """What is wrong with a build; None where nothing is, and empty where it is not there."""
        seen = _identity(folder / MANIFEST)
        fault = _fault(folder, said)
        if fault is None:
            self._known[folder] = seen
        return fault

    def _refuse_if_failed(self, folder: Path) -> None:
        error = self._failed.get(folder)
        if error is not None:
            what = f"{type(error).__name__}: {printable(str(error))[:200]}"
            raise UsageError(f"the build {folder.name} failed before in this process ({what}); mend it") from error

    def _make(self, folder: Path, said: bytes, make: Make, *, again: str) -> None:
        """Make a build in a folder beside, and rename that when it is complete."""
        for left in self.folder.glob(f".{folder.name}.*"):  # of a process that has died
            _remove(left)
        part = self.folder / f".{folder.name}.{uuid4().hex}"
        with ExitStack() as stack:
            stack.callback(_remove, part)
            stack.push(partial(self._note, folder))
            with self._writing():
                part.mkdir()
            stack.callback(_MAKING.reset, _MAKING.set((*_MAKING.get(), folder)))
            begun = time.perf_counter()
            make(part)
            seconds = time.perf_counter() - begun
            files = _files(part)
            if not files or MANIFEST in files:
                what = f"writes {MANIFEST}, which is taken" if files else "writes nothing into the folder that it gets"
                raise UsageError(f"what makes the build {folder.name} {what}; have it write its own files there")
            build = Build(
                folder=folder.name,
                seconds=round(seconds, 3),
                bytes=sum(files.values()),
                files=len(files),
                at=time.time(),
                again=again,
            )
            with self._writing():
                self._complete(part, folder, build, {"key": json.loads(said), "files": files})

    def _note(
        self, folder: Path, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Remember an error: a build that fails after minutes would else be tried again for every case."""
        if isinstance(error, Exception):
            self._failed[folder] = error

    def _complete(self, part: Path, folder: Path, build: Build, more: Mapping[str, Any]) -> None:
        """Give a finished build its manifest, its line and its name. Raises OSError."""
        facts = {"format": _FORMAT, **asdict(build), "package": _package(), **more}
        (part / MANIFEST).write_text(json.dumps(facts, indent=1), encoding="ascii")
        with (self.folder / LOG).open("ab", buffering=0) as log:
            # A line of its own whatever stands before it: the last one may be torn.
            log.write(f"\n{json.dumps(asdict(build))}\n".encode("ascii"))
        if os.path.lexists(folder):
            aside = part.with_name(f"{part.name}.old")
            folder.rename(aside)
            _remove(aside)
        part.rename(folder)

    @contextmanager
    def _alone(self, folder: Path) -> Iterator[None]:
        """While nobody else makes the build. SQLite's lock ends with the process that holds it, on every system."""
        with self._writing():
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                with suppress(FileExistsError), (self.folder / ".gitignore").open("x", encoding="ascii") as file:
                    file.write("*\n")
            connection = _connection(self.folder / f"{folder.name}.lock")
        with closing(connection):
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"{printable(self.folder.as_posix())} cannot be written ({error.strerror or error})"
            raise UsageError(f"{what}; builds need a folder with room that may be written") from None


def _said(key: object) -> bytes:
    """A key in its one form. Raises UsageError for what has none."""
    mend = "use text, whole or finite numbers, booleans, null, lists and mappings"
    if not isinstance(key, Mapping):
        raise UsageError(f"the key of a build is {quoted(key)}, not a mapping; write {{<what>: <value>}}")
    try:
        said = canonical(key)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the key of a build holds what JSON cannot ({printable(str(error))}); {mend}") from None
    for name in _names(key):
        if not isinstance(name, str):
            raise UsageError(f"the key of a build names something {quoted(name)}, which is not text; put it in quotes")
    return said


def _names(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _names(each)


def _folder_name(name: str, said: bytes) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        mend = "use up to 60 letters, digits and . _ + -, and begin with a letter or digit"
        raise UsageError(f"a build cannot be called {quoted(name)}; {mend}")
    # With the name: two that differ by case alone are two folders on every file system.
    return f"{name}-{sha256(name.encode('ascii') + b' ' + said).hexdigest()[:_DIGITS]}"


def _connection(lock: Path) -> sqlite3.Connection:
    """A connection that has the lock for itself. Raises OSError where there can be none."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(closing(sqlite3.connect(lock, timeout=PATIENCE, isolation_level=None)))
            while not _locks(connection):
                pass
        except sqlite3.Error as error:
            raise OSError(str(error)) from None
        stack.pop_all()
    return connection


def _locks(connection: sqlite3.Connection) -> bool:
    """Whether the lock is had now; False after a while, so that Ctrl-C is heard meanwhile."""
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _fault(folder: Path, said: bytes) -> str | None:
    """What is wrong with a build; None where nothing is, and empty where it is not there."""
    if not os.path.lexists(folder):
        return ""
    try:
        facts = json.loads((folder / MANIFEST).read_bytes())
        files, key = dict(facts["files"]), canonical(facts["key"])
        if facts["format"] != _FORMAT or key != said:
            return "it was made for something else"
        there = _files(folder)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return f"its {MANIFEST} cannot be read"
    there.pop(MANIFEST, None)
    return _changed(files, there)


def _changed(files: Mapping[str, int], there: Mapping[str, int]) -> str | None:
    """The first file that is not as it was made."""
    for name in sorted({*files, *there}):
        passing = _PASSING.fullmatch(name)
        if name not in there:
            return f"the file {quoted(name)} is gone"
        if name not in files and not passing:
            return f"the file {quoted(name)} came later"
        if name in files and there[name] != files[name] and not passing:
            return f"the file {quoted(name)} has {there[name]} bytes, and had {files[name]}"
    return None


def _files(folder: Path) -> dict[str, int]:
    """Names of all files below a folder, as POSIX has them, and their bytes; links are not followed."""
    found: dict[str, int] = {}
    waiting = [(folder, "")]
    while waiting:
        here, lead = waiting.pop()
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(here) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((here / entry.name, f"{lead}{entry.name}/"))
                else:
                    found[f"{lead}{entry.name}"] = entry.stat(follow_symlinks=False).st_size
    return found


def _remove(path: Path) -> None:
    """Remove a folder, or what stands in its place, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _identity(path: Path) -> object:
    """What tells a file from another one of its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _of_line(line: bytes) -> Build | None:
    """The build that a line of the log tells of; None for one that is torn."""
    try:
        return Build(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _package() -> str:
    try:
        return f"pytest-genaiops {version('pytest-genaiops')}"
    except PackageNotFoundError:
        return "pytest-genaiops"
