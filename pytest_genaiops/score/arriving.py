"""Scores of responses that are still arriving: a verdict calls for as many as it needs, anything else for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from pytest_genaiops import gate
from pytest_genaiops.config import Rules
from pytest_genaiops.errors import of_ours
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Measurement, Response, Verdict
from pytest_genaiops.run import Arriving
from pytest_genaiops.score import judging
from pytest_genaiops.score.committed import Committed
from pytest_genaiops.score.group import ScoreGroup
from pytest_genaiops.score.handle import Score
from pytest_genaiops.score.judging import Baseline
from pytest_genaiops.score.number import Number
from pytest_genaiops.score.reading import Known, Live, Reading, Rule, obstacle
from pytest_genaiops.score.table import Table, keys
from pytest_genaiops.statistics import split_confidence

__tracebackhide__ = of_ours


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """A metric that was called on responses which are still arriving."""

    responses: Arriving
    metric: Metric
    signature: str
    measure: Callable[[Sequence[Response]], Sequence[Measurement]]
    score: Callable[[Sequence[Response]], Score | ScoreGroup]
    on: Callable[[Arriving], Call]
    """The same metric on other responses."""

    def whole(self) -> Score | ScoreGroup:
        """The score over all responses; over those that were read where calls have ended before."""
        self.responses.fetch()
        return self.score(self.responses)


def arriving(call: Call) -> ArrivingScore | ArrivingGroup:
    """The handle for a metric that was called on responses which are still arriving."""
    parts = call.metric.parts(None)
    return ArrivingGroup(call, parts) if parts else ArrivingScore.of_call(call, call.metric.part())


def _member(found: Any, path: Sequence[str]) -> Score:
    for step in path:
        found = found[step] if isinstance(found, Mapping) else getattr(found, step)
    member: Score = found
    return member


@final
class ArrivingScore(Score):
    """A score whose responses arrive while it is judged, and are all called for when anything else is asked of it."""

    __slots__ = ("call",)

    call: Call | None

    @staticmethod
    def of_call(call: Call, part: Part, path: tuple[str, ...] = ()) -> ArrivingScore:
        """One number of a call."""
        score = object.__new__(ArrivingScore)
        score.call, score._part, score._path = call, part, path
        return score

    def __init__(self, table: Table, part: Part, path: tuple[str, ...] = ()) -> None:
        super().__init__(table, part, path)
        self.call = None

    @property
    def signature(self) -> str:
        """As that of any score; it is known beforehand."""
        start = self._table.signature if self.call is None else self.call.signature
        return "|".join((start, *(f"part:{step}" for step in self._path)))

    def __getattr__(self, name: str) -> Any:
        if name in ("_table", "_value"):  # not there yet, and asked for
            assert self.call is not None
            super().__init__(_member(self.call.whole(), self._path).table, self._part, self._path)
            return object.__getattribute__(self, name)
        child = self._part.children.get(name)
        if child is None or self.call is None:
            return super().__getattr__(name)
        return ArrivingScore.of_call(self.call, child, (*self._path, name))

    def __repr__(self) -> str:
        """Calls for nothing: tracebacks show it."""
        if self.call is None:
            return super().__repr__()
        read = self.call.responses.so_far
        return repr(_member(self.call.score(read), self._path)) if read else f"<{self.name} of {self.call.responses!r}>"

    # -- verdicts --------------------------------------------------------------------------

    def at_least(self, threshold: float, *, confidence: float | None = None, coverage: float | None = None) -> Verdict:
        """Passed where the lower confidence bound reaches the threshold."""
        asked = judging.settled(confidence, coverage)
        return judging.told(self, self._judged(lambda found: gate.at_least(found, threshold), asked))

    def at_most(self, threshold: float, *, confidence: float | None = None, coverage: float | None = None) -> Verdict:
        """Passed where the upper confidence bound stays at or under the threshold."""
        asked = judging.settled(confidence, coverage)
        return judging.told(self, self._judged(lambda found: gate.at_most(found, threshold), asked))

    def within(
        self, low: float, high: float, *, confidence: float | None = None, coverage: float | None = None
    ) -> Verdict:
        """Passed where the whole interval lies between the two."""
        asked = judging.settled(confidence, coverage)
        return judging.told(self, self._judged(lambda found: gate.within(found, low, high), asked))

    def not_worse_than(
        self,
        baseline: Score | Baseline,
        margin: float,
        *,
        confidence: float | None = None,
        coverage: float | None = None,
        min_shared: float | None = None,
        slice_margins: float | Mapping[str, float] | None = None,
    ) -> Verdict:
        """Paired non-inferiority: passed where the candidate is worse by less than ``margin``."""
        asked = judging.settled(confidence, coverage)
        against = _Against(baseline=self._other(baseline), min_shared=min_shared, by_slice=slice_margins is not None)
        verdict = self._judged(lambda found: gate.not_worse_than(found, margin), asked, against)
        if slice_margins is not None:

            def judge(ours: Number, theirs: Number, margin: float) -> Verdict:
                return gate.not_worse_than(judging.comparison(ours, theirs, asked, min_shared), margin)

            verdict = judging.joined(verdict, judging.by_slice(self, against.baseline, slice_margins, judge))
        return judging.told(self, verdict)

    def better_than(
        self,
        baseline: Score | Baseline,
        *,
        confidence: float | None = None,
        coverage: float | None = None,
        min_shared: float | None = None,
    ) -> Verdict:
        """Passed where the whole interval of candidate minus baseline is on the better side of zero."""
        asked = judging.settled(confidence, coverage)
        against = _Against(baseline=self._other(baseline), min_shared=min_shared)
        return judging.told(self, self._judged(gate.better_than, asked, against))

    def _other(self, baseline: Score | Baseline) -> Number:
        """The baseline's score under this metric, without calling for anything of this score's own."""
        if isinstance(baseline, Number):
            return baseline
        if self.call is None:
            return judging.other_of(self, baseline)
        if isinstance(baseline, Arriving) and not baseline.at_once:
            return ArrivingScore.of_call(self.call.on(baseline), self._part, self._path)
        if isinstance(baseline, Committed):
            stub = Table(metric=self.call.metric, responses=(), measurements=(), ids=(), signature=self.call.signature)
            return Score(baseline.table_for(stub), self._part, self._path)
        if isinstance(baseline, Sequence) and not isinstance(baseline, str):
            return _member(self.call.score(baseline), self._path)
        return judging.other_of(self, baseline)

    def _judged(self, rule: Rule, asked: Rules, against: _Against | None = None) -> Verdict:
        """The verdict as soon as it is certain, else the ordinary one over all responses."""
        if self.call is None or self.call.responses.at_once:
            return rule(self._evidence(asked, against))
        mine = Live(responses=self.call.responses, part=self._part, measure=self.call.measure)
        why = obstacle(mine) or (against.obstacle(self.call.responses) if against else "")
        if why:
            return rule(replace(self._evidence(asked, against), whole=why))
        theirs = None
        if against is not None:
            judging.same_signature(self, against.baseline)
            theirs = against.side(self.call.responses)
        if (verdict := Reading(self, asked, mine, theirs).verdict(rule)) is not None:
            return verdict
        last = replace(asked, confidence=split_confidence(asked.confidence))
        return rule(replace(self._evidence(last, against), confidence=asked.confidence, level=last.confidence))

    def _evidence(self, rules: Rules, against: _Against | None) -> gate.Estimate | gate.Comparison:
        if against is None:
            return judging.estimate(self, rules)
        return judging.comparison(self, against.baseline, rules, against.min_shared)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Against:
    """What a score is compared with."""

    baseline: Number
    min_shared: float | None
    by_slice: bool = False
    """Whether slices are judged too."""

    def obstacle(self, responses: Arriving) -> str:
        """Why the comparison cannot be read before all responses are there; empty where it can."""
        if self.by_slice:
            return "slices have margins of their own"
        if self.min_shared is not None and not 0 < self.min_shared <= 1:
            return "min_shared makes no sense"  # which the ordinary comparison refuses
        mine = [(trial.case.id, trial.index) for trial in responses.trials]
        if self._live is not None:
            same = mine == [(trial.case.id, trial.index) for trial in self._live.responses.trials]
        else:
            same = set(mine) == set(keys(self.baseline.table))
        return "" if same else "the baseline has other cases"

    def side(self, responses: Arriving) -> Live | Known:
        """The baseline's values, for the responses of the candidate."""
        if self._live is None:
            return Known(self.baseline, responses)
        part = self.baseline.part
        return Live(responses=self._live.responses, part=part, measure=self._live.measure)

    @property
    def _live(self) -> Call | None:
        return self.baseline.call if isinstance(self.baseline, ArrivingScore) else None


@final
class ArrivingGroup(ScoreGroup):
    """Several scores of one call whose responses arrive while one of them is judged."""

    __slots__ = ("call",)

    def __init__(self, call: Call, parts: Mapping[str, Any]) -> None:
        super().__init__(call.metric.name, parts)
        self.call = call

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        member = self._members.get(name)
        if isinstance(member, Part):
            return ArrivingScore.of_call(self.call, member, (name,))
        return getattr(self.call.whole(), name)

    def __repr__(self) -> str:
        """Calls for nothing: tracebacks show it."""
        return f"<{self._name} of {self.call.responses!r}>"

    def scores(self) -> Iterator[Score]:
        """The scores themselves, over all responses."""
        found = self.call.whole()
        assert isinstance(found, ScoreGroup)
        return found.scores()
