"""Formats: the rows of a file or folder with their places, whatever they are written in."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pytest_genaiops.dataset.readers.json_lines import json_rows
from pytest_genaiops.dataset.readers.lines import GZIP, Row, Rows, lines_of, unreadable
from pytest_genaiops.dataset.readers.parquet import parquet_rows
from pytest_genaiops.dataset.readers.table import table_rows
from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import listed, printable

__all__ = ["SUFFIXES", "Row", "Rows", "files_in", "name_of", "rows_of", "suffix_of"]

_TEXT = (".jsonl", ".csv", ".tsv")
_PARQUET = ".parquet"
SUFFIXES = (*_TEXT, _PARQUET, *(f"{suffix}{GZIP}" for suffix in _TEXT))


def rows_of(path: Path, shown: str) -> Rows:
    """The rows of a file, or of the files of a folder, as (line, ``file:line``, row).

    Raises DatasetError where a file cannot be read as it stands.
    """
    if os.path.isdir(path):  # Path.is_dir raises where permission is missing
        return _folder_rows(path, shown)
    suffix = suffix_of(path)
    if not suffix:
        what = f'the suffix "{printable(path.suffix)}" is not a dataset format'
        refuse(shown, f"{what}; use one of {listed(SUFFIXES)}")
    if suffix == _PARQUET:
        return parquet_rows(path, shown)
    lines = lines_of(path, shown)
    if suffix.startswith(".jsonl"):
        return json_rows(lines, shown)
    return table_rows(lines, shown, "\t" if suffix.startswith(".tsv") else ",")


def suffix_of(path: Path) -> str:
    """The suffix that says the format, in lower case; empty where there is none."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix) and name != suffix), "")


def name_of(path: Path) -> str:
    """The name of a dataset's file or folder without its suffix: ``support`` for ``support.jsonl.gz``."""
    return path.name[: len(path.name) - len(suffix_of(path))]


def files_in(folder: Path, shown: str) -> list[Path]:
    """The data files of a folder, ``part-2`` before ``part-10``; hidden files and folders inside are passed over.

    Raises DatasetError where the folder cannot be read.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if not entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        refuse(shown, unreadable(error).replace("the file", "the folder"))
    return [path for name in sorted(names, key=_natural) if suffix_of(path := folder / name)]


def _folder_rows(folder: Path, shown: str) -> Rows:
    files = files_in(folder, shown)
    if not files:
        refuse(shown, f"the folder holds no data file; add one that ends in {listed(SUFFIXES)}")
    for path in files:
        yield from rows_of(path, f"{shown}/{printable(path.name)}")


def _natural(name: str) -> tuple[list[str | int], str]:
    parts = re.split(r"(\d+)", name)
    return [int(part) if place % 2 else part.casefold() for place, part in enumerate(parts)], name
