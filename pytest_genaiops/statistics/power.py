"""How many cases a decision needs, and what a given number of cases and trials can tell.

A two-sided interval of the given confidence excludes a value that lies ``z(confidence) + z(power)`` standard errors
from the truth with the given power (Chow, Shao and Wang, *Sample Size Calculations in Clinical Research*, ch. 3). A
plan adds the cases that Student t costs (Guenther 1981, *The American Statistician* 35) and counts shares exactly. It
knows variances only: one mean of values that lean to an end of their scale needs more, which
:mod:`~pytest_genaiops.statistics.simulated_power` finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from operator import sub
from statistics import NormalDist
from typing import Literal, TypeAlias

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.components import Components, split, split_change
from pytest_genaiops.statistics.differing import Differing, Tossed, between_runs, off_the_most_common
from pytest_genaiops.statistics.quantiles import normal_quantile, t_quantile, two_sided_z
from pytest_genaiops.statistics.rate_power import binomial_tail, paired_rate_power, rate_power
from pytest_genaiops.statistics.sample import Sample, is_rate

POWERS = (0.8, 0.9)
TRIALS = (1, 2, 3, 5, 10)

ENOUGH_DISCORDANT = 200
"""Expected discordant pairs beyond which the normal approximation is within half a point of power."""

FEW = 8
"""Changed cases up to which the spread over cases with trials counts as hardly known; found by simulation."""

MOST_CASES = 10_000_000
"""Plans end here: nobody will run more."""

Basis: TypeAlias = Literal["trials", "one trial", "reruns", "bound"]
"""What a spread was told from, and so what it is worth.

``trials``: measured, noise apart from difficulty. ``one trial``: measured, but nothing tells what more trials would
buy. ``reruns``: the noise of one system's trials, as if the other system changed no case for good; a real change
needs more. ``bound``: one system, one trial: twice its variance, more than two systems that share any difficulty.
"""


Kind: TypeAlias = Literal["mean", "share", "paired share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Variance that a case adds to an estimate: ``stable + noise / k`` with k trials, in squared units of the score."""

    stable: float
    noise: float
    basis: Basis
    width: float = math.inf
    """Of the score's scale."""
    cluster_size: float = 1.0
    kind: Kind = "mean"
    share: float = 0.0
    """Of cases at the better end of the scale, where the score is a share."""
    differing: Differing | None = None
    """Cases that differ at all, where bounds trust the spread of a mean only if enough of them do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a power asks for."""

    power: float
    n: int | None
    """Cases after which the margin is decided with this power; None where ``MOST_CASES`` would not do."""
    calls: int | None
    """Cases times trials."""
    detectable: float | None
    """Smallest margin that the present cases decide with this power; None where not even the whole scale is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a number of trials per case buys."""

    trials: int
    standard_error: float
    """At the present number of cases."""
    power: float
    """Chance that the present cases decide the margin."""
    needs: tuple[Need, ...]
    """One for each of ``POWERS``."""
    equal_cost_n: int
    """Cases that the calls of the present plan pay for with so many trials."""
    equal_cost_power: float
    """Chance that these decide the margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Power of one decision: by the present cases and trials, and by other numbers of trials."""

    n: int
    trials: int
    margin: float
    confidence: float
    basis: Basis
    present: Outlook
    options: tuple[Outlook, ...]
    """One for each of ``TRIALS``; empty where noise was not told from difficulty."""


def required_n(standard_error: float, n: int, effect: float, confidence: float, power: float = 0.8) -> int | None:
    """Cases after which the interval would exclude a value that lies ``effect`` away, with the given power.

    ``standard_error`` is what ``n`` cases gave; it is taken to shrink with the square root of their number.
    None where no number would do: an effect of zero, or a spread that is not known.
    """
    if n < 1 or effect == 0 or not (math.isfinite(standard_error) and math.isfinite(effect)):
        return None
    ratio = detectable(standard_error, confidence, power) / abs(effect)
    needed = n * ratio * ratio
    return max(2, math.ceil(needed)) if math.isfinite(needed) else None


def agreeing_n(reach: float, n: int, effect: float) -> int | None:
    """Cases after which the interval would exclude a value ``effect`` away if no case differed from the others.

    For samples without any spread, whose interval reaches ``reach`` from the value after ``n`` cases and
    shrinks in proportion to 1 / n. None where no number would do, or a single case is all there is.
    """
    if n < 2 or effect == 0 or not (math.isfinite(reach) and math.isfinite(effect)):
        return None
    return max(2, math.ceil(n * reach / abs(effect)))


def detectable(standard_error: float, confidence: float, power: float = 0.8) -> float:
    """Smallest true difference that this standard error lets an interval exclude, with the given power."""
    return (two_sided_z(confidence) + normal_quantile(power)) * standard_error


