"""A client without sockets, files or limits: what is asked of it is answered by a function."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from pytest_genaiops.clients.client import Client
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import Allowance, Answer, RefusedError, Request
from pytest_genaiops.records import Response


class Kept:
    """A memory in a dict."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.answers: dict[bytes, Response] = {}
        self.digests: dict[bytes, bytes] = {}

    def find(self, request: Request) -> Response | None:
        return self.answers.get(request.key)

    def find_all(self, requests: Sequence[Request]) -> list[Response | None]:
        return [self.answers.get(request.key) for request in requests]

    def known(self, digests: Sequence[bytes]) -> list[Response | None]:
        return [self.answers.get(self.digests.get(digest, b"")) for digest in digests]

    def learn(self, pairs: Iterable[tuple[bytes, Request]]) -> None:
        self.digests.update((digest, request.key) for digest, request in pairs)

    def claim(self, request: Request) -> Literal["ours", "theirs"]:
        return "ours"

    def keep(self, request: Request, response: Response) -> None:
        self.answers[request.key] = response

    def release(self, request: Request) -> None:
        """Nobody else wants it."""

    def latest(self, count: int, variant: str | None = None) -> list[Response]:
        return list(self.answers.values())[:count]

    def why_missing(self, request: Request) -> str:
        return f"{request.labels.case} is new"


class Free:
    """No limits, and no budget."""

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[Free]:
        yield self

    @asynccontextmanager
    async def spending(self, request: Request, service: Any) -> AsyncIterator[Free]:
        yield self

    def answered(self, allowance: Allowance) -> None:
        """Nothing is limited."""

    def refused(self, refusal: RefusedError) -> None:
        """Nothing is limited."""

    def spent(self, response: Response) -> None:
        """Nothing is counted."""


class Echo:
    """A service whose answer is what ``says`` makes of what it is asked."""

    name = model = "echo"

    def __init__(self, says: Callable[[Mapping[str, Any]], Any] = lambda body: body["text"]) -> None:
        self.identity = {"kind": "echo"}
        self.asked: list[Mapping[str, Any]] = []
        self._says = says

    async def answer(self, request: Request, pool: Pool) -> Answer:
        self.asked.append(request.body)
        said = self._says(request.body)
        said = await said if hasattr(said, "__await__") else said
        return Answer(response=said if isinstance(said, Response) else Response(text=said))


def client(*, strict: bool = False, memory: Kept | None = None) -> Client:
    free = Free()
    return Client(memory=memory or Kept(strict=strict), limits=free, purse=free, concurrency=8)
