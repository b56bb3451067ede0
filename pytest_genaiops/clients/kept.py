"""What is in the file of kept answers, for people: counted, taken out for a cassette, thrown away, explained."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from sqlite3 import Error
from typing import Any

from pytest_genaiops.clients.cassette import Line
from pytest_genaiops.clients.database import Database
from pytest_genaiops.clients.missing import Difference, Nearest, asked, differences
from pytest_genaiops.clients.request import Labels, Request
from pytest_genaiops.clients.wire import from_json
from pytest_genaiops.dataset.text import place, printable, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response

DAY = 86_400.0
EXPLAINED = 1000
"""New answers of a session that are looked at, at most."""
_CHUNK = 500

_LATEST = (
    "SELECT session FROM (SELECT session, made AS at FROM answers UNION ALL SELECT session, at FROM uses) "
    "ORDER BY at DESC LIMIT 1"
)
_ASKED_FOR = "SELECT key FROM answers WHERE session = ? UNION SELECT key FROM uses WHERE session = ?"
_AGES = (
    "SELECT answers.key, variant, case_id, made, max(made, coalesce(at, made)) "
    "FROM answers LEFT JOIN uses ON uses.key = answers.key"
)
_ANEW = (
    "SELECT variant, case_id, request FROM answers AS new WHERE session = ? AND EXISTS (SELECT 1 FROM answers "
    "WHERE case_id = new.case_id AND variant = new.variant AND session <> new.session) ORDER BY variant, case_id"
)
_TOKENS = {"input": ("input_tokens", "prompt_tokens"), "output": ("output_tokens", "completion_tokens")}
"""By the names that our own clients and those of others give them."""


@dataclass(slots=True)
class Group:
    """The answers of one model to one variant."""

    answers: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    """``input`` and ``output``."""
    newest: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which answers are meant, by the labels that they were made for."""

    variant: str = "*"
    case: str = "*"

    def takes(self, labels: Labels) -> bool:
        """Whether both globs match."""
        return fnmatchcase(labels.variant, self.variant) and fnmatchcase(labels.case, self.case)


@dataclass(frozen=True, slots=True)
class Explained:
    """Requests that found no answer for one and the same reason."""

    differences: tuple[Difference, ...]
    """Against the nearest that was kept; none where nothing was."""
    requests: list[Request]


