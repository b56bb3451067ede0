"""How well one number orders cases as another does: AUROC, Spearman's rho and Kendall's tau-b, with intervals.

- AUROC: the chance that a good case gets a higher value than a bad one, ties counting half. Its variance is that of
  DeLong, DeLong and Clarke-Pearson (1988, *Biometrics* 44); with clusters that of Obuchowski (1997, *Biometrics* 53),
  in which the cases of a cluster add up before they are squared. The interval is made on the logit scale (Pepe 2003).
- Rank correlations: Fisher's z with the jackknife's standard error over cases or clusters, ranks being made anew
  without each; Student t.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.statistics.means import unseen
from pytest_genaiops.statistics.quantiles import t_quantile, two_sided_z
from pytest_genaiops.statistics.raters import Figure
from pytest_genaiops.statistics.sample import check_settings, grouping

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

AT_ONCE = 1 << 20
"""Pairs of cases that are held in memory at a time."""


def auroc(
    values: Sequence[float],
    good: Sequence[bool],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Figure:
    """Area under the ROC curve of values that are higher for good cases; scale 0 to 1.

    Raises MetricError where lengths differ, and UnscorableError where all cases are good, or none is.
    """
    import numpy as np

    _check(values, good, confidence)
    found, is_good = np.asarray(values, dtype=np.float64), np.asarray(good, dtype=np.bool_)
    m, n = int(is_good.sum()), int((~is_good).sum())
    if not m or not n:
        raise UnscorableError(f"all {m + n} cases are {'good' if m else 'bad'}, so that nothing can be told apart")
    below = np.sort(found[~is_good])
    above = np.sort(found[is_good])
    # Of every good case the share of bad ones below it, and of every bad case that of good ones above it.
    of_good = _below(below, found[is_good]) / n
    of_bad = 1 - _below(above, found[~is_good]) / m
    area = float(of_good.mean())
    groups = grouping(clusters)
    if groups is None:
        variance = (of_good.var(ddof=1) / m if m > 1 else 0.0) + (of_bad.var(ddof=1) / n if n > 1 else 0.0)
        units = min(m, n)
    else:
        parts = np.zeros(len(found))
        parts[is_good], parts[~is_good] = (of_good - area) / m, (of_bad - area) / n
        sums = np.bincount(groups, weights=parts)
        variance = float((sums**2).sum()) * len(sums) / max(1, len(sums) - 1)
        units = min(
            len({g for g, each in zip(groups, good, strict=True) if bool(each) is kind}) for kind in (True, False)
        )
    return Figure(value=area, interval=_on_logit(area, float(variance), units, confidence), n=m + n)


def spearman(
    x: Sequence[float], y: Sequence[float], *, clusters: Sequence[Hashable] | None = None, confidence: float = 0.95
) -> Figure:
    """Spearman's rank correlation, with mean ranks for ties; scale -1 to 1.

    Raises MetricError where lengths differ, and UnscorableError where one of the two is the same for every case.
    """
    return _correlation(x, y, _spearman, clusters, confidence)


def kendall(
    x: Sequence[float], y: Sequence[float], *, clusters: Sequence[Hashable] | None = None, confidence: float = 0.95
) -> Figure:
    """Kendall's tau-b, which allows for ties; scale -1 to 1. Raises as :func:`spearman` does."""
    return _correlation(x, y, _kendall, clusters, confidence)


def _below(ordered: Any, values: Any) -> Any:
    """How many of the ordered values lie below each value, equal ones counting half."""
    import numpy as np

    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2


def _on_logit(area: float, variance: float, units: int, confidence: float) -> tuple[float, float]:
    if variance <= 0 or not 0 < area < 1:
        return unseen(area, units, confidence, (0.0, 1.0))
    center, reach = math.log(area / (1 - area)), two_sided_z(confidence) * math.sqrt(variance) / (area * (1 - area))
    low, high = (1 / (1 + math.exp(-max(-700.0, center + sign * reach))) for sign in (-1, 1))
    return low, high


Correlation = Callable[[Any, Any, Any], tuple[float, "Vector"]]
"""Of two columns, and without each of the groups that a third one numbers."""


