"""An embeddings endpoint as a service: a text in, its vector out, by the way of every other call."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_genaiops.clients import auth, http
from pytest_genaiops.clients.chat import ChatEndpoint
from pytest_genaiops.clients.endpoint import CHAT, Place
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.reply import read, refuse_error
from pytest_genaiops.clients.request import Answer, RefusedError, Request
from pytest_genaiops.clients.secrets import cleaned
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response

PATH = "/embeddings"
LONGEST = 2**16
"""Numbers that a vector may have; models give some thousands."""
_LONGEST_NAME = 200
_MOST = 10**12


class EmbeddingEndpoint(ChatEndpoint):
    """Asks one embedding model of one endpoint (https://platform.openai.com/docs/api-reference/embeddings)."""

    def request_body(self, text: str) -> dict[str, Any]:
        """What is sent for one text."""
        return {"model": self._place().model, "input": text, "encoding_format": "float"}

    async def answer(self, request: Request, pool: Pool) -> Answer:
        """Make one attempt; the answer's text is the vector as JSON. Raises RefusedError."""
        try:
            place = self._place()
            headers = await auth.headers_of(self.endpoint, place, pool)
        except UsageError as error:  # nothing was asked, and another attempt would not be either
            raise RefusedError(str(error)) from None
        data = json.dumps(request.body, ensure_ascii=False, allow_nan=False).encode("utf-8")
        reply = await http.post(pool, place.url, headers=headers, body=data)
        payload = read(reply.body, place.base)
        refuse_error(payload, place.base)
        response = Response(
            text=json.dumps(_vector(payload, place.base), separators=(",", ":")),
            usage=_usage(payload.get("usage")),
            model=_name(payload.get("model")),
            latency=reply.seconds,
            deployment=place.model,
        )
        return self._answer(response, place, reply.headers)

    def _place(self) -> Place:
        place = super()._place()
        path, mark, query = place.url.partition("?")
        return replace(place, url=f"{_path(path)}{mark}{query}", base=_path(place.base))


def vector_of(response: Response) -> list[float]:
    """The vector that an answer of an :class:`EmbeddingEndpoint` holds."""
    found: list[float] = json.loads(response.text)
    return found


def _path(address: str) -> str:
    """The address of embeddings beside the one of chat."""
    base = address.removesuffix(CHAT)
    return base if base.endswith(PATH) else f"{base}{PATH}"


def _vector(payload: Mapping[str, Any], place: str) -> Sequence[float]:
    data = payload.get("data")
    first = data[0] if isinstance(data, list) and data else None
    vector = first.get("embedding") if isinstance(first, dict) else None
    if not isinstance(vector, list) or not 0 < len(vector) <= LONGEST or not all(map(_is_number, vector)):
        raise RefusedError(f"{place} sent JSON without a vector of numbers in data[0].embedding", again=True)
    return vector


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _name(written: Any) -> str | None:
    return cleaned(written[:_LONGEST_NAME]) if isinstance(written, str) and written else None


def _usage(written: Any) -> dict[str, int]:
    tokens = written.get("prompt_tokens") if isinstance(written, dict) else None
    return {"input_tokens": tokens, "output_tokens": 0} if type(tokens) is int and 0 <= tokens <= _MOST else {}
