"""Plans by drawing data sets, where the variance of graded values promises too much."""

from __future__ import annotations

from dataclasses import replace

from pytest_genaiops.statistics import Sample
from pytest_genaiops.statistics.power import Need, Plan, Spread
from pytest_genaiops.statistics.quantiles import normal_quantile, two_sided_z
from pytest_genaiops.statistics.simulated_power import Pilot, simulated_n, simulated_power

MOST = 500
"""Answers up to which data sets are drawn: a mean of more is described by its variance, and drawing takes minutes."""

ENOUGH = 12
"""Cases (or clusters) that differ, from which on bounds trust the spread in nearly every data set."""

LOOKS = 3
"""Data sets are drawn so often in search of the difference that the present cases decide."""


def is_to_be_drawn(made: Plan, spread: Spread, sample: Sample, trials: int) -> bool:
    """Whether a plan is about a mean of graded values, with as many trials as were run, and not too many of them.

    Where few cases differ the plan is careful enough, and each of the bounds that then apply takes long to draw.
    """
    sizes = [made.n, *(need.n or MOST + 1 for need in made.present.needs)]
    if not sample.is_mean or spread.kind != "mean" or made.trials != trials or max(sizes) * trials > MOST:
        return False
    units = min(sizes) / spread.cluster_size
    return spread.differing is None or units * spread.differing.share(trials) >= ENOUGH


def drawn(made: Plan, pilot: Pilot) -> Plan | None:
    """The plan with the present outlook as drawing finds it; None where no number of cases that it tried is enough."""
    needs = []
    for need, limit in zip(made.present.needs, _limits(made, pilot), strict=True):
        n = simulated_n(pilot, guess=need.n or made.n, margin=made.margin, confidence=made.confidence, power=need.power)
        if n is None:
            return None
        needs.append(Need(power=need.power, n=n, calls=n * made.trials, detectable=limit))
    power = simulated_power(pilot, n=made.n, margin=made.margin, confidence=made.confidence)
    return replace(made, present=replace(made.present, power=power, equal_cost_power=power, needs=tuple(needs)))


def in_table(made: Plan, by_drawing: Plan) -> Plan:
    """The plan of other numbers of trials, with what drawing found for the present one in its row."""
    options = [by_drawing.present if each.trials == made.trials else each for each in made.options]
    return replace(made, options=tuple(options))


def _limits(made: Plan, pilot: Pilot) -> list[float | None]:
    """What the present cases decide with each power: found for the first, and in proportion for the others."""
    first, *_ = made.present.needs
    if first.detectable is None:
        return [None for _ in made.present.needs]
    z, limit = two_sided_z(made.confidence), first.detectable
    wanted = z + normal_quantile(first.power)
    for _ in range(LOOKS):
        found = simulated_power(pilot, n=made.n, margin=limit, confidence=made.confidence)
        reached = z + normal_quantile(min(max(found, 0.01), 0.99))
        limit *= wanted / max(reached, 0.5)
    return [limit * (z + normal_quantile(need.power)) / wanted for need in made.present.needs]
