"""What a session may spend: set aside before a call, booked after it, in all its processes together.

Before a call the most that it can cost is set aside in the shared state. So what is spent and what is under way
together never pass a limit, whatever the order in which calls begin and end, and in whichever process. Afterwards what
the call really took is booked, and the rest is free again.

What a process had set aside when it died stays counted as spent: its calls may have been answered, and billed.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self
from uuid import uuid4
from weakref import WeakKeyDictionary

from pytest_genaiops.clients.bound import bound_of
from pytest_genaiops.clients.ledger import (
    NOTHING,
    Amount,
    Limit,
    Room,
    Totals,
    booked,
    refused,
    renewed,
    room,
    set_aside,
    totals,
    units,
)
from pytest_genaiops.clients.prices import INI_KEY, Tokens, cost_of, price_of, tokens_of
from pytest_genaiops.clients.request import RefusedError, Request, Service
from pytest_genaiops.clients.shared import Shared, State
from pytest_genaiops.config import Price
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UnscorableError, UsageError
from pytest_genaiops.records import Response

NAME = "budget"
"""Of the shared state."""
POLL = 0.02
"""Seconds between two looks at whether calls under way have left room."""
BEAT = 5.0
"""Seconds between two signs of life of a process that has calls under way."""


class Budget:
    """The purse of a session.

    Without a limit it counts what calls have taken, and refuses nothing. Raises UsageError for a limit that is no
    number of at least 0.
    """

    def __init__(
        self,
        shared: Shared,
        *,
        prices: Sequence[Price] = (),
        max_tokens: int | None = None,
        max_cost: float | None = None,
    ) -> None:
        for name, limit in (("max_tokens", max_tokens), ("max_cost", max_cost)):
            if limit is not None and not (math.isfinite(limit) and limit >= 0):
                raise UsageError(f"{name} is {limit!r}; give a number of 0 or more, or None for no limit")
        self.limit = Limit(tokens=max_tokens, cost=None if max_cost is None else units(max_cost))
        self.prices = tuple(prices)
        self.owner = uuid4().hex
        """This process, to the others."""
        self._shared = shared
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
        self._renewed = 0.0

    def spending(self, request: Request, service: Service) -> Call:
        """Set aside what a call may cost at most, for as long as the context lasts.

        Where it does not fit beside what is under way, entering waits for that, in turn, and raises RefusedError of
        kind ``budget`` as soon as nothing under way can make room.
        """
        return Call(self, request, service)

    def totals(self, *, ended: bool = False) -> Totals:
        """What all processes have spent so far.

        ``ended`` says that no call is under way any more: what is still set aside was so by a process that died.
        """
        return totals(self._shared.peek(NAME), ended=ended)

    async def set_aside(self, name: str, amount: Amount) -> None:
        """Wait for room, and take it. Raises RefusedError where there will be none."""
        queue = self._queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with queue:  # first come, first served: small calls must not keep a large one waiting for ever
            while (found := self._try(name, amount)) is not None:
                if not found.may_hold(amount):
                    raise self.refusal(name, self._too_much(name, amount, found))
                await asyncio.sleep(POLL)

    def _try(self, name: str, amount: Amount) -> Room | None:
        """Take the room for a call; where there is too little, what there is."""
        now = time.time()

        def change(state: State) -> tuple[State, Room | None]:
            found = room(state, self.limit, owner=self.owner, now=now)
            if found.holds(amount):
                return set_aside(state, name, amount, owner=self.owner, now=now), None
            return renewed(state, owner=self.owner, now=now), found

        found = self._shared.update(NAME, change)
        self._renewed = time.monotonic()
        if not self._shared.together:
            raise self.refusal(name, "the file in which workers share their budget cannot be written; free its disk")
        return found

    def book(self, name: str, held: Amount, spent: Amount) -> None:
        """Give back what was set aside for a call, and note what it took."""
        owner, now = self.owner, time.time()
        self._shared.update(NAME, lambda state: (booked(state, name, held, spent, owner=owner, now=now), None))
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Show the other processes that this one lives, unless it has just done so."""
        if time.monotonic() - self._renewed > BEAT / 2:
            owner, now = self.owner, time.time()
            self._shared.update(NAME, lambda state: (renewed(state, owner=owner, now=now), None))
            self._renewed = time.monotonic()

    def refusal(self, name: str, why: str) -> RefusedError:
        """The refusal of a call, which is counted."""
        self._shared.update(NAME, lambda state: (refused(state, name), None))
        return RefusedError(f"{quoted(name)}: {why}", kind="budget")

    def _too_much(self, name: str, amount: Amount, found: Room) -> str:
        if found.tokens is not None and amount.tokens > found.tokens:
            return (
                f"the call may take {amount.tokens:,} tokens, and of the {self.limit.tokens:,} of "
                f"--genaiops-max-tokens {found.tokens:,} are left"
            )
        assert found.cost is not None
        assert self.limit.cost is not None
        may, whole, left = (f"{number / units(1):.6g}" for number in (amount.cost, self.limit.cost, found.cost))
        return f"the call may cost {may}, and of the {whole} of --genaiops-max-cost {left} is left"


