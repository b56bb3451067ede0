"""Any HTTP API as the system under test: a JSON body of templates, and JMESPath for what its reply says."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, TypedDict, Unpack
from urllib.parse import parse_qsl, urlsplit

from pytest_genaiops.clients.current import ask
from pytest_genaiops.clients.http import post, shown, words
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import Answer, RefusedError, Request
from pytest_genaiops.clients.secrets import (
    REFERENCE,
    Headers,
    cleaned,
    from_environment,
    remember,
    without_secrets,
)
from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import NOTHING, Case, Response, ResponseError
from pytest_genaiops.registry import did_you_mean
from pytest_genaiops.targets.address import checked_headers, checked_url
from pytest_genaiops.targets.body import Body
from pytest_genaiops.targets.keys import LOOKED_AT, checked_version
from pytest_genaiops.variants import Variant

METHODS = ("POST", "PUT", "PATCH")
_PLACE = "http_target"
_START = re.compile(r"\$\{env:[^}]*\}|[a-z]+://[^/?#]*", re.IGNORECASE)
"""What says which service it is; the rest of a URL may hold keys."""


class Paths(TypedDict, total=False):
    """Where a reply has the fields of a Response: JMESPath expressions (https://jmespath.org)."""

    answer: str
    """The text; ``text`` unless given."""
    contexts: str
    retrieved: str
    label: str
    probabilities: str
    tool_calls: str
    finish_reason: str
    model: str
    usage: Mapping[str, str]
    """Kind of token, such as ``input_tokens`` and ``output_tokens`` -> where its count is."""


def http_target(
    url: str,
    *,
    body: Mapping[str, Any],
    headers: Mapping[str, str] = NOTHING,
    method: str = "POST",
    version: str = "",
    **paths: Unpack[Paths],
) -> HttpTarget:
    """A target that asks an HTTP API.

    ::

        http_target(
            "${env:APP_URL}/answer",
            body={"question": "{{ question }}", "top_k": "{{ variant.rag.top_k }}"},
            headers={"Authorization": "Bearer ${env:APP_KEY}"},
            answer="result.text",
            contexts="result.passages[].text",
            usage={"input_tokens": "usage.prompt", "output_tokens": "usage.completion"},
        )

    ``url`` and ``headers`` take variables of the environment as ``${env:NAME}``, filled in when the app is called and
    never kept. ``body`` is a mapping of templates (:class:`~pytest_genaiops.targets.body.Body`). ``version`` tells
    apart what changes behind one address: with another one nothing is answered from the cache. Raises UsageError for
    an address, header, template or expression that cannot be right.
    """
    app = _App(
        url=checked_url(url, _PLACE),
        headers=checked_headers(headers, _PLACE, example="{'X-Tenant': 'acme'}"),
        method=_checked_method(method),
        version=checked_version(version, _PLACE),
    )
    return HttpTarget(app=app, body=Body(body), reading=_Reading(paths))


class HttpTarget:
    """Asks an app over HTTP; made by :func:`http_target`."""

    __slots__ = ("_app", "_body", "_reading")

    def __init__(self, *, app: _App, body: Body, reading: _Reading) -> None:
        self._app = app
        self._body = body
        self._reading = reading

    async def __call__(self, case: Case, variant: Variant) -> Response:
        """The app's answer. Raises UsageError where the case lacks what the body uses."""
        kept = await ask(_Asked(self._app, self._reading), self._body.render(case, variant))
        return kept if kept.error is not None else self._reading.response(kept, self._app.shown)

    def __repr__(self) -> str:
        return f"<http target {self._app.shown}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _App:
    """Where an app is, as written: with references to the environment, without their values."""

    url: str
    headers: Mapping[str, str]
    method: str
    version: str

    @property
    def shown(self) -> str:
        """The address as messages show it."""
        return shown(self.url)

    @property
    def identity(self) -> dict[str, Any]:
        """What is written, and which place that means today: its origin, and a digest of its path.

        What the environment adds to the query is taken for a key and left out.
        """
        said: dict[str, Any] = {"kind": "http", "method": self.method, "url": self.url}
        if REFERENCE.search(self.url):
            parts = urlsplit(self.resolved())
            said["origin"] = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            said["path"] = blake2b(parts.path.encode(), digest_size=8).hexdigest()
        if self.headers:
            said["headers"] = dict(self.headers)
        return {**said, "version": self.version} if self.version else said

    def resolved(self) -> str:
        """The address to call. Raises UsageError where a variable is not set."""
        start = _START.match(self.url)
        end = start.end() if start else 0
        place = from_environment(self.url[:end], _PLACE)
        for _, value in parse_qsl(urlsplit(place).query):
            remember(value)
        return place + from_environment(self.url[end:], _PLACE, hide=True)

    def filled(self) -> Headers:
        """The headers to send. Raises UsageError where a variable is not set."""
        return Headers({name: from_environment(text, _PLACE, hide=True) for name, text in self.headers.items()})


class _Asked:
    """The app as a service. What it keeps is the whole reply, so that other expressions can read it again."""

    __slots__ = ("_app", "_reading")

    def __init__(self, app: _App, reading: _Reading) -> None:
        self._app = app
        self._reading = reading

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._app.identity

    @property
    def name(self) -> str:
        parts = urlsplit(self._app.resolved())
        return without_secrets(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")

    @property
    def model(self) -> str | None:
        return None

    async def answer(self, request: Request, pool: Pool) -> Answer:
        """Make one attempt. Raises RefusedError, also for a reply without an answer: it would be kept as one."""
        url = self._app.resolved()
        sent = json.dumps(request.body, ensure_ascii=False).encode()
        reply = await post(pool, url, headers=self._app.filled(), body=sent, method=self._app.method)
        said = _parsed(reply.body, shown(url))
        fault = self._reading.fault(said)
        if fault:
            raise RefusedError(without_secrets(f"{shown(url)}: {fault}"))
        found = self._reading.counted(said)
        return Answer(response=replace(found, text=_written(said), latency=reply.seconds), allowance=reply.allowance)


class _Reading:
    """What expressions find in a reply."""

    __slots__ = ("_fields", "_usage")

    def __init__(self, paths: Mapping[str, Any]) -> None:
        for name in paths:
            if name not in Paths.__annotations__:
                raise UsageError(
                    f"http_target takes no {quoted(name)}; {did_you_mean(name, list(Paths.__annotations__))}"
                )
        usage = paths.get("usage") or {}
        if not isinstance(usage, Mapping):
            raise UsageError(f"usage={quoted(usage)} is no mapping; write usage={{'input_tokens': '<expression>'}}")
        self._usage = {str(kind): _Expression(f"usage[{kind!r}]", text) for kind, text in usage.items()}
        given = {name: text for name, text in paths.items() if name == "answer" or text is not None}
        named = {"answer": "text", **given}
        self._fields = {name: _Expression(name, text) for name, text in named.items() if name != "usage"}

    def fault(self, said: Any) -> str:
        """Why a reply is no answer; empty where it is one."""
        try:
            found = self._fields["answer"].find(said)
        except UsageError as error:
            return str(error)
        if isinstance(found, str):
            return ""
        if found is None:
            return self._fields["answer"].nothing(said)
        return f"{self._fields['answer']} finds {quoted(found)}, which is no text; to_string(…) makes it text"

    def counted(self, said: Any) -> Response:
        """Tokens and model of a reply, as far as it tells: budgets count them when the call is made."""
        try:
            return Response(usage=self._counts(said), model=self._model(said))
        except UsageError:
            return Response()  # told when the reply is read

    def response(self, kept: Response, place: str) -> Response:
        """A kept reply as the response that its fields make; an error of kind ``target`` where one is missing."""
        said = json.loads(kept.text)
        try:
            fault = self.fault(said)
            if fault:
                raise UsageError(fault)
            return replace(kept, usage=self._counts(said), **self._found(said))
        except UsageError as error:
            message = without_secrets(f"{place}: {error}")
            return Response(error=ResponseError(kind="target", message=message), latency=kept.latency)

    def _found(self, said: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"text": self._fields["answer"].find(said), "model": self._model(said)}
        for name, expression in self._fields.items():
            if name in ("answer", "model"):
                continue
            found[name] = expression.find(said)
            if found[name] is None:
                raise UsageError(expression.nothing(said))
        return found

    def _model(self, said: Any) -> str | None:
        found = self._fields["model"].find(said) if "model" in self._fields else None
        if found is not None and not isinstance(found, str):
            raise UsageError(f"{self._fields['model']} finds {quoted(found)}, which is no text")
        return found

    def _counts(self, said: Any) -> dict[str, int]:
        counts = {}
        for kind, expression in self._usage.items():
            found = expression.find(said)
            if isinstance(found, bool) or not (found is None or (isinstance(found, int) and found >= 0)):
                raise UsageError(f"{expression} finds {quoted(found)}, which is no number of tokens")
            if found is not None:
                counts[kind] = found
        return counts


class _Expression:
    """One JMESPath expression, compiled."""

    __slots__ = ("_compiled", "_name", "_text")

    def __init__(self, name: str, text: Any) -> None:
        import jmespath
        from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

        self._name = name
        self._text = text
        if not isinstance(text, str):
            raise UsageError(f"{name}={quoted(text)} is no JMESPath expression; give a text such as 'result.text'")
        try:
            self._compiled = jmespath.compile(text)
        except JMESPathError as error:
            raise UsageError(f"{self} is no JMESPath expression: {_line(error)}") from None
        try:
            self._compiled.search({})
        except (ArityError, UnknownFunctionError) as error:
            raise UsageError(f"{self} calls a function that JMESPath does not have: {_line(error)}") from None
        except JMESPathError:
            pass  # a function that wants more than an empty reply

    def find(self, said: Any) -> Any:
        """What it finds in a reply; None for nothing. Raises UsageError where a function gets what it cannot take."""
        from jmespath.exceptions import JMESPathError

        try:
            return self._compiled.search(said)
        except JMESPathError as error:
            raise UsageError(f"{self} fails: {_line(error)}") from None

    def nothing(self, said: Any) -> str:
        """That it finds nothing, and what there is."""
        there = f"whose keys are {listed(said)}" if isinstance(said, Mapping) else f"which is {quoted(said)}"
        if isinstance(said, Mapping) and not said:
            there = "which is empty"
        own = words(said)[0] if isinstance(said, Mapping) else ""
        return f"{self} finds nothing in the reply, {there}" + (f"; it says {own}" if own else "")

    def __str__(self) -> str:
        return f"{self._name}={quoted(self._text)}"


def _line(error: Exception) -> str:
    return quoted(" ".join(str(error).split()))


def _parsed(body: bytes, place: str) -> Any:
    """The JSON of a reply. It came whole, so another attempt would give no better one."""
    try:
        return cleaned(json.loads(body, parse_constant=_refuse))
    except (ValueError, RecursionError):
        start = quoted(without_secrets(body[:LOOKED_AT].decode("utf-8", "replace")))
        raise RefusedError(f"{place} sent a reply that is no JSON: {start}") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _written(said: Any) -> str:
    """The reply as text that can be kept; half of a character, as in a text cut in two, is written as an escape."""
    text = json.dumps(said, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(said)
    return text


def _checked_method(method: object) -> str:
    if method not in METHODS:
        raise UsageError(f"http_target: method={quoted(method)} sends no body; it is one of {listed(METHODS)}")
    return str(method)
