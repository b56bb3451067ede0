"""What a variant file may say, and what is said about one that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case

CASE = Case(id="c1", inputs={"question": "Why?"}, source="datasets/qa.jsonl:1")


def load(folder: Path, content: str | bytes, name: str = "v1.yaml") -> variants.Variant:
    path = folder / "variants" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    (variant,) = variants.load_variants(path, root=folder)
    return variant


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(VariantError) as caught:
        load(folder, content)
    message = str(caught.value)
    assert message.isprintable()
    return message


FULL = """\
# how we ask since October
id: careful
description: asks for evidence
model: {name: small-chat, base_url: "https://models.example/v1", api_key_env: CHAT_KEY}
parameters: {temperature: 0.2, maxTokens: 100}
blocks:
  persona: You are a librarian.
  instructions: Answer from the text.
rag: {k: 4}
"""


def test_a_whole_file(tmp_path: Path) -> None:
    variant = load(tmp_path, FULL)
    assert (variant.id, variant.description, variant.source) == ("careful", "asks for evidence", "variants/v1.yaml")
    assert variant.model == {
        "name": "small-chat",
        "base_url": "https://models.example/v1",
        "api_key_env": "CHAT_KEY",
    }
    assert variant.parameters == {"temperature": 0.2, "max_tokens": 100}
    assert variant.blocks == {"persona": "You are a librarian.", "instructions": "Answer from the text."}
    assert variant.rag == {"k": 4}


@pytest.mark.parametrize("content", ["blocks: {persona: x}", "id:\nblocks: {persona: x}"])
def test_the_id_is_the_stem_unless_the_file_has_one(tmp_path: Path, content: str) -> None:
    assert load(tmp_path, content, "terse.v2.yml").id == "terse.v2"


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("maxTokens", "max_tokens"),
        ("max_completion_tokens", "max_tokens"),
        ("maxOutputTokens", "max_tokens"),
        ("topP", "top_p"),
        ("top-p", "top_p"),
        ("stop_sequences", "stop"),
        ("stopSequences", "stop"),
        ("frequencyPenalty", "frequency_penalty"),
        ("temperature", "temperature"),
        ("chunkSize", "chunkSize"),
    ],
)
def test_one_spelling_of_known_parameters(tmp_path: Path, written: str, known: str) -> None:
    assert load(tmp_path, f"parameters: {{{written}: 1}}").parameters == {known: 1}


@pytest.mark.parametrize("text", ["yes", "no", "on", "12:30", "010", "2026-11-23", "1_000", ".nan", "<<", "="])
def test_bare_words_stay_text(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, f"rag: {{value: {text}}}").rag == {"value": text}


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("-2", -2), ("1e-3", 0.001), ("0.5", 0.5), ("true", True), ("~", None), ("'1'", "1")]
)
def test_numbers_booleans_and_null(tmp_path: Path, text: str, value: object) -> None:
    found = load(tmp_path, f"rag: {{value: {text}}}").rag["value"]
    assert (found, type(found)) == (value, type(value))


def test_environment_references_stay_unresolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE", "resolved")
    variant = load(
        tmp_path, 'model: {base_url: "${env:BASE}"}\nblocks: {persona: "${env:BASE}"}\nrag: {a: "${env:BASE}"}'
    )
    assert variant.model["base_url"] == variant.rag["a"] == "${env:BASE}"
    assert variant.messages(CASE)[0]["content"] == "${env:BASE}"


@pytest.mark.parametrize(
    ("content", "line"),
    [("id: a\nuser: '{{ nope }}'", 2), ("blocks:\n  persona: x\n  instructions: |\n    {{ nope }}", 4)],
    ids=["on the line of the key", "below it"],
)
def test_a_missing_input_is_told_with_the_line_of_its_text(tmp_path: Path, content: str, line: int) -> None:
    with pytest.raises(VariantError, match=rf"^variants/v1\.yaml:{line}: block"):
        load(tmp_path, content).check(CASE)


class TestIdentity:
    def test_what_does_not_change_behaviour_does_not_change_the_hash(self, tmp_path: Path) -> None:
        one = load(tmp_path, FULL)
        turned = """
rag:
  k: 4