class Kept:
    """The answers that a folder keeps. A session may run meanwhile.

    Raises UsageError where there are none yet, or the file cannot be used; ``tell`` hears of what was passed over.
    """

    def __init__(self, folder: Path, *, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._passed_over = False
        self._database = Database(folder, tell=tell)
        if not self._database.path.exists():
            raise UsageError(f"{place(folder, Path.cwd())} holds no answers yet; they come with the first live run")

    @property
    def size(self) -> int:
        """Bytes of the file and its log."""
        path = self._database.path
        files = [path, path.with_name(f"{path.name}-wal")]
        return sum(file.stat().st_size for file in files if file.exists())

    def span(self) -> tuple[float, float] | None:
        """When the oldest and the newest answer were made; None where there is none."""
        oldest, newest = self._read("SELECT min(made), max(made) FROM answers")[0]
        return None if oldest is None else (oldest, newest)

    def groups(self) -> Mapping[tuple[str, str], Group]:
        """By model and variant."""
        found: dict[tuple[str, str], Group] = {}
        for variant, made, text in self._each("variant, made, response"):
            response = self._response(text)
            if response is not None:
                group = found.setdefault((response.deployment or response.model or "-", variant), Group())
                group.answers += 1
                group.newest = max(group.newest, made)
                for kind, names in _TOKENS.items():
                    group.tokens[kind] += next((response.usage[name] for name in names if name in response.usage), 0)
        return dict(sorted(found.items()))

    def lines(self, choice: Choice) -> dict[bytes, Line]:
        """The answers of a choice by their keys. Raises UsageError for one whose request was kept without a secret."""
        found = {}
        for key, variant, case, content, text in self._each("key, variant, case_id, request, response"):
            response = self._response(text) if choice.takes(Labels(variant=variant, case=case)) else None
            if response is not None:
                request = asked((variant, case, content))
                if request.key != key:
                    whose = f"the request of case {quoted(case)} under {quoted(variant)}"
                    raise UsageError(
                        f"{whose} held a key or password, which is not kept; without it no cassette can answer it: "
                        "take it out of what is asked, or leave the case out"
                    )
                found[key] = Line(request, response)
        return found

    def asked_for(self) -> set[bytes]:
        """The keys of all that the latest session has asked for and got, from wherever."""
        latest = self._read(_LATEST)
        return {key for (key,) in self._read(_ASKED_FOR, [*latest[0], *latest[0]])} if latest else set()

    def outdated(self, choice: Choice, *, made: float | None, used: float | None) -> list[bytes]:
        """The keys of answers that were made more than ``made`` days ago, and not used for ``used`` days."""
        now = time.time()
        return [
            key
            for key, variant, case, at, last in self._read(_AGES)
            if choice.takes(Labels(variant=variant, case=case))
            and (made is None or now - at > made * DAY)
            and (used is None or now - last > used * DAY)
        ]

    def remove(self, keys: Sequence[bytes]) -> None:
        """Throw answers away, a few at a time, so that a session can write in between; then give their room back."""
        try:
            for start in range(0, len(keys), _CHUNK):
                some = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(some))
                tables = ("uses", "trials", "answers")
                self._database.write(*((f"DELETE FROM {table} WHERE key IN ({marks})", some) for table in tables))  # noqa: S608 - our own names
            self._database.shrink()
        except Error as error:
            raise self._unusable(error) from None

    def misses(self, choice: Choice, replayed: Sequence[Request]) -> list[Explained]:
        """What the latest session in mode ``only`` did not find, by reason."""
        rows = self._read("SELECT variant, case_id, request FROM misses ORDER BY variant, case_id")
        return _by_reason(map(asked, rows), Nearest(self._read, replayed), choice)

    def made_anew(self, choice: Choice) -> tuple[list[Explained], int]:
        """What the latest session called for although it had older answers for the same case and variant, by reason.

        Also how many answers it made that were not looked at.
        """
        latest = self._read("SELECT session FROM answers ORDER BY id DESC LIMIT 1")
        if not latest:
            return [], 0
        (session,) = latest[0]
        rows = self._read(_ANEW, [session])
        nearest = Nearest(self._read, before=session)
        return _by_reason(map(asked, rows[:EXPLAINED]), nearest, choice), max(0, len(rows) - EXPLAINED)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _each(self, columns: str) -> Iterator[Any]:
        """Rows of all answers in the order of their labels, never many of them in memory."""
        ids = [row[0] for row in self._read("SELECT id FROM answers ORDER BY variant, case_id, id")]
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            yield from self._read(f"SELECT {columns} FROM answers WHERE id IN ({','.join('?' * len(some))})", some)  # noqa: S608 - our own names

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._database.read(sql, values)
        except Error as error:
            raise self._unusable(error) from None

    def _response(self, text: str) -> Response | None:
        try:
            return from_json(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            if not self._passed_over:
                self._tell("answers are passed over that cannot be read; another version may have written them")
            self._passed_over = True
            return None

    def _unusable(self, error: Error) -> UsageError:
        where = place(self._database.path, Path.cwd())
        return UsageError(f"{where}: the file cannot be used ({printable(str(error))}); try again, or remove it")


def _by_reason(requests: Any, nearest: Nearest, choice: Choice) -> list[Explained]:
    found: dict[tuple[Difference, ...], Explained] = {}
    for request in requests:
        if choice.takes(request.labels):
            kept = nearest.to(request)
            reason = tuple(differences(kept, request)) if kept is not None else ()
            found.setdefault(reason, Explained(reason, [])).requests.append(request)
    return sorted(found.values(), key=lambda each: -len(each.requests))
