"""A fake model behind a real socket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pytest_genaiops.errors import UsageError
from pytest_genaiops.testing.conditions import Body, Conditions, Faulty, Plan
from pytest_genaiops.testing.faults import Exchange, named, whole
from pytest_genaiops.testing.limits import Limit
from pytest_genaiops.testing.replies import Answer, reply_to
from pytest_genaiops.testing.serving import Connections, Serving

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, StreamResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One call that a fake server has received."""

    body: Body
    """What was asked; empty where it was no JSON object."""
    headers: Mapping[str, str] = field(repr=False)
    """The request's headers, by names in any case; they hold keys, so that no message shows them."""
    path: str = field(repr=False)
    """With its query."""
    at: float
    """When it came, by ``time.monotonic()``."""
    status: int | None
    """The status of the reply; None where the connection is closed instead."""


class Blame:
    """Keeps what a function of the user raised: the one who calls the server is not the one who has to know."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> bool:
        self.error = self.error or error
        return isinstance(error, Exception)


class FakeServer(Conditions):
    """An OpenAI-compatible endpoint for chat completions on 127.0.0.1, on a free port, in a thread of its own.

    A context manager: it serves within the ``with`` block, at :attr:`url`. Usage is reported with words as tokens;
    a request with ``"stream": true`` is answered by server-sent events, the first after half of the latency.

    Args:
        answer: the text of every answer; or a function of a request's body that gives the text, or gives a mapping
            that is sent as the whole reply.
        latency: seconds from a request to its answer.
        model: the model that is said to have answered; None says the one that was asked for.
        admit: calls a second, from a token bucket of that size, before others get 429 with ``Retry-After: 1``; or a
            :class:`Limit` of another kind.
        fault: what goes wrong, by a name of ``FAULTS``: with every call; with calls by their number (from 1); or as a
            function of number and body says, where None is a call that goes well.

    ``latency``, ``admit`` and ``fault`` may be changed while it serves.

    Raises:
        UsageError: for an unknown fault, or a limit or latency that means nothing. When the block ends, for an
            ``answer`` or ``fault`` that raised, or gave something else: that call got status 500.
    """

    def __init__(
        self,
        answer: Answer | Callable[[Body], Answer] = "a fake answer",
        *,
        latency: float = 0.0,
        model: str | None = None,
        admit: float | Limit | None = None,
        fault: Faulty = None,
    ) -> None:
        super().__init__(latency=latency, admit=admit, fault=fault)
        self.url = ""
        """The base URL, such as ``http://127.0.0.1:54321/v1``, once it serves."""
        self.calls: list[Seen] = []
        """Every call, in the order in which they came."""
        self.answered = 0
        """Calls that got their answer, whole and right."""
        self._answer = answer
        self._model = model
        self._under_way = 0
        self._blame = Blame()
        self._serving = Serving(self._handle)

    @property
    def connections(self) -> Connections:
        """How many connections its callers have opened."""
        return self._serving.connections

    def seen(self) -> dict[str, Any]:
        """The counts, as ``GET /seen`` tells them to other processes."""
        statuses = [call.status for call in self.calls]
        counts = {str(each): statuses.count(each) for each in dict.fromkeys(statuses)}
        connections = asdict(self.connections)
        return {"calls": len(statuses), "answered": self.answered, "statuses": counts, "connections": connections}

    def __enter__(self) -> Self:
        self.url = f"{self._serving.start()}/v1"
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._serving.stop()
        blunder = self._blame.error
        if blunder is not None and error is None:
            what = f"{type(blunder).__name__}: {blunder}"
            raise UsageError(f"the fake server's `answer` or `fault` failed: {what}") from blunder

    def __repr__(self) -> str:
        return f"<FakeServer at {self.url or 'rest'}, {len(self.calls)} calls>"

    async def _handle(self, request: BaseRequest) -> StreamResponse:
        if request.method == "GET" and request.path == "/seen":
            return whole(json.dumps(self.seen()).encode())
        self._serving.note(request)
        body, now = _object(await request.read()), time.monotonic()
        plan, answer = self._decided(request, body, now)
        fault, detail = named(plan.fault)
        code = fault.code(detail)
        self.calls.append(Seen(body=body or {}, headers=request.headers, path=request.path_qs, at=now, status=code))
        self._under_way += 1
        try:
            if plan.fault is not None:
                await asyncio.sleep(plan.delay)
            exchange = Exchange(
                request=request,
                reply=reply_to(body or {}, answer, self._model),
                detail=detail,
                delay=0.0 if plan.fault else plan.delay,
            )
            response = await fault.happen(exchange)
        except ConnectionError:
            return whole(b"")  # the caller has gone, as those of a slow loris do
        finally:
            self._under_way -= 1
        self.answered += plan.fault is None
        if not response.prepared:
            response.headers.update(plan.headers)
        return response

    def _decided(self, request: BaseRequest, body: Body | None, now: float) -> tuple[Plan, Answer]:
        """What becomes of a call, and its answer."""
        if request.method != "POST" or not request.path.endswith("/chat/completions"):
            return Plan(fault="status 404"), ""
        if body is None:
            return Plan(fault="status 400"), ""
        with self._blame:
            plan = self.plan(len(self.calls) + 1, body, now=now, under_way=self._under_way)
            answer = self._answer(body) if callable(self._answer) else self._answer
            if not isinstance(answer, str | Mapping):
                raise TypeError(f"the answer is {type(answer).__name__}; give a string, or a mapping to send as it is")
            return plan, answer
        return Plan(fault="status 500"), ""


def _object(data: bytes) -> Body | None:
    """The JSON object that was sent, if it was one."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
