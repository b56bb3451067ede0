"""Whatever goes wrong between client and model, every case ends answered, or with an error of its kind."""

from __future__ import annotations

import asyncio
import base64
import time
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from fault_help import Run, responses
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients import http, retrying
from pytest_genaiops.clients.assembly import client_of, shared_of
from pytest_genaiops.clients.http import HttpStream, words
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.clients.request import Answer, RefusedError, Request
from pytest_genaiops.clients.secrets import HIDDEN, Headers, remember, without_secrets
from pytest_genaiops.config import Settings
from pytest_genaiops.records import Response
from pytest_genaiops.testing import FAULTS, FakeServer

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
SOME = Run(always=range(4), first=range(4, 10))
FEW = Run(always=range(3), first=range(3, 6), concurrency=8, timeout=3.0)
"""Of those that hang, each costs its time."""

MENDED = [
    *("status 408", "status 409", "status 500", "status 502", "status 503", "status 529"),
    *("malformed", "wrong shape", "empty", "truncated", "drop", "reset", "deep json", "surrogate"),
]
"""Faults that another attempt may not meet."""
LASTING = {
    **dict.fromkeys(
        ["status 400", "status 401", "status 403", "status 404", "redirect", "filtered", "echo key"], "target"
    ),
    "wrong model": "model",
}
"""Faults that another attempt would meet again, with the kind of the error."""
ENDLESS = ["huge", "endless stream", "gzip bomb"]
HANGING = ["latency 30", "slow loris"]
THROTTLED = ["storm", "status 429"]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "BASE", 0.01)


def check(run: Run, fault: str, folder: Path, *, stream: bool, kind: str, mended: bool) -> FakeServer:
    """Every case is answered, or has an error of the kind; nothing else."""
    given, server = responses(run, fault, folder, stream=stream)
    lost = {*run.always, *(() if mended else run.first)}
    for number, response in enumerate(given):
        if number in lost:
            assert response.error is not None, number
            assert response.error.kind == kind, response.error
            assert 0 < len(response.error.message) < 700
            assert response.error.message.isprintable()
        else:
            assert (response.error, response.text) == (None, f"case {number}")
    assert len(given) == run.cases
    assert server.answered == run.cases - len(lost)
    return server


@BOTH
class TestMatrix:
    @pytest.mark.parametrize("fault", MENDED)
    def test_what_may_pass_is_tried_again(self, fault: str, stream: bool, tmp_path: Path) -> None:
        server = check(SOME, fault, tmp_path, stream=stream, kind="target", mended=True)
        assert Counter(call.body["messages"][0]["content"] for call in server.calls)["case 0"] == retrying.MOST

    @pytest.mark.parametrize("fault", LASTING)
    def test_what_lasts_is_not_tried_again(self, fault: str, stream: bool, tmp_path: Path) -> None:
        server = check(SOME, fault, tmp_path, stream=stream, kind=LASTING[fault], mended=False)
        assert len(server.calls) == SOME.cases

    @pytest.mark.parametrize("fault", ENDLESS)
    def test_what_does_not_end_is_bounded(
        self, fault: str, stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http, "MAX_BODY", 2**20)
        server = check(SOME, fault, tmp_path, stream=stream, kind="target", mended=False)
        assert len(server.calls) == SOME.cases

    @pytest.mark.parametrize("fault", HANGING)
    def test_what_hangs_is_given_up(self, fault: str, stream: bool, tmp_path: Path) -> None:
        check(FEW, fault, tmp_path, stream=stream, kind="timeout", mended=False)

    def test_a_storm_is_waited_out(self, stream: bool, tmp_path: Path) -> None:
        run = Run(cases=30, always=range(30))
        given, server = responses(run, "storm 0.3", tmp_path, stream=stream)
        assert [response.text for response in given] == [f"case {number}" for number in range(30)]
        assert server.answered == 30
        assert {call.status for call in server.calls} == {200, 429}


