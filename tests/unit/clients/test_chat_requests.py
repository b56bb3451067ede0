"""What a chat endpoint is asked, who it says it is, and what its identity is made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_help import PLACE, Wire, ask, chat, completion, reply, run

from pytest_genaiops.clients.request import Request
from pytest_genaiops.errors import UsageError

LOCAL: dict[str, Any] = {"name": "small", "base_url": "http://127.0.0.1:8000/v1"}
MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Héllo?"}]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_VERSION", "AZURE_OPENAI_ENDPOINT", "LLM_URL"):
        monkeypatch.delenv(name, raising=False)


def body(parameters: dict[str, Any], **model: Any) -> dict[str, Any]:
    return chat({**LOCAL, **model}).body(MESSAGES, parameters)


class TestBody:
    def test_model_messages_and_parameters(self) -> None:
        given = {"temperature": 0.2, "max_tokens": 5, "seed": 7, "stop": ["."], "logprobs": True, "top_logprobs": 2}
        assert body(given) == {"model": "small", "messages": MESSAGES, **given}

    def test_it_is_what_is_sent(self) -> None:
        async def sent() -> tuple[str, bytes]:
            async with Wire(reply(completion())) as wire:
                await ask({**LOCAL, "base_url": wire.url}, {"max_tokens": 5})
                return wire.heads[0], wire.bodies[0]

        head, data = run(sent())
        assert head.startswith("POST /v1/chat/completions HTTP/1.1")
        messages = [{"role": "user", "content": "Is it?"}]
        assert json.loads(data) == {"model": "small", "messages": messages, "max_tokens": 5}

    @pytest.mark.parametrize(
        "name", ["o1", "o1-mini", "o3", "o4-mini-2025-04-16", "gpt-5", "gpt-5.1-chat", "openai/gpt-5"]
    )
    def test_models_that_spell_max_tokens_in_their_own_way(self, name: str) -> None:
        """ "max_tokens … is not compatible with o-series models" (OpenAI's reference of chat completions)."""
        assert body({"max_tokens": 5}, name=name)["max_completion_tokens"] == 5

    @pytest.mark.parametrize("name", ["gpt-4o", "gpt-4.1", "gpt-35-turbo", "llama3", "o200k", "olmo-2", "gpt-oss-20b"])
    def test_models_that_do_not(self, name: str) -> None:
        assert body({"max_tokens": 5}, name=name)["max_tokens"] == 5

    def test_the_variant_may_say_which_spelling(self) -> None:
        sent = body({"max_tokens": 5}, max_tokens_key="max_completion_tokens")
        assert ("max_tokens" in sent, sent["max_completion_tokens"]) == (False, 5)
        assert body({"max_tokens": 5}, name="o1", max_tokens_key="max_tokens")["max_tokens"] == 5

    def test_a_stream_tells_its_usage(self) -> None:
        for sent in (body({}, stream=True), body({"stream": True})):
            assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})
        assert "stream" not in body({"stream": False})

    @pytest.mark.parametrize("n", [2, 0, "3"])
    def test_one_answer_at_a_time(self, n: object) -> None:
        with pytest.raises(UsageError, match=rf"^{PLACE}: n is {n!r}; ask for one answer, and write trials= for more"):
            body({"n": n})
        assert body({"n": 1})["n"] == 1

    def test_what_means_nothing_here_is_not_sent(self) -> None:
        assert body({"temperature": None}, region="eu", served="*") == {"model": "small", "messages": MESSAGES}

    def test_a_chat_endpoint_is_a_service(self) -> None:
        service = chat(LOCAL)
        assert (service.name, service.model) == ("small at 127.0.0.1:8000", "small")


