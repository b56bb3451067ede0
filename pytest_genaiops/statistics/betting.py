"""Confidence sequences: bounds of a mean that hold at every moment of a run, and so may be read after every case.

An ordinary interval errs in 5 % of runs if it is read once. Read after every case, until it shows what one
hopes for, it errs far more often. A confidence sequence holds at all times together: it leaves out the mean at
*any* time, however long the run, in at most 5 % of runs.

It comes from bets (Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting,
*JRSS B* 86). Against the claim that the mean is at most m, a gambler with a capital of 1 stakes a share c of
it on every observation x (between 0 and 1), which multiplies it by 1 - c + c x / m. If the claim holds, the
capital is a supermartingale, and reaches 1 / alpha with a probability of alpha at most (Ville's inequality).
All m against which it ever did so lie below the mean: they end at the lower bound.

The shares are fixed before the first observation, and the capital is spread over several (a discrete universal
portfolio: Cover 1991, *Mathematical Finance* 1). Bets that adapt to the past decided about as soon in our simulations;
with fixed ones the capital depends on the observations and not on their order, and it falls as m rises, so that
a bound is one bisection. Each m has its own bets: a gate's line is tested by bets tuned to that very line.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias, final

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.means import Interval
from pytest_genaiops.statistics.sample import ROUNDING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float64]

STEPS = 1 << 20
"""Bounds lie on a grid of this many steps across the scale, rounded outwards: a millionth of the scale."""

LARGEST_SHARE = 0.97
"""Of the capital, staked on one observation: even the worst value leaves something to go on with."""

PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the capital, equal in size: each stakes a share of its own, from the largest (0) to the smallest (1)."""


def split_confidence(confidence: float = 0.95) -> float:
    """Confidence for each of two readings that together err as rarely as one of ``confidence``: 0.975 for 0.95.

    A sequence that read all planned cases without a decision leaves a run undecided: the ordinary interval at
    the same confidence has been peeked at and no longer holds. A sequence at this confidence and, where it did not
    decide, one last ordinary interval over all planned cases at this confidence do hold together (Bonferroni).
    Raises MetricError for a confidence outside (0, 1).
    """
    _check_confidence(confidence)
    return (1 + confidence) / 2


