"""``${file:…}``: texts that stand in files of their own, and only in the project's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case

CASE = Case(id="c1", inputs={"question": "Why?"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "variants").mkdir(parents=True)
    (root / "shared").mkdir()
    (tmp_path / "secret.txt").write_text("SECRET")
    (root / "shared/ask.md").write_text("Q: {{ question }}\n")
    return root


def load(root: Path, content: str) -> variants.Variant:
    (root / "variants/v1.yaml").write_text(content)
    (variant,) = variants.load_variants(root / "variants/v1.yaml", root=root)
    return variant


def refusal(root: Path, content: str) -> str:
    with pytest.raises(VariantError) as caught:
        load(root, content)
    message = str(caught.value)
    assert message.isprintable()
    assert "SECRET" not in message
    return message


@pytest.mark.parametrize(
    "content",
    [
        "user: ${file:../shared/ask.md}",
        "user: '${file: ../shared/ask.md }'",
        "user: |\n  ${file:../shared/../shared/ask.md}\n",
        "user: ${FILE:../shared/ask.md}",
        "messages: [{role: user, content: '${file:../shared/ask.md}'}]",
        "steps: [{id: a, user: '${file:../shared/ask.md}'}]",
        "matrix: {user: ['${file:../shared/ask.md}']}",
    ],
)
def test_a_whole_value_is_the_template_that_the_file_holds(root: Path, content: str) -> None:
    assert load(root, content).messages(CASE) == [{"role": "user", "content": "Q: Why?"}]


def test_the_hash_is_that_of_the_text(root: Path) -> None:
    before = load(root, "user: ${file:../shared/ask.md}").hash
    assert before == load(root, 'user: "Q: {{ question }}\\n"').hash
    (root / "shared/ask.md").write_text("Q: {{ question }}!")
    assert load(root, "user: ${file:../shared/ask.md}").hash != before


def test_what_the_file_holds_is_not_looked_at_again(root: Path) -> None:
    (root / "shared/ask.md").write_text("${file:../../secret.txt}")
    assert load(root, "user: ${file:../shared/ask.md}").messages(CASE)[0]["content"] == "${file:../../secret.txt}"


def test_line_ends_and_a_byte_order_mark_are_those_of_yaml(root: Path) -> None:
    (root / "shared/ask.md").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert load(root, "user: ${file:../shared/ask.md}").messages(CASE)[0]["content"] == "one\ntwo"


def test_a_link_within_the_project_is_followed(root: Path) -> None:
    (root / "variants/link.md").symlink_to("../shared/ask.md")
    assert load(root, "user: ${file:link.md}").messages(CASE)[0]["content"] == "Q: Why?"


def test_texts_in_code_are_never_files(root: Path) -> None:
    variant = variants.from_mapping({"id": "v", "user": "${file:/etc/hostname}"})
    assert variant.messages(CASE)[0]["content"] == "${file:/etc/hostname}"


def test_a_fault_is_told_with_the_file_that_holds_it(root: Path) -> None:
    (root / "shared/ask.md").write_text("fine\n{% if %}")
    assert refusal(root, "user: ${file:../shared/ask.md}").startswith(
        "shared/ask.md:2: the file is not a Jinja2 template"
    )
    (root / "shared/ask.md").write_text("{{ qestion }}")
    with pytest.raises(VariantError, match=r"^shared/ask\.md:1: block \"user\" uses the input 'qestion'"):
        load(root, "user: ${file:../shared/ask.md}").check(CASE)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("../../secret.txt", "is outside the project"),
        ("../variants/../../secret.txt", "is outside the project"),
        ("link-out.txt", "is outside the project"),
        ("folder-out/secret.txt", "is outside the project"),
        ("/etc/passwd", "is an absolute path"),
        ("//server/share/x.txt", "is an absolute path"),
        ("\\\\server\\share\\x.txt", "is an absolute path"),
        ("C:\\secret.txt", "is an absolute path"),
        ("C:secret.txt", "is an absolute path"),
        ("/dev/zero", "is an absolute path"),
        ("absent.txt", "is not there"),
        ("", "names no file"),
        (".", "is not a file"),
        ("loop.txt", "cannot be followed"),
        ("x" * 5000, "is not there"),
        ("pipe", "is not a file"),
        ("zero", "is outside the project"),
        ("large.txt", "1.0 MiB"),
        ("latin.txt", "not UTF-8"),
        ("utf16.txt", "UTF-16"),
        ("nul.txt", "NUL byte"),
    ],
)
def test_what_is_no_text_of_the_project_is_refused(root: Path, name: str, part: str) -> None:
    folder = root / "variants"
    (folder / "link-out.txt").symlink_to("../../secret.txt")
    (folder / "folder-out").symlink_to("../..")
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    (folder / "large.txt").write_bytes(b"x" * (2**20 + 1))
    (folder / "latin.txt").write_bytes("fine\ncafé".encode("latin-1"))
    (folder / "utf16.txt").write_bytes("café".encode("utf-16"))
    (folder / "nul.txt").write_bytes(b"a\0b")
    message = refusal(root, f"id: x\nuser: '${{file:{name}}}'")
    assert part in message
    line = {"latin.txt": "variants/latin.txt:2", "utf16.txt": "variants/utf16.txt:1", "nul.txt": "variants/nul.txt:1"}
    where = {".": "variants:", "pipe": "variants/pipe:", "large.txt": "variants/large.txt:"}
    assert message.startswith(line.get(name, where.get(name, "variants/v1.yaml:2: ")))


@pytest.mark.parametrize("text", ["Ask: ${file:../shared/ask.md}", "${file:a.txt} ${file:b.txt}", "${file:a{b}.txt}"])
def test_within_a_text_it_is_refused(root: Path, text: str) -> None:
    assert refusal(root, f"user: '{text}'").startswith("variants/v1.yaml:1: ${file:…} stands within a text")


def test_the_environment_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "SECRET")
    assert load(root, "user: ${env:NAME}").messages(CASE)[0]["content"] == "${env:NAME}"


def test_a_variant_file_that_is_no_prompt(root: Path) -> None:
    with (root / "variants/huge.yaml").open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(VariantError, match=r"^variants/huge.yaml: the file has 100.0 MiB, and a prompt at most 1"):
        variants.load_variants(root / "variants/huge.yaml", root=root)


def test_files_are_bounded_together(root: Path) -> None:
    (root / "variants/large.txt").write_text("x" * 2**20)
    line = "- {role: user, content: '${file:%slarge.txt}'}\n"
    assert len(load(root, "messages:\n" + line % "" * 40).messages(CASE)) == 40  # read once
    several = "messages:\n" + "".join(line % ("./" * number) for number in range(20))
    assert "v1.yaml:18: the files that are named up to here have more than 16 MiB" in refusal(root, several)
    (root / "variants/v1.prompty").write_text(
        "---\nsample:\n" + "".join(f"  a{n}: ${{file:{'./' * n}large.txt}}\n" for n in range(20)) + "---\nuser:\nx\n"
    )
    with pytest.raises(VariantError, match=r"v1\.prompty:19: the files that are named up to here"):
        variants.load_variants(root / "variants/v1.prompty", root=root)
