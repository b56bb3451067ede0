"""HTTP targets: what is sent for a case, what a reply means, and what is kept of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from asking import PLAIN, App, Session
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Case, Passage, Response
from pytest_genaiops.targets import http_target
from pytest_genaiops.targets.body import Body
from pytest_genaiops.variants import Variant, from_mapping

CASE = Case(id="c1", inputs={"question": "Why?"}, contexts=("Because.",))
BODY = {"question": "{{ question }}"}
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def asked(app: App, *cases: Case, session: Session | None = None, variant: Variant = PLAIN, **options: Any) -> Any:
    """Responses to cases, of a target on an app."""
    session = session or Session()
    options = {"body": BODY, **options}
    return app.run(lambda url: session.ask_all(http_target(url, **options), cases or [CASE], variant))


def test_the_answer_is_the_text_of_the_reply() -> None:
    app = App(lambda body: {"text": f"<{body['question']}>"})
    (response,) = asked(app)
    assert (response.text, response.error) == ("<Why?>", None)
    assert response.latency is not None
    assert app.asked == [("POST", "/answer")]
    assert app.headers[0]["Content-Type"] == "application/json"


def test_expressions_read_answer_contexts_tokens_label_and_model() -> None:
    reply = {
        "result": {"text": "yes", "class": True, "passages": [{"text": "one"}, {"text": "two"}]},
        "tokens": {"in": 7, "out": 2},
        "served_by": "tiny-1",
    }
    session = Session()
    (response,) = asked(
        App(lambda body: reply),
        session=session,
        answer="result.text",
        label="result.class",
        contexts="result.passages[].text",
        usage={"input_tokens": "tokens.in", "output_tokens": "tokens.out", "cached_tokens": "tokens.cached"},
        model="served_by",
    )
    assert response.text == "yes"
    assert response.label == "true"
    assert response.contexts == ("one", "two")
    assert response.usage == {"input_tokens": 7, "output_tokens": 2}
    assert response.model == "tiny-1"
    (booked,) = session.free.booked
    assert booked.usage == {"input_tokens": 7, "output_tokens": 2}
    assert booked.model == "tiny-1"


def test_expressions_read_what_was_retrieved() -> None:
    hits = [{"doc": "d7", "body": "one", "rank": 1}, {"doc": "d2", "body": "two", "rank": 2}]
    (response,) = asked(App(lambda body: {"text": "yes", "hits": hits}), retrieved="hits[].{id: doc, text: body}")
    assert response.retrieved == (Passage(id="d7", text="one"), Passage(id="d2", text="two"))
    assert response.contexts == ("one", "two")
    (response,) = asked(App(lambda body: {"text": "yes", "hits": hits}), retrieved="hits[].doc")
    assert response.retrieved == (Passage(id="d7"), Passage(id="d2"))
    (response,) = asked(App(lambda body: {"text": "yes", "hits": [1.5]}), retrieved="hits")
    assert str(response.error).startswith("target: the id of passage 1 in 'retrieved' is 1.5; ")


def test_other_expressions_read_what_was_kept() -> None:
    app, session = App(lambda body: {"text": "yes", "docs": ["one"], "tokens": 3}), Session()

    async def both(url: str) -> tuple[Response, Response]:
        first = http_target(url, body=BODY)
        second = http_target(url, body=BODY, contexts="docs", usage={"output_tokens": "tokens"})
        return (await session.ask_all(first, [CASE]))[0], (await session.ask_all(second, [CASE]))[0]

    first, second = app.run(both)
    assert len(app.bodies) == 1
    assert (first.contexts, dict(first.usage)) == (None, {})
    assert (second.contexts, dict(second.usage)) == (("one",), {"output_tokens": 3})
    assert first.latency == second.latency


@pytest.mark.parametrize(
    "change", [{"version": "2"}, {"headers": {"X-Tenant": "b"}}, {"body": {"q": "{{ question }}"}}]
)
def test_another_version_header_or_body_is_another_call(change: dict[str, Any]) -> None:
    app, session = App(lambda body: {"text": "yes"}), Session()
    options = {"body": BODY, "version": "1", "headers": {"X-Tenant": "a"}}

    async def both(url: str) -> None:
        await session.ask_all(http_target(url, **options), [CASE])
        await session.ask_all(http_target(url, **options), [CASE])
        assert len(app.bodies) == 1
        await session.ask_all(http_target(url, **{**options, **change}), [CASE])

    app.run(both)
    assert len(app.bodies) == 2


@pytest.mark.parametrize(
    ("reply", "options", "message"),
    [
        ({"error": {"message": "too busy"}}, {}, "answer='text' finds nothing in the reply, whose keys are 'error'; "
         'it says "too busy"'),
        ({}, {}, "answer='text' finds nothing in the reply, which is empty"),
        ([1], {}, "answer='text' finds nothing in the reply, which is [1]"),
        ({"text": 3}, {}, "answer='text' finds 3, which is no text; to_string(…) makes it text"),
        ({"text": None}, {}, "answer='text' finds nothing in the reply, whose keys are 'text'"),
        ({"a": 1}, {"answer": "join(' ', a)"}, "answer=\"join(' ', a)\" fails: "),
        ("plain text", {}, "sent a reply that is no JSON: 'plain text'"),
        ('{"text": NaN}', {}, "sent a reply that is no JSON: '{\"text\": NaN}'"),
        ("[" * 100_000, {}, "sent a reply that is no JSON: '[[["),
    ],
)  # fmt: skip
def test_a_reply_without_an_answer_is_an_error_that_is_not_kept(
    reply: Any, options: dict[str, Any], message: str
) -> None:
    session = Session()
    (response,) = asked(App(lambda body: reply), session=session, **options)
    assert response.error is not None
    assert response.error.kind == "target"
    assert message in response.error.message
    assert re.match(r"http://127\.0\.0\.1:\d+/answer", response.error.message)
    assert session.memory.answers == {}
    assert session.free.again == [False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contexts": "docs"}, "contexts='docs' finds nothing in the reply, whose keys are 'text', 'n', 'm'"),
        ({"label": "class"}, "label='class' finds nothing"),
        ({"usage": {"output_tokens": "m"}}, "usage['output_tokens']='m' finds 'x', which is no number of tokens"),
        ({"usage": {"output_tokens": "n"}}, "usage['output_tokens']='n' finds -1, which is no number of tokens"),
        ({"model": "n"}, "model='n' finds -1, which is no text"),
        ({"contexts": "n"}, "the response's 'contexts' must be a string or a list of strings"),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_an_error_but_the_reply_is_kept(
    options: dict[str, Any], message: str
) -> None:
    session = Session()
    (response,) = asked(App(lambda body: {"text": "yes", "n": -1, "m": "x"}), session=session, **options)
    assert response.error is not None
    assert message in response.error.message
    assert len(session.memory.answers) == 1


@pytest.mark.parametrize(("status", "again"), [(500, True), (429, True), (400, False), (401, False)])
def test_a_refusal_is_an_error_with_the_apps_own_words(status: int, again: bool) -> None:
    from aiohttp import web

    session = Session()
    app = App(lambda body: web.json_response({"detail": "no such tenant"}, status=status))
    (response,) = asked(app, session=session)
    assert response.error is not None
    assert response.error.kind == "target"
    assert f"{status} " in response.error.message
    assert '"no such tenant"' in response.error.message
    assert session.free.again == [again]
    assert session.memory.answers == {}


def test_half_of_a_character_beside_the_answer_does_no_harm() -> None:
    session = Session()
    (response,) = asked(App(lambda body: '{"text": "yes", "log": "cut \\ud83d"}'), session=session)
    assert response.text == "yes"
    (kept,) = session.memory.answers.values()
    kept.text.encode()


def test_half_of_a_character_in_the_answer_is_an_error() -> None:
    (response,) = asked(App(lambda body: '{"text": "cut \\ud83d"}'))
    assert response.error is not None
    assert "lone surrogate" in response.error.message


class TestEnvironment:
    def test_addresses_and_headers_are_filled_in_when_the_app_is_called(self, monkeypatch: pytest.MonkeyPatch) -> None:
        app, session = App(lambda body: {"text": "yes"}), Session()

        async def ask(url: str) -> list[Response]:
            target = http_target(
                "${env:APP_URL}?code=${env:APP_CODE}",
                body=BODY,
                headers={"Authorization": "Bearer ${env:APP_KEY}"},
            )
            monkeypatch.setenv("APP_URL", url)
            monkeypatch.setenv("APP_CODE", "code-0123456789")
            monkeypatch.setenv("APP_KEY", "key-0123456789")
            return await session.ask_all(target, [CASE])

        (response,) = app.run(ask)
        assert response.text == "yes"
        assert app.asked == [("POST", "/answer?code=code-0123456789")]
        assert app.headers[0]["Authorization"] == "Bearer key-0123456789"
        (request,) = session.memory.requests
        assert "0123456789" not in repr((request.content, session.free.names))
        assert request.service["url"] == "${env:APP_URL}?code=${env:APP_CODE}"

    def test_another_place_is_another_app_and_another_key_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        app, session = App(lambda body: {"text": "yes"}), Session()
        target = http_target("${env:APP_URL}?code=${env:APP_CODE}", body=BODY)

        async def ask(url: str) -> list[int]:
            counts = []
            for path, code in [("", "one-secret"), ("", "two-secret"), ("/v2", "two-secret")]:
                monkeypatch.setenv("APP_URL", url + path)
                monkeypatch.setenv("APP_CODE", code)
                await session.ask_all(target, [CASE])
                counts.append(len(app.bodies))
            return counts

        assert app.run(ask) == [1, 1, 2]

    def test_a_key_that_the_app_repeats_is_neither_shown_nor_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_KEY", "k3y-that-nobody-may-see")
        session = Session()
        app = App(lambda body: {"text": "your key is k3y-that-nobody-may-see", "error": "k3y-that-nobody-may-see"})
        headers = {"X-Api-Key": "${env:APP_KEY}"}
        (response,) = asked(app, session=session, headers=headers)
        assert response.text == "your key is ***"
        (response,) = asked(app, session=session, headers=headers, answer="error.text")
        assert response.error is not None
        assert "nobody-may-see" not in repr((session.memory.answers, session.memory.requests, response))

    @pytest.mark.parametrize("url", ["${env:APP_URL}?code=${env:APP_CODE}", "${env:APP_URL_WITH_CODE}"])
    def test_nor_is_one_in_the_address(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        code = f"c0de-that-nobody-may-see-{len(url)}"
        session = Session()
        app = App(lambda body: {"text": f"your code is {code}"})

        async def ask(place: str) -> list[Response]:
            monkeypatch.setenv("APP_URL", place)
            monkeypatch.setenv("APP_CODE", code)
            monkeypatch.setenv("APP_URL_WITH_CODE", f"{place}?code={code}")
            return await session.ask_all(http_target(url, body=BODY), [CASE])

        (response,) = app.run(ask)
        assert response.text == "your code is ***"
        assert app.asked == [("POST", f"/answer?code={code}")]
        assert "nobody-may-see" not in repr((session.memory.answers, session.memory.requests, session.free.names))

    def test_a_variable_that_is_not_set_is_named(self) -> None:
        with pytest.raises(UsageError, match="'NO_SUCH_URL' is not set"):
            Session().answers(http_target("${env:NO_SUCH_URL}", body=BODY), CASE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "localhost:80/x"}, "the address 'localhost:80/x' is none; write http://<host>…"),
        ({"url": "file:///etc/passwd"}, "is none"),
        ({"url": 3}, "the address 3 is none"),
        ({"url": "http://[::1/x"}, "is none; mend its host"),
        ({"url": "http://me:secret@host/x"}, "'http://host/x' holds a password or key"),
        ({"url": "http://host/x?api_key=0123456789"}, "'http://host/x' holds a password or key"),
        ({"headers": {"X-Api-Key": "0123456789"}}, "the header 'X-Api-Key' holds a key"),
        ({"headers": {"X-Trace": "Bearer abcdefghijkl"}}, "the header 'X-Trace' holds a key"),
        ({"headers": {"Authorization": "Bearer ${env:KEY:0123456789}"}}, "the header 'Authorization' holds a key"),
        ({"headers": {"Authorization": "Bearer 0123456789-0123456789 ${env:KEY}"}}, "'Authorization' holds a key"),
        ({"url": "http://host/x?code=0123456789"}, "'http://host/x' holds a password or key"),
        ({"url": "http://host/x?key=${env:KEY:0123456789}"}, "'http://host/x' holds a password or key"),
        ({"version": "sk-0123456789abcdef"}, "version=a key is no version"),
        ({"headers": {"X": "a\r\nb"}}, "the header 'X' is none"),
        ({"headers": {"a b": "x"}}, "the header 'a b' is none"),
        ({"headers": {"X": 3}}, "headers are no mapping of texts"),
        ({"method": "GET"}, "method='GET' sends no body; it is one of 'POST', 'PUT', 'PATCH'"),
        ({"answer": "a["}, "answer='a[' is no JMESPath expression: "),
        ({"answer": ""}, "answer='' is no JMESPath expression: "),
        ({"answer": 3}, "answer=3 is no JMESPath expression; give a text"),
        ({"answer": None}, "answer=None is no JMESPath expression"),
        ({"contexts": "nope(a)"}, "contexts='nope(a)' calls a function that JMESPath does not have: "),
        ({"contexts": "join(a)"}, "contexts='join(a)' calls a function that JMESPath does not have: "),
        ({"usage": "tokens"}, "usage='tokens' is no mapping"),
        ({"usage": {"input_tokens": "["}}, "usage['input_tokens']='[' is no JMESPath expression"),
        ({"context": "docs"}, "http_target takes no 'context'; did you mean 'contexts'"),
        ({"body": []}, "body is []; give a mapping"),
        ({"body": {"q": "{{ a"}}, "body.q is no template: "),
        ({"body": {"q": [1, {"x": "{% if %}"}]}}, "body.q[1].x is no template: "),
        ({"body": {"q": {3: "x"}}}, "body.q has the key 3, which is no text"),
        ({"body": {"q": float("nan")}}, "body.q is nan, for which JSON has no form"),
        ({"body": {"q": object}}, "body.q is <class 'object'>, for which JSON has no form"),
        ({"version": 3}, "http_target: version=3 is no version"),
    ],
)
def test_what_cannot_be_right_is_refused_when_the_target_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        http_target(**{"url": "http://127.0.0.1/x", "body": BODY, **options})
    assert "secret" not in str(raised.value)
    assert "0123456789" not in str(raised.value)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-Max-Tokens": "100", "Keyword": "lamp", "Author": "me"}},
        {"headers": {"Cookie": "session=${env:SESSION}", "X-Api-Key": "${env:KEY}"}},
        {"url": "https://host/x?max_tokens=100&author=me&api-version=2024-10-21"},
        {"url": "${env:SHOP_URL:https://shop.example}/x?code=${env:CODE}"},
    ],
)
def test_what_is_no_key_may_be_written_out(options: dict[str, Any]) -> None:
    http_target(**{"url": "http://127.0.0.1/x", "body": BODY, **options})


class TestBody:
    CASE = Case(
        id="c1",
        inputs={"question": "Why?", "tags": ["a", "b"], "count": 3, "nothing": None, "nested": {"x": 1.5}},
        contexts=("one", "two"),
        references=("secret",),
    )
    VARIANT = from_mapping(
        {"id": "v2", "user": "Say: {{ question }}", "parameters": {"temperature": 0.5}, "rag": {"top_k": 4}}
    )

    def sent(self, value: Any, case: Case = CASE, variant: Variant = VARIANT) -> Any:
        app = App(lambda body: {"text": "yes"})
        asked(app, case, variant=variant, body={"value": value})
        return app.bodies[0]["value"]

    @given(JSON)
    def test_an_expression_gives_the_value_of_any_input(self, value: Any) -> None:
        case = Case(id="c1", inputs={"x": value})
        assert Body({"value": ["{{ x }}"]}).render(case, self.VARIANT) == {"value": [value]}

    @given(JSON)
    def test_what_holds_no_template_is_sent_as_it_is(self, value: Any) -> None:
        assume(not any(mark in json.dumps(value) for mark in ("{{", "{%", "{#")))
        assert Body({"value": value}).render(self.CASE, self.VARIANT) == {"value": value}

    @pytest.mark.parametrize(
        ("template", "value"),
        [
            ("{{ question }}", "Why?"),
            ("Q: {{ question }}", "Q: Why?"),
            ("{{ tags }}", ["a", "b"]),
            ("{{ tags | map('upper') }}", ["A", "B"]),
            ("{{ count }}", 3),
            ("{{- count + 1 -}}", 4),
            ("{{ count }} ", "3 "),
            ("{{ count }}{{ count }}", "33"),
            ("{{ nothing }}", None),
            ("{{ nested }}", {"x": 1.5}),
            ("{{ count > 2 }}", True),
            ("{{ 'yes' if count > 2 else 'no' }}", "yes"),
            ("{{ '}}' }}", "}}"),
            ("{{ {'a': {'b': count}} }}", {"a": {"b": 3}}),
            ("{{ question, count }}", ["Why?", 3]),
            ("{{ contexts }}", ["one", "two"]),
            ("{{ case.id }}", "c1"),
            ("{{ case.contexts[1] }}", "two"),
            ("{{ variant.id }}", "v2"),
            ("{{ variant.parameters }}", {"temperature": 0.5}),
            ("{{ variant.rag.top_k }}", 4),
            ("{{ messages }}", [{"role": "user", "content": "Say: Why?"}]),
            ("{{ messages[0].content }}", "Say: Why?"),
            ("{% for tag in tags %}<{{ tag }}>{% endfor %}", "<a><b>"),
            ("no template", "no template"),
            ([1, {"deep": ["{{ count }}", False, None]}], [1, {"deep": [3, False, None]}]),
            ({"{{ key }}": "as it is"}, {"{{ key }}": "as it is"}),
        ],
    )
    def test_what_templates_give(self, template: Any, value: Any) -> None:
        assert self.sent(template) == value

    @pytest.mark.parametrize("name", ["messages", "variant", "case", "contexts"])
    def test_a_column_hides_a_name_of_ours(self, name: str) -> None:
        assert self.sent(f"{{{{ {name} }}}}", Case(id="c1", inputs={name: "mine"}, contexts=("one",))) == "mine"

    @pytest.mark.parametrize(
        ("template", "message"),
        [
            ("{{ quesiton }}", "body.value uses 'quesiton', which row 'c1' does not have; the names there are: "),
            ("x{{ quesiton }}", "(did you mean 'question'?)"),
            ("{{ reference }}", "references and labels are kept from what is asked"),
            ("{{ nested.y.z }}", "body.value for row 'c1': "),
            ("{{ ''.__class__ }}", "body.value for row 'c1': "),
            ("{{ range(10 ** 9) }}", "body.value for row 'c1': the template takes more than"),
            ("text with {{ nothing }}", "body.value for row 'c1': an expression is null"),
            ("{{ case.inputs.items }}", "body.value is "),
            ("{{ count * 1e308 }}", "body.value is inf, for which JSON has no form"),
        ],
    )
    def test_a_template_that_fails_names_its_place_and_the_row(self, template: str, message: str) -> None:
        with pytest.raises(UsageError, match=re.escape(message)):
            self.sent(template)

    def test_an_input_that_json_has_no_form_for_is_refused(self) -> None:
        with pytest.raises(UsageError, match=re.escape("body.value is b'x', for which JSON has no form")):
            self.sent("{{ data }}", Case(id="c1", inputs={"data": b"x"}))

    def test_an_input_nested_without_end_is_refused(self) -> None:
        deep: list[Any] = []
        for _ in range(3000):
            deep = [deep]
        with pytest.raises(UsageError, match="nested too deeply for JSON"):
            self.sent("{{ data }}", Case(id="c1", inputs={"data": deep}))

    def test_text_of_a_row_is_data_and_never_a_template(self) -> None:
        row = Case(id="c1", inputs={"question": "{{ 7 * 7 }} ${env:HOME}"})
        assert self.sent("{{ question }}", row) == "{{ 7 * 7 }} ${env:HOME}"
