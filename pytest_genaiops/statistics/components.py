"""Where the spread of a score comes from: clusters, the difficulty of cases, and noise from run to run.

Nested random effects, estimated by the analysis of variance: every mean square is set equal to its expectation
(Searle, Casella and McCulloch 1992, *Variance Components*, ch. 3 and 5, for classes of unequal size). A component
that comes out negative is set to 0.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_genaiops.columns import Columns, Total
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.records import Statistics
from pytest_genaiops.statistics.means import SAME
from pytest_genaiops.statistics.sample import Sample

LEFT_OUT = 5000
"""About how many responses of a corpus score are left out, one at a time; more of them are represented by a part."""

FEW = 30
"""Clusters that a part of the responses still comes from, where there are as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Variances of per-response values, in squared units of the score, and the design in which they were seen."""

    mean: float
    total: float
    """Of one response to a case drawn at random: the sum of the parts."""
    cluster: float
    """Shared by the cases of one cluster; 0 where no two cases share one."""
    between: float | None
    """Difficulty: what cases differ by beyond their cluster. None where no case has a second trial."""
    within: float | None
    """Noise: what trials of one case differ by. None where no case has a second trial."""
    cases: int
    responses: int
    cluster_size: float
    """Cases in a cluster, as a case sees it: sum of squared sizes over their sum; 1 where no two cases share one."""


def components(
    values: Sequence[float], cases: Sequence[Hashable], clusters: Sequence[Hashable] | None = None
) -> Components:
    """Split the variance of ``values``, one per response, of which those with one key in ``cases`` are trials.

    ``clusters`` hold whole cases. Raises MetricError where lengths differ, a value is not finite, a case lies in two
    clusters, or fewer than two cases or clusters are there to differ from each other.
    """
    if not values:
        raise MetricError("there are no values; the spread over cases needs two cases with a score")
    for row, value in enumerate(values):
        if not math.isfinite(value):
            raise MetricError(f"value {row} is {value}; leave the case unscored instead")
    owners = _owners(len(values), cases, clusters)
    noise, difficulty, shared = _estimates(values, cases, owners)
    repeated = len(values) > len(owners)
    return Components(
        mean=math.fsum(values) / len(values),
        total=noise + difficulty + shared,
        cluster=shared,
        between=difficulty if repeated else None,
        within=noise if repeated else None,
        cases=len(owners),
        responses=len(values),
        cluster_size=_cluster_size(owners),
    )


def split(sample: Sample, cases: Sequence[Hashable]) -> Components:
    """Components of a score: of its values where it is their mean, else of jackknife pseudo-values.

    ``cases`` names the case of each row; clusters are those of the sample. Raises MetricError as
    :func:`components` and :func:`pseudo_values` do.
    """
    return _split(len(sample), cases, sample.clusters, (sample,))


def split_change(candidate: Sample, baseline: Sample, cases: Sequence[Hashable]) -> Components:
    """Components of candidate minus baseline, whose rows are the same trials of the same cases in one order.

    ``between`` is then what the change differs by from case to case, and ``within`` the noise of both sides.
    Raises MetricError for samples of different length, scale or kind, and as :func:`split` does.
    """
    if len(candidate) != len(baseline):
        raise MetricError(f"a change needs the same rows on both sides, not {len(candidate)} and {len(baseline)}")
    if (candidate.is_mean, candidate.scale) != (baseline.is_mean, baseline.scale):
        raise MetricError("a change needs two samples of one metric; these differ in scale or kind")
    return _split(len(candidate), cases, candidate.clusters, (candidate, baseline))


def pseudo_values(sample: Sample, rows: Sequence[int] | None = None) -> array[float]:
    """What each response (at ``rows``, or all) contributes to the score, so that the mean of all is about the score.

    The values themselves where the score is their mean; else n * score - (n - 1) * score without the response
    (Quenouille 1956; Tukey 1958), from summed statistics. Raises MetricError where the score without one
    response, or the score itself, is undefined.
    """
    n = len(sample)
    chosen = range(n) if rows is None else rows
    if sample.is_mean:
        return array("d", map(sample.values.__getitem__, chosen))
    given = sample.statistics
    total = (given if isinstance(given, Columns) else Columns(given)).total()
    whole = _defined(sample, total, n, "the score")
    if n < 2:
        return array("d", [whole] * len(chosen))
    known: dict[Hashable, float] = {}
    found = array("d")
    for row in chosen:
        key = _key(given[row])
        if key not in known:
            without = _defined(sample, _less(total, given[row]), n - 1, f"the score without row {row}")
            known[key] = n * whole - (n - 1) * without
        found.append(known[key])
    return found


def _split(
    n: int, cases: Sequence[Hashable], clusters: Sequence[Hashable] | None, sides: tuple[Sample, ...]
) -> Components:
    owners = _owners(n, cases, clusters)
    rows: Sequence[int] = range(n)
    if n > LEFT_OUT and not sides[0].is_mean:
        kept = _part(owners, math.ceil(n / LEFT_OUT))
        rows = [row for row in rows if cases[row] in kept]
    values, *others = (pseudo_values(side, rows) for side in sides)
    for theirs in others:
        values = array("d", map(operator.sub, values, theirs))
    found = components(values, *([keys[row] for row in rows] for keys in (cases, clusters) if keys is not None))
    return replace(found, cases=len(owners), responses=n, cluster_size=_cluster_size(owners))


def _owners(rows: int, cases: Sequence[Hashable], clusters: Sequence[Hashable] | None) -> dict[Hashable, Hashable]:
    """Case -> its cluster; all under one key where no two cases share a cluster."""
    if len(cases) != rows or (clusters is not None and len(clusters) != rows):
        sizes = f"{rows} values, {len(cases)} cases" + ("" if clusters is None else f", {len(clusters)} clusters")
        raise MetricError(f"a spread needs sequences of one length, not {sizes}")
    owners: dict[Hashable, Hashable] = {}
    for case, cluster in zip(cases, cases if clusters is None else clusters, strict=True):
        if owners.setdefault(case, cluster) != cluster:
            raise MetricError(f"case {case!r} lies in the clusters {owners[case]!r} and {cluster!r}; give it one")
    if len(owners) < 2:
        raise MetricError("all values belong to one case; the spread over cases needs two of them")
    distinct = len(set(owners.values()))
    if distinct == 1:
        raise MetricError("all cases share one cluster; the spread over clusters needs two of them")
    return dict.fromkeys(owners) if distinct == len(owners) else owners


def _cluster_size(owners: Mapping[Hashable, Hashable]) -> float:
    sizes = Counter(owners.values())
    return sum(size * size for size in sizes.values()) / len(owners) if len(sizes) > 1 else 1.0


def _estimates(
    values: Sequence[float], cases: Sequence[Hashable], owners: Mapping[Hashable, Hashable]
) -> tuple[float, float, float]:
    """Variances within cases, between cases of a cluster, and between clusters, by the method of moments."""
    n, case, cluster = len(values), _Means(values, cases), _Means(values, [owners[key] for key in cases])
    mean, owner = math.fsum(values) / n, {key: owners[key] for key in case.sizes}
    noise = difficulty = shared = 0.0
    if n > len(case.sizes):
        squares = math.fsum((value - case.means[key]) ** 2 for key, value in zip(cases, values, strict=True))
        noise = squares / (n - len(case.sizes))
    nested = sum(size * size / cluster.sizes[owner[key]] for key, size in case.sizes.items())
    squares = math.fsum(size * (case.means[key] - cluster.means[owner[key]]) ** 2 for key, size in case.sizes.items())
    degrees = len(case.sizes) - len(cluster.sizes)
    difficulty = max(0.0, squares / degrees - noise) * degrees / (n - nested)
    degrees = len(cluster.sizes) - 1
    if degrees:
        squares = math.fsum(size * (cluster.means[key] - mean) ** 2 for key, size in cluster.sizes.items())
        expected = noise + difficulty * (nested - sum(size * size for size in case.sizes.values()) / n) / degrees
        weight = (n - sum(size * size for size in cluster.sizes.values()) / n) / degrees
        shared = max(0.0, squares / degrees - expected) / weight
    rounding = (SAME * max(map(abs, values))) ** 2
    noise, difficulty, shared = (part if part > rounding else 0.0 for part in (noise, difficulty, shared))
    return noise, difficulty, shared


class _Means:
    """Sizes and means of the groups of some values."""

    __slots__ = ("means", "sizes")

    def __init__(self, values: Sequence[float], keys: Sequence[Hashable]) -> None:
        groups: dict[Hashable, list[float]] = {}
        for key, value in zip(keys, values, strict=True):
            groups.setdefault(key, []).append(value)
        self.sizes = {key: len(group) for key, group in groups.items()}
        self.means = {key: math.fsum(group) / len(group) for key, group in groups.items()}


def _part(owners: Mapping[Hashable, Hashable], step: int) -> set[Hashable]:
    """Every ``step``-th case: whole clusters are passed over while few are not left, then cases of those kept."""
    groups: dict[Hashable, list[Hashable]] = {}
    for case, owner in owners.items():
        groups.setdefault(owner, []).append(case)
    skip = min(step, max(1, len(groups) // FEW))
    inside = math.ceil(step / skip)
    kept: set[Hashable] = set()
    for group in list(groups.values())[::skip]:
        kept.update(group[::inside])
    return kept


def _defined(sample: Sample, total: Total, n: int, what: str) -> float:
    try:
        return sample.score(total, n)
    except UnscorableError as error:
        raise MetricError(f"{what} is undefined ({error}), so its spread is unknown; add cases of that kind") from None


def _less(total: Total, row: Statistics) -> Total:
    """The sum without one row; keys that it alone had are gone, as if it had never been added."""
    if isinstance(total, Mapping):
        assert isinstance(row, Mapping)
        left = {key: number - row.get(key, 0) for key, number in total.items()}
        return {key: number for key, number in left.items() if number}
    assert isinstance(row, tuple)
    return tuple(sum_ - number for sum_, number in zip(total, row, strict=True))


def _key(row: Statistics) -> Hashable:
    return frozenset(row.items()) if isinstance(row, Mapping) else row
