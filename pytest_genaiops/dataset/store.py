"""Where the rows of a dataset are kept: in memory while they are few, in a temporary file beyond."""

from __future__ import annotations

import marshal
import os
import tempfile
import threading
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from operator import attrgetter
from typing import IO, NoReturn

from pytest_genaiops.dataset.relevance import FIELDS
from pytest_genaiops.dataset.text import printable
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import NOTHING, Case, ReadOnly, Relevant
from pytest_genaiops.sequences import Lazy

HELD_BYTES = 32 * 2**20
"""What the rows of a dataset may take in memory; more of them go to the file."""

ROW_BYTES = 600
"""What a row takes beside what it says: the objects that hold it."""

_label = attrgetter(*FIELDS)
_BLOCK = 1000
"""Rows that are read at a time by who reads them all."""


def kept(cases: Iterable[Case], said: Callable[[], int]) -> tuple[Case, ...] | StoredCases:
    """All the cases, in memory or in a file; ``said()`` is how many bytes the rows so far say.

    Raises DatasetError where the file cannot be written.
    """
    few: list[Case] = []
    rest = iter(cases)
    for case in rest:
        few.append(case)
        if said() + len(few) * ROW_BYTES > HELD_BYTES:
            stored = StoredCases()
            stored.extend(few)
            few.clear()
            stored.extend(rest)
            return stored
    return tuple(few)


class StoredCases(Lazy[Case]):
    """Cases in a temporary file without a name; each is read when it is asked for, and may be read by any thread.

    What it costs in memory is 8 bytes a row. The file is the rows' own: it matters no more what they
    were read from, nor whether that changes meanwhile.
    """

    __slots__ = ("__weakref__", "_file", "_lock", "_starts")

    def __init__(self) -> None:
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="genaiops-")  # noqa: SIM115 - closed by the finalizer
        except OSError as error:
            _cannot_write(error)
        weakref.finalize(self, _close, self._file)
        self._lock = threading.Lock()
        self._starts = array("Q", [0])

    def extend(self, cases: Iterable[Case]) -> None:
        """Add cases behind those that are there. Raises DatasetError where the disk is full."""
        for case in cases:
            row = _packed(case)
            try:
                self._file.write(row)
            except OSError as error:
                _cannot_write(error)
            self._starts.append(self._starts[-1] + len(row))
        try:
            self._file.flush()
        except OSError as error:
            _cannot_write(error)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def at(self, position: int) -> Case:
        """The case at a position."""
        return _unpacked(self._read(self._starts[position], self._starts[position + 1]))

    def __iter__(self) -> Iterator[Case]:
        for first in range(0, len(self), _BLOCK):
            starts = self._starts[first : first + _BLOCK + 1]
            block = memoryview(self._read(starts[0], starts[-1]))
            for start, end in pairwise(starts):
                yield _unpacked(block[start - starts[0] : end - starts[0]])

    def _read(self, start: int, end: int) -> bytes:
        if hasattr(os, "pread"):  # a forked process shares the place in the file, and no lock
            return _read_at(self._file.fileno(), start, end)
        with self._lock:
            self._file.seek(start)
            return self._file.read(end - start)


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # what a full disk did not take has been told of
        file.close()


def _read_at(file: int, start: int, end: int) -> bytes:
    parts = []
    while start < end and (part := os.pread(file, end - start, start)):  # at most 2 GiB at once
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _packed(case: Case) -> bytes:
    """A case as bytes that only this process will read. Its values are JSON's, of no class of their own."""
    inputs, slices, recorded = dict(case.inputs), dict(case.slices), dict(case.recorded)
    relevant = None if case.relevant is None else [_label(each) for each in case.relevant]
    row = (case.id, inputs, case.references, case.contexts, case.label, case.cluster, slices, recorded, case.source)
    calls = None if case.tool_calls is None else [dict(call) for call in case.tool_calls]
    return marshal.dumps((*row, relevant, calls))


def _unpacked(row: bytes | memoryview) -> Case:
    *said, relevant, calls = marshal.loads(row)  # noqa: S302 - the file has no name: nobody else writes it
    case_id, inputs, references, contexts, label, cluster, slices, recorded, source = said
    return Case(
        id=case_id,
        relevant=None
        if relevant is None
        else tuple(Relevant(**dict(zip(FIELDS, each, strict=True))) for each in relevant),
        tool_calls=None if calls is None else tuple(map(ReadOnly, calls)),
        inputs=ReadOnly(inputs),
        references=references,
        contexts=contexts,
        label=label,
        cluster=cluster,
        slices=slices or NOTHING,
        recorded=recorded or NOTHING,
        source=source,
    )


def _cannot_write(error: OSError) -> NoReturn:
    where, why = printable(tempfile.gettempdir()), error.strerror or error
    raise DatasetError(
        f"the dataset is too large for memory, and {where} cannot hold it ({why}); set TMPDIR to a folder with room"
    ) from None
