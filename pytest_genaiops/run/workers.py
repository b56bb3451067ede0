"""The two crews that call targets: daemon threads for sync ones, one event loop for async ones."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from pytest_genaiops.run.guard import attempt
from pytest_genaiops.run.slot import Slot, leave, put, take_out

GRACE = 0.5
"""Seconds past the timeout after which a loop that has not given a call up is taken to be blocked by it."""
T = TypeVar("T")
POLL = 0.02
"""Seconds between two looks at what other processes do."""


class ThreadCrew:
    """At most ``size`` sync calls at once, each in a daemon thread: a hanging one cannot hold up the exit."""

    def __init__(
        self,
        *,
        size: int,
        timeout: float | None,
        changed: threading.Condition,
        finish: Callable[[Awaitable[Any]], Any],
    ) -> None:
        self._size = size
        self._timeout = timeout
        self._changed = changed
        self._finish = finish
        self._queue: deque[Slot] = deque()
        self._running: set[Slot] = set()
        """Calls that a thread has taken up; those that have no start yet wait to be claimed."""
        self._threads = 0
        self.parked = False

    def add(self, slots: Sequence[Slot], *, first: bool = False) -> None:
        """Queue calls in this order, before all others if ``first``."""
        with self._changed:
            put(self._queue, slots, first=first)
            self._hire()

    def remove(self, slots: Collection[Slot]) -> set[Slot]:
        """Take calls out of the queue and say which were in it. The caller holds the condition."""
        return take_out(self._queue, slots)

    def recall(self, slot: Slot) -> None:
        """Queue a call that was left to other processes, before all others: somebody waits for it."""
        with self._changed:
            slot.elsewhere = False
            self._queue.appendleft(slot)
            self._hire()

    def close(self) -> None:
        """Forget what is queued; calls under way are left to end by themselves."""
        with self._changed:
            self.park()

    def park(self) -> None:
        """Leave to other processes what has not begun. The caller holds the condition."""
        leave(self._queue)
        self.parked = True

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self._running)

    def expire(self, now: float) -> float | None:
        """Give up calls past their time, and return the seconds until the next one may be (None: no limit).

        The caller holds the condition.
        """
        if self._timeout is None:
            return None
        for slot in [s for s in self._running if s.started and s.left(self._timeout, now) <= 0]:
            slot.response = slot.hand_in(slot.overdue(self._timeout))
            self._running.discard(slot)
            self._threads -= 1  # its thread no longer counts: it ends itself when the call returns
            self._hire()
            self._changed.notify_all()
        return min((s.left(self._timeout, now) for s in self._running if s.started), default=self._timeout)

    def _hire(self) -> None:
        while self._threads < min(self._size, len(self._queue) + len(self._running)):
            self._threads += 1
            threading.Thread(target=self._work, name="genaiops-target", daemon=True).start()

    def _work(self) -> None:
        while (slot := self._next()) is not None:
            if slot.exchange is not None and not self._claimed(slot):
                continue
            value, error = attempt(self._call, slot, catch=BaseException)
            # Nobody may have been waiting when the time was up: an answer does not count the more for that.
            late = self._timeout is not None and slot.left(self._timeout, time.monotonic()) < 0
            response = slot.hand_in(slot.overdue(self._timeout or 0.0) if late else slot.settle(value, error))
            with self._changed:
                if slot.response is not None:
                    return  # given up meanwhile: another thread has this one's place
                slot.response = response
                self._running.discard(slot)
                self._changed.notify_all()

    def _next(self) -> Slot | None:
        with self._changed:
            if not self._queue:
                self._threads -= 1
                return None
            slot = self._queue.popleft()
            self._running.add(slot)
            if slot.exchange is None:
                slot.started = time.monotonic()
            return slot

    def _claimed(self, slot: Slot) -> bool:
        while (claim := slot.claim()) == "full" and not self.parked:
            time.sleep(POLL)
        with self._changed:
            if claim == "ours":
                slot.started = time.monotonic()
                return True
            slot.elsewhere = True
            self._running.discard(slot)
            self._changed.notify_all()
            return False

    def _call(self, slot: Slot) -> Any:
        value = slot.call()
        # A lambda or partial around an async function looks sync until it is called.
        return self._finish(value) if inspect.isawaitable(value) else value


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _outcome(awaitable: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """(result, None), or (None, what was raised) for the two that asyncio would let end the loop's thread."""
    try:
        return await awaitable, None
    except (KeyboardInterrupt, SystemExit) as error:
        return None, error


