"""Calls that a budget is for, whose service is asked for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.bound import bound_of
from pytest_genaiops.clients.budget import Budget
from pytest_genaiops.clients.ledger import room
from pytest_genaiops.clients.request import Answer, RefusedError, Request
from pytest_genaiops.clients.shared import InFile
from pytest_genaiops.config import Price
from pytest_genaiops.records import Response

BODY = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}
BOUND = bound_of(BODY)
PRICES = (Price(model="small", input=1.0, output=2.0), Price(model="app", input=0, output=0))


@dataclass
class Model:
    """A service that is asked for nothing here."""

    model: str | None = "small"
    name: str = "localhost/small"
    identity: Mapping[str, Any] = field(default_factory=dict)

    async def answer(self, request: Request, pool: Any) -> Answer:
        raise AssertionError("the budget makes no call")


def request(**body: Any) -> Request:
    return Request(service={}, body={**BODY, **body})


def answer(given: int = 10, said: int = 5) -> Response:
    return Response(text="Hi", usage={"input_tokens": given, "output_tokens": said})


async def call(budget: Budget, response: Response, service: Model | None = None, **body: Any) -> None:
    async with budget.spending(request(**body), service or Model()) as spending:
        spending.spent(response)


def made(budget: Budget, *responses: Response, service: Model | None = None, **body: Any) -> None:
    async def all_of_them() -> None:
        for response in responses:
            await call(budget, response, service, **body)

    asyncio.run(all_of_them())


async def hammered(path: Path, limit: int, seed: int) -> None:
    """40 calls at once, of which each takes some share of its bound; after every step the limit holds."""
    budget = Budget(InFile(path), max_tokens=limit)

    async def one(number: int) -> None:
        with suppress(RefusedError):
            async with budget.spending(request(), Model()) as spending:
                left = room(budget._shared.peek("budget"), budget.limit, owner="", now=0)
                assert (left.tokens or 0) >= 0
                await asyncio.sleep(0)
                share = (number * 7 + seed * 3) % 11 / 10
                spending.spent(answer(int(BOUND.input * share), int(BOUND.output * share)))

    await asyncio.gather(*(one(number) for number in range(40)))
