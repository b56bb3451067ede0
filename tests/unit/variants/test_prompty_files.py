"""What a .prompty file may say, in the words of either version.

Expected values follow prompty's specification (microsoft/prompty, spec/spec.md of August 2026) and, for version 1, its
schema Prompty.yaml.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from prompty_help import CASE, front, load

from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.variants.prompty.front_matter import split

V1 = front(
    """\
name: Helper
description: answers briefly
authors: [ann]
tags: [support]
model:
  api: chat
  configuration:
    type: azure_openai
    azure_deployment: small
    azure_endpoint: ${env:AZURE_ENDPOINT}
    api_version: 2024-06-01
    api_key: ${env:AZURE_KEY}
  parameters:
    max_tokens: 128
    temperature: 0.2
  response: first
inputs:
  question:
    type: string
  tone:
    type: string
    default: kind
sample:
  question: What is up?
template: jinja2""",
    "system:\nBe {{ tone }}.\n\nuser:\n{{ question }}",
)
V2 = front(
    """\
name: helper
displayName: Helper
description: answers briefly
metadata: {authors: [ann], tags: [support]}
model:
  id: small
  provider: openai
  apiType: chat
  connection:
    kind: key
    endpoint: https://models.example/v1
    apiKey: ${env:OPENAI_KEY}
  options:
    maxOutputTokens: 128
    temperature: 0.2
    stopSequences: [END]
    additionalProperties: {logprobs: true}
inputs:
  - name: question
    kind: string
    required: true
    example: What is up?
  - name: tone
    kind: string
    default: kind
