"""The fake server answers like an OpenAI-compatible endpoint, and tells what it was asked."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
import warnings
from types import SimpleNamespace

import pytest
from fake_help import QUESTION, asked, connected

from pytest_genaiops.errors import UsageError
from pytest_genaiops.testing import FakeServer, faults

STREAM = {**QUESTION, "stream": True}


class TestAnswers:
    def test_an_answer_has_the_form_of_a_chat_completion(self) -> None:
        with FakeServer("four words and more") as server:
            got = asked(server.url)
        assert (got.status, got.headers["content-type"]) == (200, "application/json")
        assert got.json["object"] == "chat.completion"
        assert got.json["model"] == "m"
        message = {"role": "assistant", "content": "four words and more"}
        assert got.json["choices"] == [{"index": 0, "message": message, "finish_reason": "stop"}]
        assert got.json["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}

    def test_a_function_answers_by_the_body(self) -> None:
        with FakeServer(lambda body: body["messages"][-1]["content"].upper()) as server:
            assert asked(server.url).text == "ONE TWO THREE"

    def test_a_mapping_is_sent_as_it_is(self) -> None:
        reply: dict[str, object] = {"choices": [], "anything": None}
        with FakeServer(reply) as server:
            assert asked(server.url).json == reply
            assert [json.loads(event) for event in asked(server.url, STREAM).events[:-1]] == [reply]

    def test_another_model_may_be_said_to_answer(self) -> None:
        with FakeServer(model="m-2026-01-01") as server:
            assert asked(server.url).json["model"] == "m-2026-01-01"

    def test_parts_of_messages_count_as_words(self) -> None:
        parts = [{"type": "text", "text": "one two"}, {"type": "image_url", "image_url": {"url": "x"}}]
        body = {"model": "m", "messages": [{"role": "user", "content": parts}, {"role": "user", "content": None}, 7]}
        with FakeServer() as server:
            assert asked(server.url, body).json["usage"]["prompt_tokens"] == 2

    @pytest.mark.parametrize("text", ["Paris is  the capital.\n", "", " \n", "été 🎉"])
    def test_a_stream_adds_up_to_the_text(self, text: str) -> None:
        with FakeServer(text) as server:
            got = asked(server.url, STREAM)
        *events, done = got.events
        chunks = [json.loads(event) for event in events]
        assert done == "[DONE]"
        assert got.headers["content-type"] == "text/event-stream"
        assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == text
        assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
        assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
        assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}

    def test_a_stream_ends_with_the_usage_where_it_was_asked_for(self) -> None:
        with FakeServer("four words and more") as server:
            got = asked(server.url, {**STREAM, "stream_options": {"include_usage": True}})
        last = json.loads(got.events[-2])
        assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 4)

    def test_latency_is_waited_for(self) -> None:
        with FakeServer(latency=0.2) as server:
            begun = time.monotonic()
            asked(server.url)
            assert time.monotonic() - begun >= 0.2

    def test_the_first_event_of_a_stream_comes_before_the_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        slept, read = list[float](), threading.Event()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            while len(slept) == 2 and not read.is_set():  # what follows is held until the first has been read
                await asyncio.sleep(0.005)

        monkeypatch.setattr(faults, "asyncio", SimpleNamespace(sleep=sleep))
        with FakeServer("one two", latency=0.4) as server:
            link = connected(server.url)
            link.request("POST", "/v1/chat/completions", json.dumps(STREAM))
            reply = link.getresponse()
            assert reply.readline().startswith(b"data: {")
            read.set()
            assert reply.read().endswith(b"data: [DONE]\n\n")
            link.close()
        assert slept == [0.2, 0.2]

    def test_a_long_prompt_is_taken(self) -> None:
        body = {"model": "m", "messages": [{"role": "user", "content": "word " * 500_000}]}
        with FakeServer() as server:
            assert asked(server.url, body).json["usage"]["prompt_tokens"] == 500_000

    def test_azures_path_is_served_as_well(self) -> None:
        with FakeServer() as server:
            got = asked(server.url, path="/../openai/deployments/d/chat/completions?api-version=1")
        assert got.status == 200

    @pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"a": ' + b"[" * 100_000])
    def test_a_body_that_is_no_object_is_refused(self, body: bytes) -> None:
        with FakeServer() as server:
            assert asked(server.url, body).status == 400
            assert (server.calls[0].body, server.calls[0].status, server.answered) == ({}, 400, 0)

    def test_another_path_is_not_found(self) -> None:
        with FakeServer() as server:
            assert asked(server.url, path="/completions").status == 404
            assert server.calls[0].path == "/v1/completions"


class TestSeen:
    def test_a_call_is_kept_with_body_headers_time_and_status(self) -> None:
        before = time.monotonic()
        with FakeServer() as server:
            asked(server.url, headers={"Authorization": "Bearer abc"})
            (call,) = server.calls
        assert call.body == QUESTION
        assert call.headers["authorization"] == "Bearer abc"
        assert before <= call.at <= time.monotonic()
        assert (call.status, call.path) == (200, "/v1/chat/completions")
        assert server.answered == 1

    def test_headers_show_in_no_message(self) -> None:
        with FakeServer() as server:
            asked(server.url, headers={"api-key": "hush"}, path="/chat/completions?key=hush")
        assert "hush" not in repr(server.calls)
        assert "hush" not in repr(server)

    def test_connections_are_counted(self) -> None:
        with FakeServer(latency=0.2) as server:
            link = connected(server.url)
            for _ in range(3):
                asked(server.url, connection=link)
            assert (server.connections.opened, server.connections.most) == (1, 1)
            threads = [threading.Thread(target=asked, args=[server.url]) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            link.close()
            assert server.connections.opened == 4
            assert 2 <= server.connections.most <= 4

    def test_other_processes_read_the_counts_over_http(self) -> None:
        with FakeServer(fault={2: "status 503"}) as server:
            for _ in range(3):
                asked(server.url)
            link = connected(server.url)
            link.request("GET", "/seen")
            seen = json.loads(link.getresponse().read())
            link.close()
        assert seen["statuses"] == {"200": 2, "503": 1}
        assert (seen["calls"], seen["answered"]) == (3, 2)
        assert seen["connections"] == {"opened": 3, "most": server.connections.most}


class TestBlock:
    def test_two_servers_stand_beside_each_other(self) -> None:
        with FakeServer("a") as one, FakeServer("b") as other:
            assert one.url != other.url
            assert [asked(one.url).text, asked(other.url).text] == ["a", "b"]

    def test_nothing_is_left_when_the_block_ends(self) -> None:
        threads = set(threading.enumerate())  # of other tests some may still be about to end
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with FakeServer(latency=60.0) as server:
                link = connected(server.url)
                link.request("POST", "/v1/chat/completions", json.dumps(QUESTION))
                while not server.calls:
                    time.sleep(0.005)
        assert set(threading.enumerate()) <= threads
        with pytest.raises((http.client.HTTPException, OSError)):
            link.getresponse()
        link.close()
        with pytest.raises(OSError, match="refused"):
            asked(server.url)

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"fault": "latencies"}, "an unknown fault 'latencies'; did you mean 'latency'"),
            ({"fault": {3: "dorp"}}, "an unknown fault 'dorp'; did you mean 'drop'"),
            (
                {"fault": "status teapot"},
                "the fault 'status teapot' has a detail that means nothing; write 'status 500'",
            ),
            ({"fault": "status 200"}, "write 'status 500'"),
            ({"fault": "latency nan"}, "write 'latency 5'"),
            ({"fault": "drop 3"}, "an unknown fault 'drop 3'"),
            ({"latency": -1.0}, "a latency of -1.0"),
            ({"latency": float("inf")}, "a latency of inf"),
            ({"admit": 0.5}, "admits 0.5 calls a second"),
        ],
    )
    def test_what_means_nothing_is_refused(self, arguments: dict[str, object], error: str) -> None:
        with pytest.raises(UsageError) as raised:
            FakeServer(**arguments)  # type: ignore[arg-type]
        assert error in str(raised.value)

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"answer": lambda body: body["nothing"]}, "KeyError: 'nothing'"),
            ({"answer": lambda body: 7}, "the answer is int; give a string"),
            ({"fault": lambda number, body: "dorp"}, "an unknown fault 'dorp'"),
            ({"fault": lambda number, body: 1 / 0}, "ZeroDivisionError: division by zero"),
        ],
    )
    def test_a_function_that_fails_is_named_when_the_block_ends(self, arguments: dict[str, object], error: str) -> None:
        with pytest.raises(UsageError) as raised, FakeServer(**arguments) as server:  # type: ignore[arg-type]
            asked(server.url)
        assert server.calls[0].status == 500
        assert error in str(raised.value)

    def test_the_error_of_the_block_itself_comes_first(self) -> None:
        with pytest.raises(AssertionError, match="mine"), FakeServer(lambda body: str(1 // 0)) as server:
            assert asked(server.url).status == 200, "mine"
