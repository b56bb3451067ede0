"""Baselines to files: one line a case, the same bytes for the same scores, and all of a file or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_genaiops.baselines import layout
from pytest_genaiops.baselines.entry import Baseline, Entry, Section
from pytest_genaiops.baselines.rows import text
from pytest_genaiops.errors import UsageError

MAX_BYTES = 50 * 2**20
"""The largest file: more than a million rows of one number, and what hosts of git repositories begin to refuse."""


def write(path: Path, baseline: Baseline, *, shown: str, limit: int = MAX_BYTES) -> None:
    """Write a baseline; the file is replaced when all of it is on disk.

    Args:
        path: of the file; missing folders are made.
        baseline: what to write; its rows are written one by one.
        shown: the path as messages name it.
        limit: of the file's size, in bytes.

    Raises:
        UsageError: the file would be larger than ``limit``, or cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with beside.open("wb") as file:
            for line in _lines(baseline):
                size += file.write(line.encode("utf-8") + b"\n")
                if size > limit:
                    raise UsageError(
                        f"{shown} would be larger than {limit:,} bytes, too much for a file under version control; "
                        "judge a smaller dataset, or compare with a variant of the same run"
                    )
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{shown} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _lines(baseline: Baseline) -> Iterator[str]:
    suite = baseline.suite
    yield "{"
    yield from _fields(layout.head(baseline), 2)
    yield f'  "checksum": {text(layout.head_checksum(baseline))},'
    yield '  "variants": {'
    for key, last in _marked(baseline.entries):
        yield f"    {text(key)}: {{"
        yield from _entry(suite, key, baseline.entries[key])
        yield "    }" if last else "    },"
    yield "  }"
    yield "}"


def _entry(suite: str, key: str, entry: Entry) -> Iterator[str]:
    yield from _fields(layout.entry_head(entry), 6)
    yield f'      "checksum": {text(layout.entry_checksum(suite, key, entry))},'
    yield '      "metrics": {'
    for name, last in _marked(entry.metrics):
        section = entry.metrics[name]
        yield f"        {text(name)}: {{"
        yield from _section(section, layout.section_checksum(suite, f"{key}\n{name}", section))
        yield "        }" if last else "        },"
    yield "      }"


def _section(section: Section, checksum: str) -> Iterator[str]:
    yield from _fields(layout.section_head(section), 10)
    yield '          "scores": {'
    for name, last in _marked(section.scores):
        yield f"            {text(name)}: {text(layout.score(section.scores[name]))}" + ("" if last else ",")
    yield "          },"
    yield f'          "checksum": {text(checksum)},'
    yield '          "cases": ['
    left = len(section.rows)
    for line in section.rows.lines():
        left -= 1
        yield f"            {line}" + ("," if left else "")
    yield "          ]"


def _fields(fields: Mapping[str, Any], indent: int) -> Iterator[str]:
    return (f"{' ' * indent}{text(name)}: {text(value)}," for name, value in fields.items())


def _marked(names: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Names in order, each with whether it is the last."""
    ordered = sorted(names)
    return ((name, name == ordered[-1]) for name in ordered)
