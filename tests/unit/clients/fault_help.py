"""Many cases through the real client, with a fault on the way of some."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_genaiops.clients.assembly import client_of, shared_of
from pytest_genaiops.clients.chat import ChatEndpoint
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.clients.request import Request
from pytest_genaiops.config import Settings
from pytest_genaiops.records import Response
from pytest_genaiops.testing import FakeServer

PATIENCE = 300.0
"""Seconds after which a run is taken to hang."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """How many cases, and which of them meet the fault: always, or at their first attempt only."""

    cases: int = 40
    always: Sequence[int] = ()
    first: Sequence[int] = ()
    concurrency: int = 20
    timeout: float = 30.0
    longer: int = 0
    """Characters that each answer has beyond the question."""


def said(body: Mapping[str, Any]) -> str:
    """The question, which is the answer as well."""
    text: str = body["messages"][0]["content"]
    return text


def responses(run: Run, fault: str, folder: Path, **model: Any) -> tuple[list[Response], FakeServer]:
    """The responses to all cases, in order; and the server, with what it has seen."""
    met: set[str] = set()
    always, first = ({f"case {number}" for number in chosen} for chosen in (run.always, run.first))

    def choose(number: int, body: Mapping[str, Any]) -> str | None:
        case = said(body)
        again = case in met
        met.add(case)
        return fault if case in always or (case in first and not again) else None

    with FakeServer(lambda body: said(body) + "." * run.longer, fault=choose) as server:
        given = asyncio.run(_asked(run, {"name": "m", "base_url": server.url, **model}, folder))
    return given, server


async def _asked(run: Run, model: Mapping[str, Any], folder: Path) -> list[Response]:
    settings = Settings(root=folder, concurrency=run.concurrency, timeout=run.timeout)
    client, endpoint = client_of(settings, shared=shared_of(None)), ChatEndpoint(Endpoint.of(model, "variants/v1.yaml"))

    async def one(number: int) -> Response:
        body = endpoint.body([{"role": "user", "content": f"case {number}"}], {})
        return await client.send(Request(service=endpoint.identity, body=body), endpoint)

    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(*map(one, range(run.cases)))
    finally:
        await client.close()
