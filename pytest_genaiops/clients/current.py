"""Whose target is running: what it asks is asked for its trial, and waiting does not count as its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from pytest_genaiops.clients.request import Labels, Request, Service
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response, Trial

if TYPE_CHECKING:  # the engine is loaded without a client, too
    from pytest_genaiops.clients.client import Client


class Clock(Protocol):
    """Measures how long a call of the target takes; it stands while a client waits for its turn."""

    def stop(self) -> None:
        """A client has taken over: it has time limits of its own."""

    def go(self, seconds: float) -> None:
        """The target goes on; the answers that it got took so many seconds, now or when they were first given."""


class Running:
    """One run of a target: the client that it may use, and what it has asked so far."""

    __slots__ = ("_asked", "_inside", "_longest", "client", "clock", "only", "trial")

    def __init__(self, client: Client, trial: Trial, clock: Clock) -> None:
        self.client = client
        self.trial = trial
        self.clock = clock
        self._asked: Counter[str] = Counter()
        self.only: Request | None = None
        """What was asked, where that is one thing."""
        self._inside = 0
        self._longest = 0.0
        """Seconds of the slowest answer since the clock stands."""

    def request(self, service: Mapping[str, Any], body: Mapping[str, Any]) -> Request:
        """A request of this trial; the same one again is another call."""
        asked = repr((service, body))
        self._asked[asked] += 1
        labels = Labels(variant=self.trial.variant, case=self.trial.case.id)
        repeat = self._asked[asked]
        request = Request(service=service, body=body, trial=self.trial.index, repeat=repeat, labels=labels)
        self.only = request if self._asked.total() == 1 else None
        return request

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While a client is at work for it, possibly several times at once."""
        if not self._inside:
            self.clock.stop()
            self._longest = 0.0
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self.clock.go(self._longest)

    def got(self, response: Response) -> None:
        """Take the answer's own time for what the target waited for."""
        self._longest = max(self._longest, response.latency or 0.0)


RUNNING: ContextVar[Running | None] = ContextVar("genaiops_running", default=None)


def running() -> Running:
    """The run of a target that this is called in. Raises UsageError elsewhere: nobody would keep or count the call."""
    found = RUNNING.get()
    if found is None:
        raise UsageError(
            "a model is asked outside of a target; ask it in what the `target` fixture (or `target=`) returns"
        )
    return found


async def ask(service: Service, body: Mapping[str, Any]) -> Response:
    """Ask a service for the running trial: with its cache, limits, budget and time."""
    run = running()
    with run.waiting():
        response = await run.client.send(run.request(service.identity, body), service)
        run.got(response)
    return response
