"""Paired shares: Tango's score interval and the exact McNemar test.

Both see only the discordant pairs: ``gained`` cases that the candidate alone passes and ``lost`` cases that
the baseline alone passes, out of ``n`` pairs.
"""

from __future__ import annotations

import math

from pytest_genaiops.statistics.means import Interval
from pytest_genaiops.statistics.quantiles import two_sided_z


def tango(gained: int, lost: int, n: int, confidence: float) -> Interval:
    """Score interval of the difference of two paired shares (Tango 1998, Statistics in Medicine 17:891-908).

    Holds every difference that the score test, with its variance under that very difference, does not reject.
    It is never of zero width: without discordant pairs it is z**2 / (n + z**2) to either side.
    """
    z = two_sided_z(confidence)
    return -_upper(lost, gained, n, z), _upper(gained, lost, n, z)


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact p-value: a gain and a loss are equally likely among discordant pairs (McNemar 1947)."""
    discordant = gained + lost
    term = tail = 1
    for wins in range(min(gained, lost)):
        term = term * (discordant - wins) // (wins + 1)
        tail += term
    return min(1.0, 2 * tail / (1 << discordant))


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """Two-sided mid-p value: the observed table counts half, which is less careful and closer to the level.

    Fagerland, Lydersen and Laake 2013, *BMC Medical Research Methodology* 13:91.
    """
    discordant = gained + lost
    observed = math.comb(discordant, min(gained, lost)) / (1 << discordant)
    return 1.0 if gained == lost else mcnemar(gained, lost) - observed


def _upper(gained: int, lost: int, n: int, z: float) -> float:
    """Largest difference that the score test does not reject, by bisection."""
    inside, outside = (gained - lost) / n, 1.0
    for _ in range(200):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        if n * middle - (gained - lost) <= z * _restricted_error(gained, lost, n, middle):
            inside = middle
        else:
            outside = middle
    return outside


def _restricted_error(gained: int, lost: int, n: int, delta: float) -> float:
    """Standard deviation of gained - lost where the shares of both are fitted under a difference of ``delta``."""
    b = (2 * n - gained + lost) * delta - gained - lost
    c = -lost * delta * (1 - delta)
    only_baseline = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return math.sqrt(max(0.0, n * (2 * only_baseline + delta * (1 - delta))))
