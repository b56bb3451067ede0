"""Accuracy, precision, recall, F1 and Matthews correlation of predicted classes, and the confusion behind them.

Definitions: scikit-learn's ``precision_recall_fscore_support`` with ``zero_division=0``, over the
union of the classes that were predicted and that are true; Matthews correlation for any number of
classes as Gorodkin 2004 (*Comparing two K-category assignments by a K-category correlation coefficient*, eq. 8).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_genaiops.columns import Total
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.metrics.rows import place
from pytest_genaiops.records import Case, Response, Statistics
from pytest_genaiops.registry import did_you_mean

AVERAGES = ("macro", "micro", "weighted")


@dataclass(frozen=True, kw_only=True)
class Classification(Metric):
    """A group: ``accuracy``, ``precision``, ``recall``, ``f1``, each 0-1, and ``mcc``, -1 to 1; higher is better.

    ``average``: ``"macro"`` (default; plain mean over classes), ``"micro"`` (over all decisions),
    ``"weighted"`` (mean by number of true cases), or None for one score per class:
    ``classes.f1["spam"]``. ``classes.confusion`` maps (true label, predicted label) to a count.

    A prediction is the response's label, else its stripped text; it must equal the label to the letter.
    """

    name = "classification"
    use_case = "labels"
    needs = ("label",)
    takes = "label"

    average: str | None = "macro"

    def __post_init__(self) -> None:
        if self.average is not None and self.average not in AVERAGES:
            raise MetricError(
                f"classification: average={self.average!r} is unknown; "
                f"{did_you_mean(str(self.average), list(AVERAGES))}, or None for one score per class"
            )

    def statistics(self, response: Response, case: Case) -> Statistics:
        """{(predicted, true label): 1}. Raises UnscorableError without a label or without a prediction."""
        if case.label is None or not case.label.strip():
            raise UnscorableError(f"{place(case)} has no label; fill its label column")
        predicted = (response.text if response.label is None else response.label).strip()
        if not predicted:
            raise UnscorableError("the response names no class; have the target return a label or a text")
        return {(predicted, case.label.strip()): 1}

    def score(self, total: Any, n: int) -> float:
        """Accuracy: the share of responses whose prediction is the label."""
        return _accuracy(total, n)

    def parts(self, total: Total | None) -> Mapping[str, Part | Mapping[str, Part]]:
        """``accuracy``, ``precision``, ``recall``, ``f1``, ``mcc``; the ratios by class name under ``average=None``."""
        accuracy = Part(name="accuracy", score=_accuracy, case_score=_correct, is_mean=True)
        ratios: dict[str, Part | Mapping[str, Part]]
        if self.average is None:
            names = [] if total is None else _classes(_pairs(total))
            ratios = {
                kind: {name: _part(f"{kind}[{name}]", partial(_of_class, kind, name)) for name in names}
                for kind in _RATIOS
            }
        else:
            ratios = {kind: _part(kind, partial(_averaged, kind, self.average)) for kind in _RATIOS}
        return {"accuracy": accuracy, **ratios, "mcc": _part("mcc", _matthews, scale=(-1.0, 1.0))}

    def tables(self, total: Total) -> Mapping[str, Any]:
        """``confusion``: (true label, predicted label) -> count, sorted, pairs that occur only."""
        return {"confusion": {(true, predicted): count for (predicted, true), count in sorted(_pairs(total).items())}}


Pairs = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """Decisions about one class, or about all."""

    hits: float
    predicted: float
    true: float


def _precision(counts: _Counts) -> float:
    return counts.hits / counts.predicted if counts.predicted else 0.0


def _recall(counts: _Counts) -> float:
    return counts.hits / counts.true if counts.true else 0.0


def _f1(counts: _Counts) -> float:
    return 2 * counts.hits / (counts.predicted + counts.true) if counts.predicted + counts.true else 0.0


_RATIOS = {"precision": _precision, "recall": _recall, "f1": _f1}


def _part(name: str, score: Any, scale: tuple[float, float] = (0.0, 1.0)) -> Part:
    return Part(name=name, score=score, case_score=_correct, scale=scale)


def _pairs(total: Any) -> Pairs:
    """Pairs that occur; a resampled sum may hold zeros, and a class nobody named is no class."""
    return {pair: count for pair, count in total.items() if count}


def _classes(pairs: Pairs) -> list[str]:
    return sorted({name for pair in pairs for name in pair})


def _counts(pairs: Pairs) -> dict[str, _Counts]:
    hits: dict[str, float] = {}
    predicted: dict[str, float] = {}
    true: dict[str, float] = {}
    for (guess, label), count in pairs.items():
        predicted[guess] = predicted.get(guess, 0) + count
        true[label] = true.get(label, 0) + count
        if guess == label:
            hits[label] = hits.get(label, 0) + count
    return {
        name: _Counts(hits=hits.get(name, 0), predicted=predicted.get(name, 0), true=true.get(name, 0))
        for name in _classes(pairs)
    }


def _accuracy(total: Any, n: int) -> float:
    return float(sum(count for (guess, label), count in total.items() if guess == label)) / n


def _correct(statistics: Mapping[Hashable, float]) -> float:
    return _accuracy(statistics, 1)


def _of_class(kind: str, name: str, total: Any, n: int) -> float:
    counts = _counts(_pairs(total))
    if name not in counts:
        raise UnscorableError(f"class {name!r} is neither predicted nor true in any scored case")
    return float(_RATIOS[kind](counts[name]))


def _averaged(kind: str, average: str, total: Any, n: int) -> float:
    ratio, counts = _RATIOS[kind], list(_counts(_pairs(total)).values())
    if average == "micro":
        decisions = math.fsum(one.true for one in counts)
        return float(ratio(_Counts(hits=math.fsum(one.hits for one in counts), predicted=decisions, true=decisions)))
    weights = [1.0 if average == "macro" else one.true for one in counts]
    return math.fsum(ratio(one) * weight for one, weight in zip(counts, weights, strict=True)) / math.fsum(weights)


def _matthews(total: Any, n: int) -> float:
    """Correlation of prediction and label: their covariance over the root of both variances, from the counts alone.

    Raises UnscorableError where all predictions or all labels are one class: that is 0 / 0. (scikit-learn calls
    it 0, as if the classes had been guessed.)
    """
    counts = _counts(_pairs(total)).values()
    covariance = n * sum(one.hits for one in counts) - sum(one.predicted * one.true for one in counts)
    of_predictions = n * n - sum(one.predicted**2 for one in counts)
    of_labels = n * n - sum(one.true**2 for one in counts)
    if not (of_predictions and of_labels):
        constant = "labels" if of_predictions else "predictions"
        raise UnscorableError(f"all {constant} are one class, which correlates with nothing; use accuracy or f1")
    return max(-1.0, min(1.0, covariance / math.sqrt(of_predictions * of_labels)))
