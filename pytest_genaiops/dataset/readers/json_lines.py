"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pytest_genaiops.dataset.readers.lines import Rows
from pytest_genaiops.dataset.schema import refuse
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import DatasetError


def json_rows(lines: Iterable[str], shown: str) -> Rows:
    """The objects of a JSON Lines file; blank lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if line and not line.isspace():
            source = f"{shown}:{number}"
            yield number, source, parsed(line, source, "the line")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DatasetError(f"has the key {quoted(twice)} twice in one object; keep one of the two")
    return found


def _constant(name: str) -> float:
    raise DatasetError(f"holds {name}, which is not JSON; write null, or leave the key out")


_decode = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant).decode


def parsed(text: str, source: str, what: str) -> Any:
    """The JSON value of a text. Raises DatasetError with ``source``, about ``what`` it is the text of."""
    try:
        return _decode(text)
    except DatasetError as error:
        raise DatasetError(f"{source}: {what} {error}") from None
    except json.JSONDecodeError as error:
        if "\r" in text.strip():
            refuse(source, f"{what} holds a bare carriage return; end each row with LF or CRLF")
        mend = f"write one complete JSON {'object per line' if what == 'the line' else 'value'}"
        refuse(source, f"{what} is not JSON ({error.msg.lower()} at character {error.pos + 1}); {mend}")
    except RecursionError:
        refuse(source, f"{what} is nested too deeply; flatten it")
    except ValueError as error:
        refuse(source, f"{what} holds a number that is too long ({error}); write it as text")
