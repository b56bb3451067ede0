"""What can go wrong between a client and a model: each fault by a name that a test can ask for."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_genaiops.errors import UsageError
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.testing.replies import Reply, completion, error, event, events

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, StreamResponse

JSON = "application/json"
STREAM = "text/event-stream"
HUGE = 10 * 2**30
"""Bytes at which even an endless body ends: a client without a bound fails before."""
PIECE = 2**16
DEPTH = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call that goes wrong."""

    request: BaseRequest
    reply: Reply
    """What would have been answered."""
    detail: str
    """What stands behind the fault's name, such as ``503`` in ``status 503``."""
    delay: float
    """Seconds to take over the answer; what goes wrong is late already."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail."""

    what: str
    """What the client meets, for people."""
    status: int | None
    """The status of the reply; None where there is none, or where the detail says it."""
    happen: Callable[[Exchange], Awaitable[StreamResponse]]
    detail: str = ""
    """The detail of a name without one; empty for a fault that takes none."""
    check: Callable[[str], object] = str
    """Raises ValueError for a detail that means nothing."""

    def code(self, detail: str) -> int | None:
        """The status that the caller gets; None where there is none."""
        return int(detail) if self.check is status else self.status


def named(name: str | None) -> tuple[Fault, str]:
    """A fault by its name, and its detail: ``drop``, ``status`` or ``status 503``; None is no fault.

    Raises UsageError for a name or detail that nobody knows.
    """
    if name is None:
        return NONE, ""
    for known, fault in FAULTS.items():
        if name == known:
            return fault, fault.detail
        if fault.detail and isinstance(name, str) and name.startswith(f"{known} "):
            detail = name.removeprefix(f"{known} ")
            try:
                fault.check(detail)
            except ValueError:
                example = f"{known} {fault.detail}"
                raise UsageError(f"the fault {name!r} has a detail that means nothing; write {example!r}") from None
            return fault, detail
    raise UsageError(f"an unknown fault {name!r}; {did_you_mean(str(name), list(FAULTS))}")


def seconds(detail: str) -> float:
    """A number of seconds. Raises ValueError."""
    number = float(detail)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(detail)
    return number


def status(detail: str) -> int:
    """A status of HTTP that is no success. Raises ValueError."""
    number = int(detail)
    if not 300 <= number <= 599:
        raise ValueError(detail)
    return number


async def answered(exchange: Exchange) -> StreamResponse:
    """The answer itself, with nothing wrong."""
    reply = exchange.reply
    if not reply.streamed:
        await asyncio.sleep(exchange.delay)
        return whole(completion(reply))
    first, *rest = events(reply)
    if not exchange.delay:
        return whole(b"".join([first, *rest]), STREAM)
    await asyncio.sleep(exchange.delay / 2)
    response = await _begun(exchange)
    await response.write(first)
    await asyncio.sleep(exchange.delay / 2)
    await response.write(b"".join(rest))
    return response


async def _refused(exchange: Exchange) -> StreamResponse:
    code = exchange.detail
    return whole(error(f"The fake server answers with {code}.", code), status=status(code))


async def _malformed(exchange: Exchange) -> StreamResponse:
    if exchange.reply.streamed:
        return whole(b'data: {"choices": [{"delta"\n\ndata: [DONE]\n\n', STREAM)
    return whole(completion(exchange.reply)[:-20])


async def _wrong_shape(exchange: Exchange) -> StreamResponse:
    content = {"object": "chat.completion", "model": exchange.reply.model, "answer": exchange.reply.text}
    if exchange.reply.streamed:
        return whole(event(content) + b"data: [DONE]\n\n", STREAM)
    return whole(json.dumps(content).encode())


async def _empty(exchange: Exchange) -> StreamResponse:
    return whole(b"")


