"""Numbers of two runs joined by case and trial: what is compared under one score, and which cases moved."""

from __future__ import annotations

import heapq
import math
import operator
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pytest_genaiops.columns import Total
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Statistics
from pytest_genaiops.statistics import Sample
from pytest_genaiops.store.numbers import Rows

NAMED = 5
"""Cases that a change names."""


class Joined:
    """The rows of one metric that both runs scored, by case and trial."""

    def __init__(self, before: Rows, after: Rows, places: Mapping[int, int] | None) -> None:
        """``places`` has for each position in the earlier run that in the later one; None where they are the same."""
        self.rows = before, after
        self.chosen: tuple[Sequence[int], Sequence[int]]
        """Which rows of each side, in one order."""
        if places is None and before.places == after.places:
            every = range(len(after.places))
            self.chosen, self.places = (every, every), after.places
            return
        there = {place: row for row, place in enumerate(after.places)}
        left, right = array("q"), array("q")
        for row, (position, trial) in enumerate(before.places):
            own = position if places is None else places.get(position)
            found = None if own is None else there.get((own, trial))
            if found is not None:
                left.append(row)
                right.append(found)
        self.chosen, self.places = (left, right), [after.places[row] for row in right]

    @cached_property
    def each(self) -> tuple[Sequence[Statistics], Sequence[Statistics]]:
        """All statistics of both sides row by row, joined or not."""
        return self.rows[0].each(), self.rows[1].each()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Which cases have another value of their own; of several trials their mean counts."""

    better: int
    worse: int
    drops: Sequence[tuple[int, float, float]]
    """(position, before, after) of the cases that lost most, the worst first."""


class Both:
    """One number of a metric on both sides."""

    def __init__(self, joined: Joined, part: Part, *, by_case: bool) -> None:
        self._joined = joined
        self._part = part
        self._mean = part.is_mean or by_case
        self._by_case = by_case
        self._narrow = part.about is not None or part.lacking is not None
        self.chosen: tuple[Sequence[int], Sequence[int]] = joined.chosen
        self.places: Sequence[tuple[int, int]] = joined.places
        """(position in the later run, trial) of the rows that are compared."""
        if self._narrow:
            sides = [[self._has(row) for row in each] for each in joined.each]
            kept = [
                number
                for number, (left, right) in enumerate(zip(*joined.chosen, strict=True))
                if sides[0][left] and sides[1][right]
            ]
            self.chosen = ([joined.chosen[0][i] for i in kept], [joined.chosen[1][i] for i in kept])
            self.places = [joined.places[i] for i in kept]

    def whole(self, side: int, total: Total | None) -> tuple[float | None, int]:
        """The score over all rows of one side, whose statistics add up to ``total``, and how many these are."""
        part, rows = self._part, self._joined.rows[side]
        statistics, size = rows.statistics, len(rows.places)
        if self._narrow:
            held = [row for row, each in enumerate(self._joined.each[side]) if self._has(each)]
            statistics, size = statistics.take(held), len(held)
            total = statistics.total() if held else None
        if not size or total is None:
            return None, 0
        if not self._by_case and part.quantile is None:
            return part.score(total, size), size
        values = list(map(part.case_score, statistics))
        return (math.fsum(values) / size if self._by_case else part.score(Counter(values), size)), size

    def samples(self, clusters: Sequence[str] | None) -> tuple[Sample, Sample]:
        """Both sides as the statistics room takes them, the earlier one first."""
        return self._sample(0, clusters), self._sample(1, clusters)

    def _sample(self, side: int, clusters: Sequence[str] | None) -> Sample:
        part = self._part
        mean = self._mean or part.quantile is not None
        statistics: Any = self._values[side] if mean else self._joined.rows[side].statistics.take(self.chosen[side])
        return Sample(
            # Of a mean and of a quantile only the values are looked at.
            statistics=statistics,
            values=self._values[side],
            score=part.score,
            is_mean=self._mean,
            quantile=None if self._mean else part.quantile,
            scale=part.scale,
            clusters=clusters,
        )

    @cached_property
    def _values(self) -> tuple[Sequence[float], Sequence[float]]:
        """The responses' own values on both sides.

        Of a score that resamples statistics they are not looked at, unless both sides are equal throughout: working
        them out one by one would take longer than the comparison.
        """
        if self._mean or self._part.quantile is not None or not self._apart:
            numbers = range(len(self.places))
            after = self._own(1, numbers)
            return self._own(0, numbers) if self._apart else after, after
        nothing = array("d", [max(0.0, self._part.scale[0])]) * len(self.places)
        return nothing, nothing

    @property
    def equal(self) -> bool:
        """Whether all rows have the same statistics on both sides."""
        return not self._apart

    @cached_property
    def _apart(self) -> Sequence[int]:
        """Rows whose statistics differ."""
        before, after = self._joined.each
        pairs = zip(self.chosen[0], self.chosen[1], strict=True)
        return [number for number, (left, right) in enumerate(pairs) if before[left] != after[right]]

    def _own(self, side: int, numbers: Sequence[int]) -> Sequence[float]:
        """The values of some of the compared rows."""
        rows, chosen, part = self._joined.rows[side], self.chosen[side], self._part
        whole = numbers == range(len(rows.places)) == chosen
        if rows.mean is not None and _is_plain(part):
            return rows.mean if whole else array("d", (rows.mean[chosen[number]] for number in numbers))
        each = self._joined.each[side]
        if whole:
            return array("d", map(part.case_score, each))
        return array("d", (part.case_score(each[chosen[number]]) for number in numbers))

    def moved(self) -> Moved:
        """Which cases are better and worse, and those that lost most."""
        numbers: Sequence[int] = range(len(self.places))
        if not self._mean and self._part.quantile is None:
            touched = {self.places[number][0] for number in self._apart}
            numbers = [number for number, (position, _) in enumerate(self.places) if position in touched]
            before, after = self._own(0, numbers), self._own(1, numbers)
        else:
            before, after = self._values
        positions = [self.places[number][0] for number in numbers]
        if len(set(positions)) < len(positions):
            positions, before, after = _averaged(positions, before, after)
        sign = 1 if self._part.higher_is_better else -1
        gains = list(map(operator.sub, *((after, before) if sign > 0 else (before, after))))
        lost = [number for number, gain in enumerate(gains) if gain < 0]
        worst = heapq.nsmallest(NAMED, lost, key=lambda number: (gains[number], positions[number]))
        drops = [(positions[number], before[number], after[number]) for number in worst]
        return Moved(better=sum(gain > 0 for gain in gains), worse=len(lost), drops=drops)

    def _has(self, statistics: Any) -> bool:
        """Whether the part has a value for a row."""
        part = self._part
        about = part.about is None or part.about(statistics)
        return about and not (part.lacking is not None and part.lacking(statistics))


def _is_plain(part: Part) -> bool:
    """Whether a case's own value is its statistic, so that no function has to be asked for each."""
    owner = getattr(part.case_score, "__self__", None)
    plain = getattr(part.case_score, "__func__", None) is Metric.case_score
    return plain and isinstance(owner, Metric) and type(owner).score is Metric.score


def _averaged(
    positions: Sequence[int], before: Sequence[float], after: Sequence[float]
) -> tuple[list[int], list[float], list[float]]:
    """Each case once, with the mean of its trials."""
    found: dict[int, list[tuple[float, float]]] = {}
    for position, one, other in zip(positions, before, after, strict=True):
        found.setdefault(position, []).append((one, other))
    sides = [[math.fsum(pair[side] for pair in each) / len(each) for each in found.values()] for side in (0, 1)]
    return list(found), sides[0], sides[1]
