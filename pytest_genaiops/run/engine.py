"""Trials to responses: every trial is called once, in the background, with bounded concurrency."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pytest_genaiops.records import Case, Response, Trial
from pytest_genaiops.run.kept import recall
from pytest_genaiops.run.slot import Slot, is_async
from pytest_genaiops.run.workers import POLL, LoopCrew, ThreadCrew

if TYPE_CHECKING:  # only sessions of several processes load a database
    from pytest_genaiops.clients.client import Client
    from pytest_genaiops.run.exchange import Exchange

Target: TypeAlias = Callable[[Case, Any], Any]
"""The system under test, called as ``target(case, variant)``; sync or async."""

Key: TypeAlias = tuple[object, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One trial to be answered by one target under one variant."""

    target: Target
    identity: object
    """What makes two targets the same one: a function-scoped fixture hands out a new callable every time."""
    variant: Any
    """The variant as the target sees it; only its ``id`` and ``hash`` matter here."""
    trial: Trial

    @property
    def key(self) -> Key:
        """What makes it the same call as another one."""
        trial = self.trial
        return (self.identity, self.variant.id, self.variant.hash, trial.dataset, trial.case.id, trial.index)


LOOK = 0.25
"""Seconds between two calls of the onlooker."""


class Engine:
    """Calls targets in the background and keeps every response until the session ends.

    ``concurrency`` bounds the calls under way, ``timeout`` (seconds) the length of each. A call
    that takes longer becomes an error of kind ``timeout``; a sync target cannot be stopped, so
    its thread is left behind and another takes its place. With an ``exchange``, a trial that another
    process has claimed is not called; its response is looked up when somebody waits for it. With a ``client``,
    targets may ask models, and trials are not called whose answers are kept from an earlier session.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        timeout: float | None = None,
        exchange: Exchange | None = None,
        client: Client | None = None,
    ) -> None:
        self._exchange = exchange
        self.client = client
        self.onlooker: Callable[[], None] | None = None
        """Called now and then by whoever waits for a response, in that thread."""
        self._timeout = timeout
        self._changed = threading.Condition()
        self._slots: dict[Key, Slot] = {}
        last = None if client is None else client.close
        self._loop = LoopCrew(size=concurrency, timeout=timeout, changed=self._changed, last=last)
        self._threads = ThreadCrew(size=concurrency, timeout=timeout, changed=self._changed, finish=self._loop.run)
        # A loop of its own: a target that blocks its event loop must not hold up who judges others.
        self._aside = LoopCrew(size=concurrency, timeout=None, changed=self._changed, last=last)
        self._submitted: list[Future[Any]] = []

    def start(self, jobs: Iterable[Job], *, first: bool = False) -> list[Job]:
        """Queue trials in the order given, before all others if ``first``, and say which are new.

        Those already known are left as they are.
        """
        new: list[Job] = []
        slots: list[Slot] = []
        with self._changed:
            for job in jobs:
                key = job.key
                if key not in self._slots:
                    slot = self._slots[key] = Slot(job.target, job.variant, job.trial, key, self._exchange)
                    slot.client = self.client
                    slots.append(slot)
                    new.append(job)
        if self.client is not None:
            self._recall(self.client, slots, new)
        fresh: dict[bool, list[Slot]] = {True: [], False: []}
        for slot in slots:
            if slot.response is None:
                fresh[is_async(slot.target)].append(slot)
        if fresh[True]:
            self._loop.add(fresh[True], first=first)
        if fresh[False]:
            self._threads.add(fresh[False], first=first)
        return new

    def _recall(self, client: Client, slots: Sequence[Slot], jobs: Sequence[Job]) -> None:
        """Answer what is kept. Where that raises, it is as if nobody had queued them: nobody may wait for them."""
        done = False
        try:
            recall(client, slots)
            done = True
        finally:
            if not done:
                with self._changed:
                    for job in jobs:
                        self._slots.pop(job.key, None)

    def drop(self, jobs: Sequence[Job]) -> list[Job]:
        """Forget the trials that this process has not begun to call; gives those whose call is under way.

        It is as if nobody had queued them: whoever asks for one queues it again.
        """
        with self._changed:
            waiting = {job.key: slot for job in jobs if (slot := self._slots.get(job.key)) and slot.response is None}
            slots = set(waiting.values())
            gone = self._threads.remove(slots) | self._loop.remove(slots) | {slot for slot in slots if slot.elsewhere}
            for key, slot in waiting.items():
                if slot in gone:
                    del self._slots[key]
        return [job for job in jobs if job.key in waiting and waiting[job.key] not in gone]

    def response(self, job: Job) -> Response:
        """The response to a trial; waits for it, and queues it first where nobody has."""
        slot = self._slots.get(job.key)
        if slot is None:
            self.start([job])
            slot = self._slots[job.key]
        if slot.response is None:
            self._wait(slot)
        assert slot.response is not None
        return slot.response

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin something that is no trial, beside the trials; what it asks of the client is bounded there."""
        future = self._aside.submit(work)
        self._submitted.append(future)
        return future

    def wait_for(self, future: Future[T]) -> T:
        """The result of what was submitted."""
        while True:
            try:
                return future.result(timeout=None if self.onlooker is None else LOOK)
            except TimeoutError:
                if future.done():
                    raise
                assert self.onlooker is not None
                self.onlooker()

    def then(self, job: Job, use: Callable[[Response], None]) -> None:
        """Have a response used as soon as it is there, in whichever thread that is; nothing for an unknown trial."""
        with self._changed:
            slot = self._slots.get(job.key)
            if slot is not None:
                slot.then(use)

    def hand_over(self, ended: Callable[[], bool]) -> None:
        """Leave what has not begun to other processes, and wait for the calls under way, which they may need.

        Whatever the target stands on may be taken down after this. ``ended`` says when nobody needs them any more.
        """
        with self._changed:
            self._threads.park()
            self._loop.park()
            while (self._threads.busy or self._loop.busy) and not ended():
                self._changed.wait(min(POLL, self._patience()))
            self._threads.parked = self._loop.parked = False

    def close(self) -> None:
        """Forget what is queued and cancel what is under way; never waits for a hanging call."""
        with self._changed:
            for slot in self._slots.values():
                slot.followers.clear()  # an answer that comes too late begins nothing
        if self._exchange is not None:
            self._exchange.close()
        self._threads.close()
        self._loop.close()
        self._aside.close()

    @property
    def done(self) -> tuple[int, int]:
        """How many trials are answered, and how many there are."""
        with self._changed:
            return sum(slot.response is not None for slot in self._slots.values()), len(self._slots)

    @property
    def judged(self) -> tuple[int, int]:
        """Of what was submitted beside the trials, how much is done, and how much there is."""
        return sum(future.done() for future in self._submitted), len(self._submitted)

    def _wait(self, slot: Slot) -> None:
        slot.wanted = True
        pause = 0.001
        while slot.response is None:
            with self._changed:
                patience = self._patience()
                if slot.elsewhere:
                    self._look(slot)
                    patience = pause = min(pause * 2, POLL, patience)
                if slot.response is None:
                    self._changed.wait(patience if self.onlooker is None else min(patience, LOOK))
            if self.onlooker is not None:
                self.onlooker()

    def _patience(self) -> float:
        """Give up calls whose time is up, and return the seconds until the next one's may be.

        Sync calls, and a loop blocked by one of its calls, cannot watch their own clock: whoever waits does.
        """
        now = time.monotonic()
        looks = (self._threads.expire(now), self._loop.expire(now), threading.TIMEOUT_MAX)
        return min(seconds for seconds in looks if seconds is not None)

    def _look(self, slot: Slot) -> None:
        """Take up what another process answered, or what it left."""
        assert self._exchange is not None
        found = self._exchange.find(slot.key, slot.trial)
        if found == "overdue":
            assert self._timeout is not None
            found = self._exchange.answer(slot.key, slot.overdue(self._timeout))
        if isinstance(found, Response):
            slot.response = found
        elif found == "free":
            (self._loop if is_async(slot.target) else self._threads).recall(slot)
