"""Formats: a file's rows with their places, whatever the file is written in."""

from __future__ import annotations

from pathlib import Path

from pytest_genaiops.dataset.readers.json_lines import json_rows
from pytest_genaiops.dataset.readers.lines import Row, Rows, lines_of
from pytest_genaiops.dataset.readers.table import table_rows
from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import listed, printable

__all__ = ["SUFFIXES", "Row", "Rows", "rows_of"]

SUFFIXES = (".jsonl", ".csv", ".tsv")


def rows_of(path: Path, shown: str) -> Rows:
    """The rows of a file as (line, ``file:line``, row); raises DatasetError where it cannot be read as it stands."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        what = f'the suffix "{printable(path.suffix)}" is not a dataset format'
        refuse(shown, f"{what}; use one of {listed(SUFFIXES)}")
    lines = lines_of(path, shown)
    if suffix == ".jsonl":
        return json_rows(lines, shown)
    return table_rows(lines, shown, "\t" if suffix == ".tsv" else ",")
