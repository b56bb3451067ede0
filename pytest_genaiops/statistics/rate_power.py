"""Exact power of decisions about shares of cases, and the best that any number of cases can show.

The normal approximation promises too much where failures, or discordant pairs, are few: it needs no more than 149
cases to tell a share of 0.95 from 0.90 in 80 % of runs, and these succeed in 53 %. So binomial chances are added up.
"""

from __future__ import annotations

import math

from pytest_genaiops.statistics.quantiles import two_sided_z

NEGLIGIBLE = 1e-9
"""Chance of an outcome (of one count of losses) below which it is taken as never seen, on the cautious side."""


def rate_power(n: int, confidence: float, share: float, threshold: float) -> float:
    """Chance that the exact lower bound of a share, seen in ``n`` independent cases, reaches ``threshold``.

    The bound (Clopper and Pearson 1934) reaches it where so many successes, or more, have a chance of at most
    half of 1 - ``confidence`` under the threshold itself.
    """
    if threshold <= 0:
        return 1.0
    low, high = 0, n + 1
    while low < high:
        middle = (low + high) // 2
        if binomial_tail(middle, n, threshold) <= (1 - confidence) / 2:
            high = middle
        else:
            low = middle + 1
    return binomial_tail(low, n, share)


def paired_rate_power(n: int, confidence: float, discordant: float, margin: float) -> float:
    """Chance that Tango's interval of an unchanged share lies above -``margin``, after ``n`` independent pairs.

    ``discordant`` is the share of pairs of which one side alone succeeds, gains and losses being equally likely.
    """
    one_sided, z = min(discordant, 1.0) / 2, two_sided_z(confidence)
    chance, enough = 0.0, 0
    for lost in range(n + 1):
        likely = _mass(lost, n, one_sided)
        if likely < NEGLIGIBLE:
            if lost > n * one_sided:
                break
            continue
        # One more loss takes at least as many gains to make up for it: the search goes on where it stood.
        while enough <= n - lost and not _excluded(enough, lost, n, margin, z):
            enough += 1
        chance += likely * binomial_tail(enough, n - lost, one_sided / (1 - one_sided))
    return chance


def best_lower_bound(n: int, confidence: float) -> float:
    """The highest share that ``n`` cases can prove: the exact lower bound when all of them are right."""
    return ((1 - confidence) / 2) ** (1 / n) if n > 0 else 0.0


def cases_for_lower_bound(share: float, confidence: float) -> int | None:
    """Fewest cases that prove a share when all of them are right; None for a share of 1, which no number proves."""
    if share >= 1:
        return None
    n = max(1, math.floor(math.log((1 - confidence) / 2) / math.log(share))) if share > 0 else 1
    return n if best_lower_bound(n, confidence) >= share else n + 1


def best_margin(n: int, confidence: float) -> float:
    """The loss that ``n`` pairs cannot exclude when all of them agree: the reach of Tango's interval.

    A candidate that gains cases can prove a narrower margin; one that changes nothing cannot.
    """
    squared = two_sided_z(confidence) ** 2
    return squared / (n + squared)


def cases_for_margin(margin: float, confidence: float) -> int | None:
    """Fewest agreeing pairs that exclude a loss of ``margin``; None for a margin of 0, which no number excludes."""
    reach = two_sided_z(confidence) ** 2 * (1 / margin - 1) if margin > 0 else math.inf
    if math.isinf(reach):
        return None
    n = max(1, math.floor(reach))
    return n if best_margin(n, confidence) < margin else n + 1


def binomial_tail(least: int, n: int, share: float) -> float:
    """Chance of at least ``least`` successes in ``n`` trials of success rate ``share``."""
    if least <= 0:
        return 1.0
    if least > n or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    if least <= n * share:
        return 1.0 - binomial_tail(n - least + 1, n, 1 - share)
    term = total = _mass(least, n, share)
    odds = share / (1 - share)
    for successes in range(least, n):
        term *= (n - successes) / (successes + 1) * odds
        total += term
        if term <= 1e-17 * total:
            break
    return min(1.0, total)


def _excluded(gained: int, lost: int, n: int, margin: float, z: float) -> bool:
    """Whether Tango's interval lies above -``margin``: his score test at that very loss, without a search for bounds.

    ``gain`` is the share of pairs that the candidate alone passes, fitted under the loss (Tango 1998).
    """
    if margin >= 1:
        return True
    b = gained + lost - margin * (2 * n - lost + gained)
    root = math.sqrt(max(0.0, b * b + 8 * n * gained * margin * (1 - margin)))
    gain = (b + root) / (4 * n)
    return gained - lost + n * margin > z * math.sqrt(max(0.0, n * (2 * gain + margin * (1 - margin))))


def _mass(successes: int, n: int, share: float) -> float:
    """Chance of exactly so many successes in ``n`` trials."""
    if not 0 < share < 1:
        return float(successes == n * share)
    ways = math.lgamma(n + 1) - math.lgamma(successes + 1) - math.lgamma(n - successes + 1)
    return math.exp(ways + successes * math.log(share) + (n - successes) * math.log1p(-share))
