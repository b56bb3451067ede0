"""What a manifest says about a dataset, and what is said about one that cannot be."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.errors import DatasetError

ROWS = [
    {
        "qid": 1,
        "query": "Why?",
        "answer": "Because.",
        "passages": ["p", "q"],
        "topic": "a",
        "v1": "So.",
        "part": "train",
    },
    {"qid": 2, "query": "How?", "answer": "Thus.", "passages": [], "topic": "b", "v1": None, "part": "test"},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / "datasets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def load(folder: Path, name: str = "qa") -> dataset.Dataset:
    return dataset.load(dataset.locate(name, root=folder), root=folder)


def made(folder: Path, manifest: str | bytes, rows: str | bytes = LINES, data: str = "qa.jsonl") -> dataset.Dataset:
    write(folder, data, rows)
    write(folder, "qa.yaml", manifest)
    return load(folder)


def refusal(folder: Path, manifest: str | bytes, rows: str = LINES, name: str = "qa") -> str:
    write(folder, "qa.jsonl", rows)
    write(folder, "qa.yaml", manifest)
    with pytest.raises(DatasetError) as caught:
        load(folder, name)
    message = str(caught.value)
    assert message.isprintable()
    return message


class TestRoles:
    def test_columns_take_the_roles_that_the_manifest_gives_them(self, tmp_path: Path) -> None:
        found = made(
            tmp_path,
            "columns:\n  id: qid\n  question: query\n  reference: answer\n  contexts: passages\n"
            "  cluster: topic\n  responses: {first: v1}\n",
        )
        same = dataset.from_rows(
            [
                {"id": 1, "question": "Why?", "reference": "Because.", "contexts": ["p", "q"], "cluster": "a",
                 "part": "train", "responses": {"first": "So."}},
                {"id": 2, "question": "How?", "reference": "Thus.", "contexts": [], "cluster": "b",
                 "part": "test", "responses": {"first": None}},
            ]
        )  # fmt: skip
        assert found.cases[0].inputs == {"question": "Why?", "part": "train"}
        assert found.hash == same.hash
        assert found.systems == ("first",)
        assert found.cases[1].source == "datasets/qa.jsonl:2"

    def test_a_table_says_the_same(self, tmp_path: Path) -> None:
        roles = "columns: {id: qid, reference: answer, contexts: passages, label: kind, responses: {first: v1}}"
        table = made(
            tmp_path,
            roles,
            'qid,query,answer,passages,kind,v1\n1,Why?,Because.,"[""p"", ""q""]",,So.\n2,,,,x,\n',
            "qa.csv",
        )
        same = dataset.from_rows(
            [
                {"id": "1", "query": "Why?", "reference": "Because.", "contexts": ["p", "q"], "label": None,
                 "responses": {"first": "So."}},
                {"id": "2", "query": "", "reference": None, "contexts": None, "label": "x",
                 "responses": {"first": None}},
            ]
        )  # fmt: skip
        assert table.hash == same.hash

    def test_a_role_of_the_data_may_become_an_input(self, tmp_path: Path) -> None:
        rows = "id,label,kind\na,spam,x\nb,,y\n"
        first, second = made(tmp_path, "columns: {topic: label, label: kind}", rows, "qa.csv").cases
        assert (first.inputs, first.label) == ({"topic": "spam"}, "x")
        assert (second.inputs, second.label) == ({"topic": ""}, "y")

    def test_one_column_may_have_two_roles(self, tmp_path: Path) -> None:
        (case, _) = made(tmp_path, "columns: {id: qid, reference: answer, label: answer}").cases
        assert (case.references, case.label) == (("Because.",), "Because.")

    def test_slices_are_tags_and_stay_inputs(self, tmp_path: Path) -> None:
        by_name = made(tmp_path, "columns: {id: qid}\nslices: [topic]").cases[0]
        by_tag = made(tmp_path, "columns: {id: qid}\nslices: {kind: topic, side: part}").cases[0]
        assert (by_name.slices, by_name.inputs["topic"]) == ({"topic": "a"}, "a")
        assert by_tag.slices == {"kind": "a", "side": "train"}

    def test_a_row_may_lack_what_others_have(self, tmp_path: Path) -> None:
        rows = '{"qid": 1, "answer": "x"}\n{"qid": 2}\n'
        first, second = made(tmp_path, "columns: {id: qid, reference: answer}", rows).cases
        assert (first.references, second.references) == (("x",), None)

    def test_a_column_without_a_name_stays(self, tmp_path: Path) -> None:
        assert made(tmp_path, "columns: {id: qid}", '{"qid": 1, "": 2}').cases[0].inputs == {"": 2}

    def test_rows_that_are_none_are_refused_as_ever(self, tmp_path: Path) -> None:
        assert refusal(tmp_path, "columns: {id: qid}", "[1]\n").startswith("datasets/qa.jsonl:1: the row is [1]")


class TestFacts:
    def test_what_is_known_of_the_data(self, tmp_path: Path) -> None:
        manifest = made(
            tmp_path,
            "description: >\n  Two questions.\nversion: 3\nlanguage: [en, de-CH]\nlicense: CC0-1.0\n"
            "origin: https://example.org/qa\ncolumns: {id: qid}\n",
        ).manifest
        assert manifest is not None
        assert manifest.description == "Two questions."
        assert (manifest.version, manifest.language, manifest.licence) == ("3", ("en", "de-CH"), "CC0-1.0")
        assert manifest.origin == "https://example.org/qa"

    def test_without_one_there_is_none(self, tmp_path: Path) -> None:
        write(tmp_path, "qa.jsonl", '{"id": "a"}')
        assert load(tmp_path).manifest is None


class TestFiles:
    def test_data_under_another_name(self, tmp_path: Path) -> None:
        (tmp_path / "raw").mkdir()
        (tmp_path / "raw" / "dump.jsonl").write_text(LINES)
        write(tmp_path, "qa.yaml", "file: ../raw/dump.jsonl\ncolumns: {id: qid}")
        found = load(tmp_path)
        assert (found.name, found.path) == ("qa", tmp_path / "raw" / "dump.jsonl")
        assert found.cases[0].source == "raw/dump.jsonl:1"

    def test_gzip_and_folders(self, tmp_path: Path) -> None:
        packed = made(tmp_path, "columns: {id: qid}", gzip.compress(LINES.encode()), "qa.jsonl.gz")
        write(tmp_path, "parts/1.jsonl", LINES.splitlines()[0])
        write(tmp_path, "parts/2.jsonl", LINES.splitlines()[1])
        write(tmp_path, "parts.yaml", "columns: {id: qid}")
        assert packed.hash == load(tmp_path, "parts").hash
        assert load(tmp_path, "parts").name == "parts"

    @pytest.mark.parametrize("name", ["qa", "datasets/qa.jsonl", "datasets/qa.yaml", "qa.jsonl"])
    def test_every_way_to_name_it_finds_the_manifest(self, tmp_path: Path, name: str) -> None:
        made(tmp_path, "columns: {id: qid}")
        assert load(tmp_path, name).cases[0].id == "1"

    def test_a_data_file_that_is_named_is_the_one_that_is_meant(self, tmp_path: Path) -> None:
        made(tmp_path, "columns: {id: qid}")
        write(tmp_path, "qa.csv", "qid\nx\n")
        assert load(tmp_path, "datasets/qa.csv").cases[0].id == "x"
        write(tmp_path, "qa.yaml", "file: qa.jsonl\ncolumns: {id: qid}")
        write(tmp_path, "qa.csv", "id\ny\n")
        assert load(tmp_path, "datasets/qa.csv").manifest is None
        assert load(tmp_path, "datasets/qa.jsonl").manifest is not None

    def test_a_dataset_outside_of_the_project_has_its_manifest_there(self, tmp_path: Path) -> None:
        write(tmp_path, "data.jsonl", LINES)
        manifest = write(tmp_path, "qa.yaml", "file: data.jsonl\ncolumns: {id: qid}")
        project = tmp_path / "project"
        project.mkdir()
        assert len(dataset.load(dataset.locate(str(manifest), root=project)).cases) == 2

    def test_find_and_load_by_path(self, tmp_path: Path) -> None:
        made(tmp_path, "columns: {id: qid}")
        assert dataset.load(dataset.find("qa", root=tmp_path), root=tmp_path).cases[0].id == "1"
        assert [case.id for case in dataset.iter_cases(tmp_path / "datasets" / "qa.jsonl")] == ["1", "2"]

    def test_the_bytes_are_those_that_sha256_names(self, tmp_path: Path) -> None:
        digest = hashlib.sha256(LINES.encode()).hexdigest()
        assert len(made(tmp_path, f"columns: {{id: qid}}\nsha256: {digest.upper()}").cases) == 2
        message = refusal(tmp_path, f"columns: {{id: qid}}\nsha256: {digest}", LINES + "\n")
        assert message.startswith("datasets/qa.yaml:2: the bytes of datasets/qa.jsonl have the SHA-256 digest")

    def test_a_link_out_of_the_project_is_refused(self, tmp_path: Path) -> None:
        project = tmp_path / "project"
        (tmp_path / "away.jsonl").write_text(LINES)
        write(project, "qa.yaml", "file: inner.jsonl\ncolumns: {id: qid}")
        (project / "datasets" / "inner.jsonl").symlink_to(tmp_path / "away.jsonl")
        with pytest.raises(DatasetError, match="symbolic link out of the project"):
            load(project)

    def test_a_manifest_that_is_a_link_out_of_the_project_is_refused(self, tmp_path: Path) -> None:
        project = tmp_path / "project"
        write(project, "qa.jsonl", LINES)
        (tmp_path / "away.yaml").write_text("columns: {id: qid}")
        (project / "datasets" / "qa.yaml").symlink_to(tmp_path / "away.yaml")
        for name in ("qa", "datasets/qa.jsonl"):
            with pytest.raises(DatasetError, match=r"datasets/qa\.yaml: this is a symbolic link out of the project"):
                load(project, name)


class TestSplits:
    def test_by_file(self, tmp_path: Path) -> None:
        write(tmp_path, "qa-train.jsonl", LINES.splitlines()[0])
        write(tmp_path, "qa-test.jsonl", LINES.splitlines()[1])
        write(tmp_path, "qa.yaml", "columns: {id: qid}\nsplits: {train: qa-train.jsonl, test: qa-test.jsonl}")
        assert [case.id for case in load(tmp_path, "qa:train").cases] == ["1"]
        assert load(tmp_path, "qa:test").name == "qa:test"
        names = [source.name for source in dataset.locate_all("qa", root=tmp_path)]
        assert names == ["qa:train", "qa:test"]

    def test_by_column(self, tmp_path: Path) -> None:
        manifest = "columns: {id: qid}\nsplits: part"
        write(tmp_path, "qa.jsonl", LINES + '{"qid": 3, "part": null}\n')
        write(tmp_path, "qa.yaml", manifest)
        (case,) = load(tmp_path, "qa:test").cases
        assert (case.id, case.source) == ("2", "datasets/qa.jsonl:2")
        assert "part" not in case.inputs
        assert [source.name for source in dataset.locate_all("qa", root=tmp_path)] == ["qa:train", "qa:test"]

    @pytest.mark.parametrize(
        ("splits", "name", "parts"),
        [
            ("part", "qa", ("the splits 'train', 'test'; name one", 'dataset="qa:train"')),
            ("part", "qa:tset", ("no split is called 'tset'", "did you mean 'test'?", "'train'")),
            ("{train: qa.jsonl}", "qa", ("the splits 'train'",)),
            ("{train: qa.jsonl}", "qa:trian", ("did you mean 'train'?",)),
            ("prt", "qa:test", ("the column 'prt' is not in datasets/qa.jsonl:1", "did you mean 'part'?")),
            ("query", "qa", ("the column 'query' of datasets/qa.jsonl holds 'Why?'",)),
            ("passages", "qa:test", ("\"passages\" holds ['p', 'q'], a list",)),
            ("null", "qa:test", ("the dataset has no splits, and so none called 'test'",)),
        ],
    )
    def test_a_split_has_to_be_named_and_be_there(
        self, tmp_path: Path, splits: str, name: str, parts: tuple[str, ...]
    ) -> None:
        message = refusal(tmp_path, f"columns: {{id: qid}}\nsplits: {splits}", name=name)
        for part in parts:
            assert part in message

    @pytest.mark.parametrize("spelling", ["Test", "test ", " TEST"])
    def test_a_split_that_is_written_otherwise_does_not_lose_its_rows(self, tmp_path: Path, spelling: str) -> None:
        rows = f'{{"qid": 1, "part": "test"}}\n{{"qid": 2, "part": "{spelling}"}}\n'
        message = refusal(tmp_path, "columns: {id: qid}\nsplits: part", rows, name="qa:test")
        assert message.startswith(f"datasets/qa.jsonl:2: the split {spelling!r} differs from 'test' only by spaces or")

    def test_a_dataset_without_manifest_has_none(self, tmp_path: Path) -> None:
        write(tmp_path, "qa.jsonl", '{"id": "a"}')
        with pytest.raises(
            DatasetError, match=r"has no splits, and so none called 'test'; name its splits in qa\.yaml"
        ):
            load(tmp_path, "qa:test")


class TestMalformed:
    @pytest.mark.parametrize(
        ("content", "line", "parts"),
        [
            ("colums: {}", 1, ("'colums'", "did you mean 'columns'?")),
            ("blocks: {}", 1, ("unknown key 'blocks'", "rename the file")),
            ("licence: a\nlicense: b", 2, ("the same key",)),
            ("version: 1.10", 1, ('"version" holds 1.1', "quotes")),
            ("version: true", 1, ("quotes",)),
            ("description: [a]", 1, ("not text",)),
            ("language: English", 1, ("'English'", "BCP 47")),
            ("language: [en, en_US]", 1, ("'en_US'",)),
            ("columns: [id]", 1, ("not a mapping", "columns: {<role or input>: <column>}")),
            ("columns:\n  id: qid\n  reference: 3", 3, ("'reference' holds 3", "quotes")),
            ("columns:\n  id: qid\n  Reference: answer", 3, ("did you mean 'reference'?",)),
            ("columns:\n  id: qid\n  slice_: topic", 3, ("names no slice",)),
            ("columns:\n  id: qd", 2, ("the column 'qd' is not in datasets/qa.jsonl:1", "did you mean 'qid'?")),
            ("columns:\n  id: qid\n  label: lable", 3, ("the column 'lable' is not in datasets/qa.jsonl", "'answer'")),
            ("columns:\n  id: qid\n  responses: {first: v9}", 3, ("the column 'v9'", "its columns are 'qid'")),
            ("columns:\n  id: qid\n  responses: {first: [v1]}", 3, ("'first' holds ['v1']",)),
            ("columns:\n  id: qid\n  topic: part", 3, ("has a column 'topic' already, beside 'part'",)),
            ("columns: {id: qid}\nslices: topic", 2, ("not a mapping", "[<column>]")),
            ("columns: {id: qid}\nslices: [3]", 2, ("lists 3",)),
            ("columns: {id: qid}\nslices: [x]", 2, ("the column 'x' is not in",)),
            ("splits: [a]", 1, ("names no splits",)),
            ("splits: {}", 1, ("names no splits",)),
            ("splits: {a b: x.jsonl}", 1, ("'a b'", "letters, digits")),
            ("splits: {a: 3}", 1, ("no path",)),
            ("file: 3", 1, ("no path",)),
            ("file: qq.jsonl", 1, ("'qq.jsonl' is not there", "did you mean 'qa.jsonl'?", "relative to the manifest")),
            ("file: ../../../etc/passwd", 1, ("outside the project",)),
            ("file: /etc/passwd", 1, ("outside the project",)),
            ("file: x\nsplits: {a: y}", 1, ("keep one",)),
            ("sha256: abc", 1, ("sha256sum",)),
            ("sha256: {test: abc}", 1, ('does not fit "splits"',)),
            (f"splits: {{a: x.jsonl}}\nsha256: {{b: {'0' * 64}}}", 2, ("'b' is no split",)),
            ("id: a\nid: b", 2, ("'id'", "line 1")),
            ("columns:\n\tid: qid", 2, ("tab",)),
            ("columns: &x {id: qid}\nslices: *x", 2, ("refers to another place",)),
            ("columns: !!python/object/apply:os.system [x]", 1, ("python",)),
            ("", 1, ("is empty", "description: and columns:")),
            ("- a", 1, ("does not hold a mapping",)),
        ],
    )
    def test_one_sentence_with_file_line_and_mend(
        self, tmp_path: Path, content: str, line: int, parts: tuple[str, ...]
    ) -> None:
        message = refusal(tmp_path, content)
        assert message.startswith(f"datasets/qa.yaml:{line}: "), message
        for part in parts:
            assert part in message

    def test_a_manifest_alone_has_no_data(self, tmp_path: Path) -> None:
        write(tmp_path, "qa.yaml", "description: x")
        with pytest.raises(DatasetError, match=r"there is no data file 'qa\.jsonl' beside the manifest"):
            load(tmp_path)

    def test_two_data_files_of_one_name(self, tmp_path: Path) -> None:
        write(tmp_path, "qa.csv", "id\na\n")
        assert "could be any of 'qa.jsonl', 'qa.csv'" in refusal(tmp_path, "description: x")

    def test_two_manifests(self, tmp_path: Path) -> None:
        write(tmp_path, "qa.yml", "description: x")
        assert "qa.yaml" in refusal(tmp_path, "description: x")

    def test_a_manifest_of_a_megabyte_and_more(self, tmp_path: Path) -> None:
        assert "larger than 1 MiB" in refusal(tmp_path, "description: " + "x" * (1 << 20))

    @pytest.mark.parametrize(
        ("content", "part"), [("é".encode("utf-16"), "UTF-16"), (b"\xe9", "0xe9"), (b"id: a\0", "NUL")]
    )
    def test_wrong_encodings_are_named(self, tmp_path: Path, content: bytes, part: str) -> None:
        assert part in refusal(tmp_path, content)


IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
WORDS = [
    "columns",
    "splits",
    "slices",
    "sha256",
    "file",
    "id",
    "qid",
    "qa.jsonl",
    "responses",
    "v1",
    "part",
    "language",
]
PIECES = st.sampled_from([*WORDS, *"|>!'\"[]{},&*#%@- \t\nx3", ": ", "- ", "\n  "])


def outcome(folder: Path, content: bytes) -> str:
    """What was said, or nothing where all was well; any other exception is a fault."""
    try:
        made(folder, content)
    except DatasetError as error:
        return str(error)
    return ""


@given(content=st.binary(max_size=120) | st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode()))
@IN_ONE_FOLDER
def test_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    assert outcome(tmp_path, content).isprintable()


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(WORDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=6,
)


@given(tree=st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=5))
@IN_ONE_FOLDER
def test_values_of_any_type_are_read_or_refused(tmp_path: Path, tree: dict[str, Any]) -> None:
    # JSON is YAML.
    assert outcome(tmp_path, json.dumps({"columns": {"id": "qid"}, **tree}).encode()).isprintable()
