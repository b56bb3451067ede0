"""What models charge: lines of the project's price table, and what an answer has cost by it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.config import Price
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UnscorableError, UsageError

INI_KEY = "genaiops_prices"
MILLION = 1_000_000
KINDS = ("input", "output", "cached")
SYNTAX = "write it as `gpt-4o-mini: input 0.15, output 0.60, cached 0.075`, amounts per million tokens"

_AMOUNT = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_INPUT = ("input_tokens", "prompt_tokens")
_OUTPUT = ("output_tokens", "completion_tokens")
"""Names of the same count: the Responses API of OpenAI and Anthropic, and the chat completions API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one answer, or several together, took."""

    input: int
    output: int
    cached: int = 0
    """Of ``input``, those that the endpoint had cached."""

    @property
    def total(self) -> int:
        """In and out together."""
        return self.input + self.output


def prices_of(lines: Iterable[str]) -> tuple[Price, ...]:
    """The price table: one model a line, as ``<model>: input <amount>, output <amount>[, cached <amount>]``.

    Amounts are per million tokens, in one currency for the whole table. A model's name may hold ``:`` and ``/``: it
    ends at the last colon of its line, and no amount has one.

    Raises:
        UsageError: a line that is anything else, or a model that has two; names the line and the mend.
    """
    found: dict[str, Price] = {}
    for number, line in enumerate(lines, start=1):
        price = _price(line, f"line {number}")
        if price.model in found:
            raise UsageError(f"line {number}: {quoted(price.model)} has a price already; remove one of the two lines")
        found[price.model] = price
    return tuple(found.values())


def price_of(prices: Sequence[Price], *names: str | None) -> Price | None:
    """The price of the first of these names that has one: what was asked for, then what answered. Names are exact."""
    return next((price for name in names if name for price in prices if price.model == name), None)


def cost_of(tokens: Tokens, price: Price) -> float:
    """What these tokens cost, in the currency of the price table."""
    cached = price.input if price.cached is None else price.cached
    fresh = tokens.input - tokens.cached
    return math.fsum((fresh * price.input, tokens.cached * cached, tokens.output * price.output)) / MILLION


def tokens_of(usage: Mapping[str, Any]) -> Tokens:
    """The counts of a response's usage, under either of their usual names.

    Raises:
        UnscorableError: a count is missing, is no whole number of at least 0, or stands there twice and differs.
    """
    if not usage:
        raise UnscorableError("nobody counted the tokens of this answer; return usage with input_tokens, output_tokens")
    given, said = _count(usage, *_INPUT), _count(usage, *_OUTPUT)
    cached = 0 if usage.get("cached_tokens") is None else _whole("cached_tokens", usage["cached_tokens"])
    return Tokens(input=given, output=said, cached=min(cached, given))


def _count(usage: Mapping[str, Any], name: str, other: str) -> int:
    count, again = usage.get(name), usage.get(other)
    if count is None and again is None:
        raise UnscorableError(f"the usage of this answer has no {name} (or {other})")
    if count is None or again is None:
        return _whole(other, again) if count is None else _whole(name, count)
    if count != again:
        both = f"{name} {quoted(count)} and {other} {quoted(again)}"
        raise UnscorableError(f"the usage of this answer has {both}, which differ; give one of the two")
    return _whole(name, count)


def _whole(name: str, value: object) -> int:
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, float) and value.is_integer():  # a dataset that came through pandas
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UnscorableError(f"the usage of this answer has {name} {quoted(value)}, which is no number of tokens")
    return value


def _price(line: str, place: str) -> Price:
    model, colon, rest = line.rpartition(":")
    model = model.strip()
    if not colon or not model or not model.isprintable():
        raise UsageError(f"{place}: {quoted(line)} names no model and its prices; {SYNTAX}")
    amounts: dict[str, float] = {}
    for term in rest.split(","):
        kind, _, amount = term.strip().partition(" ")
        if kind not in KINDS:
            raise UsageError(f"{place}: {quoted(term.strip())} is no price of {quoted(model)}; {SYNTAX}")
        if kind in amounts:
            raise UsageError(f"{place}: {quoted(model)} has two prices of {kind}; remove one of them")
        amounts[kind] = _amount(amount.strip(), f"{place}: the price of {kind} of {quoted(model)}")
    for kind in ("input", "output"):
        if kind not in amounts:
            raise UsageError(f"{place}: {quoted(model)} has no price of {kind}; {SYNTAX}")
    return Price(model=model, **amounts)


def _amount(text: str, what: str) -> float:
    amount = float(text) if _AMOUNT.fullmatch(text) else math.inf
    if not math.isfinite(amount):
        raise UsageError(f"{what} is {quoted(text)}; give a number of 0 or more per million tokens, such as 0.15")
    return amount
