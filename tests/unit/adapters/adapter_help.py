"""A judge that replies by the form it is asked for, with a model of vectors beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from pytest_genaiops.testing.serving import Serving

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, StreamResponse

REPLIES: Mapping[str, Any] = {
    "StatementGeneratorOutput": {"statements": ["It opens at nine.", "It is free."]},
    "NLIStatementOutput": {
        "statements": [
            {"statement": "It opens at nine.", "reason": "said", "verdict": 1},
            {"statement": "It is free.", "reason": "not said", "verdict": 0},
        ]
    },
    "AnswerRelevanceOutput": {"question": "When does it open?", "noncommittal": 0},
    "ClaimDecompositionOutput": {"claims": ["It opens at nine.", "It is free."]},
    "ContextRelevanceOutput": {"rating": 1},
    "ResponseGroundednessOutput": {"rating": 2},
}
Answer = Callable[[Mapping[str, Any]], Any]


class Model:
    """Serves chat completions and embeddings within a ``with`` block.

    ``replies`` go over the usual ones: by name of the form an object, a text that is sent as it is, or a status.
    ``vector`` gives the vector of a text.
    """

    def __init__(self, replies: Mapping[str, Any] | None = None, vector: Answer | None = None) -> None:
        self._replies = {**REPLIES, **(replies or {})}
        self._vector = vector or (lambda text: [1.0, 0.0])
        self._serving = Serving(self._handle)
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []

    def __enter__(self) -> Self:
        self.url = f"{self._serving.start()}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.stop()

    @property
    def judge(self) -> dict[str, Any]:
        """Both of its models, as a judge's file names them."""
        return {"model": {"name": "small", "base_url": self.url}, "embeddings": {"name": "vec", "base_url": self.url}}

    @property
    def asked(self) -> list[str]:
        """The forms that were asked for, in this order; ``vector`` for a vector."""
        return [_form(body) for body in self.bodies]

    async def _handle(self, request: BaseRequest) -> StreamResponse:
        from aiohttp import web

        body = json.loads(await request.read())
        self.bodies.append(body)
        self.paths.append(request.path)
        if "input" in body:
            data = [{"index": 0, "embedding": self._vector(body["input"])}]
            return web.json_response({"data": data, "model": "vec", "usage": {"prompt_tokens": 3, "total_tokens": 3}})
        reply = self._replies[_form(body)]
        if isinstance(reply, int):
            return web.json_response({"error": {"message": "no"}}, status=reply)
        text = reply if isinstance(reply, str) else json.dumps(reply)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 2}
        return web.json_response({"model": "small", "choices": [choice], "usage": usage})


def _form(body: Mapping[str, Any]) -> str:
    return "vector" if "input" in body else str(body["response_format"]["json_schema"]["name"])
