"""Whether the cases without a score look like the others.

A score over the cases that happen to be there is fair only if the missing ones are not special: a system that
times out on hard questions looks better than it is (Rubin 1976, *Inference and missing data*, Biometrika 63).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.means import SAME

DRAWS = 9999


def missing_p(missing: Sequence[float], rest: Sequence[float], *, seed: int, draws: int = DRAWS) -> float:
    """Two-sided p-value of the hypothesis that the ``missing`` cases are a random sample of all cases.

    Both sequences hold what the *other* side scored: on the cases that one side lacks, and on the rest. The
    statistic is the distance of the two means; its distribution is that of ``draws`` random choices of as many
    cases, with the observed one counted among them (Phipson and Smyth 2010). 1.0 where either side is empty or
    all values are equal. Raises MetricError for a value that is not finite.
    """
    import numpy as np

    pooled = np.array([*missing, *rest], dtype=np.float64)
    if not np.isfinite(pooled).all():
        raise MetricError("a value is not a finite number; leave the case unscored instead")
    size, few = len(pooled), len(missing)
    if not 0 < few < size or np.ptp(pooled) <= SAME * max(1.0, float(np.abs(pooled).max())):
        return 1.0
    pooled -= pooled.mean()
    observed = abs(math.fsum(pooled[:few].tolist())) * (1 - 1e-12)
    smaller = min(few, size - few)  # a choice and its complement are equally far from the middle
    generator = np.random.default_rng(seed)
    far = sum(
        abs(float(pooled[generator.choice(size, smaller, replace=False, shuffle=False)].sum())) >= observed
        for _ in range(draws)
    )
    return (far + 1) / (draws + 1)
