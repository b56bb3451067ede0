"""What the session's models have cost, in the summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_genaiops.clients.assembly import shared_of
from pytest_genaiops.clients.budget import Budget
from pytest_genaiops.clients.ledger import Totals
from pytest_genaiops.clients.shared import State as Kept
from pytest_genaiops.plugin.session import LIMITS, State
from pytest_genaiops.report.words import money

HITS = "hits"
"""Of the shared state: keys of the answers of earlier sessions that stood for calls, in whichever process."""


def note(state: State) -> None:
    """At the end of a process: write what is left to be kept, and say how much of it was used."""
    hits = [key.hex() for key in state.client.memory.hits]
    state.client.memory.close()
    if hits:
        state.shared.update(HITS, lambda kept: (_more(kept, hits), None))


def _more(kept: Kept, hits: list[str]) -> Kept:
    return {"keys": list({*kept.get("keys", ()), *hits})}


def tell(state: State, reporter: pytest.TerminalReporter) -> None:
    """Write what calls there were and what they took, those of workers too; nothing where there were none."""
    totals, kept = _spent(state)
    for line in lines(totals, kept=kept):
        reporter.write_line(line)


def facts(state: State) -> dict[str, Any]:
    """The same as JSON values, for the record: calls, tokens, cost (None without prices), answers kept from before."""
    totals, kept = _spent(state)
    found = {"calls": totals.calls, "input_tokens": totals.input_tokens, "output_tokens": totals.output_tokens}
    return {**found, "cost": None if totals.unpriced else totals.cost, "refused": totals.refused, "kept": kept}


def _spent(state: State) -> tuple[Totals, int]:
    """What the session has spent, all its processes together, and how many kept answers stood for calls."""
    shared: Any = state.shared
    folder = state.outcomes.folder
    if folder is not None and not state.worker and (folder / LIMITS).exists():
        shared = shared_of(folder / LIMITS)
    totals = Budget(shared, prices=state.settings.prices).totals(ended=True)
    return totals, len(shared.peek(HITS).get("keys", ()))


def lines(spent: Totals, *, kept: int) -> Iterator[str]:
    """One line for what was called and kept, and one for each thing that a reader should know of it; else none."""
    if not (spent.calls or kept or spent.refused):
        return
    parts = [f"{_number(spent.calls, 'call')} of models"]
    if spent.calls:
        parts.append(f"{spent.input_tokens:,} tokens in, {spent.output_tokens:,} out")
    if spent.calls and spent.cost is not None and not spent.unpriced:
        parts.append(f"cost {money(spent.cost)}")
    if kept:
        parts.append(f"{_number(kept, 'answer')} kept from earlier sessions")
    yield "; ".join(parts)
    if spent.refused:
        yield f"budget: {_number(spent.refused, 'call')} not made"
    if spent.estimated:
        yield f"{_number(spent.estimated, 'call')} counted with the most it can have taken: nobody reported its tokens"
    if spent.unknown:
        yield f"{_number(spent.unknown, 'call')} not in these sums: its tokens are not known"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
