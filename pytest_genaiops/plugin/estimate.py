"""What the calls ahead will probably take, before the first is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_genaiops.clients.usage import Expected, expected
from pytest_genaiops.plugin.fixtures import trials_of
from pytest_genaiops.plugin.session import State
from pytest_genaiops.records import Trial
from pytest_genaiops.report.words import money
from pytest_genaiops.variants import Variant

ENOUGH = 200
"""Earlier answers of a variant that are looked at, the latest first."""


def lines(state: State, config: pytest.Config) -> Iterator[str]:
    """A line about the models that will be asked, for a person at a terminal and where there is a budget; else none.

    It goes by answers that are kept from earlier sessions; where there is none of a variant nor of others, nothing is
    known, and only the calls are counted. Targets that are not the library's own are not foreseen.
    """
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    settings = state.settings
    limited = settings.max_tokens is not None or settings.max_cost is not None
    if settings.cache == "only" or not (limited or (reporter and reporter.isatty and reporter.verbosity >= 0)):
        return
    missing = _missing(state)
    if missing:
        yield _sentence(missing, state, limited=limited)


def _missing(state: State) -> Counter[Variant]:
    """Calls of the library's own targets that no kept answer stands for. Of a chain, every step counts."""
    from pytest_genaiops.targets import model_target

    planned: dict[object, tuple[Variant, Trial]] = {}
    for item in state.items:
        binding = getattr(item, "binding", None)
        if binding is not None and binding.suite.modelled:
            for variant, trial in trials_of(item):
                planned[variant.hash, trial.dataset, trial.case.id, trial.index] = variant, trial
    trials = list(planned.values())
    digests = model_target.digests(trials)
    found = iter(state.client.memory.known([digest for digest in digests if digest is not None]))
    missing: Counter[Variant] = Counter()
    for (variant, _), digest in zip(trials, digests, strict=True):
        if digest is None or next(found) is None:
            missing[variant] += len(variant.steps)
    return missing


def _sentence(missing: Counter[Variant], state: State, *, limited: bool) -> str:
    calls, memory, settings = missing.total(), state.client.memory, state.settings
    alike = memory.latest(ENOUGH)
    parts = [
        expected(count, memory.latest(ENOUGH, variant.id), alike, prices=settings.prices)
        for variant, count in missing.items()
    ]
    known = [part for part in parts if part is not None]
    text = f"genaiops: {calls:,} call{'s' * (calls != 1)} of models ahead"
    if len(known) < len(parts):
        return f"{text}; no earlier answers to tell what they will take"
    tokens, cost = sum(part.tokens for part in known), _cost(known)
    text += f", about {tokens:,.0f} tokens" + (f", cost {money(cost)}" if cost is not None else "")
    text += f", going by {sum(part.n for part in known):,} earlier answers"
    if limited and settings.max_tokens is not None and tokens > settings.max_tokens:
        text += f"; the budget is {settings.max_tokens:,} tokens"
    if limited and settings.max_cost is not None and cost is not None and cost > settings.max_cost:
        text += f"; the budget is {money(settings.max_cost)}"
    return text


def _cost(known: list[Expected]) -> float | None:
    costs = [part.cost for part in known]
    return None if None in costs else sum(cost for cost in costs if cost is not None)
