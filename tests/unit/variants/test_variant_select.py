"""Which variants a suite means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import variants
from pytest_genaiops.errors import VariantError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("variants/rag/v1.yaml", "variants/rag/v10.yaml", "variants/rag/v2.yaml", "prompts/terse.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"blocks: {{persona: {path.stem}}}")
    return tmp_path


def ids(selected: tuple[variants.Variant, ...]) -> list[str]:
    return [variant.id for variant in selected]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ("variants/rag/*.yaml", ["v1", "v2", "v10"]),
        ("**/*.y*ml", ["terse", "v1", "v2", "v10"]),
        ("prompts/terse.yml", ["terse"]),
        ("v2", ["v2"]),
        (["v2", "variants/rag/*.yaml"], ["v2", "v1", "v10"]),
        (["recorded", {"id": "inline", "user": "x"}], ["recorded", "inline"]),
        ({"id": "inline", "user": "x"}, ["inline"]),
    ],
)
def test_entries(root: Path, entries: Any, expected: list[str]) -> None:
    assert ids(variants.select(entries, root=root)) == expected


def test_a_bare_id_is_its_file_where_there_is_one(root: Path) -> None:
    named, recorded = variants.select(["v1", "gpt"], root=root)
    assert (named.source, named.blocks) == ("variants/rag/v1.yaml", {"persona": "v1"})
    assert (recorded.source, recorded.blocks, recorded) == ("", {}, variants.bare("gpt"))


def test_handles_pass_through(root: Path) -> None:
    variant = variants.bare("x")
    assert variants.select(variant, root=root)[0] is variant
    assert variants.select([variant], root=root)[0] is variant


@pytest.mark.parametrize(
    ("entries", "parts"),
    [
        ("variants/*.yaml", ("no file matches 'variants/*.yaml'",)),
        (
            "variants/rag/v3.yaml",
            ("'variants/rag/v3.yaml' was not found", "did you mean 'v2.yaml'?", "'v2.yaml', 'v10.yaml'"),
        ),
        ("nowhere/v3.yaml", ("no variant files",)),
        ("variants/rag", ("is a directory", "'variants/rag/*.yaml'")),
        ([], ("no variants are named",)),
        ([""], ("'' names no variant",)),
        (["a\0b"], ("names no variant",)),
        (["x/" + "y" * 999], ("names no variant",)),
        ([3], ("3 names no variant",)),
        ([{"id": "v1", "user": "x"}, "variants/rag/*.yaml"], ("a variant made in code and variants/rag/v1.yaml",)),
    ],
)
def test_what_is_not_there(root: Path, entries: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(VariantError) as caught:
        variants.select(entries, root=root)
    for part in parts:
        assert part in str(caught.value)


def test_two_files_with_one_id(root: Path) -> None:
    (root / "prompts/other.yaml").write_text("id: terse\nuser: x")
    with pytest.raises(VariantError, match=r"prompts/other.yaml and prompts/terse.yml have one id, 'terse'"):
        variants.select("prompts/*", root=root)


def test_an_id_of_two_files(root: Path) -> None:
    (root / "variants/v1.yaml").write_text("user: x")
    with pytest.raises(VariantError, match=r"'variants/rag/v1.yaml', 'variants/v1.yaml'"):
        variants.select("v1", root=root)


OUTSIDE = {
    "plain.yaml": "user: SECRET\n",
    "front.prompty": "---\nsample: {q: SECRET}\n---\nuser:\n{{ q }}\n",
    "flow/flow.dag.yaml": "inputs: {}\nnodes: [{name: SECRET}]\n",
}


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("entry", ["linked/{name}", "linked/{first}*", "variants/{name}"])
def test_a_link_out_of_the_project_is_refused(tmp_path: Path, name: str, entry: str) -> None:
    elsewhere, project = tmp_path / "elsewhere" / name, tmp_path / "project"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text(OUTSIDE[name])
    (project / "variants" / name).parent.mkdir(parents=True)
    (project / "variants" / name).symlink_to(elsewhere)
    (project / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VariantError) as caught:
        variants.select(entry.format(name=name, first=name[:3]), root=project)
    assert "a symbolic link out of the project, to" in str(caught.value)
    assert "copy the file into the project, or name that path itself" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_sample_behind_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "front.prompty").write_text(OUTSIDE["front.prompty"])
    (tmp_path / "project").mkdir()
    (tmp_path / "project/front.prompty").symlink_to("../front.prompty")
    with pytest.raises(VariantError, match="a symbolic link out of the project, to"):
        variants.sample_dataset(tmp_path / "project/front.prompty", root=tmp_path / "project")


def test_links_within_the_project_and_paths_that_say_where_they_lead_are_fine(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "variants").mkdir(parents=True)
    (project / "real.yaml").write_text("user: x\n")
    (project / "variants/link.yaml").symlink_to("../real.yaml")
    (tmp_path / "other.yaml").write_text("user: x\n")
    (tmp_path / "way").symlink_to(project)
    assert ids(variants.select(["link", "../other.yaml"], root=project)) == ["link", "other"]
    assert ids(variants.select("variants/*.yaml", root=tmp_path / "way")) == ["link"]


@pytest.mark.parametrize(
    ("files", "entries", "expected"),
    [
        (
            {"variants/v1.yaml": "x"},
            ["variants/v1.yaml", "variants/../variants/v1.yaml", "v1", "./variants/v1.*"],
            "v1",
        ),
        ({"variants/v1.yaml": "x"}, Path("variants/v1.yaml"), "v1"),
        ({"variants/v1.yaml": "x"}, [Path("variants") / "*.yaml"], "v1"),
        ({"variants/v1.yaml": "x"}, "v2", "v2"),
        ({"variants/revised.yaml": "x"}, {"id": "revsed"}, "revsed"),
        ({"app/docker.yaml": "x"}, "app", "app"),
    ],
)
def test_what_names_one_variant(tmp_path: Path, files: dict[str, str], entries: Any, expected: str) -> None:
    write(tmp_path, files)
    assert ids(variants.select(entries, root=tmp_path)) == [expected]


@pytest.mark.parametrize(
    ("files", "entries", "part"),
    [
        ({"prompts/v1.yaml": "x"}, "prompts", "'prompts' is a directory; write 'prompts/*.yaml' for its files"),
        ({"mine/v1.prompty": "x"}, "mine", "'mine' is a directory"),
        ({"variants/revised.yaml": "x"}, "revsed", "no file in variants/ is called 'revsed' (did you mean 'revised'?)"),
        ({"variants/chat/flow.dag.yaml": "x"}, "chatt", "(did you mean 'chat'?)"),
        (
            {"variants/a.yaml": "x", "variants/A.yaml": "y"},
            "variants/*",
            "ids that differ only by upper and lower case",
        ),
        ({}, ["caf\u00e9", "cafe\u0301"], "or Unicode normal form"),
        ({}, 5, "5 names no variant"),
    ],
)
def test_what_would_be_taken_for_another_variant(
    tmp_path: Path, files: dict[str, str], entries: Any, part: str
) -> None:
    write(tmp_path, files)
    with pytest.raises(VariantError) as caught:
        variants.select(entries, root=tmp_path)
    assert part in str(caught.value)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"user: {text}\n")
