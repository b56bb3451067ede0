"""Where a variant's model is, and how it wants to be asked: read from the mapping under ``model``, without keys."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn
from urllib.parse import quote, urlsplit

from pytest_genaiops.clients.secrets import REFERENCE, from_environment, without_secrets
from pytest_genaiops.dataset.text import near, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import NOTHING

OPENAI = "https://api.openai.com/v1"
OPENAI_HOST = "api.openai.com"
CHAT = "/chat/completions"
TOKEN_KEYS = ("max_tokens", "max_completion_tokens")
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_AZURE = ("azure", "azureopenai")
_OPENAI = ("openai", "serverless", "azureserverless", "openaicompatible")
_ENDPOINTS = ("azure_endpoint", "endpoint")
_DEPLOYMENTS = ("deployment", "azure_deployment", "deployment_name")
_KNOWN = frozenset(
    {"name", "provider", "api", "base_url", "api_key_env", "connection", "api_version", "auth", "headers", "served"}
    | {"stream", "max_tokens_key", "tools", "outputs", *_DEPLOYMENTS, "azure_endpoint"}
)
_SECRET_NAME = re.compile(
    r"authorization|cookie|secret|password|credential|signature|(api|access|subscription|functions?)[-_ ]?key"
    r"|^key$|token$",
    re.IGNORECASE,
)
"""Names of headers and parameters whose value is a key."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_SCHEME = re.compile(r"\s*(bearer|basic|token|key|apikey)?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an endpoint is now, with the environment as it is."""

    url: str = field(repr=False)
    """The address that is called. Its query may hold a key."""
    base: str
    """The same without a query, for people and for identities."""
    host: str
    model: str
    """The model or deployment that is asked for."""
    name: str | None
    """The model that has to answer; None where nobody said which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible chat endpoint as a variant names it; ``${env:NAME}`` in a text is not read before a call."""

    place: str
    """Where it stands, as messages begin."""
    kind: Literal["openai", "azure"]
    model: str
    """The model, or on Azure the deployment, that is asked for."""
    name: str | None = None
    """The model that has to answer; None on Azure where only the deployment has a name."""
    base_url: str | None = None
    """Address up to ``/chat/completions``; None for OpenAI's own, or the one of OPENAI_BASE_URL."""
    azure_endpoint: str | None = None
    """Address of the Azure resource, of deployments with an ``api_version``."""
    api_version: str | None = None
    key_env: str | None = None
    """The variable that holds the key, where the variant names one."""
    entra: bool = False
    """Whether to sign in with Entra instead of a key."""
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    served: tuple[str, ...] = ()
    """Globs of other names under which the model may answer."""
    stream: bool = False
    max_tokens_key: str | None = None
    """How the endpoint spells ``max_tokens``; None goes by the model's name."""
    tools: Any = None
    outputs: Any = None
    settings: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """What else stands under ``model``; it tells variants apart and is not sent."""

    @classmethod
    def of(cls, model: Mapping[str, Any], place: str) -> Endpoint:
        """The endpoint that the mapping under ``model`` names. Raises UsageError with the place and the mend."""
        return _Reader(model, place).endpoint()

    def resolve(self) -> Place:
        """Where it is now. Raises UsageError for a variable that is not set, and for what is then no address."""
        model = from_environment(self.model, self.place)
        name = None if self.name is None else from_environment(self.name, self.place)
        base, query = self._base(model)
        check_url(base, self.place)
        base = base.rstrip("/")
        url = base if base.endswith(CHAT) else f"{base}{CHAT}"
        return Place(
            url=f"{url}?{query}" if query else url,
            base=without_secrets(url),
            host=urlsplit(url).netloc,
            model=model,
            name=name,
        )

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that say where it is."""
        texts = (self.model, self.name, self.base_url, self.azure_endpoint, self.api_version)
        named = [found[1] for text in texts if text for found in REFERENCE.finditer(text)]
        if self.base_url is None:
            named += ["OPENAI_BASE_URL"] if self.kind == "openai" else ["AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION"]
        return tuple(named)

    def _base(self, model: str) -> tuple[str, str]:
        """The address up to the path of chat, and the query that belongs to it."""
        version = from_environment(self.api_version or "", self.place)
        written = self.base_url or self.azure_endpoint
        if written is None and self.kind == "azure":
            written = "${env:AZURE_OPENAI_ENDPOINT}"
        if written is None:
            return os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI, ""
        path, _, query = written.partition("?")
        path = from_environment(path, self.place).rstrip("/")
        query = from_environment(query, self.place, hide=True)
        if self.kind == "azure" and self.base_url is None and not path.endswith("/openai/v1"):
            version = version or from_environment("${env:OPENAI_API_VERSION}", self.place)
            path = f"{path.removesuffix('/openai')}/openai/deployments/{quote(model, safe='')}"
        if version and self.kind == "azure":
            query = "&".join(filter(None, [query, f"api-version={quote(version)}"]))
        return path, query

    @property
    def from_environment(self) -> bool:
        """Whether the environment alone says where the model is: then it says the key, too."""
        return self.kind == "openai" and self.base_url is None


def check_url(url: str, place: str) -> None:
    """Raise UsageError for what is no address of a service, and for one with a user and password in it."""
    shown = quoted(without_secrets(url.partition("?")[0]))
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or not url.isprintable() or " " in url:
        raise UsageError(f"{place}: {shown} is not the address of a service; write https://<host>/v1")
    if "@" in parts.netloc:
        mend = "name it in headers: {Authorization: 'Basic ${env:NAME}'}, or use api_key_env"
        raise UsageError(f"{place}: {shown} holds a user or password; {mend}")
    if parts.fragment:
        raise UsageError(f"{place}: {shown} has a fragment, which is never sent; write the address without #")


def check_headers(headers: Any, place: str) -> Mapping[str, str]:
    """The headers as they are written. Raises UsageError for what HTTP cannot send, and for a key in plain text."""
    if headers is None:
        return NOTHING
    if not isinstance(headers, Mapping):
        raise UsageError(
            f'{place}: "headers" holds {quoted(headers)}, which is not a mapping; write {{<name>: <text>}}'
        )
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER.fullmatch(name):
            raise UsageError(f"{place}: {quoted(name)} is not the name of a header; use letters, digits and -")
        if not isinstance(value, str) or not value.isprintable():
            raise UsageError(f"{place}: the header {quoted(name)} is not text on one line; put it in quotes")
        if _SECRET_NAME.search(name):
            _check_secret(value, f"{place}: the header {quoted(name)}")
    return dict(headers)


def is_secret(name: str) -> bool:
    """Whether a header or parameter of this name holds a key."""
    return _SECRET_NAME.search(name) is not None


def _check_secret(value: str, what: str) -> None:
    """A key is the name of a variable and nothing else; a default would be the key itself."""
    defaults = any(found[2] for found in REFERENCE.finditer(value))
    if defaults or not REFERENCE.search(value) or not _SCHEME.fullmatch(REFERENCE.sub("", value)):
        raise UsageError(f"{what} would put a key into a file that is shared; write ${{env:NAME}}, or use api_key_env")


class _Reader:
    """One mapping under ``model`` with its place."""

    def __init__(self, model: Mapping[str, Any], place: str) -> None:
        self.place = place
        self.model = model
        connection = model.get("connection")
        self.connection: Mapping[str, Any] = connection if isinstance(connection, Mapping) else NOTHING

    def endpoint(self) -> Endpoint:
        kind, name = self._kind(), self._text("name")
        azure = kind == "azure"
        deployment = self._first(_DEPLOYMENTS) if azure else None
        base_url, endpoint = self._text("base_url"), self._first(_ENDPOINTS) if azure else None
        asked = deployment or name
        if asked is None:
            self._refuse("the model has no name; write model: {name: <model>, base_url: <address>}")
        self._check_api()
        for url in filter(None, (base_url, endpoint)):
            self._check_address(url)
        self._check_where(kind, base_url)
        self._check_settings(self.model)
        return Endpoint(
            place=self.place,
            kind=kind,
            model=asked,
            name=None if azure and name == asked else name,
            base_url=base_url,
            azure_endpoint=None if base_url else endpoint,
            api_version=self._first(("api_version",)) if azure else None,
            key_env=self._text("api_key_env"),
            entra=self._entra(azure=azure),
            headers=check_headers(self.model.get("headers"), self.place),
            served=self._served(),
            stream=self._stream(),
            max_tokens_key=self._max_tokens_key(),
            tools=self.model.get("tools"),
            outputs=self.model.get("outputs"),
            settings={key: value for key, value in self.model.items() if key not in _KNOWN},
        )

    def _kind(self) -> Literal["openai", "azure"]:
        provider = re.sub("[^a-z]", "", (self._text("provider") or "").lower())
        base_url = self._text("base_url") or ""
        if provider in _AZURE:
            return "azure"
        if not provider and (self._first(("azure_endpoint", "azure_deployment")) or _azure_host(base_url)):
            return "azure"
        if provider and provider not in _OPENAI and not base_url:
            mend = "write the base_url of its OpenAI-compatible endpoint"
            self._refuse(f"nothing is known of the provider {quoted(self.model['provider'])}; {mend}")
        return "openai"

    def _check_where(self, kind: str, base_url: str | None) -> None:
        """A connection that others know by name says nothing of where it leads."""
        connection = self.model.get("connection")
        named = connection if isinstance(connection, str) else self.connection.get("name")
        if named and not base_url and kind == "openai" and not self.model.get("provider"):
            mend = "write provider: azure (and set AZURE_OPENAI_ENDPOINT), provider: openai, or base_url"
            self._refuse(f"where the connection {quoted(named)} leads is not known here; {mend}")

    def _check_api(self) -> None:
        api = self._text("api")
        if api is not None and api.lower() not in ("chat", "chat_completion", "chat_completions"):
            mend = "write api: chat, or ask the model in a `target` fixture of your own"
            self._refuse(f"the API {quoted(api)} is not spoken; {mend}")

    def _check_address(self, url: str) -> None:
        path, _, query = url.partition("?")
        if not REFERENCE.search(path):
            check_url(path, self.place)
        elif "@" in path:
            check_url(f"https://{REFERENCE.sub('x', path).rpartition('//')[2]}", self.place)
        for each in query.split("&"):
            name, _, value = each.partition("=")
            if is_secret(name) and value:
                _check_secret(value, f"{self.place}: the parameter {quoted(name)} of the address")

    def _check_settings(self, settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            if isinstance(value, Mapping) and name != "headers":
                self._check_settings(value)
            elif isinstance(name, str) and name != "api_key_env" and is_secret(name) and isinstance(value, str):
                _check_secret(value, f"{self.place}: {quoted(name)}")

    def _entra(self, *, azure: bool) -> bool:
        auth = self._text("auth")
        if auth is None or auth == "key":
            return False
        if auth != "entra":
            self._refuse(f"{quoted(auth)} is no way to sign in; write auth: key or auth: entra")
        if not azure:
            self._refuse("auth: entra signs in to Azure; write provider: azure")
        return True

    def _served(self) -> tuple[str, ...]:
        written = self.model.get("served")
        globs = [written] if isinstance(written, str) else written or []
        if not isinstance(globs, list | tuple) or not all(isinstance(glob, str) and glob for glob in globs):
            self._refuse(f'"served" holds {quoted(written)}; write a name or a glob, or a list of them')
        return tuple(globs)

    def _stream(self) -> bool:
        stream = self.model.get("stream", False)
        if not isinstance(stream, bool):
            self._refuse(f'"stream" holds {quoted(stream)}; write true or false')
        return stream

    def _max_tokens_key(self) -> str | None:
        key = self._text("max_tokens_key")
        if key is not None and key not in TOKEN_KEYS:
            self._refuse(
                f"{quoted(key)} is no spelling of max_tokens{near(key, TOKEN_KEYS)}; write one of {TOKEN_KEYS}"
            )
        return key

    def _first(self, keys: Iterable[str]) -> str | None:
        """The first of these texts that is there, in ``model`` or its connection."""
        keys = tuple(keys)
        found = (self._text(key, tree) for tree in (self.model, self.connection) for key in keys)
        return next(filter(None, found), None)

    def _text(self, key: str, tree: Mapping[str, Any] | None = None) -> str | None:
        value = (self.model if tree is None else tree).get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self._refuse(f'"{key}" of the model is {quoted(value)}, not text; put it in quotes')
        return value.strip()

    def _refuse(self, problem: str) -> NoReturn:
        raise UsageError(f"{self.place}: {problem}")


def _azure_host(url: str) -> bool:
    try:
        return (urlsplit(url).hostname or "").endswith(_AZURE_HOSTS)
    except ValueError:
        return False
