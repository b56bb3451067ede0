"""Values of other libraries as the JSON values that a row holds; nothing is lost, and nothing is guessed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import quoted


def plain(value: Any, column: object, source: str) -> Any:
    """The value as text, number, bool, None, list or dict.

    Dates and times become ISO 8601 text, a decimal a whole number where it has no decimal places and
    text where it has, a UUID text, numpy's scalars and arrays numbers, texts and lists, and pandas' NA
    and NaT None. Raises DatasetError, with ``source`` and the column, for anything else.
    """
    if type(value) in _PLAIN:
        return value
    try:
        return _json(value)
    except (TypeError, ValueError, RecursionError):
        what = f"column {quoted(column)} holds {quoted(value)} ({type(value).__name__}), which no prompt can show"
        refuse(source, f"{what}; write it as text or numbers, or drop the column")


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _json(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key if type(key) in _PLAIN else _json(key): _json(field) for key, field in value.items()}
    if type(value).__module__.partition(".")[0] == "numpy" and value.dtype.kind in "biufUO":
        return _json(value.tolist())
    return None if type(value).__name__ in ("NAType", "NaTType") else _text(value)


def _text(value: Any) -> str | int | float:
    for kind in (str, int, float):  # of a class that stands on one of them, such as an enum: what it is, as JSON has it
        if isinstance(value, kind):
            return kind.__str__(value) if kind is str else kind(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        digits = format(value, "f")
        return digits if "." in digits else int(digits)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError
