"""A streamed answer (server-sent events), put together to what it would have been in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Any

from pytest_genaiops.clients.http import HttpStream
from pytest_genaiops.clients.reply import read, refuse_error
from pytest_genaiops.clients.request import RefusedError

DONE = b"[DONE]"
_MANY = 1000
"""Pieces of text that are kept apart."""
_TOOLS = 1000
"""Tool calls that one answer may have."""


async def assembled(stream: HttpStream, place: str) -> tuple[Mapping[str, Any], float | None]:
    """A chat completion from its pieces, and the seconds from the call to the first of them that said something.

    ``place`` is the address in messages. Raises RefusedError, to be tried again, for a stream that ends before the
    answer does, and for an error in it.
    """
    answer, events, first = Answer(), Events(), None
    async with aclosing(stream.pieces()) as pieces:
        async for piece in pieces:
            for data in events.feed(piece):
                if answer.add(_chunk(data, place)) and first is None:
                    first = stream.seconds
            if answer.done:
                break
    for data in events.end():
        answer.add(_chunk(data, place))
    if not answer.complete:
        raise RefusedError(f"{place} ended the stream before the answer was complete", again=True)
    await stream.finish()
    return answer.payload(), first


def _chunk(data: bytes, place: str) -> Mapping[str, Any] | None:
    """The JSON of an event; None for the one that ends the stream."""
    if data == DONE:
        return None
    chunk = read(data, place)
    refuse_error(chunk, place)
    return chunk


class Events:
    """Server-sent events (WHATWG HTML, 9.2.6) from bytes, whatever the pieces in which they arrive.

    An event is the data of its lines up to a blank line. Comments, names and ids are passed over.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        """A line whose end has not arrived."""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of the events that this piece completes."""
        head, *more = piece.split(b"\n")
        self._waiting.append(head)
        for rest in more:
            line = b"".join(self._waiting).removesuffix(b"\r")
            self._waiting = [rest]
            yield from self._line(line)

    def end(self) -> Iterator[bytes]:
        """The data of an event that the stream ended with, without a blank line."""
        yield from self.feed(b"\n\n")

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            yield b"\n".join(self._data)
            self._data = []


class Answer:
    """What the pieces of the first choice have said so far."""

    def __init__(self) -> None:
        self.done = False
        """Whether the stream has said that it is over."""
        self._model: Any = None
        self._usage: Any = None
        self._finish: Any = None
        self._choice: dict[str, Any] = {}
        self._content: list[str] = []
        self._refusal: list[str] = []
        self._tokens: list[Any] = []
        self._calls: dict[int, dict[str, Any]] = {}

    @property
    def complete(self) -> bool:
        """Whether the model has said why it stopped.

        That the stream is over says less: llama.cpp's server ends one with [DONE] where the next call interrupts it.
        """
        return self._finish is not None

    def add(self, chunk: Mapping[str, Any] | None) -> bool:
        """Take in a piece, None being the end; whether it said something of the answer.

        Pieces about usage or filters have no choices.
        """
        if chunk is None:
            self.done = True
            return False
        self._model = self._model or chunk.get("model")
        self._usage = chunk.get("usage") or self._usage
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index", 0) == 0:
                return self._add(choice)
        return False

    def _add(self, choice: Mapping[str, Any]) -> bool:
        self._finish = choice.get("finish_reason") or self._finish
        self._choice.update(choice)
        logprobs = choice.get("logprobs")
        tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
        self._tokens += tokens if isinstance(tokens, list) else []
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return False
        said = [self._said(delta.get("content"), self._content), self._said(delta.get("refusal"), self._refusal)]
        calls = delta.get("tool_calls")
        given = [each for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []
        if isinstance(delta.get("function_call"), dict):
            given = [{"index": 0, "function": delta["function_call"]}]
        for each in given:
            self._call(each)
        return any(said) or bool(given)

    def _said(self, piece: Any, pieces: list[str]) -> bool:
        if isinstance(piece, list):
            found = [each.get("text") for each in piece if isinstance(each, dict) and each.get("type") == "text"]
            piece = "".join(each for each in found if isinstance(each, str))
        if isinstance(piece, str) and piece:
            pieces.append(piece)
            if len(pieces) > _MANY:  # a string a token takes ten times what the text does
                pieces[:] = ["".join(pieces)]
            return True
        return False

    def _call(self, piece: Mapping[str, Any]) -> None:
        """A call comes under one index: its name and id once, its arguments in pieces of text."""
        index = piece.get("index")
        if type(index) is not int:  # some servers send each call whole, without one
            index = len(self._calls)
        if index not in self._calls and len(self._calls) >= _TOOLS:
            return
        call = self._calls.setdefault(index, {"id": None, "name": [], "arguments": []})
        call["id"] = call["id"] or piece.get("id")
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        for key in ("name", "arguments"):
            if isinstance(function.get(key), str):
                call[key].append(function[key])

    def payload(self) -> Mapping[str, Any]:
        """The same answer as an endpoint gives it in one piece."""
        calls = [
            {"id": call["id"], "function": {"name": "".join(call["name"]), "arguments": "".join(call["arguments"])}}
            for _, call in sorted(self._calls.items())
        ]
        message = {"content": "".join(self._content), "refusal": "".join(self._refusal), "tool_calls": calls}
        choice = {
            **self._choice,
            "message": message,
            "finish_reason": self._finish,
            "logprobs": {"content": self._tokens},
        }
        return {"model": self._model, "usage": self._usage, "choices": [choice]}
