"""Agreement of scores with people: AUROC, balanced accuracy, rank correlations, and what resampling makes of them.

Draws are of whole clusters (a document, a conversation) with replacement: rows of one cluster are no independent
witnesses. Every function over draws takes a matrix of how often each row was drawn, one draw a line.
"""

# ruff: noqa: TID253 - the rule is for the package; these scripts compute at once

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
SEED = 20261130
Floats = NDArray[np.float64]


def midranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing their mean rank."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[group], dtype=float)


def auroc(labels: Sequence[int], scores: Sequence[float]) -> tuple[float, float]:
    """AUROC and its DeLong standard error; ``labels`` 1 = good, 0 = bad; both must occur."""
    values = np.asarray(scores, dtype=float)
    good = values[np.asarray(labels) == 1]
    bad = values[np.asarray(labels) == 0]
    above = (midranks(np.concatenate([good, bad]))[: len(good)] - midranks(good)) / len(bad)
    below = 1 - (midranks(np.concatenate([bad, good]))[: len(bad)] - midranks(bad)) / len(good)
    variance = above.var(ddof=1) / len(good) + below.var(ddof=1) / len(bad)
    return float(above.mean()), math.sqrt(float(variance))


def drawn(clusters: Sequence[object], draws: int = DRAWS, seed: int = SEED) -> Floats:
    """How often each row is drawn when clusters are, ``draws`` lines of ``len(clusters)`` numbers."""
    known = {name: at for at, name in enumerate(dict.fromkeys(clusters))}
    member = np.array([known[name] for name in clusters])
    picked = np.random.default_rng(seed).integers(0, len(known), (draws, len(known)))
    times = np.stack([np.bincount(row, minlength=len(known)) for row in picked])
    return np.asarray(times[:, member], dtype=float)


def aurocs(labels: Sequence[int], scores: Sequence[float], times: Floats) -> Floats:
    """AUROC of every draw; NaN for one in which one of the labels does not occur."""
    good = np.asarray(labels) == 1
    values, group = np.unique(np.asarray(scores, dtype=float), return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(values)))
    ups = np.add.reduceat((times * good)[:, order], starts, axis=1)
    downs = np.add.reduceat((times * ~good)[:, order], starts, axis=1)
    below = np.cumsum(downs, axis=1) - downs / 2
    with np.errstate(invalid="ignore"):
        return np.asarray((ups * below).sum(axis=1) / (ups.sum(axis=1) * downs.sum(axis=1)))


def best_threshold(sets: Sequence[tuple[Sequence[int], Sequence[float]]]) -> float:
    """The score at and above which calling an answer good gives the best balanced accuracy, mean over the sets."""
    arrays = [(np.asarray(labels) == 1, np.asarray(scores, dtype=float)) for labels, scores in sets]
    candidates = np.unique(np.concatenate([values for _, values in arrays]))
    total = np.zeros(len(candidates))
    for good, values in arrays:
        passing = 1 - np.searchsorted(np.sort(values[good]), candidates) / good.sum()
        failing = np.searchsorted(np.sort(values[~good]), candidates) / (~good).sum()
        total += passing + failing
    return float(candidates[int(total.argmax())])


def balanced_accuracy(labels: Sequence[int], passed: Sequence[bool], times: Floats) -> Floats:
    """Mean of the shares of good answers that pass and of bad ones that do not, in every draw."""
    good, right = np.asarray(labels) == 1, np.asarray(passed)
    with np.errstate(invalid="ignore"):
        found = [(times @ (right & good)) / (times @ good), (times @ (~right & ~good)) / (times @ ~good)]
    return np.asarray((found[0] + found[1]) / 2)


def halves(clusters: Sequence[object], seed: int = SEED) -> NDArray[np.bool_]:
    """Whether each row belongs to the first of two halves; a cluster is never split."""
    known = list(dict.fromkeys(clusters))
    order = np.random.default_rng(seed).permutation(len(known))
    first = {known[at] for at in order[: len(known) // 2]}
    return np.array([name in first for name in clusters])


def halved_passes(labels: Sequence[int], scores: Sequence[float], clusters: Sequence[object]) -> list[bool]:
    """Which rows pass at the threshold that is best on the half of the clusters that they are not in."""
    first, values, good = halves(clusters), np.asarray(scores, dtype=float), np.asarray(labels)
    passed = np.zeros(len(values), dtype=bool)
    for half in (first, ~first):
        passed[half] = values[half] >= best_threshold([(good[~half].tolist(), values[~half].tolist())])
    return [bool(value) for value in passed]


def kendall(x: Floats, y: Floats) -> Floats:
    """Kendall's tau-b along the last axis; NaN where ``y`` is constant, and 0 where ``x`` alone is."""
    left, right = np.triu_indices(x.shape[-1], 1)
    first, second = (np.sign(v[..., left] - v[..., right]) for v in (x, y))
    return _ratio((first * second).sum(-1), (first**2).sum(-1), (second**2).sum(-1))


def spearman(x: Floats, y: Floats) -> Floats:
    """Spearman's rho along the last axis; NaN where ``y`` is constant, and 0 where ``x`` alone is."""
    first, second = (np.apply_along_axis(midranks, -1, v) for v in (x, y))
    first, second = (v - v.mean(-1, keepdims=True) for v in (first, second))
    return _ratio((first * second).sum(-1), (first**2).sum(-1), (second**2).sum(-1))


def _ratio(shared: Floats, first: Floats, second: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(second == 0, np.nan, np.where(first == 0, 0.0, shared / np.sqrt(first * second)))


def cell(point: float, draws: Floats) -> str:
    """A figure with its 95 % interval: the 2.5th and 97.5th percentile of the draws."""
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return f"{point:.3f} ({low:.3f} to {high:.3f})"
