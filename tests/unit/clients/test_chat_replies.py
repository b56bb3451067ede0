"""What an endpoint replied in one piece, read as a response or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_help import answered, completion, refused, reply
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.clients import secrets
from pytest_genaiops.clients.reply import read, response_of, served_as
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.wire import from_json, to_json
from pytest_genaiops.records import Case, Response, Trial


@pytest.fixture(autouse=True)
def no_other_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", [])


def response(payload: object, **model: Any) -> Response:
    return answered(reply(payload), model=model).response


class TestAnswers:
    def test_a_completion(self) -> None:
        answer = answered(reply(completion(), X_Ratelimit_Remaining_Requests=4))
        found = answer.response
        assert (found.text, found.model, found.deployment, found.finish_reason) == ("Yes.", "small", "small", "stop")
        assert found.usage == {"input_tokens": 9, "output_tokens": 2}
        assert found.latency is not None
        assert (found.first_token, found.error, found.trial) == (None, None, None)
        assert answer.allowance.remaining == 4

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("", ""),
            (None, ""),
            ("Dé\u200bjà 😀", "Dé\u200bjà 😀"),
            ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
            ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "b"}, "x", {"type": "text"}], "b"),
        ],
    )
    def test_content(self, content: object, text: str) -> None:
        assert response(completion(content)).text == text

    def test_a_refusal_is_what_the_model_said(self) -> None:
        assert response(completion(None, message={"refusal": "I cannot."})).text == "I cannot."

    def test_all_kinds_of_tokens(self) -> None:
        usage = {
            "prompt_tokens": 10,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 12},
        }
        assert response(completion(usage=usage)).usage == {
            "input_tokens": 10,
            "output_tokens": 20,
            "cached_tokens": 4,
            "reasoning_tokens": 12,
        }
        assert response(completion(usage={"input_tokens": 1, "output_tokens": 2})).usage["input_tokens"] == 1

    @pytest.mark.parametrize(
        "usage", [None, 3, [], {"prompt_tokens": -1, "completion_tokens": "9"}, {"prompt_tokens": True}]
    )
    def test_counts_that_are_none_are_not_told(self, usage: object) -> None:
        assert response(completion(usage=usage)).usage == {}

    def test_no_call_is_an_answer_only_where_tools_were_offered(self) -> None:
        clock = {"type": "function", "function": {"name": "clock", "parameters": {}}}
        assert answered(reply(completion())).response.tool_calls is None
        assert answered(reply(completion()), tools=[clock]).response.tool_calls == ()

    def test_tool_calls(self) -> None:
        calls = [
            {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": '{"zone": "CET"}'}},
            {"id": "c2", "type": "function", "function": {"name": "say", "arguments": "{not JSON"}},
            {"function": {"name": "old", "arguments": {"parsed": 1}}},
        ]
        found = response(completion(None, message={"tool_calls": calls}, choice={"finish_reason": "tool_calls"}))
        assert found.text == ""
        assert found.tool_calls == (
            {"name": "clock", "arguments": {"zone": "CET"}, "id": "c1"},
            {"name": "say", "arguments": "{not JSON", "id": "c2"},
            {"name": "old", "arguments": {"parsed": 1}},
        )

    def test_the_older_form_of_a_call(self) -> None:
        found = response(completion(None, message={"function_call": {"name": "f", "arguments": "{}"}}))
        assert found.tool_calls == ({"name": "f", "arguments": {}},)

    @pytest.mark.parametrize("arguments", ["[" * 100 + "]" * 100, "[" * 100_000, '{"a": 1e999}'])
    def test_arguments_that_are_too_much_stay_text(self, arguments: str) -> None:
        calls = [{"id": "c", "function": {"name": "f", "arguments": arguments}}]
        (call,) = response(completion(None, message={"tool_calls": calls})).tool_calls
        assert call["arguments"] == arguments

    def test_logprobs(self) -> None:
        tokens = [{"token": "Yes", "logprob": -0.1, "bytes": [89], "top_logprobs": [{"token": "No", "logprob": -3.0}]}]
        odd = [{"token": "x"}, 3, {"token": "y", "logprob": "low"}]
        found = response(completion(choice={"logprobs": {"content": tokens + odd}}))
        assert found.logprobs == tuple(tokens)

    def test_no_number_is_infinite(self) -> None:
        payload = json.dumps(completion(choice={"logprobs": {"content": [{"token": "a", "logprob": 0}]}}))
        for number in ("NaN", "-Infinity", "-1e999"):
            assert response(payload.replace('"logprob": 0', f'"logprob": {number}').encode()).logprobs == ()

    def test_an_answer_that_was_cut_is_an_answer(self) -> None:
        found = response(completion("", choice={"finish_reason": "length"}))
        assert (found.text, found.finish_reason) == ("", "length")

    def test_a_key_in_an_answer_is_not_kept(self) -> None:
        key = secrets.Secret("planted-key-1").reveal()
        calls = [{"id": key, "function": {"name": key, "arguments": json.dumps({key: [key]})}}]
        found = response(completion(f"It is {key}.", message={"tool_calls": calls}))
        assert found.text == "It is ***."
        assert key not in to_json(found)


class TestRefusals:
    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"not JSON",
            b"\xff\xfe{}",
            b'{"choices": [',
            b"[]",
            b"3",
            b"[" * 100_000,
            {},
            {"choices": []},
            {"choices": None},
            {"choices": [3]},
            {"choices": [{}]},
            {"choices": [{"message": "hi"}]},
            {"choices": [{"message": {"content": 3}}]},
            {"choices": [{"message": {"content": {"a": 1}}}]},
            b'{"choices": [{"message": {"content": "half \\ud83d"}}]}',
            b'{"choices": [{"message": {"content": "' + b"9" * 10 + b'"}, "x": ' + b"9" * 5000 + b"}]}",
        ],
    )
    def test_a_gateways_hiccup_may_be_tried_again(self, payload: object) -> None:
        error = refused(reply(payload))
        assert (error.again, error.kind, error.throttled) == (True, "target", False)
        assert len(error.message) < 600

    @pytest.mark.parametrize(
        ("error", "again", "throttled"),
        [
            ({"message": "no room", "code": 503}, True, False),
            ({"message": "no room", "code": "429"}, True, True),
            ({"message": "no room", "code": 400}, False, False),
            ({"message": "no room", "type": "server_error"}, True, False),
            ({"message": "no room", "code": "content_filter"}, False, False),
            ("no room", True, False),
        ],
    )
    def test_an_error_with_a_status_of_200(self, error: object, again: bool, throttled: bool) -> None:
        found = refused(reply({"error": error}))
        assert (found.again, found.throttled) == (again, throttled)
        assert found.message.endswith('/v1/chat/completions sent an error: "no room"')

    def test_a_filtered_answer_is_refused_in_the_filters_words(self) -> None:
        """https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter"""
        results = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": True, "severity": "high"}}
        choice = {"finish_reason": "content_filter", "content_filter_results": results}
        for payload in (completion("", choice=choice), completion("Half", choice={"finish_reason": "content_filter"})):
            error = refused(reply(payload))
            assert not error.again
            assert "content filter" in error.message
        assert "'violence'" in refused(reply(completion("", choice=choice))).message

    def test_a_key_that_is_not_set_is_one_as_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NOWHERE", raising=False)
        error = refused(reply(completion()), model={"api_key_env": "NOWHERE"})
        assert not error.again
        assert error.message.startswith("v1.yaml:2: the environment variable 'NOWHERE', which holds the key")

    def test_messages_name_the_address_without_its_query(self) -> None:
        error = refused(reply(b"x"))
        assert error.message.startswith("http://127.0.0.1:")
        assert '/v1/chat/completions sent what is no JSON text: "x"' in error.message


class TestServedModel:
    @pytest.mark.parametrize(
        ("declared", "served"),
        [
            ("gpt-4o-mini", "gpt-4o-mini"),
            ("GPT-4o", "gpt-4o"),
            ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
            ("gpt-4", "gpt-4-0613"),
            ("claude-haiku", "claude-haiku-20240718"),
            ("gemini-1.5-flash", "gemini-1.5-flash-002"),
            ("mistral-small-latest", "mistral-small-2409"),
            ("llama3", "llama3:latest"),
            ("llama3:latest", "llama3"),
            ("openai/gpt-4o", "gpt-4o"),
            ("gpt-4o", "openai/gpt-4o-2024-08-06"),
            ("qwen2.5-0.5b", "/models/Qwen2.5-0.5B.gguf"),
            ("C:\\models\\a.gguf", "a"),
            ("models/org/m", "org/m"),
        ],
    )
    def test_these_are_the_declared_model(self, declared: str, served: str) -> None:
        assert served_as(declared, served)

    @pytest.mark.parametrize(
        ("declared", "served"),
        [
            ("gpt-4o", "gpt-4o-mini"),
            ("gpt-4o", "gpt-4o-mini-2024-07-18"),
            ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4", "gpt-4.1"),
            ("gpt-4", "gpt-4-turbo"),
            ("llama3", "llama3:70b"),
            ("meta/llama3", "other/llama3"),
            ("llama3", "llama3.1"),
            ("m", "m-2024-07-18-x"),
            ("m", ""),
            ("m", "x/"),
        ],
    )
    def test_these_are_not(self, declared: str, served: str) -> None:
        assert not served_as(declared, served)

    def test_globs_name_others(self) -> None:
        assert served_as("fast", "Llama-3-8B-Q4", ["llama-3-*"])
        assert not served_as("fast", "llama-2", ["llama-3-*", "[x"])

    def test_another_model_is_an_error_of_its_kind(self) -> None:
        error = refused(reply(completion(model="big\x1b")))
        assert (error.kind, error.again) == ("model", False)
        assert "the model 'big\\x1b' answered, and the variant names 'small'" in error.message
        assert "served: " in error.message

    def test_another_model_that_is_meant(self) -> None:
        assert response(completion(model="big-3"), served="big-*").model == "big-3"

    @pytest.mark.parametrize("model", [None, "", 3, ["small"]])
    def test_a_reply_that_names_none_is_accepted(self, model: object) -> None:
        assert response(completion(model=model)).model is None

    def test_on_azure_only_where_a_model_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "planted-key-1")
        azure = {"provider": "azure", "deployment": "prod"}
        assert response(completion(model="gpt-4o-2024-08-06"), name="prod", **azure).deployment == "prod"
        assert response(completion(model="gpt-4o-2024-08-06"), name="gpt-4o", **azure).model == "gpt-4o-2024-08-06"
        error = refused(reply(completion(model="gpt-35-turbo")), model={**azure, "name": "gpt-4o"})
        assert error.kind == "model"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MESSAGE = st.dictionaries(st.sampled_from(["content", "refusal", "tool_calls", "function_call"]), JSON)
CHOICE = st.fixed_dictionaries({"message": MESSAGE}, optional={"finish_reason": JSON, "logprobs": JSON})
PAYLOAD = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2)}, optional={"usage": JSON, "model": JSON, "error": JSON}
)


@given(PAYLOAD)
@settings(max_examples=50)
def test_whatever_is_replied_is_a_response_that_can_be_kept_or_a_refusal(payload: dict[str, Any]) -> None:
    found, said = None, ""
    try:
        found = response_of(read(json.dumps(payload).encode(), "x"), "x")
    except RefusedError as error:
        said = error.message
    assert "\n" not in said
    if found is not None:
        kept = to_json(found)
        assert from_json(kept, Trial(case=Case(id="c"), variant="v")).text == found.text
        json.dumps(json.loads(kept), allow_nan=False)
