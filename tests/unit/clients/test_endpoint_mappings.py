"""From the mapping under `model` to an endpoint, and from there to an address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chat_help import PLACE
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import variants
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.errors import UsageError

ENVIRONMENT = (
    "OPENAI_BASE_URL",
    "OPENAI_API_VERSION",
    "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_API_KEY",
    "OPENAI_API_KEY",
    "LLM_URL",
    "LLM_KEY",
)
AZURE = "https://res.openai.azure.com"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def url(**model: Any) -> str:
    return Endpoint.of(model, PLACE).resolve().url


def refused(**model: Any) -> str:
    with pytest.raises(UsageError) as caught:
        Endpoint.of(model, PLACE).resolve()
    assert str(caught.value).startswith(f"{PLACE}: ")
    return str(caught.value)


class TestAddresses:
    def test_openais_own_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert url(name="gpt-4o") == "https://api.openai.com/v1/chat/completions"
        monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway:4000/")
        assert url(name="gpt-4o") == "http://gateway:4000/chat/completions"

    @pytest.mark.parametrize(
        "base_url",
        ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1/chat/completions"],
    )
    def test_a_base_url_in_its_three_forms(self, base_url: str) -> None:
        assert url(name="llama3", base_url=base_url) == "http://127.0.0.1:8000/v1/chat/completions"

    def test_one_from_the_environment_is_read_when_it_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        endpoint = Endpoint.of({"name": "llama3", "base_url": "${env:LLM_URL}"}, PLACE)
        with pytest.raises(UsageError, match="'LLM_URL' is not set"):
            endpoint.resolve()
        for host in ("a", "b"):
            monkeypatch.setenv("LLM_URL", f"http://{host}.example/v1")
            assert endpoint.resolve().url == f"http://{host}.example/v1/chat/completions"

    def test_a_query_stays_behind_the_path_and_out_of_sight(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LLM_KEY", "planted-key-1")
        place = Endpoint.of({"name": "m", "base_url": "https://g.example/v1?key=${env:LLM_KEY}"}, PLACE).resolve()
        assert place.url == "https://g.example/v1/chat/completions?key=planted-key-1"
        assert place.base == "https://g.example/v1/chat/completions"
        assert "planted" not in repr(place)


class TestAzure:
    """https://learn.microsoft.com/azure/ai-foundry/openai/reference: both forms of the address."""

    DEPLOYMENT = f"{AZURE}/openai/deployments/small-chat/chat/completions?api-version=2024-10-21"

    @pytest.mark.parametrize(
        "model",
        [
            {"provider": "azure", "deployment": "small-chat", "azure_endpoint": AZURE, "api_version": "2024-10-21"},
            {
                "name": "small-chat",
                "provider": "azure_openai",
                "connection": {"azure_endpoint": f"{AZURE}/", "api_version": "2024-10-21"},
            },
            {"name": "x", "connection": {"type": "azure_openai", "azure_endpoint": AZURE, "api_version": "2024-10-21",
                                         "azure_deployment": "small-chat"}},
            {"name": "small-chat", "provider": "azure", "connection": {"kind": "key", "endpoint": f"{AZURE}/openai"},
             "api_version": "2024-10-21"},
        ],
    )  # fmt: skip
    def test_deployments(self, model: dict[str, Any]) -> None:
        assert url(**model) == self.DEPLOYMENT

    def test_the_environment_says_what_the_file_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "'AZURE_OPENAI_ENDPOINT' is not set" in refused(name="small-chat", provider="AzureOpenAI")
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", AZURE)
        assert "'OPENAI_API_VERSION' is not set" in refused(name="small-chat", provider="AzureOpenAI")
        monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
        assert url(name="small-chat", provider="AzureOpenAI", connection="my_connection") == self.DEPLOYMENT

    @pytest.mark.parametrize(
        "model",
        [
            {"base_url": f"{AZURE}/openai/v1/"},
            {"azure_endpoint": f"{AZURE}/openai/v1"},
            {"base_url": f"{AZURE}/openai/v1", "provider": "openai"},
        ],
    )
    def test_the_v1_form_has_no_deployment_in_its_path(self, model: dict[str, Any]) -> None:
        assert url(name="small-chat", **model) == f"{AZURE}/openai/v1/chat/completions"

    def test_a_deployment_cannot_leave_its_path(self) -> None:
        found = url(provider="azure", deployment="../a?b", azure_endpoint=AZURE, api_version="1")
        assert found == f"{AZURE}/openai/deployments/..%2Fa%3Fb/chat/completions?api-version=1"

    def test_a_host_of_azure_is_azure(self) -> None:
        assert Endpoint.of({"name": "x", "base_url": f"{AZURE}/openai/v1"}, PLACE).kind == "azure"
        assert Endpoint.of({"name": "x", "base_url": "https://azure.com.example/v1"}, PLACE).kind == "openai"

    def test_a_deployment_that_names_no_model_says_nothing_of_who_answers(self) -> None:
        plain = {"provider": "azure", "azure_endpoint": AZURE, "api_version": "1"}
        assert Endpoint.of({**plain, "name": "chat"}, PLACE).resolve().name is None
        both = Endpoint.of({**plain, "name": "gpt-4o", "deployment": "chat"}, PLACE).resolve()
        assert (both.model, both.name) == ("chat", "gpt-4o")


