"""How many cases a decision needs, and what a given number of cases can tell.

Normal approximation: a two-sided interval of the given confidence excludes a value that lies
``(z(confidence) + z(power))`` standard errors from the truth with the given power (Chow, Shao and Wang,
*Sample Size Calculations in Clinical Research*, ch. 3).
"""

from __future__ import annotations

import math

from pytest_genaiops.statistics.quantiles import normal_quantile, two_sided_z


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
