"""One HTTP call to a service: bounded, never redirected, and every failure in one sentence without secrets.

A reply is hostile until it is read: it may be endless, compressed to burst, or point to places that only this machine
can reach. So bodies are bounded, compressed ones refused, redirects not followed, cookies not kept.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from pytest_genaiops.clients.headers import allowance_of, wait_of
from pytest_genaiops.clients.request import Allowance, RefusedError
from pytest_genaiops.clients.secrets import remember, without_secrets
from pytest_genaiops.dataset.text import printable, quoted

if TYPE_CHECKING:
    import aiohttp

    from pytest_genaiops.clients.pool import Pool

MAX_BODY = 16 * 2**20
"""Bytes that a reply may have."""
CONNECT = 30.0
"""Seconds until a connection stands; more means that nobody is there."""
IDLE = 4.0
"""Seconds that a connection is kept for the next call: servers close theirs after 5 (uvicorn) or more."""
_LAST = 0.1
_LARGE = 256 * 2**10
"""Bytes from which a reply waits until few others of its size are read, so that many at once do not fill the memory."""
_LARGE_ONES = 2
_MAX_REFUSAL = 16 * 2**10
"""Bytes of a refusal that are read, and characters in which keys are looked for: in megabytes that takes seconds."""
_CUT = 4 * 2**10
"""Characters that are left out before such an end: half a key would not be found."""
_LONGEST = 300
"""Characters of a service's own words in a message."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AGAIN = (408, 409, 429)
_NO_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")
"""Codes of a 429 that no waiting mends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A whole reply with a status of 2xx."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes
    first_byte: float
    """Seconds from the call to the reply's headers."""
    seconds: float
    """Seconds from the call to the last byte."""

    @property
    def allowance(self) -> Allowance:
        """What the service says of its limits."""
        return allowance_of(self.headers)


class HttpStream:
    """A reply with a status of 2xx whose body is still to come."""

    __slots__ = ("_begun", "_large", "_response", "_url", "first_byte", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, *, url: str, begun: float, large: asyncio.Semaphore) -> None:
        self._response = response
        self._large = large
        self._url = url
        self._begun = begun
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.first_byte = self.seconds

    @property
    def seconds(self) -> float:
        """Seconds since the call began."""
        return perf_counter() - self._begun

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Raises RefusedError where there are more than ``MAX_BODY`` bytes of it."""
        size = 0
        async for piece in self._response.content.iter_any():
            size += len(piece)
            if size > MAX_BODY:
                _oversize(self._url)
            yield piece

    async def body(self) -> bytes:
        """The whole body. Raises RefusedError as :meth:`pieces` does."""
        if (self._response.content_length or MAX_BODY) <= _LARGE:
            return await self._response.read()
        arriving, whole, size = self.pieces(), [], 0
        async for piece in arriving:
            whole.append(piece)
            size += len(piece)
            if size > _LARGE:
                break
        async with self._large if size > _LARGE else nullcontext():
            whole.extend([piece async for piece in arriving])
            return b"".join(whole)

    async def finish(self) -> None:
        """Wait a moment for the end of a body that has said all, so that the connection serves the next call."""
        import aiohttp

        if self._response.content.at_eof():
            return
        with suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(_LAST):
                async for _ in self.pieces():
                    pass


async def post(
    pool: Pool, url: str, *, headers: Mapping[str, str], body: bytes | None, method: str = "POST"
) -> HttpReply:
    """Make one call and read the whole reply; ``body`` is JSON unless the headers say otherwise.

    Raises RefusedError for every status but 2xx, for failed connections, redirects, compressed replies and those of
    more than ``MAX_BODY`` bytes.
    """
    async with opened(pool, url, headers=headers, body=body, method=method) as reply:
        whole = await reply.body()
        return HttpReply(
            status=reply.status,
            headers=reply.headers,
            body=whole,
            first_byte=reply.first_byte,
            seconds=reply.seconds,
        )


@asynccontextmanager
async def opened(
    pool: Pool, url: str, *, headers: Mapping[str, str], body: bytes | None, method: str = "POST"
) -> AsyncIterator[HttpStream]:
    """The same for a reply that is read as it arrives. What goes wrong while it is read is a RefusedError as well."""
    import aiohttp

    begun = perf_counter()
    connections = await _connected(pool, url)
    response = await _request(connections, method, url, headers=headers, data=body)
    try:
        await _accept(response, url)
        yield HttpStream(response, url=url, begun=begun, large=connections.large)
    except (aiohttp.ClientError, OSError) as error:
        _failed(error, url)
    finally:
        response.close()


def shown(url: str) -> str:
    """The address as messages show it: without user, password, query and fragment, escaped and bounded."""
    bare = without_secrets(url.partition("?")[0].partition("#")[0])
    head, slashes, rest = bare.partition("//")
    host, slash, path = rest.partition("/")
    return _short(f"{head}{slashes}{host.rpartition('@')[2]}{slash}{path}")


class _Connections:
    """The connections to one origin, and the proxy on the way."""

    __slots__ = ("large", "proxy", "session")

    def __init__(self, session: aiohttp.ClientSession, proxy: str | None) -> None:
        self.session = session
        self.proxy = proxy
        self.large = asyncio.Semaphore(_LARGE_ONES)

    async def close(self) -> None:
        await self.session.close()


async def _connected(pool: Pool, url: str) -> _Connections:
    return await pool.get(("http", _origin(url)), lambda: _connect(pool, url))


async def _connect(pool: Pool, url: str) -> _Connections:
    import aiohttp

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=pool.concurrency, keepalive_timeout=IDLE),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
        headers={"Accept-Encoding": "identity", "Content-Type": "application/json", "User-Agent": "pytest-genaiops"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
    return _Connections(session, _proxy(url))


def _proxy(url: str) -> str | None:
    """The proxy that the environment names. aiohttp's own way reads .netrc for every call, and sends what it finds."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in _LOOPBACK or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme, proxies.get("all", ""))
    if not proxy.startswith(("http://", "https://")):
        return None
    remember(unquote(urlsplit(proxy).password or ""))
    return proxy


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        pass
    raise RefusedError(f"{shown(url)} is not the address of a service; write http://<host>… or https://<host>…")