template:
  format: {kind: jinja2}
  parser: {kind: prompty}""",
    "system:\nBe {{ tone }}.\n\nuser:\n{{ question }}",
)


def test_a_file_of_version_1(tmp_path: Path) -> None:
    variant = load(tmp_path, V1)
    assert (variant.id, variant.description, variant.source) == ("v1", "answers briefly", "variants/v1.prompty")
    assert variant.model == {
        "name": "small",
        "provider": "azure_openai",
        "api": "chat",
        "response": "first",
        "api_key_env": "AZURE_KEY",
        "connection": {
            "type": "azure_openai",
            "azure_deployment": "small",
            "azure_endpoint": "${env:AZURE_ENDPOINT}",
            "api_version": "2024-06-01",
        },
    }
    assert variant.parameters == {"max_tokens": 128, "temperature": 0.2}


def test_a_file_of_version_2(tmp_path: Path) -> None:
    variant = load(tmp_path, V2)
    assert variant.model == {
        "name": "small",
        "provider": "openai",
        "api": "chat",
        "base_url": "https://models.example/v1",
        "api_key_env": "OPENAI_KEY",
        "connection": {"kind": "key", "endpoint": "https://models.example/v1"},
    }
    assert variant.parameters == {"max_tokens": 128, "temperature": 0.2, "stop": ["END"], "logprobs": True}


@pytest.mark.parametrize("content", [V1, V2], ids=["v1", "v2"])
def test_both_render_alike(tmp_path: Path, content: str) -> None:
    variant = load(tmp_path, content)
    assert variant.messages(CASE) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Why?"},
    ]
    assert variant.sample is not None
    assert dict(variant.sample.inputs) == {"question": "What is up?", "tone": "kind"}


def test_a_files_model_may_be_its_name_alone(tmp_path: Path) -> None:
    assert load(tmp_path, front("model: gpt-small")).model == {"name": "gpt-small"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("{configuration: {type: openai, name: a}}", "a"),
        ("{connection: {type: serverless, model: b}}", "b"),
        ("{id: c, connection: {kind: reference, name: shared}}", "c"),
        ("{connection: {kind: reference, name: shared}}", None),
    ],
)
def test_where_the_models_name_stands(tmp_path: Path, written: str, name: str | None) -> None:
    assert load(tmp_path, front(f"model: {written}")).model.get("name") == name


def test_the_completion_api_takes_one_text(tmp_path: Path) -> None:
    variant = load(tmp_path, front("model: {id: m, api: completion}", "system:\n{{ question }}"))
    assert variant.messages(CASE) == [{"role": "user", "content": "system:\nWhy?"}]


def test_unknown_keys_are_passed_over(tmp_path: Path) -> None:
    variant = load(
        tmp_path, front("future: {x: 1}\nmodel: {id: m, router: fast}\ninputs:\n  question: {kind: string, x: 1}")
    )
    assert variant.model == {"name": "m", "router": "fast"}
    assert variant.messages(CASE)[0]["content"] == "Why?"


def test_tools_and_outputs_are_part_of_the_variant(tmp_path: Path) -> None:
    with_tools = load(tmp_path, front("tools: [{name: clock, kind: function}]\noutputs: [{name: a, kind: string}]"))
    assert with_tools.model == {
        "tools": [{"name": "clock", "kind": "function"}],
        "outputs": [{"name": "a", "kind": "string"}],
    }
    assert with_tools.hash != load(tmp_path, front("name: x")).hash


class TestFrontMatter:
    @pytest.mark.parametrize(
        ("text", "tree", "body"),
        [
            ("---\nname: test\n---\nHello world", {"name": "test"}, "Hello world"),
            ("Just a prompt with no frontmatter", {}, "Just a prompt with no frontmatter"),
            ("---\n---\nBody only", {}, "Body only"),
            ("  ---\nname: test\n---\nBody", {"name": "test"}, "Body"),
        ],
    )
    def test_the_vectors_of_the_specification(self, text: str, tree: dict[str, Any], body: str) -> None:
        """Section 2.2, normative."""
        document = split(text.encode(), "a.prompty")
        assert (document.tree, document.body) == (tree, body)

    @pytest.mark.parametrize(
        ("text", "tree", "body"),
        [
            ("+++\na: 1\n+++\nx", {"a": 1}, "x"),
            ("----\na: 1\n-----\nx", {"a": 1}, "x"),
            ("\n\n---\na: 1\n---  \nx\n---\ny", {"a": 1}, "x\n---\ny"),
            ("---\na: 1 --- 2\nb: |\n  x\n  ---\n  y\n---\nz", {"a": "1 --- 2", "b": "x\n---\ny\n"}, "z"),
            ("---\n# nothing\n\n---\nx", {}, "x"),
            ("--- a\nb", {}, "--- a\nb"),
            ("\ufeff---\r\na: 1\r\n---\r\nx\r\ny", {"a": 1}, "x\ny"),
            ("---\ra: 1\r---\rx\ry", {"a": 1}, "x\ny"),
        ],
        ids=["plus", "longer", "rule below", "inside text", "comments", "no fence", "BOM and CRLF", "CR alone"],
    )
    def test_a_fence_is_a_line_of_its_own(self, text: str, tree: dict[str, Any], body: str) -> None:
        document = split(text.encode(), "a.prompty")
        assert (document.tree, document.body) == (tree, body)

    def test_lines_are_those_of_the_file(self) -> None:
        document = split(b"\n---\na: 1\nb:\n  c: 2\n---\n\nx", "a.prompty")
        assert (document.lines[("b", "c")], document.line) == (5, 7)


class TestInputs:
    @pytest.mark.parametrize(
        "written",
        [
            "inputs: {tone: kind}",
            "inputs: {tone: {type: string, default: kind}}",
            "inputs: [{name: tone, kind: string, default: kind}]",
            "inputSchema: {properties: [{name: tone, kind: string, default: kind}]}",
            "inputSchema: {properties: {tone: {kind: string, default: kind}}}",
            "inputSchema: {tone: {default: kind}}",
        ],
    )
    def test_a_default_holds_where_a_row_has_no_such_column(self, tmp_path: Path, written: str) -> None:
        variant = load(tmp_path, front(written, "user:\n{{ tone }}: {{ question }}"))
        assert variant.messages(CASE)[0]["content"] == "kind: Why?"
        rude = Case(id="c2", inputs={"question": "Why?", "tone": "rude"})
        assert variant.messages(rude)[0]["content"] == "rude: Why?"

    @pytest.mark.parametrize(
        "written",
        [
            "inputs: {tone: {type: string}}",
            "inputs: {tone: {type: string, sample: kind}}",
            "inputs: [{name: tone, kind: string, example: kind}]",
            "inputs: [{name: tone, kind: string, required: true}]",
            "sample: {tone: kind}",
            "inputs: [tone]",
        ],
    )
    def test_no_example_stands_in_for_a_row(self, tmp_path: Path, written: str) -> None:
        """Section 12.2: an example must not be used as a runtime value. What has no default is missed."""
        variant = load(tmp_path, front(written, "user:\n{{ tone }}: {{ question }}"))
        with pytest.raises(VariantError, match=r"^variants/v1\.prompty:4: .* uses the input 'tone', which row 'c1'"):
            variant.check(CASE)

    def test_what_is_said_to_be_optional_may_be_missing(self, tmp_path: Path) -> None:
        inputs = "inputs: [{name: hint, kind: string, required: false}, {name: docs, kind: array, required: false}]"
        variant = load(
            tmp_path,
            front(inputs, "user:\n{{ question }}{% if hint %} ({{ hint }}){% endif %}{% for d in docs %}x{% endfor %}"),
        )
        assert variant.messages(CASE)[0]["content"] == "Why?"

    def test_a_mapping_that_describes_nothing_is_a_value(self, tmp_path: Path) -> None:
        variant = load(tmp_path, front("inputs: {who: {first: Ann}}", "user:\n{{ question }} {{ who.first }}"))
        assert variant.messages(CASE)[0]["content"] == "Why? Ann"

    def test_names_are_text(self, tmp_path: Path) -> None:
        variant = load(tmp_path, front("inputs: {1: x}", "user:\nHi"))
        assert variant.messages(CASE) == [{"role": "user", "content": "Hi"}]

    def test_passages_are_the_input_context(self, tmp_path: Path) -> None:
        case = Case(id="c1", inputs={"question": "Why?"}, contexts=("One.", "Two."))
        variant = load(tmp_path, front("inputs: {context: {type: string}}", "user:\n{{ context }}"))
        assert variant.messages(case)[0]["content"] == "One.\n\nTwo."

    @pytest.mark.parametrize("head", ["", "inputs: {context: {type: array}}", "sample: {context: [One., Two.]}"])
    @pytest.mark.parametrize("over", ["context", "context[:2]", "context | reject('equalto', 'x')"])
    def test_a_loop_over_the_input_context_takes_passages(self, tmp_path: Path, head: str, over: str) -> None:
        case = Case(id="c1", inputs={"question": "Why?"}, contexts=("One.", "Two."))
        variant = load(tmp_path, front(head, f"user:\n{{% for each in {over} %}}[{{{{ each }}}}]{{% endfor %}}"))
        assert variant.messages(case)[0]["content"] == "[One.][Two.]"

    def test_a_loop_over_lines_takes_those_of_all_passages(self, tmp_path: Path) -> None:
        case = Case(id="c1", inputs={"question": "Why?"}, contexts=("One.", "Two."))
        body = "user:\n{% for each in context.splitlines() %}[{{ each }}]{% endfor %}"
        assert load(tmp_path, front("", body)).messages(case)[0]["content"] == "[One.][][Two.]"

    def test_a_row_with_none_of_the_columns_is_refused(self, tmp_path: Path) -> None:
        variant = load(tmp_path, front("inputs: {query: What, tone: kind}", "user:\n{{ tone }} {{ query }}"))
        with pytest.raises(VariantError, match=r"has none of the columns 'query', 'tone', .* all rows would ask"):
            variant.check(CASE)
        variant.check(Case(id="c2", inputs={"query": "Why?"}))


class TestSamples:
    def test_defaults_examples_and_the_sample_make_one_row(self, tmp_path: Path) -> None:
        text = "inputs: {a: 1, b: {type: string, sample: x}, c: {type: string, sample: y}}\nsample: {c: z}"
        sample = load(tmp_path, front(text, "user:\n{{ a }}{{ b }}{{ c }}")).sample
        assert sample is not None
        assert (sample.id, dict(sample.inputs)) == ("sample", {"a": 1, "b": "x", "c": "z"})

    @pytest.mark.parametrize("written", ["row.json", "${file:row.json}", '"${file: row.json }"'])
    def test_from_a_file(self, tmp_path: Path, written: str) -> None:
        (tmp_path / "variants").mkdir()
        (tmp_path / "variants" / "row.json").write_text(json.dumps({"question": "Who?"}))
        sample = load(tmp_path, front(f"sample: {written}")).sample
        assert sample is not None
        assert dict(sample.inputs) == {"question": "Who?"}

    def test_defaults_alone_need_not_be_a_sample(self, tmp_path: Path) -> None:
        assert load(tmp_path, front("inputs: {tone: kind, question: {type: string}}")).sample is None

    def test_a_file_without_one(self, tmp_path: Path) -> None:
        assert load(tmp_path, front("name: x")).sample is None

    def test_the_sample_does_not_change_the_variant(self, tmp_path: Path) -> None:
        assert load(tmp_path, front("sample: {a: 1}")).hash == load(tmp_path, front("sample: {a: 2}")).hash


class TestReferences:
    def test_json_and_yaml_are_read_by_their_suffix_and_anything_else_is_text(self, tmp_path: Path) -> None:
        folder = tmp_path / "variants"
        folder.mkdir()
        (folder / "tools.json").write_text('[{"type": "function"}]')
        (folder / "model.yaml").write_text("type: openai\nname: small\n")
        (folder / "tone.txt").write_text("kind")
        text = "model: {configuration: '${file:model.yaml}', parameters: {tools: '${file:tools.json}'}}\n"
        variant = load(tmp_path, front(text + "inputs: {tone: '${file:tone.txt}'}", "user:\n{{ question }} {{ tone }}"))
        assert variant.model["name"] == "small"
        assert variant.parameters == {"tools": [{"type": "function"}]}
        assert variant.messages(CASE)[0]["content"] == "Why? kind"

    @pytest.mark.parametrize(
        ("name", "part"),
        [
            ("absent.json", "is not there"),
            ("../../secret.json", "outside the project"),
            ("/etc/passwd", "absolute path"),
            ("link.json", "outside the project"),
            ("broken.json", "broken.json:2: the file is not JSON"),
            ("long.json", "long.json: a number has thousands of digits; write it as text"),
        ],
    )
    def test_refused(self, tmp_path: Path, name: str, part: str) -> None:
        root = tmp_path / "project"
        (root / "variants").mkdir(parents=True)
        (tmp_path / "secret.json").write_text("{}")
        (root / "variants" / "link.json").symlink_to(tmp_path / "secret.json")
        (root / "variants" / "broken.json").write_text('{"a":\n}')
        (root / "variants" / "long.json").write_text('{"a": ' + "1" * 5000 + "}")
        with pytest.raises(VariantError, match=part):
            load(root, front(f"name: x\nsample: ${{file:{name}}}"))

    def test_values_nested_more_deeply_than_can_be_worked_with(self, tmp_path: Path) -> None:
        (tmp_path / "variants").mkdir()
        deep = tmp_path / "variants/deep.json"
        deep.write_text("[" * 200_000 + "]" * 200_000)
        with pytest.raises(VariantError, match="nested too deeply; flatten"):
            load(tmp_path, front("model: {parameters: {x: '${file:deep.json}'}}"))

    def test_no_environment_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEY", "SECRET")
        text = front(
            "model: {id: '${env:KEY}', provider: openai, connection: {endpoint: '${env:KEY:x}', key: '${env:KEY:y}'}}"
        )
        variant = load(tmp_path, text)
        assert variant.model["name"] == "${env:KEY}"
        assert variant.model["base_url"] == "${env:KEY:x}"
        assert variant.model["api_key_env"] == "KEY"
        assert "SECRET" not in repr(variant)

    def test_the_name_of_the_key_is_no_part_of_the_identity(self, tmp_path: Path) -> None:
        one, two = (front(f"model: {{connection: {{apiKey: '${{env:{name}}}'}}}}") for name in ("A", "B"))
        assert load(tmp_path, one).hash == load(tmp_path, two).hash


class TestIdentity:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("max_tokens: 128", "max_tokens: 64"),
            ("azure_deployment: small", "azure_deployment: large"),
            ("default: kind", "default: rude"),
            ("Be {{", "Stay {{"),
            ("user:", "assistant:"),
        ],
    )
    def test_what_changes_behaviour_changes_the_hash(self, tmp_path: Path, old: str, new: str) -> None:
        assert old in V1
        assert load(tmp_path, V1.replace(old, new)).hash != load(tmp_path, V1).hash

    @pytest.mark.parametrize(
        ("old", "new"), [("Helper", "Other"), ("[ann]", "[bob]"), ("${env:AZURE_KEY}", "${env:OTHER}")]
    )
    def test_what_does_not_change_behaviour_does_not(self, tmp_path: Path, old: str, new: str) -> None:
        assert old in V1
        assert load(tmp_path, V1.replace(old, new), "other.prompty").hash == load(tmp_path, V1).hash