class Call:
    """One call within its budget."""

    __slots__ = ("_budget", "_held", "_name", "_request", "_service", "_settled", "_timer")

    def __init__(self, budget: Budget, request: Request, service: Service) -> None:
        self._budget = budget
        self._request = request
        self._service = service
        self._name = service.model or service.name
        self._held = NOTHING
        self._settled = False
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        budget = self._budget
        if budget.limit.there:
            amount = self._most()
            await budget.set_aside(self._name, amount)
            self._held = amount
            self._timer = asyncio.get_running_loop().call_later(BEAT, self._beat)
        return self

    def spent(self, response: Response) -> None:
        """Book what the call has taken: what its response reports, else the most that it can have been.

        A response that is an error and reports nothing has cost nothing.
        """
        try:
            tokens = tokens_of(response.usage)
        except UnscorableError:
            spent = self._guess(response) if response.error is None else NOTHING
        else:
            spent = self._amount(tokens, response)
        self._settle(spent)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._settled:
            return
        # Another model has answered as well, and what was given up half way may have been.
        free = isinstance(error, RefusedError) and error.kind != "model"
        self._settle(NOTHING if free else self._guess(Response()))

    def _settle(self, spent: Amount) -> None:
        self._settled = True
        if spent is not NOTHING or self._held is not NOTHING:
            self._budget.book(self._name, self._held, spent)

    def _beat(self) -> None:
        self._budget.renew()
        self._timer = asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _most(self) -> Amount:
        """What the call can cost at most. Raises RefusedError where nobody knows."""
        budget, limit = self._budget, self._budget.limit
        price = price_of(budget.prices, self._name)
        if limit.cost is not None and price is None:
            why = f"it has no price, and --genaiops-max-cost is set; give it a line in {INI_KEY}"
            raise budget.refusal(self._name, why)
        free = price is not None and not (price.input or price.output or price.cached)
        if self._service.model is not None:
            bound = self._bound()
        elif limit.tokens is None and free:
            bound = Tokens(input=0, output=0)
        else:
            raise budget.refusal(
                self._name,
                "it is no model whose calls could be bounded before they are made; run it without "
                f"--genaiops-max-tokens and, unless it costs nothing ({INI_KEY}), without --genaiops-max-cost",
            )
        cost = 0.0
        if price is not None:
            dearer = replace(price, input=max(price.input, price.cached or 0.0))
            cost = cost_of(bound, dearer)
        return Amount(calls=1, input=bound.input, output=bound.output, cost=units(cost))

    def _bound(self) -> Tokens:
        try:
            return bound_of(self._request.body)
        except RefusedError as refusal:
            raise self._budget.refusal(self._name, refusal.message) from None

    def _guess(self, response: Response) -> Amount:
        """What is booked for a call whose tokens nobody has reported."""
        try:
            bound = bound_of(self._request.body) if self._service.model is not None else None
        except RefusedError:
            bound = None
        if bound is None:
            spent = self._amount(Tokens(input=0, output=0), response)
            price = self._price(response)
            costs = price is None or bool(price.input or price.output)
            return replace(spent, unknown=1, uncosted=int(costs))
        return replace(self._amount(bound, response), estimated=1)

    def _amount(self, tokens: Tokens, response: Response) -> Amount:
        price = self._price(response)
        return Amount(
            calls=1,
            input=tokens.input,
            output=tokens.output,
            cost=0 if price is None else units(cost_of(tokens, price)),
            unpriced=int(price is None),
            uncosted=int(price is None),
        )

    def _price(self, response: Response) -> Price | None:
        return price_of(self._budget.prices, self._name, response.deployment, response.model)
