"""One trial on its way from the queue to its response."""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from pytest_genaiops.clients.current import RUNNING, Running
from pytest_genaiops.clients.secrets import without_secrets
from pytest_genaiops.records import Response, Trial
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.targets import from_error, to_response

if TYPE_CHECKING:  # only sessions of several processes load a database
    from pytest_genaiops.clients.client import Client
    from pytest_genaiops.run.exchange import Claim, Exchange


class Slot:
    """One trial on its way: what to call, since when it runs, and the response once there is one."""

    __slots__ = (
        "_response", "answered_in", "client", "elsewhere", "ended", "exchange", "first", "followers", "keep", "key",
        "started", "stood", "stopped", "target", "trial", "variant", "wanted",
    )  # fmt: skip

    def __init__(
        self, target: Callable[..., Any], variant: Any, trial: Trial, key: object, exchange: Exchange | None
    ) -> None:
        self.target = target
        self.variant = variant
        self.trial = trial
        self.key = key
        self.exchange = exchange
        """Where calls are shared with other processes; None where there are none."""
        self.client: Client | None = None
        """What the target may ask models with."""
        self.keep: Callable[[Response], None] | None = None
        """Keeps the answer for later sessions, where the target says when that is right."""
        self.started = self.ended = 0.0
        self.stopped: float | None = None
        """Since when a client is at work for the target."""
        self.stood = self.answered_in = 0.0
        """Seconds that a client was at work, and seconds of these that the answers took which it gave."""
        self._response: Response | None = None
        self.followers: list[Callable[[Response], None]] = []
        """What uses the response once it is there."""
        self.elsewhere = False
        """True where it is left to other processes: whoever waits for it has to look."""
        self.wanted = False
        """True once somebody waits for it."""
        self.first = False
        """True where it was queued before what others had queued."""

    @property
    def response(self) -> Response | None:
        """What the target gave; None until then. Set where the engine's condition is held, or nobody waits yet."""
        return self._response

    @response.setter
    def response(self, response: Response) -> None:
        self._response = response
        while self.followers:
            self.followers.pop()(response)

    def then(self, use: Callable[[Response], None]) -> None:
        """Have the response used once it is there. The caller holds the engine's condition."""
        if self._response is None:
            self.followers.append(use)
        else:
            use(self._response)

    def claim(self) -> Claim:
        """Whether this process may call it now. Where its caller has died, only if somebody waits for it.

        Called ahead of time, a trial that kills its process would do so while other tests run.
        """
        return "ours" if self.exchange is None else self.exchange.claim(self.key, again=self.wanted)

    def call(self) -> Any:
        """Call the target; what it asks a model from here on is asked for this trial."""
        RUNNING.set(None if self.client is None else Running(self.client, self.trial, self))
        return self.target(self.trial.case, self.variant)

    def stop(self) -> None:
        """A client is at work: it has time limits of its own, and may have to wait for its turn."""
        self.stopped = time.monotonic()
        if self.exchange is not None:
            self.exchange.excuse(self.key)

    def go(self, seconds: float) -> None:
        """The target goes on; the client's answers took so many seconds, whenever they were given."""
        assert self.stopped is not None
        self.stood += time.monotonic() - self.stopped
        self.answered_in += seconds
        self.stopped = None
        if self.exchange is not None:
            self.exchange.excuse(self.key, over=True)

    def left(self, timeout: float, now: float) -> float:
        """Seconds that the target itself may still take; all of them while a client is at work for it."""
        return timeout if self.stopped is not None else timeout - (now - self.started - self.stood)

    def hand_in(self, response: Response) -> Response:
        """The response that holds in every process."""
        if self.keep is not None and response.error is None:
            self.keep(response)
        if self.exchange is None:
            return response
        held, error = attempt(self.exchange.answer, self.key, response)
        if error is None:
            assert isinstance(held, Response)
            return held
        what = f"the response cannot be written: {describe(error)}"
        return self.exchange.answer(self.key, from_error("target", what, self.trial, seconds=response.latency))

    def settle(self, value: Any, error: BaseException | None) -> Response:
        """The response for what the call returned or raised."""
        seconds = (self.ended or time.monotonic()) - self.started - self.stood + self.answered_in
        if error is None:
            # What a target returned may raise when it is looked at: a mapping that loads its items on demand.
            response, error = attempt(lambda: to_response(value, self.trial, seconds=seconds), catch=BaseException)
        if error is not None:
            # What clients raise quotes addresses and headers, and this is printed in logs that many may read.
            what = f"the target raised {without_secrets(describe(error))}"
            return from_error("target", what, self.trial, seconds=seconds)
        assert isinstance(response, Response)
        return response

    def overdue(self, timeout: float, why: str = "") -> Response:
        """The response of a call that took longer than ``timeout`` seconds."""
        return from_error("timeout", f"no answer within {timeout:g} s{why}", self.trial, seconds=timeout)


def is_async(target: Callable[..., Any]) -> bool:
    """Whether calling the target gives a coroutine."""
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(getattr(target, "__call__", None))  # noqa: B004 - asks what kind it is, not whether


def put(waiting: deque[Slot], slots: Sequence[Slot], *, first: bool) -> None:
    """Queue calls in this order; if ``first``, before all others but those that came first earlier."""
    if not first:
        waiting.extend(slots)
        return
    earlier = []
    while waiting and waiting[0].first:
        earlier.append(waiting.popleft())
    for slot in slots:
        slot.first = True
    waiting.extendleft(reversed([*earlier, *slots]))


def take_out(waiting: deque[Slot], slots: Collection[Slot]) -> set[Slot]:
    """Take some calls out of a queue, and say which were in it."""
    gone = {slot for slot in waiting if slot in slots}
    if gone:
        kept = [slot for slot in waiting if slot not in gone]
        waiting.clear()
        waiting.extend(kept)
    return gone


def leave(waiting: deque[Slot]) -> None:
    """Leave every call of a queue to other processes."""
    for slot in waiting:
        slot.elsewhere = True
    waiting.clear()
