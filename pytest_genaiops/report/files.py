"""A report to a file: what it looks like is told by the name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.document import Document

SUFFIXES = (".html", ".md", ".json")
_ACTING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What acts on the terminal that shows the file, beside what JSON escapes by itself; and halves of characters."""


def rendered(document: Document, suffix: str) -> Iterable[str]:
    """The report in pieces: one of :data:`SUFFIXES` says as what. All of it can be written as UTF-8."""
    if suffix == ".html":
        from pytest_genaiops.report.html import chunks

        return chunks(document)
    if suffix == ".md":
        from pytest_genaiops.report.markdown import page

        return [page(document)]
    return [as_json(document), "\n"]


def as_json(document: Document) -> str:
    """JSON, as ``report/schema/report-1.schema.json`` describes it; what acts on a terminal is escaped."""
    text = json.dumps(document, default=_parts, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _parts(value: Any) -> dict[str, Any]:
    """One level of what :func:`~pytest_genaiops.report.document.plain` makes of all: a third of the time."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    return {each.name: getattr(value, each.name) for each in fields(value)}


def write(document: Document, path: Path, *, shown: str) -> None:
    """Write the report; missing folders are made, and a file that is there is replaced when all of it is on disk.

    Args:
        document: what to report.
        path: of the file; its suffix is one of :data:`SUFFIXES`, in any case.
        shown: the path as messages name it.

    Raises:
        UsageError: the file cannot be written.
    """
    pieces = rendered(document, path.suffix.lower())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # a pipe, a terminal; or a folder, which fails
            _pour(pieces, path)
        else:
            _replace(pieces, path)
    except OSError as error:
        raise UsageError(f"the report {shown} cannot be written: {error.strerror or error}") from None


def _replace(pieces: Iterable[str], path: Path) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _pour(pieces, beside)
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _pour(pieces: Iterable[str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for piece in pieces:
            file.write(piece)
