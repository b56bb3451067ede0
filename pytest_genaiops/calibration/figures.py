"""How far a judge agrees with people: every figure with its interval, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pytest_genaiops.calibration.ratings import Ratings
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics import agreement
from pytest_genaiops.statistics.ranks import auroc, kendall, spearman
from pytest_genaiops.statistics.raters import Figure, mean, share, weighted_kappa

Figures: TypeAlias = Mapping[str, Figure | str]
"""By name; a text says why a figure could not be worked out. Figures that nobody asked for are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How figures are to be worked out."""

    confidence: float
    seed: int


def figures_of(whole: Ratings, tested: Ratings, threshold: float, asked: Asked) -> Figures:
    """All figures: those of a threshold on the part that it was not chosen on, the others on all rows.

    - ``kappa`` (Cohen's), ``sensitivity`` (share of accepted answers that the judge lets pass) and ``specificity``
      (share of the others that it does not);
    - ``quadratic_kappa``, where people rate on the judge's scale;
    - ``auroc``, ``spearman`` and ``kendall``, which need no threshold;
    - ``self_consistency``: the chance that two answers of the judge about one case agree;
    - ``length_bias``: rank correlation of the judge's value minus people's with the length of the answer. Above 0 the
      judge favours long answers by more than people do;
    - ``position_bias``, of pairs: by how much more often than half the time the first of two is preferred.
    """
    yes, good = tested.says_yes(threshold), tested.accepted
    keys, level, seed = tested.clusters, asked.confidence, asked.seed
    found: dict[str, Figure | str] = {
        "kappa": _tried(
            lambda: weighted_kappa(
                [float(y) for y in yes], [float(g) for g in good], clusters=keys, confidence=level, seed=seed
            )
        ),
        "sensitivity": _tried(lambda: _share(tested, yes, kind=True, level=level)),
        "specificity": _tried(lambda: _share(tested, [not y for y in yes], kind=False, level=level)),
    }
    every = whole.clusters
    if whole.graded:
        found["quadratic_kappa"] = _tried(
            lambda: weighted_kappa(whole.values, whole.labels, clusters=every, confidence=level, seed=seed)
        )
    labels = _upward_labels(whole)
    found["auroc"] = _tried(lambda: auroc(whole.upwards, whole.accepted, clusters=every, confidence=level))
    found["spearman"] = _tried(lambda: spearman(whole.upwards, labels, clusters=every, confidence=level))
    found["kendall"] = _tried(lambda: kendall(whole.upwards, labels, clusters=every, confidence=level))
    return {**found, **_biases(whole, asked)}


def _biases(whole: Ratings, asked: Asked) -> Figures:
    found: dict[str, Figure | str] = {}
    if any(len(samples) > 1 for samples in whole.samples):
        rows = [row for row, samples in enumerate(whole.samples) if len(samples) > 1]
        pairs = [agreement(whole.samples[row]) for row in rows]
        clusters = whole.at(rows).clusters
        found["self_consistency"] = mean(pairs, clusters=clusters, confidence=asked.confidence, seed=asked.seed)
    if (lengths := whole.lengths) is not None:
        found["length_bias"] = _tried(
            lambda: spearman(_excess(whole), lengths, clusters=whole.clusters, confidence=asked.confidence)
        )
    rows = [row for row, swapped in enumerate(whole.swapped) if swapped is not None]
    if rows:
        found["position_bias"] = _tried(lambda: _position_bias(whole, rows, asked))
    return found


def _share(tested: Ratings, right: list[bool], *, kind: bool, level: float) -> Figure:
    """Share of the answers of one kind that the judge is right about."""
    rows = [row for row, good in enumerate(tested.accepted) if good is kind]
    if not rows:
        raise UnscorableError(f"people {'accept none' if kind else 'accept all'} of the answers that it is tested on")
    return share([right[row] for row in rows], clusters=tested.at(rows).clusters, confidence=level)


def _upward_labels(ratings: Ratings) -> list[float]:
    turned = ratings.graded and not ratings.higher_is_better
    return [-label for label in ratings.labels] if turned else list(ratings.labels)


def _excess(ratings: Ratings) -> list[float]:
    """How much better the judge finds every answer than people do, both from 0 to 1."""
    labels = _upward_labels(ratings)
    seen = (min(ratings.values), max(ratings.values))
    own = seen if ratings.scale is None or not all(map(math.isfinite, ratings.scale)) else ratings.scale
    low, high = own if ratings.higher_is_better else (-own[1], -own[0])
    ends = (0.0, 1.0) if not ratings.graded else (min(low, *labels), max(high, *labels))
    if high <= low or ends[1] <= ends[0]:
        raise UnscorableError("the judge gives one value only")
    judged = [(value - low) / (high - low) for value in ratings.upwards]
    return [a - (label - ends[0]) / (ends[1] - ends[0]) for a, label in zip(judged, labels, strict=True)]


def _position_bias(ratings: Ratings, rows: list[int], asked: Asked) -> Figure:
    """Half of what a value of the first answer loses when it comes second."""
    swapped = [value for value in ratings.swapped if value is not None]
    low, high = min(*ratings.values, *swapped), max(*ratings.values, *swapped)
    if high <= low:
        raise UnscorableError("the judge gives one value only")
    pairs = zip((ratings.values[row] for row in rows), swapped, strict=True)
    lost = [(first - second) / (2 * (high - low)) for first, second in pairs]
    clusters = ratings.at(rows).clusters
    return mean(lost, scale=(-0.5, 0.5), clusters=clusters, confidence=asked.confidence, seed=asked.seed)


def _tried(work: Callable[[], Figure]) -> Figure | str:
    try:
        return work()
    except (UnscorableError, MetricError) as error:
        return str(error)
