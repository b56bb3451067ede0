"""The state of a budget, and what changes it: pure functions on JSON values.

::

    {"spent": {<model>: {<field of Amount>: <number>}},
     "owners": {<process>: {"seen": <time>, "held": {<model>: {<field of Amount>: <number>}}}},
     "refused": {<model>: <number>}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, NamedTuple

from pytest_genaiops.clients.shared import State

UNIT = 10**12
LEASE = 30.0
"""Seconds without a sign of life after which a process is taken for dead: nobody waits for what it has set aside."""


def units(money: float) -> int:
    """An amount in whole trillionths: sums of floats would drift past a limit."""
    return round(money * UNIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What calls take, or may take."""

    calls: int = 0
    input: int = 0
    """Tokens."""
    output: int = 0
    cost: int = 0
    """In :func:`units`."""
    estimated: int = 0
    """Calls of which the bound is counted, because nobody reported what they took."""
    unknown: int = 0
    """Calls that took nobody knows what: neither reported nor bounded. Their tokens are missing from the sums."""
    unpriced: int = 0
    """Calls that no line of the price table is about."""
    uncosted: int = 0
    """Calls whose cost is not known, for lack of a price or of tokens."""

    @property
    def tokens(self) -> int:
        """In and out together."""
        return self.input + self.output

    def plain(self) -> dict[str, int]:
        """The fields that are not 0."""
        return {name: number for name, number in zip(FIELDS, _numbers(self), strict=True) if number}


FIELDS = tuple(each.name for each in fields(Amount))
_numbers = attrgetter(*FIELDS)
NOTHING = Amount()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What may be spent; None is no limit."""

    tokens: int | None = None
    cost: int | None = None
    """In :func:`units`."""

    @property
    def there(self) -> bool:
        """Whether anything is limited."""
        return self.tokens is not None or self.cost is not None


class Taken(NamedTuple):
    """What counts against a limit."""

    tokens: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What of a limit is neither spent nor set aside."""

    tokens: int | None
    cost: int | None
    under_way: Taken
    """What is set aside for calls that may still give it back."""

    def holds(self, amount: Amount) -> bool:
        """Whether there is room for a call."""
        return _fits(amount.tokens, self.tokens) and _fits(amount.cost, self.cost)

    def may_hold(self, amount: Amount) -> bool:
        """Whether there is, or would be if no call under way took anything."""
        given_back = self.under_way
        return _fits(amount.tokens - given_back.tokens, self.tokens) and _fits(amount.cost - given_back.cost, self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What calls of one model have taken, in all processes."""

    calls: int
    """Calls that were answered, or may have been."""
    input_tokens: int
    output_tokens: int
    cost: float | None
    """In the currency of the price table; None where the cost of a call is not known."""
    estimated: int
    """Calls that are counted with the most that they can have taken, because nobody reported it."""
    unknown: int
    """Calls whose tokens are not in the sums, because they were neither reported nor bounded."""
    refused: int
    """Calls that were not made for lack of budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(Spent):
    """What a session has spent."""

    unpriced: tuple[str, ...]
    """Models without a price, in order of their names."""
    by_model: Mapping[str, Spent] = field(default_factory=dict)
    """By the model or deployment that was asked for; of a service that is no model, by its own name."""


def room(state: State, limit: Limit, *, owner: str, now: float) -> Room:
    """What is left for ``owner`` to set aside."""
    owners = state.get("owners", {})
    alive = [found["held"] for name, found in owners.items() if name == owner or now - found["seen"] <= LEASE]
    tokens, cost = _taken([state.get("spent", {}), *(found["held"] for found in owners.values())])
    return Room(
        tokens=None if limit.tokens is None else limit.tokens - tokens,
        cost=None if limit.cost is None else limit.cost - cost,
        under_way=_taken(alive),
    )


def set_aside(state: State, name: str, amount: Amount, *, owner: str, now: float) -> State:
    """The state with an amount set aside for a call that begins."""
    return _held(state, name, amount.plain(), owner=owner, now=now)


def booked(state: State, name: str, held: Amount, spent: Amount, *, owner: str, now: float) -> State:
    """The state after a call: what was set aside for it is free, what it took is spent."""
    if held is not NOTHING:
        back = {key: -number for key, number in held.plain().items()}
        state = _held(state, name, back, owner=owner, now=now)
    known = state.get("spent", {})
    return {**state, "spent": {**known, name: _plus(known.get(name, {}), spent.plain())}}


def renewed(state: State, *, owner: str, now: float) -> State:
    """The state with a sign of life of an owner that has something set aside."""
    owners = state.get("owners", {})
    if owner not in owners:
        return state
    return {**state, "owners": {**owners, owner: {**owners[owner], "seen": now}}}


def refused(state: State, name: str) -> State:
    """The state after a call that was not made."""
    known = state.get("refused", {})
    return {**state, "refused": {**known, name: known.get(name, 0) + 1}}


def totals(state: State, *, ended: bool) -> Totals:
    """What is spent; with ``ended`` also what is still set aside, for nobody will book it any more."""
    spent = {name: [each] for name, each in state.get("spent", {}).items()}
    refusals = state.get("refused", {})
    if ended:
        for found in state.get("owners", {}).values():
            for name, each in found["held"].items():
                spent.setdefault(name, []).append({**each, "estimated": each["calls"]})
    names = sorted({*spent, *refusals})
    amounts = {name: _sum(spent.get(name, ())) for name in names}
    everything = _sum(each.plain() for each in amounts.values())
    return Totals(
        **_told(everything, sum(refusals.values())),
        unpriced=tuple(name for name in names if amounts[name].unpriced),
        by_model={name: Spent(**_told(amounts[name], refusals.get(name, 0))) for name in names},
    )


def _fits(amount: int, left: int | None) -> bool:
    return left is None or amount <= left


def _taken(ledgers: Iterable[Mapping[str, Mapping[str, int]]]) -> Taken:
    tokens = cost = 0
    for ledger in ledgers:
        for each in ledger.values():
            tokens += each.get("input", 0) + each.get("output", 0)
            cost += each.get("cost", 0)
    return Taken(tokens, cost)


def _told(amount: Amount, refusals: int) -> dict[str, Any]:
    return {
        "calls": amount.calls,
        "input_tokens": amount.input,
        "output_tokens": amount.output,
        "cost": None if amount.uncosted else amount.cost / UNIT,
        "estimated": amount.estimated,
        "unknown": amount.unknown,
        "refused": refusals,
    }


def _held(state: State, name: str, change: Mapping[str, int], *, owner: str, now: float) -> State:
    owners = state.get("owners", {})
    held = {**owners.get(owner, {}).get("held", {})}
    held[name] = _plus(held.get(name, {}), change)
    left = {key: each for key, each in held.items() if each}
    return {**state, "owners": {**owners, owner: {"seen": now, "held": left}}}


def _plus(known: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    found = {**known}
    for key, number in more.items():
        found[key] = found.get(key, 0) + number
        if not found[key]:
            del found[key]
    return found


def _sum(amounts: Iterable[Mapping[str, int]]) -> Amount:
    found: dict[str, int] = {}
    for each in amounts:
        for key, number in each.items():
            found[key] = found.get(key, 0) + number
    return Amount(**found)
