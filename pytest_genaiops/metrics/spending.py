"""What answers took: tokens, and money by the project's price table."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Any

from pytest_genaiops.clients.bills import cost_in, tokens_in
from pytest_genaiops.clients.prices import prices_of
from pytest_genaiops.config import Price
from pytest_genaiops.errors import MetricError, UsageError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Case, Response, Statistics

_SCALE = (0.0, math.inf)
_DIGITS = 12
"""Of a hash, in signatures."""


@dataclass(frozen=True, kw_only=True)
class Tokens(Metric):
    """Mean tokens of an answer, in and out together; 0 to infinity, lower is better.

    ``tokens.input`` and ``tokens.output`` are the two of which it is the sum. They come from the response's usage,
    as ``input_tokens`` and ``output_tokens`` or ``prompt_tokens`` and ``completion_tokens``; of an answer in several
    steps all of them count.
    """

    name = "tokens"
    use_case = "operations"
    scale = _SCALE
    higher_is_better = False
    takes = "usage"

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(total, input, output). Raises UnscorableError where a count is missing or is none."""
        found = tokens_in(response)
        return (found.total, found.input, found.output)

    def part(self) -> Part:
        """The mean total, with ``input`` and ``output`` under it."""
        return replace(super().part(), children={"input": _mean("input", 1), "output": _mean("output", 2)})


@dataclass(frozen=True, kw_only=True)
class Cost(Metric):
    """Mean cost of an answer, in the currency of the price table; 0 to infinity, lower is better.

    ``prices`` is that table: lines such as ``"gpt-4o-mini: input 0.15, output 0.60, cached 0.075"``, amounts per
    million tokens. In a suite it is the one of the ini key ``genaiops_prices``. An answer whose tokens, model or price
    is not known is unscored: it is never taken to be free. The model is the one that was asked for, else the one that
    answered, by its exact name; each step of an answer goes by its own.
    """

    name = "cost"
    use_case = "operations"
    scale = _SCALE
    higher_is_better = False
    takes = "usage"

    prices: tuple[Price, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "prices", _table(self.prices))

    def statistics(self, response: Response, case: Case) -> Statistics:
        """(cost,). Raises UnscorableError where tokens, model or price are not known."""
        return (cost_in(response, self.prices),)

    def signature(self, cases: Sequence[Case]) -> dict[str, str]:
        """A hash of the price table."""
        plain = json.dumps(sorted(map(astuple, self.prices), key=lambda price: str(price[0])))
        return {"prices": hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]}


def _table(given: Any) -> tuple[Price, ...]:
    """The option as a price table, from lines or what was made of lines."""
    items: Any = [given] if isinstance(given, str | Price) else given
    if not isinstance(items, list | tuple):
        items = [None]
    if all(isinstance(item, Price) for item in items):
        return tuple(items)
    if not all(isinstance(item, str) for item in items):
        raise MetricError('cost: prices must be lines, such as prices=["gpt-4o-mini: input 0.15, output 0.60"]')
    try:
        return prices_of(items)
    except UsageError as error:
        raise MetricError(f"cost: prices: {error}") from None


def _mean(name: str, place: int) -> Part:
    return Part(
        name=name,
        score=partial(_average, place),
        case_score=partial(_own, place),
        scale=_SCALE,
        higher_is_better=False,
        is_mean=True,
    )


def _average(place: int, total: Any, n: int) -> float:
    return float(total[place]) / n


def _own(place: int, statistics: Any) -> float:
    return float(statistics[place])
