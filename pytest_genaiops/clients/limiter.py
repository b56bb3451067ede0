"""How many calls of a service are under way, and when the next one may begin: for all who wait, in all processes."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from weakref import WeakKeyDictionary

from pytest_genaiops.clients import pacing
from pytest_genaiops.clients.pacing import Counted, Word
from pytest_genaiops.clients.request import Allowance, RefusedError
from pytest_genaiops.clients.shared import Shared, State
from pytest_genaiops.dataset.text import printable

RECENT = 30.0
"""Seconds for which calls are counted that no limit met."""
PATIENCE = 10.0
"""Times as long as all others had to wait for one call too many, no further one is tried."""
SLOW = 1.0
"""Seconds from which a failure costs more time than it should."""
LONGEST_HINT = 60.0
"""Seconds that an answer may make all others wait; where it is more, a refusal says so better."""

LONGEST_NAME = 200
"""Characters of a service's name in a message."""


class Limiter:
    """The limits of all services, each by its name.

    Pause and pace are shared by all processes. How many calls may be under way is each process's own: what one that
    dies had under way needs nobody to give it back.
    """

    def __init__(self, shared: Shared, *, concurrency: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._shared = shared
        self._concurrency = concurrency
        self._clock = clock
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Gate]] = WeakKeyDictionary()

    def turn(self, name: str) -> AbstractAsyncContextManager[_Turn]:
        """Wait for a turn with the services of this name; the attempt is under way within the context.

        Raises RefusedError where the service asks to wait longer than ``pacing.LONGEST``, or has refused all calls for
        as long.
        """
        gates = self._gates.setdefault(asyncio.get_running_loop(), {})
        gate = gates.get(name)
        if gate is None:
            gate = gates[name] = _Gate(name, self._shared, Window(self._concurrency), self._clock)
        return _Turn(gate)


