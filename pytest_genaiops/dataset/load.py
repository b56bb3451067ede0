"""Rows to datasets: read as a stream, checked row by row, and hashed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pytest_genaiops.dataset.identity import ContentHash
from pytest_genaiops.dataset.readers import Row, name_of, rows_of
from pytest_genaiops.dataset.schema import Schema, refuse
from pytest_genaiops.dataset.store import kept
from pytest_genaiops.dataset.text import place, printable, quoted
from pytest_genaiops.records import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Cases with unique ids, in file order.

    ``cases`` is a tuple while the rows are few; many are kept in a temporary file and read when they are asked for.
    ``hash`` is 64 hexadecimal digits and depends on what the rows say only: not on the file's
    name or format, nor on the order of rows or keys.
    """

    name: str
    path: Path | None
    """The file, or None for rows made in code."""
    cases: Sequence[Case]
    hash: str
    columns: tuple[str, ...]
    """Names as the rows have them, in the order in which they first appear."""
    systems: tuple[str, ...]
    """Systems with a recorded response, in the order in which they first appear."""


def load(path: Path, *, root: Path | None = None) -> Dataset:
    """Read and check a whole file, or the files of a folder; the suffix says the format.

    Places in messages and in ``Case.source`` are relative to ``root`` when the file is under
    it. Raises DatasetError with ``file:line`` where the file cannot be read as it stands.
    """
    return _dataset(name_of(path), path, rows_of(path, place(path, root)), place(path, root))


def iter_cases(path: Path, *, root: Path | None = None) -> Iterator[Case]:
    """The cases of a file one by one, checked as :func:`load` does; an empty file gives none.

    Ids that two rows share are found at the end, where there are many rows: only who reads to the end knows.
    """
    shown = place(path, root)
    schema = Schema()
    yield from _cases(rows_of(path, shown), schema, ContentHash())
    schema.ids.check(
        lambda position: next(islice(_cases(rows_of(path, shown), Schema(), ContentHash()), position, None))
    )


def from_rows(rows: Iterable[Row], *, name: str = "rows") -> Dataset:
    """A dataset from mappings in code, under the schema of a JSON Lines row.

    ``Case.source`` is ``name:row``, counted from 1. Raises DatasetError as :func:`load` does.
    """
    shown = printable(name)
    numbered = ((number, f"{shown}:{number}", row) for number, row in enumerate(rows, start=1))
    return _dataset(name, None, numbered, shown)


def _dataset(name: str, path: Path | None, rows: Iterable[tuple[int, str, Row]], shown: str) -> Dataset:
    schema, identity = Schema(), ContentHash()
    cases = kept(_cases(rows, schema, identity), lambda: identity.size)
    if not cases:
        refuse(shown, "the dataset has no rows; add at least one")
    schema.ids.check(cases.__getitem__)
    return Dataset(
        name=name,
        path=path,
        cases=cases,
        hash=identity.hexdigest(),
        columns=tuple(schema.columns),
        systems=tuple(schema.systems),
    )


def _cases(rows: Iterable[tuple[int, str, Row]], schema: Schema, identity: ContentHash) -> Iterator[Case]:
    for _, source, row in rows:
        if not isinstance(row, Mapping):
            refuse(source, f'the row is {quoted(row)}, not an object; write one {{…}} with an "id" in each line')
        case = schema.case(row, source)
        try:
            identity.add(case)
        except UnicodeEncodeError as error:
            lone = quoted(error.object[error.start])
            refuse(source, f"row {quoted(case.id)} holds a lone surrogate ({lone}), which is no character; remove it")
        except (TypeError, ValueError, RecursionError) as error:
            mend = "use text, finite numbers, booleans, null, lists and mappings"
            refuse(source, f"row {quoted(case.id)} holds what JSON cannot ({printable(str(error))}); {mend}")
        yield case
