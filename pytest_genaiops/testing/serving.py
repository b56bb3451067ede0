"""A web server in a thread of its own, for as long as a ``with`` block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, StreamResponse

LONGEST_BODY = 2**28
BACKLOG = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of a server's callers."""

    opened: int
    most: int
    """Most that were open at once."""


class Serving:
    """Answers every request on 127.0.0.1 and a free port by ``handle``, which runs on the thread's event loop."""

    def __init__(self, handle: Callable[[BaseRequest], Awaitable[StreamResponse]]) -> None:
        self._handle = handle
        self._callers: dict[Any, asyncio.Transport] = {}
        self._most = 0
        self._started: Future[str] = Future()
        # A daemon, for a test that never leaves its block must not keep the session from ending.
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="fake server", daemon=True)

    def start(self) -> str:
        """Serve from now on; gives the address, ``http://127.0.0.1:<port>``. Raises OSError."""
        self._thread.start()
        return self._started.result()

    def stop(self) -> None:
        """Close all connections and end."""
        self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join()

    @property
    def connections(self) -> Connections:
        """Those that were noted so far."""
        return Connections(opened=len(self._callers), most=self._most)

    async def _serve(self) -> None:
        from aiohttp import web

        self._loop, self._ends = asyncio.get_running_loop(), asyncio.Event()
        request = partial(web.BaseRequest, loop=self._loop, client_max_size=LONGEST_BODY)
        self._server = web.Server(self._handle, request_factory=request, access_log=None)
        runner = web.ServerRunner(self._server, shutdown_timeout=0.01)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=BACKLOG).start()
        except OSError as refused:
            self._started.set_exception(refused)
            return
        self._started.set_result(f"http://127.0.0.1:{runner.addresses[0][1]}")
        await self._ends.wait()
        await runner.cleanup()
        for transport in self._callers.values():
            transport.abort()
        await asyncio.sleep(0)  # what was aborted is told so in the next turn of the loop

    def note(self, request: BaseRequest) -> None:
        """Count the connection of a request, if it is new."""
        transport = request.transport
        if transport is not None and (caller := transport.get_extra_info("peername")) not in self._callers:
            self._callers[caller] = transport
            self._most = max(self._most, len(self._server.connections))
