"""A server that says exactly what a test wants, byte by byte, and chat completions to say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

from pytest_genaiops.clients.chat import ChatEndpoint
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import Answer, RefusedError, Request

T = TypeVar("T")
Reply = bytes | Callable[[asyncio.StreamWriter], Awaitable[bool | None]]
PLACE = "v1.yaml:2"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    async def within() -> T:
        async with asyncio.timeout(20):
            return await coroutine

    return asyncio.run(within())


def head(status: str = "200 OK", **headers: object) -> bytes:
    """The start of a reply; ``_`` in a header's name is ``-``."""
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def reply(body: bytes | object, status: str = "200 OK", **headers: object) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, **{"Content_Type": "application/json", "Content_Length": len(data), **headers}) + data


def completion(content: object = "Yes.", **fields: Any) -> dict[str, Any]:
    """A chat completion as https://platform.openai.com/docs/api-reference/chat/object has it."""
    message = {"role": "assistant", "content": content, **fields.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **fields.pop("choice", {})}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    return {"id": "c1", "object": "chat.completion", "model": "small", "choices": [choice], "usage": usage, **fields}


def chunks(*events: object, end: str = "data: [DONE]\n\n") -> bytes:
    """A reply of server-sent events."""
    data = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + end
    return head(Content_Type="text/event-stream", Content_Length=len(data.encode())) + data.encode()


def delta(finish_reason: str | None = None, **said: object) -> dict[str, Any]:
    return {"model": "small", "choices": [{"index": 0, "delta": said, "finish_reason": finish_reason}]}


class Wire:
    """Answers call by call what it was given, the last for ever.

    Functions write themselves, and then it hangs up unless they give True.
    """

    def __init__(self, *replies: Reply) -> None:
        self._replies = [*replies]
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                start = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lengths = [line for line in start.lower().splitlines() if line.startswith("content-length:")]
                self.heads.append(start)
                self.bodies.append(await reader.readexactly(int(lengths[0].split(":")[1])) if lengths else b"")
                answer = self._replies[min(len(self.heads), len(self._replies)) - 1]
                if not isinstance(answer, bytes):
                    if not await answer(writer):
                        break
                else:
                    writer.write(answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def header(self, name: str, call: int = 0) -> str | None:
        """What a call sent under this name."""
        lines = [line.partition(": ") for line in self.heads[call].splitlines()[1:]]
        return next((value for key, _, value in lines if key.lower() == name.lower()), None)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def refusal(coroutine: Coroutine[Any, Any, object]) -> RefusedError:
    try:
        await coroutine
    except RefusedError as error:
        return error
    raise AssertionError("it was not refused")


def pool() -> Pool:
    return Pool(concurrency=4, timeout=None)


def chat(model: Mapping[str, Any]) -> ChatEndpoint:
    return ChatEndpoint(Endpoint.of(model, PLACE))


async def ask(model: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Answer:
    """One attempt, on connections of its own."""
    service, connections = chat(model), pool()
    body = service.body([{"role": "user", "content": "Is it?"}], parameters or {})
    try:
        return await service.answer(Request(service=service.identity, body=body), connections)
    finally:
        await connections.close()


def answered(*replies: Reply, model: Mapping[str, Any] | None = None, **parameters: Any) -> Answer:
    """What a model at a server that replies so is read as."""

    async def asked() -> Answer:
        async with Wire(*replies) as wire:
            return await ask({"name": "small", "base_url": wire.url, **(model or {})}, parameters)

    return run(asked())


def refused(*replies: Reply, model: Mapping[str, Any] | None = None, **parameters: Any) -> RefusedError:
    """The refusal that such a reply is."""

    async def asked() -> RefusedError:
        async with Wire(*replies) as wire:
            return await refusal(ask({"name": "small", "base_url": wire.url, **(model or {})}, parameters))

    return run(asked())
