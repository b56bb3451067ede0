"""Tests by resampling and by re-labelling: sacrebleu's two paired tests, and sign flips for means.

- :func:`paired_bootstrap`: Koehn 2004, with the p-value of Riezler and Maxwell 2005;
- :func:`approximate_randomization`: Noreen 1989; Riezler and Maxwell 2005;
- :func:`sign_flip`: Fisher's permutation test of a mean of paired differences.

The first two draw as sacrebleu's ``PairedTest`` does and count as it does, so that at one seed the numbers are its
own (Post 2018; Clark et al. 2011, *Better hypothesis testing for statistical machine translation*). Two things are
not: sums are kept in double precision where sacrebleu's bootstrap adds in single, and systems that never differ get
a p-value of 1, where a strict count of larger differences would give the smallest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.draws import ENTRIES_AT_ONCE, choices
from pytest_genaiops.statistics.resampling import Table
from pytest_genaiops.statistics.rows import dense
from pytest_genaiops.statistics.sample import Sample, grouping

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float64]

SEED = 12345
"""sacrebleu's, unless the environment variable SACREBLEU_SEED says otherwise."""

LEAST = 100
"""Resamples, trials or flips below which a p-value is too coarse to be read."""

SAME = 1e-12
"""Sums this close, as a share of all changes together, differ by rounding alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled:
    """A score beside its bootstrap, on the metric's own scale."""

    value: float
    mean: float | None
    """Of the scores of the resamples; None where the metric was undefined on one of them."""
    half_width: float | None
    """Of the central 95 % of the scores of the resamples; None as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedBootstrap:
    """Two systems on the same resamples."""

    candidate: Resampled
    baseline: Resampled
    p_value: float
    """Two-sided, of the hypothesis that there is no difference."""


def paired_bootstrap(
    candidate: Sample, baseline: Sample, *, resamples: int = 1000, seed: int = SEED
) -> PairedBootstrap:
    """What sacrebleu's ``PairedTest(test_type="bs")`` says of two samples on the same cases in the same order.

    Where cases share a cluster, whole clusters are drawn, those of the baseline; sacrebleu knows no clusters.
    A resample on which the metric is undefined counts as one with a larger difference. Raises MetricError for
    fewer than two cases (or clusters), samples of different length, scale or kind, or fewer than 100 resamples,
    and UnscorableError where the metric is undefined on a whole sample.
    """
    return paired_bootstraps([candidate], baseline, resamples=resamples, seed=seed)[0]


def paired_bootstraps(
    candidates: Sequence[Sample], baseline: Sample, *, resamples: int = 1000, seed: int = SEED
) -> tuple[PairedBootstrap, ...]:
    """:func:`paired_bootstrap` of several candidates against one baseline, all on the same resamples."""
    import numpy as np

    groups = grouping(baseline.clusters)
    for candidate in candidates:
        _check_pair(candidate, baseline, groups)
    _check_draws("resamples", resamples)
    tables = [Table(sample, groups) for sample in (baseline, *candidates)]
    blocks = [
        np.array([table.drawn(counts) for table in tables], dtype=np.float64)  # None becomes NaN
        for counts in choices(len(tables[0].matrix), resamples, seed)
    ]
    scores = np.concatenate(blocks, axis=1)
    base, *others = [_resampled(table.value(), row) for table, row in zip(tables, scores, strict=True)]
    return tuple(
        PairedBootstrap(candidate=other, baseline=base, p_value=_shifted_p(row - scores[0], other.value - base.value))
        for other, row in zip(others, scores[1:], strict=True)
    )


def approximate_randomization(candidate: Sample, baseline: Sample, *, trials: int = 10_000, seed: int = SEED) -> float:
    """Two-sided p-value of sacrebleu's ``PairedTest(test_type="ar")``, of two samples on the same cases.

    Each trial swaps the two sides of every case (or cluster, those of the candidate) with probability one half.
    A trial on which the metric is undefined counts as one with a larger difference. Raises as
    :func:`paired_bootstrap` does, and for fewer than 100 trials.
    """
    import numpy as np

    groups = grouping(candidate.clusters)
    _check_pair(candidate, baseline, groups)
    _check_draws("trials", trials)
    table, units = _both(candidate, baseline, groups)
    value = Table(candidate, groups).value() - Table(baseline, groups).value()
    far, moved = 0, value != 0
    for picked in _coins(units, trials, seed):
        kept, cases = 1 - picked, np.full(len(picked), len(candidate))
        one, other = (
            np.array(table.scores(table.matrix.sums(np.hstack(sides)), cases), dtype=np.float64)
            for sides in ((kept, picked), (picked, kept))
        )
        far += int(np.count_nonzero(~(np.abs(one - other) <= abs(value))))
        moved = moved or not np.array_equal(one, other)
    return (far + 1) / (trials + 1) if moved else 1.0


def sign_flip(
    changes: Sequence[float], *, groups: Sequence[int] | None = None, flips: int = 10_000, seed: int = SEED
) -> float:
    """Two-sided p-value of the mean of paired differences, were the sign of each as likely the other one.

    With ``groups`` (a number from 0 for each change) all changes of a group flip together. Changes or group sums
    of zero are the same either way and are left out. All sign patterns are counted where there are no more than
    ``flips`` of them, which makes the p-value exact; otherwise ``flips`` patterns are drawn, and the observed one
    counts among them (Phipson and Smyth 2010, *Permutation p-values should never be zero*). Raises MetricError
    for no changes, one that is not finite, groups of another length, or fewer than 100 flips.
    """
    import numpy as np

    _check_draws("flips", flips)
    sums = _unit_sums(changes, groups)
    sums = sums[sums != 0]
    units = len(sums)
    if units == 0:
        return 1.0
    line = abs(math.fsum(sums.tolist())) - SAME * math.fsum(np.abs(sums).tolist())
    # Flipping the sums of a pattern is subtracting twice those that flip.
    patterns = 1 << units
    if patterns <= flips:
        return _far(_patterns(units), sums, line) / patterns
    return (_far(_coins(units, flips, seed), sums, line) + 1) / (flips + 1)


def _both(candidate: Sample, baseline: Sample, groups: Sequence[int] | None) -> tuple[Table, int]:
    """The units of one side and then those of the other, and how many a side has."""
    n = len(candidate)
    places = range(n) if groups is None else groups
    units = max(places) + 1
    together = Sample(
        statistics=[*candidate.statistics, *baseline.statistics],
        values=[*candidate.values, *baseline.values],
        score=candidate.score,
        is_mean=candidate.is_mean,
        scale=candidate.scale,
    )
    return Table(together, [*places, *(place + units for place in places)]), units


def _far(blocks: Iterator[Vector], sums: Vector, line: float) -> int:
    """How many patterns of flips move the total of the sums at least as far from 0 as the line."""
    import numpy as np

    matrix = dense([sums])
    return sum(int(np.count_nonzero(np.abs(matrix.sums(1 - 2 * flipped)) >= line)) for flipped in blocks)


def _patterns(units: int) -> Iterator[Vector]:
    """Every pattern of ones and zeros over the units, in blocks of bounded size."""
    import numpy as np

    rows = max(1, ENTRIES_AT_ONCE // units)
    for start in range(0, 1 << units, rows):
        numbers = np.arange(start, min(start + rows, 1 << units))
        yield (numbers[:, None] >> np.arange(units) & 1).astype(np.float64)


def _coins(units: int, trials: int, seed: int) -> Iterator[Vector]:
    """Ones and zeros with equal probability, one row per trial, in blocks of bounded size.

    The draws are those of numpy's ``default_rng(seed).integers(2, size=(trials, units), dtype=bool)``, which
    sacrebleu uses. numpy takes 32 of them from one random word, so that blocks must end where a word does.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    rows = max(1, ENTRIES_AT_ONCE // units)
    drawn_rows = math.ceil(rows / 32) * 32
    for start in range(0, trials, drawn_rows):
        drawn = generator.integers(2, size=(min(drawn_rows, trials - start), units), dtype=np.bool_)
        for first in range(0, len(drawn), rows):
            yield drawn[first : first + rows].astype(np.float64)


def _resampled(value: float, scores: Vector) -> Resampled:
    """Mean and half-width of the central 95 %: sacrebleu's ``estimate_ci``."""
    import numpy as np

    outside = len(scores) // 40
    if np.isnan(scores).any():
        return Resampled(value=value, mean=None, half_width=None)
    ordered = np.sort(scores)
    half = 0.5 * float(ordered[-outside - 1] - ordered[outside])
    return Resampled(value=value, mean=float(ordered.mean()), half_width=half)


def _shifted_p(changes: Vector, value: float) -> float:
    """Share of resamples whose difference exceeds the mean one by more than the observed difference."""
    import numpy as np

    apart = np.abs(changes)
    defined = apart[~np.isnan(apart)]
    if len(defined) == len(apart) and value == 0 and not defined.any():
        return 1.0
    far = len(apart) - len(defined)
    if len(defined):
        far += int(np.count_nonzero(defined - defined.mean() > abs(value)))
    return (far + 1) / (len(apart) + 1)


def _unit_sums(changes: Sequence[float], groups: Sequence[int] | None) -> Vector:
    import numpy as np

    if len(changes) == 0:
        raise MetricError("a sign-flip test needs at least one paired difference, and there is none")
    if groups is not None and len(groups) != len(changes):
        raise MetricError(f"a sign-flip test needs a group for each of {len(changes)} changes, not {len(groups)}")
    values = np.asarray(changes, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise MetricError(f"change {wrong[0]} is {values[wrong[0]]}; leave the case out of the comparison instead")
    return values if groups is None else np.bincount(np.asarray(groups), values).astype(np.float64)


def _check_draws(name: str, number: int) -> None:
    if number < LEAST:
        raise MetricError(f"{name} is {number}; a p-value needs at least {LEAST}")


def _check_pair(candidate: Sample, baseline: Sample, groups: Sequence[int] | None) -> None:
    if len(candidate) != len(baseline):
        raise MetricError(f"a paired test needs the same cases on both sides, not {len(candidate)} and {len(baseline)}")
    if (candidate.is_mean, candidate.scale) != (baseline.is_mean, baseline.scale):
        raise MetricError("a paired test needs two samples of one metric; these differ in scale or kind")
    units = len(baseline) if groups is None else max(groups) + 1
    if units < 2:
        raise MetricError(f"a paired test needs at least two cases (or clusters) that both sides scored, not {units}")
