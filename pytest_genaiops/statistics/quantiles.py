"""Normal, Student t and beta distributions, without scipy.

The t distribution goes through the regularized incomplete beta function, evaluated as a continued
fraction (Numerical Recipes, 3rd ed., 6.4, after Lentz 1976). Agrees with scipy to a relative 1e-8.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

LARGE = 1000.0
"""From this many degrees of freedom on, the normal expansion of t is more exact than the continued fraction."""


def normal_quantile(probability: float) -> float:
    """z such that a standard normal variable stays below it with the given probability, in (0, 1)."""
    return NormalDist().inv_cdf(probability)


def normal_cdf(z: float) -> float:
    """Probability that a standard normal variable stays below ``z``; relatively exact in the lower tail too."""
    return math.erfc(-z / math.sqrt(2)) / 2


def two_sided_z(confidence: float) -> float:
    """Half-width of the central normal interval of the given confidence, in standard errors."""
    return -normal_quantile((1 - confidence) / 2)


@lru_cache(maxsize=1024)
def t_quantile(probability: float, df: float) -> float:
    """t such that a Student t variable with ``df`` > 0 degrees of freedom stays below it with the given probability."""
    if probability == 0.5:
        return 0.0
    if df >= LARGE:
        return _t_from_normal(normal_quantile(probability), df)
    tail = min(probability, 1 - probability)
    low, high = 0.0, 1.0
    while t_two_sided(high, df) > 2 * tail:
        low, high = high, high * 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_two_sided(middle, df) > 2 * tail else (low, middle)
    return math.copysign((low + high) / 2, probability - 0.5)


@lru_cache(maxsize=1024)
def beta_quantile(probability: float, a: float, b: float) -> float:
    """x such that a Beta(a, b) variable, a and b above 0, stays below it with the given probability."""
    low, high = 0.0, 1.0
    while high - low > 1e-15:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        below = _incomplete_beta(middle, 1 - middle, a, b)
        low, high = (middle, high) if below < probability else (low, middle)
    return (low + high) / 2


def binomial_tail(seen: float, n: float, share: float) -> float:
    """Probability that at least ``seen`` > 0 of ``n`` draws succeed, each with this chance; neither need be whole."""
    return _incomplete_beta(share, 1 - share, seen, n - seen + 1)


def t_two_sided(t: float, df: float) -> float:
    """Probability that a Student t variable is at least as far from 0 as ``t``."""
    squared = t * t
    if math.isinf(squared):
        return 0.0
    return _incomplete_beta(df / (df + squared), squared / (df + squared), df / 2, 0.5)


def _t_from_normal(z: float, df: float) -> float:
    """Fisher-Cornish expansion (Abramowitz and Stegun 26.7.5)."""
    z2 = z * z
    terms = (
        (z2 + 1) / 4,
        ((5 * z2 + 16) * z2 + 3) / 96,
        (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384,
        ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160,
    )
    return z * (1 + math.fsum(term / df**power for power, term in enumerate(terms, start=1)))


def _incomplete_beta(x: float, complement: float, a: float, b: float) -> float:
    """I_x(a, b); ``complement`` is 1 - x, handed in because subtracting here would lose its digits."""
    if x == 0 or complement == 0:
        return 0.0 if x == 0 else 1.0
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(complement)
    front = math.exp(logarithm)
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(x, a, b) / a
    return 1 - front * _continued_fraction(complement, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    result = d
    for m in range(1, 10_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + numerator * d, tiny)
            c = _away_from_zero(1 + numerator / c, tiny)
            result *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return result


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
