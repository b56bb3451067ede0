"""Gates that cannot decide, told before anything is called: a warning each, and none where that is not certain."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.errors import GateWarning, UsageError
from pytest_genaiops.plugin.claims import Claim, claims_of
from pytest_genaiops.plugin.committed import entry_for, entry_of
from pytest_genaiops.plugin.items import PassRateItem, SuiteItem
from pytest_genaiops.plugin.session import Binding, State
from pytest_genaiops.report.text import excerpt, visible
from pytest_genaiops.run import Suite
from pytest_genaiops.score.reread import reread
from pytest_genaiops.statistics.intervals import clopper_pearson
from pytest_genaiops.statistics.power import Spread, plan, spread_of_rerun
from pytest_genaiops.statistics.rate_power import (
    best_lower_bound,
    best_margin,
    cases_for_lower_bound,
    cases_for_margin,
)

OURS = "pytest_genaiops.plugin.hooks"
SHARES: dict[str, tuple[str, ...]] = {"exact_match": (), "error_rate": (), "classification": ("accuracy",)}
"""Metrics whose every value is 0 or 1, and the attributes that lead to the score."""

EXCUSED = ("skip", "skipif", "xfail")
"""Marks of tests that may not run, or are meant to fail."""

LITTLE = 0.5
"""Power below which a gate stops an unchanged system more often than not."""

ENOUGH = 5
"""Standard errors (or cases, if none changes) in a margin that leave no doubt: a whole plan takes a while to make."""

LEAST = 0.001
"""Share of the scale below which a margin is not planned for: counting millions of cases takes minutes."""

MOST = 1_000_000
"""Cases beyond which no number is looked for."""

NEARLY = 1e-9


def warn_of_gates(state: State, config: Any, items: Sequence[pytest.Item]) -> str | None:
    """Warn of every gate among the selected items that cannot decide, once for each test function.

    Of pytest-xdist's workers, which all collect the same, the first one tells. Returns the sentence where the user's
    filters make such a warning an error.
    """
    tells = not state.worker or config.workerinput["workerid"] == "gw0"
    try:
        with nullcontext() if tells else warnings.catch_warnings(record=True):
            for found, line, sentence in _warnings(state, items):
                path = Path(config.rootpath, found.location[0])
                warnings.warn_explicit(GateWarning(visible(sentence)), None, str(path), line)
    except GateWarning as error:
        return str(error)
    return None


def _warnings(state: State, items: Iterable[pytest.Item]) -> Iterator[tuple[Any, int, str]]:
    tests: dict[str, list[Any]] = {}
    for item in items:
        if type(item) is SuiteItem or isinstance(item, PassRateItem):
            tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for found in tests.values():
        item = found[0]
        if any(item.get_closest_marker(mark) for mark in EXCUSED):
            continue
        if isinstance(item, PassRateItem):
            sentence = _of_pass_rate(item.cases[0].binding.suite.pass_rate or 1.0, item)
            yield from [(item, (item.location[1] or 0) + 1, sentence)] if sentence else []
            continue
        for claim in claims_of(item.function):
            if _is_of_ours(item, claim) and (sentence := _of_claim(claim, found, state)):
                yield item, claim.line, sentence


def _is_of_ours(item: Any, claim: Claim) -> bool:
    """Whether every fixture in a gate is the plugin's own."""
    needed = [claim.metric, "responses", *(["baseline"] if claim.rule == "not_worse_than" else [])]
    known = item._fixtureinfo.name2fixturedefs
    return all(known.get(name) and known[name][-1].func.__module__ == OURS for name in needed)


