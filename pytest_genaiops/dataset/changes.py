"""What differs between two sets of rows, by id, in a few bytes a row."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_genaiops.dataset.text import listed

NAMED = 10
"""Ids that are told of each kind of change; of further ones only the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of change: how many rows, and where the first of them stand."""

    rows: int
    names: tuple[str, ...]
    """The ids of the first ones."""

    def clause(self, what: str) -> str:
        """For a sentence: ``12 added ('a', 'b' …)``."""
        rest = self.rows - len(self.names)
        return f"{self.rows} {what} ({listed(self.names)}{f' and {rest} more' if rest else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Rows by what happened to them; each in the order of the side that has them, edited ones in the earlier's."""

    added: Kind
    removed: Kind
    edited: Kind

    def sentence(self) -> str:
        """All kinds that there are, in words."""
        kinds = [("added", self.added), ("removed", self.removed), ("edited", self.edited)]
        return ", ".join(kind.clause(what) for what, kind in kinds if kind.rows)


Array: TypeAlias = Any
"""Of numpy, which is not loaded before it is needed."""
Rows = Callable[[], Iterable[tuple[str, bytes]]]
"""Gives one side's rows as (id, digest), in the same order each time it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Which rows differ, by their positions in the sides that have them."""

    added: Array
    removed: Array
    edited: Array
    """In the earlier side."""
    edited_later: Array
    """The same rows in the later side."""


def changes(before: Rows, after: Rows) -> Changes:
    """What became of the rows; each side is read twice at most.

    Memory: 12 bytes for each row of both, and about 40 for each of one while they are compared.
    """
    found = positions(before(), after())
    return Changes(
        added=kind_at(found.added, lambda: _ids(after)),
        removed=kind_at(found.removed, lambda: _ids(before)),
        edited=kind_at(found.edited, lambda: _ids(before)),
    )


def _ids(rows: Rows) -> Iterator[str]:
    return (name for name, _ in rows())


def positions(before: Iterable[tuple[str, bytes]], after: Iterable[tuple[str, bytes]]) -> Positions:
    """Which rows differ. Ids are unique on each side; digests count by their first 4 bytes."""
    import numpy as np

    (mine, my_digests), (theirs, their_digests) = _fingerprints(before), _fingerprints(after)
    order = np.argsort(theirs, kind="stable")
    at = np.searchsorted(theirs, mine, sorter=order)
    at = order[np.minimum(at, len(theirs) - 1, out=at)] if len(theirs) else at
    kept = theirs[at] == mine if len(theirs) else np.zeros(len(mine), dtype=bool)
    new = np.ones(len(theirs), dtype=bool)
    new[at[kept]] = False
    edited = np.flatnonzero(kept)
    edited = edited[their_digests[at[edited]] != my_digests[edited]]
    return Positions(added=np.flatnonzero(new), removed=np.flatnonzero(~kept), edited=edited, edited_later=at[edited])


def _fingerprints(rows: Iterable[tuple[str, bytes]]) -> tuple[Any, Any]:
    import numpy as np

    keys, digests = array("q"), array("I")
    for name, digest in rows:
        keys.append(hash(name))
        digests.append(int.from_bytes(digest[:4], "big"))
    # An empty array has no buffer to share.
    return (np.frombuffer(keys, np.int64), np.frombuffer(digests, np.uint32)) if keys else (np.empty(0, np.int64),) * 2


def kind_at(places: Array, ids: Callable[[], Iterable[str]]) -> Kind:
    """The rows at these positions, the first of them by id; ``ids()`` is read no further than those."""
    wanted: list[int] = places[:NAMED].tolist()
    names: list[str] = []
    for position, name in enumerate(ids() if wanted else ()):
        if position == wanted[len(names)]:
            names.append(name)
            if len(names) == len(wanted):
                break
    return Kind(rows=len(places), names=tuple(names))
