"""Keys show nothing of themselves, and are taken out of text in every spelling."""

from __future__ import annotations

import base64
import json
import pickle
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.clients import secrets
from pytest_genaiops.clients.secrets import (
    Headers,
    Secret,
    cleaned,
    from_environment,
    looks_secret,
    remember,
    without_known,
    without_secrets,
)
from pytest_genaiops.errors import UsageError

KEY = "planted-4Q7x+/=é"


@pytest.fixture(autouse=True)
def no_other_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", [])


def test_a_secret_shows_nothing() -> None:
    secret = Secret(KEY)
    for shown in (repr(secret), str(secret), f"{secret}", repr([secret]), repr(vars(type(secret)))):
        assert KEY not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_headers_show_their_names_alone() -> None:
    headers = Headers({"Authorization": f"Bearer {KEY}"})
    assert repr(headers) == "<headers Authorization>"
    assert headers["Authorization"] == f"Bearer {KEY}"


def test_a_value_is_taken_out_from_its_first_use_on() -> None:
    secret = Secret(KEY)
    assert without_secrets(f"the key {KEY}!") == f"the key {KEY}!"
    secret.reveal()
    assert without_secrets(f"the key {KEY}!") == "the key ***!"


@pytest.mark.parametrize(
    "spelling",
    [
        quote(KEY, safe=""),
        quote(KEY),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
        repr(KEY.encode())[2:-1].replace("\\xc3\\xa9", "\\xe9"),
        KEY.encode("unicode_escape").decode(),
    ],
)
def test_in_every_spelling(spelling: str) -> None:
    remember(KEY)
    assert spelling.rstrip("=") not in without_secrets(f"<{spelling}>")


@pytest.mark.parametrize("short", ["", "none", "EMPTY", "ollama", "1234567"])
def test_short_values_are_words_like_others(short: str) -> None:
    remember(short)
    assert without_secrets(f"an {short} answer") == f"an {short} answer"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Incorrect API key provided: sk-proj-abc123DEF456.", "Incorrect API key provided: ***"),
        ("Authorization: Bearer abcdef123456", "Authorization: ***"),
        ("sent Bearer abcdef123456 to it", "sent Bearer *** to it"),
        ('{"api-key": "0123456789abcdef"}', '{"api-key": "***"}'),
        ("api_key=0123456789abcdef&x=1", "api_key=***&x=1"),
        ("http://me:opensesame@host/v1", "http://***@host/v1"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "***"),
    ],
)
def test_what_looks_like_a_key_is_taken_out(text: str, clean: str) -> None:
    found = without_secrets(text)
    assert "abcdef" not in found
    assert found == clean or (text.startswith("Authorization") and found.startswith("Authorization: "))
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text",
    ["Ask the bearer of bad news.", "a task-force", "http://host:8000/v1", "me@host.example", "api keys", "sk-1"],
)
def test_plain_words_stay(text: str) -> None:
    assert without_secrets(text) == text
    assert not looks_secret(text)


def test_what_models_say_keeps_what_merely_looks_like_a_key() -> None:
    said = "Send the header `Authorization: Bearer abcdef123456`."
    remember(KEY)
    assert without_known(said) == said
    assert cleaned({"a": [f"x {KEY}", 1, None], KEY: ({},)}) == {"a": ["x ***", 1, None], "***": ({},)}


@given(st.text(max_size=200))
def test_any_text_can_be_cleaned_and_stays_clean(text: str) -> None:
    once = without_secrets(text)
    assert without_secrets(once) == once or len(once) <= len(text) + 100


@given(st.text(st.characters(codec="utf-8"), min_size=8, max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_no_value_is_left_whole(value: str, before: str, after: str) -> None:
    remember(value)
    assert value not in without_known(before + value + after).replace("***", "\0")


class TestEnvironment:
    def test_names_are_filled_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOST", " models.example\n")
        assert from_environment("https://${env:HOST}/v1", "v1.yaml:2") == "https://models.example/v1"

    def test_a_default_stands_where_nothing_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NOWHERE", raising=False)
        assert from_environment("${env:NOWHERE:http://here}", "v1.yaml:2") == "http://here"

    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_a_variable_that_is_not_set_is_named(self, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NOWHERE", raising=False)
        if value is not None:
            monkeypatch.setenv("NOWHERE", value)
        with pytest.raises(UsageError, match=r"^v1.yaml:2: the environment variable 'NOWHERE' is not set; set it"):
            from_environment("${env:NOWHERE}", "v1.yaml:2")

    def test_what_is_secret_is_remembered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEY", KEY)
        monkeypatch.setenv("HOST", "models.example")
        assert from_environment("Bearer ${env:KEY}", "v1.yaml:2", hide=True) == f"Bearer {KEY}"
        from_environment("https://${env:HOST}", "v1.yaml:2")
        assert without_known(f"{KEY} at models.example") == "*** at models.example"
