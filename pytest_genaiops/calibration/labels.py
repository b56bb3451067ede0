"""Files of answers that people have judged: rows of a dataset with the answer and the label beside everything else."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_genaiops.dataset import Source
from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.readers import Row
from pytest_genaiops.dataset.schema import Schema
from pytest_genaiops.dataset.text import listed, printable, quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case

ANSWERS = ("response", "answer", "output")
"""Columns that may hold the answer; the first that a row has counts."""
LABEL = "label"
SWAPPED = "swapped"
"""What a judge of pairs said when the two answers stood in the other order."""
WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One answer with what people and, where it is on record, the judge said of it."""

    case: Case
    """What was asked, with contexts and references where the file has them; never the label."""
    answer: str | None
    label: float
    recorded: tuple[float, ...] = ()
    """The judge's values, one a sample; empty where the judge gave none, or is yet to be asked."""
    swapped: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFile:
    """All labelled answers of a file."""

    name: str
    rows: Sequence[Labelled]
    hash: str
    """SHA-256 over the rows in any order: 64 hexadecimal digits."""

    @property
    def clusters(self) -> list[str] | None:
        """What rows depend on together: their cluster, or a case whose id several rows share; None where none do."""
        found = [row.case.cluster for row in self.rows]
        return None if all(key is None for key in found) else [key or f"row {i}" for i, key in enumerate(found)]


def read_labels(source: Source, *, label: str = LABEL, recorded: str | None = None) -> LabelledFile:
    """The labelled answers of a file; rows without a label are left out.

    Args:
        source: of JSON Lines, CSV, TSV or Parquet, under its manifest where it has one.
        label: column of the label, or a path into one (``expert.consistency``).
        recorded: the same for the judge's values, where they are on record: a number, or a list of samples.

    Raises:
        DatasetError: the file cannot be read, a label is no number, or no row has one.
    """
    given = [(where, row) for _, where, row in source.rows() if isinstance(row, Mapping) or _no_row(row, where)]
    ids = Counter(str(row["id"]) for _, row in given if row.get("id") is not None)
    schema, rows, digest = Schema(), [], 0
    for number, (where, row) in enumerate(given):
        value = _at(row, label, where)
        if value is None or value == "":
            continue
        digest += int.from_bytes(hashlib.sha256(_written(row, where)).digest(), "big")
        case = schema.case(_as_case(row, number, ids, (label, recorded)), where)
        said = () if recorded is None else _recorded(_at(row, recorded, where), recorded, where)
        rows.append(
            Labelled(
                case=case,
                answer=_answer(row, where),
                label=_number(value, label, where),
                recorded=said,
                swapped=None if row.get(SWAPPED) in (None, "") else _number(row[SWAPPED], SWAPPED, where),
            )
        )
    if not rows:
        raise DatasetError(f"{source.shown}: no row has a label in {quoted(label)}; write 0 or 1, or a rating, there")
    return LabelledFile(name=source.name, rows=rows, hash=f"{digest % 2**256:064x}")


def _as_case(row: Row, number: int, ids: Counter[str], spoken: Sequence[str | None]) -> dict[str, Any]:
    """The row as that of a dataset: without what people and judges said, and with an id of its own."""
    gone = {SWAPPED, LABEL, "responses", *ANSWERS, *(path.partition(".")[0] for path in spoken if path)}
    found = {name: value for name, value in row.items() if name not in gone}
    name = row.get("id")
    shared = name is not None and ids[str(name)] > 1
    if shared and found.get("cluster") in (None, ""):
        found["cluster"] = str(name)
    return {**found, "id": f"row {number + 1}" if shared or name is None else name}


def _at(row: Row, path: str, where: str) -> Any:
    """What a row holds under a column, or under a path into one."""
    if path in row:
        return row[path]
    found: Any = row
    for step in path.split("."):
        if not isinstance(found, Mapping) or step not in found:
            names = listed(str(name) for name in row)
            raise DatasetError(f"{where}: the row has no {quoted(path)}; it has {names}")
        found = found[step]
    return found


def _answer(row: Row, where: str) -> str | None:
    column = next((name for name in ANSWERS if row.get(name) is not None), None)
    if column is None:
        return None
    if not isinstance(row[column], str):
        raise DatasetError(f"{where}: {column} holds {quoted(row[column])}; an answer is text")
    return str(row[column])


def _recorded(value: Any, column: str, where: str) -> tuple[float, ...]:
    samples = value if isinstance(value, list | tuple) else [value]
    return tuple(_number(sample, column, where) for sample in samples if sample not in (None, ""))


def _number(value: Any, column: str, where: str) -> float:
    """0 or 1, a rating, or a word for yes or no."""
    if isinstance(value, str) and value.strip().lower() in WORDS:
        return WORDS[value.strip().lower()]
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        mend = "write 0 or 1, yes or no, or a rating as a number"
        raise DatasetError(f"{where}: {printable(column)} holds {quoted(value)}; {mend}")
    return number


def _written(row: Row, where: str) -> bytes:
    try:
        return canonical(row)
    except (TypeError, ValueError, RecursionError):
        raise DatasetError(f"{where}: the row holds what JSON has no form for; use text and finite numbers") from None


def _no_row(row: object, where: str) -> NoReturn:
    raise DatasetError(f"{where}: the row is {quoted(row)}, not an object; write one {{…}} in each line")
