"""Runs for the tests of the record, and all of its rows as they can be compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pytest_genaiops.records import Case, Measurement, Response
from pytest_genaiops.store import NAME, ItemRow, PartRow, TrialRow, Writer

_OF_SUITES = "JOIN suites ON suites.id = suite"
_OF_VARIANTS = f"JOIN variants ON variants.id = variant {_OF_SUITES}"
_ROWS = {
    "runs": "SELECT id, facts FROM runs",
    "suites": "SELECT run, title, facts FROM suites",
    "variants": f"SELECT run, title, name, text FROM variants {_OF_SUITES} JOIN contents ON digest = content",
    "cases": f"SELECT run, title, position, text FROM cases {_OF_SUITES} JOIN contents ON digest = content",
    "trials": f"SELECT run, name, position, trial, text FROM trials {_OF_VARIANTS} JOIN contents ON digest = response",
    "measurements": "SELECT run, name, signature, position, trial, statistics FROM measurements "
    f"JOIN metrics ON metrics.id = metric {_OF_VARIANTS}",
    "items": f"SELECT run, name, test, outcome FROM items {_OF_VARIANTS}",
}


def rows(folder: Path) -> Mapping[str, list[Any]]:
    """Every row by table, without the numbers that only say in which order they came."""
    with closing(sqlite3.connect(folder / NAME)) as connection:
        return {table: sorted(connection.execute(sql), key=repr) for table, sql in _ROWS.items()}


def write(folder: Path, run: str, positions: Iterable[int], *, end: bool = True, started: float = 0.0) -> None:
    """A run of one suite with two variants, or the part of it that has these cases."""
    writer = Writer(folder, run)
    writer.begin(started, {"kind": "pytest"})
    suite = writer.suite("t.py::test", {"n": 100})
    writer.cases(
        suite, ((place, Case(id=f"c{place}", inputs={"question": f"What of {place}?"})) for place in range(100))
    )
    variants = [writer.variant(suite, name, {"place": place}) for place, name in enumerate(("v1", "v2"))]
    for place in positions:
        for variant in variants:
            answer = Response(text=f"answer {place % 7}")
            writer.trials(variant, [TrialRow(position=place, trial=1, response=answer)])
            metric = writer.metric(variant, "bleu|x", "bleu", {}, [PartRow(name="bleu", scale=(0, 100))])
            writer.measurements(metric, [(place, 1, Measurement(statistics=(place / 7, 1.0)))])
            writer.item(variant, ItemRow(test=f"t.py::test[{place}]", position=place, outcome="passed"))
    if end:
        writer.end(started + 1, 0, {})
    else:
        writer.flush()
    writer.close()
