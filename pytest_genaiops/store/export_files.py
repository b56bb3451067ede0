"""Rows of an export as bytes: JSON Lines, CSV and Parquet, one row after the other, whatever the texts hold."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from typing import IO, Any

from pytest_genaiops.extras import require
from pytest_genaiops.store.export import CONVENTIONS, Row
from pytest_genaiops.store.export_columns import Column, as_json, flat

_HALVES = "\ud800-\udfff"
_TURNING = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""What acts on a terminal or turns a line round; of JSON's texts the rest is escaped already."""
_RETURN = re.compile("\r(?!\n)")


class _Escapes(dict[int, str]):
    """Characters of some kind as escapes, ``\\uXXXX``; what else there is stays as it is."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = re.compile(f"[{kind}]")

    def __missing__(self, code: int) -> str:
        found = self[code] = f"\\u{code:04x}" if self._kind.match(chr(code)) else chr(code)
        return found

    def __call__(self, text: str) -> str:
        return text.translate(self) if self._kind.search(text) else text


_HALF, _ACTING = _Escapes(_HALVES), _Escapes(f"{_TURNING}{_HALVES}")
_HIDDEN = _Escapes(f"\x00-\x08\x0b\x0c\x0e-\x1f{_TURNING}{_HALVES}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""With what a cell begins that a spreadsheet may take for a formula (OWASP, CSV Injection), and the mark itself."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_ROWS = 2000
_CHARACTERS = 8 * 2**20
"""A part of a Parquet file is written when so many rows or characters of text are gathered."""


def write_jsonl(stream: IO[bytes], rows: Iterable[Row]) -> None:
    """One JSON object a row, exact: halves of surrogate pairs, control and direction marks are ``\\uXXXX``."""
    for row in rows:
        stream.write(f"{_ACTING(as_json(row))}\n".encode())


def write_csv(stream: IO[bytes], rows: Iterable[Row], columns: Sequence[Column]) -> None:
    """RFC 4180 in UTF-8, with a head; a text that begins as a formula does is led by an apostrophe.

    So is one that begins with an apostrophe: whoever takes one away from a cell that has one gets the text. A number
    is none, wherever it stands. Control and direction marks and halves of surrogate pairs are shown as escapes.
    """
    kinds = {column.name: column.kind for column in columns}
    text = TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(map(_shown, kinds))
        writer.writerows([v if v is None else _cell(v) for v in flat(row, kinds).values()] for row in rows)
        text.flush()
    finally:
        text.detach()


def write_parquet(stream: IO[bytes], rows: Iterable[Row], columns: Sequence[Column]) -> None:
    """Apache Parquet with typed columns; halves of surrogate pairs, which UTF-8 has no form for, are escapes.

    Raises ExtraMissingError where pyarrow is not installed.
    """
    arrow, parquet = require("pyarrow", "parquet"), require("pyarrow.parquet", "parquet")
    types = {
        "text": arrow.string(),
        "json": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "boolean": arrow.bool_(),
    }
    kinds = {column.name: column.kind for column in columns}
    fields = [arrow.field(whole(name), types[kind]) for name, kind in kinds.items()]
    schema = arrow.schema(fields, metadata={"genaiops.semantic_conventions": CONVENTIONS})
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for part in _parts(flat(row, kinds) for row in rows):
            arrays = [arrow.array([whole(row[name]) for row in part], types[kind]) for name, kind in kinds.items()]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    size = 0
    for row in rows:
        part.append(row)
        size += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(part) >= _ROWS or size >= _CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


def whole(value: Any) -> Any:
    """A value that UTF-8 can hold."""
    if isinstance(value, str):
        return _HALF(value)
    return [whole(each) for each in value] if isinstance(value, list) else value


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _shown(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _shown(as_json(value)) if isinstance(value, list) else value


def _shown(text: str) -> str:
    """A text as a cell: nothing in it acts, and it is no formula."""
    if not text.isprintable():
        text = _RETURN.sub(r"\\u000d", _HIDDEN(text))
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


WRITERS: Mapping[str, Callable[..., None]] = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}
"""Suffix of a file -> what writes it; all but the first take the columns too."""
