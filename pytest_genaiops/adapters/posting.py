"""JSON posted to a search service and its reply, one after the other, for adapters that are called without a loop.

The call itself is the one that targets and models go by (``clients/http.py``): bounded, never redirected, its failures
in one sentence without secrets. What a service asks to wait is waited for.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from pytest_genaiops.clients.http import post, shown
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.retrying import Attempts
from pytest_genaiops.clients.secrets import Headers, from_environment, without_secrets
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.targets.address import checked_headers, checked_url

TIMEOUT = 60.0
"""Seconds that one attempt may take."""
THROTTLED = 1.0
"""Seconds to wait where a service says 429 and not how long."""


class Poster:
    """Posts JSON to the paths of one service.

    ``url`` and ``headers`` take variables of the environment as ``${env:NAME}``, filled in for each call and never
    kept. Raises UsageError for an address or header that is none, or has a key written out.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str], place: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._url = checked_url(url, place)
        self._headers = checked_headers(headers, place, example="{'api-key': '${env:SEARCH_KEY}'}")
        self._place = place
        self._sleep = sleep
        self._pool = Pool(concurrency=1, timeout=TIMEOUT)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ends: weakref.finalize[Any, Any] | None = None

    @property
    def shown(self) -> str:
        """The address as messages show it."""
        return shown(self._url)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of the reply, whose status is 2xx.

        Raises UsageError, with the service's own words, for what fails also when it is tried again, and for a variable
        of the environment that is not set.
        """
        url = from_environment(self._url, self._place, hide=True).rstrip("/") + path
        headers = Headers(
            {name: from_environment(each, self._place, hide=True) for name, each in self._headers.items()}
        )
        data = _written(body, self._place)
        attempts = Attempts()
        while True:
            try:
                reply = self._run(post(self._pool, url, headers=headers, body=data))
                return _parsed(reply.body, shown(url))
            except TimeoutError:
                refusal = RefusedError(f"{shown(url)} did not answer within {TIMEOUT:g} s", again=True)
            except RefusedError as error:
                refusal = error
            wait = attempts.pause(refusal)
            if wait is None:
                raise UsageError(f"{self._place}: {attempts.summed_up(refusal).message}")
            self._sleep((THROTTLED if refusal.wait is None else refusal.wait) if refusal.throttled else wait)

    def close(self) -> None:
        """Let go of the connection, which also happens when nobody has the poster any more."""
        if self._ends is not None:
            self._ends()
            self._loop = self._ends = None

    def _run(self, call: Any) -> Any:
        """Run a call on a loop in a thread of its own: the caller may be on one already."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            thread = threading.Thread(target=self._loop.run_forever, name="search service", daemon=True)
            thread.start()
            self._ends = weakref.finalize(self, _end, self._pool, self._loop, thread)

        async def timed() -> Any:
            async with asyncio.timeout(TIMEOUT):
                return await call

        return asyncio.run_coroutine_threadsafe(timed(), self._loop).result()


def _end(pool: Pool, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    if threading.current_thread() is thread:  # garbage is collected on any thread, and this one cannot wait for itself
        loop.stop()
        return
    asyncio.run_coroutine_threadsafe(pool.close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _written(body: Mapping[str, Any], place: str) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{place}: what is sent has no form in JSON: {quoted(str(error))}") from None


def _parsed(body: bytes, place: str) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        start = quoted(without_secrets(body[:4096].decode("utf-8", "replace")))
        raise RefusedError(f"{place} sent a reply that is no JSON: {start}") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
