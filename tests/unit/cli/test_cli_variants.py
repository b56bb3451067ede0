"""``genaiops variants``: list, show and diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_genaiops.cli import main

MATRIX = """\
blocks: {persona: You know numbers., instructions: Answer briefly.}
matrix: {parameters.temperature: [0, 0.7]}
"""
TWO = """\
description: drafts first
model: {name: small-chat, api_key_env: CHAT_KEY}
parameters: {temperature: 0.2}
rag: {k: 3}
steps:
- {id: draft, user: "{{ question }}"}
- {id: revise, blocks: {persona: "You edit.\\nWell."}, parameters: {seed: 3}, user: "Shorter: {{ steps.draft.output }}"}
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "pytest.ini": "[pytest]\n",
        "variants/v1.yaml": MATRIX,
        "variants/v2.yaml": "blocks: {persona: You know all numbers.}\n",
        "variants/deep/two.yaml": TWO,
        "datasets/q.jsonl": '{"id": "a:1", "question": "Why?"}\n{"id": "2", "query": "Who?"}\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    code = main(["variants", *arguments])
    output = capsys.readouterr()
    assert all(line.isprintable() for line in (*output.out.splitlines(), *output.err.splitlines()))
    return code, output.out.splitlines(), output.err


class TestList:
    def test_every_variant_under_the_name_of_its_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, lines, _ = run(capsys, "list")
        assert code == 0
        assert lines.pop(3) == "  2 variants of temperature 0, 0.7"
        words = [line.split() for line in lines]
        assert [[*each[:3], *each[4:]] for each in words] == [
            ["variants/deep/two.yaml"],
            ["two", "2", "steps", "small-chat", "temperature=0.2"],
            ["variants/v1.yaml"],
            ["v1", "1", "step", "-", "temperature=0"],
            ["v1-temperature=0.7", "1", "step", "-", "temperature=0.7"],
            ["variants/v2.yaml"],
            ["v2", "1", "step", "-", "-"],
        ]

    def test_what_a_file_of_many_variants_varies(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        axes = "{chunk: [256, 512], search: [vector, full-text, hybrid], rerank: {none: null, cross-encoder: ce}}"
        (root / "variants/rag.yaml").write_text(f"rag_variants: {{axes: {axes}, exclude: [{{search: hybrid}}]}}")
        code, lines, _ = run(capsys, "list", "rag")
        assert (code, len(lines)) == (0, 11)
        assert lines[:3] == [
            "variants/rag.yaml",
            "  8 variants of chunk 256, 512; search vector, full-text; rerank none,",
            "  cross-encoder",
        ]
        assert lines[-1].startswith("  chunk=512,search=full-text,rerank=cross-encoder  1 step  ")

    def test_one_of_many_is_shown_by_its_id(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "prompts").mkdir()
        (root / "prompts/rag.yaml").write_text("rag_variants: {axes: {k: [3, 5], search: [vector, hybrid]}}")
        code, lines, _ = run(capsys, "show", "k=5,search=hybrid")
        assert (code, lines[0]) == (0, "k=5,search=hybrid")
        assert "  rag   k=5, search=hybrid" in lines
        assert run(capsys, "diff", "k=3,search=hybrid", "k=5,search=hybrid")[1][-1] == "rag.k 3 → 5"

    @pytest.mark.parametrize("entry", ["variants/v*.yaml", "v1", "variants/v1.yaml"])
    def test_some_of_them(self, entry: str, capsys: pytest.CaptureFixture[str]) -> None:
        code, lines, _ = run(capsys, "list", entry)
        assert (code, lines[0]) == (0, "variants/v1.yaml")

    def test_from_a_sub_folder_paths_are_the_shells(
        self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(root / "variants/deep")
        assert run(capsys, "list", "two.yaml")[1][0] == "variants/deep/two.yaml"

    def test_a_broken_file_hides_none_of_the_others(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "variants/bad.yaml").write_text("usr: x")
        code, lines, complaint = run(capsys, "list")
        assert (code, len(lines)) == (1, 8)
        assert complaint.startswith("genaiops: variants/bad.yaml:1: unknown key 'usr' (did you mean 'user'?)")

    def test_no_files(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, lines, complaint = run(capsys, "list", "--rootdir", str(root / "datasets"))
        assert (code, lines) == (2, [])
        assert complaint.startswith("genaiops: no folder called variants or prompts holds a variant")

    def test_those_outside_the_folder_come_behind(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("prompts/shop/kind.yaml", "app/ask.prompty", "elsewhere/page.yaml"):
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text("user:\nWhy?" if name.endswith("prompty") else "user: Why?")
        code, lines, _ = run(capsys, "list")
        files = [line for line in lines if not line.startswith(" ")]
        assert (code, files[-3:]) == (0, ["variants/v2.yaml", "app/ask.prompty", "prompts/shop/kind.yaml"])


class TestShow:
    def test_settings_and_templates(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, lines, _ = run(capsys, "show", "two")
        assert code == 0
        assert [line for line in lines if "hash" not in line] == [
            "two",
            "  file        variants/deep/two.yaml",
            "  about       drafts first",
            "  model       name=small-chat, api_key_env=CHAT_KEY",
            "  parameters  temperature=0.2",
            "  rag         k=3",
            "",
            "  step draft",
            "    user",
            "      {{ question }}",
            "",
            "  step revise (seed=3)",
            "    persona (system)",
            "      You edit.",
            "      Well.",
            "    user",
            "      Shorter: {{ steps.draft.output }}",
        ]

    def test_the_messages_of_a_row(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, lines, _ = run(capsys, "show", "two", "--case", "q:a:1")
        assert code == 0
        assert lines[lines.index("  for row     a:1") :] == [
            "  for row     a:1",
            "",
            "  step draft",
            "    user",
            "      Why?",
            "",
            "  step revise (seed=3)",
            "    system",
            "      You edit.",
            "      Well.",
            "    user",
            "      Shorter: [output of step draft]",
        ]

    def test_one_of_a_matrix(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(capsys, "show", "v1-temperature=0.7")[1][0] == "v1-temperature=0.7"
        assert [line for line in run(capsys, "show", "v1")[1] if line.startswith("v1")] == ["v1"]
        whole = run(capsys, "show", "variants/v1.yaml")[1]
        assert [line for line in whole if line.startswith("v1")] == ["v1", "v1-temperature=0.7"]

    def test_the_sample_of_a_file_that_has_one(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "variants/hi.prompty").write_text("---\nname: hi\nsample: {who: Ann}\n---\nuser:\nHi {{who}}\n")
        assert run(capsys, "show", "hi")[1][-2:] == ["  user", "    Hi Ann"]

    def test_texts_cannot_steer_the_terminal(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "variants/v3.yaml").write_text('user: "\\e[31m red"\nrag: {tone: "\\e[32m"}\nid: "\\e[33m"\n')
        for action in (["list"], ["show", "variants/v3.yaml"], ["diff", "v2", "variants/v3.yaml"]):
            assert run(capsys, *action)[0] in (0, 1)

    @pytest.mark.parametrize(
        ("arguments", "part"),
        [
            (
                ["twoo"],
                "no variant of the project is called 'twoo' (did you mean 'two'?); its variants are 'v1', 'v1-temp",
            ),
            (["variants/nope.yaml"], "variant file 'variants/nope.yaml' was not found"),
            (["x" * 300], "no variant of the project is called 'xxx"),
            (["a/" * 3000], "names no variant; give a path, a glob, an id"),
            (["\u00e9" * 200], "no variant of the project is called"),
            (["two", "--case", "q"], "--case 'q' names no row; write <dataset>:<id>"),
            (["two", "--case", "q:nope"], "'q' has no row with the id 'nope'"),
            (["two", "--case", "qq:a:1"], "dataset 'qq' was not found (did you mean 'q'?)"),
            (["two", "--case", "q:2"], "uses the input 'question', which row '2'"),
        ],
    )
    def test_what_is_not_there(self, arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
        code, _, complaint = run(capsys, "show", *arguments)
        assert code == 2
        assert part in complaint
        assert complaint.count("\n") == 1


class TestDiff:
    def test_what_differs(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(capsys, "diff", "v1", "v2") == (
            1,
            [
                "from v1 (variants/v1.yaml)",
                "to   v2 (variants/v2.yaml)",
                "parameters.temperature removed (0)",
                "block persona changed (+1 words)",
                "    You know {+all+} numbers.",
                "block instructions removed (2 words)",
                "    [-Answer briefly.-]",
            ],
            "",
        )

    def test_nothing(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "variants/copy.yaml").write_text((root / "variants/v2.yaml").read_text() + "description: the same\n")
        assert run(capsys, "diff", "v2", "copy") == (0, ["v2 and copy behave the same"], "")

    @pytest.mark.parametrize(
        ("other", "part"),
        [
            ("variants/v1.yaml", "variants/v1.yaml gives 2 variants; name one of them by its id: 'v1', 'v1-temp"),
            ("nope", "no variant of the project is called 'nope'; its variants are"),
        ],
    )
    def test_trouble(self, other: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
        code, lines, complaint = run(capsys, "diff", "v2", other)
        assert (code, lines) == (2, [])
        assert part in complaint


class TestIdsOfFilesElsewhere:
    FLOW = """\
inputs: {question: {type: string}}
outputs: {answer: {reference: "${ask.output}"}}
nodes: [{name: ask, use_variants: true}]
node_variants:
  ask:
    default_variant_id: a
    variants:
      a: {node: {type: llm, source: {path: ask.jinja2}, inputs: {temperature: 0, question: "${inputs.question}"}}}
      b: {node: {type: llm, source: {path: ask.jinja2}, inputs: {temperature: 1, question: "${inputs.question}"}}}
"""

    @pytest.fixture(autouse=True)
    def files(self, root: Path) -> None:
        (root / "flows/chat").mkdir(parents=True)
        (root / "flows/chat/flow.dag.yaml").write_text(self.FLOW)
        (root / "flows/chat/ask.jinja2").write_text("# user:\n{{ question }}")
        (root / "prompts").mkdir()
        (root / "prompts/front.prompty").write_text("---\ninputs: {question: {type: string}}\n---\nuser:\nHello\n")

    def test_the_variants_of_one_flow_are_compared(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(capsys, "diff", "flows/chat", "chat")[2].endswith(
            "name one of them by its id: 'chat', 'chat-ask=b'\n"
        )
        code, lines, _ = run(capsys, "diff", "chat", "chat-ask=b")
        assert (code, lines[2:]) == (1, ["parameters.temperature 0 → 1"])

    def test_one_that_cannot_be_read_says_why(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "prompts/broken.prompty").write_text("---\n")
        assert run(capsys, "show", "front")[0] == 0
        assert "prompts/broken.prompty:1: the front matter" in run(capsys, "show", "broken")[2]

    def test_one_id_of_two_files(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "front.prompty").write_text("user:\nHi\n")
        assert "could be any of 'front.prompty', 'prompts/front.prompty'" in run(capsys, "show", "front")[2]

    def test_what_an_input_is_has_a_name(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (root / "other.prompty").write_text("---\ninputs: {question: What}\n---\nuser:\nHello\n")
        lines = run(capsys, "diff", "front", "other")[1]
        assert lines[2:] == ["inputs.question.default added (What)"]

    def test_a_path_seen_from_below(
        self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(root / "prompts")
        assert run(capsys, "show", "../variants/v2.yaml")[1][1].split() == ["file", "variants/v2.yaml"]