class Window:
    """How many calls may be under way: one fewer with each that fails, one more for every few that go well.

    Additive increase as in Chiu and Jain (1989); a decrease for each failure ends, after a burst that a server could
    not take, at the number that it took. Calls that failed together take away three quarters of the room at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = float(most)
        self._least = 1.0
        self._cut = self._kept_until = -math.inf
        self._served = True

    def failed(self, began: float, now: float, wait: float | None, *, late: bool = False) -> None:
        """A call has failed that another number of calls at once might not; all others wait for so many seconds.

        One that was only ``late`` leaves half of the room: a case may be slow whatever else is under way, and fewer at
        once would wait for its like one after another.
        """
        if began >= self._cut:
            # One that takes its time to fail, and has answered nothing since the last time, is not overloaded by us: it
            # is gone, and fewer calls at once would only wait for it one after another.
            gone = not self._served and now - began >= SLOW
            self._least = self.size if gone else max(1.0, self.size / 4)
            self._cut, self._served = now, False
        least = max(self._least, self._most / 2) if late else self._least
        self.size = max(min(least, self.size), self.size - 1)
        self._kept_until = max(self._kept_until, now + PATIENCE * (wait or 0.0))

    def succeeded(self, now: float, under_way: int) -> None:
        """A call was answered while so many were under way."""
        self._served = True
        if self.size < self._most and under_way >= int(self.size) and now >= self._kept_until:
            self.size = min(self._most, self.size + 0.5 / self.size)


class _Turn:
    """One attempt; see ``client.Turn``."""

    __slots__ = ("_began", "_gate")

    def __init__(self, gate: _Gate) -> None:
        self._gate = gate
        self._began = 0.0

    async def __aenter__(self) -> _Turn:
        self._began = await self._gate.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._gate.leave()

    def answered(self, allowance: Allowance) -> None:
        self._gate.answered(self._began, allowance)

    def refused(self, refusal: RefusedError) -> None:
        self._gate.refused(self._began, refusal)


class _Gate:
    """What calls of one service pass through, on one event loop, in the order in which they came."""

    def __init__(self, name: str, shared: Shared, window: Window, clock: Callable[[], float]) -> None:
        self._name = name
        self._shared = shared
        self._window = window
        self._clock = clock
        self._under_way = 0
        self._waiting = 0
        self._first = asyncio.Lock()
        self._room: asyncio.Future[None] | None = None
        self._since = -math.inf
        self._begun = 0
        self._limited = False

    async def enter(self) -> float:
        """Wait until a call may begin; gives the time when it does."""
        paced = False
        if self._waiting or not self._has_room or self._shared.peek(self._name):
            self._waiting += 1
            try:
                async with self._first:
                    paced = await self._admitted()
            finally:
                self._waiting -= 1
        now = self._clock()
        if not paced:
            self._count(now)
        self._under_way += 1
        return now

    def leave(self) -> None:
        """A call has ended."""
        self._under_way -= 1
        if self._room is not None and not self._room.done() and self._has_room:
            self._room.set_result(None)

    def answered(self, began: float, allowance: Allowance) -> None:
        """A call has been answered."""
        self._window.succeeded(self._clock(), self._under_way)
        wait = _used_up(allowance)
        if wait is not None and wait <= LONGEST_HINT:
            rate = pacing.rate_told(allowance)
            self._pause(Word(now=self._clock(), began=began, wait=wait, rate=rate, refused=False))
        if self._limited and self._shared.peek(self._name).get("barren"):
            self._shared.update(self._name, partial(_answered, now=self._clock()))

    def refused(self, began: float, refusal: RefusedError) -> None:
        """A call has been refused, or has failed."""
        now = self._clock()
        wait = refusal.wait if refusal.wait is not None else _used_up(refusal.allowance)
        word = Word(now=now, began=began, wait=wait, rate=pacing.rate_told(refusal.allowance))
        if refusal.throttled:
            self._pause(word)
        elif refusal.wait is not None and refusal.again:
            self._limited = True
            self._shared.update(self._name, partial(_rested, word=word))
        if (refusal.again or refusal.kind == "timeout") and not (refusal.throttled and wait is not None):
            self._window.failed(began, now, wait, late=refusal.kind == "timeout")

    @property
    def _has_room(self) -> bool:
        return self._under_way < int(self._window.size)

    async def _admitted(self) -> bool:
        """Wait, as the first of those who do, until there is room and the pace, if there is one, lets a call begin."""
        while True:
            while not self._has_room:
                self._room = asyncio.get_running_loop().create_future()
                await self._room
            state = self._shared.peek(self._name)
            self._limited = bool(state)
            if not state:
                return False
            if self._begun:
                self._shared.update(self._name, partial(_join, own=self._own()))
            wait = pacing.admit(state, self._clock())[1]
            if wait == 0.0:  # unless another process was quicker
                wait = self._shared.update(self._name, partial(pacing.admit, now=self._clock()))
            if wait == 0.0:
                return True
            if wait > pacing.LONGEST:
                raise self._given_up(wait)
            await asyncio.sleep(wait)

    def _given_up(self, wait: float) -> RefusedError:
        name = printable(self._name[:LONGEST_NAME])
        if math.isinf(wait):
            return RefusedError(f"{name} has refused every call for {pacing.LONGEST / 60:.0f} minutes")
        return RefusedError(f"{name} asks to wait {wait:.0f} s before the next call")

    def _pause(self, word: Word) -> None:
        self._limited = True
        self._shared.update(self._name, partial(_paused, word=word, own=self._own()))

    def _count(self, now: float) -> None:
        """Count a call that no pace held back, so that a rate can be estimated once a limit is met."""
        if now - self._since > RECENT:
            self._since, self._begun = now, self._under_way
        self._begun += 1

    def _own(self) -> Counted:
        """What was counted; it is told once."""
        own = Counted(since=self._since, begun=self._begun)
        self._since, self._begun = -math.inf, 0
        return own


def _used_up(allowance: Allowance) -> float | None:
    """Seconds until a service has something left again, where it says that nothing is."""
    requests = allowance.reset if allowance.remaining == 0 else None
    tokens = allowance.reset_tokens if allowance.remaining_tokens == 0 else None
    if requests is None or tokens is None:
        return tokens if requests is None else requests
    return max(requests, tokens)


def _paused(state: State, *, word: Word, own: Counted) -> tuple[State, None]:
    return pacing.paused(state, word, own), None


def _rested(state: State, *, word: Word) -> tuple[State, None]:
    return pacing.rested(state, word), None


def _join(state: State, *, own: Counted) -> tuple[State, None]:
    return pacing.joined(state, own), None


def _answered(state: State, *, now: float) -> tuple[State, None]:
    return pacing.answered(state, now), None
