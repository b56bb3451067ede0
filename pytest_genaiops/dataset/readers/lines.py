"""Lines: a file's text, one line at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import encoding_fault

_BOM = b"\xef\xbb\xbf"

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Iterator[tuple[int, str, Row]]
"""Rows as (line, ``file:line``, row). In a folder lines begin anew with each file: only the place is a row's own."""


def lines_of(path: Path, shown: str) -> Iterator[str]:
    """The lines of a UTF-8 file with their ends, without a byte order mark."""
    if path.is_dir():
        refuse(shown, "this is a directory, not a dataset; name a file in it")
    if path.exists() and not path.is_file():
        refuse(shown, "this is not a regular file; name a .jsonl, .csv or .tsv file")
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                data = line.removeprefix(_BOM) if number == 1 else line
                try:
                    text = data.decode("utf-8")
                except UnicodeDecodeError:
                    text = "\0"
                if "\0" in text:
                    refuse(f"{shown}:{number}", encoding_fault(data) or "the line is not UTF-8 text")
                yield text
    except OSError as error:
        refuse(shown, f"the file cannot be read ({error.strerror or error}); check its name and permissions")