blocks: {instructions: "Answer from the text.", persona: 'You are a librarian.'}
parameters: {max_completion_tokens: 100, temperature: 0.2}
model: {api_key_env: OTHER_KEY, base_url: "https://models.example/v1", name: small-chat}
"""
        assert load(tmp_path, turned, "other.yaml").hash == one.hash

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("0.2", "0.3"),
            ("maxTokens", "n"),
            ("librarian", "poet"),
            ("persona", "constraints"),
            ("small-chat", "large-chat"),
            ("k: 4", "k: 5"),
            ("rag:", "user: null\nrag:"),
        ],
    )
    def test_what_changes_behaviour_changes_the_hash(self, tmp_path: Path, old: str, new: str) -> None:
        assert old in FULL
        assert load(tmp_path, FULL.replace(old, new)).hash != load(tmp_path, FULL).hash

    def test_a_bare_id_is_all_that_tells_two_recorded_systems_apart(self) -> None:
        assert variants.bare("a").hash != variants.bare("b").hash
        assert variants.bare("a") == variants.bare("a")

    def test_variants_are_hashable(self, tmp_path: Path) -> None:
        assert len({load(tmp_path, FULL), load(tmp_path, FULL), variants.bare("x")}) == 2

    def test_code_and_file_are_the_same(self, tmp_path: Path) -> None:
        mapping = {"blocks": {"persona": "x"}, "parameters": {"topP": 1}}
        in_code = variants.from_mapping(mapping, source="made.yaml")
        assert in_code.hash == load(tmp_path, "blocks: {persona: x}\nparameters: {topP: 1}").hash
        assert in_code.id == "made"


class TestMalformed:
    @pytest.mark.parametrize(
        ("content", "line", "parts"),
        [
            ("paramters: {}", 1, ("'paramters'", "did you mean 'parameters'?")),
            ("id: a\nblocks:\n  personna: x", 3, ("did you mean 'persona'?",)),
            ("blocks:\n  user: x", 2, ('"user" stands beside "blocks"',)),
            ("id: a\nid: b", 2, ("'id'", "line 1")),
            ("rag:\n  k: 1\n  k: 1", 3, ("'k'", "line 2")),
            ("blocks:\n\tpersona: x", 2, ("tab", "spaces")),
            ("id: a: b", 1, ("not valid YAML",)),
            ("id: 'a", 1, ("not valid YAML",)),
            ("id: a\n---\nid: b", 2, ("another document",)),
            ("a: &x [1, 2]\nb: [*x, *x]", 2, ("*", "write the text out")),
            ("rag: !!python/object/apply:os.system [x]", 1, ("python", "remove it")),
            ("rag: !!binary aGk=", 1, ("tag",)),
            ("rag: !mine x", 1, ("'!mine'",)),
            ("rag: 3", 1, ("not a mapping",)),
            ("model: gpt", 1, ("not a mapping", "{name: …}")),
            ("rag: {k: 1e999}", 1, ("too large",)),
            ("- a", 1, ("does not hold a mapping",)),
            ("", 1, ("is empty",)),
            ("# nothing", 1, ("is empty",)),
            ("id: 1", 1, ("the id 1", "quotes")),
            ("id: ''", 1, ("the id ''",)),
            ("description: [x]", 1, ('"description" is not text',)),
            ("rag:\n  a: \x07", 2, ("not allowed in YAML",)),
            ("rag: " + "[" * 5000, 1, ("nested too deeply",)),
            ("user: {{ question }}", 1, ("quote",)),
            ("user: 3", 1, ('"user" holds 3',)),
            ("blocks:\n  persona: x\n  constraints: [a]", 3, ('"constraints"',)),
            ("blocks:\n  examples:\n  - a\n  - {input: x}", 4, ("examples[1]", "an input and an output")),
            ("blocks:\n  examples:\n  - {input: x, output: 3}", 3, ("both text",)),
            ("messages: []", 1, ("not a list of messages",)),
            ("messages: hello", 1, ("not a list of messages",)),
            ("messages:\n- {role: usr, content: x}", 2, ("'usr'", "did you mean 'user'?")),
            ("messages:\n- {role: user, content: x}\n- {role: user}", 3, ("messages[1]",)),
            ("messages:\n- {role: user, content: 5}", 2, ("not text",)),
            ("messages:\n- {role: user, content: x}\nuser: y", 3, ("whole prompt",)),
            ("user: null", 1, ("empty prompt",)),
            ("user: |\n  fine\n  {% if %}", 1, ("line 2", "not a Jinja2 template")),
            ("user: '{{ a b }}'", 1, ("not a Jinja2 template",)),
            (f"user: '{'{% for a in b %}' * 30}{'{% endfor %}' * 30}'", 1, ("cannot be compiled",)),
            (f"user: '{{{{ {'(' * 3000}1{')' * 3000} }}}}'", 1, ("cannot be compiled",)),
            ("user: '{{ a | nofilter }}'", 1, ("nofilter",)),
            ("model:\n  name: x\n  api_key: SECRET", 3, ("api_key_env", "api_key")),
            ("model: {headers: {Api-Key: SECRET}}", 1, ("api_key_env",)),
            ("parameters: {apiKey: SECRET}", 1, ("api_key_env",)),
            ("parameters:\n  topP: 1\n  top_p: 1", 3, ("'topP' and 'top_p'",)),
        ],
    )
    def test_one_sentence_with_file_line_and_mend(
        self, tmp_path: Path, content: str, line: int, parts: tuple[str, ...]
    ) -> None:
        message = refusal(tmp_path, content)
        assert message.startswith(f"variants/v1.yaml:{line}: ")
        assert "SECRET" not in message
        for part in parts:
            assert part in message

    @pytest.mark.parametrize(
        ("content", "part"),
        [
            ("id: café".encode("utf-16"), "UTF-16"),
            ("id: café".encode("latin-1"), "byte 0xe9"),
            (b"id: a\0b", "NUL byte"),
        ],
    )
    def test_wrong_encodings_are_named(self, tmp_path: Path, content: bytes, part: str) -> None:
        message = refusal(tmp_path, content)
        assert message.startswith("variants/v1.yaml:1: ")
        assert part in message

    def test_a_byte_order_mark_and_crlf_are_accepted(self, tmp_path: Path) -> None:
        assert load(tmp_path, b"\xef\xbb\xbfid: a\r\nrag:\r\n  k: 1\r\n").rag == {"k": 1}

    def test_an_alias_bomb_is_refused_before_it_expands(self, tmp_path: Path) -> None:
        levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
        assert "refers to another place" in refusal(tmp_path, f"l0: &l0 [lol]\n{levels}")

    def test_files_that_are_none(self, tmp_path: Path) -> None:
        (tmp_path / "folder.yaml").mkdir()
        for name, part in [
            ("folder.yaml", "is not a file"),
            ("absent.yaml", "cannot be read"),
            ("prompt.md", "'.yaml', '.yml'"),
        ]:
            with pytest.raises(VariantError, match=part):
                variants.load_variants(tmp_path / name, root=tmp_path)

    @pytest.mark.parametrize(
        ("mapping", "part"),
        [
            ({"blocks": {"persona": "x"}}, "needs an id"),
            ({"id": "a", "rag": {"k": float("nan")}}, "JSON cannot"),
            ({"id": "a", "rag": {"k": object()}}, "object"),
            ({"id": "a", "rag": {1: 2}}, "the key 1"),
            ({"id": "a", 3: 2}, "unknown key 3"),
            ({"id": "a", "user": "\ud800"}, "JSON cannot"),
        ],
    )
    def test_mappings_in_code(self, mapping: dict[Any, Any], part: str) -> None:
        with pytest.raises(VariantError, match=part):
            variants.from_mapping(mapping)


IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
WORDS = ["id", "user", "blocks", "messages", "examples", "&a", "*a", "!x", "|-", "é", "question"]
WORDS += [
    "{{",
    "}}",
    "{%for",
    "{%endfor%}",
    "{%if",
    "steps",
    "matrix",
    "rag.k",
    "cap",
    "exclude",
    "${file:x}",
    "parameters",
]
PIECES = st.sampled_from([*WORDS, *"|>!'\"[]{},:#%@- \t\nx", ": ", "- ", "\n  "])


def outcome(attempt: Callable[[], object]) -> str:
    """What was said, or nothing where all was well; any other exception is a fault."""
    try:
        attempt()
    except VariantError as error:
        return str(error)
    return ""


NAMES = st.sampled_from([*"ab", "id", "user", "blocks", "persona", "messages", "role", "content", "rag", "rag.k", "k"])
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text("a{}%$:. \n\0", max_size=6), st.binary(max_size=2)
)
TREES = st.recursive(
    LEAVES | st.sampled_from(["{{ a }}", "user", "steps.a.user", "${file:b}", "{{ steps.a.output }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | LEAVES, inner, max_size=3),
    max_leaves=8,
)
AXES = st.dictionaries(
    st.sampled_from(["rag.k", "user", "parameters.t", "steps.a.user", "exclude", "cap", "rag"]), TREES
)
STEPS = st.lists(
    st.fixed_dictionaries({"id": NAMES | LEAVES}, optional={"user": TREES, "blocks": TREES, "model": TREES})
)


@given(
    mapping=st.dictionaries(NAMES | LEAVES, TREES, max_size=3),
    keys=st.fixed_dictionaries({"id": st.just("v") | TREES}, optional={"matrix": AXES, "steps": STEPS | TREES}),
)
@settings(deadline=None, max_examples=200)
def test_mappings_are_read_or_refused(mapping: dict[Any, Any], keys: dict[str, Any]) -> None:
    def attempt() -> None:
        for variant in variants.select([{**mapping, **keys}], root=Path("/nowhere")):
            variant.check(CASE)

    assert outcome(attempt).isprintable()


@given(content=st.binary(max_size=120) | st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode()))
@IN_ONE_FOLDER
def test_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    assert outcome(lambda: load(tmp_path, content).check(CASE)).isprintable()
