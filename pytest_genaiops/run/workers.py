"""The two crews that call targets: daemon threads for sync ones, one event loop for async ones."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pytest_genaiops.records import Response, Trial
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.targets import from_error, to_response


class Slot:
    """One trial on its way: what to call, since when it runs, and the response once there is one."""

    __slots__ = ("response", "started", "target", "trial", "variant")

    def __init__(self, target: Callable[..., Any], variant: Any, trial: Trial) -> None:
        self.target = target
        self.variant = variant
        self.trial = trial
        self.started = 0.0
        self.response: Response | None = None

    def settle(self, value: Any, error: BaseException | None) -> Response:
        """The response for what the call returned or raised."""
        seconds = time.monotonic() - self.started
        if error is None:
            # What a target returned may raise when it is looked at: a mapping that loads its items on demand.
            response, error = attempt(lambda: to_response(value, self.trial, seconds=seconds), catch=BaseException)
        if error is not None:
            return from_error("target", f"the target raised {describe(error)}", self.trial, seconds=seconds)
        assert isinstance(response, Response)
        return response

    def overdue(self, timeout: float) -> Response:
        """The response of a call that took longer than ``timeout`` seconds."""
        return from_error("timeout", f"no answer within {timeout:g} s", self.trial, seconds=timeout)


def is_async(target: Callable[..., Any]) -> bool:
    """Whether calling the target gives a coroutine."""
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(getattr(target, "__call__", None))  # noqa: B004 - asks what kind it is, not whether


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
        self._threads = 0

    def add(self, slots: Sequence[Slot]) -> None:
        """Queue calls in this order."""
        with self._changed:
            self._queue.extend(slots)
            self._hire()

    def close(self) -> None:
        """Forget what is queued; calls under way are left to end by themselves."""
        with self._changed:
            self._queue.clear()

    def expire(self, now: float) -> float | None:
        """Give up calls past their time, and return the seconds until the next one may be (None: no limit).

        The caller holds the condition.
        """
        if self._timeout is None:
            return None
        for slot in [s for s in self._running if now - s.started >= self._timeout]:
            slot.response = slot.overdue(self._timeout)
            self._running.discard(slot)
            self._threads -= 1  # its thread no longer counts: it ends itself when the call returns
            self._hire()
            self._changed.notify_all()
        return min((s.started + self._timeout - now for s in self._running), default=self._timeout)

    def _hire(self) -> None:
        while self._threads < min(self._size, len(self._queue) + len(self._running)):
            self._threads += 1
            threading.Thread(target=self._work, name="genaiops-target", daemon=True).start()

    def _work(self) -> None:
        while (slot := self._next()) is not None:
            value, error = attempt(self._call, slot, catch=BaseException)
            # Nobody may have been waiting when the time was up: an answer does not count the more for that.
            late = self._timeout is not None and time.monotonic() - slot.started > self._timeout
            response = slot.overdue(self._timeout or 0.0) if late else slot.settle(value, error)
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
            slot.started = time.monotonic()
            self._running.add(slot)
            return slot

    def _call(self, slot: Slot) -> Any:
        value = slot.target(slot.trial.case, slot.variant)
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


async def _call(slot: Slot) -> Any:
    return await slot.target(slot.trial.case, slot.variant)


class LoopCrew:
    """At most ``size`` async calls at once, as tasks on one event loop in a thread of its own.

    The loop lives as long as the crew: a client that outlives its loop loses answers.
    """

    def __init__(self, *, size: int, timeout: float | None, changed: threading.Condition) -> None:
        self._size = size
        self._timeout = timeout
        self._changed = changed
        self._queue: deque[Slot] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, slots: Sequence[Slot]) -> None:
        """Queue calls in this order."""
        self._running_loop().call_soon_threadsafe(self._enqueue, slots)

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Finish an awaitable on the loop and wait for it; for worker threads, never on the loop itself."""
        value, error = asyncio.run_coroutine_threadsafe(_outcome(awaitable), self._running_loop()).result()
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """Forget what is queued, cancel what is under way and end the loop, without waiting for any of it."""
        with self._changed:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._stop(), loop)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._changed:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=[self._loop], name="genaiops-loop", daemon=True).start()
            return self._loop

    def _enqueue(self, slots: Sequence[Slot]) -> None:
        self._queue.extend(slots)
        for _ in range(min(self._size - len(self._tasks), len(self._queue))):
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        while self._queue:
            slot = self._queue.popleft()
            slot.started = time.monotonic()
            call = asyncio.ensure_future(_outcome(_call(slot)))
            done, _ = await asyncio.wait({call}, timeout=self._timeout)
            if done:
                error = asyncio.CancelledError() if call.cancelled() else call.exception()
                response = slot.settle(*((None, error) if error else call.result()))
            else:
                call.cancel()
                assert self._timeout is not None
                response = slot.overdue(self._timeout)
            with self._changed:
                slot.response = response
                self._changed.notify_all()

    async def _stop(self) -> None:
        self._queue.clear()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        asyncio.get_running_loop().stop()
