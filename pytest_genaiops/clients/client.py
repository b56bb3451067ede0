"""From a request to its response: kept or called once, within budget, limits and time, and tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol
from weakref import WeakKeyDictionary

from pytest_genaiops.clients.ledger import Totals
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import Allowance, RefusedError, Request, Service
from pytest_genaiops.clients.retrying import Attempts
from pytest_genaiops.records import Response, ResponseError

POLL = 0.02
"""Seconds between two looks at what another process calls."""
LONGEST = 600.0
"""Seconds after which an attempt is given up where the session sets no limit: a connection may hang for ever."""


class Memory(Protocol):
    """Answers that are kept: ``cache.Cache``, or ``cache.Nothing`` where none are."""

    strict: bool
    """Whether only what is kept may answer."""

    def find(self, request: Request) -> Response | None:
        """The kept response."""

    def find_all(self, requests: Sequence[Request]) -> list[Response | None]:
        """The same for many."""

    def known(self, digests: Sequence[bytes]) -> list[Response | None]:
        """Kept responses by what :meth:`learn` was told, for callers who can tell their requests by less."""

    def learn(self, pairs: Iterable[tuple[bytes, Request]]) -> None:
        """Note a caller's own digest of what leads to a request."""

    def claim(self, request: Request) -> Literal["ours", "theirs"]:
        """Whether this process may call it now, or another one does so already."""

    def keep(self, request: Request, response: Response) -> None:
        """Keep an answer, before anybody hears of it."""

    def release(self, request: Request) -> None:
        """Let others call what was not answered."""

    def why_missing(self, request: Request) -> str:
        """What part of the request is new, in a sentence."""

    def close(self) -> None:
        """Nobody asks any more."""

    def latest(self, count: int, variant: str | None = None) -> list[Response]:
        """The kept responses of the latest calls, of one variant or of all."""

    @property
    def hits(self) -> frozenset[bytes]:
        """Keys of the answers of earlier sessions that have stood for calls."""


class Turn(Protocol):
    """One attempt that the limits have admitted."""

    def answered(self, allowance: Allowance) -> None:
        """It gave an answer."""

    def refused(self, refusal: RefusedError) -> None:
        """It gave none."""


class Limits(Protocol):
    """How many calls of a service may begin, and when: ``limiter.Limiter``."""

    def turn(self, name: str) -> AbstractAsyncContextManager[Turn]:
        """Wait for a turn with the services of this name; the attempt is under way within the context."""


class Purse(Protocol):
    """What may be spent: ``budget.Budget``."""

    def spending(self, request: Request, service: Service) -> AbstractAsyncContextManager[Spending]:
        """Set aside what a call may cost at most. Raises RefusedError of kind ``budget`` where that is too much."""

    def totals(self) -> Totals:
        """What all processes of the session have spent."""


class Spending(Protocol):
    """What is set aside for one call."""

    def spent(self, response: Response) -> None:
        """The call has been answered: book what it really cost."""


class Client:
    """Asks services, for every target and judge of a session.

    Not bound to an event loop: connections belong to the loop on which :meth:`send` runs.
    """

    def __init__(
        self, *, memory: Memory, limits: Limits, purse: Purse, concurrency: int, timeout: float | None = None
    ) -> None:
        self.memory = memory
        self.purse = purse
        self._limits = limits
        self._concurrency = concurrency
        self._timeout = timeout or LONGEST
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = WeakKeyDictionary()
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bytes, asyncio.Task[Response]]]
        self._flights = WeakKeyDictionary()

    async def send(self, request: Request, service: Service) -> Response:
        """The response to a request, without its trial; what failed is a response with an error, never raised."""
        held = self.memory.find(request)
        if held is not None:
            return held
        if self.memory.strict:
            return _error(RefusedError(self.memory.why_missing(request), kind="missing"))
        flights = self._flights.setdefault(asyncio.get_running_loop(), {})
        flight = flights.get(request.key)
        if flight is None:
            flight = flights[request.key] = asyncio.ensure_future(self._call(request, service))
            flight.add_done_callback(lambda _: flights.pop(request.key, None))
        return await asyncio.shield(flight)

    def recall(self, requests: Sequence[Request]) -> list[Response | None]:
        """Responses that are kept, without a call and without waiting."""
        return self.memory.find_all(requests)

    async def close(self) -> None:
        """Let go of the connections and programs of the running loop."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()

    async def _call(self, request: Request, service: Service) -> Response:
        while self.memory.claim(request) == "theirs":
            await asyncio.sleep(POLL)
            held = self.memory.find(request)
            if held is not None:
                return held
        response: Response | None = None
        try:
            async with self.purse.spending(request, service) as spending:
                response = await self._attempts(request, service)
                if response.error is None:  # kept before anything else is waited for: it is paid
                    self.memory.keep(request, response)
                spending.spent(response)
        except RefusedError as refusal:
            response = _error(refusal)
        finally:
            if response is None or response.error is not None:
                self.memory.release(request)
        return response

    async def _attempts(self, request: Request, service: Service) -> Response:
        pool, attempts = self._pool(), Attempts()
        while True:
            async with self._limits.turn(service.name) as turn:
                try:
                    async with asyncio.timeout(self._timeout):
                        answer = await service.answer(request, pool)
                except TimeoutError:
                    refusal = RefusedError(f"no answer within {self._timeout:g} s", kind="timeout")
                except RefusedError as refused:
                    refusal = refused.with_traceback(None)  # its frames hold the reply: megabytes, while it waits
                    refusal.__context__ = None
                else:
                    turn.answered(answer.allowance)
                    return answer.response
                turn.refused(refusal)
            pause = attempts.pause(refusal)
            if pause is None:
                raise attempts.summed_up(refusal)
            await asyncio.sleep(pause)

    def _pool(self) -> Pool:
        return self._pools.setdefault(
            asyncio.get_running_loop(), Pool(concurrency=self._concurrency, timeout=self._timeout)
        )


def _error(refusal: RefusedError) -> Response:
    return Response(error=ResponseError(kind=refusal.kind, message=refusal.message))
