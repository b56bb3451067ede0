"""Time that jumps to the next timer instead of passing, and services that limit their callers in it."""

import asyncio
import random
import selectors
from collections.abc import Coroutine
from typing import Any

from pytest_genaiops.clients.limiter import Limiter
from pytest_genaiops.clients.request import Allowance, RefusedError
from pytest_genaiops.clients.retrying import Attempts
from pytest_genaiops.testing.limits import GATES, Gate


class Jumping(selectors.DefaultSelector):
    """Never waits: whoever would is told how long it would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits for ever")
        self.now += max(timeout, 0.0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of its timers. Each of its turns takes a moment, as real ones do."""

    def __init__(self) -> None:
        self.jumping = Jumping()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns, run on simulated time."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main)


def now() -> float:
    return asyncio.get_running_loop().time()


class Service:
    """Admits calls as a gate does, and answers after ``latency``; refuses after a tenth of it, or after ``refuses``."""

    def __init__(
        self,
        gate: Gate,
        *,
        latency: float = 0.2,
        wait: float | None = 1.0,
        headers: int | None = None,
        refuses: float | None = None,
        jitter: float = 0.004,
        seed: int = 1,
    ) -> None:
        self.gate, self.latency, self.wait, self.headers, self.jitter = gate, latency, wait, headers, jitter
        self.refuses = latency / 10 if refuses is None else refuses
        self.random = random.Random(seed)
        self.under_way = 0
        self.seen: list[tuple[float, bool]] = []
        self.refusals: list[float] = []
        """When each was heard of."""

    @property
    def refused(self) -> int:
        return sum(not admitted for _, admitted in self.seen)

    async def call(self) -> Allowance:
        await asyncio.sleep(self.random.uniform(0, self.jitter))
        admitted = self.gate.admits(now(), self.under_way)
        left = self.gate.left(now()) if self.headers else None
        said = Allowance(limit=self.headers, remaining=left[0], reset=left[1]) if left else Allowance()
        self.seen.append((now(), admitted))
        self.under_way += 1
        try:
            await asyncio.sleep(self.latency if admitted else self.refuses)
        finally:
            self.under_way -= 1
        if not admitted:
            self.refusals.append(now())
            overloaded = isinstance(self.gate, GATES["overload"])  # type: ignore[arg-type]
            raise RefusedError("busy", again=True, throttled=not overloaded, wait=self.wait, allowance=said)
        return said


async def ask(limiter: Limiter, service: Service, name: str = "model") -> bool:
    """One request with its attempts, as a client makes them; False where it was lost."""
    attempts = Attempts(clock=now)
    while True:
        try:
            async with limiter.turn(name) as turn:
                try:
                    allowance = await service.call()
                except RefusedError as refused:
                    refusal = refused
                    turn.refused(refused)
                else:
                    turn.answered(allowance)
                    return True
        except RefusedError:
            return False
        pause = attempts.pause(refusal)
        if pause is None:
            return False
        await asyncio.sleep(pause)


async def all_answered(limiters: list[Limiter], service: Service, cases: int) -> tuple[int, float]:
    """Cases that were lost, of so many asked at once, and the seconds until the last was done."""
    begun = now()
    kept = await asyncio.gather(*(ask(limiters[i % len(limiters)], service) for i in range(cases)))
    return cases - sum(kept), now() - begun


def ideal(gate: Gate, cases: int, latency: float, begun: float = 1000.0) -> float:
    """Seconds that a caller needs who always knows when the next call is admitted (to the millisecond)."""
    admitted, at = 0, begun
    while True:
        while gate.admits(at, 0):
            admitted += 1
            if admitted == cases:
                return at - begun + latency
        at += 0.001
