"""Rows of a committed baseline: a case, a trial, and its statistics, each in one line of JSON.

Numbers are written as Python's ``repr`` has them, so that they are read back bit by bit.
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

from pytest_genaiops.columns import Columns
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Statistics

WITH_CLUSTER = 4
"""Elements of a row that names its cluster."""

LONGEST = 64
"""Characters of a key, beyond which it is an answer rather than a class: answers stay out of the file."""

DEEPEST = 20
"""Tuples within tuples that a key may be."""


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


class Rows:
    """The rows of one section, by case id and trial, their numbers in columns."""

    __slots__ = ("_clusters", "_positions", "_repeated", "ids", "statistics", "trials")

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.trials = array("q")
        self.statistics = Columns()
        self._clusters: dict[int, str] = {}
        self._positions: dict[tuple[str, int], int] = {}
        self._repeated = False

    @staticmethod
    def of_lines(lines: Iterable[str]) -> Rows:
        """The rows that :func:`line` wrote, in the order of their cases and trials."""
        rows = Rows()
        for fields in sorted(map(json.loads, lines), key=lambda fields: (fields[0], fields[1])):
            rows.append(fields)
        return rows

    def append(self, fields: Sequence[Any]) -> None:
        """Add a row: ``[id, trial, statistics]``, and the cluster where there is one.

        Raises:
            UsageError: what is wrong with it, to stand behind the row's place in a sentence.
        """
        case, trial, numbers, cluster = _checked(fields)
        if self._positions.setdefault((case, trial), len(self.ids)) != len(self.ids):
            raise UsageError(f"names case {case!r}, trial {trial}, a second time")
        statistics = _statistics(numbers)
        if self.ids and self._differs(statistics):
            raise UsageError(f"(case {case!r}) has statistics of another form than the rows above")
        self.statistics.append(statistics)
        self.ids.append(case)
        self.trials.append(trial)
        self._repeated |= trial > 1
        if cluster is not None:
            self._clusters[len(self.ids) - 1] = cluster

    def lines(self) -> Iterator[str]:
        """Every row as :func:`line` writes it."""
        for i, (case, trial) in enumerate(zip(self.ids, self.trials, strict=True)):
            yield line(case, trial, self.statistics[i], self._clusters.get(i))

    def position(self, case: str, trial: int) -> int | None:
        """Where the row of a case and trial stands; None where there is none."""
        return self._positions.get((case, trial))

    def clusters(self, positions: Sequence[int]) -> list[Hashable] | None:
        """A key for each row: rows with one key, of a cluster or trials of a case, depend on each other; or None."""
        if not self._clusters and not self._repeated:
            return None
        return [f"cluster {self._clusters[i]}" if i in self._clusters else f"case {self.ids[i]}" for i in positions]

    def __len__(self) -> int:
        return len(self.ids)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self.lines(), other.lines()))

    def _differs(self, statistics: Statistics) -> bool:
        counts = self.statistics.mappings is not None
        return isinstance(statistics, Mapping) != counts or (
            not counts and len(statistics) != len(self.statistics.columns)
        )


def line(case: str, trial: int, statistics: Statistics, cluster: str | None = None) -> str:
    """One row in one line: ``["c1", 1, [3, 0.5]]``, and the cluster where there is one.

    Counts by key, such as pairs of classes, are pairs: ``["c1", 1, [[["yes", "no"], 1]]]``; a text of more than
    64 characters is kept as its hash. Raises UsageError where a key is neither text nor a number nor a tuple of them.
    """
    numbers: list[Any]
    if isinstance(statistics, Mapping):
        numbers = sorted(([_plain_key(key), _plain(number)] for key, number in statistics.items()), key=text)
    else:
        numbers = [_plain(number) for number in statistics]
    return text([case, trial, numbers] if cluster is None else [case, trial, numbers, cluster])


def text(value: object) -> str:
    """A value as JSON in one line; text as it is where UTF-8 can hold it."""
    found = _encode(value)
    try:
        found.encode("utf-8")
    except UnicodeEncodeError:  # half a character, which a model can well answer with
        return json.dumps(value, allow_nan=False)
    return found


def is_number(value: object) -> bool:
    """Whether this is a finite number, and one that a sum can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _plain(number: Any) -> int | float:
    if type(number) is float or type(number) is int:
        return number
    return int(number) if isinstance(number, Integral) else float(number)


def _plain_key(key: Hashable) -> Any:
    if isinstance(key, tuple):
        return [_plain_key(each) for each in key]
    if isinstance(key, str) and len(key) > LONGEST:
        return f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    if key is None or isinstance(key, str | bool | int | float):
        return key
    raise UsageError(
        f"statistics are counted by {type(key).__name__}, which a baseline cannot hold; use text or tuples"
    )


def _key(value: Any, depth: int = 0) -> Hashable:
    if isinstance(value, dict) or depth > DEEPEST:
        raise UsageError("counts by a key that is neither text nor a number nor a list of them")
    return tuple(_key(each, depth + 1) for each in value) if isinstance(value, list) else value


def _checked(fields: Sequence[Any]) -> tuple[str, int, list[Any], str | None]:
    if not isinstance(fields, list) or len(fields) not in (WITH_CLUSTER - 1, WITH_CLUSTER):
        raise UsageError("is no row [id, trial, statistics] (and a cluster)")
    case, trial, numbers = fields[:3]
    cluster = fields[3] if len(fields) == WITH_CLUSTER else None
    if not isinstance(case, str):
        raise UsageError(f"has {case!r} where the id of a case belongs")
    if isinstance(trial, bool) or not isinstance(trial, int) or not 1 <= trial < 2**31:
        raise UsageError(f"(case {case!r}) has {trial!r} where the number of a trial belongs")
    if not isinstance(numbers, list) or not numbers:
        raise UsageError(f"(case {case!r}) has no list of statistics")
    if cluster is not None and not isinstance(cluster, str):
        raise UsageError(f"(case {case!r}) has {cluster!r} where a cluster belongs")
    return case, trial, numbers, cluster


def _statistics(numbers: list[Any]) -> Statistics:
    """The statistics of a row: of pairs a mapping, of numbers a tuple."""
    if isinstance(numbers[0], list):
        found: dict[Hashable, float] = {}
        for pair in numbers:
            if not isinstance(pair, list) or len(pair) != 2:
                raise UsageError("has a count that is no pair of a key and a number")
            found[_key(pair[0])] = _number(pair[1])
        return found
    return tuple(map(_number, numbers))


def _number(value: Any) -> float:
    if not is_number(value):
        shown = repr(value) if not isinstance(value, int) or isinstance(value, bool) else "a number too large"
        raise UsageError(f"has {shown} where a finite number belongs")
    found: float = value
    return found
