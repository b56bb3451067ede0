"""``--genaiops-early-stop``: which calls may end early, and the gates over cases whose rest is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from pytest_genaiops.config import Settings
from pytest_genaiops.plugin.session import State
from pytest_genaiops.run import Job, Suite
from pytest_genaiops.run.arriving import units, window
from pytest_genaiops.statistics import ConfidenceSequence

UNNEEDED = "unneeded"
"""Outcome of a case that its gate does not need."""


def applies(settings: Settings, suite: Suite) -> bool:
    """Whether calls for a suite may end early: not while baselines are written, nor where nothing is called."""
    return settings.early_stop and not settings.update_baseline and not suite.recorded


def may_end(item: Any, settings: Settings) -> bool:
    """Whether an item asks for a whole dataset, or for a case of a gate, and may need less."""
    whole = item.case is None or item.gate is not None
    return whole and applies(settings, item.binding.suite)


def reading_of(item: Any) -> GateReading | None:
    """What reads the outcomes of the gate of a case; None where its cases all run."""
    reading: GateReading | None = None if item.gate is None else item.gate.reading
    return reading


def skip_where_not_needed(item: Any) -> None:
    """Skip a case whose gate has decided without it."""
    reading = reading_of(item)
    if reading is not None and (decision := reading.look()) is not None:
        reading.drop()
        reading.unneeded.add(item)
        reason = f"not needed: {item.gate.name} has {decision.outcome} without it"
        raise pytest.skip.Exception(reason, _use_item_location=True)


def was_not_needed(item: Any) -> bool:
    """Whether a case was skipped because its gate has decided without it."""
    reading = reading_of(item) if item.case is not None else None
    return reading is not None and item in reading.unneeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a gate has decided before all of its cases have run."""

    outcome: Literal["passed", "failed"]
    why: str
    """In words: the interval that decided, or that the other cases could not change it."""


class GateReading:
    """Reads the outcomes of a gate's cases in an order that is drawn before the first of them runs.

    It decides where the bounds of a confidence sequence leave the budget no doubt, or where the others could not
    change what the gate says about all of them. It never passes over a case that has no result.
    """

    def __init__(self, cases: Sequence[Any], state: State) -> None:
        binding = cases[0].binding
        suite = binding.suite
        trials = [suite.trial(binding.variant, item.case, item.trial) for item in cases]
        self._units = [[cases[position] for position in unit] for unit in units(trials, state.settings.seed)]
        self.order = [item for unit in self._units for item in unit]
        """The cases in the order in which they run."""
        self.unneeded: set[Any] = set()
        """Those that this process skipped."""
        self._confidence = state.settings.confidence
        self._state = state
        self._budget: float = suite.pass_rate
        self._places = {item: place for place, item in enumerate(self.order)}
        self._queued: list[Job] = []
        self._sequence: ConfidenceSequence | None = None
        if len(set(map(len, self._units))) == 1:  # else the mean over units is not the share of cases
            self._sequence = ConfidenceSequence((0.0, 1.0), horizon=len(self._units), confidence=self._confidence)
        self._read = self._passed = self._missed = 0
        self._lost = False
        self._decision: Decision | None = None

    def look(self) -> Decision | None:
        """Read on as far as outcomes are known without a gap, and say whether the gate is decided."""
        known = self._state.outcomes.so_far() if self._decision is None else {}
        while self._decision is None and self._read < len(self._units):
            found = [known.get(item.nodeid) for item in self._units[self._read]]
            if None in found:
                break
            self._take(found)
        return self._decision

    def ahead(self, item: Any) -> Sequence[Any]:
        """A case and those behind it that are called for along with it."""
        place = self._places[item]
        return self.order[place : place + window(len(self.order), self._state.settings.concurrency)]

    def queue(self, jobs: Iterable[Job]) -> None:
        """Call for trials before anything else that is queued."""
        self._queued += self._state.responder.engine.start(jobs, first=True)

    def drop(self) -> None:
        """Forget the calls that have not begun."""
        if self._queued:
            self._state.responder.engine.drop(self._queued)
            self._queued = []

    def _take(self, outcomes: Sequence[str | None]) -> None:
        passed, missed = outcomes.count("passed"), outcomes.count("missed")
        self._read += 1
        self._passed += passed
        self._missed += missed
        self._lost |= "lost" in outcomes or "failed" in outcomes
        if self._sequence is not None and passed + missed:
            self._sequence.observe([passed / (passed + missed)])
        self._decision = self._by_counting() or self._by_bounds()

    def _by_counting(self) -> Decision | None:
        """The decision that no outcome of the other cases could change."""
        enough = self._budget * len(self.order) - 1e-9
        if len(self.order) - self._missed < enough:
            return Decision(outcome="failed", why="too few for the others to make up for")
        if self._passed >= enough and not self._lost:
            return Decision(outcome="passed", why="enough whatever the others do")
        return None

    def _by_bounds(self) -> Decision | None:
        """The decision of bounds of the share of all such cases that pass."""
        if self._sequence is None or not self._sequence.n:
            return None
        low, high = self._sequence.bounds
        why = f"{100 * self._confidence:.6g} % interval read continuously {low:.1%} to {high:.1%}"
        if high < self._budget:
            return Decision(outcome="failed", why=why)
        return Decision(outcome="passed", why=why) if low >= self._budget and not self._lost else None
