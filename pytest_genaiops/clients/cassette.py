"""Cassettes: answers that are committed, one a line, for people to review and for CI to replay."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from pytest_genaiops.clients.request import Labels, Request
from pytest_genaiops.clients.secrets import looks_secret, without_secrets
from pytest_genaiops.clients.wire import plain, response_of
from pytest_genaiops.dataset.readers.json_lines import json_rows
from pytest_genaiops.dataset.readers.lines import lines_of
from pytest_genaiops.dataset.text import listed, near, place, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response

FIELDS = {
    "variant": "text",
    "case": "text",
    "trial": "a whole number from 1",
    "repeat": "a whole number from 1",
    "service": "a JSON object",
    "request": "a JSON object",
    "response": "a JSON object",
}
"""Of a line, in their order, with what they are. ``trial`` and ``repeat`` are left out where they are 1."""
NEEDED = ("service", "request", "response")
DECIMALS = 3
"""Of seconds: what is finer is noise, and makes a line change whenever it is made anew."""
_SECONDS = frozenset({"latency", "first_token"})


@dataclass(frozen=True, slots=True)
class Line:
    """A request and its answer."""

    request: Request
    response: Response


def read(path: Path) -> dict[bytes, Line]:
    """The lines of a cassette by the key of their requests, which is worked out anew.

    Raises UsageError with ``file:line`` for a line that is no answer, or the second one to a request.
    """
    shown = place(path, Path.cwd())
    if not path.exists():
        raise UsageError(f"the cassette {shown} is not there; write it with: genaiops cache export {shown}")
    found: dict[bytes, Line] = {}
    lines: dict[bytes, str] = {}
    for _, source, row in json_rows(lines_of(path, shown), shown):
        line = _line(row, source)
        try:
            key = line.request.key
        except (ValueError, RecursionError):
            raise UsageError(f"{source}: the request holds text that is not Unicode; export the line anew") from None
        if key in found:
            raise UsageError(f"{source}: this is the request of {lines[key]}; keep one of the two")
        found[key], lines[key] = line, source
    return found


def write(path: Path, lines: Iterable[Line]) -> None:
    """Write a cassette: sorted, the same bytes for the same answers, all of it or nothing.

    Raises UsageError where an answer cannot be committed (it holds what looks like a key), naming it and its field,
    and for a place where no file can be written.
    """
    texts = [_text(line) for line in sorted(lines, key=_order)]
    beside = path.with_name(f"{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text("".join(texts), encoding="utf-8", newline="\n")
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        why = error.strerror or error
        raise UsageError(
            f"{place(path, Path.cwd())}: the cassette cannot be written ({why}); choose another place"
        ) from None


def _order(line: Line) -> tuple[str, str, int, bytes]:
    labels = line.request.labels
    return labels.variant, labels.case, line.request.trial, line.request.key


def _text(line: Line) -> str:
    request, labels = line.request, line.request.labels
    counts = {name: value for name, value in (("trial", request.trial), ("repeat", request.repeat)) if value != 1}
    row = {"variant": labels.variant, "case": labels.case, **counts}
    row |= {"service": request.service, "request": request.body, "response": _rounded(plain(line.response))}
    whose = f"the answer to case {quoted(labels.case)} under {quoted(labels.variant)}"
    for path, text in _texts(row, ""):
        if looks_secret(text):
            raise UsageError(
                f"{whose} holds what looks like a key or password in {quoted(without_secrets(path))}; "
                "take it out of what is asked, or choose other cases with --case"
            )
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False, default=dict) + "\n"
    except ValueError:
        raise UsageError(f"{whose} holds a number that JSON has no form for (NaN or infinity)") from None


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text of a JSON value with where it stands; keys too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield f"{path}.{name}".lstrip("."), str(name)
            yield from _texts(item, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")


def _rounded(response: Any) -> Any:
    """The fields of a response with seconds to the millisecond, those of its steps too."""
    steps = [_rounded(step) for step in response.get("steps", ())]
    rounded = {
        name: round(value, DECIMALS) if name in _SECONDS and value is not None else value
        for name, value in response.items()
    }
    return rounded | {"steps": steps} if steps else rounded


def _line(row: Any, source: str) -> Line:
    if not isinstance(row, Mapping):
        raise UsageError(f"{source}: the line is no JSON object; a line has the keys {listed(FIELDS)}")
    for name in (*row, *NEEDED):
        if name not in FIELDS:
            raise UsageError(
                f"{source}: {quoted(name)} is no key of a line{near(name, FIELDS)}; it has {listed(FIELDS)}"
            )
        value = row.get(name)
        if not _fits(value, FIELDS[name]):
            raise UsageError(f"{source}: {name!r} is {quoted(value)}; give {FIELDS[name]}, or export the line anew")
    try:
        response = response_of(row["response"])
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from None
    labels = Labels(variant=row.get("variant", ""), case=row.get("case", ""))
    counts = {"trial": row.get("trial", 1), "repeat": row.get("repeat", 1)}
    return Line(Request(service=row["service"], body=row["request"], labels=labels, **counts), response)


def _fits(value: Any, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    return isinstance(value, dict) if kind == "a JSON object" else type(value) is int and value >= 1
