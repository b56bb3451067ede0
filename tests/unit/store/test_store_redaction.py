"""Keys do not get into the record, whatever text they stand in; words that only look like it do."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.clients import secrets
from pytest_genaiops.errors import UsageError
from pytest_genaiops.metrics.safety import keys
from pytest_genaiops.records import Case, Explanation, Measurement, Response, Step, Verdict
from pytest_genaiops.store import NAME, ItemRow, Store, TrialRow, Writer
from pytest_genaiops.store.redaction import Redaction

LETTERS = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eFaB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eFxY9aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF"
UPPER = "A2B3C4D5E6F7G2H3"
BODY = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn\n" * 3
FORMS = {
    "aws access key": f"AKIA{UPPER}",
    "github token": f"ghp_{LETTERS[:36]}",
    "gitlab token": f"glpat-{LETTERS[:20]}",
    "slack token": f"xoxb-{LETTERS[:30]}",
    "stripe key": f"sk_live_{LETTERS[:24]}",
    "google api key": f"AIza{LETTERS[:35]}",
    "anthropic key": f"sk-ant-{LETTERS[:40]}",
    "openai key": f"sk-proj-{LETTERS[:40]}",
    "hugging face token": f"hf_{LETTERS[:34]}",
    "npm token": f"npm_{LETTERS[:36]}",
    "pypi token": f"pypi-AgEIcHlwaS5vcmc{LETTERS[:60]}",
    "sendgrid key": f"SG.{LETTERS[:22]}.{LETTERS[:43]}",
    "azure storage key": f"AccountKey={LETTERS[:86]}==",
    "jwt": f"eyJ{LETTERS[:20]}.eyJ{LETTERS[:30]}.{LETTERS[:20]}",
    "password in an address": "postgres://admin:hunter2hunter@db.local",
}
BEHIND = [
    f"Authorization: Bearer {LETTERS[:24]}",
    f"authorization: {LETTERS[:24]}",
    f"basic {LETTERS[:24]}",
    f'OPENAI_API_KEY="{LETTERS[:24]}"',
    f"api-key={LETTERS[:24]}",
    f"{{'x-api-key': '{LETTERS[:24]}'}}",
]
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END RSA PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def _no_known_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", [])


def kept(text: str) -> str:
    """A text of a response as the record keeps it."""
    found = json.loads(Redaction().text({"text": text}))
    assert list(found) == ["text"]
    return str(found["text"])


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_that_shows_whose_key_it_is(kind: str) -> None:
    secret = FORMS[kind]
    assert [found.kind for found in keys.secrets(secret)] == [f"secrets:{kind}"]  # it is an example of the form
    assert kept(f'He said "use {secret} and\nbe done".') == 'He said "use *** and\nbe done".'


def test_the_examples_are_all_the_forms() -> None:
    assert {*FORMS, "private key"} == {kind for kind, _ in keys._FORMS}


@pytest.mark.parametrize("text", BEHIND)
def test_what_stands_behind_a_name_for_it(text: str) -> None:
    assert LETTERS[:24] not in kept(f"so: {text}, they said")
    assert kept(f"so: {text}, they said").endswith(", they said")


@pytest.mark.parametrize(
    "text",
    [KEY, KEY.replace("\n", "\r\n"), KEY.removesuffix("-----END RSA PRIVATE KEY-----")],
    ids=["lf", "crlf", "cut"],
)
def test_a_private_key_to_its_end(text: str) -> None:
    assert "MIIE" not in kept(f"before {text} after")
    assert kept(f"before {text}!").startswith("before ***")


@pytest.mark.parametrize(
    "text",
    [
        "Basic understanding of the matter",
        "the bearer authentication scheme and its description",
        "Send the header Authorization: Bearer <token>.",
        "api key: ask-your-administrator",
        "a risk-free-and-rather-long-winded offer",
        "sk-your-key-here-0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "commit 4f0a332c9a1b7d5e8f60213243546576879809a1",
        "see https://example.com/path?user=me@home and http://localhost:8080/",
        "",
    ],
)
def test_words_are_left_alone(text: str) -> None:
    assert kept(text) == text


@pytest.mark.parametrize("secret", ["hunter2-hunter2", 'quo"te\\d-and-é', "line\nbreak-in-it", "tab\tand\x00nul"])
def test_values_that_were_used_as_keys(secret: str) -> None:
    secrets.remember(secret)
    found = json.loads(Redaction().text({"a": [f"x {secret} y", {secret: 1}], "b": 'stays "quoted"\n'}))
    assert found == {"a": ["x *** y", {"***": 1}], "b": 'stays "quoted"\n'}


def test_numbers_and_the_order_of_fields_stay() -> None:
    value = {"b": 1.5, "a": [None, True, FORMS["npm token"]]}
    assert Redaction().text(value) == '{"b":1.5,"a":[null,true,"***"]}'


class TestFunctionsOfTheUser:
    def test_are_given_each_text_and_no_names(self) -> None:
        heard: list[str] = []

        def shout(text: str) -> str:
            heard.append(text)
            return text.upper()

        found = Redaction([shout]).text({"id": "a", "inputs": {"question": "who?", "n": 3}}, ("id",))
        assert json.loads(found) == {"id": "a", "inputs": {"question": "WHO?", "n": 3}}
        assert heard == ["who?"]

    def test_come_after_our_own_and_after_each_other(self) -> None:
        hooks = [lambda text: text.replace("***", "(key)"), lambda text: f"{text}!"]
        assert json.loads(Redaction(hooks).text([FORMS["npm token"]])) == ["(key)!"]

    def test_that_give_no_text_are_named(self) -> None:
        hooks: Any = [lambda _: None]
        with pytest.raises(UsageError, match="gave a NoneType; it has to return text"):
            Redaction(hooks).text("a")


def test_no_row_of_a_run_has_the_key(tmp_path: Path) -> None:
    secret = FORMS["anthropic key"]
    secrets.remember("hunter2-hunter2")
    for said in (secret, "hunter2-hunter2"):
        writer = Writer(tmp_path, said[:3])
        writer.begin(0.0, {"command": ["pytest", f"--key={said}"]})
        suite = writer.suite(f"t[{said}]", {"dataset": said})
        variant = writer.variant(suite, f"v {said}", {"prompt": said})
        writer.cases(suite, [(0, Case(id=f"c {said}", inputs={said: said}, contexts=(said,), slices={"s": said}))])
        step = Step(id="s", output=said, messages=({"role": "user", "content": said},))
        prompt = [{"role": "user", "content": said}]
        writer.trials(
            variant, [TrialRow(position=0, trial=1, response=Response(text=said, steps=(step,)), prompt=prompt)]
        )
        metric = writer.metric(variant, "m", "m", {"judge": said}, [])
        evidence = Explanation(score=1.0, sentences=(), unsupported=(), reason=said)
        writer.measurements(metric, [(0, 1, Measurement(statistics=(1.0,), explanation=evidence))])
        writer.measurements(metric, [(0, 2, Measurement(kind="judge", reason=said))])
        failed = Verdict(outcome="failed", reason=said, value=None, interval=None, confidence=0.95, n=0, unscored=0)
        writer.verdicts(variant, f"t[{said}]", [("m", failed)])
        writer.item(variant, ItemRow(test=f"t[{said}]", outcome="failed", message=said))
        writer.end(1.0, 1, {"said": said})
        writer.close()
    with closing(Store(tmp_path)) as store:
        assert store.run("sk-").facts == {"command": ["pytest", "--key=***"]}
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert (tmp_path / NAME).exists()
    assert secret.encode() not in content
    assert b"hunter2-hunter2" not in content


def test_hooks_do_not_touch_what_rows_are_found_by(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "r", redact=[lambda _: "-"])
    writer.begin(0.0, {})
    suite = writer.suite("t", {})
    case = Case(id="c1", inputs={"q": "who"}, cluster="doc", slices={"lang": "de"}, source="a.jsonl:1")
    writer.cases(suite, [(0, case)])
    writer.end(1.0, 0, {})
    writer.close()
    with closing(Store(tmp_path)) as store:
        kept_case = store.cases(store.suites("r")[0].id)[0]
    assert kept_case == Case(id="c1", inputs={"q": "-"}, cluster="doc", slices={"lang": "de"}, source="a.jsonl:1")