class TestStructure:
    def test_functions_of_openais_form_go_as_they_are(self) -> None:
        tool = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
        assert body({}, tools=[tool])["tools"] == [tool]
        assert body({"tools": []}, tools=[tool])["tools"] == []

    def test_functions_of_prompty_2(self) -> None:
        declared = {
            "name": "weather",
            "kind": "function",
            "description": "Tells it.",
            "parameters": [{"name": "town", "kind": "string", "required": True}, {"name": "days", "kind": "integer"}],
        }
        assert body({}, tools=[declared])["tools"] == [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Tells it.",
                    "parameters": {
                        "type": "object",
                        "properties": {"town": {"type": "string"}, "days": {"type": "integer"}},
                        "required": ["town"],
                    },
                },
            }
        ]

    def test_strict_functions_have_all_properties_required(self) -> None:
        declared = {"name": "f", "kind": "function", "strict": True, "parameters": [{"name": "a", "kind": "number"}]}
        (tool,) = body({}, tools=[declared])["tools"]
        assert tool["function"]["strict"] is True
        assert tool["function"]["parameters"] == {
            "type": "object",
            "properties": {"a": {"type": ["number", "null"]}},
            "required": ["a"],
            "additionalProperties": False,
        }

    @pytest.mark.parametrize("tool", [{"name": "x", "kind": "mcp"}, {"kind": "function"}, "clock", {"type": "web"}])
    def test_other_tools_are_refused(self, tool: object) -> None:
        with pytest.raises(UsageError, match=f"^{PLACE}: "):
            body({}, tools=[tool])

    def test_outputs_of_prompty_2_are_a_schema(self) -> None:
        """Strict structured outputs: every property required, nothing else allowed, what is optional may be null."""
        outputs = [
            {"name": "label", "kind": "string", "required": True, "enumValues": ["a", "b"], "description": "Which."},
            {"name": "tags", "kind": "array", "items": {"kind": "string"}},
            {"name": "at", "kind": "object", "required": True, "properties": {"x": {"kind": "float"}}},
        ]
        assert body({}, outputs=outputs)["response_format"] == {
            "type": "json_schema",
            "json_schema": {
                "name": "outputs",
                "strict": True,
                "schema": {
                    "type": "object",
                    "properties": {
                        "label": {"type": "string", "description": "Which.", "enum": ["a", "b"]},
                        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
                        "at": {
                            "type": "object",
                            "properties": {"x": {"type": ["number", "null"]}},
                            "required": ["x"],
                            "additionalProperties": False,
                        },
                    },
                    "required": ["label", "tags", "at"],
                    "additionalProperties": False,
                },
            },
        }

    def test_a_format_among_the_parameters_goes_first(self) -> None:
        chosen = {"type": "json_object"}
        assert body({"response_format": chosen}, outputs={"a": {"kind": "string"}})["response_format"] == chosen

    def test_outputs_of_version_1_only_describe(self) -> None:
        assert "response_format" not in body({}, outputs={"answer": {"type": "string"}})

    @pytest.mark.parametrize("kind", ["colour", None, 3, ["string"]])
    def test_unknown_kinds_are_refused(self, kind: object) -> None:
        with pytest.raises(UsageError, match=f"^{PLACE}: 'a' is of the kind .*; the kinds are 'string', 'integer'"):
            body({}, outputs=[{"name": "a", "kind": kind}])

    def test_a_schema_without_end_is_refused(self) -> None:
        declared: dict[str, Any] = {"kind": "string"}
        for _ in range(100):
            declared = {"kind": "array", "items": declared}
        with pytest.raises(UsageError):
            body({}, outputs={"a": declared})


class TestIdentity:
    def test_it_says_where_and_what(self) -> None:
        assert chat({**LOCAL, "region": "eu", "headers": {"X-Team": "a"}}).identity == {
            "kind": "openai",
            "url": "http://127.0.0.1:8000/v1/chat/completions",
            "model": "small",
            "headers": {"X-Team": "a"},
            "settings": {"region": "eu"},
        }

    def test_it_changes_with_the_place_that_the_environment_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        service = chat({"name": "small", "base_url": "${env:LLM_URL}"})
        seen = []
        for host in ("a", "b", "a"):
            monkeypatch.setenv("LLM_URL", f"http://{host}.example/v1")
            seen.append(service.identity)
        assert seen[0] == seen[2] != seen[1]

    def test_it_does_not_change_with_the_key_and_holds_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []
        for key in ("planted-key-1", "planted-key-2"):
            monkeypatch.setenv("K", key)
            model = {
                **LOCAL,
                "api_key_env": "K",
                "headers": {"x-api-key": "${env:K}"},
                "base_url": "http://h/v1?key=${env:K}",
            }
            seen.append(chat(model).identity)
        assert seen[0] == seen[1]
        assert "planted" not in repr(seen)

    def test_deployments_and_versions_count(self) -> None:
        azure = {"provider": "azure", "deployment": "chat", "azure_endpoint": "https://r.openai.azure.com"}
        one = chat({**azure, "api_version": "2024-10-21"})
        assert one.identity != chat({**azure, "api_version": "2025-01-01"}).identity
        assert (one.identity["model"], one.identity["api_version"]) == ("chat", "2024-10-21")

    def test_a_request_has_a_key(self) -> None:
        service = chat({**LOCAL, "headers": {"X-Team": "a"}})
        assert len(Request(service=service.identity, body=service.body(MESSAGES, {})).key) == 16
