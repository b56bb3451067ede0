"""What services hold open for a session: connections, programs; each opened once, on the loop that uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Protocol, TypeVar, cast


class Closable(Protocol):
    """What is closed when the session ends, such as aiohttp's ClientSession."""

    async def close(self) -> Any:
        """Let go of connections or programs."""


C = TypeVar("C", bound=Closable)


class Pool:
    """Things that are opened when first asked for and closed together. Each loop has a pool of its own."""

    def __init__(self, *, concurrency: int, timeout: float | None) -> None:
        self.concurrency = concurrency
        """Calls under way at once, hence connections that it makes sense to keep."""
        self.timeout = timeout
        """Seconds that one attempt may take; None sets no limit."""
        self._opened: dict[Hashable, asyncio.Task[Closable]] = {}

    async def get(self, key: Hashable, opens: Callable[[], Awaitable[C]]) -> C:
        """What ``opens`` gave for this key, whoever asked first. What it raises is raised, and tried anew next time."""
        if key not in self._opened:
            self._opened[key] = asyncio.ensure_future(_opened(opens))
        task = self._opened[key]
        try:
            return cast("C", await asyncio.shield(task))
        finally:
            if task.done() and (task.cancelled() or task.exception() is not None) and self._opened.get(key) is task:
                del self._opened[key]

    def drop(self, key: Hashable) -> None:
        """Forget what was opened under a key, because it is of no use any more; it is the caller's to close."""
        self._opened.pop(key, None)

    async def close(self) -> None:
        """Close everything that was opened."""
        tasks, self._opened = list(self._opened.values()), {}
        for task in tasks:
            if not task.done():
                task.cancel()
            elif not task.cancelled() and task.exception() is None:
                await task.result().close()


async def _opened(opens: Callable[[], Awaitable[C]]) -> Closable:
    return await opens()
