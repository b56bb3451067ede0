"""A client of the standard library: it shares no code with what it tries."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "one two three"}]}


@dataclass(frozen=True)
class Got:
    status: int
    headers: Message[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        text: str = self.json["choices"][0]["message"]["content"]
        return text

    @property
    def events(self) -> list[str]:
        """What stands behind ``data:`` in each event."""
        return [part.removeprefix("data: ") for part in self.body.decode().split("\n\n") if part]


def connected(url: str, timeout: float = 60.0) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)


def asked(
    url: str,
    body: Any = QUESTION,
    *,
    path: str = "/chat/completions",
    headers: Mapping[str, str] | None = None,
    connection: http.client.HTTPConnection | None = None,
) -> Got:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    link = connection or connected(url)
    try:
        link.request("POST", urlsplit(url).path + path, data, dict(headers or {}))
        reply = link.getresponse()
        return Got(reply.status, reply.headers, reply.read())
    finally:
        if connection is None:
            link.close()
