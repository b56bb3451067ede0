"""CSV and TSV: a header, and cells that the header's roles explain."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any

from pytest_genaiops.dataset.readers.columns import RESPONSE, Columns
from pytest_genaiops.dataset.readers.json_lines import parsed
from pytest_genaiops.dataset.readers.lines import LONGEST_LINE, Rows
from pytest_genaiops.dataset.schema import TEXT_LISTS, refuse
from pytest_genaiops.dataset.text import printable, quoted


class TableRow(dict[str, Any]):
    """A row of a table: what is no role in it is text."""

    __slots__ = ()


def table_rows(lines: Iterator[str], shown: str, delimiter: str) -> Rows:
    """The rows below a table's header; blank lines are passed over."""
    size = 0

    def bounded() -> Iterator[str]:
        nonlocal size
        for line in lines:
            size += len(line)
            if size > LONGEST_LINE:  # csv's own limit on cells is for the whole process: anybody may have lifted it
                raise csv.Error("unexpected end")
            yield line

    reader = csv.reader(bounded(), delimiter=delimiter, strict=True)
    columns: Columns | None = None
    cells: list[Callable[[str, str], Any] | None] = []
    end = 0
    try:
        for values in reader:
            size, start, end = 0, end + 1, reader.line_num
            source = f"{shown}:{start}"
            if not values:
                continue
            if columns is None:
                _check_header(values, source, delimiter)
                columns, cells = Columns(values, source), [_cell_reader(name) for name in values]
                continue
            if len(values) != len(cells):
                count = f"the row has {len(values)} cells where the header has {len(cells)} columns"
                refuse(source, f"{count}; quote cells that hold a separator, and fill in what is missing")
            pairs = zip(values, cells, strict=True)
            row = columns.row([read(value, source) if read else value for value, read in pairs])
            yield start, source, TableRow(row)
    except csv.Error as error:
        refuse(f"{shown}:{end + 1}", _table_fault(str(error)))


def _table_fault(message: str) -> str:
    if "unexpected end" in message:
        return "a quoted cell that begins in this row is never closed; close its quote"
    if "field larger" in message:
        most = f"a cell is longer than {csv.field_size_limit():,} characters, which is the csv module's limit"
        return f"{most}; close its quote, or keep such texts in a .jsonl file"
    if "new-line" in message:
        return "the row holds a bare carriage return; end lines with LF or CRLF, and quote cells that hold one"
    return f"the row is not well-formed ({printable(message)}); double the quotes inside a quoted cell"


def _check_header(header: list[str], source: str, delimiter: str) -> None:
    separator = next((mark for mark in "\t;|," if mark in header[0]), None)
    if len(header) == 1 and separator:
        what = f"the header is separated by {quoted(separator)}, where the suffix says {quoted(delimiter)}"
        refuse(source, f"{what}; save the file as .csv with commas, or as .tsv with tabs")
    for number, name in enumerate(header, start=1):
        if not name.strip():
            refuse(source, f"column {number} has no name; name it in the header, or drop it")
        if name != name.strip():
            refuse(source, f"the column name {quoted(name)} has spaces around it; remove them")


def _cell_reader(name: str) -> Callable[[str, str], Any] | None:
    """How to read a column's cells; None for plain text."""
    if name in TEXT_LISTS["references"] + TEXT_LISTS["contexts"]:
        return lambda cell, source: parsed(cell, source, f'"{name}"') if cell.startswith("[") else cell or None
    if name == "responses":
        return lambda cell, source: parsed(cell, source, '"responses"') if cell else None
    if name == "relevant":
        return _labels
    if name == "tool_calls":
        return lambda cell, source: parsed(cell, source, '"tool_calls"') if cell else None
    if name in ("label", "cluster") or name.startswith(("slice_", RESPONSE)):
        return lambda cell, source: cell or None
    return None


def _labels(cell: str, source: str) -> Any:
    """Relevance labels: JSON, or ids with semicolons between them; an empty cell is a row that nobody labelled."""
    if cell.startswith(("[", "{")):
        return parsed(cell, source, '"relevant"')
    return [name.strip() for name in cell.split(";")] if cell else None


def read_cell(name: str, value: Any, source: str) -> Any:
    """The value of a table's cell under another name than its header has, as if the header had that one."""
    read = _cell_reader(name)
    if read is None:
        return "" if value is None else value
    return read(value, source) if isinstance(value, str) else value
