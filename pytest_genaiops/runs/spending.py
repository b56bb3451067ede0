"""What the answers of a variant took: tokens, time, and money where prices are known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_genaiops.clients.bills import cost_in
from pytest_genaiops.config import Price
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.records import Response

if TYPE_CHECKING:
    from pytest_genaiops.report.document import SpendingView


def spending_of(variant: str, responses: Sequence[Response], prices: Sequence[Price]) -> SpendingView:
    """The sums over a variant's answers; no cost where that of any answer with usage is not known."""
    from pytest_genaiops.report.document import SpendingView  # with all that a report has: no other action waits for it

    answers = [each for each in responses if each.error is None]
    tokens: Counter[str] = Counter()
    for each in answers:
        tokens.update({kind: count for kind, count in each.usage.items() if type(count) is int and count >= 0})
    seconds = sorted(each.latency for each in answers if each.latency is not None and math.isfinite(each.latency))
    return SpendingView(
        variant=variant,
        answers=len(answers),
        errors=len(responses) - len(answers),
        tokens=dict(tokens),
        cost=_cost(answers, prices),
        latency={"median": _quantile(seconds, 0.5), "p90": _quantile(seconds, 0.9), "max": seconds[-1]}
        if seconds
        else {},
    )


def _cost(answers: Sequence[Response], prices: Sequence[Price]) -> float | None:
    if not prices or not answers:
        return None
    try:
        return math.fsum(cost_in(each, prices) for each in answers)
    except UnscorableError:  # what is unknown is never 0
        return None


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The quantile by linear interpolation (Hyndman and Fan 1996, definition 7)."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
