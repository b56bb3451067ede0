"""What an endpoint replied in pieces, read as a response or refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from chat_help import Wire, answered, chat, chunks, completion, delta, head, pool, refused, reply, run
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.clients import secrets
from pytest_genaiops.clients.request import Request


@pytest.fixture(autouse=True)
def no_other_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", [])


class TestStreams:
    def test_an_answer_in_pieces(self) -> None:
        usage = {"model": "small", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
        filters = {"model": "", "choices": [], "prompt_filter_results": []}
        events = chunks(filters, delta(role="assistant", content=""), delta(content="Ye"), delta(content="s."),
                        delta("stop"), usage)  # fmt: skip
        found = answered(events, model={"stream": True}).response
        assert (found.text, found.model, found.finish_reason) == ("Yes.", "small", "stop")
        assert found.usage == {"input_tokens": 9, "output_tokens": 2}
        assert found.first_token is not None
        assert found.latency is not None
        assert 0 < found.first_token <= found.latency

    def test_tool_calls_and_logprobs_in_pieces(self) -> None:
        def call(index: int, **function: str) -> dict[str, Any]:
            return {"index": index, "function": function}

        first = {**call(0, name="clock", arguments=""), "id": "c0", "type": "function"}
        second = {**call(1, name="say", arguments='{"a"'), "id": "c1"}
        scored = delta(content="x")
        scored["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": -0.5}]}
        events = chunks(
            delta(tool_calls=[first]),
            delta(tool_calls=[second, call(0, arguments='{"zone":')]),
            delta(tool_calls=[call(0, arguments=' "CET"}'), call(1, arguments=": 1}")]),
            scored,
            scored,
            delta("tool_calls"),
        )
        found = answered(events, model={"stream": True}).response
        assert found.tool_calls == (
            {"name": "clock", "arguments": {"zone": "CET"}, "id": "c0"},
            {"name": "say", "arguments": {"a": 1}, "id": "c1"},
        )
        assert [token["token"] for token in found.logprobs] == ["x", "x"]
        assert found.finish_reason == "tool_calls"

    @pytest.mark.parametrize(
        "events",
        [
            chunks(delta(content="Yes."), delta("stop"), end=""),  # a reason and no [DONE]
            chunks(delta("stop", content="Yes."), end="data:[DONE]"),
        ],
    )
    def test_a_reason_to_stop_is_an_end(self, events: bytes) -> None:
        assert answered(events, model={"stream": True}).response.text == "Yes."

    @pytest.mark.parametrize(
        "events",
        [
            chunks(delta(content="Ye"), end=""),
            chunks(delta(content="Ye")),  # [DONE] and no reason: what llama.cpp sends of an interrupted answer
            chunks(end=""),
            chunks(),
            chunks({"model": "small", "choices": []}),
        ],
    )
    def test_one_that_ends_before_the_answer_does_is_tried_again(self, events: bytes) -> None:
        error = refused(events, model={"stream": True})
        assert error.again
        assert "ended the stream before the answer was complete" in error.message

    def test_one_that_is_cut_off_is_tried_again(self) -> None:
        whole = chunks(delta(content="Yes."), delta("stop"))

        async def cut(writer: Any) -> None:
            writer.write(whole[:-60])
            await writer.drain()

        assert refused(cut, model={"stream": True}).again

    def test_one_that_hangs_after_its_end_is_complete(self) -> None:
        async def hang(writer: Any) -> None:
            writer.write(chunks(delta(content="Yes."), delta("stop")).replace(b"Content-Length", b"X-Length"))
            await writer.drain()
            await writer.wait_closed()

        assert answered(hang, model={"stream": True}).response.text == "Yes."

    def test_its_connection_serves_the_next_call_though_its_end_comes_a_moment_later(self) -> None:
        said = chunks(delta(content="Yes."), delta("stop")).split(b"\r\n\r\n")[1]

        async def slow_end(writer: Any) -> bool:
            writer.write(head(Content_Type="text/event-stream", Transfer_Encoding="chunked"))
            writer.write(b"%x\r\n%b\r\n" % (len(said), said))
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(b"0\r\n\r\n")
            return True

        async def calls() -> int:
            async with Wire(slow_end) as wire:
                service, connections = chat({"name": "small", "base_url": wire.url, "stream": True}), pool()
                request = Request(service=service.identity, body=service.body([], {}))
                for _ in range(3):
                    await service.answer(request, connections)
                await connections.close()
                return wire.connections

        assert run(calls()) == 1

    @pytest.mark.parametrize("bad", ["data: {\n\n", "data: [1]\n\n", "data: \xff\n\n"])
    def test_an_event_that_is_no_json_is_tried_again(self, bad: str) -> None:
        assert refused(chunks(delta(content="a"), end=bad), model={"stream": True}).again

    def test_an_error_within_is_one(self) -> None:
        events = chunks(delta(content="a"), {"error": {"message": "no room", "code": 502}})
        error = refused(events, model={"stream": True})
        assert error.again
        assert '"no room"' in error.message

    def test_a_filtered_one_is_refused(self) -> None:
        assert not refused(chunks(delta(content="a"), delta("content_filter")), model={"stream": True}).again

    def test_another_model_is_noticed(self) -> None:
        assert refused(chunks({**delta("stop", content="a"), "model": "big"}), model={"stream": True}).kind == "model"

    def test_an_endpoint_that_does_not_stream_is_read_all_the_same(self) -> None:
        found = answered(reply(completion()), model={"stream": True}).response
        assert (found.text, found.first_token) == ("Yes.", None)

    @given(st.data())
    @settings(max_examples=50)
    def test_however_it_arrives_it_is_the_same(self, data: st.DataObject) -> None:
        from pytest_genaiops.clients.stream import Events

        said = data.draw(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=4))
        newline = data.draw(st.sampled_from(["\n", "\r\n"]))
        text = "".join(f": note{newline}event: x{newline}data: {each}{newline}{newline}" for each in said)
        raw, events, found = text.encode(), Events(), []
        while raw:
            size = data.draw(st.integers(1, len(raw)))
            found += events.feed(raw[:size])
            raw = raw[size:]
        assert [*found, *events.end()] == [each.encode() for each in said]