class TestFiles:
    """What the formats of variants make of their files is understood."""

    def endpoint(self, tmp_path: Path, name: str, content: str) -> Endpoint:
        (tmp_path / name).write_text(content)
        (variant,) = variants.select(name, root=tmp_path)
        return Endpoint.of(variant.model, variant.source)

    def test_prompty_1(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", AZURE)
        endpoint = self.endpoint(
            tmp_path,
            "v1.prompty",
            "---\nmodel:\n  api: chat\n  configuration:\n    type: azure_openai\n    azure_deployment: small-chat\n"
            "    azure_endpoint: ${env:AZURE_OPENAI_ENDPOINT}\n    api_version: 2024-10-21\n"
            "    api_key: ${env:MY_KEY}\n---\nuser:\nhi\n".replace("2024-10-21", "'2024-10-21'"),
        )
        assert endpoint.resolve().url == TestAzure.DEPLOYMENT
        assert endpoint.key_env == "MY_KEY"

    def test_prompty_2(self, tmp_path: Path) -> None:
        endpoint = self.endpoint(
            tmp_path,
            "v2.prompty",
            "---\nmodel:\n  id: gpt-4o\n  provider: openai\n  apiType: chat\n  connection:\n    kind: key\n"
            "    endpoint: https://models.example/v1\n    apiKey: ${env:MY_KEY}\n---\nuser:\nhi\n",
        )
        assert endpoint.resolve().url == "https://models.example/v1/chat/completions"
        assert (endpoint.model, endpoint.key_env) == ("gpt-4o", "MY_KEY")

    def test_yaml(self, tmp_path: Path) -> None:
        endpoint = self.endpoint(
            tmp_path, "v3.yaml", 'model: {name: m, base_url: "https://models.example/v1", api_key_env: K, region: eu}'
        )
        assert endpoint.resolve().url == "https://models.example/v1/chat/completions"
        assert endpoint.settings == {"region": "eu"}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({}, "the model has no name; write model: {name: <model>"),
        ({"name": ""}, '"name" of the model is \'\', not text'),
        ({"name": 4}, '"name" of the model is 4, not text'),
        ({"name": ["m"]}, "not text"),
        ({"name": "m", "base_url": 80}, '"base_url" of the model is 80'),
        ({"name": "m", "base_url": "models.example/v1"}, "is not the address of a service"),
        ({"name": "m", "base_url": "file:///etc/passwd"}, "is not the address of a service"),
        ({"name": "m", "base_url": "https://"}, "is not the address of a service"),
        ({"name": "m", "base_url": "https://host:99999/v1"}, "is not the address of a service"),
        ({"name": "m", "base_url": "https://ho st/v1"}, "is not the address of a service"),
        ({"name": "m", "base_url": "https://host/v1#x"}, "has a fragment"),
        ({"name": "m", "base_url": "https://me:planted@host/v1"}, "holds a user or password; name it in headers"),
        ({"name": "m", "base_url": "https://me:planted@${env:H}/v1"}, "holds a user or password"),
        ({"name": "m", "base_url": "https://host/v1?key=planted"}, "the parameter 'key' of the address would"),
        ({"name": "m", "provider": "anthropic"}, "nothing is known of the provider 'anthropic'; write the base_url"),
        ({"name": "m", "api": "completion"}, "the API 'completion' is not spoken; write api: chat"),
        ({"name": "m", "connection": "shared"}, "where the connection 'shared' leads is not known here"),
        ({"name": "m", "connection": {"kind": "reference", "name": "shared"}}, "where the connection 'shared' leads"),
        ({"name": "m", "auth": "entra"}, "auth: entra signs in to Azure"),
        ({"name": "m", "auth": "magic"}, "'magic' is no way to sign in"),
        ({"name": "m", "stream": "yes"}, "\"stream\" holds 'yes'; write true or false"),
        ({"name": "m", "served": 3}, '"served" holds 3'),
        ({"name": "m", "served": [""]}, '"served" holds'),
        ({"name": "m", "max_tokens_key": "max_token"}, "did you mean 'max_tokens'?"),
        ({"name": "m", "headers": "x"}, "\"headers\" holds 'x', which is not a mapping"),
        ({"name": "m", "headers": {"a b": "x"}}, "'a b' is not the name of a header"),
        ({"name": "m", "headers": {"x": 1}}, "the header 'x' is not text on one line"),
        ({"name": "m", "headers": {"x": "a\nb"}}, "the header 'x' is not text on one line"),
        ({"name": "m", "headers": {"Authorization": "Bearer planted"}}, "would put a key into a file that is shared"),
        ({"name": "m", "headers": {"X-API-Key": "planted"}}, "write ${env:NAME}, or use api_key_env"),
        ({"name": "m", "headers": {"Cookie": "planted"}}, "would put a key into a file"),
        ({"name": "m", "headers": {"api-key": "${env:K:planted}"}}, "would put a key into a file"),
        ({"name": "m", "headers": {"Authorization": "Bearer planted ${env:K}"}}, "would put a key into a file"),
        ({"name": "m", "token": "planted"}, "'token' would put a key into a file"),
        ({"name": "m", "connection": {"client_secret": "planted"}}, "'client_secret' would put a key into a file"),
    ],
)  # fmt: skip
def test_what_is_refused(model: dict[str, Any], words: str) -> None:
    message = refused(**model)
    assert words in message
    assert "planted" not in message


def test_keys_in_headers_are_names_of_variables() -> None:
    headers = {"Authorization": "Bearer ${env:K}", "x-api-key": "${env:K}", "X-Team": "search"}
    assert Endpoint.of({"name": "m", "headers": headers}, PLACE).headers == headers


TEXTS = ["https://h/v1", "azure", "${env:A}"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["https://h/v1", "azure", "${env:A}"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)
KEYS = ["name", "provider", "api", "base_url", "api_key_env", "connection", "deployment", "azure_endpoint", "auth"]
KEYS += ["api_version", "headers", "served", "stream", "max_tokens_key", "azure_deployment", "other"]


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8))
def test_any_mapping_is_an_endpoint_or_a_sentence(model: dict[str, Any]) -> None:
    said = ""
    try:
        said = Endpoint.of(model, PLACE).resolve().url
    except UsageError as error:
        said = str(error)
    assert said.startswith(("http://", "https://", f"{PLACE}: "))
    assert "\n" not in said