def spread_of_score(sample: Sample, cases: Sequence[Hashable], *, higher_is_better: bool = True) -> Spread:
    """Spread of one score, for ``at_least`` and its like; ``cases`` names the case of each row of the sample.

    Raises MetricError where cases cannot be told apart; see :func:`~pytest_genaiops.statistics.components.split`.
    """
    found, (low, high) = split(sample, cases), sample.scale
    basis: Basis = "one trial" if found.within is None else "trials"
    if not is_rate(sample):
        return _of_mean(_spread(found, basis, sample), sample, lambda: off_the_most_common(sample.values, cases))
    share = (found.mean - low) / (high - low)
    return replace(_spread(found, basis, sample), kind="share", share=share if higher_is_better else 1 - share)


def spread_of_change(candidate: Sample, baseline: Sample, cases: Sequence[Hashable]) -> Spread:
    """Spread of the paired difference of two systems that both were run, for ``not_worse_than``."""
    found = split_change(candidate, baseline, cases)
    spread = _spread(found, "one trial" if found.within is None else "trials", candidate)
    if is_rate(candidate) and is_rate(baseline):
        return replace(spread, kind="paired share")
    changes = [*map(sub, candidate.values, baseline.values)]
    return _of_mean(spread, candidate, lambda: off_the_most_common(changes, cases))


def spread_of_rerun(sample: Sample, cases: Sequence[Hashable]) -> Spread:
    """Spread of the paired difference of two systems, where one was run: difficulty cancels, noise counts twice.

    What another system changes from case to case is unknown, and taken to be nothing. Without a second trial of any
    case noise cannot be told from difficulty, and twice the whole variance is a bound.
    """
    found = split(sample, cases)
    spread = _spread(found, "bound" if found.within is None else "reruns", sample)
    stable = 2 * spread.stable if found.within is None else 0.0
    spread = replace(spread, stable=stable, noise=2 * spread.noise)
    if is_rate(sample):
        return replace(spread, kind="paired share")
    return _of_mean(spread, sample, lambda: between_runs(sample.values, cases))


