"""Power by trial: new data sets are drawn from those at hand, and the intervals of this room decide each of them.

The closed forms of :mod:`~pytest_genaiops.statistics.power` know a variance only. Where values lean to one end of
their scale, as scores of good systems do, the intervals are wider on that side than a variance tells: a plan for 80 %
may keep 10 to 60 % with 50 cases. Drawing cases with replacement keeps the shape, the trials and the clusters.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_genaiops.errors import MetricError
from pytest_genaiops.statistics.intervals import SEED, summarize
from pytest_genaiops.statistics.paired import difference
from pytest_genaiops.statistics.quantiles import normal_quantile, two_sided_z
from pytest_genaiops.statistics.sample import Sample
from pytest_genaiops.statistics.trials import by_case

if TYPE_CHECKING:
    import numpy as np

DRAWS = 400
"""Data sets: a power of 0.8 comes out with a standard error of 2 points."""

ROUNDS = 8
FURTHEST = 4.0
"""Factor by which one round may move the number of cases."""

MOST_CASES = 20_000
"""More are not drawn: so many cases have a mean that the closed form describes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pilot:
    """Data to draw from: a score that is a mean, or a candidate and a baseline on the same rows.

    ``cases`` names the case of each row; clusters are those of the candidate. Raises MetricError for a score that
    is no mean, for no row, and for lengths that differ.
    """

    candidate: Sample
    baseline: Sample | None = None
    cases: Sequence[Hashable]
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        sides = [self.candidate] if self.baseline is None else [self.candidate, self.baseline]
        sizes = {len(self.cases), *map(len, sides)}
        if sizes == {0}:
            raise MetricError("there is nothing to draw from; power needs cases with a score")
        if len(sizes) > 1:
            raise MetricError(f"a pilot needs rows of one number, not {' and '.join(map(str, sorted(sizes)))}")
        if not all(side.is_mean for side in sides):
            raise MetricError("a corpus score is no mean of its cases; plan it by its spread")


def reruns(sample: Sample, cases: Sequence[Hashable], *, higher_is_better: bool = True) -> Pilot:
    """An unchanged system against itself: the first trial of each case as candidate, the second as baseline.

    Cases with one trial are left out. Raises MetricError where no case has two.
    """
    pairs = [rows[:2] for rows in by_case(range(len(sample)), cases).values() if len(rows) > 1]
    if not pairs:
        raise MetricError("no case has two trials, so that no run can be held against another; run two")
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    return Pilot(
        candidate=_at(sample, first, None if sample.clusters is None else [sample.clusters[row] for row in first]),
        baseline=_at(sample, second, None),
        cases=[cases[row] for row in first],
        higher_is_better=higher_is_better,
    )


def simulated_power(
    pilot: Pilot, *, n: int, margin: float, confidence: float = 0.95, seed: int = SEED, draws: int = DRAWS
) -> float:
    """Share of data sets of ``n`` cases whose interval excludes a value ``margin`` worse than the truth.

    The truth is the value of the pilot itself: of its score, or of its change. Raises MetricError for fewer than two
    cases, a margin that is not above 0, a confidence outside (0, 1) or no draw.
    """
    import numpy as np

    if n < 2 or draws < 1:
        raise MetricError(f"n is {n} and draws {draws}; power takes at least 2 cases and 1 draw")
    if not (math.isfinite(margin) and margin > 0):
        raise MetricError(f"margin is {margin}; power needs the smallest difference that matters, above 0")
    generator, units = np.random.default_rng(seed), _units(pilot)
    truth = _truth(pilot)
    hits = 0
    for _ in range(draws):
        low, high = _interval(pilot, _drawn(units, n, generator), confidence)
        hits += low > truth - margin if pilot.higher_is_better else high < truth + margin
    return hits / draws


def simulated_n(
    pilot: Pilot, *, guess: int, margin: float, confidence: float = 0.95, power: float = 0.8, seed: int = SEED
) -> int | None:
    """Cases after which the simulated power is ``power``, within its error of about 2 points, starting at a guess.

    The closed form's rule (power by the square root of n) proposes each number, and those tried bracket it. None
    where ``ROUNDS`` of them, or ``MOST_CASES``, do not reach the power. Raises MetricError as
    :func:`simulated_power` does.
    """
    if not 0 < power < 1:
        raise MetricError(f"power is {power}; it must lie between 0 and 1, such as 0.8")
    n, wanted = max(2, guess), two_sided_z(confidence) + normal_quantile(power)
    short, enough = 1, None
    for _ in range(ROUNDS):
        if n > MOST_CASES:
            break
        found = simulated_power(pilot, n=n, margin=margin, confidence=confidence, seed=seed)
        if abs(found - power) <= 1.5 * math.sqrt(power * (1 - power) / DRAWS):
            return n
        short, enough = (n, enough) if found < power else (short, n)
        reached = max(0.1, two_sided_z(confidence) + normal_quantile(min(max(found, 0.01), 0.99)))
        n = math.ceil(n * min(FURTHEST, max(1 / FURTHEST, (wanted / reached) ** 2)))
        if enough is not None and not short < n < enough:
            n = (short + enough) // 2
        if enough is not None and enough - short < 2:
            break
    return enough


def _units(pilot: Pilot) -> list[tuple[list[int], int]]:
    """Rows that are drawn together, and the number of cases among them: a cluster's, or a case's."""
    keys = pilot.candidate.clusters
    shared = keys is not None and len(set(zip(keys, pilot.cases, strict=True))) > len(set(keys))
    groups = by_case(range(len(pilot.cases)), keys if shared and keys is not None else pilot.cases)
    return [(rows, len({pilot.cases[row] for row in rows})) for rows in groups.values()]


def _drawn(units: Sequence[tuple[list[int], int]], n: int, generator: np.random.Generator) -> list[list[int]]:
    """Units drawn with replacement until they hold ``n`` cases."""
    drawn: list[list[int]] = []
    cases = 0
    while cases < n:
        for place in generator.integers(0, len(units), n - cases).tolist():
            rows, size = units[place]
            drawn.append(rows)
            cases += size
            if cases >= n:
                break
    return drawn


def _interval(pilot: Pilot, drawn: Sequence[Sequence[int]], confidence: float) -> tuple[float, float]:
    rows = [row for unit in drawn for row in unit]
    keys = None if len(rows) == len(drawn) else [place for place, unit in enumerate(drawn) for _ in unit]
    candidate = _at(pilot.candidate, rows, keys)
    if pilot.baseline is None:
        return summarize(candidate, confidence=confidence).interval
    return difference(candidate, _at(pilot.baseline, rows, keys), confidence=confidence).interval


def _truth(pilot: Pilot) -> float:
    """Mean of the pilot's score, or of its change."""
    ours = math.fsum(pilot.candidate.values) / len(pilot.cases)
    return ours if pilot.baseline is None else ours - math.fsum(pilot.baseline.values) / len(pilot.cases)


def _at(sample: Sample, rows: Sequence[int], clusters: Sequence[Hashable] | None) -> Sample:
    """The values of a mean at some rows."""
    values = array("d", map(sample.values.__getitem__, rows))
    return Sample(
        statistics=[(value,) for value in values],
        values=values,
        score=sample.score,
        is_mean=True,
        scale=sample.scale,
        clusters=clusters,
    )
