"""Answers that are kept: each one is called for once, in all processes and sessions, whatever becomes of them."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from sqlite3 import Error
from typing import Any, Literal
from uuid import uuid4

from pytest_genaiops.clients import cassette as cassettes
from pytest_genaiops.clients.database import Database, spoilt
from pytest_genaiops.clients.lease import Leases
from pytest_genaiops.clients.missing import Nearest, why_missing
from pytest_genaiops.clients.request import Request
from pytest_genaiops.clients.secrets import without_known
from pytest_genaiops.clients.wire import from_json, to_json
from pytest_genaiops.config import CacheMode
from pytest_genaiops.dataset.text import place, printable
from pytest_genaiops.errors import CacheWarning
from pytest_genaiops.records import Response

PAUSE = 10.0
"""Seconds after which a file that could not be written is tried again."""
TOGETHER = 100
"""Digests that are written at once."""

_FIND = "SELECT key, session, response FROM answers WHERE key IN"
_KNOWN = (
    "SELECT digest, trials.key, session, response FROM trials LEFT JOIN answers ON answers.key = trials.key "
    "WHERE digest IN"
)
_KEEP = (
    "INSERT OR REPLACE INTO answers (key, session, made, variant, case_id, version, response, request) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_LEARN = "INSERT OR REPLACE INTO trials (digest, key) VALUES (?, ?)"
_TEXT = 6
"""Place of the response in such a row."""
_LATEST = "SELECT key, session, response FROM answers WHERE ?1 IS NULL OR variant = ?1 ORDER BY id DESC LIMIT ?2"
_MISSED = "INSERT OR REPLACE INTO misses (key, session, at, variant, case_id, request) VALUES (?, ?, ?, ?, ?, ?)"
_USED = "INSERT OR REPLACE INTO uses (key, session, at) VALUES (?, ?, ?)"


class Cache:
    """Answers in ``cache.sqlite`` of a folder, and in a cassette. Any thread may use it.

    Nothing is opened before it is asked for, and no folder made before there is something to keep. What the file
    system does not allow (a full disk, a folder that cannot be written, a file that stays locked) is warned of once
    (CacheWarning): answers are then held in memory, and written as soon as that works again.

    Raises UsageError for a cassette with a line that is wrong, and for one that is not there in mode ``only``.
    """

    def __init__(self, folder: Path, *, mode: CacheMode, cassette: Path | None = None, session: str = "") -> None:
        self.strict = mode == "only"
        self.troubles: list[str] = []
        """What was warned of, a sentence each."""
        self._session = session or uuid4().hex
        """What the processes of one session have in common: to it, in mode ``refresh``, its own answers are new."""
        self._counts = self._session if mode == "refresh" else None
        self._folder = folder
        self._database = Database(folder, tell=self._warn)
        self._leases = Leases(self._database)
        self._lock = threading.RLock()
        self._replayed: dict[bytes, cassettes.Line] = {}
        if cassette is not None and mode != "refresh" and (self.strict or os.path.exists(cassette)):
            self._replayed = cassettes.read(cassette)
        self._unwritten: dict[bytes, tuple[Any, ...]] = {}
        """Rows that the file does not have yet; after a failure until it can be written again."""
        self._learned: dict[bytes, bytes] = {}
        """Digests that the file does not have yet. Where they are lost, a prompt is made again, and no call."""
        self._unreadable: set[bytes] = set()
        self._claimed: set[bytes] = set()
        self._hits: set[bytes] = set()
        self._again = 0.0
        """``time.monotonic()`` before which the file is not written."""

    @property
    def hits(self) -> frozenset[bytes]:
        """Keys of the answers of earlier sessions and of the cassette that have stood for calls."""
        return frozenset(self._hits)

    def find(self, request: Request) -> Response | None:
        """The kept response to a request, without a trial."""
        return self.find_all([request])[0]

    def find_all(self, requests: Sequence[Request]) -> list[Response | None]:
        """The same for many."""
        keys = [request.key for request in requests]
        found = {key: self._at_hand(key) for key in keys}
        rows = self._read(_FIND, [key for key, held in found.items() if held is None])
        found.update((key, self._counted(key, *row)) for key, *row in rows)
        return [found[key] for key in keys]

    def known(self, digests: Sequence[bytes]) -> list[Response | None]:
        """Kept responses by what :meth:`learn` was told."""
        self._note()
        rows = self._read(_KNOWN, list(dict.fromkeys(digests)))
        found = {digest: self._at_hand(key) or self._counted(key, *row) for digest, key, *row in rows}
        return [found.get(digest) for digest in digests]

    def learn(self, pairs: Iterable[tuple[bytes, Request]]) -> None:
        """Note a caller's own digest of what leads to a request."""
        if self.strict:  # there the answers come from elsewhere, and the folder may be read-only
            return
        with self._lock:
            self._learned.update((digest, request.key) for digest, request in pairs)
            if len(self._learned) >= TOGETHER:
                self._note()

    def latest(self, count: int, variant: str | None = None) -> list[Response]:
        """The kept responses of the latest calls, of one variant or of all; those of earlier modes too."""
        rows = self._lookup(_LATEST, [variant, count])
        found = [self._read_back(key, text) for key, _, text in rows]
        return [response for response in found if response is not None]

    def claim(self, request: Request) -> Literal["ours", "theirs"]:
        """Whether this caller may make the call now.

        It is ``theirs`` where another one does so, in this process or another, and where an answer has been kept
        since :meth:`find` was asked: ask that again.
        """
        key = request.key
        with self._lock:
            if key in self._claimed or key in self._unwritten:
                return "theirs"
            counts = "" if key in self._unreadable else self._counts
            if self._write(lambda: self._leases.claim(key, counts=counts)) is False:
                return "theirs"
            self._claimed.add(key)
            return "ours"

    def keep(self, request: Request, response: Response) -> None:
        """Keep an answer; when this returns, the end of this process cannot lose it any more."""
        response_text = without_known(to_json(response))
        row = (request.key, self._session, time.time(), *_labelled(request, _version(), response_text))
        with self._lock:
            self._unwritten[request.key] = row
            self._unreadable.discard(request.key)
            self._flush()
            self._claimed.discard(request.key)

    def release(self, request: Request) -> None:
        """Let others call what was not answered."""
        with self._lock:
            self._claimed.discard(request.key)
            self._write(lambda: self._leases.release(request.key))

    def why_missing(self, request: Request) -> str:
        """What part of the request is new, in a sentence. The miss is noted for ``genaiops cache explain-miss``."""
        row = (request.key, self._session, time.time(), *_labelled(request))
        with suppress(Error):  # where it cannot be noted, the sentence has said it all
            self._database.write(("DELETE FROM misses WHERE session <> ?", [self._session]), (_MISSED, row))
        return why_missing(request, Nearest(self._lookup, [line.request for line in self._replayed.values()]))

    def close(self) -> None:
        """Write what is left, give claims back and let go of the file; it is opened anew where it is needed again."""
        with self._lock:
            self._again = 0.0
            self._flush()
            self._note()
            if self._hits and os.path.exists(self._database.path):
                now = time.time()
                rows = [(key, self._session, now) for key in self._hits]
                with suppress(Error):  # in a read-only folder nobody prunes either
                    self._database.write_many(_USED, rows)
            self._leases.close()
            self._database.close()

    def _at_hand(self, key: bytes) -> Response | None:
        """What needs no look into the file."""
        if not self._replayed and not self._unwritten:
            return None
        line = self._replayed.get(key)
        if line is not None:
            self._hits.add(key)
            return line.response
        row = self._unwritten.get(key)
        return None if row is None else from_json(row[_TEXT])

    def _counted(self, key: bytes, session: str | None, text: str | None) -> Response | None:
        """The response of a row, where it counts and can be read."""
        if text is None or (self._counts is not None and session != self._counts):
            return None
        response = self._read_back(key, text)
        if response is not None and session != self._session:
            self._hits.add(key)
        return response

    def _read_back(self, key: bytes, text: str) -> Response | None:
        try:
            return from_json(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._unreadable.add(key)
            return None

    def _read(self, sql: str, keys: Sequence[bytes]) -> Iterator[Any]:
        try:
            yield from self._database.read_in(sql, keys)
        except Error as error:
            if spoilt(error):
                return  # that has been said
            self._warn(f"{place(self._folder, None)}: kept answers cannot be read ({printable(str(error))})")

    def _lookup(self, sql: str, values: Sequence[Any]) -> list[Any]:
        try:
            return self._database.read(sql, values)
        except Error:
            return []

    def _note(self) -> None:
        """Write down what was learned."""
        with self._lock:
            rows = list(self._learned.items())
            if rows and self._write(lambda: self._database.write_many(_LEARN, rows)):
                self._learned.clear()

    def _flush(self) -> None:
        rows = list(self._unwritten.values())
        if rows and self._write(lambda: self._database.write_many(_KEEP, rows)):
            self._unwritten.clear()

    def _write(self, does: Callable[[], Any]) -> Any:
        """What writing gave; None where the file cannot be written, which is warned of once."""
        with self._lock:
            if time.monotonic() < self._again:
                return None
            try:
                try:
                    return does()
                except Error as error:
                    if not spoilt(error):
                        raise
                    return does()  # in a new file
            except Error as error:
                self._again = time.monotonic() + PAUSE
                what = f"{place(self._folder, None)}: answers cannot be kept ({printable(str(error))})"
                self._warn(f"{what}; the session goes on, and tries again")
                return None

    def _warn(self, sentence: str) -> None:
        if sentence not in self.troubles:
            self.troubles.append(sentence)
            with suppress(CacheWarning):  # where warnings are errors, an answer that was paid for is not lost over one
                warnings.warn(CacheWarning(sentence), stacklevel=2)


class Nothing:
    """Keeps no answers."""

    strict = False
    hits: frozenset[bytes] = frozenset()

    def find(self, _: Request) -> None:
        """None is kept."""

    def find_all(self, requests: Sequence[Request]) -> list[Response | None]:
        """None is kept."""
        return [None] * len(requests)

    def known(self, digests: Sequence[bytes]) -> list[Response | None]:
        """None is kept."""
        return [None] * len(digests)

    def learn(self, _: Iterable[tuple[bytes, Request]]) -> None:
        """Nothing is noted."""

    def latest(self, _: int, __: str | None = None) -> list[Response]:
        """None is kept."""
        return []

    def claim(self, _: Request) -> Literal["ours"]:
        """Everybody calls."""
        return "ours"

    def keep(self, _: Request, __: Response) -> None:
        """Nothing is kept."""

    def release(self, _: Request) -> None:
        """Nothing was claimed."""

    def why_missing(self, _: Request) -> str:
        """Nobody asks."""
        return "no answers are kept"

    def close(self) -> None:
        """Nothing is open."""


def _labelled(request: Request, *between: str) -> tuple[str, ...]:
    """A request as rows have it: its labels, what stands between, and its content; without secrets."""
    labels = request.labels
    content = request.written.decode()
    return without_known(labels.variant), without_known(labels.case), *between, without_known(content)


@cache
def _version() -> str:
    return version("pytest-genaiops")