def _correlation(
    x: Sequence[float], y: Sequence[float], of: Correlation, clusters: Sequence[Hashable] | None, confidence: float
) -> Figure:
    import numpy as np

    _check(x, y, confidence)
    for column in (x, y):
        if len(set(column)) < 2:
            raise UnscorableError("one of the two is the same for every case, so that nothing can be in its order")
    groups = np.asarray(grouping(clusters) or range(len(x)))
    value, without = of(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), groups)
    value = max(-1.0, min(1.0, value))
    units = len(without)
    if units < 3 or abs(value) > 1 - 1e-12:
        return Figure(value=value, interval=unseen(value, units, confidence, (-1.0, 1.0)), n=len(x))
    turned = np.arctanh(np.clip(np.nan_to_num(without), -1 + 1e-12, 1 - 1e-12))
    error = math.sqrt(float(((turned - turned.mean()) ** 2).sum()) * (units - 1) / units)
    reach = t_quantile((1 + confidence) / 2, units - 1) * error
    low, high = (math.tanh(math.atanh(value) + sign * reach) for sign in (-1, 1))
    return Figure(value=value, interval=(low, high), n=len(x))


def _spearman(x: Any, y: Any, groups: Any) -> tuple[float, Vector]:
    import numpy as np

    ranks = [_below(np.sort(column), column) for column in (x, y)]
    whole = float(np.corrcoef(*ranks)[0, 1])
    found = []
    for some in _blocks(groups, len(x)):
        left = groups[:, None] != some[None, :]
        # A case that is left out takes 1 off the rank of every case above it, and a half off that of its equals.
        a, b = (rank[:, None] - _steps(column, groups, some) for rank, column in zip(ranks, (x, y), strict=True))
        found.append(_pearson(a, b, left))
    return whole, np.concatenate(found)


def _steps(column: Any, groups: Any, some: Any) -> Any:
    """Of every case and group, by how much the case's rank shrinks without the group."""
    import numpy as np

    return np.stack([_below(np.sort(column[groups == group]), column) for group in some], axis=1)


def _pearson(a: Any, b: Any, left: Any) -> Any:
    """Correlation of each column of two matrices, over the rows that are left in it."""
    import numpy as np

    n = left.sum(axis=0)
    a, b = (np.where(left, each - (each * left).sum(axis=0) / n, 0.0) for each in (a, b))
    spread = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    return np.divide((a * b).sum(axis=0), spread, out=np.zeros_like(spread), where=spread > 0)


def _kendall(x: Any, y: Any, groups: Any) -> tuple[float, Vector]:
    import numpy as np

    count = int(groups.max()) + 1
    whole, touched = np.zeros(3), np.zeros((3, count))
    for rows in _rows(len(x)):
        signs = np.sign(x[rows, None] - x[None, :]), np.sign(y[rows, None] - y[None, :])
        within = groups[rows, None] == groups[None, :]
        for which, pairs in enumerate((signs[0] * signs[1], np.abs(signs[0]), np.abs(signs[1]))):
            whole[which] += pairs.sum()
            # A pair within a group is counted from both its ends and goes once.
            lost = 2 * pairs.sum(axis=1) - (pairs * within).sum(axis=1)
            touched[which] += np.bincount(groups[rows], weights=lost, minlength=count)
    return float(_tau(whole[:, None])[0]), _tau(whole[:, None] - touched)


def _tau(sums: Any) -> Any:
    """From concordant minus discordant pairs, and the pairs that are not tied in each of the two."""
    import numpy as np

    spread = np.sqrt(np.maximum(sums[1] * sums[2], 0.0))
    return np.divide(sums[0], spread, out=np.zeros_like(spread), where=spread > 0)


def _blocks(groups: Any, n: int) -> Iterator[Any]:
    import numpy as np

    return iter(np.array_split(np.arange(int(groups.max()) + 1), 1 + int(groups.max()) * n // AT_ONCE))


def _rows(n: int) -> Iterator[slice]:
    step = max(1, AT_ONCE // n)
    return (slice(start, start + step) for start in range(0, n, step))


def _check(x: Sequence[object], y: Sequence[object], confidence: float) -> None:
    check_settings(confidence, 100)
    if len(x) != len(y) or not x:
        raise MetricError(f"two columns of one length are compared, not of {len(x)} and {len(y)} cases")
