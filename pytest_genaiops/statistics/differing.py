"""How many cases differ at all: where hardly any two do, bounds of a mean trust no spread and reach far."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pytest_genaiops.statistics.trials import agreement, by_case, pass_hat_k


@dataclass(frozen=True, slots=True, kw_only=True)
class Tossed:
    """Shares of the cases: those that differ in every run, and those whose outcome is tossed anew in each."""

    for_good: float
    tossed: float

    def share(self, trials: int) -> float:
        """Of the cases that differ, with so many trials of each on both sides.

        Two rows of k fair coins have different means with chance 1 - C(2k, k) / 4**k; what falls unequally differs
        more often over several trials, so this is the least.
        """
        return min(1.0, self.for_good + self.tossed * (1 - math.comb(2 * trials, trials) * 0.25**trials))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How often the trials of a case had the most common value of all."""

    cases: Mapping[tuple[int, int], int]
    """(Trials with that value, all trials) -> number of cases."""

    def share(self, trials: int) -> float:
        """Of the cases that differ from it in at least one of so many trials."""
        steady = math.fsum(
            count * (pass_hat_k(common, seen, trials) if trials <= seen else (common / seen) ** trials)
            for (common, seen), count in self.cases.items()
        )
        return 1 - steady / sum(self.cases.values())


Differing: TypeAlias = Tossed | Seen


def off_the_most_common(values: Sequence[float], cases: Sequence[Hashable]) -> Seen:
    """Of at least one value, how often each case has the most common one."""
    ((common, _),) = Counter(values).most_common(1)
    groups = by_case(values, cases).values()
    return Seen(cases=Counter((found.count(common), len(found)) for found in groups))


def between_runs(values: Sequence[float], cases: Sequence[Hashable]) -> Tossed:
    """Cases that differ between two runs of one system; where each of several was run once, between cases at random."""
    repeated = [found for found in by_case(values, cases).values() if len(found) > 1]
    if repeated:
        return Tossed(for_good=0.0, tossed=2 * (1 - math.fsum(map(agreement, repeated)) / len(repeated)))
    return Tossed(for_good=1 - agreement(values), tossed=0.0)