async def _request(
    connections: _Connections, method: str, url: str, *, headers: Mapping[str, str], data: bytes | None
) -> aiohttp.ClientResponse:
    import aiohttp

    try:
        return await connections.session.request(
            method,
            url,
            headers=headers,
            data=BytesIO(data) if data is not None and len(data) >= 2**20 else data,  # aiohttp warns of long bytes
            allow_redirects=False,
            proxy=connections.proxy,
        )
    except (aiohttp.ClientError, OSError, ValueError) as error:
        _failed(error, url)


async def _accept(response: aiohttp.ClientResponse, url: str) -> None:
    """Refuse a reply by its head."""
    status, headers = response.status, response.headers
    if 300 <= status < 400 and "location" in headers:
        aim = shown(headers["location"])
        raise RefusedError(
            f"{shown(url)} redirects to {aim} ({status}), which is not followed; give the address itself"
        )
    if not 200 <= status < 300:
        await _refuse(response, url)
    coding = headers.get("content-encoding", "identity")
    if coding.strip().lower() not in ("identity", ""):
        raise RefusedError(f"{shown(url)} sent a compressed reply ({_short(coding)}), which was not asked for")
    if (response.content_length or 0) > MAX_BODY:
        _oversize(url)


async def _refuse(response: aiohttp.ClientResponse, url: str) -> NoReturn:
    said, code = _said(await _head(response))
    status, wait = response.status, wait_of(response.headers)
    no_quota = code in _NO_QUOTA
    throttled = not no_quota and status == 429
    raise RefusedError(
        f"{shown(url)} answered {_status(status)}{': ' + said if said else ''}",
        again=may_come_again(status) and not no_quota,
        throttled=throttled,
        wait=wait,
        allowance=allowance_of(response.headers),
    )


async def _head(response: aiohttp.ClientResponse) -> bytes:
    """What a refusal says, as far as it is read; read to its end, the connection serves the next call."""
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_REFUSAL:
            break
    return b"".join(pieces)[:_MAX_REFUSAL]


def _said(body: bytes) -> tuple[str, str]:
    """A service's own words for an error, and its code where it has one."""
    text = body.decode("utf-8", "replace")
    try:
        return words(json.loads(text))
    except (ValueError, RecursionError):
        return words(text)


def words(said: Any) -> tuple[str, str]:
    """The words of an error and its code, from what services send: ``{"error": {"message", "code"}}`` and its kin.

    Without secrets, on one line, quoted and bounded.
    """
    code = ""
    for _ in range(6):
        if isinstance(said, list) and said:
            said = said[0]
        elif isinstance(said, Mapping):
            code = next((said[key] for key in ("code", "type") if isinstance(said.get(key), str)), code)
            said = next((said[key] for key in ("error", "message", "detail", "msg") if said.get(key)), "")
    text = said if isinstance(said, str) else quoted(said)
    end = -_CUT if len(text) >= _MAX_REFUSAL else None
    text = _short(" ".join(without_secrets(text[:_MAX_REFUSAL])[:end].split()))
    return (f'"{text}"' if text else ""), code


def _failed(error: Exception, url: str) -> NoReturn:
    """Raise the refusal for what went wrong on the way."""
    import aiohttp

    place = shown(url)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        mend = "SSL_CERT_FILE names a certificate authority of your own"
        raise RefusedError(f"{place} has no valid TLS certificate ({_why(error.certificate_error)}); {mend}") from None
    if isinstance(error, aiohttp.ClientSSLError):
        raise RefusedError(f"{place} speaks no TLS that is safe ({_why(error)})") from None
    if isinstance(error, aiohttp.ClientConnectorError):
        raise RefusedError(f"{place} cannot be reached: {_system(error.os_error)}", again=True) from None
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        raise RefusedError(f"{place} cannot be reached: no connection within {CONNECT:g} s", again=True) from None
    if isinstance(error, aiohttp.ClientResponseError):
        raise RefusedError(
            f"{place} did not answer in HTTP: {_status(error.status)}, {_why(error.message)}",
            again=may_come_again(error.status),
        ) from None
    if isinstance(error, ValueError):
        raise RefusedError(f"{place} cannot be asked: {_why(error)}") from None
    raise RefusedError(f"{place} closed the connection before its reply was complete", again=True) from None


def _system(error: OSError) -> str:
    """The system's words for its number; asyncio adds the address, which the message has already."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else _why(error.strerror or error)


def _oversize(url: str) -> NoReturn:
    raise RefusedError(f"{shown(url)} sent a reply of more than {MAX_BODY // 2**20} MB")


def may_come_again(status: int) -> bool:
    """Whether another attempt may be answered after one that had this status."""
    return status in _AGAIN or status >= 500


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _why(error: object) -> str:
    return _short(without_secrets(str(error))) or type(error).__name__


def _short(text: str) -> str:
    text = printable(text[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
