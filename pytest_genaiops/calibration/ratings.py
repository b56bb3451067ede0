"""What a judge and people said of the same answers, and where one of them draws the line."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_genaiops.errors import MetricError
from pytest_genaiops.sequences import chosen

YES_OR_NO = frozenset({0.0, 1.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """One row an answer that both have judged; sequences of one length."""

    values: Sequence[float]
    """The judge's."""
    labels: Sequence[float]
    """People's: 0 and 1 (1: they accept it), or ratings in the judge's direction."""
    accept: float | None = None
    """The rating from which on people accept an answer; None where labels are 0 and 1."""
    scale: tuple[float, float] | None = None
    """The judge's; None where only its values are known."""
    higher_is_better: bool = True
    clusters: Sequence[str] | None = None
    keys: Sequence[str] = ()
    """What halves are drawn by: the cluster, or the row itself."""
    lengths: Sequence[int] | None = None
    """Characters of the answers."""
    samples: Sequence[Sequence[float]] = ()
    """All that the judge said of an answer, where it was asked more than once."""
    swapped: Sequence[float | None] = ()
    """What it said of a pair in the other order."""

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.labels):
            raise MetricError(
                f"{len(self.values)} values of the judge and {len(self.labels)} labels cannot be compared"
            )
        if self.accept is None and not set(self.labels) <= YES_OR_NO:
            rating = next(label for label in self.labels if label not in YES_OR_NO)
            raise MetricError(f"a label is {rating:g}: of ratings, say from which on an answer is accepted (--accept)")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def graded(self) -> bool:
        """Whether labels are ratings."""
        return self.accept is not None

    @property
    def accepted(self) -> list[bool]:
        """Of every answer whether people accept it."""
        if self.accept is None:
            return [label == 1 for label in self.labels]
        limit, up = self.accept, self.higher_is_better
        return [label >= limit if up else label <= limit for label in self.labels]

    @property
    def upwards(self) -> list[float]:
        """The judge's values, turned so that up is better."""
        return list(self.values) if self.higher_is_better else [-value for value in self.values]

    def says_yes(self, threshold: float) -> list[bool]:
        """Of every answer whether the judge lets it pass."""
        up = self.higher_is_better
        return [value >= threshold if up else value <= threshold for value in self.values]

    def at(self, rows: Sequence[int]) -> Ratings:
        """Some of the rows."""
        return replace(
            self,
            values=chosen(self.values, rows),
            labels=chosen(self.labels, rows),
            clusters=None if self.clusters is None else chosen(self.clusters, rows),
            keys=chosen(self.keys, rows) if self.keys else (),
            lengths=None if self.lengths is None else chosen(self.lengths, rows),
            samples=chosen(self.samples, rows) if self.samples else (),
            swapped=chosen(self.swapped, rows) if self.swapped else (),
        )


def halves(ratings: Ratings, seed: int) -> tuple[Ratings, Ratings]:
    """Two parts of about one size that share no cluster, and do not depend on the order of the rows.

    Raises MetricError where there are fewer than two clusters.
    """
    keys = list(ratings.keys) or [str(row) for row in range(len(ratings))]
    order = sorted(
        set(keys), key=lambda key: hashlib.sha256(f"{seed}\n{key}".encode("utf-8", "surrogatepass")).digest()
    )
    if len(order) < 2:
        raise MetricError("all labels are of one cluster: a threshold cannot be chosen on some and tested on others")
    first = set(order[: len(order) // 2])
    parts = [[row for row, key in enumerate(keys) if (key in first) is kind] for kind in (True, False)]
    return ratings.at(parts[0]), ratings.at(parts[1])


def best_threshold(ratings: Ratings) -> float:
    """The threshold at which judge and people agree the most beyond chance (Cohen's kappa); of equals the strictest.

    It lies between two neighbouring values, in as few digits as tell them apart, or is the only value that there is.
    Raises MetricError where people accept all answers, or none.
    """
    accepted, values = ratings.accepted, ratings.upwards
    good = sum(accepted)
    if good in (0, len(accepted)):
        raise MetricError(
            f"people accept {'all' if good else 'none'} of the {len(accepted)} answers that a threshold would be "
            "chosen on: label some of the other kind too, or name one (--threshold)"
        )
    levels = sorted(set(values), reverse=True)
    by_value: dict[float, list[int]] = {level: [0, 0] for level in levels}
    for value, kind in zip(values, accepted, strict=True):
        by_value[value][kind] += 1
    best, found, passed = -math.inf, levels[-1], [0, 0]
    for place, level in enumerate(levels):
        passed = [seen + more for seen, more in zip(passed, by_value[level], strict=True)]
        kappa = _kappa(passed[1], passed[0], good, len(accepted) - good)
        if kappa > best + 1e-12:
            best, found = kappa, level if place + 1 == len(levels) else _between(levels[place + 1], level)
    return found if ratings.higher_is_better else -found


def _kappa(hits: int, false_alarms: int, good: int, bad: int) -> float:
    """Cohen's kappa of passing so many of the good and of the bad answers."""
    misses, stopped = good - hits, bad - false_alarms
    chance = (hits + false_alarms) * bad + good * (misses + stopped)
    return 2 * (hits * stopped - misses * false_alarms) / chance


def _between(low: float, high: float) -> float:
    """The number with the fewest decimals that is above ``low`` and at most ``high``, close to their middle."""
    middle = (low + high) / 2
    return next((short for digits in range(17) if low < (short := round(middle, digits)) <= high), high)
