"""A chat endpoint as a service: our parameters in its words, and its answers as responses."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_genaiops.clients import auth, http
from pytest_genaiops.clients.endpoint import TOKEN_KEYS, Endpoint, Place
from pytest_genaiops.clients.headers import allowance_of
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.reply import read, response_of, served_as
from pytest_genaiops.clients.request import Answer, RefusedError, Request
from pytest_genaiops.clients.stream import assembled
from pytest_genaiops.clients.structured import response_format_of, tools_of
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response

_REASONING = re.compile(r"o\d+(?!\w)|gpt-(?:[5-9]|1\d)(?!\d)")
"""Models that refuse ``max_tokens`` for ``max_completion_tokens``: o1 and after, gpt-5 and after."""
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class ChatEndpoint:
    """Asks one model of one endpoint; a ``Service``."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._variables = endpoint.variables
        self._resolved: tuple[list[str | None], Place] | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """What answers depend on beside the body: where the model is now, and what else the variant says of it.

        Raises UsageError where the environment does not say where that is.
        """
        endpoint, place = self.endpoint, self._place()
        found = {"kind": endpoint.kind, "url": place.base, "model": place.model}
        if endpoint.api_version:
            found["api_version"] = endpoint.api_version
        rest = {"headers": endpoint.headers, "settings": endpoint.settings}
        return {**found, **{key: dict(value) for key, value in rest.items() if value}}

    @property
    def name(self) -> str:
        """The model at its host: limits are set for both together."""
        place = self._place()
        return f"{place.model} at {place.host}"

    @property
    def model(self) -> str | None:
        """The model or deployment that is asked for."""
        return self._place().model

    def body(self, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent for these messages, in the words of the chat API; what it does not know goes as it is.

        Raises UsageError for more than one answer at a time, and for tools and outputs that the API has no form for.
        """
        endpoint, place = self.endpoint, self._place()
        given = {key: value for key, value in parameters.items() if value is not None}
        if given.get("n", 1) != 1:
            raise UsageError(
                f"{endpoint.place}: n is {quoted(given['n'])}; ask for one answer, and write trials= for more"
            )
        if "max_tokens" in given:
            given[self._max_tokens_key(place)] = given.pop("max_tokens")
        if "tools" not in given and endpoint.tools:
            given["tools"] = tools_of(endpoint.tools, endpoint.place)
        if "response_format" not in given and endpoint.outputs:
            given["response_format"] = response_format_of(endpoint.outputs, endpoint.place)
        if given.pop("stream", None) or endpoint.stream:
            given |= {"stream": True, "stream_options": {"include_usage": True}}
        sent = {"model": place.model, "messages": [dict(message) for message in messages], **given}
        return {key: value for key, value in sent.items() if value is not None}

    async def answer(self, request: Request, pool: Pool) -> Answer:
        """Make one attempt. Raises RefusedError, for a key that is not set as well."""
        try:
            place = self._place()
            headers = await auth.headers_of(self.endpoint, place, pool)
        except UsageError as error:  # nothing was asked, and another attempt would not be either
            raise RefusedError(str(error)) from None
        data = _encode(request.body).encode("utf-8")
        offered = bool(request.body.get("tools") or request.body.get("functions"))
        asked: dict[str, Any] = {"deployment": place.model, "offered": offered}
        if not request.body.get("stream"):
            reply = await http.post(pool, place.url, headers=headers, body=data)
            payload = read(reply.body, place.base)
            return self._answer(response_of(payload, place.base, latency=reply.seconds, **asked), place, reply.headers)
        async with http.opened(pool, place.url, headers=headers, body=data) as stream:
            if stream.headers.get("content-type", "").startswith("application/json"):  # it does not stream
                payload, first = read(await stream.body(), place.base), None
            else:
                payload, first = await assembled(stream, place.base)
            response = response_of(payload, place.base, first_token=first, latency=stream.seconds, **asked)
            return self._answer(response, place, stream.headers)

    def _place(self) -> Place:
        """Where the endpoint is now; worked out anew when the environment says something else."""
        values = [*map(os.environ.get, self._variables)]
        if self._resolved is None or self._resolved[0] != values:
            self._resolved = values, self.endpoint.resolve()
        return self._resolved[1]

    def _answer(self, response: Response, place: Place, headers: Mapping[str, str]) -> Answer:
        served, declared = response.model, place.name
        if served is not None and declared is not None and not served_as(declared, served, self.endpoint.served):
            what = f"the model {quoted(served)} answered, and the variant names {quoted(declared)}"
            mend = f"name the model that is there, or write served: {quoted(served)} where that is meant"
            raise RefusedError(f"{place.base}: {what}; {mend}", kind="model")
        return Answer(response=response, allowance=allowance_of(headers))

    def _max_tokens_key(self, place: Place) -> str:
        name = (place.name or place.model).lower().rpartition("/")[2]
        return self.endpoint.max_tokens_key or TOKEN_KEYS[_REASONING.match(name) is not None]
