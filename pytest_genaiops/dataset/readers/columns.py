"""Columns of a table, whatever it is written in: their names are checked once, and make a row of values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_genaiops.dataset.readers.lines import Row
from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import quoted

RESPONSE = "response_"


class Columns:
    """Names of columns. ``response_<system>`` columns together are the row's ``responses``."""

    def __init__(self, names: Sequence[Any], source: str) -> None:
        self._names = tuple(names)
        self._recorded: dict[str, str] = {}
        for name in filter(lambda name: isinstance(name, str), names):
            if names.count(name) > 1:
                refuse(source, f"the header names the column {quoted(name)} twice; rename one of the two")
            if name == RESPONSE:
                refuse(source, f'column "{RESPONSE}" names no system; write {RESPONSE}<system>')
            if name.startswith(RESPONSE):
                self._recorded[name] = name.removeprefix(RESPONSE)
            elif name.casefold().startswith(RESPONSE):
                refuse(source, f"column {quoted(name)} is an input as it is written; write {RESPONSE} in lower case")
        if self._recorded and "responses" in names:
            refuse(source, f'the header has "responses" and "{RESPONSE}<system>" columns; keep one of the two forms')

    def row(self, values: Iterable[Any]) -> Row:
        """The row of these values, one for each column."""
        row = dict(zip(self._names, values, strict=True))
        if self._recorded:
            row["responses"] = {system: row.pop(name) for name, system in self._recorded.items()}
        return row
