"""Which of many scores may be the best: for each, a test that no other one is better.

The test of one item looks at the largest studentized lead that any other item has over it. Its critical value comes
from the joint law of all those leads with their means taken to be 0, the least favourable case: normal with the
covariance that the cases show, which is what a multiplier bootstrap with normal weights draws from (Chernozhukov,
Chetverikov and Kato 2013, *Annals of Statistics* 41:2786-2819), over a common chi, as the variances are estimated from
few cases or clusters. Items that are not rejected hold the best one with the confidence asked for, and each of those
that tie for it (Mogstad, Romano, Shaikh and Wilhelm 2024, *Inference for Ranks with Applications to Mobility across
Neighbourhoods and Academic Achievement across Countries*, Review of Economic Studies 91:476-518; a model confidence
set, Hansen, Lunde and Nason 2011, *Econometrica* 79:453-497, asks the same question of all items at once).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.statistics.bounds import FEW
from pytest_genaiops.statistics.contrasts import Panel
from pytest_genaiops.statistics.intervals import SEED
from pytest_genaiops.statistics.quantiles import t_two_sided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Vector: TypeAlias = NDArray[np.float64]

DRAWS = 5000


def none_better(panel: Panel, *, higher_is_better: bool, seed: int = SEED) -> list[float]:
    """For each score of the panel, the p-value of the hypothesis that no other one is better; 1 for the one ahead.

    Two scores of which fewer than ``FEW`` cases (or clusters) differ are a tie, whatever they lead by: those few tell
    nothing of a spread.
    """
    values = panel.values if higher_is_better else -panel.values
    apart, size = panel.differing() >= FEW, len(panel.values)
    found = [1.0] * size
    if panel.units < 2:
        return found
    drawn = _draws(panel.covariance(), panel.freedom, seed)
    for item in range(size):
        leads, told = values - values[item], apart[item]
        errors = panel.errors_beside(item)
        spread = told & (errors > 0)
        if leads[spread].max(initial=0.0) > 0:
            among = leads[spread], errors[spread], drawn[spread] - drawn[item]
            found[item] = _tested(*among, panel.freedom)
        # A lead that every case confirms alike has no standard error; a sign test tells of it.
        if (told & ~spread & (leads > 0)).any():
            found[item] = min(found[item], (size - 1) * 0.5**panel.units)
    return found


def _tested(leads: Vector, errors: Vector, drawn: Matrix, freedom: float) -> float:
    """Share of the draws whose largest studentized lead reaches the observed one.

    Where Bonferroni's bound is smaller than a share of the draws can be, the bound.
    """
    import numpy as np

    observed = float((leads / errors).max())
    bound = len(leads) * t_two_sided(observed, freedom) / 2
    if bound * (DRAWS + 1) < 1:
        return bound
    largest = (drawn / errors[:, None]).max(axis=0)
    return (1 + int(np.count_nonzero(largest >= observed))) / (DRAWS + 1)


def _draws(covariance: Matrix, freedom: float, seed: int) -> Matrix:
    """Errors of the scores drawn from a multivariate t law: one row a score, one column a draw."""
    import numpy as np

    generator = np.random.default_rng(seed)
    variances, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(variances, 0.0))
    normal = factor @ generator.standard_normal((len(covariance), DRAWS))
    found: Matrix = normal / np.sqrt(generator.chisquare(freedom, DRAWS) / freedom)
    return found