def test_every_fault_is_in_the_matrix() -> None:
    tried = [*MENDED, *LASTING, *ENDLESS, *HANGING, *THROTTLED]
    assert {name for name in FAULTS if not any(each.split(" ")[0] == name.split(" ")[0] for each in tried)} == set()


def test_nobody_goes_where_a_redirect_points(tmp_path: Path) -> None:
    with FakeServer() as trap:
        given, server = responses(Run(cases=20, always=range(20)), f"redirect {trap.url}/chat/completions", tmp_path)
        assert trap.calls == []
        assert trap.connections.opened == 0
    assert len(server.calls) == 20
    assert all(each.error and f"redirects to {trap.url}/chat/completions (302)" in each.error.message for each in given)


class Arriving:
    """A reply of any number of bytes, as aiohttp hands it over; all replies count what callers hold of them."""

    status, headers, content_length = 200, Headers(), None
    held: ClassVar[dict[Arriving, int]] = {}
    most = 0

    @property
    def content(self) -> Arriving:
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        while True:
            self.held[self] = self.held.get(self, 0) + 2**16
            Arriving.most = max(Arriving.most, sum(self.held.values()))
            yield bytes(2**16)
            await asyncio.sleep(0)


def test_many_endless_replies_at_once_take_little_memory() -> None:
    async def read(large: asyncio.Semaphore) -> None:
        reply = Arriving()
        stream = HttpStream(cast("Any", reply), url="http://x", begun=0.0, large=large)
        with pytest.raises(RefusedError, match="more than 16 MB"):
            await stream.body()
        del Arriving.held[reply]

    async def read_all() -> None:
        large = asyncio.Semaphore(2)
        await asyncio.gather(*[read(large) for _ in range(50)])

    asyncio.run(read_all())
    assert Arriving.most < 50 * 2**20  # two of 16 MB, and the start of 48; all at once would be 800 MB


class Heavy:
    """Stands for the megabytes of a reply."""


class Failing:
    """A service whose attempts fail with the reply in their frames, and in an error that they came from."""

    identity: ClassVar[dict[str, str]] = {"kind": "failing"}
    name, model = "failing", None

    def __init__(self) -> None:
        self.replies: list[weakref.ref[Heavy]] = []

    async def answer(self, request: Request, pool: Pool) -> Answer:
        assert [reply() for reply in self.replies] == [None] * len(self.replies)
        heavy = Heavy()
        self.replies.append(weakref.ref(heavy))
        try:
            raise ValueError(heavy)
        except ValueError:
            raise RefusedError("it fails", again=True) from None


def test_a_reply_that_waits_for_its_next_attempt_is_let_go(tmp_path: Path) -> None:
    async def ask() -> Response:
        client, service = client_of(Settings(root=tmp_path), shared=shared_of(None)), Failing()
        response = await client.send(Request(service=service.identity, body={}), service)
        assert len(service.replies) == retrying.MOST
        return response

    assert str(asyncio.run(ask()).error) == "target: it fails (after 5 attempts)"


@pytest.mark.parametrize("piece", ["-eyJ", "-eyJaaaaaaaa.", "//a", "Bearer ", "api key:  ", "x ", "\\", " "])
def test_long_words_of_a_hostile_service_are_looked_through_at_once(piece: str) -> None:
    begun = time.process_time()
    shown, _ = words(piece * (4 * 2**20 // len(piece)))
    assert len(shown) < 700
    assert time.process_time() - begun < 60  # once it was hours


@given(st.binary(max_size=5), st.binary(max_size=5), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_a_key_is_found_within_what_was_encoded(before: bytes, after: bytes, encode: Callable[[bytes], bytes]) -> None:
    key = "planted-key~with?some>signs"
    remember(key)
    left = without_secrets(encode(before + key.encode() + after).decode())
    assert HIDDEN in left
    assert len(left) <= len(HIDDEN) + 4 * (len(before) + len(after) + 6) / 3 + 4


def test_of_a_key_that_holds_another_one_nothing_stays() -> None:
    remember("held-within-it")
    remember("before-held-within-it-after")
    remember("and-another-one")
    assert without_secrets("[before-held-within-it-after]") == f"[{HIDDEN}]"
