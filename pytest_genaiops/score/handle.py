"""``Score``: one number with everything that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Real

from pytest_genaiops import gate
from pytest_genaiops.errors import CoverageError, MetricError, of_ours
from pytest_genaiops.records import Verdict
from pytest_genaiops.report.evidence import ScoreEvidence, headline
from pytest_genaiops.score import judging, repeated, showing
from pytest_genaiops.score.corrected import Asked, Corrected, corrected
from pytest_genaiops.score.judging import Baseline
from pytest_genaiops.score.number import Number
from pytest_genaiops.score.table import mean_part, own_values
from pytest_genaiops.statistics import Difference, interval

__tracebackhide__ = of_ours


class Score(Number):
    """One number with everything that belongs to it; compares like a number.

    A comparison is true only if it holds *and* every case is scored. Comparing an incomplete
    score against its own direction (``bleu(responses) < 30``) raises CoverageError: its
    opposite must not be read as a pass.
    """

    __slots__ = ()
    __hash__ = object.__hash__

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

    def interval(self, confidence: float | None = None) -> tuple[float, float]:
        """Two-sided confidence interval of the value, on :attr:`scale`; of 95 % unless the session has another.

        Raises:
            MetricError: nothing was scored, or confidence is not between 0 and 1.
        """
        asked = judging.settled(confidence)
        if self._value is None and self._table.scored:
            raise MetricError(f"{self.name} is undefined on these cases, so that it has no interval")
        return interval(self.sample(), confidence=asked.confidence, seed=asked.seed)

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

    # -- people's labels of some cases -------------------------------------------------------

    def corrected(
        self,
        labels: Mapping[str, float],
        *,
        method: str = "ppi",
        threshold: float | None = None,
        scale: tuple[float, float] | None = None,
        confidence: float | None = None,
    ) -> Corrected:
        """What people would have said of all cases, from what they say of a few and a judge of every one.

        Args:
            labels: case id to label, 0 or 1 or a rating; of cases drawn at random, for ``ppi``.
            method: ``ppi``, prediction-powered inference (PPI++; Angelopoulos, Duchi and Zrnic 2023), or
                ``rogan_gladen`` (1978) for a yes or no, which needs no random cases: some that people accept and some
                that they do not.
            threshold: turns the judge's values into passed or not; labels are then 0 and 1 (1: people accept it).
            scale: of the labels; by default the score's own where they fit it, else 0 to 1.
            confidence: of the two-sided interval; the session's by default.

        Raises:
            MetricError: a label is of no case or off the scale, there are fewer than two, or the method does not fit.
        """
        asked = Asked(method=method, threshold=threshold, scale=scale, confidence=confidence)
        return corrected(self, labels, asked)

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

        def judge(ours: Number, theirs: Number, margin: float) -> Verdict:
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

    def evidence(self, *, cases: bool = True) -> ScoreEvidence:
        """The facts that reports show; without ``cases`` only the number."""
        return showing.evidence(self, self._part.case_score if cases else None)
