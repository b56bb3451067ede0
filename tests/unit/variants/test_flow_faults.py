"""What is said about a flow that cannot become variants: one sentence, whatever the file holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flow_help import WEB, asks, load, nodes, python, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case


class TestMalformed:
    @pytest.mark.parametrize(
        ("flow", "line", "parts"),
        [
            ("nodes: 3", 1, ('"nodes" is not a list',)),
            ("inputs: {}", 0, ('"nodes" is not a list',)),
            ("nodes: [3]", 1, ("nodes[0] has no name",)),
            ("entry: app:Chat", 1, ("Python function or class",)),
            ("nodes:\n\t- name: a", 2, ("tab",)),
            (nodes(asks("a"), asks("a")), 4, ("two nodes are called 'a'",)),
            (nodes("name: inputs"), 3, ("cannot be called 'inputs'",)),
            (nodes(asks("a", inputs='t: "${inputs.qestion}"')), 3, ("'qestion'", "did you mean 'question'?")),
            (nodes(asks("a", inputs='t: "${inputs}"')), 3, ("takes the input ''", "add it to inputs")),
            (nodes(asks("a", inputs='t: "${b.output}"')), 3, ("output of 'b', which is no node",)),
            (
                nodes(asks("a"), rest='inputs: {question: {}}\noutputs: {x: {reference: "${b.output}"}}'),
                2,
                ("'b', which is no node",),
            ),
            (nodes(asks("a", inputs='t: "${b}"'), python("b", 't: "${a}"')), 2, ("wait for one another",)),
            (nodes(python("b")), 2, ("no node of the flow asks a model", ".prompty")),
            (nodes("name: a, type: llm"), 3, ("node 'a' names no file",)),
            (nodes("name: a, use_variants: true"), 3, ("node_variants has none",)),
            (
                nodes("name: a, use_variants: true") + "\nnode_variants: {a: {variants: {x: {node: {type: llm}}}}}",
                4,
                ("no variant of node 'a'",),
            ),
            (
                nodes("name: a, use_variants: true")
                + "\nnode_variants: {a: {default_variant_id: [x], variants: {x: {node: {type: llm}}}}}",
                4,
                ("default_variant_id ['x'] is no variant of node 'a'",),
            ),
            (nodes("name: a, use_variants: true") + "\nnode_variants: {a: {}}", 4, ("have no variants",)),
            (nodes("name: a, use_variants: true") + "\nnode_variants: {a: {variants: {x: 3}}}", 4, ("has no node",)),
            (nodes(asks("absent")), 3, ("'absent.jinja2' is not there",)),
            (nodes(asks("a").replace("a.jinja2", "../../../out.jinja2")), 3, ("outside the project",)),
            (nodes(asks("a").replace("a.jinja2", "/etc/passwd")), 3, ("absolute path",)),
            (nodes(asks("a").replace("a.jinja2", "link.jinja2")), 3, ("outside the project",)),
            (nodes(asks("a", ', activate: {when: "${inputs.question}", is: x}')), 3, ("runs under a condition",)),
            (
                nodes(asks("a", inputs='temperature: "${inputs.question}"')),
                3,
                ("takes its temperature from '${inputs.question}'",),
            ),
            (
                nodes(asks("b"), asks("a", inputs='t: "${b.output.x}"')),
                4,
                ("takes '${b.output.x}'", "text without keys"),
            ),
            (
                nodes(asks("a", inputs='t: "About ${inputs.question}"')),
                3,
                ("'About ${inputs.question}', which prompt flow hands on as it is", "make ${inputs.<name>} the whole"),
            ),
            (nodes(asks("a", inputs="topP: 1, top_p: 1, max_tokens: 1")), 0, ()),
        ],
    )
    def test_one_sentence_with_file_line_and_mend(
        self, tmp_path: Path, flow: str, line: int, parts: tuple[str, ...]
    ) -> None:
        root = tmp_path / "project"
        (tmp_path / "out.jinja2").write_text("x")
        path = write(root, flow, a="{{ text }}", b="{{ text }}")
        (path.parent / "link.jinja2").symlink_to(tmp_path / "out.jinja2")
        if not parts:
            assert variants.load_variants(path, root=root)[0].parameters == {"top_p": 1, "max_tokens": 1}
            return
        with pytest.raises(VariantError) as caught:
            variants.load_variants(path, root=root)
        message = str(caught.value)
        assert message.isprintable()
        assert message.startswith(f"flows/web/flow.dag.yaml:{line}: " if line else "flows/web/flow.dag.yaml: ")
        for part in parts:
            assert part in message

    def test_a_prompt_that_is_no_template(self, tmp_path: Path) -> None:
        with pytest.raises(VariantError, match=r"^flows/web/a\.jinja2:2: the file is not a Jinja2 template"):
            load(tmp_path, nodes(asks("a")), a="user:\n{% if %}")

    def test_prompts_of_prompts_without_end(self, tmp_path: Path) -> None:
        made = [
            f'name: p{n}, type: prompt, source: {{path: p.jinja2}}, inputs: {{a: "${{p{n - 1}}}", b: "${{p{n - 1}}}"}}'
            for n in range(1, 60)
        ]
        first = "name: p0, type: prompt, source: {path: p0.jinja2}, inputs: {}"
        with pytest.raises(VariantError, match="more than 100 prompt nodes"):
            load(
                tmp_path, nodes(first, *made, asks("a", inputs='t: "${p59}"')), p="{{ a }}{{ b }}", p0="x", a="{{ t }}"
            )

    def test_several_prompts_for_python(self, tmp_path: Path) -> None:
        each = [f"name: {name}, type: prompt, source: {{path: p.jinja2}}, inputs: {{}}" for name in "xy"]
        flow = nodes(*each, python("ask", 'a: "${x.output}", b: "${y.output}"'))
        with pytest.raises(VariantError, match=r"gets the prompts 'x', 'y', .* 'answer': 'y'"):
            load(tmp_path, flow, p="x")
        (variant,) = variants.select([{"flow": "flows/web", "answer": "x"}], root=tmp_path)
        assert variant.messages(Case(id="c")) == [{"role": "user", "content": "x"}]

    def test_a_flow_of_python_code(self, tmp_path: Path) -> None:
        path = tmp_path / "flow.flex.yaml"
        path.write_text("entry: app:Chat\n")
        with pytest.raises(
            VariantError, match=r"^flow\.flex\.yaml: the flow is a Python function or class, which is not"
        ):
            variants.load_variants(path, root=tmp_path)

    @pytest.mark.parametrize(
        ("entry", "part"),
        [
            ({"flow": 3}, "is no path"),
            ({"flow": "flows/web", "combin": "product"}, "did you mean 'combine'?"),
            ({"flow": "flows/web", "combine": "all"}, 'write "one" or "product"'),
            ({"flow": "flows/web", "cap": 0}, "1 or more"),
            ({"flow": "flows/web", "answer": 3}, "name the node"),
            ({"flow": "flows/web", "answer": "fetch"}, "those that do are 'classify', 'summarize'"),
            ({"flow": "flows/gone"}, "cannot be read"),
        ],
    )
    def test_entries_in_code(self, tmp_path: Path, entry: dict[str, Any], part: str) -> None:
        write(tmp_path, WEB)
        with pytest.raises(VariantError, match=part.replace("?", r"\?")):
            variants.select([entry], root=tmp_path)


IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
REFERENCES = st.sampled_from(
    [
        "${inputs.q}",
        "${a}",
        "${b.output}",
        "${b.output.x}",
        "${c",
        "${inputs}",
        "${a.b.c.d}",
        "0.7",
        1,
        None,
        "",
        [],
        {},
    ]
)
SOURCES = st.sampled_from([{"path": "a.jinja2"}, {"path": "gone"}, {}, None, 3, {"path": ["x"]}, {"path": "\0"}])
NODES = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c", "inputs", 3])},
    optional={
        "type": st.sampled_from(["llm", "prompt", "python", "custom_llm", 3, None]),
        "source": SOURCES,
        "inputs": st.dictionaries(st.sampled_from(["text", "temperature", "model", "q"]), REFERENCES, max_size=3)
        | st.none(),
        "api": st.sampled_from(["chat", "completion", 3]),
        "use_variants": st.booleans(),
        "activate": st.none() | st.just({"when": "${a}", "is": 1}),
    },
)
VARIANTS = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.fixed_dictionaries(
        {"default_variant_id": st.sampled_from(["x", "y", 3, None])},
        optional={
            "variants": st.dictionaries(st.sampled_from(["x", "y"]), st.fixed_dictionaries({"node": NODES}) | st.none())
        },
    )
    | st.none(),
)


def outcome(attempt: Callable[[], object]) -> str:
    """What was said, or nothing where all was well; any other exception is a fault."""
    try:
        attempt()
    except VariantError as error:
        return str(error)
    return ""


@given(
    tree=st.fixed_dictionaries(
        {"nodes": st.lists(NODES, max_size=4)},
        optional={
            "inputs": st.dictionaries(st.just("q"), st.sampled_from([{}, {"default": 1}, None, 3])),
            "outputs": st.dictionaries(st.just("o"), st.fixed_dictionaries({"reference": REFERENCES})),
            "node_variants": VARIANTS,
            "additional_includes": st.sampled_from([[], ["../x"], [3], None]),
        },
    )
)
@IN_ONE_FOLDER
def test_any_flow_is_read_or_refused(tmp_path: Path, tree: dict[str, Any]) -> None:
    path = write(tmp_path, json.dumps(tree), a="{{ text }}")

    def attempt() -> None:
        for variant in variants.load_variants(path, root=tmp_path):
            variant.check(Case(id="c1", inputs={"q": "Why?"}))

    assert outcome(attempt).isprintable()


def test_a_long_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VariantError, match="cannot be read"):
        variants.select({"flow": "x" * 300}, root=tmp_path)