def _of_claim(claim: Claim, items: Sequence[Any], state: State) -> str:
    """What keeps a gate from deciding; empty where nothing surely does."""
    binding: Binding = items[0].binding
    suite = binding.suite
    confidence = binding.rules.confidence if claim.confidence is None else claim.confidence
    if not (suite.cases and 0 < confidence < 1):
        return ""
    compared = claim.rule == "not_worse_than"
    others = [item for item in items if item.binding.variant is not suite.baseline]
    if compared and (state.settings.update_baseline or not others):
        return ""  # compared with itself
    if SHARES.get(claim.metric) == claim.path:
        size = _Size(suite=suite, cases=len(suite.cases), trials=suite.trials, confidence=confidence)
        if why := size.keeps_from_passing(claim):
            return f"{excerpt(claim.source, 80)} cannot pass {why}"
    return _of_little_power(claim, others, confidence) if compared else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """How many cases a share is taken over, and how sure a gate wants to be."""

    suite: Suite
    cases: int
    trials: int
    confidence: float

    @property
    def most(self) -> int:
        """Cases that the answers are worth at most, whatever depends on what."""
        return self.cases * self.trials

    @property
    def percent(self) -> str:
        return f"{100 * self.confidence:g} %"

    def keeps_from_passing(self, claim: Claim) -> str:
        """Why the best outcome does not pass, as the end of a sentence; empty where it may."""
        first, *rest = claim.numbers
        best = best_lower_bound(self.most, self.confidence)
        if claim.rule == "at_least":
            bound = f"the lower {self.percent} bound is {best:.3f}"
            return "" if best >= first - NEARLY else self._beyond(first, bound)
        if claim.rule == "at_most":
            bound = f"the upper {self.percent} bound is {1 - best:.3f}"
            return "" if best >= 1 - first - NEARLY else self._beyond(1 - first, bound)
        if claim.rule == "within":
            return "" if first > rest[0] else self._within(first, rest[0])
        return "" if first < 0 else self._margin(first)

    def _beyond(self, share: float, bound: str) -> str:
        """The end of a sentence about a bound; ``share`` counts from the far end of the scale."""
        needed = cases_for_lower_bound(share, self.confidence)
        mend = "no number of cases reaches it" if needed is None else f"it takes {needed:,} cases that all agree"
        return f"with {_many(self.cases, self.trials)}: {bound} at best; {mend}"

    def _within(self, low: float, high: float) -> str:
        if _fits(self.most, low, high, self.confidence):
            return ""
        many, n = _many(self.cases, self.trials), self.most
        while n < MOST and not _fits(n, low, high, self.confidence):
            n = math.ceil(n * 1.1)
        mend = "no number of cases does" if n >= MOST else f"it takes about {n:,} cases"
        return f"with {many}: no {self.percent} interval is so narrow, whatever they are; {mend}"

    def _margin(self, margin: float) -> str:
        """For a candidate that changes nothing; one that gains cases may pass, which nobody can count on."""
        reach = best_margin(self.cases, self.confidence)
        if reach < margin - NEARLY:
            return ""
        needed = cases_for_margin(margin, self.confidence)
        if self.trials > 1 or any(case.cluster is not None for case in self.suite.cases):
            reach = min(reach, 1 - best_lower_bound(self.cases, self.confidence))
            needed = cases_for_lower_bound(1 - margin, self.confidence)
            if reach < margin - NEARLY:
                return ""
        if needed is None:
            return (
                "a candidate that changes nothing, with any number of cases; give the loss that you would put up with, "
                "or ask for better_than"
            )
        return (
            f"a candidate that changes nothing with {_many(self.cases, self.trials)}: the {self.percent} interval of "
            f"the difference is then -{reach:.3f} to {reach:.3f}; it takes {needed:,} cases"
        )


def _fits(n: int, low: float, high: float, confidence: float) -> bool:
    """Whether the interval of some share of ``n`` cases lies between the limits.

    Both bounds rise with the share: the first whose lower bound is high enough has the lowest upper one.
    """
    least, beyond = 0, n + 1
    while least < beyond:
        middle = (least + beyond) // 2
        if clopper_pearson(middle / n, n, confidence)[0] >= low - NEARLY:
            beyond = middle
        else:
            least = middle + 1
    return least <= n and clopper_pearson(least / n, n, confidence)[1] <= high + NEARLY


def _of_little_power(claim: Claim, items: Sequence[Any], confidence: float) -> str:
    """That an unchanged system would hardly pass, by the noise that its committed trials show."""
    (margin,) = claim.numbers
    if claim.configured or margin <= 0:
        return ""
    plans = []
    for item in items:
        spread = _rerun(claim, item)
        if spread is None or spread.basis != "reruns":
            return ""
        n, trials = len(item.binding.suite.cases), item.binding.suite.trials
        width = spread.width if math.isfinite(spread.width) else 0.0
        error = math.sqrt((spread.stable + spread.noise / trials) / n)
        if n < 2 or margin < LEAST * width or margin > ENOUGH * max(error, width / n):
            return ""
        plans.append(plan(spread, n=n, trials=trials, margin=margin, confidence=confidence))
    best = max(plans, key=lambda each: each.present.power)
    if best.present.power >= LITTLE:
        return ""
    least = best.present.needs[0].n
    mend = "no number of cases passes" if least is None else f"{_many(least, best.trials)} pass"
    return (
        f"{excerpt(claim.source, 80)} passes an unchanged system in {100 * best.present.power:.0f} % of runs with "
        f"{_many(best.n, best.trials)}, by the noise in its committed baseline; {mend} in 80 % (see genaiops power)"
    )


def _rerun(claim: Claim, item: Any) -> Spread | None:
    """The spread of an unchanged system under a gate, from what is committed; None where nothing fits."""
    entry, where = entry_for(item, entry_of(item.binding, by_case=False))
    if entry is None or claim.metric not in entry.metrics or f"{claim.metric} 2" in entry.metrics:
        return None
    try:
        score = reread(entry, claim.metric, where).get(".".join(claim.path) or claim.metric)
        return None if score is None else spread_of_rerun(score.sample(), score.table.ids)
    except UsageError:
        return None


def _of_pass_rate(rate: float, gate: PassRateItem) -> str:
    """That a gate with a budget has none with so few cases; empty where it has, or wants none."""
    n, trials = len(gate.cases), gate.cases[0].binding.suite.trials
    if rate >= 1 or n - 1 >= rate * n - NEARLY:
        return ""
    fails = f", and stops a system at that very rate in {100 * (1 - rate**n):.0f} % of runs" if trials == 1 else ""
    needed = math.ceil(1 / (1 - rate) / trials - NEARLY)
    many = _many(n // trials, trials)
    return f"pass_rate={rate:g} lets no case miss with {many}{fails}; from {_many(needed, trials)} on one may"


def _many(cases: int, trials: int) -> str:
    many = f"{cases:,} case{'' if cases == 1 else 's'}"
    return many if trials == 1 else f"{many} x {trials} trials"
