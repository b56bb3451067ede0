"""The headers that let a call in: keys from the environment, and tokens of Entra; read when a call is made."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

from pytest_genaiops import extras
from pytest_genaiops.clients.endpoint import OPENAI_HOST, Endpoint, Place
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.secrets import Headers, Secret, from_environment, without_secrets
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import ExtraMissingError, UsageError

if TYPE_CHECKING:
    from pytest_genaiops.clients.pool import Pool

SCOPE = "https://cognitiveservices.azure.com/.default"
"""What a token of Entra is asked for: Azure OpenAI's audience."""
EARLY = 300.0
"""Seconds before a token's end from which another one is fetched."""
PAUSE = 30.0
"""Seconds in which a failed sign-in is not tried again: others wait for the same one, and it takes long."""


async def headers_of(endpoint: Endpoint, place: Place, pool: Pool) -> Headers:
    """The headers of one call.

    Raises UsageError for a variable that is not set, or an optional package that is not there, and RefusedError where
    signing in fails.
    """
    headers = Headers()
    for name, value in endpoint.headers.items():
        headers[name] = _sendable(
            from_environment(value, endpoint.place, hide=True), f"the header {quoted(name)}", endpoint
        )
    if {"authorization", "api-key", "x-api-key"} & {name.lower() for name in headers}:
        return headers
    key = _key(endpoint, place)
    if key is not None:
        name, form = ("api-key", "{}") if endpoint.kind == "azure" else ("Authorization", "Bearer {}")
        headers[name] = form.format(key.reveal())
    elif endpoint.kind == "azure":
        headers["Authorization"] = f"Bearer {(await _token(endpoint, pool)).reveal()}"
    return headers


def _key(endpoint: Endpoint, place: Place) -> Secret | None:
    if endpoint.entra:
        return None
    if endpoint.key_env is not None:
        return _variable(endpoint.key_env, endpoint, needed=True)
    if endpoint.kind == "azure":
        return _variable("AZURE_OPENAI_API_KEY", endpoint, needed=False)
    official = place.host == OPENAI_HOST
    if official or endpoint.from_environment:
        return _variable("OPENAI_API_KEY", endpoint, needed=official)
    return None  # a key goes to the host that it was made for, and to no other


def _variable(name: str, endpoint: Endpoint, *, needed: bool) -> Secret | None:
    value = os.environ.get(name, "").strip()
    if value:
        return Secret(_sendable(value, f"the environment variable {quoted(name)}", endpoint))
    if needed:
        what = (
            f"{endpoint.place}: the environment variable {quoted(name)}, which holds the key to the model, is not set"
        )
        raise UsageError(f"{what}; set it where the tests run, or name another one in api_key_env")
    return None


def _sendable(value: str, what: str, endpoint: Endpoint) -> str:
    if not (value.isascii() and value.isprintable()):
        raise UsageError(f"{endpoint.place}: {what} holds what a header cannot; store the key alone, on one line")
    return value


async def _token(endpoint: Endpoint, pool: Pool) -> Secret:
    given = _variable("AZURE_OPENAI_AD_TOKEN", endpoint, needed=False)
    if given is not None:
        return given
    try:
        tokens = await pool.get(("entra", SCOPE), _sign_in)
    except ExtraMissingError as error:
        ways = "set AZURE_OPENAI_API_KEY, or name the variable that holds the key in api_key_env"
        raise UsageError(f"{endpoint.place}: no key to the model; {ways}; for signing in with Entra, {error}") from None
    return await tokens.token()


async def _sign_in() -> Tokens:
    identity = await asyncio.to_thread(extras.require, "azure.identity", "azure")
    return Tokens(await asyncio.to_thread(identity.DefaultAzureCredential))


class Tokens:
    """The tokens of one signed-in identity: each fetched once, in a thread, for all calls that wait for it."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential
        self._lock = asyncio.Lock()
        self._token: Secret | None = None
        self._until = 0.0
        self._failed: tuple[float, str] | None = None

    async def token(self) -> Secret:
        """A token that holds for some minutes yet. Raises RefusedError where there is none to be had."""
        async with self._lock:
            if self._token is None or time.time() > self._until - EARLY:
                await self._fetch()
            assert self._token is not None
            return self._token

    async def _fetch(self) -> None:
        failures = extras.require("azure.core.exceptions", "azure")
        if self._failed is not None and time.monotonic() < self._failed[0]:
            raise RefusedError(self._failed[1])
        try:
            found = await asyncio.to_thread(self._credential.get_token, SCOPE)
        except failures.AzureError as error:
            words = " ".join(without_secrets(str(error)).split())
            message = f"signing in to Azure with Entra failed: {quoted(words)}; try: az login"
            self._failed = (time.monotonic() + PAUSE, message)
            raise RefusedError(message) from None
        self._token, self._until = Secret(found.token), float(found.expires_on)

    async def close(self) -> None:
        """Forget the token and let go of the identity."""
        self._token = None
        await asyncio.to_thread(self._credential.close)
