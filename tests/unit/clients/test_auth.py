"""Who gets which key: read from the environment at the call, and sent to the host that it was made for."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from chat_help import PLACE, pool, refusal, run

from pytest_genaiops.clients import auth, secrets
from pytest_genaiops.clients.auth import Tokens, headers_of
from pytest_genaiops.clients.endpoint import Endpoint
from pytest_genaiops.clients.pool import Pool
from pytest_genaiops.errors import UsageError

AZURE: dict[str, Any] = {"provider": "azure", "name": "chat", "base_url": "https://res.openai.azure.com/openai/v1"}
LOCAL: dict[str, Any] = {"name": "llama3", "base_url": "http://127.0.0.1:8000/v1"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "K"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(secrets, "_known", [])


def sent(model: dict[str, Any]) -> dict[str, str]:
    return dict(run(asked(model, pool())))


async def asked(model: dict[str, Any], connections: Pool) -> dict[str, str]:
    endpoint = Endpoint.of(model, PLACE)
    return dict(await headers_of(endpoint, endpoint.resolve(), connections))


class TestKeys:
    def test_openais_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "planted-key\n")
        assert sent({"name": "gpt-4o"}) == {"Authorization": "Bearer planted-key"}
        assert secrets.without_known("planted-key") == "***"

    def test_it_goes_to_no_other_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "planted-key")
        assert sent(LOCAL) == {}
        assert sent({"name": "m", "base_url": "https://api.openai.com.evil.example/v1"}) == {}

    def test_unless_the_environment_itself_names_the_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1")
        assert sent({"name": "m"}) == {}
        monkeypatch.setenv("OPENAI_API_KEY", "planted-key")
        assert sent({"name": "m"}) == {"Authorization": "Bearer planted-key"}

    def test_a_variable_of_the_variants_choice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("K", "planted-key")
        assert sent({**LOCAL, "api_key_env": "K"}) == {"Authorization": "Bearer planted-key"}
        assert sent({**AZURE, "api_key_env": "K"}) == {"api-key": "planted-key"}

    def test_azures_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "planted-key")
        assert sent(AZURE) == {"api-key": "planted-key"}

    @pytest.mark.parametrize(
        ("model", "name"), [({"name": "m"}, "OPENAI_API_KEY"), ({**LOCAL, "api_key_env": "K"}, "K")]
    )
    @pytest.mark.parametrize("value", [None, " "])
    def test_one_that_is_not_set_is_named(
        self, model: dict[str, Any], name: str, value: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if value is not None:
            monkeypatch.setenv(name, value)
        with pytest.raises(UsageError, match=f"^{PLACE}: the environment variable '{name}', which holds the key"):
            sent(model)

    @pytest.mark.parametrize("value", ["planted\nkey: 1", "plánted", "planted\x7f"])
    def test_one_that_no_header_can_hold_is_refused_unseen(self, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("K", value)
        for model in ({**LOCAL, "api_key_env": "K"}, {**LOCAL, "headers": {"x-api-key": "${env:K}"}}):
            with pytest.raises(UsageError, match="holds what a header cannot") as caught:
                sent(model)
            assert value not in str(caught.value)

    def test_headers_of_the_variant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("K", "planted-key")
        assert sent({**LOCAL, "headers": {"X-Team": "search", "X-Trace": "${env:K}"}}) == {
            "X-Team": "search",
            "X-Trace": "planted-key",
        }

    @pytest.mark.parametrize("model", [{"name": "gpt-4o"}, AZURE])
    def test_a_key_among_them_stands_for_the_own(self, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("K", "planted-key")
        headers = {"Authorization": "Bearer ${env:K}"}
        assert sent({**model, "headers": headers}) == {"Authorization": "Bearer planted-key"}


ENTRA = {**AZURE, "auth": "entra"}
IDENTITY = """
import threading
from azure.core.exceptions import ClientAuthenticationError

class Token:
    def __init__(self, number, expires_on):
        self.token, self.expires_on = f"planted-token-{number}", expires_on

class DefaultAzureCredential:
    calls, threads, closed, lasts, fails = 0, set(), 0, 3600, False

    def get_token(self, *scopes):
        import time
        kind = type(self)
        assert scopes == ("https://cognitiveservices.azure.com/.default",)
        kind.calls += 1
        kind.threads.add(threading.current_thread())
        if kind.fails:
            raise ClientAuthenticationError("no login found; Bearer abcdefghijkl")
        return Token(kind.calls, time.time() + kind.lasts)

    def close(self):
        type(self).closed += 1
"""
ERRORS = "class AzureError(Exception): ...\nclass ClientAuthenticationError(AzureError): ...\n"


@pytest.fixture
def credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in for azure-identity, installed as the real one is: ``azure`` is a namespace without a file."""
    for name, text in {"identity": IDENTITY, "core": "", "core/exceptions": ERRORS}.items():
        path = tmp_path / "azure" / (f"{name}.py" if "/" in name else f"{name}/__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "azure"]:
        monkeypatch.delitem(sys.modules, name)
    import azure.identity

    yield azure.identity.DefaultAzureCredential
    for name in [name for name in sys.modules if name.partition(".")[0] == "azure"]:
        del sys.modules[name]


class TestEntra:
    def test_a_token_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", "planted-token")
        assert sent(ENTRA) == {"Authorization": "Bearer planted-token"}

    def test_without_the_package_its_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "azure", None)
        with pytest.raises(
            UsageError, match=r"no key to the model; set AZURE_OPENAI_API_KEY.*pytest-genaiops\[azure\]"
        ):
            sent(AZURE)

    def test_a_token_is_fetched_once_for_all_who_wait_and_not_on_the_loop(self, credential: Any) -> None:
        async def calls() -> list[dict[str, str]]:
            connections = pool()
            found = await asyncio.gather(*[asked(ENTRA, connections) for _ in range(20)])
            found.append(await asked(AZURE, connections))
            await connections.close()
            return found

        found = run(calls())
        assert found == [{"Authorization": "Bearer planted-token-1"}] * 21
        assert (credential.calls, credential.closed) == (1, 1)
        assert [thread.name for thread in credential.threads] != ["MainThread"]
        assert secrets.without_known("planted-token-1") == "***"

    def test_another_one_is_fetched_before_it_ends(self, credential: Any) -> None:
        async def twice() -> list[dict[str, str]]:
            connections = pool()
            return [await asked(ENTRA, connections) for _ in range(2)]

        credential.lasts = auth.EARLY - 1
        assert [each["Authorization"][-1] for each in run(twice())] == ["1", "2"]

    def test_a_failure_is_one_sentence_and_not_repeated_for_all(self, credential: Any) -> None:
        async def calls() -> list[BaseException]:
            connections = pool()
            return [await refusal(asked(ENTRA, connections)) for _ in range(5)]

        credential.fails = True
        errors = run(calls())
        assert len({str(error) for error in errors}) == 1
        assert str(errors[0]).startswith("signing in to Azure with Entra failed: 'no login found; Bearer ***'")
        assert credential.calls == 1

    def test_after_a_while_it_is_tried_again(self, credential: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        async def again() -> str:
            tokens = Tokens(credential())
            await refusal(tokens.token())
            credential.fails = False
            return (await tokens.token()).reveal()

        credential.fails = True
        monkeypatch.setattr(auth, "PAUSE", 0.0)
        assert run(again()) == "planted-token-2"
