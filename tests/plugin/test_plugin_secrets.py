"""Keys are in no artifact of a session: not in its output, its reports, its cache or what is committed of that."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from inner import Project

from pytest_genaiops.cli import main
from pytest_genaiops.testing import FakeServer

PLANTED = {
    "LLM_KEY": "planted-bearer-5d1c0f9a7b",
    "AZURE_OPENAI_API_KEY": "planted+azure/key=81f7&c2%4d",
    "GATEWAY_TOKEN": "planted.header~value:9a\\b'c\"d",
    "QUERY_KEY": "planted-query/6c3e+19ab==",
}
KEYS = {
    **dict.fromkeys(["bearer", "streamed"], "LLM_KEY"),
    "azure": "AZURE_OPENAI_API_KEY",
    "header": "GATEWAY_TOKEN",
    "query": "QUERY_KEY",
}
VARIANTS = {
    "bearer": '{name: m, base_url: "${env:LLM_URL}/v1", api_key_env: LLM_KEY}',
    "streamed": '{name: m, base_url: "${env:LLM_URL}/v1", api_key_env: LLM_KEY, stream: true}',
    "azure": '{provider: azure, deployment: m, azure_endpoint: "${env:LLM_URL}", api_version: "1"}',
    "header": '{name: m, base_url: "${env:LLM_URL}/v1", headers: {X-Api-Key: "${env:GATEWAY_TOKEN}"}}',
    "query": '{name: m, base_url: "${env:LLM_URL}/v1?key=${env:QUERY_KEY}"}',
}
SPELLINGS: list[Callable[[str], str]] = [
    str,
    quote,
    quote_plus,
    lambda value: quote(value, safe=""),
    lambda value: repr(value)[1:-1],
    json.dumps,
]
FAULTS = ["fine", "echo key", "redirect", "answered", "refused"]
"""By the question: what a hostile server does; ``answered``, ``refused``, ``redirect`` with the key in its words."""


def spelt(value: str) -> Iterator[bytes]:
    """The ways in which a value might be written, Base64 at each of its three places among other bytes."""
    for spell in SPELLINGS:
        yield spell(value).strip('"').encode()
    for offset in range(3):
        coded = base64.b64encode(b"x" * offset + value.encode())
        yield coded[4 * bool(offset) : len(coded) // 4 * 4 - 4]


def found(place: str, data: bytes) -> list[str]:
    return [f"{name} in {place}" for name, value in PLANTED.items() for each in spelt(value) if each in data]


def leaks(folder: Path, **texts: str) -> list[str]:
    """Where planted values are, in any file below the folder or in these texts."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(files) > 5
    given = {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
    return [leak for place, data in {**files, **given}.items() for leak in found(place, data)]


def asked(body: Mapping[str, Any]) -> tuple[str, str]:
    """The question, and the key with which the variant comes."""
    variant, _, question = body["messages"][0]["content"].partition(": ")
    return question, PLANTED[KEYS[variant]]


def answer(body: Mapping[str, Any]) -> str | dict[str, Any]:
    question, key = asked(body)
    coded = base64.b64encode(key.encode()).decode()
    words = (
        f"You gave me {key}, {quote(key, safe='')}, {quote_plus(key)}, {coded}, {key!r}, {json.dumps(key)} and /{key}/."
    )
    if question == "refused":
        return {"error": {"message": words, "code": 400}}
    return words if question == "answered" else "fine"


def fault(number: int, body: Mapping[str, Any]) -> str | None:
    question, key = asked(body)
    if question == "redirect":
        return f"redirect http://127.0.0.1:9/{key}/{quote(key, safe='')}?key={key}"
    return None if question in ("fine", "answered", "refused") else question


@pytest.fixture
def keyed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Project, FakeServer]]:
    """A project whose variants need every kind of key, on a server that tells all that it hears."""
    (project.path / "conftest.py").unlink()
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    for variant, model in VARIANTS.items():
        project.write(f"variants/{variant}.yaml", f'model: {model}\nuser: "{variant}: {{{{ question }}}}"\n')
    project.dataset(
        [{"id": each.replace(" ", "-"), "question": each, "reference": "fine"} for each in FAULTS], "hostile"
    )
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="hostile", variants="variants/*.yaml")
        def test_each(response, exact_match):
            raw = response
            assert exact_match(raw) >= 1

        @pytest.mark.genaiops(dataset="hostile", variants="variants/*.yaml")
        def test_whole(responses, variant, exact_match, target):
            score = exact_match(responses)
            assert score >= 1
    """)
    with FakeServer(answer, fault=fault) as server:
        monkeypatch.setenv("LLM_URL", server.url.removesuffix("/v1"))
        yield project, server


LOUD = ["-vv", "--showlocals", "--tb=long", "-rA", "--log-level=DEBUG", "-o", "log_cli=true"]


def heard(server: FakeServer) -> set[str]:
    """Which keys have reached the server, for a key that is never sent cannot leak."""
    sent = [" ".join([*call.headers.values(), call.path]) for call in server.calls]
    return {
        name for name, value in PLANTED.items() for text in sent if value in text or quote(value, safe="/=") in text
    }


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "workers"])
def test_sessions_leave_no_key_behind(keyed: tuple[Project, FakeServer], workers: list[str]) -> None:
    project, server = keyed
    result = project.run_apart(*LOUD, "--junitxml=junit.xml", "--genaiops-concurrency=40", *workers)
    result.assert_outcomes(passed=len(VARIANTS), failed=len(VARIANTS) * len(FAULTS))
    assert heard(server) >= {"LLM_KEY", "AZURE_OPENAI_API_KEY", "GATEWAY_TOKEN"}
    assert any("planted-query" in call.path for call in server.calls)
    printed = export(project)
    assert (project.path / "cassette.jsonl").read_text().count("\n") == len(VARIANTS) * 2
    assert leaks(project.path, stdout=result.stdout.str(), stderr=result.stderr.str(), printed=printed) == []


def export(project: Project) -> str:
    """Everything that ``genaiops cache`` writes, and what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), contextlib.chdir(project.path):
        for arguments in (["stats"], ["explain-miss"], ["export", "cassette.jsonl"]):
            main(["cache", *arguments])
    return printed.getvalue()
