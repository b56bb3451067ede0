"""``Score``: one number with everything that belongs to it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Real

from pytest_genaiops import gate
from pytest_genaiops.errors import CoverageError, MetricError, UnscorableError, of_ours
from pytest_genaiops.metrics.base import Part
from pytest_genaiops.records import Explanation, Response, Verdict
from pytest_genaiops.report.evidence import ScoreEvidence, headline
from pytest_genaiops.score import judging, repeated, showing
from pytest_genaiops.score.judging import Baseline
from pytest_genaiops.score.table import Table, kinds, mean_part, narrowed, own_values, reasons, sliced, statistics_at
from pytest_genaiops.score.watching import rules
from pytest_genaiops.statistics import Difference, Sample, interval

__tracebackhide__ = of_ours


class Score:
    """One number with everything that belongs to it; compares like a number.

    A comparison is true only if it holds *and* every case is scored. Comparing an incomplete
    score against its own direction (``bleu(responses) < 30``) raises CoverageError: its
    opposite must not be read as a pass.
    """

    __slots__ = ("_part", "_path", "_table", "_value")
    __hash__ = object.__hash__

    def __init__(self, table: Table, part: Part, path: tuple[str, ...] = ()) -> None:
        self._table = table
        self._part = part
        self._path = path
        self._value: float | None = None
        if table.scored:
            try:
                self._value = part.score(table.total, len(table.scored))
            except UnscorableError:
                self._value = None

    @staticmethod
    def of(
        values: Sequence[float | None],
        *,
        ids: Sequence[str] | None = None,
        clusters: Sequence[str] | None = None,
        name: str = "score",
        scale: tuple[float, float] = (0.0, 1.0),
        higher_is_better: bool = True,
    ) -> Score:
        """A score from per-case values of one's own: their mean. None is an unscored case.

        Raises:
            MetricError: lengths differ, an id occurs twice, or a value is not a finite number on the scale.
        """
        table = own_values(values, ids, clusters, name, scale)
        better = "higher" if higher_is_better else "lower"
        signature = f"{name}|scale:{scale[0]:g}-{scale[1]:g}|better:{better}"
        return Score(replace(table, signature=signature), mean_part(name, scale, higher_is_better=higher_is_better))

    # -- the number and what belongs to it -------------------------------------------------

    @property
    def name(self) -> str:
        """Of the metric, or of its part: ``bleu``, ``rougeL``."""
        return self._part.name

    @property
    def value(self) -> float | None:
        """The score over the scored cases, on :attr:`scale`; None where nothing was scored."""
        return self._value

    @property
    def n(self) -> int:
        """Number of scored responses."""
        return len(self._table.scored) if self._value is not None else 0

    @property
    def unscored(self) -> int:
        """Number of responses without a value; no comparison passes while there are any."""
        return len(self._table.measurements) - self.n

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest value that the metric is defined on; may be infinite."""
        return self._part.scale

    @property
    def higher_is_better(self) -> bool:
        """The direction that gates and comparisons judge by."""
        return self._part.higher_is_better

    @property
    def signature(self) -> str:
        """What the number depends on beside the texts, as ``key:value`` items joined by ``|``."""
        return "|".join((self._table.signature, *(f"part:{step}" for step in self._path)))

    @property
    def ids(self) -> tuple[str, ...]:
        """Case ids in input order, beside :attr:`per_case`."""
        return tuple(self._table.ids)

    @property
    def per_case(self) -> tuple[float | None, ...]:
        """Each response's own value in input order; None where unscored."""
        return tuple(self._values())

    @property
    def reasons(self) -> Mapping[str, str]:
        """Case id -> why it is unscored."""
        return {self._table.ids[i]: reason for i, reason in reasons(self._table)}

    @property
    def why(self) -> tuple[str, ...]:
        """Each response's reason for being unscored, in input order; empty where it is scored."""
        found = [""] * len(self._table.measurements)
        for i, reason in reasons(self._table):
            found[i] = reason
        return tuple(found)

    @property
    def unscored_by_kind(self) -> Mapping[str, int]:
        """Kind of error (``target``, ``timeout``, ``metric`` ...) -> number of responses unscored because of it."""
        return kinds(self._table)

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided confidence interval of the value, on :attr:`scale`; of 95 % unless the session has another.

        Raises:
            MetricError: nothing was scored, or confidence is not between 0 and 1.
        """
        asked = judging.settled(confidence)
        return interval(self.sample(), confidence=asked.confidence, seed=asked.seed)

    def explain(self, index: int) -> Explanation:
        """The evidence for one response, by its position in the input.

        Raises:
            MetricError: this metric has none to give, or the response is unscored.
        """
        table = self._table
        measurement = table.measurements[index]
        if measurement.statistics is None:
            raise MetricError(f"{table.ids[index]} is unscored: {measurement.reason}")
        if table.metric is None or not table.responses:
            raise MetricError(f"{self.name} was made from values and has no evidence to show")
        response = table.responses[index]
        try:
            assert response.trial is not None
            return table.metric.explain(response, response.trial.case)
        except UnscorableError as error:
            raise MetricError(str(error)) from None

    def slices(self) -> dict[str, Score]:
        """The same score over each slice of the cases, by ``tag=value``; empty where cases carry no tags."""
        return {name: Score(table, self._part, self._path) for name, table in sliced(self._table)}

    # -- trials of one case ----------------------------------------------------------------

    def pass_at(self, k: int) -> Score:
        """pass@k: the chance that at least one of ``k`` trials of a case succeeds, one value a case (Chen et al. 2021).

        Unbiased, from all trials of each case; a case with an unscored trial is unscored.

        Raises:
            MetricError: the score is no yes or no, or a case has fewer than ``k`` trials.
        """
        return repeated.passing(self, k, "pass@")

    def pass_hat(self, k: int) -> Score:
        """pass^k: the chance that all of ``k`` trials of a case succeed, one value a case (Yao et al. 2024).

        As :meth:`pass_at` otherwise.
        """
        return repeated.passing(self, k, "pass^")

    def consistency(self) -> Score:
        """Run-to-run consistency: the chance that two trials of a case have the same value, one value a case.

        A case with a single trial, or an unscored one, is unscored.
        """
        return repeated.consistent(self)

    # -- verdicts --------------------------------------------------------------------------
    # ``confidence`` is the two-sided interval's, ``coverage`` the share of cases to be scored; else the session's.

    def at_least(self, threshold: float, *, confidence: float | None = None, coverage: float | None = None) -> Verdict:
        """Passed where the lower confidence bound reaches the threshold."""
        found = judging.estimate(self, judging.settled(confidence, coverage))
        return judging.told(self, gate.at_least(found, threshold))

    def at_most(self, threshold: float, *, confidence: float | None = None, coverage: float | None = None) -> Verdict:
        """Passed where the upper confidence bound stays at or under the threshold."""
        found = judging.estimate(self, judging.settled(confidence, coverage))
        return judging.told(self, gate.at_most(found, threshold))

    def within(
        self, low: float, high: float, *, confidence: float | None = None, coverage: float | None = None
    ) -> Verdict:
        """Passed where the whole interval lies between the two."""
        found = judging.estimate(self, judging.settled(confidence, coverage))
        return judging.told(self, gate.within(found, low, high))

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
        """Paired non-inferiority: passed where the candidate is worse by less than ``margin``.

        Args:
            baseline: another Score of the same metric, or responses (or a committed baseline), which are scored
                under this one's metric.
            margin: on the metric's scale, never negative.
            min_shared: share of all cases that both sides must have; 0.9 by default. Compared are the shared ones.
            slice_margins: margins for the slices too: one for all, or by ``tag`` or ``tag=value``. Every one must
                pass, so that no correction for their number is needed (Berger 1982).

        Raises:
            MetricError: the two scores are not of the same metric, data and settings, share too few cases, or a
                slice has no such name.
        """
        asked = judging.settled(confidence, coverage)

        def judge(ours: Score, theirs: Score, margin: float) -> Verdict:
            return gate.not_worse_than(judging.comparison(ours, theirs, asked, min_shared), margin)

        other = judging.other_of(self, baseline)
        verdict = judge(self, other, margin)
        if slice_margins is not None:
            verdict = judging.joined(verdict, judging.by_slice(self, other, slice_margins, judge))
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
        other, asked = judging.other_of(self, baseline), judging.settled(confidence, coverage)
        found = judging.comparison(self, other, asked, min_shared)
        return judging.told(self, gate.better_than(found))

    # -- comparing like a number -----------------------------------------------------------

    def __float__(self) -> float:
        if self._value is None or not self.complete:
            raise CoverageError(f"{headline(self.evidence())} is not complete; use .value for the scored part")
        return self._value

    def __format__(self, spec: str) -> str:
        return format(self._value, spec) if spec and self._value is not None else repr(self)

    def __repr__(self) -> str:
        return f"<{headline(self.evidence(cases=False))}>"

    def __bool__(self) -> bool:
        raise MetricError(f"a score is neither true nor false; compare it: {self.name}(...) >= threshold")

    def __ge__(self, other: object) -> bool:
        return self._compare(other, lambda a, b: a >= b, upward=True)

    def __gt__(self, other: object) -> bool:
        return self._compare(other, lambda a, b: a > b, upward=True)

    def __le__(self, other: object) -> bool:
        return self._compare(other, lambda a, b: a <= b, upward=False)

    def __lt__(self, other: object) -> bool:
        return self._compare(other, lambda a, b: a < b, upward=False)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Real | Score):
            return self._compare(other, lambda a, b: a == b, upward=self.higher_is_better)
        # pytest.approx and its kind know how to compare themselves with a float.
        return self._value is not None and self.complete and other == self._value

    def __ne__(self, other: object) -> bool:
        if not self.complete or self._value is None:
            raise CoverageError(f"{headline(self.evidence())} cannot be compared: score every case first")
        return not self == other

    def _compare(self, other: object, holds: Callable[[float, float], bool], *, upward: bool) -> bool:
        complete, value = self.complete, other
        if isinstance(other, Score):
            judging.same_signature(self, other)
            complete, value = complete and other.complete, other.value
        elif isinstance(other, bool) or not isinstance(other, Real):
            raise MetricError(f"{self.name} compares with a number or another score, not {type(other).__name__}")
        elif math.isnan(other):
            raise MetricError(f"{self.name} is compared with NaN, which nothing can meet")
        if not complete or self._value is None or value is None:
            if upward != self.higher_is_better:
                raise CoverageError(f"{headline(self.evidence())} cannot be compared: score every case first")
            return False
        return holds(self._value, float(value))  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Score:
        if name.startswith("_"):
            raise AttributeError(name)
        child = self._part.children.get(name)
        if child is None:
            raise AttributeError(f"{self.name} has no {name!r}")
        return Score(self._table, child, (*self._path, name))

    def difference(self, other: Score, *, confidence: float | None = None) -> Difference | None:
        """This score minus another one of the same metric, paired by case; None where no case is scored on both sides.

        Raises:
            MetricError: the two differ in metric, settings or data, or share too few cases.
        """
        pairing = judging.pair(self, other, judging.MIN_SHARED)
        return judging.difference_of(self, other, pairing, judging.settled(confidence))

    def tests(self, baseline: Score | Baseline) -> dict[str, float]:
        """Two-sided p-values of no difference from a baseline, by the name of the test.

        McNemar's exact and mid-p test for shares; paired t and sign flips for other means; for corpus scores the paired
        bootstrap (1000 resamples) and approximate randomization (10 000 trials) of sacrebleu, with its numbers.

        Raises:
            MetricError: as :meth:`difference`.
        """
        return judging.tested(self, judging.other_of(self, baseline))

    # -- seams for the rooms above ---------------------------------------------------------

    @property
    def path(self) -> tuple[str, ...]:
        """Attributes that lead from the metric's group to this score."""
        return self._path

    @property
    def table(self) -> Table:
        """The responses and measurements behind the number."""
        return self._table

    @property
    def complete(self) -> bool:
        """Whether as many cases are scored as the rules in force ask for."""
        return self.reaches(rules().coverage)

    def reaches(self, coverage: float) -> bool:
        """Whether at least this share of the cases is scored."""
        return self.n >= (self.n + self.unscored) * coverage * (1 - 1e-9)

    def among(self, ids: Sequence[str]) -> Score:
        """The same score over some of its cases."""
        return Score(narrowed(self._table, set(ids)), self._part, self._path)

    def of_table(self, table: Table) -> Score:
        """The same part of another table of this metric."""
        return Score(table, self._part, self._path)

    @staticmethod
    def made(table: Table, part: Part) -> Score:
        """A score that was worked out from another one."""
        return Score(table, part)

    def evidence(self, *, cases: bool = True) -> ScoreEvidence:
        """The facts that reports show; without ``cases`` only the number."""
        return showing.evidence(self, self._part.case_score if cases else None)

    def covers(self, responses: Sequence[Response]) -> bool:
        """Whether all of these responses are scored here, so that none of them can be an error."""
        table = self._table
        judged = table.metric is not None and not table.metric.judges_errors
        return judged and table.responses is responses and not self.unscored

    def sample(self, positions: Sequence[int] | None = None) -> Sample:
        """The scored responses as the statistics room takes them."""
        table = self._table
        chosen = table.scored if positions is None else positions
        statistics = statistics_at(table, chosen)
        return Sample(
            statistics=statistics,
            values=array("d", map(self._part.case_score, statistics)),
            score=self._part.score,
            is_mean=self._part.is_mean,
            scale=self.scale,
            clusters=[table.clusters[i] for i in chosen] if table.clusters is not None else None,
        )

    def _values(self) -> Iterator[float | None]:
        case_score = self._part.case_score
        return (None if m.statistics is None else case_score(m.statistics) for m in self._table.measurements)
