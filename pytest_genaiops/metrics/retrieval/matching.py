"""Which labels a passage meets: the document that it is, or the spans of its source that it overlaps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.records import Passage, Relevant

Touch: TypeAlias = tuple[int, int, int]
"""(number of a label, where the part that a passage shares with it begins and ends); a document is 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The labelled spans of one source, by where they begin."""

    starts: Sequence[int]
    spans: Sequence[Touch]
    """(number of the label, start, end)."""
    reach: Sequence[int]
    """How far the spans up to here reach, at most."""


class Labels:
    """The labels of one query, to be asked about passages."""

    __slots__ = ("_documents", "_sources")

    def __init__(self, labels: Sequence[Relevant]) -> None:
        self._documents: dict[str | None, int] = {
            label.id: number for number, label in enumerate(labels) if label.id is not None
        }
        spans: dict[str, list[Touch]] = {}
        for number, label in enumerate(labels):
            if label.source is not None and label.start is not None and label.end is not None:
                spans.setdefault(label.source, []).append((number, label.start, label.end))
        self._sources = {source: _source(found) for source, found in spans.items()}

    def touched(self, passage: Passage, rank: int) -> list[Touch]:
        """The labels of which a passage holds a part, however small.

        Raises UnscorableError where it has nothing that they speak of: whether it is relevant cannot be known.
        """
        if not self._sources:
            return self._document(passage, rank)
        source = None if passage.source is None else self._sources.get(passage.source)
        if passage.start is None or passage.end is None:
            if not self._documents or passage.id is None:
                what = f"passage {rank} has no source, start and end, and labels are spans of sources"
                raise UnscorableError(f"{what}; have the target return them")
            return self._document(passage, rank)
        found = [] if passage.id is None else self._document(passage, rank)
        return found if source is None else [*found, *_overlapping(source, passage.start, passage.end)]

    def _document(self, passage: Passage, rank: int) -> list[Touch]:
        if passage.id is None and self._documents:
            raise UnscorableError(f"passage {rank} has no id, and the labels are ids; have the target return it")
        number = self._documents.get(passage.id)
        return [] if number is None else [(number, 0, 1)]

    def key(self, passage: Passage) -> Hashable:
        """What makes a passage the same as another one, as far as the labels speak of it."""
        if not self._sources:
            return passage.id
        span = (passage.source, passage.start, passage.end)
        return (passage.id, span) if self._documents else span


def _source(spans: list[Touch]) -> _Source:
    ordered = sorted(spans, key=lambda span: span[1])
    return _Source(
        starts=[start for _, start, _ in ordered],
        spans=ordered,
        reach=list(accumulate((end for _, _, end in ordered), max)),
    )


def _overlapping(source: _Source, start: int, end: int) -> Iterator[Touch]:
    place = bisect_left(source.starts, end) - 1
    while place >= 0 and source.reach[place] > start:
        number, first, last = source.spans[place]
        if last > start:
            yield number, max(first, start), min(last, end)
        place -= 1


def length(stretches: Sequence[tuple[int, int]]) -> int:
    """How many places stretches cover together."""
    total, reached = 0, 0
    for start, end in sorted(stretches):
        total += max(0, end - max(start, reached))
        reached = max(end, reached)
    return total
