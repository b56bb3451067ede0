"""Parquet, a few rows at a time however large its row groups are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_genaiops.dataset.readers.columns import Columns
from pytest_genaiops.dataset.readers.lines import Rows, opened, unreadable
from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.dataset.values import plain
from pytest_genaiops.extras import require

_BUFFER = 2**20
_LARGE = 32 * 2**20
_AT_ONCE = 8 * 2**20
"""Bytes that are turned into Python objects together, as the file estimates them."""
_INDEX = re.compile(r"__index_level_\d+__")
"""How pandas writes an index that has no name."""


def parquet_rows(path: Path, shown: str) -> Rows:
    """The rows, numbered from 1. Lists and structs are lists and mappings; other values as :func:`plain` says.

    A pandas index without a name is left out. Raises ExtraMissingError without the package pyarrow.
    """
    arrow, parquet = require("pyarrow", "parquet"), require("pyarrow.parquet", "parquet")
    number = 0
    try:
        with opened(path, shown) as raw:
            # Without a buffer, a column's part of a row group is read as a whole; with one, pyarrow makes room for as
            # much as a damaged file claims to hold. So only large files have one.
            buffer = _BUFFER if os.fstat(raw.fileno()).st_size > _LARGE else 0
            file = parquet.ParquetFile(raw, buffer_size=buffer, pre_buffer=False)
            names = [name for name in file.schema_arrow.names if not _INDEX.fullmatch(name)]
            columns = Columns(names, shown)
            for batch in file.iter_batches(batch_size=_batch_size(file.metadata), use_threads=False):
                cells = [_values(batch.column(name), name, shown, number) for name in names]
                for row in zip(*cells, strict=True):
                    number += 1
                    source = f"{shown}:{number}"
                    pairs = zip(names, row, strict=True)
                    yield number, source, columns.row([plain(cell, name, source) for name, cell in pairs])
    except (arrow.ArrowException, UnicodeDecodeError) as error:  # the latter: a column's name
        refuse(shown, _damaged(error, number))
    except OSError as error:
        refuse(shown, unreadable(error) if error.errno else _damaged(error, number))


def _batch_size(metadata: Any) -> int:
    size: int = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    rows: int = metadata.num_rows
    return max(1, min(1024, _AT_ONCE * rows // max(size, 1)))


def _values(column: Any, name: str, shown: str, before: int) -> list[Any]:
    """A column's values as Python objects."""
    if str(column.type) == "time64[ns]":  # Python's times end at microseconds
        column = column.cast("string")
    read = _reader(column.type)
    try:
        return [read(value) for value in column.to_pylist()]
    except (ValueError, OverflowError, KeyError):
        for number, scalar in enumerate(column, start=before + 1):
            try:
                read(scalar.as_py())
            except (ValueError, OverflowError, KeyError) as error:
                what = f"column {quoted(name)} holds a value that cannot be read ({_first_line(error)})"
                refuse(f"{shown}:{number}", f"{what}; write it as text")
        raise


def _reader(kind: Any) -> Callable[[Any], Any]:
    """How to turn values of a type into mappings where maps are in it: pyarrow gives those as lists of pairs."""
    text = str(kind)
    if "map<" not in text:
        return lambda value: value
    if text.startswith("map<"):
        key, item = _reader(kind.key_type), _reader(kind.item_type)
        return lambda pairs: None if pairs is None else _mapping([(key(name), item(value)) for name, value in pairs])
    if text.startswith("struct<"):
        fields = {kind.field(place).name: _reader(kind.field(place).type) for place in range(kind.num_fields)}
        return lambda row: None if row is None else {name: fields[name](value) for name, value in row.items()}
    each = _reader(kind.value_type)
    return lambda values: None if values is None else [each(value) for value in values]


def _mapping(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _damaged(error: BaseException, number: int) -> str:
    return f"the file is no Parquet file, or is damaged behind row {number} ({_first_line(error)}); write it again"


def _first_line(error: BaseException) -> str:
    return printable(next(iter(str(error).splitlines()), type(error).__name__))