async def _truncated(exchange: Exchange) -> StreamResponse:
    reply = exchange.reply
    body = b"".join(events(reply)[:-3]) if reply.streamed else completion(reply)
    response = await _begun(exchange, length=None if reply.streamed else len(body))
    await response.write(body if reply.streamed else body[: len(body) // 2])
    _transport(exchange).close()
    return response


async def _dropped(exchange: Exchange) -> StreamResponse:
    _transport(exchange).close()
    return whole(b"")


async def _reset(exchange: Exchange) -> StreamResponse:
    transport = _transport(exchange)
    # Lingering for no time at all is what makes closing a reset instead of an end.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return whole(b"")


async def _loris(exchange: Exchange) -> StreamResponse:
    response = await _begun(exchange)
    start = b'data: {"choices": [' if exchange.reply.streamed else b'{"choices": ['
    for byte in start:
        await response.write(bytes([byte]))
        await asyncio.sleep(1.0)
    while True:
        await response.write(b" ")
        await asyncio.sleep(1.0)


async def _huge(exchange: Exchange) -> StreamResponse:
    return await _endless(exchange, b'{"choices": [{"message": {"content": "', [b"x" * PIECE])


async def _endless_stream(exchange: Exchange) -> StreamResponse:
    piece = events(replace(exchange.reply, text="again "))[0]
    return await _endless(exchange, b"", [piece * (PIECE // len(piece))], content_type=STREAM)


async def _gzip_bomb(exchange: Exchange) -> StreamResponse:
    return await _endless(exchange, b"", _deflated(2**20), encoding="gzip", unit=2**20)


async def _deep(exchange: Exchange) -> StreamResponse:
    body = b'{"choices": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    if exchange.reply.streamed:
        return whole(b"data: " + body + b"\n\ndata: [DONE]\n\n", STREAM)
    return whole(body)


async def _redirected(exchange: Exchange) -> StreamResponse:
    return whole(b"", status=302, headers={"Location": exchange.detail})


async def _surrogate(exchange: Exchange) -> StreamResponse:
    return await answered(replace(exchange, reply=replace(exchange.reply, text=f"{exchange.reply.text} \ud83d")))


async def _wrong_model(exchange: Exchange) -> StreamResponse:
    return await answered(replace(exchange, reply=replace(exchange.reply, model=exchange.detail)))


async def _filtered(exchange: Exchange) -> StreamResponse:
    reply = replace(exchange.reply, text="", finish_reason="content_filter")
    return await answered(replace(exchange, reply=reply))


async def _echoed(exchange: Exchange) -> StreamResponse:
    headers = exchange.request.headers
    given = [headers[name] for name in ("Authorization", "api-key", "x-api-key") if name in headers]
    message = f"Incorrect API key provided: {', '.join(given)}. You asked for {exchange.request.path_qs}."
    return whole(error(message, "invalid_api_key"), status=401)


def _deflated(size: int) -> Iterator[bytes]:
    """A gzip stream of zeros without end: the header, and blocks that each stand for ``size`` bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(b"\0" * size) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block depends on nothing before it, so that the same one can be sent again and again.
    yield packer.compress(b"\0" * size) + packer.flush(zlib.Z_FULL_FLUSH)


async def _endless(
    exchange: Exchange,
    start: bytes,
    pieces: Any,
    *,
    content_type: str = JSON,
    encoding: str | None = None,
    unit: int = PIECE,
) -> StreamResponse:
    """Send a start, the pieces, and the last of them again until ``HUGE`` bytes of content, in units of the piece."""
    response = await _begun(exchange, content_type=content_type, encoding=encoding)
    await response.write(start)
    piece = b""
    for piece in pieces:
        await response.write(piece)
    for _ in range(HUGE // unit):
        await response.write(piece)
    return response


async def _begun(
    exchange: Exchange,
    *,
    length: int | None = None,
    content_type: str | None = None,
    encoding: str | None = None,
) -> StreamResponse:
    """A reply whose headers are sent."""
    from aiohttp.web import StreamResponse

    response = StreamResponse(headers={"Content-Encoding": encoding} if encoding else None)
    response.content_type = content_type or (STREAM if exchange.reply.streamed else JSON)
    response.content_length = length
    await response.prepare(exchange.request)
    return response


def whole(
    body: bytes, content_type: str = JSON, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> StreamResponse:
    """A reply that is sent at once."""
    from aiohttp.web import Response

    return Response(body=body, status=status, headers={"Content-Type": content_type, **(headers or {})})


def _transport(exchange: Exchange) -> Any:
    transport = exchange.request.transport
    if transport is None:  # the caller has gone before
        raise ConnectionResetError
    return transport


NONE = Fault("the answer", 200, answered)
METADATA = "http://169.254.169.254/latest/meta-data/"

FAULTS: Mapping[str, Fault] = {
    "latency": Fault("the answer, so many seconds late", 200, answered, "5", seconds),
    "storm": Fault("429 for so many seconds from the first such call, then the answer", 200, answered, "2", seconds),
    "status": Fault("this status of HTTP, with an error in JSON", None, _refused, "500", status),
    "malformed": Fault("a body that is not JSON", 200, _malformed),
    "wrong shape": Fault("JSON without choices", 200, _wrong_shape),
    "empty": Fault("a body of no bytes", 200, _empty),
    "truncated": Fault("half of the answer, then the connection is closed", 200, _truncated),
    "drop": Fault("the connection is closed without a word", None, _dropped),
    "reset": Fault("the connection is reset", None, _reset),
    "slow loris": Fault("one byte a second, for ever", 200, _loris),
    "wrong model": Fault("an answer of another model", 200, _wrong_model, "another-model"),
    "huge": Fault("a body of 10 GB", 200, _huge),
    "endless stream": Fault("a stream of events that does not end before 10 GB", 200, _endless_stream),
    "gzip bomb": Fault("10 MB that unpack to 10 GB", 200, _gzip_bomb),
    "deep json": Fault("100,000 lists within each other", 200, _deep),
    "redirect": Fault("a redirect to this URL", 302, _redirected, METADATA),
    "surrogate": Fault("half a character at the end of the answer", 200, _surrogate),
    "filtered": Fault("no text, and content_filter as the reason", 200, _filtered),
    "echo key": Fault("401 with a message that quotes the key", 401, _echoed),
}
"""Every fault by name."""