def plan(spread: Spread, *, n: int, trials: int = 1, margin: float, confidence: float = 0.95) -> Plan:
    """What ``n`` cases with ``trials`` each can tell about a margin, and what would be needed.

    The power is that of a pass: the chance that the interval excludes a value ``margin`` worse than the truth. For
    one score the truth is the value seen; for a paired difference it is no change. Raises MetricError for fewer than
    two cases, no trial, a margin that is not above 0, or a confidence outside (0, 1).
    """
    _check(n, trials, margin, confidence)
    aim = _Aim(spread=spread, margin=margin, confidence=confidence)
    told = spread.basis in ("trials", "reruns")
    return Plan(
        n=n,
        trials=trials,
        margin=margin,
        confidence=confidence,
        basis=spread.basis,
        present=_outlook(aim, trials, n, n * trials),
        options=tuple(_outlook(aim, k, n, n * trials) for k in TRIALS) if told else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Aim:
    """A margin that a spread stands in the way of."""

    spread: Spread
    margin: float
    confidence: float

    def variance(self, trials: int) -> float:
        return self.spread.stable + self.spread.noise / trials

    def power(self, n: int, trials: int, margin: float) -> float:
        """Chance that ``n`` cases decide a margin."""
        spread, variance, relative = self.spread, self.variance(trials), margin / self.spread.width
        if spread.kind == "share":
            return rate_power(*self._effective(n, trials), spread.share, spread.share - relative)
        close = self._approximately(n, variance, margin)
        if spread.kind == "paired share" and spread.cluster_size == 1:
            # With trials a case is worth as many pairs as lessen the variance as much.
            discordant = self.variance(1) / spread.width**2
            pairs = int(n * self.variance(1) / variance) if variance else n
            if pairs * discordant <= ENOUGH_DISCORDANT:
                counted = paired_rate_power(pairs, self.confidence, discordant, relative)
                return counted if trials == 1 else min(counted, self._over_cases(n, trials, margin, _as_few(spread)))
        if spread.differing is not None:
            return self._over_cases(n, trials, margin, spread.differing)
        return close

    def _over_cases(self, n: int, trials: int, margin: float, differing: Differing) -> float:
        """Power of the bounds of a mean over cases, which trust a spread only where enough cases (clusters) differ."""
        size, variance = self.spread.cluster_size, self.variance(trials)
        enough = binomial_tail(FEW, int(n / size), 1 - (1 - differing.share(trials)) ** size)
        reach, error = 1.1 * self._unseen(n) * self.spread.width, math.sqrt(variance / n)
        few = NormalDist().cdf((margin - reach) / error) if error else float(reach < margin)
        close = self._approximately(n, variance, margin)
        return enough * close + (1 - enough) * min(few, close)

    def _approximately(self, n: int, variance: float, margin: float) -> float:
        """Power of Student t, or of the rule of three where nothing varies."""
        if variance == 0:
            return float(self._unseen(n) < margin / self.spread.width)
        z = two_sided_z(self.confidence)
        left = n - self.spread.cluster_size * z * z / 2
        return NormalDist().cdf(margin * math.sqrt(left / variance) - z) if left > 0 else 0.0

    def _unseen(self, n: int) -> float:
        """Share of cases that may differ although none did: the reach of an interval without any spread."""
        return 1 - math.pow((1 - self.confidence) / 2, self.spread.cluster_size / n)

    def alone(self, trials: int) -> bool:
        """Whether every response counts by itself: one trial, and no clusters."""
        return trials == 1 and self.spread.cluster_size == 1

    def weight(self, trials: int) -> float:
        """Independent cases that a case of a share is worth: less than one in a cluster, more with trials."""
        binomial = self.spread.share * (1 - self.spread.share) * self.spread.width**2
        if self.alone(trials) or not (binomial and self.variance(trials)):
            return 1 / self.spread.cluster_size
        return min(float(trials), binomial / self.variance(trials))

    def _effective(self, n: int, trials: int) -> tuple[int, float]:
        """Effective cases of a share, and the confidence of a normal interval as wide as that of t over clusters."""
        units = n / self.spread.cluster_size
        if self.alone(trials):
            return n, self.confidence
        t = t_quantile((1 + self.confidence) / 2, units - 1) if units > 1 else math.inf
        return int(n * self.weight(trials)), 2 * NormalDist().cdf(t) - 1


def _as_few(spread: Spread) -> Tossed:
    """As few cases as can make up the variance of a paired share: each changes over the whole scale, or is tossed."""
    return Tossed(for_good=spread.stable / spread.width**2, tossed=2 * spread.noise / spread.width**2)


def _outlook(aim: _Aim, trials: int, n: int, calls: int) -> Outlook:
    affordable = calls // trials
    return Outlook(
        trials=trials,
        standard_error=math.sqrt(aim.variance(trials) / n),
        power=aim.power(n, trials, aim.margin),
        needs=tuple(_need(aim, trials, n, power) for power in POWERS),
        equal_cost_n=affordable,
        equal_cost_power=aim.power(affordable, trials, aim.margin) if affordable > 1 else 0.0,
    )


def _need(aim: _Aim, trials: int, n: int, power: float) -> Need:
    needed = _cases(aim, trials, power)
    return Need(
        power=power,
        n=needed,
        calls=None if needed is None else needed * trials,
        detectable=_detectable(aim, trials, n, power),
    )


def _cases(aim: _Aim, trials: int, power: float) -> int | None:
    """Cases from which on the power is reached: by doubling, halving, and a look at what follows.

    The power of shares falls a little wherever one more case allows no more failures, so the first number that
    reaches it does not count while one of the next few falls short.
    """
    low, high = 1, 2
    while aim.power(high, trials, aim.margin) < power:
        low, high = high, 2 * high
        if high > MOST_CASES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if aim.power(middle, trials, aim.margin) < power:
            low = middle
        else:
            high = middle
    following = high
    while following < high + _tooth(aim, trials):
        following += 1
        if aim.power(following, trials, aim.margin) < power:
            high = following + 1
    return high


def _tooth(aim: _Aim, trials: int) -> int:
    """Cases between two falls of the power of a share, generously; 0 where it only rises."""
    spread, relative = aim.spread, aim.margin / aim.spread.width
    if spread.kind == "share":
        failures = 1 - max(0.0, spread.share - relative)
        return math.ceil(2 / (failures * aim.weight(trials)))
    return math.ceil(1 / relative) if spread.kind == "paired share" and spread.cluster_size == 1 else 0


def _detectable(aim: _Aim, trials: int, n: int, power: float) -> float | None:
    """Smallest margin that ``n`` cases decide with the given power, to a thousandth of itself."""
    high = aim.spread.width if math.isfinite(aim.spread.width) else aim.margin
    while aim.power(n, trials, high) < power:
        if math.isfinite(aim.spread.width) or high > aim.margin * 1e9:
            return None
        high *= 2
    low = 0.0
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if aim.power(n, trials, middle) < power else (low, middle)
    return high


def _check(n: int, trials: int, margin: float, confidence: float) -> None:
    if n < 2:
        raise MetricError(f"n is {n}; a plan needs at least 2 cases")
    if trials < 1:
        raise MetricError(f"trials is {trials}; each case needs at least 1")
    if not (math.isfinite(margin) and margin > 0):
        raise MetricError(f"margin is {margin}; a plan needs the smallest difference that matters, above 0")
    if not 0 < confidence < 1:
        raise MetricError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")


def _of_mean(spread: Spread, sample: Sample, differing: Callable[[], Differing]) -> Spread:
    """The spread of graded values: on a finite scale bounds trust it only where enough of them differ."""
    return replace(spread, differing=differing()) if sample.is_mean and math.isfinite(spread.width) else spread


def _spread(found: Components, basis: Basis, sample: Sample) -> Spread:
    noise = found.within or 0.0
    return Spread(
        stable=found.total - noise + (found.cluster_size - 1) * found.cluster,
        noise=noise,
        basis=basis,
        width=sample.scale[1] - sample.scale[0],
        cluster_size=found.cluster_size,
    )
