"""What is said about a .prompty file that cannot be read: one sentence, whatever the file holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prompty_help import CASE, front, load, refusal

from pytest_genaiops.errors import VariantError


class TestMalformed:
    @pytest.mark.parametrize(
        ("content", "line", "parts"),
        [
            ("---\nname: x\nuser:\nHi", 1, ("has no end", "line of its own")),
            ("\n\n---\nname: x --- y\nHi", 3, ("has no end",)),
            (front("name: x", ""), 4, ("there is no prompt",)),
            ("", 1, ("there is no prompt",)),
            (front("name: x\nname: y"), 3, ("'name'", "line 2")),
            (front("model:\n\tid: x"), 3, ("tab", "spaces")),
            (front("a: &x [1, 2]\nb: [*x, *x]"), 3, ("*", "write the text out")),
            (front("a: !!python/object/apply:os.system [x]"), 2, ("python", "remove it")),
            (front("- a"), 1, ("does not hold a mapping",)),
            (front("a: " + "[" * 5000), 1, ("nested too deeply",)),
            (front("name: 'x"), 3, ("not valid YAML",)),
            (front("model: [a]"), 2, ('"model"', "not a mapping")),
            (front("model: {connection: [a]}"), 2, ('"connection"', "not a mapping")),
            (front("model:\n  id: x\n  options: 3"), 4, ('"options"', "not a mapping")),
            (front("model: {parameters: {topP: 1, top_p: 1}}"), 2, ("'topP' and 'top_p'",)),
            (front("model:\n  configuration:\n    api_key: SECRET"), 4, ("'api_key'", "${env:<NAME>}")),
            (front("model: {connection: {type: serverless, key: SECRET}}"), 2, ("'key'",)),
            (front("model: {connection: {apiKey: [SECRET]}}"), 2, ("'apiKey'",)),
            (front("tools:\n- name: a\n  headers: {Ocp-Apim-Subscription-Key: SECRET}"), 4, ("Subscription-Key",)),
            (front("model: {options: {extra_headers: {Authorization: SECRET}}}"), 2, ("'Authorization'",)),
            (front("inputs: 3"), 2, ("declares no inputs",)),
            (front("inputs: [{kind: string}]"), 2, ("inputs[0] has no name",)),
            (front("inputs:\n  photo: {kind: image}"), 2, ("'photo'", "'image'", "text only")),
            (front("sample: 3"), 2, ("is no row",)),
            (front("template: handlebars"), 2, ("'handlebars'", "'jinja2', 'nunjucks', 'mustache'")),
            (front("template: {format: jinja2, parser: mine}"), 2, ("'mine'", "'prompty'")),
            (front("name: x", "user:\n{% if %}"), 5, ("not a Jinja2 template",)),
            (front("name: x", "tools:\n- a\nuser:\nHi"), 4, ('"tools:"', "front matter")),
            (front("template: mustache", "user:\n{{> other}}"), 5, ("a partial",)),
            (front("template: mustache", "{{=<% %>=}}"), 4, ("delimiters",)),
            (front("template: mustache", "a\n{{#x}}\nb"), 5, ("{{#x}} has no end",)),
            (front("template: mustache", "{{#x}}{{/y}}"), 4, ("{{/y}}", "{{/x}}")),
            (front("template: mustache", "{{/y}}"), 4, ("ends no section",)),
            (front("template: mustache", "{{ a b }}"), 4, ("is no name",)),
            (front("template: mustache", "{{.}}"), 4, ("stands in no section",)),
            (front("template: mustache", "{{#a}}" * 9 + "{{/a}}" * 9), 4, ("more than 8 sections",)),
            (front("template: mustache", "{{#a}}" * 8 + "{{b}}" * 9999 + "{{/a}}" * 8), 4, ("too many tags",)),
            (front("template: mustache", "{{ a"), 4, ("opens no Mustache tag",)),
            (front("model: {options: {x: 1e999}}"), 2, ("too large",)),
        ],
    )
    def test_one_sentence_with_file_line_and_mend(
        self, tmp_path: Path, content: str, line: int, parts: tuple[str, ...]
    ) -> None:
        message = refusal(tmp_path, content)
        assert message.startswith(f"variants/v1.prompty:{line}: ")
        assert "SECRET" not in message
        for part in parts:
            assert part in message

    @pytest.mark.parametrize(
        ("content", "line", "part"),
        [
            (front("name: x").encode("utf-16"), 1, "UTF-16"),
            (front("name: café").encode("latin-1"), 2, "byte 0xe9"),
            (front("name: x").encode() + b"a\0b", 6, "NUL byte"),
        ],
    )
    def test_wrong_encodings_are_named(self, tmp_path: Path, content: bytes, line: int, part: str) -> None:
        message = refusal(tmp_path, content)
        assert message.startswith(f"variants/v1.prompty:{line}: ")
        assert part in message

    def test_an_alias_bomb_is_refused_before_it_expands(self, tmp_path: Path) -> None:
        levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
        assert "refers to another place" in refusal(tmp_path, front(f"l0: &l0 [lol]\n{levels}"))

    def test_a_file_of_more_than_a_mebibyte(self, tmp_path: Path) -> None:
        with pytest.raises(VariantError, match="a prompt at most 1"):
            load(tmp_path, front("name: x", "x" * 2**20))

    @pytest.mark.parametrize(
        ("body", "part"),
        [
            ("{{ question.__class__ }}", "unsafe"),
            ("{% for a in range(10**9) %}{% endfor %}", "more than"),
            ("{% include 'x' %}", "loader"),
            ("{{ question.missing }}", "missing"),
        ],
    )
    def test_templates_that_reach_too_far(self, tmp_path: Path, body: str, part: str) -> None:
        with pytest.raises(VariantError, match=part):
            load(tmp_path, front("name: x", f"user:\n{body}")).check(CASE)


IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
WORDS = ["---\n", "---\n", "name:", "model:", "inputs:", "sample:", "template: mustache\n", "tools:", "outputs:"]
WORDS += ["connection:", "options:", "api_key", "${file:x}", "${env:X}", "kind: thread", "user:\n", "system[a=b]:\n"]
WORDS += ["![thread]", "{{#a}}", "{{/a}}", "{{ question }}", "{{", "}}", "{%for a in b%}", "{%endfor%}", "a", "\0", "é"]
PIECES = st.sampled_from([*WORDS, *"|>!'\"[]{},:#%@- \t\nx", ": ", "- ", "\n  "])


def outcome(attempt: Callable[[], object]) -> str:
    """What was said, or nothing where all was well; any other exception is a fault."""
    try:
        attempt()
    except VariantError as error:
        return str(error)
    return ""


@given(
    content=st.binary(max_size=120)
    | st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode())
    | st.lists(PIECES, max_size=40).map(lambda pieces: ("---\n" + "".join(pieces) + "\n---\nuser:\nx").encode())
    | st.lists(PIECES, max_size=40).map(lambda pieces: ("---\ntemplate: mustache\n---\n" + "".join(pieces)).encode())
)
@IN_ONE_FOLDER
def test_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    assert outcome(lambda: load(tmp_path, content).check(CASE)).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "kind", "type", "default", "x"]), inner)
    ),
    max_leaves=6,
)
KEYS = ["model", "inputs", "inputSchema", "outputs", "sample", "template", "tools", "name", "description"]
MODEL = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "api", "connection", "configuration", "options", "parameters"), JSON)
)


@given(tree=st.fixed_dictionaries({}, optional={**dict.fromkeys(KEYS, JSON), "model": MODEL | JSON}))
@IN_ONE_FOLDER
def test_any_values_are_read_or_refused(tmp_path: Path, tree: dict[str, Any]) -> None:
    content = f"---\n{json.dumps(tree, ensure_ascii=True)}\n---\nuser:\n{{{{ question }}}}\n"
    assert outcome(lambda: load(tmp_path, content).check(CASE)).isprintable()