@final
class ConfidenceSequence:
    """Bounds of the mean of values on a finite scale, which hold at all times together.

    Each bound alone is wrong in at most (1 - ``confidence``) / 2 of runs, whenever and however often it is read,
    and whatever the distribution on the scale. So a gate may stop at the first reading that decides.

    - ``scale``: what the values can be, such as (0, 1); (-1, 1) for differences of two scores from 0 to 1.
      The tighter it is, the sooner the bounds are.
    - ``horizon``: the number of observations planned. The bets are tuned to decide before it; the bounds hold for
      any other number as well, only less tightly.

    The mean is that of the process which the observations are drawn from, independently: the system on all inputs of
    this kind. A finite data set is a sample of those. Bets for draws without replacement would be narrower, and
    down to nothing after the last case, but about the data set's own mean, which no other gate asks for.

    Observations come one by one or in blocks, which give the same bounds, in a random order that is fixed before
    the run. Not as they are answered: the slow cases may be the hard ones. Rows that depend on each other (a
    cluster, the trials of one case) are one observation, their mean, handed over when it is complete; the bounds are
    then those of the mean over clusters.

    Raises MetricError for a scale that is not finite or not in order, a horizon under 1 or a confidence outside (0, 1).
    """

    __slots__ = ("_counts", "_level", "_lower", "_scale", "_smallest", "_upper")

    def __init__(self, scale: tuple[float, float], *, horizon: int, confidence: float = 0.95) -> None:
        low, high = scale
        if not (low < high and math.isfinite(high - low)):
            raise MetricError(f"the scale is {scale}; stopping early needs two finite ends, the lower one first")
        if not 1 <= horizon < math.inf:
            raise MetricError(f"horizon is {horizon}; give the number of cases planned, at least 1")
        _check_confidence(confidence)
        self._scale = (float(low), float(high))
        self._level = math.log(2 / (1 - confidence))
        # n observations of standard deviation s just tell a difference of d = s * sqrt(2 * level / n), and the best
        # bet on it is d / s**2 (Kelly). The smallest bet is for what half of the horizon tells.
        self._smallest = math.sqrt(4 * self._level / horizon)
        self._counts: Counter[float] = Counter()
        self._lower = self._upper = 0

    @property
    def n(self) -> int:
        """Number of observations so far."""
        return self._counts.total()

    @property
    def bounds(self) -> Interval:
        """Lower and upper bound on the scale: the tightest so far, hence they never widen.

        The whole scale before the first observation. They may leave out the mean of the observations made so far.
        """
        low, high = self._scale
        return low + (high - low) * self._lower / STEPS, high - (high - low) * self._upper / STEPS

    def observe(self, values: Iterable[float]) -> None:
        """Take the next observations, in their order; reading the bounds between them would have changed nothing.

        A lower bound above the upper one would say that the order was not random, or that this is one of the rare
        runs; both then stay where they were. A call costs time in proportion to the number of different values so far.
        Raises MetricError, and takes none of them, where a value is not a finite number or lies outside the scale.
        """
        import numpy as np

        block = np.array([self._rescaled(value) for value in values], dtype=np.float64)
        if block.size:
            self._take(block)

    def _take(self, block: Vector) -> None:
        import numpy as np

        past = np.fromiter(self._counts.keys(), np.float64, len(self._counts))
        counts = np.fromiter(self._counts.values(), np.float64, len(self._counts))
        lower = self._advanced(self._lower, block, past, counts)
        upper = self._advanced(self._upper, 1 - block, 1 - past, counts)
        if lower + upper >= STEPS and block.size > 1:
            for observation in block:
                self._take(observation[None])
            return
        self._counts.update(block.tolist())
        if lower + upper < STEPS:
            self._lower, self._upper = lower, upper

    def _rescaled(self, value: float) -> float:
        """The value as a share of the way from the lower end of the scale to the upper one."""
        low, high = self._scale
        if not math.isfinite(value):
            raise MetricError(f"an observation is {value}; leave the case unscored instead")
        share = (value - low) / (high - low)
        if not -ROUNDING <= share <= 1 + ROUNDING:
            raise MetricError(f"an observation, {value:g}, lies outside the scale {low:g} to {high:g}")
        return min(1.0, max(0.0, share))

    def _advanced(self, reached: int, block: Vector, past: Vector, counts: Vector) -> int:
        """The last step of the grid whose claim, "the mean is at most this", is refuted; ``reached`` already was."""

        def stands(step: int) -> bool:
            return self._best(step / STEPS, block, past, counts) < self._level

        if reached + 1 == STEPS or stands(reached + 1):
            return reached
        further = range(reached + 2, STEPS)
        return reached + 1 + bisect_left(further, True, key=stands)

    def _best(self, mean: float, block: Vector, past: Vector, counts: Vector) -> float:
        """Largest logarithm of the capital within the block, in bets against a mean of at most ``mean``."""
        import numpy as np

        shares = self._shares(mean)[:, None]
        before = np.log1p(shares * (past / mean - 1)) @ counts
        parts = before[:, None] + np.cumsum(np.log1p(shares * (block / mean - 1)), axis=1)
        peak = float(parts.max())  # capitals may be too large for a float, their ratios to the largest are not
        return peak + math.log(float(np.exp(parts - peak).sum(axis=0).max()) / len(PARTS))

    def _shares(self, mean: float) -> Vector:
        """What is staked against ``mean``: from the least that is of use within the horizon in even ratios to the most.

        The least is for yes-or-no values, which vary most; the less values vary, the more can be staked. With
        c = a (m / (1 - m))**(b / 2), a > 0 and 0 <= b <= 1, both 1 - c and 1 - c + c / m fall as m rises, and so
        does the capital, whatever the observations.
        """
        import numpy as np

        ratio = min(1.0, self._smallest * math.sqrt(mean / (1 - mean)) / LARGEST_SHARE)
        return np.array([LARGEST_SHARE * ratio**part for part in PARTS])


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise MetricError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")
