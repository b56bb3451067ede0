"""The columns of a run, and the run as CSV."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from pathlib import Path

from export_help import exported

from pytest_genaiops.store import Store
from pytest_genaiops.store.export import What
from pytest_genaiops.store.export_columns import Column, columns
from pytest_genaiops.store.export_files import write_csv


def columns_of(folder: Path, what: What = "trials") -> tuple[Column, ...]:
    with closing(Store(folder)) as store:
        return columns(store, store.run(), what)


def as_csv(folder: Path, what: What = "trials") -> bytes:
    stream = io.BytesIO()
    write_csv(stream, exported(folder, what), columns_of(folder, what))
    return stream.getvalue()


def cells(data: bytes) -> list[dict[str, str]]:
    """As Python's reader gives them."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