class Lane:
    """One event loop in a thread of its own, with the calls that wait for it and those under way on it."""

    __slots__ = ("begun", "loop", "queue", "taken", "tasks")

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.queue: deque[Slot] = deque()
        self.taken: dict[Slot, None] = {}
        """Calls that have a task, in order; a call is out once it is answered, given up or handed to another lane."""
        self.begun: set[Slot] = set()
        """Those of them whose target has really been entered."""
        self.tasks: set[asyncio.Task[None]] = set()
        threading.Thread(target=_serve, args=[self.loop], name="genaiops-loop", daemon=True).start()


class LoopCrew:
    """At most ``size`` async calls at once, as tasks on one event loop.

    The loop lives as long as the crew, because a client that outlives its loop loses answers. Only a
    target that blocks it (a blocking call inside ``async def``) past the timeout is left behind with it,
    and a new loop takes over what is queued.
    """

    def __init__(
        self,
        *,
        size: int,
        timeout: float | None,
        changed: threading.Condition,
        last: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._size = size
        self._timeout = timeout
        self._changed = changed
        self._last = last
        """What is still done on a loop that ends."""
        self._lanes: list[Lane] = []
        self.parked = False

    def add(self, slots: Sequence[Slot], *, first: bool = False) -> None:
        """Queue calls in this order, before all others if ``first``."""
        with self._changed:
            self._enqueue(self._lane(), slots, first=first)

    def remove(self, slots: Collection[Slot]) -> set[Slot]:
        """Take calls out of the queue and say which were in it. The caller holds the condition."""
        return {slot for lane in self._lanes for slot in take_out(lane.queue, slots)}

    def recall(self, slot: Slot) -> None:
        """Queue a call that was left to other processes, before all others: somebody waits for it."""
        with self._changed:
            slot.elsewhere = False
            lane = self._lane()
            lane.queue.appendleft(slot)
            lane.loop.call_soon_threadsafe(self._hire, lane)

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Finish an awaitable on the loop and wait for it; for worker threads, never on the loop itself."""
        with self._changed:
            loop = self._lane().loop
        value, error = asyncio.run_coroutine_threadsafe(_outcome(awaitable), loop).result()
        if error is not None:
            raise error
        return value

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin something that is no call of a target."""
        with self._changed:
            return asyncio.run_coroutine_threadsafe(work, self._lane().loop)

    def close(self) -> None:
        """Forget what is queued, cancel what is under way and end the loops, without waiting for any of it."""
        with self._changed:
            self.park()
            lanes, self._lanes = self._lanes, []
        for lane in lanes:
            asyncio.run_coroutine_threadsafe(_stop(self._last), lane.loop)

    def park(self) -> None:
        """Leave to other processes what has not begun. The caller holds the condition."""
        for lane in self._lanes:
            leave(lane.queue)
        self.parked = True

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return any(lane.taken for lane in self._lanes)

    def expire(self, now: float) -> float | None:
        """Give up calls that the loop itself should have given up, and return the seconds until the next look.

        The caller holds the condition.
        """
        if self._timeout is None:
            return None
        limit = self._timeout + GRACE
        for lane in list(self._lanes):
            stuck = [slot for slot in lane.begun if slot.left(limit, now) <= 0]
            for slot in stuck:
                slot.response = slot.hand_in(slot.overdue(self._timeout, "; the async target blocks its event loop"))
                _release(lane, slot)
                self._changed.notify_all()
            if stuck and lane is self._lanes[-1]:
                waiting = [*(slot for slot in lane.taken if slot not in lane.begun), *lane.queue]
                lane.queue.clear()
                for slot in waiting:
                    _release(lane, slot)
                self._lanes.append(Lane())
                self._enqueue(self._lanes[-1], waiting)
        return min((slot.left(limit, now) for lane in self._lanes for slot in lane.begun), default=limit)

    def _lane(self) -> Lane:
        if not self._lanes:
            self._lanes.append(Lane())
        return self._lanes[-1]

    def _enqueue(self, lane: Lane, slots: Sequence[Slot], *, first: bool = False) -> None:
        put(lane.queue, slots, first=first)
        lane.loop.call_soon_threadsafe(self._hire, lane)

    def _hire(self, lane: Lane) -> None:
        for _ in range(min(self._size - len(lane.tasks), len(lane.queue))):
            task = lane.loop.create_task(self._work(lane))
            lane.tasks.add(task)
            task.add_done_callback(lane.tasks.discard)

    async def _work(self, lane: Lane) -> None:
        while (slot := self._next(lane)) is not None:
            if slot.exchange is not None and not await self._claimed(lane, slot):
                continue
            call = asyncio.ensure_future(_outcome(self._call(lane, slot)))
            await asyncio.sleep(0)  # the clock starts when the target is entered, not while others hold up the loop
            if await self._in_time(call, slot):
                error = asyncio.CancelledError() if call.cancelled() else call.exception()
                response = slot.settle(*((None, error) if error else call.result()))
            else:
                call.cancel()
                assert self._timeout is not None
                response = slot.overdue(self._timeout)
            if slot in lane.taken:
                response = slot.hand_in(response)
            with self._changed:
                if slot in lane.taken:
                    slot.response = response
                    _release(lane, slot)
                if slot.wanted:  # else the waiting thread would take turns with the loop over answers of others
                    self._changed.notify_all()

    async def _in_time(self, call: asyncio.Future[Any], slot: Slot) -> bool:
        """Wait for a call, as long as it may take."""
        patience = self._timeout
        while True:
            done, _ = await asyncio.wait({call}, timeout=patience)
            if done or self._timeout is None:
                return True
            patience = slot.left(self._timeout, time.monotonic())
            if patience <= 0:
                return False

    async def _claimed(self, lane: Lane, slot: Slot) -> bool:
        while (claim := slot.claim()) == "full" and not self.parked:
            await asyncio.sleep(POLL)
        with self._changed:
            if claim != "ours" and slot in lane.taken:
                slot.elsewhere = True
                _release(lane, slot)
                self._changed.notify_all()
            return claim == "ours"

    def _next(self, lane: Lane) -> Slot | None:
        with self._changed:
            if not lane.queue:
                # Here, not when the task is done: calls queued in between would find nobody, and nobody hired.
                lane.tasks.discard(asyncio.current_task())
                return None
            slot = lane.queue.popleft()
            lane.taken[slot] = None
            return slot

    async def _call(self, lane: Lane, slot: Slot) -> Any:
        with self._changed:
            if slot not in lane.taken:
                return None  # another lane has it: it must not be called twice
            slot.started = time.monotonic()
            lane.begun.add(slot)
        try:
            return await slot.call()
        finally:
            slot.ended = time.monotonic()  # other tasks may have their turn before anybody hears of it


def _release(lane: Lane, slot: Slot) -> None:
    lane.taken.pop(slot, None)
    lane.begun.discard(slot)


async def _stop(last: Callable[[], Awaitable[None]] | None) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1)
    if last is not None:
        await asyncio.wait({asyncio.ensure_future(last())}, timeout=1)
    asyncio.get_running_loop().stop()
