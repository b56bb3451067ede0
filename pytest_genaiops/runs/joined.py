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
        self.positions: Sequence[int]
        """Of the case in the later run, one a row that is joined."""
        if places is None and before.positions == after.positions and before.trials == after.trials:
            every = range(len(after.positions))
            self.chosen, self.positions = (every, every), after.positions
            return
        there = {place: row for row, place in enumerate(zip(after.positions, after.trials, strict=True))}
        left, right = array("q"), array("q")
        for row, (position, trial) in enumerate(zip(before.positions, before.trials, strict=True)):
            own = position if places is None else places.get(position)
            found = None if own is None else there.get((own, trial))
            if found is not None:
                left.append(row)
                right.append(found)
        self.chosen, self.positions = (left, right), [after.positions[row] for row in right]

    def each(self, side: int, rows: Sequence[int]) -> Sequence[Statistics]:
        """The statistics of some rows of one side, joined or not."""
        if not _is_whole(rows, self.rows[side]):
            return self.rows[side].each(rows)
        return self._before if side == 0 else self._after

    @cached_property
    def _before(self) -> Sequence[Statistics]:
        return self.rows[0].each(range(len(self.rows[0].positions)))

    @cached_property
    def _after(self) -> Sequence[Statistics]:
        return self.rows[1].each(range(len(self.rows[1].positions)))

    @cached_property
    def apart(self) -> Sequence[int]:
        """Joined rows whose statistics differ."""
        sides: list[Sequence[Any]] = [
            each.recorded if _is_whole(chosen, each) else [each.recorded[row] for row in chosen]
            for each, chosen in zip(self.rows, self.chosen, strict=True)
        ]
        found = [number for number, differ in enumerate(map(operator.ne, *sides)) if differ]
        # What is recorded otherwise may be the same nevertheless: 0.0 and -0.0, or a mapping in another order.
        left, right = (self.each(side, [self.chosen[side][number] for number in found]) for side in (0, 1))
        return [number for number, one, other in zip(found, left, right, strict=True) if one != other]


def _is_whole(rows: Sequence[int], of: Rows) -> bool:
    """Whether these are all rows of a side, in their order; quick, and False where only counting would tell."""
    return isinstance(rows, range) and rows == range(len(of.positions))


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
        self._rows: tuple[Sequence[int], Sequence[int]] = joined.chosen
        """Of each side, those that are compared."""
        self._apart: Sequence[int] = joined.apart
        """Which of them have other statistics on the other side."""
        self.positions: Sequence[int] = joined.positions
        """Of the case in the later run, one a row that is compared."""
        if self._narrow:
            self._held = self._of_part(0), self._of_part(1)
            left, right = map(set, self._held)
            pairs = zip(*joined.chosen, strict=True)
            kept = [number for number, (one, other) in enumerate(pairs) if one in left and other in right]
            apart = set(joined.apart)
            self._rows = ([joined.chosen[0][i] for i in kept], [joined.chosen[1][i] for i in kept])
            self._apart = [number for number, i in enumerate(kept) if i in apart]
            self.positions = [joined.positions[i] for i in kept]

    def whole(self, side: int, total: Total | None) -> tuple[float | None, int]:
        """The score over all rows of one side, whose statistics add up to ``total``, and how many these are."""
        part, known = self._part, self._joined.rows[side]
        rows: Sequence[int] = range(len(known.positions))
        if self._narrow:
            rows = self._held[side]
            total = known.statistics.take(rows).total() if rows else None
        size = len(rows)
        if not size or total is None:
            return None, 0
        if not self._by_case and part.quantile is None:
            return part.score(total, size), size
        values = self._own(side, rows)
        return (math.fsum(values) / size if self._by_case else part.score(Counter(values), size)), size

    def samples(self, clusters: Sequence[str] | None) -> tuple[Sample, Sample]:
        """Both sides as the statistics room takes them, the earlier one first."""
        return self._sample(0, clusters), self._sample(1, clusters)

    def _sample(self, side: int, clusters: Sequence[str] | None) -> Sample:
        part = self._part
        mean = self._mean or part.quantile is not None
        statistics: Any = self._values[side] if mean else self._joined.rows[side].statistics.take(self._rows[side])
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
        if not self._mean and self._part.quantile is None and self._apart:
            nothing = array("d", [max(0.0, self._part.scale[0])]) * len(self.positions)
            return nothing, nothing
        after = self._own(1, self._rows[1])
        if not self._apart:
            return after, after
        before = array("d", after)
        for number, value in zip(self._apart, self._own(0, [self._rows[0][i] for i in self._apart]), strict=True):
            before[number] = value
        return before, after

    @property
    def equal(self) -> bool:
        """Whether all rows have the same statistics on both sides."""
        return not self._apart

    def _own(self, side: int, rows: Sequence[int]) -> Sequence[float]:
        """The values of some rows of one side."""
        known, part = self._joined.rows[side], self._part
        if known.mean is not None and _is_plain(part):
            return known.mean if _is_whole(rows, known) else array("d", map(known.mean.__getitem__, rows))
        return array("d", map(part.case_score, self._joined.each(side, rows)))

    def moved(self) -> Moved:
        """Which cases are better and worse, and those that lost most."""
        touched = {self.positions[number] for number in self._apart}
        numbers = [number for number, position in enumerate(self.positions) if position in touched]
        if self._mean or self._part.quantile is not None:
            before, after = ([values[number] for number in numbers] for values in self._values)
        else:
            before, after = (list(self._own(side, [self._rows[side][i] for i in numbers])) for side in (0, 1))
        positions = [self.positions[number] for number in numbers]
        if len(touched) < len(positions):
            positions, before, after = _averaged(positions, before, after)
        sign = 1 if self._part.higher_is_better else -1
        gains = list(map(operator.sub, *((after, before) if sign > 0 else (before, after))))
        lost = [number for number, gain in enumerate(gains) if gain < 0]
        worst = heapq.nsmallest(NAMED, lost, key=lambda number: (gains[number], positions[number]))
        drops = [(positions[number], before[number], after[number]) for number in worst]
        return Moved(better=sum(gain > 0 for gain in gains), worse=len(lost), drops=drops)

    def _of_part(self, side: int) -> Sequence[int]:
        """The rows of one side that the part has a value for."""
        about, lacking = self._part.about, self._part.lacking
        every = self._joined.each(side, range(len(self._joined.rows[side].positions)))
        return [
            row
            for row, statistics in enumerate(every)
            if (about is None or about(statistics)) and not (lacking is not None and lacking(statistics))
        ]


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
