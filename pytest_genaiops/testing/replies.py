"""What a fake model answers, in the form of OpenAI's chat completions: whole, or as a stream of events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Answer: TypeAlias = str | Mapping[str, Any]
"""A text, or a whole reply that is sent as it is."""

DONE = b"data: [DONE]\n\n"
PIECES = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer before it is written down."""

    text: str
    given: Mapping[str, Any] | None = None
    """What is sent in place of all the rest."""
    model: str
    prompt_tokens: int
    finish_reason: str = "stop"
    streamed: bool = False
    """Whether the caller asked for a stream, and for the usage at its end."""
    streamed_usage: bool = False

    @property
    def usage(self) -> dict[str, int]:
        """Words as tokens."""
        words = len(self.text.split())
        counts = {"prompt_tokens": self.prompt_tokens, "completion_tokens": words}
        return {**counts, "total_tokens": self.prompt_tokens + words}


def reply_to(body: Mapping[str, Any], answer: Answer, model: str | None) -> Reply:
    """The answer to the body of a request; a model of None is the one that was asked for."""
    options = body.get("stream_options")
    return Reply(
        text=answer if isinstance(answer, str) else "",
        given=None if isinstance(answer, str) else answer,
        model=model or str(body.get("model", "fake")),
        prompt_tokens=sum(len(words.split()) for words in _texts(body.get("messages"))),
        streamed=body.get("stream") is True,
        streamed_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
    )


def completion(reply: Reply) -> bytes:
    """The whole answer."""
    if reply.given is not None:
        return json.dumps(reply.given).encode()
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    return json.dumps({**_head(reply, ""), "choices": [choice], "usage": reply.usage}).encode()


def events(reply: Reply) -> list[bytes]:
    """The answer as server-sent events: one a word, then why it ended, the usage if asked for, and ``[DONE]``."""
    if reply.given is not None:
        return [event(reply.given), DONE]
    head = _head(reply, ".chunk")
    written = [event({**head, "choices": [choice]}) for choice in _deltas(reply)]
    if reply.streamed_usage:
        written.append(event({**head, "choices": [], "usage": reply.usage}))
    return [*written, DONE]


def event(content: Any) -> bytes:
    """One server-sent event with JSON content."""
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def error(message: str, code: str) -> bytes:
    """The body of a refusal."""
    return json.dumps({"error": {"message": message, "type": "fake_error", "param": None, "code": code}}).encode()


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    role: dict[str, str] = {"role": "assistant"}
    for piece in PIECES.findall(reply.text) or [""]:
        yield {"index": 0, "delta": {**role, "content": piece}, "finish_reason": None}
        role = {}
    yield {"index": 0, "delta": {}, "finish_reason": reply.finish_reason}


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": f"chat.completion{kind}", "created": 0, "model": reply.model}


def _texts(messages: Any) -> Iterator[str]:
    """The texts of messages as chat requests have them: a string, or parts of which some are text."""
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, Mapping) else None
        for part in content if isinstance(content, list) else [{"text": content}]:
            text = part.get("text") if isinstance(part, Mapping) else None
            if isinstance(text, str):
                yield text
