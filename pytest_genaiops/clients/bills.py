"""What one answer took and cost: its own usage, or that of the steps which led to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_genaiops.clients.prices import INI_KEY, Tokens, cost_of, price_of, tokens_of
from pytest_genaiops.config import Price
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.records import Response, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """Tokens of one model."""

    tokens: Tokens
    names: tuple[str | None, ...]
    """What was asked for, then what answered."""


def tokens_in(response: Response) -> Tokens:
    """All tokens behind an answer.

    Raises:
        UnscorableError: they, or those of one of its steps, are not known.
    """
    return _sum([bill.tokens for bill in _bills(response)])


def cost_in(response: Response, prices: Sequence[Price]) -> float:
    """What an answer has cost, each of its steps by the price of its own model.

    Raises:
        UnscorableError: tokens, model or price are not known: what is unknown is never 0.
    """
    return math.fsum(_cost(bill, prices) for bill in _bills(response))


def _bills(response: Response) -> list[_Bill]:
    """What is to be paid for an answer: by step where the steps account for all of it, else as a whole."""
    steps = response.steps
    if not any(step.usage for step in steps):
        return [_whole(response)]
    silent = [step for step in steps if not step.usage]
    bills = [_Bill(tokens=tokens_of(step.usage), names=(step.deployment, step.model)) for step in steps if step.usage]
    if response.usage and _sum([bill.tokens for bill in bills]) != tokens_of(response.usage):
        return [_whole(response)]
    if silent:
        raise UnscorableError(
            f"nobody counted the tokens of step {quoted(silent[0].id)}; return its usage, of 0 where it asks no model"
        )
    if len(bills) == 1:  # the answer's own fields say more than those of its only step
        return [_Bill(tokens=bills[0].tokens, names=(*bills[0].names, response.deployment, response.model))]
    return bills


def _whole(response: Response) -> _Bill:
    models = {name for step in response.steps if (name := _name(step)) is not None}
    names = () if len(models) > 1 else (response.deployment, response.model, *models)
    return _Bill(tokens=tokens_of(response.usage), names=names)


def _name(step: Step) -> str | None:
    return step.deployment or step.model


def _cost(bill: _Bill, prices: Sequence[Price]) -> float:
    price = price_of(prices, *bill.names)
    if price is not None:
        return cost_of(bill.tokens, price)
    names = [name for name in bill.names if name]
    if not names:
        raise UnscorableError("this answer does not name the one model it came from, by which it is priced")
    raise UnscorableError(f"{listed(dict.fromkeys(names))} has no price; give it a line in {INI_KEY}")


def _sum(tokens: Sequence[Tokens]) -> Tokens:
    return Tokens(
        input=sum(each.input for each in tokens),
        output=sum(each.output for each in tokens),
        cached=sum(each.cached for each in tokens),
    )
