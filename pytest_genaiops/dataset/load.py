"""Rows to datasets: read as a stream, checked row by row, and hashed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NoReturn

from pytest_genaiops.dataset.identity import ContentHash, case_digest
from pytest_genaiops.dataset.lock import Content, put_lock, read_lock
from pytest_genaiops.dataset.manifest import Manifest
from pytest_genaiops.dataset.readers import Row, Rows
from pytest_genaiops.dataset.schema import Schema, refuse
from pytest_genaiops.dataset.source import Source, source_of
from pytest_genaiops.dataset.store import kept
from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.dataset.values import plain
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
    manifest: Manifest | None = None
    """What the file's manifest says; None where it has none, and for rows made in code."""

    @property
    def title(self) -> str:
        """The name, with the version where the manifest gives one."""
        version = self.manifest.version if self.manifest else ""
        return f"{self.name} version {version}" if version else self.name

    @property
    def content(self) -> Content:
        """What its lock holds of it beside its rows."""
        return Content(rows=len(self.cases), hash=self.hash, columns=self.columns)


def load(source: Path | Source, *, root: Path | None = None, against_lock: bool = True) -> Dataset:
    """Read and check a whole file, or the files of a folder, under its manifest and its lock where it has them.

    Places in messages and in ``Case.source`` are relative to ``root`` when the file is under
    it. Raises DatasetError with ``file:line`` where the file cannot be read as it stands, and with
    the ids of rows that were added, removed or edited where it is not what its lock says.
    """
    source = source if isinstance(source, Source) else source_of(source, root=root)
    found = _dataset(source.name, source.path, source.rows(), source.shown)
    lock = read_lock(source) if against_lock else None
    if lock is not None:
        lock.check(found.content, lambda: ((case.id, case_digest(case)) for case in found.cases))
    return replace(found, manifest=source.manifest)


def iter_cases(source: Path | Source, *, root: Path | None = None) -> Iterator[Case]:
    """The cases of a file one by one, checked as :func:`load` does but not against a lock; an empty file gives none.

    Ids that two rows share are found at the end, where there are many rows: only who reads to the end knows.
    """
    return iter(Reading(source if isinstance(source, Source) else source_of(source, root=root)))


class Reading:
    """One pass over a dataset that keeps no rows."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._schema, self._identity = Schema(), ContentHash()

    def __iter__(self) -> Iterator[Case]:
        yield from _cases(self._source.rows(), self._schema, self._identity)
        self._schema.ids.check(self._at)

    def _at(self, position: int) -> Case:
        return next(islice(_cases(self._source.rows(), Schema(), ContentHash()), position, None))

    def digests(self) -> Iterator[tuple[str, bytes]]:
        """Every row's id and SHA-256 digest. Raises DatasetError where there are no rows."""
        for case in self:
            yield case.id, self._identity.last
        if not self._identity.rows:
            _refuse_nothing(self._source.shown)

    @property
    def content(self) -> Content:
        """What the rows so far have in common."""
        columns = tuple(self._schema.columns)
        return Content(rows=self._identity.rows, hash=self._identity.hexdigest(), columns=columns)


def write_lock(source: Source) -> tuple[Content, bool]:
    """Write the dataset's lock, in memory that does not grow with its rows' texts; False where it is right as it is.

    Raises DatasetError where the dataset or the lock's folder is not fit for it.
    """
    reading = Reading(source)
    written = put_lock(source, reading.digests(), lambda: reading.content)
    return reading.content, written


def content_of(source: Source) -> Content:
    """What a lock would hold of the dataset as it is. Raises DatasetError where it cannot be read."""
    reading = Reading(source)
    deque(reading.digests(), maxlen=0)
    return reading.content


def check_lock(source: Source) -> Content | None:
    """Read the dataset and compare it with its lock; None where it has none.

    Raises DatasetError as :func:`load` does.
    """
    lock = read_lock(source)
    if lock is None:
        return None
    content = content_of(source)
    lock.check(content, lambda: Reading(source).digests())
    return content


def from_rows(rows: Iterable[Row], *, name: str = "rows") -> Dataset:
    """A dataset from mappings in code, under the schema of a JSON Lines row.

    ``Case.source`` is ``name:row``, counted from 1. Dates, decimals, numpy's numbers and the like become what
    a file would hold of them. Raises DatasetError as :func:`load` does.
    """
    shown = printable(name)
    return _dataset(name, None, _plain_rows(rows, shown), shown)


def _plain_rows(rows: Iterable[Row], shown: str) -> Rows:
    for number, row in enumerate(rows, start=1):
        source = f"{shown}:{number}"
        # What is no row is refused with those of files.
        yield number, source, _plain_row(row, source) if isinstance(row, Mapping) else row


def _plain_row(row: Row, source: str) -> Row:
    return {str.__str__(name) if isinstance(name, str) else name: plain(row[name], name, source) for name in row}


def _dataset(name: str, path: Path | None, rows: Iterable[tuple[int, str, Row]], shown: str) -> Dataset:
    schema, identity = Schema(), ContentHash()
    cases = kept(_cases(rows, schema, identity), lambda: identity.size)
    if not cases:
        _refuse_nothing(shown)
    schema.ids.check(cases.__getitem__)
    return Dataset(
        name=name,
        path=path,
        cases=cases,
        hash=identity.hexdigest(),
        columns=tuple(schema.columns),
        systems=tuple(schema.systems),
    )


def _refuse_nothing(shown: str) -> NoReturn:
    refuse(shown, "the dataset has no rows; add at least one")


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
