"""Each fault is met as its name says, and only by the calls that it was meant for."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import re
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fake_help import QUESTION, Got, asked, connected

from pytest_genaiops.testing import FAULTS, FakeServer, Limit
from pytest_genaiops.testing import faults as module

STREAM = {**QUESTION, "stream": True}
BOTH = pytest.mark.parametrize("body", [QUESTION, STREAM], ids=["whole", "stream"])


def met(fault: str, body: object = QUESTION, **headers: str) -> Got:
    with FakeServer(fault=fault) as server:
        got = asked(server.url, body, headers=headers)
        assert [call.status for call in server.calls] == [got.status]
        assert server.answered == 0
        return got


def begun(url: str, size: int, body: object = QUESTION) -> bytes:
    """The first bytes of a body that may never end."""
    link = connected(url)
    link.request("POST", "/v1/chat/completions", json.dumps(body))
    start = link.getresponse().read(size)
    link.close()
    return start


@BOTH
class TestReplies:
    @pytest.mark.parametrize("code", [400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 529])
    def test_status(self, code: int, body: object) -> None:
        got = met(f"status {code}", body)
        assert got.status == code
        assert got.json["error"]["code"] == str(code)

    def test_malformed(self, body: object) -> None:
        got = met("malformed", body)
        with pytest.raises(json.JSONDecodeError):
            json.loads(got.events[0])

    def test_wrong_shape(self, body: object) -> None:
        assert "choices" not in json.loads(met("wrong shape", body).events[0])

    def test_empty(self, body: object) -> None:
        assert met("empty", body).body == b""

    def test_wrong_model(self, body: object) -> None:
        assert json.loads(met("wrong model", body).events[0])["model"] == "another-model"
        assert json.loads(met("wrong model gpt-x", body).events[0])["model"] == "gpt-x"

    def test_filtered(self, body: object) -> None:
        assert b'"finish_reason": "content_filter"' in met("filtered", body).body

    def test_surrogate(self, body: object) -> None:
        assert rb"\ud83d" in met("surrogate", body).body

    def test_deep_json(self, body: object) -> None:
        with pytest.raises(RecursionError):
            json.loads(met("deep json", body).events[0])

    def test_redirect(self, body: object) -> None:
        got = met("redirect file:///etc/passwd", body)
        assert (got.status, got.headers["location"]) == (302, "file:///etc/passwd")
        assert met("redirect", body).headers["location"].startswith("http://169.254.169.254/")

    def test_echo_key(self, body: object) -> None:
        got = met("echo key", body, Authorization="Bearer planted-1", **{"api-key": "planted-2"})
        assert got.status == 401
        assert {"planted-1", "planted-2"} <= set(re.findall(r"planted-\d", got.json["error"]["message"]))


@BOTH
class TestConnections:
    def test_drop(self, body: object) -> None:
        with FakeServer(fault="drop") as server:
            with pytest.raises(http.client.RemoteDisconnected):
                asked(server.url, body)
            assert server.calls[0].status is None

    def test_reset(self, body: object) -> None:
        with FakeServer(fault="reset") as server, socket.create_connection(_address(server.url)) as link:
            data = json.dumps(body).encode()
            link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data))
            link.sendall(data)
            with pytest.raises(ConnectionResetError):
                link.recv(100)

    def test_truncated(self, body: object) -> None:
        with FakeServer("a longer answer", fault="truncated") as server:
            with pytest.raises(http.client.IncompleteRead) as raised:
                asked(server.url, body)
            assert raised.value.partial.startswith((b"{", b"data: {"))
            assert b"[DONE]" not in raised.value.partial

    def test_slow_loris(self, body: object) -> None:
        with FakeServer(fault="slow loris") as server:
            link = connected(server.url)
            link.connect()
            wire = link.sock
            link.request("POST", "/v1/chat/completions", json.dumps(body))
            reply = link.getresponse()
            assert reply.read(1) in (b"{", b"d")
            wire.settimeout(0.3)
            with pytest.raises(TimeoutError):
                reply.read(5)
            link.close()

    def test_huge(self, body: object) -> None:
        with FakeServer(fault="huge") as server:
            assert len(begun(server.url, 5_000_000, body)) == 5_000_000

    def test_endless_stream(self, body: object) -> None:
        with FakeServer(fault="endless stream") as server:
            start = begun(server.url, 5_000_000, body)
        events = start.split(b"\n\n")[:-1]
        assert len(events) > 10_000
        assert json.loads(events[-1].removeprefix(b"data: "))["choices"][0]["finish_reason"] is None

    def test_gzip_bomb(self, body: object) -> None:
        with FakeServer(fault="gzip bomb") as server:
            start = begun(server.url, 50_000, body)
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(start)).read(20_000_000)
        assert len(unpacked) == 20_000_000


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


class TestTime:
    def test_latency_is_late_and_an_answer(self) -> None:
        with FakeServer(fault="latency 0.2") as server:
            before = time.monotonic()
            assert asked(server.url).text == "a fake answer"
            assert time.monotonic() - before >= 0.2
            assert server.answered == 1

    def test_a_storm_passes(self) -> None:
        with FakeServer(fault="storm 0.4") as server:
            first = asked(server.url)
            time.sleep(int(first.headers["retry-after-ms"]) / 1000 + 0.01)
            assert asked(server.url).status == 200
        assert (first.status, first.headers["retry-after"]) == (429, "1")

    def test_latency_holds_for_what_goes_wrong_as_well(self) -> None:
        with FakeServer(latency=0.2, fault="status 500") as server:
            before = time.monotonic()
            asked(server.url)
            assert time.monotonic() - before >= 0.2


class TestChoice:
    def test_by_number(self) -> None:
        with FakeServer(fault={1: "status 503", 3: "status 400"}) as server:
            assert [asked(server.url).status for _ in range(4)] == [503, 200, 400, 200]
            assert server.answered == 2

    def test_by_a_function_of_number_and_body(self) -> None:
        def fault(number: int, body: object) -> str | None:
            return "status 500" if number == 2 or body != QUESTION else None

        with FakeServer(fault=fault) as server:
            assert [asked(server.url).status for _ in range(3)] == [200, 500, 200]
            assert asked(server.url, STREAM).status == 500

    def test_changed_while_it_serves(self) -> None:
        with FakeServer() as server:
            assert asked(server.url).status == 200
            server.fault = "status 502"
            assert asked(server.url).status == 502
            server.fault = None
            server.admit = Limit(1)
            assert [asked(server.url).status for _ in range(2)] == [200, 429]

    def test_a_refusal_by_the_limit_comes_before_the_fault(self) -> None:
        with FakeServer(admit=Limit(1, "window", retry_after=None), fault="status 500") as server:
            statuses = {asked(server.url).status for _ in range(20)}
        assert statuses == {500, 429}


def test_every_fault_is_tried_here() -> None:
    source = Path(__file__).read_text("utf-8")
    assert [name for name in FAULTS if f'"{name}' not in source] == []
    assert set(FAULTS) == set(module.FAULTS)
