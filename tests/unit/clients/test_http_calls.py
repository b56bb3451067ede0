"""One HTTP call: what is refused, what may be tried again, and what messages say of it."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme
from chat_help import Reply, Wire, hang_up, head, pool, refusal, reply, run
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients import http, secrets
from pytest_genaiops.clients.http import MAX_BODY, HttpReply, shown, words
from pytest_genaiops.clients.request import RefusedError

KEY = "planted-4Q7x+/=secret"


@pytest.fixture(autouse=True)
def no_other_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", [])


def call(*replies: Reply, path: str = "", body: bytes = b"{}", **headers: str) -> tuple[HttpReply, Wire]:
    async def called() -> tuple[HttpReply, Wire]:
        connections = pool()
        async with Wire(*replies) as wire:
            try:
                return await http.post(connections, wire.url + path, headers=headers, body=body), wire
            finally:
                await connections.close()

    return run(called())


def refused(*replies: Reply, path: str = "", **headers: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        call(*replies, path=path, **headers)
    return caught.value


async def over_tls(serve: Callable[..., Awaitable[None]], context: ssl.SSLContext | None) -> RefusedError:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    connections, port = pool(), server.sockets[0].getsockname()[1]
    error = await refusal(http.post(connections, f"https://127.0.0.1:{port}/v1", headers={}, body=b"{}"))
    await connections.close()
    server.close()
    return error


class TestAnswers:
    def test_a_reply_comes_whole_with_its_headers_and_times(self) -> None:
        got, wire = call(reply({"ok": 1}, X_Ratelimit_Remaining_Requests=7), Authorization="Bearer x")
        assert (got.status, got.body, got.allowance.remaining) == (200, b'{"ok": 1}', 7)
        assert 0 < got.first_byte <= got.seconds < 20
        assert wire.heads[0].startswith("POST /v1 HTTP/1.1")
        assert (wire.header("authorization"), wire.bodies) == ("Bearer x", [b"{}"])
        assert (wire.header("accept-encoding"), wire.header("content-type")) == ("identity", "application/json")

    def test_a_body_in_chunks_without_a_length(self) -> None:
        got, _ = call(head(Transfer_Encoding="chunked") + b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
        assert got.body == b"[1,2]"

    def test_a_large_request_is_sent_without_a_warning(self) -> None:
        _, wire = call(reply({}), body=b"x" * 2_000_000)
        assert len(wire.bodies[0]) == 2_000_000

    def test_calls_share_connections(self) -> None:
        async def calls() -> int:
            connections = pool()
            async with Wire(reply({}), reply({}, "429 Too Many Requests"), reply({})) as wire:
                for _ in range(5):
                    await asyncio.gather(
                        http.post(connections, wire.url, headers={}, body=b"{}"), return_exceptions=True
                    )
                await connections.close()
                return wire.connections

        assert run(calls()) == 1

    def test_no_more_connections_than_calls_may_be_under_way(self) -> None:
        async def calls() -> int:
            connections = pool()
            async with Wire(reply({})) as wire:
                await asyncio.gather(*[http.post(connections, wire.url, headers={}, body=b"{}") for _ in range(40)])
                await connections.close()
                return wire.connections

        assert run(calls()) <= 4

    def test_cookies_are_not_kept(self) -> None:
        async def second() -> str | None:
            connections = pool()
            async with Wire(reply({}, Set_Cookie="session=1; Path=/")) as wire:
                url = wire.url.replace("127.0.0.1", "localhost")  # cookies of bare addresses are passed over anyway
                for _ in range(2):
                    await http.post(connections, url, headers={}, body=b"{}")
                await connections.close()
                return wire.header("cookie", call=1)

        assert run(second()) is None


class TestRefusals:
    @pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
    def test_these_may_be_tried_again(self, status: int) -> None:
        error = refused(reply({}, f"{status} Hm"))
        assert (error.again, error.kind) == (True, "target")
        assert f"answered {status}" in error.message

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422, 300, 304])
    def test_these_may_not(self, status: int) -> None:
        error = refused(reply({} if status != 304 else b"", f"{status} Hm"))
        assert not error.again
        assert not error.throttled

    @pytest.mark.parametrize(
        ("status", "headers", "throttled", "wait"),
        [
            ("429 Too Many Requests", {"Retry_After": "2"}, True, 2.0),
            ("429 Too Many Requests", {}, True, None),
            ("503 Service Unavailable", {"Retry_After": "2"}, False, 2.0),
            ("503 Service Unavailable", {}, False, None),
            ("500 Internal Server Error", {"Retry_After": "2"}, False, 2.0),
        ],
    )
    def test_who_asks_too_often_is_told(
        self, status: str, headers: dict[str, str], throttled: bool, wait: float | None
    ) -> None:
        error = refused(reply({}, status, X_Ratelimit_Remaining_Requests=0, **headers))
        assert (error.throttled, error.wait, error.allowance.remaining) == (throttled, wait, 0)

    def test_no_waiting_mends_a_spent_quota(self) -> None:
        """OpenAI's 429 for an account without money."""
        said = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
        error = refused(reply(said, "429 Too Many Requests"))
        assert (error.again, error.throttled) == (False, False)

    @pytest.mark.parametrize(
        "said",
        [
            {"error": {"message": "no such model"}},
            {"error": "no such model"},
            {"message": "no such model"},
            {"detail": "no such model"},
            {"detail": [{"loc": ["body"], "msg": "no such model"}]},
            b"no such model",
        ],
    )
    def test_the_services_own_words_are_kept(self, said: object) -> None:
        error = refused(reply(said, "404 Not Found"))
        assert error.message.endswith('/v1 answered 404 Not Found: "no such model"')

    def test_its_words_cannot_act_on_a_terminal_and_are_short(self) -> None:
        error = refused(reply({"error": {"message": "\x1b[2J\n\n" + "x" * 10_000}}, "400 Bad Request"))
        assert "\x1b" not in error.message
        assert "\n" not in error.message
        assert len(error.message) < 500

    def test_only_the_start_of_a_long_refusal_is_read(self) -> None:
        async def endless(writer: asyncio.StreamWriter) -> None:
            writer.write(head("500 Oh no", Transfer_Encoding="chunked"))
            while True:
                writer.write(b"10000\r\n" + b"x" * 2**16 + b"\r\n")
                await writer.drain()

        assert refused(endless).again

    def test_a_redirect_is_not_followed(self) -> None:
        for aim in ("file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/"):
            error = refused(reply(b"", "302 Found", Location=aim))
            assert not error.again
            assert aim in error.message

    def test_a_compressed_reply_is_refused_unread(self) -> None:
        bomb = zlib.compress(b"\0" * 10_000_000)
        error = refused(reply(bomb, Content_Encoding="deflate"))
        assert not error.again
        assert "compressed" in error.message

    def test_a_length_over_the_bound_is_refused_at_once(self) -> None:
        error = refused(head(Content_Length=MAX_BODY + 1) + b"{")
        assert not error.again
        assert "more than 16 MB" in error.message

    def test_an_endless_body_is_refused_at_the_bound(self) -> None:
        async def endless(writer: asyncio.StreamWriter) -> None:
            writer.write(head(Transfer_Encoding="chunked"))
            while True:
                writer.write(b"100000\r\n" + b"x" * 2**20 + b"\r\n")
                await writer.drain()

        assert "more than 16 MB" in refused(endless).message

    def test_endless_headers_are_refused(self) -> None:
        async def endless(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(100_000):
                writer.write(f"x-{number}: {'y' * 100}\r\n".encode())
                await writer.drain()

        refused(endless)


class TestConnections:
    @pytest.mark.parametrize(
        "says",
        [b"", b"HTTP/1.1 200", head(Content_Length=10) + b"[1,", head(Transfer_Encoding="chunked") + b"5\r\n[1"],
        ids=["nothing", "half a head", "half a body", "half a chunk"],
    )
    def test_one_that_is_dropped_may_be_tried_again(self, says: bytes) -> None:
        async def drop(writer: asyncio.StreamWriter) -> None:
            writer.write(says)
            await writer.drain()

        error = refused(drop)
        assert error.again
        assert "closed the connection" in error.message

    def test_one_that_is_reset_may_be_tried_again(self) -> None:
        assert refused(hang_up).again

    def test_one_that_the_server_closed_while_it_was_idle_loses_no_call(self) -> None:
        """The server says nothing before it closes: the next call finds a dead connection, and is to be made again."""

        async def answer_and_close(writer: asyncio.StreamWriter) -> None:
            writer.write(reply({}))
            await writer.drain()

        async def calls() -> list[bool]:
            connections, outcomes = pool(), []
            async with Wire(answer_and_close) as wire:
                for _ in range(6):
                    try:
                        await http.post(connections, wire.url, headers={}, body=b"{}")
                        outcomes.append(True)
                    except RefusedError as error:
                        outcomes.append(error.again)
            await connections.close()
            return outcomes

        assert all(run(calls()))

    def test_nobody_there_may_be_tried_again(self) -> None:
        async def called() -> RefusedError:
            async with Wire(b"") as wire:
                url = wire.url
            return await refusal(http.post(pool(), url, headers={}, body=b"{}"))

        error = run(called())
        assert error.again
        assert error.message.endswith("/v1 cannot be reached: Connection refused")

    def test_no_tls_is_not_tried_again(self) -> None:
        async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        error = run(over_tls(plain, None))
        assert not error.again
        assert "speaks no TLS" in error.message

    def test_a_certificate_that_nobody_vouches_for_is_refused(self) -> None:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        error = run(over_tls(answer, context))
        assert not error.again
        assert "no valid TLS certificate" in error.message
        assert "SSL_CERT_FILE" in error.message

    @pytest.mark.parametrize(
        "url", ["ftp://x.example/", "file:///etc/passwd", "x", "http://", "http://[::1", "http:///v1"]
    )
    def test_what_is_no_address_is_refused(self, url: str) -> None:
        async def called() -> RefusedError:
            return await refusal(http.post(pool(), url, headers={}, body=b"{}"))

        assert "not the address of a service" in run(called()).message

    def test_a_header_that_would_be_two_is_refused_unseen(self) -> None:
        error = refused(reply({}), Authorization=f"Bearer {KEY}\r\nx: y")
        assert not error.again
        assert KEY not in error.message


class TestSecrets:
    def test_a_key_that_the_service_quotes_is_taken_out(self) -> None:
        key = secrets.Secret(KEY).reveal()
        error = refused(reply({"error": {"message": f"Incorrect key: {key}, or sk-abcdefgh12345"}}, "401 Unauthorized"))
        assert "Incorrect key: ***, or ***" in error.message

    def test_one_in_a_redirect_as_well(self) -> None:
        key = secrets.Secret(KEY).reveal()
        error = refused(reply(b"", "302 Found", Location=f"http://user:pw@evil.example/{key}?k={key}"))
        assert "redirects to http://evil.example/***" in error.message

    def test_addresses_are_shown_without_query_and_user(self) -> None:
        error = refused(reply({}, "404 Not Found"), path="/x?key=abc#frag")
        assert "abc" not in error.message
        assert shown("https://me:pw@host.example:8/v1?key=abc#d") == "https://host.example:8/v1"

    def test_netrc_is_not_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password stolen\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        _, wire = call(reply({}))
        assert wire.header("authorization") is None


class TestProxies:
    def test_the_environments_proxy_is_used_with_its_password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def called() -> Wire:
            connections = pool()
            async with Wire(reply({})) as proxy:
                monkeypatch.setenv("http_proxy", f"http://me:opensesame@127.0.0.1:{proxy.port}")
                monkeypatch.delenv("no_proxy", raising=False)
                await http.post(connections, "http://models.example/v1", headers={}, body=b"{}")
                await connections.close()
                return proxy

        proxy = run(called())
        assert proxy.heads[0].startswith("POST http://models.example/v1 ")
        assert proxy.header("proxy-authorization") == "Basic bWU6b3BlbnNlc2FtZQ=="
        assert secrets.without_known("opensesame") == "***"

    def test_this_machine_is_asked_without_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert call(reply({}))[0].status == 200


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "message", "code", "detail", "type"]), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_the_words_of_any_error_are_one_short_line(said: object) -> None:
    text, code = words(said)
    assert text.isprintable()
    assert len(text) < 5000
    assert isinstance(code, str)
