"""Whether every row of a dataset has an id of its own, in a few bytes a row."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Callable, Iterator
from typing import NoReturn

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case

EXACT = 50_000
"""Rows whose ids are kept as they are, with their places; of all further ones only a hash is."""


def folded(name: str) -> str:
    """An id without what people and file systems overlook: upper and lower case, and Unicode's normal forms."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Ids:
    """The ids of one dataset in the order of its rows.

    Two that are the same, or that differ by case or normal form alone, are refused: at once among
    the first ``EXACT`` rows, at the end among more of them.
    """

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, str]] = {}
        """Folded id -> the id and its place, while the rows are few."""
        self._hashes: array[int] = array("q")
        """Of the folded ids, once the rows are many."""

    def add(self, name: str, source: str) -> None:
        """Take one more row's id in. Raises DatasetError where an earlier row is known to have it."""
        key = folded(name)
        if self._hashes:
            self._hashes.append(hash(key))
            return
        known = self._places.setdefault(key, mine := (name, source))
        if known is not mine:
            _refuse(mine, known)
        if len(self._places) > EXACT:
            self._hashes.extend(map(hash, self._places))
            self._places.clear()

    def check(self, case_at: Callable[[int], Case]) -> None:
        """Compare all ids, now that every row is there; ``case_at`` reads the row of a position again.

        Raises DatasetError on the first row whose id is not its own.
        """
        for first, second in self._alike():
            a, b = case_at(first), case_at(second)
            if folded(a.id) == folded(b.id):
                _refuse((b.id, b.source), (a.id, a.source))

    def _alike(self) -> Iterator[tuple[int, int]]:
        """Positions of rows whose ids have one hash, ordered by the later of the two."""
        if not self._hashes:
            return
        import numpy as np

        hashes = np.frombuffer(self._hashes, dtype=np.int64)
        ordered = np.sort(hashes)
        if not (ordered[1:] == ordered[:-1]).any():  # nearly always, and the order itself takes as much memory again
            return
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        later = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
        for place in sorted(later.tolist(), key=order.__getitem__):
            earlier = place - 1
            while earlier >= 0 and ordered[earlier] == ordered[place]:
                yield int(order[earlier]), int(order[place])
                earlier -= 1


def _refuse(this: tuple[str, str], other: tuple[str, str]) -> NoReturn:
    (name, source), (first, there) = this, other
    mend = "give each row its own id"
    if name == first:
        raise DatasetError(f"{source}: id {quoted(name)} is already the id of {there}; {mend}")
    by = "Unicode normal form" if _composed(name) == _composed(first) else "upper and lower case"
    raise DatasetError(f"{source}: id {quoted(name)} differs from {quoted(first)} of {there} only by {by}; {mend}")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
