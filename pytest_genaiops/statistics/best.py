"""Which of many scores may be the best: for each, a test that no other one is better.

The test of one item looks at the largest studentized lead that any other item has over it. Its critical value comes
from the joint law of all those leads: normal with the covariance that the cases show, which is what a multiplier
bootstrap with normal weights draws from (Chernozhukov, Chetverikov and Kato 2013, *Annals of Statistics* 41:2786-2819),
over a common chi, as the variances are estimated from few cases or clusters.

The means of the leads are not known. Were all of them 0, the least favourable case, an item that is clearly worse
than the tested one could still lead over it by chance, and the critical value of the few that matter would grow with
the number of those that do not. So there are two steps (Romano, Shaikh and Wolf 2014, *Econometrica* 82:1979-2002): a
``FIRST_STEP`` part of the error is spent on upper bounds that hold for all true leads at once (Bonferroni's), and the
law takes the leads to be no larger than these bounds allow. Nothing is dropped that might be better, and the error is
kept whatever the true scores are.

Items that are not rejected hold the best one with the confidence asked for, and each of those that tie for it
(Mogstad, Romano, Shaikh and Wilhelm 2024, *Inference for Ranks with Applications to Mobility across Neighbourhoods and
Academic Achievement across Countries*, Review of Economic Studies 91:476-518; a model confidence set, Hansen, Lunde and
Nason 2011, *Econometrica* 79:453-497, asks the same question of all items at once).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.statistics.bounds import FEW
from pytest_genaiops.statistics.contrasts import Panel
from pytest_genaiops.statistics.intervals import SEED
from pytest_genaiops.statistics.quantiles import t_quantile, t_two_sided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]
    Vector: TypeAlias = NDArray[np.float64]

DRAWS = 5000
FIRST_STEP = 0.02
"""Share of the error that goes into the bounds of the leads: little, for those that matter are far beyond them."""


def none_better(panel: Panel, *, higher_is_better: bool, confidence: float = 0.95, seed: int = SEED) -> list[float]:
    """For each score of the panel, the p-value of the hypothesis that no other one is better; 1 for the one ahead.

    Those above 1 - confidence are the confidence set; it is for this confidence that the first step is made. Two scores
    of which fewer than ``FEW`` cases (or clusters) differ are a tie, whatever they lead by: those few tell
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
            studentized = (drawn[spread] - drawn[item]) / errors[spread, None]
            found[item] = _tested(leads[spread] / errors[spread], studentized, panel.freedom, 1 - confidence)
        # A lead that every case confirms alike has no standard error; a sign test tells of it.
        if (told & ~spread & (leads > 0)).any():
            found[item] = min(found[item], (size - 1) * 0.5**panel.units)
    return found


def _tested(leads: Vector, drawn: Matrix, freedom: float, error: float) -> float:
    """The p-value of the largest of some studentized leads, beside draws of their errors.

    Where Bonferroni's bound is smaller than a share of the draws can be, the bound. Where the least favourable case
    gives no more than the first step may cost, what it gives: the second step would reject as well.
    """
    import numpy as np

    observed, cost = float(leads.max()), FIRST_STEP * error
    bound = len(leads) * t_two_sided(observed, freedom) / 2
    if bound * (DRAWS + 1) < 1:
        return bound
    if (least_favourable := _share(drawn.max(axis=0), observed)) <= cost:
        return least_favourable
    at_most = np.minimum(leads + t_quantile(1 - cost / len(leads), freedom), 0.0)
    return min(1.0, _share((drawn + at_most[:, None]).max(axis=0), observed) + cost)


def _share(drawn: Vector, observed: float) -> float:
    """How many draws reach what was observed, itself among them (Phipson and Smyth 2010)."""
    import numpy as np

    return (1 + int(np.count_nonzero(drawn >= observed))) / (DRAWS + 1)


def _draws(covariance: Matrix, freedom: float, seed: int) -> Matrix:
    """Errors of the scores drawn from a multivariate t law: one row a score, one column a draw."""
    import numpy as np

    generator = np.random.default_rng(seed)
    variances, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(variances, 0.0))
    normal = factor @ generator.standard_normal((len(covariance), DRAWS))
    found: Matrix = normal / np.sqrt(generator.chisquare(freedom, DRAWS) / freedom)
    return found
