"""One ranking against the labels of its query: the numbers of the trade, from one walk from its top."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from pytest_genaiops.metrics.retrieval.matching import Labels, Touch, length
from pytest_genaiops.records import Passage, Relevant


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """What a query has at one cut-off; each number 0-1."""

    precision: float
    recall: float
    hit: float
    ndcg: float
    coverage: float
    """Mean over the relevant labels of the share of each that the passages hold."""
    unlabelled: float


@dataclass(slots=True, kw_only=True)
class Reading:
    """A ranking as the labels see it. Ranks count from 1."""

    labels: Sequence[Relevant]
    ideal: Sequence[float]
    """The grades of the relevant labels, from the highest down."""
    length: int
    relevant: list[int] = field(default_factory=list)
    """Ranks of relevant passages."""
    labelled: list[int] = field(default_factory=list)
    """Ranks of passages of which a label speaks."""
    finds: list[tuple[int, int, float]] = field(default_factory=list)
    """(rank, rank in the condensed ranking, grade) of every relevant label, where it is found first.

    Condensed is the ranking in which passages that are relevant and find nothing new are passed over, and labels that
    one passage finds together stand one behind the other, the best first.
    """
    touches: list[tuple[int, Touch]] = field(default_factory=list)
    """(rank, part of a relevant label that the passage there holds)."""

    def reciprocal_rank(self) -> float:
        """One over the rank of the first relevant passage; 0 where there is none."""
        return 1 / self.finds[0][0] if self.finds else 0.0

    def average_precision(self) -> float:
        """Mean over the relevant labels of the condensed ranking's precision where each is found, 0 where it is not."""
        found = (number / place for number, (_, place, _) in enumerate(self.finds, 1))
        return math.fsum(found) / len(self.ideal)

    def at(self, k: int) -> At:
        """The numbers of the first ``k`` passages, of a query that has a relevant label."""
        found = [each for each in self.finds if each[0] <= k]
        return At(
            precision=bisect_right(self.relevant, k) / k,
            recall=len(found) / len(self.ideal),
            hit=float(bool(found)),
            ndcg=self._ndcg(found, k) if found else 0.0,
            coverage=self._coverage(k) if self.touches else 0.0,
            unlabelled=self.unlabelled_at(k),
        )

    def unlabelled_at(self, k: int) -> float:
        """Share of the first ``k`` passages (of fewer, if there are fewer) of which no label speaks; 0 of none."""
        count = min(k, self.length)
        return (count - bisect_right(self.labelled, k)) / count if count else 0.0

    def _ndcg(self, found: Sequence[tuple[int, int, float]], k: int) -> float:
        """Linear gains, discounted by log2(rank + 1), over those of the best ranking there could be."""
        gained = ((place, grade) for _, place, grade in found if place <= k)
        return _discounted(gained) / _discounted(enumerate(self.ideal[:k], 1))

    def _coverage(self, k: int) -> float:
        parts: dict[int, list[tuple[int, int]]] = {}
        for rank, (number, start, end) in self.touches:
            if rank <= k:
                parts.setdefault(number, []).append((start, end))
        shares = (length(held) / _size(self.labels[number]) for number, held in parts.items())
        return math.fsum(shares) / len(self.ideal)


def read(passages: Sequence[Passage], labels: Sequence[Relevant], overlap: float) -> Reading:
    """Walk down a ranking.

    ``overlap`` is the share of the shorter one that a passage and a labelled span must have in common. A passage that
    comes again is neither relevant nor finds anything. Raises UnscorableError where a passage does not have what the
    labels speak of.
    """
    known = Labels(labels)
    grades = [label.grade for label in labels]
    ideal = sorted((grade for grade in grades if grade > 0), reverse=True)
    reading = Reading(labels=labels, ideal=ideal, length=len(passages))
    missing = {number for number, grade in enumerate(grades) if grade > 0}
    seen: set[Hashable] = set()
    for rank, passage in enumerate(passages, 1):
        touches = known.touched(passage, rank)
        if not touches:
            continue
        reading.labelled.append(rank)
        reading.touches += [(rank, touch) for touch in touches if grades[touch[0]] > 0]
        met = _met(passage, touches, labels, overlap)
        if not met or (key := known.key(passage)) in seen:
            continue
        seen.add(key)
        others = rank - 1 - len(reading.relevant)
        reading.relevant.append(rank)
        for number in sorted(missing.intersection(met), key=grades.__getitem__, reverse=True):
            reading.finds.append((rank, others + len(reading.finds) + 1, grades[number]))
        missing.difference_update(met)
    return reading


def _met(passage: Passage, touches: Sequence[Touch], labels: Sequence[Relevant], overlap: float) -> list[int]:
    """The relevant labels that a passage finds, whether or not another one has before."""
    found = []
    for number, start, end in touches:
        label = labels[number]
        if label.grade > 0 and (label.id is not None or end - start >= overlap * _shorter(passage, label)):
            found.append(number)
    return found


def _shorter(passage: Passage, label: Relevant) -> int:
    assert passage.start is not None
    assert passage.end is not None
    return min(passage.end - passage.start, _size(label))


def _size(label: Relevant) -> int:
    return 1 if label.start is None or label.end is None else label.end - label.start


def _discounted(gains: Iterable[tuple[int, float]]) -> float:
    return math.fsum(gain / math.log2(place + 1) for place, gain in gains)
