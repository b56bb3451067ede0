"""Verdicts while responses are still arriving: bounds that hold at all times, read block by block.

The bounds are those of a confidence sequence (see :mod:`~pytest_genaiops.statistics.betting`) at
``split_confidence``, so that one last ordinary interval is left for a run that no reading decides.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_genaiops import gate
from pytest_genaiops.config import Rules
from pytest_genaiops.errors import of_ours
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.records import Measurement, Response, Verdict
from pytest_genaiops.run import Arriving
from pytest_genaiops.score.number import Number
from pytest_genaiops.score.table import keys
from pytest_genaiops.statistics import ConfidenceSequence, split_confidence

__tracebackhide__ = of_ours

Rule: TypeAlias = Callable[[Any], Verdict]
"""An estimate or a comparison to a verdict."""

Value: TypeAlias = float | Measurement
"""What a response scored, or why it has no score."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Live:
    """A score whose responses are still arriving."""

    responses: Arriving
    part: Part
    measure: Callable[[Sequence[Response]], Sequence[Measurement]]

    def ask(self, unit: int) -> None:
        """Call for a unit and for some behind it."""
        self.responses.ask(unit + 1)

    def values(self, start: int, end: int) -> dict[int, Value]:
        """What the responses of some units scored, by their positions."""
        found = dict(self.responses.read(start, end))
        case_score = self.part.case_score
        return {
            position: m if m.statistics is None else case_score(m.statistics)
            for position, m in zip(found, self.measure(list(found.values())), strict=True)
        }

    def stop(self) -> None:
        """Call for no more."""
        self.responses.stop()


class Known:
    """A score that is there already, with a row for every response of one that is still arriving."""

    __slots__ = ("_rows", "_units")

    def __init__(self, score: Number, responses: Arriving) -> None:
        every = zip(score.per_case, score.table.measurements, strict=True)
        rows = dict(zip(keys(score.table), every, strict=True))
        self._rows = [rows[trial.case.id, trial.index] for trial in responses.trials]
        self._units = responses.units

    def ask(self, unit: int) -> None:
        """Nothing is to be called."""

    def values(self, start: int, end: int) -> dict[int, Value]:
        """What the responses of some units scored, by their positions."""
        rows = {position: self._rows[position] for unit in self._units[start:end] for position in unit}
        return {position: m if value is None else value for position, (value, m) in rows.items()}

    def stop(self) -> None:
        """Nothing was called."""


def obstacle(mine: Live) -> str:
    """Why a score cannot be read before all responses are there; empty where it can."""
    if not mine.part.is_mean:
        return "it is no mean over cases"
    if mine.part.lacking is not None:
        return "some answers may lack it"
    if mine.part.about is not None:
        return "it may not be about all cases"
    if not all(map(math.isfinite, mine.part.scale)):
        return "its scale has no two ends"
    # The sequence is about the mean over units, which is the mean over cases only where all weigh the same.
    if len(set(map(len, mine.responses.units))) > 1:
        return "its clusters differ in size"
    return ""


class Reading:
    """What one verdict has read: its own sequence, over the units in their order."""

    def __init__(self, score: Number, rules: Rules, mine: Live, theirs: Live | Known | None) -> None:
        low, high = score.scale
        self._score = score
        self._rules = rules
        self._mine = mine
        self._theirs = theirs
        self._sides = [mine] if theirs is None else [mine, theirs]
        self._same = isinstance(theirs, Live) and theirs.responses is mine.responses
        self._level = split_confidence(rules.confidence)
        self._sequence = ConfidenceSequence(
            (low, high) if theirs is None else (low - high, high - low),
            horizon=max(1, len(mine.responses.units)),
            confidence=self._level,
        )
        self._values: list[float] = []
        """Of every response that is scored (on both sides), in the order in which they were read."""
        self._unscored: list[Measurement] = []

    def verdict(self, rule: Rule) -> Verdict | None:
        """The verdict as soon as it is certain; None where it is not even when all responses are there.

        None passes over a case without a score: what coverage asks for is a matter of all cases.
        """
        rule(self._evidence())  # a line that makes no sense is refused before anything is called
        responses = self._mine.responses
        for start in range(0, len(responses.units), responses.block):
            self._read(start, min(start + responses.block, len(responses.units)))
            verdict = rule(self._evidence())
            if verdict.outcome == "failed" or (verdict.outcome == "passed" and not self._unscored):
                for side in self._sides:
                    side.stop()
                return verdict
        return None

    def _read(self, start: int, end: int) -> None:
        for side in self._sides:
            side.ask(start)
        found = [side.values(start, end) for side in self._sides]
        observed = []
        for unit in self._mine.responses.units[start:end]:
            rows = [self._row([values[position] for values in found]) for position in unit]
            if scored := [row for row in rows if row is not None]:
                observed.append(math.fsum(scored) / len(scored))
                self._values += scored
        self._sequence.observe(observed)

    def _row(self, sides: Sequence[Value]) -> float | None:
        """The value of a response, or the candidate's less the baseline's."""
        lacking = [side for side in sides if isinstance(side, Measurement)]
        if lacking:
            self._unscored.append(lacking[0])
            return None
        first, *others = (float(side) for side in sides if not isinstance(side, Measurement))
        return first - math.fsum(others)

    def _evidence(self) -> gate.Estimate | gate.Comparison:
        kind = gate.Estimate if self._theirs is None else gate.Comparison
        n, unscored, rules = len(self._values), len(self._unscored), self._rules
        return kind(
            **self._interval(),
            name=self._score.name,
            confidence=rules.confidence,
            coverage=rules.coverage,
            undecided=rules.undecided,
            n=n,
            unscored=unscored,
            not_needed=len(self._mine.responses.trials) - n - unscored,
            clusters=self._sequence.n if n > self._sequence.n else None,
            reasons=[f"{m.kind}: {m.reason}" for m in self._unscored],
            kinds=Counter(m.kind or "input" for m in self._unscored),
            scale=self._score.scale,
            higher_is_better=self._score.higher_is_better,
            signature=self._score.signature,
        )

    def _interval(self) -> Mapping[str, Any]:
        if not self._values:
            return {"value": None, "interval": None}
        value = math.fsum(self._values) / len(self._values)
        if self._same:
            return {"value": value, "interval": (0.0, 0.0), "method": "same outputs"}
        bounds = self._sequence.bounds
        return {"value": value, "interval": bounds, "method": "betting", "level": self._level, "continuous": True}
