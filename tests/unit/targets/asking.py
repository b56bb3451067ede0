"""Targets that ask services, called as a session calls them: with a client, for a trial."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pytest_genaiops.clients.client import Client
from pytest_genaiops.clients.current import RUNNING, Running
from pytest_genaiops.clients.request import Allowance, RefusedError, Request
from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.targets import to_response
from pytest_genaiops.variants import Variant, bare

if TYPE_CHECKING:
    from aiohttp import web

PLAIN = bare("v1")


class Kept:
    """A memory in a dict."""

    strict = False

    def __init__(self) -> None:
        self.answers: dict[bytes, Response] = {}
        self.requests: list[Request] = []

    def find(self, request: Request) -> Response | None:
        return self.answers.get(request.key)

    def find_all(self, requests: Sequence[Request]) -> list[Response | None]:
        return [self.answers.get(request.key) for request in requests]

    def known(self, digests: Sequence[bytes]) -> list[Response | None]:
        return [None for _ in digests]

    def learn(self, pairs: Iterable[tuple[bytes, Request]]) -> None:
        """Nothing is looked up by digests here."""

    def claim(self, request: Request) -> Literal["ours", "theirs"]:
        self.requests.append(request)
        return "ours"

    def keep(self, request: Request, response: Response) -> None:
        self.answers[request.key] = response

    def release(self, request: Request) -> None:
        """Nobody else wants it."""

    def why_missing(self, request: Request) -> str:
        return "it is new"


class Free:
    """No limits, and no second attempts; what is spent is noted."""

    def __init__(self) -> None:
        self.booked: list[Response] = []
        self.names: list[str] = []
        self.again: list[bool] = []
        """Whether refused attempts would have been made again."""

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[Free]:
        self.names.append(name)
        yield self

    @asynccontextmanager
    async def spending(self, request: Request, service: Any) -> AsyncIterator[Free]:
        yield self

    def answered(self, allowance: Allowance) -> None:
        """Nothing is limited."""

    def refused(self, refusal: RefusedError) -> None:
        self.again.append(refusal.again)
        refusal.again = refusal.throttled = False

    def spent(self, response: Response) -> None:
        self.booked.append(response)


class Clock:
    def stop(self) -> None:
        """Nobody measures."""

    def go(self, seconds: float) -> None:
        """Nobody measures."""


@dataclass
class Session:
    """What outlives one run: a memory, and what was booked."""

    memory: Kept = field(default_factory=Kept)
    free: Free = field(default_factory=Free)
    concurrency: int = 4
    timeout: float | None = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        made = Client(
            memory=self.memory,
            limits=self.free,
            purse=self.free,
            concurrency=self.concurrency,
            timeout=self.timeout,
        )
        try:
            yield made
        finally:
            await made.close()

    async def ask(self, client: Client, target: Any, case: Case, variant: Variant = PLAIN, index: int = 1) -> Response:
        """One trial, as the engine runs it."""
        trial = Trial(case=case, variant=variant.id, index=index)
        token = RUNNING.set(Running(client, trial, Clock()))
        try:
            return to_response(await target(case, variant), trial)
        finally:
            RUNNING.reset(token)

    async def ask_all(self, target: Any, cases: Sequence[Case], variant: Variant = PLAIN) -> list[Response]:
        """Trials at once, and then the end of the session."""
        async with self.client() as client:
            return await asyncio.gather(*(asyncio.create_task(self.ask(client, target, c, variant)) for c in cases))

    def answers(self, target: Any, *cases: Case, variant: Variant = PLAIN) -> list[Response]:
        return asyncio.run(self.ask_all(target, cases, variant))


class App:
    """An HTTP app whose reply is what ``says`` makes of a request's JSON body: JSON values, text, or a web.Response."""

    def __init__(self, says: Callable[[Any], Any]) -> None:
        self._says = says
        self.bodies: list[Any] = []
        self.headers: list[Mapping[str, str]] = []
        self.asked: list[tuple[str, str]] = []
        """Method and path with its query."""

    def run(self, ask: Callable[[str], Any]) -> Any:
        """Serve on a free port while ``ask(url)`` runs, and return what it gives."""
        return asyncio.run(self._run(ask))

    async def _run(self, ask: Callable[[str], Any]) -> Any:
        from aiohttp import web

        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return await ask(f"http://127.0.0.1:{runner.addresses[0][1]}/answer")
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        from aiohttp import web

        self.asked.append((request.method, request.path_qs))
        self.headers.append(request.headers)
        self.bodies.append(await request.json())
        said = self._says(self.bodies[-1])
        if isinstance(said, web.Response):
            return said
        return web.Response(text=said) if isinstance(said, str) else web.json_response(said)
