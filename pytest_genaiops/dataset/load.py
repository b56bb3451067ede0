"""Files to datasets: JSON Lines, CSV and TSV, read as a stream and checked row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_genaiops.dataset.identity import ContentHash
from pytest_genaiops.dataset.schema import TEXT_LISTS, Schema, refuse
from pytest_genaiops.dataset.text import encoding_fault, listed, near, place, printable, quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case

SUFFIXES = (".jsonl", ".csv", ".tsv")
RESPONSE = "response_"
_BOM = b"\xef\xbb\xbf"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Cases with unique ids, in file order.

    ``hash`` is 64 hexadecimal digits and depends on what the rows say only: not on the file's
    name or format, nor on the order of rows or keys.
    """

    name: str
    path: Path | None
    """The file, or None for rows made in code."""
    cases: tuple[Case, ...]
    hash: str
    columns: tuple[str, ...]
    """Names as the rows have them, in the order in which they first appear."""
    systems: tuple[str, ...]
    """Systems with a recorded response, in the order in which they first appear."""


def load(path: Path, *, root: Path | None = None) -> Dataset:
    """Read and check a whole file; ``.jsonl``, ``.csv`` and ``.tsv`` by its suffix.

    Places in messages and in ``Case.source`` are relative to ``root`` when the file is under
    it. Raises DatasetError with ``file:line`` where the file cannot be read as it stands.
    """
    schema, identity = Schema(), ContentHash()
    cases = tuple(_cases(_rows(path, place(path, root)), schema, identity))
    if not cases:
        refuse(place(path, root), "the dataset has no rows; add at least one")
    return _dataset(path.stem, path, cases, schema, identity)


def iter_cases(path: Path, *, root: Path | None = None) -> Iterator[Case]:
    """The cases of a file one by one, checked as :func:`load` does; an empty file gives none."""
    return _cases(_rows(path, place(path, root)), Schema(), ContentHash())


def from_rows(rows: Iterable[Row], *, name: str = "rows") -> Dataset:
    """A dataset from mappings in code, under the schema of a JSON Lines row.

    ``Case.source`` is ``name:row``, counted from 1. Raises DatasetError as :func:`load` does.
    """
    schema, identity = Schema(), ContentHash()
    numbered = ((number, f"{printable(name)}:{number}", row) for number, row in enumerate(rows, start=1))
    cases = tuple(_cases(numbered, schema, identity))
    if not cases:
        refuse(printable(name), "the dataset has no rows; add at least one")
    return _dataset(name, None, cases, schema, identity)


def _dataset(name: str, path: Path | None, cases: tuple[Case, ...], schema: Schema, identity: ContentHash) -> Dataset:
    return Dataset(
        name=name,
        path=path,
        cases=cases,
        hash=identity.hexdigest(),
        columns=tuple(schema.columns),
        systems=tuple(schema.systems),
    )


def _cases(rows: Iterable[tuple[int, str, Row]], schema: Schema, identity: ContentHash) -> Iterator[Case]:
    for line, source, row in rows:
        if not isinstance(row, Mapping):
            refuse(source, f'the row is {quoted(row)}, not an object; write one {{…}} with an "id" in each line')
        case = schema.case(row, line, source)
        try:
            identity.add(case)
        except UnicodeEncodeError as error:
            lone = quoted(error.object[error.start])
            refuse(source, f"row {quoted(case.id)} holds a lone surrogate ({lone}), which is no character; remove it")
        except (TypeError, ValueError, RecursionError) as error:
            mend = "use text, finite numbers, booleans, null, lists and mappings"
            refuse(source, f"row {quoted(case.id)} holds what JSON cannot ({printable(str(error))}); {mend}")
        yield case


def _rows(path: Path, shown: str) -> Iterator[tuple[int, str, Row]]:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        what = f'the suffix "{printable(path.suffix)}" is not a dataset format'
        refuse(shown, f"{what}; use one of {listed(SUFFIXES)}")
    lines = _lines(path, shown)
    if suffix == ".jsonl":
        return _json_rows(lines, shown)
    return _table_rows(lines, shown, "\t" if suffix == ".tsv" else ",")


def _lines(path: Path, shown: str) -> Iterator[str]:
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


def _json_rows(lines: Iterable[str], shown: str) -> Iterator[tuple[int, str, Row]]:
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            source = f"{shown}:{number}"
            yield number, source, _json(line, source, "the line")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DatasetError(f"has the key {quoted(twice)} twice in one object; keep one of the two")
    return found


