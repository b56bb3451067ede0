"""Scores of a judge, corrected by what people say of a few of the cases."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real

from pytest_genaiops import gate
from pytest_genaiops.dataset.text import near, quoted
from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.records import Verdict
from pytest_genaiops.score import judging
from pytest_genaiops.score.number import Number
from pytest_genaiops.score.table import kinds, reasons
from pytest_genaiops.statistics.means import mean_error, unit_residuals
from pytest_genaiops.statistics.ppi import Audited, powered_mean
from pytest_genaiops.statistics.rogan_gladen import Seen, true_rate
from pytest_genaiops.statistics.sample import grouping

__tracebackhide__ = of_ours

METHODS: Mapping[str, str] = {"ppi": "PPI++", "rogan_gladen": "Rogan-Gladen"}
YES_OR_NO = (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The mean of people's labels over all cases of a score, as a judge and a few labels tell it."""

    name: str
    value: float
    """On :attr:`scale`."""
    interval: tuple[float, float]
    """Two-sided, at :attr:`confidence`."""
    confidence: float
    scale: tuple[float, float]
    """Of the labels."""
    n: int
    """Cases that the judge gave a value for."""
    unscored: int
    """Cases that it gave none for; no verdict passes while there are more of them than the coverage allows."""
    n_labelled: int
    method: str
    """``PPI++`` or ``Rogan-Gladen``."""
    weight: float | None
    """Lambda of PPI++: how far the judge is relied on, 0 where the labels stand alone; None for Rogan-Gladen."""
    uncorrected: float | None
    """What the judge alone said."""
    standard_error: float
    higher_is_better: bool
    score: Number = field(repr=False, compare=False)
    """The score that was corrected."""

    def at_least(self, threshold: float, *, coverage: float | None = None) -> Verdict:
        """Passed where the lower confidence bound reaches the threshold."""
        return judging.told(self.score, gate.at_least(self._estimate(coverage), threshold))

    def at_most(self, threshold: float, *, coverage: float | None = None) -> Verdict:
        """Passed where the upper confidence bound stays at or under the threshold."""
        return judging.told(self.score, gate.at_most(self._estimate(coverage), threshold))

    def _estimate(self, coverage: float | None) -> gate.Estimate:
        rules = judging.settled(self.confidence, coverage)
        table = self.score.table
        return gate.Estimate(
            name=self.name,
            value=self.value,
            interval=self.interval,
            standard_error=self.standard_error,
            method=self.method,
            confidence=self.confidence,
            coverage=rules.coverage,
            undecided=rules.undecided,
            n=self.n,
            unscored=self.unscored,
            reasons=[reason for _, reason in reasons(table)],
            kinds=kinds(table),
            scale=self.scale,
            higher_is_better=self.higher_is_better,
            signature=f"{self.score.signature}|corrected:{self.method}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a score is to be corrected."""

    method: str = "ppi"
    threshold: float | None = None
    scale: tuple[float, float] | None = None
    confidence: float | None = None


def corrected(score: Number, labels: Mapping[str, float], asked: Asked) -> Corrected:
    """The score as people would have given it; see :meth:`~pytest_genaiops.Score.corrected`."""
    if asked.method not in METHODS:
        raise MetricError(f"method is {quoted(asked.method)}; the methods are {', '.join(METHODS)}")
    rules, table = judging.settled(asked.confidence), score.table
    given = _labels(score, labels)
    values, rows = _values(score, asked.threshold), table.scored
    known = [given.get(table.ids[row]) for row in rows]
    clusters = None if table.clusters is None else [table.clusters[row] for row in rows]
    scale = _scale(score, asked, [label for label in known if label is not None])
    sample = Audited(predictions=values, labels=known, scale=scale, clusters=clusters)
    weight = None
    if asked.method == "ppi":
        powered = powered_mean(sample, confidence=rules.confidence, seed=rules.seed)
        value, interval, error, weight = powered.value, powered.interval, powered.standard_error, powered.weight
    else:
        rate = true_rate(*_seen(score, sample), confidence=rules.confidence)
        value, interval, error = rate.value, rate.interval, rate.standard_error
    return Corrected(
        name=f"{score.name} corrected by {len(sample.labelled)} labels",
        value=value,
        interval=interval,
        confidence=rules.confidence,
        scale=scale,
        n=len(rows),
        unscored=score.unscored,
        n_labelled=len(sample.labelled),
        method=METHODS[asked.method],
        weight=weight,
        uncorrected=score.value if asked.threshold is None else math.fsum(values) / len(values),
        standard_error=error,
        higher_is_better=score.higher_is_better or scale != score.scale or asked.threshold is not None,
        score=score,
    )


def _labels(score: Number, labels: Mapping[str, float]) -> dict[str, float]:
    """Labels by case id, as numbers; None stands for no label."""
    if not isinstance(labels, Mapping):
        raise MetricError(f"labels are {type(labels).__name__}; give a mapping of case id to label")
    ids = score.table.ids
    known = set(ids)
    if len(known) < len(ids):
        raise MetricError(f"{score.name} has several trials of a case, and a label is of one answer; score one trial")
    found: dict[str, float] = {}
    for case, label in labels.items():
        if case not in known:
            hint = near(str(case), ids)
            raise MetricError(f"labels name a case {quoted(case)} that {score.name} does not have{hint}")
        if label is None:
            continue
        number = float(label) if isinstance(label, Real) else math.nan
        if not math.isfinite(number):
            raise MetricError(f"the label of {quoted(case)} is {quoted(label)}; give a number, or 0 or 1")
        found[case] = number
    return found


def _values(score: Number, threshold: float | None) -> list[float]:
    """The judge's value of every scored case, or with a threshold whether it passes."""
    found = [value for value in score.per_case if value is not None]
    if not found:
        raise MetricError(f"{score.name}: nothing was scored, so that there is nothing to correct")
    if threshold is None:
        return found
    if not math.isfinite(threshold):
        raise MetricError(f"threshold is {threshold}; give a finite number on the scale of {score.name}")
    up = score.higher_is_better
    return [float(value >= threshold if up else value <= threshold) for value in found]


def _scale(score: Number, asked: Asked, labels: Sequence[float]) -> tuple[float, float]:
    """What people's labels are between: as it is given, the score's own, or 0 and 1."""
    if asked.scale is not None:
        if not asked.scale[0] < asked.scale[1]:
            raise MetricError(f"scale is {asked.scale}; the lower end comes first, such as (1, 5)")
        return asked.scale
    low, high = score.scale
    if asked.threshold is None and all(low <= label <= high for label in labels):
        return score.scale
    if all(label in YES_OR_NO for label in labels):
        return YES_OR_NO
    wrong = next(label for label in labels if label not in YES_OR_NO)
    if asked.threshold is not None:
        raise MetricError(f"a label is {wrong:g}; beside a threshold labels are 0 and 1 (1: people accept the answer)")
    raise MetricError(
        f"a label is off the scale of {score.name}, {low:g} to {high:g}; give the labels' own: scale=(1, 5)"
    )


def _seen(score: Number, sample: Audited) -> tuple[Seen, Seen, Seen]:
    """Share of yes among all cases, sensitivity and specificity."""
    low, high = sample.scale
    if (low, high) != YES_OR_NO or any(value not in YES_OR_NO for value in (*sample.predictions, *sample.known)):
        raise MetricError(
            f"Rogan-Gladen is for a yes or no of judge and people, 0 and 1; {score.name} is graded: give threshold="
        )
    kinds_of = [[row for row in sample.labelled if sample.labels[row] == kind] for kind in (1.0, 0.0)]
    if not all(kinds_of):
        raise MetricError("all labels are the same; Rogan-Gladen needs cases that people accept and others they do not")
    right = [value if label else 1 - value for value, label in zip(sample.predictions, sample.labels, strict=True)]
    said = _share(sample.predictions, sample.clusters)
    accepted, others = (
        _share([right[row] for row in rows], [sample.clusters[row] for row in rows] if sample.clusters else None)
        for rows in kinds_of
    )
    return said, accepted, others


def _share(values: Sequence[float], clusters: Sequence[Hashable] | None) -> Seen:
    """A share, in as many independent cases as tell the same."""
    n, groups = len(values), grouping(clusters)
    found = math.fsum(values) / n
    if groups is None or not 0 < found < 1:
        return Seen(share=found, n=n if groups is None else max(groups) + 1)
    error = mean_error(unit_residuals(values, found, groups), n, 1.0)
    return Seen(share=found, n=min(n, found * (1 - found) / error**2) if error else max(groups) + 1)
