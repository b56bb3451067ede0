"""Datasets handed in: pandas DataFrames, Hugging Face datasets and rows, told apart by their class.

Neither package is imported here: whoever hands one of their objects in has done so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytest_genaiops.dataset.load import Dataset, from_rows
from pytest_genaiops.dataset.readers import Row
from pytest_genaiops.dataset.readers.columns import Columns
from pytest_genaiops.dataset.schema import SLICE, refuse
from pytest_genaiops.dataset.text import listed, printable, quoted
from pytest_genaiops.errors import DatasetError

_AT_ONCE = 1000
"""Rows that are turned into Python objects together."""
_WORDS = ("id", "label", "cluster")


def coerce(value: Any, *, name: str = "rows") -> Dataset:
    """The dataset that an object is.

    Args:
        value: a Dataset; a list of rows (mappings with the columns of a dataset file); a pandas DataFrame; or
            a ``Dataset`` or ``IterableDataset`` of Hugging Face's package.
        name: what places begin with: ``rows:17`` is the 17th row.

    A DataFrame's missing values are null, and an index named ``id`` is the column. The whole number of a
    ``ClassLabel`` becomes the label's name.

    Raises:
        DatasetError: it is none of them, or its rows cannot be read as they stand.
    """
    if isinstance(value, Dataset):
        return value
    shown = printable(name)
    if _is(value, "pandas", "DataFrame"):
        return from_rows(_frame_rows(value, shown), name=name)
    if _is(value, "datasets", "Dataset", "IterableDataset"):
        return from_rows(_hub_rows(value, shown), name=name)
    if _is(value, "datasets", "DatasetDict", "IterableDatasetDict"):
        refuse(shown, f"this is a DatasetDict of the splits {listed(value)}; choose one of them")
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return from_rows(value, name=name)
    kinds = "a list of rows, a pandas DataFrame, a Hugging Face dataset or a Dataset"
    raise DatasetError(f"dataset={quoted(value)}: give a name, a path, {kinds}")


def _is(value: object, package: str, *names: str) -> bool:
    """Whether the value's class, or one that it stands on, is one of a package's."""
    return any(kind.__name__ in names and kind.__module__.partition(".")[0] == package for kind in type(value).__mro__)


def _frame_rows(frame: Any, shown: str) -> Iterator[Row]:
    if "id" not in frame.columns and "id" in frame.index.names:
        frame = frame.reset_index("id")
    names = list(frame.columns)
    columns = Columns(names, shown)
    for name in names:
        _check_words(frame, name, shown)
    for start in range(0, len(frame), _AT_ONCE):
        part = frame.iloc[start : start + _AT_ONCE]
        values = zip(*(part[name].tolist() for name in names), strict=True)
        missing = zip(*(part[name].isna().tolist() for name in names), strict=True)
        for row, gone in zip(values, missing, strict=True):
            yield columns.row([None if no else cell for cell, no in zip(row, gone, strict=True)])


def _check_words(frame: Any, column: object, shown: str) -> None:
    """Refuse 1.0 where 1 was meant, with the mend for the whole column."""
    if not isinstance(column, str) or not (column in _WORDS or column.startswith(SLICE)):
        return
    known = frame[column].dropna()
    if known.dtype.kind == "f" and len(known) and (known % 1 == 0).all():
        what = f'column "{printable(column)}" holds whole numbers as floats, as pandas does where some are missing'
        refuse(shown, f'{what}; convert it: frame["{printable(column)}"].astype("Int64")')


def _hub_rows(data: Any, shown: str) -> Iterator[Row]:
    features = data.features or {}  # a stream may not know them
    for column, feature in features.items():
        if hasattr(feature, "decode_example"):
            what = f'column "{printable(column)}" holds {type(feature).__name__} data, which no prompt can show'
            refuse(shown, f'{what}; leave it out: dataset.remove_columns("{printable(column)}")')
    names = {column: reader for column, feature in features.items() if (reader := _class_names(feature))}
    if (getattr(data, "format", None) or {}).get("type") == "custom":
        refuse(shown, "the dataset has a transform, which is not part of its rows; make it so: dataset.map(...)")
    for batch in data.with_format(None).iter(batch_size=_AT_ONCE):
        columns = Columns(list(batch), shown)
        for row in zip(*batch.values(), strict=True):
            yield columns.row(
                [names[column](cell) if column in names else cell for column, cell in zip(batch, row, strict=True)]
            )


def _class_names(feature: Any) -> Callable[[Any], Any] | None:
    """How to turn the numbers of a ClassLabel, or of a list of them, into names; None where there are none."""
    if type(feature).__name__ == "ClassLabel":
        # -1 is how a split without labels is written.
        return lambda value: None if value is None or value < 0 else feature.int2str(value)
    inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
    if inner is None or isinstance(inner, Mapping):
        return None
    read = _class_names(inner)
    return read and (lambda values: None if values is None else [read(value) for value in values])