def _constant(name: str) -> float:
    raise DatasetError(f"holds {name}, which is not JSON; write null, or leave the key out")


_decode = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant).decode


def _json(text: str, source: str, what: str) -> Any:
    try:
        return _decode(text)
    except DatasetError as error:
        raise DatasetError(f"{source}: {what} {error}") from None
    except json.JSONDecodeError as error:
        mend = f"write one complete JSON {'object per line' if what == 'the line' else 'value'}"
        refuse(source, f"{what} is not JSON ({error.msg.lower()} at character {error.pos + 1}); {mend}")
    except RecursionError:
        refuse(source, f"{what} is nested too deeply; flatten it")
    except ValueError as error:
        refuse(source, f"{what} holds a number that is too long ({error}); write it as text")


def _table_rows(lines: Iterator[str], shown: str, delimiter: str) -> Iterator[tuple[int, str, Row]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    cells: tuple[Callable[[str, str], Any] | None, ...] = ()
    end = 0
    try:
        for values in reader:
            start, end = end + 1, reader.line_num
            source = f"{shown}:{start}"
            if not values:
                continue
            if header is None:
                header = values
                cells = _cell_readers(header, source, delimiter)
                continue
            if len(values) != len(header):
                count = f"the row has {len(values)} cells where the header has {len(header)} columns"
                refuse(source, f"{count}; quote cells that hold a separator, and fill in what is missing")
            yield start, source, _table_row(header, values, cells, source)
    except csv.Error as error:
        refuse(f"{shown}:{end + 1}", _table_fault(str(error)))


def _table_fault(message: str) -> str:
    if "unexpected end" in message:
        return "a quoted cell that begins in this row is never closed; close its quote"
    if "field larger" in message:
        return "a cell is longer than the csv module reads; keep texts of this size in a .jsonl file"
    if "new-line" in message:
        return "the row holds a bare carriage return; end lines with LF or CRLF, and quote cells that hold one"
    return f"the row is not well-formed ({message}); double the quotes inside a quoted cell"


def _cell_readers(header: list[str], source: str, delimiter: str) -> tuple[Callable[[str, str], Any] | None, ...]:
    separator = next((mark for mark in "\t;|," if mark in header[0]), None)
    if len(header) == 1 and separator:
        what = f"the header is separated by {quoted(separator)}, where the suffix says {quoted(delimiter)}"
        refuse(source, f"{what}; save the file as .csv with commas, or as .tsv with tabs")
    if "id" not in header:
        refuse(
            source, f'the header has no "id"{near("id", header)}; add an "id" column with a different value in each row'
        )
    for number, name in enumerate(header, start=1):
        if not name.strip():
            refuse(source, f"column {number} has no name; name it in the header, or drop it")
        if name != name.strip():
            refuse(source, f"the column name {quoted(name)} has spaces around it; remove them")
        if header.count(name) > 1:
            refuse(source, f"the header names the column {quoted(name)} twice; rename one of the two")
        if name == RESPONSE:
            refuse(source, f'column "{RESPONSE}" names no system; write {RESPONSE}<system>')
    if "responses" in header and any(name.startswith(RESPONSE) for name in header):
        refuse(source, f'the header has "responses" and "{RESPONSE}<system>" columns; keep one of the two forms')
    return tuple(_cell_reader(name) for name in header)


def _cell_reader(name: str) -> Callable[[str, str], Any] | None:
    """How to read a column's cells; None for plain text."""
    if name in TEXT_LISTS["references"] + TEXT_LISTS["contexts"]:
        return lambda cell, source: _json(cell, source, f'"{name}"') if cell.startswith("[") else cell or None
    if name == "responses":
        return lambda cell, source: _json(cell, source, '"responses"') if cell else None
    if name in ("label", "cluster") or name.startswith(("slice_", RESPONSE)):
        return lambda cell, source: cell or None
    return None


def _table_row(
    header: list[str], values: list[str], cells: tuple[Callable[[str, str], Any] | None, ...], source: str
) -> Row:
    row: dict[str, Any] = {}
    for name, value, read in zip(header, values, cells, strict=True):
        cell = read(value, source) if read else value
        if name.startswith(RESPONSE):
            row.setdefault("responses", {})[name.removeprefix(RESPONSE)] = cell
        else:
            row[name] = cell
    return row
