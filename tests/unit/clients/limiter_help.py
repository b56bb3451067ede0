"""Gates, and a limiter on simulated time."""

import asyncio
from typing import Any

from simulated import now

from pytest_genaiops.clients.limiter import Limiter
from pytest_genaiops.clients.request import Allowance, RefusedError
from pytest_genaiops.clients.shared import InProcess, Shared

REFUSED = RefusedError("busy", again=True, throttled=True, wait=1.0)


class Open:
    """A gate for everybody."""

    def admits(self, now: float, under_way: int) -> bool:
        return True

    def left(self, now: float) -> None:
        return None


class Shut(Open):
    """A gate for nobody."""

    def admits(self, now: float, under_way: int) -> bool:
        return False


def limiter(shared: Shared | None = None, *, concurrency: int = 50) -> Limiter:
    return Limiter(shared or InProcess(), concurrency=concurrency, clock=now)


async def refuse(limits: Limiter, refusal: RefusedError = REFUSED, name: str = "model") -> None:
    async with limits.turn(name) as turn:
        turn.refused(refusal)


async def began(limits: Limiter, name: str = "model", *, lasts: float = 0.0) -> float:
    """When a call began that was then answered."""
    async with limits.turn(name) as turn:
        at = now()
        await asyncio.sleep(lasts)
        turn.answered(Allowance())
    return at - 1000.0


def gate(limits: Limiter) -> Any:
    return limits._gates[asyncio.get_running_loop()]["model"]
