"""What a dataset file may say, and what is said about one that cannot be read."""

from __future__ import annotations

import csv
import io
import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.errors import DatasetError


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / "datasets" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def load(folder: Path, content: str | bytes, name: str = "qa.jsonl") -> dataset.Dataset:
    return dataset.load(write(folder, name, content), root=folder)


def refusal(folder: Path, content: str | bytes, name: str = "qa.jsonl") -> str:
    with pytest.raises(DatasetError) as caught:
        load(folder, content, name)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    return message


class TestRoles:
    def test_columns_without_a_role_are_the_inputs(self, tmp_path: Path) -> None:
        (case,) = load(tmp_path, '{"id": "a", "question": "Why?", "options": ["x", "y"], "depth": 3}').cases
        assert case.inputs == {"question": "Why?", "options": ["x", "y"], "depth": 3}

    @pytest.mark.parametrize(
        ("row", "expected"),
        [({}, None), ({"reference": "x"}, ("x",)), ({"references": ["x", "y"]}, ("x", "y")), ({"reference": None}, ())],
        ids=["no column", "one", "several", "nothing"],
    )
    def test_references(self, tmp_path: Path, row: dict[str, Any], expected: tuple[str, ...] | None) -> None:
        (case,) = load(tmp_path, json.dumps({"id": "a", **row})).cases
        assert case.references == expected

    @pytest.mark.parametrize("column", ["context", "contexts"])
    def test_contexts(self, tmp_path: Path, column: str) -> None:
        one, many, none = load(
            tmp_path,
            f'{{"id": "a", "{column}": "p"}}\n{{"id": "b", "{column}": ["p", "q"]}}\n{{"id": "c", "{column}": []}}',
        ).cases
        assert (one.contexts, many.contexts, none.contexts) == (("p",), ("p", "q"), ())

    @pytest.mark.parametrize(
        ("label", "expected"), [("yes", "yes"), (1, "1"), (True, "true"), (False, "false"), (None, "")]
    )
    def test_labels_are_text(self, tmp_path: Path, label: object, expected: str) -> None:
        (case,) = load(tmp_path, json.dumps({"id": "a", "label": label})).cases
        assert case.label == expected

    def test_cluster_slices_and_recorded_responses(self, tmp_path: Path) -> None:
        recorded = {"v2": "an answer", "v1": {"text": "another", "latency": 0.5}, "v3": None}
        row = {"id": 7, "cluster": 12, "slice_kind": "easy", "slice_long": True, "slice_x": None, "responses": recorded}
        loaded = load(tmp_path, json.dumps(row))
        (case,) = loaded.cases
        assert (case.id, case.cluster, case.slices) == ("7", "12", {"kind": "easy", "long": "true"})
        assert case.recorded == recorded
        assert loaded.systems == ("v2", "v1", "v3")
        assert case.inputs == {}

    def test_systems_and_columns_come_in_the_order_in_which_rows_show_them(self, tmp_path: Path) -> None:
        loaded = load(
            tmp_path,
            '{"id": "a", "q": "", "responses": {"b": "1"}}\n{"id": "b", "z": 1, "responses": {"a": "", "b": ""}}',
        )
        assert loaded.systems == ("b", "a")
        assert loaded.columns == ("id", "q", "responses", "z")

    def test_responses_may_be_null(self, tmp_path: Path) -> None:
        loaded = load(tmp_path, '{"id": "a", "responses": null}')
        assert (loaded.cases[0].recorded, loaded.systems) == ({}, ())

    def test_a_case_knows_its_line(self, tmp_path: Path) -> None:
        cases = load(tmp_path, '\n{"id": "a"}\r\n\n  \n{"id": "b"}\n').cases
        assert [case.source for case in cases] == ["datasets/qa.jsonl:2", "datasets/qa.jsonl:5"]


class TestTables:
    def test_a_table_says_the_same_as_json_lines(self, tmp_path: Path) -> None:
        table = load(
            tmp_path,
            "id,question,reference,contexts,label,slice_kind,response_v1,response_v2\n"
            'a,Why?,Because,"[""p"",""q""]",yes,easy,So,\n',
            "qa.csv",
        )
        row = {"id": "a", "question": "Why?", "reference": "Because", "contexts": ["p", "q"], "label": "yes"}
        rows = dataset.from_rows([{**row, "slice_kind": "easy", "responses": {"v1": "So", "v2": None}}])
        assert table.hash == rows.hash
        assert table.systems == ("v1", "v2")

    def test_an_empty_cell_is_nothing_for_a_role_and_empty_text_for_an_input(self, tmp_path: Path) -> None:
        (case,) = load(tmp_path, "id\tquestion\treference\tlabel\tcluster\na\t\t\t\t\n", "qa.tsv").cases
        assert (case.inputs, case.references, case.label, case.cluster) == ({"question": ""}, (), "", None)

    def test_responses_as_json(self, tmp_path: Path) -> None:
        (case,) = load(tmp_path, 'id,responses\na,"{""v1"": {""label"": ""x""}}"\n', "qa.csv").cases
        assert case.recorded == {"v1": {"label": "x"}}

    def test_lines_count_inside_quoted_cells(self, tmp_path: Path) -> None:
        content = 'id,question\r\na,"one\r\ntwo\r\nthree"\r\n\r\nb,x\r\n'
        cases = load(tmp_path, content, "qa.csv").cases
        assert [case.source for case in cases] == ["datasets/qa.csv:2", "datasets/qa.csv:6"]
        assert cases[0].inputs["question"] == "one\r\ntwo\r\nthree"

    @pytest.mark.parametrize(
        ("content", "parts"),
        [
            ("id,q\na,b,c\n", (":2:", "3 cells", "2 columns")),
            ("id,q\na\n", (":2:", "1 cells")),
            ("id,q,q\na,b,c\n", (":1:", "'q' twice")),
            ("id,,q\na,b,c\n", (":1:", "column 2 has no name")),
            ("id, q\na,b\n", (":1:", "' q'", "spaces")),
            ('id,q\na,b\nb,"never\nends\n', (":3:", "never closed")),
            ('id,q\na,"b"c\n', (":2:", "not well-formed")),
            ("id,q\ra,b\r", (":1:", "carriage return")),
            ("id,reference\na,[oops\n", (":2:", '"reference" is not JSON')),
            ('id,contexts\na,"[1]"\n', (":2:", "holds 1 in its list")),
            ("id,response_\na,b\n", (":1:", "names no system")),
            ("id,responses,response_a\na,,\n", (":1:", "keep one")),
            ("question\nWhy?\n", (":2:", 'the row has no "id"')),
            ("ID,question\na,Why?\n", (":2:", "'ID' is an input", "did you mean 'id'?")),
            ("id,Response_v1\na,So\n", (":1:", "'Response_v1'", "lower case")),
            ("id;question\na;Why?\n", (":1:", "separated by ';'", "commas")),
            ("id,q\n", ("no rows",)),
            ("id,q\na," + "x" * 200_000 + "\n", (":2:", ".jsonl")),
        ],
    )
    def test_malformed(self, tmp_path: Path, content: str, parts: tuple[str, ...]) -> None:
        message = refusal(tmp_path, content, "qa.csv")
        assert message.startswith("datasets/qa.csv")
        for part in parts:
            assert part in message


class TestMalformedLines:
    @pytest.mark.parametrize(
        ("line", "parts"),
        [
            ('{"id": "b"', ("not JSON", "one complete JSON object per line")),
            ('{"id": "b"} {"id": "c"}', ("not JSON",)),
            ('["b"]', ("not an object",)),
            ("null", ("not an object",)),
            ('{"id": "b", "reference": NaN}', ("NaN", "null")),
            ('{"id": "b", "q": -Infinity}', ("-Infinity",)),
            ('{"id": "b", "q": 1e999}', ("'b'", "JSON cannot")),
            ('{"id": "b", "q": 1, "q": 2}', ("'q' twice",)),
            ('{"id": "b", "responses": {"v": "1", "v": "2"}}', ("'v' twice",)),
            ('{"id": "b", "q": "\\ud800"}', ("lone surrogate", "'\\ud800'")),
            ('{"question": "?"}', ('no "id"', 'add an "id" column')),
            ('{"Id": "b"}', ("did you mean 'id'?",)),
            ('{"id": "b", "Reference": "x"}', ("did you mean 'reference'?", "rename the column")),
            ('{"id": "b", "LABEL": "x", "label": "x"}', ("did you mean 'label'?",)),
            ('{"id": "b", "Slice_Kind": "x"}', ("did you mean 'slice_Kind'?",)),
            ('{"idx": "b"}', ("no \"id\" (did you mean 'idx'?)",)),
            ('{"id": ""}', ("id is empty",)),
            ('{"id": " "}', ("id is empty",)),
            ('{"id": null}', ("id is empty",)),
            ('{"id": 1.5}', ("1.5", "float")),
            ('{"id": true}', ("True", "bool")),
            ('{"id": ["b"]}', ("list",)),
            ('{"id": "a"}', ("'a'", "the id of datasets/qa.jsonl:1")),
            ('{"id": "b", "reference": 3}', ('"reference" holds 3', "text or a list of texts")),
            ('{"id": "b", "references": ["x", null]}', ("None in its list",)),
            ('{"id": "b", "context": {"text": "x"}}', ('"context" holds', "dict")),
            ('{"id": "b", "label": 0.5}', ('"label" holds 0.5',)),
            ('{"id": "b", "cluster": []}', ('"cluster" holds []',)),
            ('{"id": "b", "slice_kind": {}}', ('"slice_kind" holds {}',)),
            ('{"id": "b", "slice_": "x"}', ("names no slice",)),
            ('{"id": "b", "reference": "x", "references": ["x"]}', ('both "reference" and "references"',)),
            ('{"id": "b", "context": "x", "contexts": ["x"]}', ('both "context" and "contexts"',)),
            ('{"id": "b", "responses": "x"}', ("not a mapping",)),
            ('{"id": "b", "responses": {"v": 3}}', ("response of 'v' is 3",)),
            ('{"id": "b", "responses": {"v": {"txt": "x"}}}', ("unknown field 'txt'", "did you mean 'text'?")),
            ('{"id": "b", "q": ' + "9" * 5000 + "}", ("too long",)),
            ("[" * 100_000, ("nested too deeply",)),
        ],
    )
    def test_one_sentence_with_file_line_and_mend(self, tmp_path: Path, line: str, parts: tuple[str, ...]) -> None:
        message = refusal(tmp_path, f'{{"id": "a"}}\n\n{line}\n')
        assert message.startswith("datasets/qa.jsonl:3: ")
        for part in parts:
            assert part in message

    def test_an_id_cannot_act_on_the_terminal(self, tmp_path: Path) -> None:
        row = json.dumps({"id": "\x1b[31m\n"})
        assert load(tmp_path, row).cases[0].id == "\x1b[31m\n"
        assert "'\\x1b[31m\\n'" in refusal(tmp_path, f"{row}\n{row}\n")

    @pytest.mark.parametrize("name", ["qa.jsonl", "qa.csv"])
    @pytest.mark.parametrize(
        ("encode", "part"),
        [
            (lambda text: text.encode("utf-16"), "UTF-16"),
            (lambda text: text.encode("utf-16-le"), "UTF-16"),
            (lambda text: text.encode("utf-16-be"), "UTF-16"),
            (lambda text: text.encode("utf-32"), "UTF-16 or UTF-32"),
            (lambda text: text.encode("latin-1"), "byte 0xe9"),
            (lambda text: text.encode("utf-8") + b"\0", "NUL byte"),
        ],
        ids=["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "nul"],
    )
    def test_wrong_encodings_are_named(self, tmp_path: Path, name: str, encode: Any, part: str) -> None:
        text = '{"id": "caf\u00e9"}' if name == "qa.jsonl" else 'id,question\ncaf\u00e9,"why"'
        message = refusal(tmp_path, encode(text), name)
        assert part in message
        assert message.startswith(f"datasets/{name}:")

    @pytest.mark.parametrize(("name", "content"), [("qa.jsonl", '{"id": "a"}\r\n'), ("qa.csv", "id,q\r\na,b\r\n")])
    def test_a_byte_order_mark_and_crlf_are_accepted(self, tmp_path: Path, name: str, content: str) -> None:
        (case,) = load(tmp_path, b"\xef\xbb\xbf" + content.encode(), name).cases
        assert case.id == "a"

    @pytest.mark.parametrize("content", ["", "\n\n", b"\xef\xbb\xbf"])
    @pytest.mark.parametrize("name", ["qa.jsonl", "qa.csv", "qa.tsv"])
    def test_an_empty_dataset(self, tmp_path: Path, content: str | bytes, name: str) -> None:
        assert "no rows" in refusal(tmp_path, content, name)

    def test_files_that_are_none(self, tmp_path: Path) -> None:
        (tmp_path / "folder.jsonl").mkdir()
        os.mkfifo(tmp_path / "pipe.jsonl")
        for name, part in [
            ("folder.jsonl", "the folder holds no data file"),
            ("pipe.jsonl", "not a regular file"),
            ("absent.jsonl", "cannot be read"),
            ("rows.json", "'.jsonl'"),
        ]:
            with pytest.raises(DatasetError, match=part):
                dataset.load(tmp_path / name, root=tmp_path)

    def test_a_file_without_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def denied(*args: object) -> None:
            raise PermissionError(13, "Permission denied")

        path = write(tmp_path, "qa.jsonl", '{"id": "a"}')
        monkeypatch.setattr(Path, "open", denied)
        with pytest.raises(DatasetError, match=r"qa.jsonl: the file cannot be read \(Permission denied\); check"):
            dataset.load(path)


class TestRowsFromCode:
    def test_the_same_schema(self) -> None:
        loaded = dataset.from_rows(
            ({"id": i, "question": "?", "references": ("x", "y")} for i in range(2)), name="mine"
        )
        assert [case.id for case in loaded.cases] == ["0", "1"]
        assert loaded.cases[1].source == "mine:2"
        assert loaded.cases[0].references == ("x", "y")
        assert (loaded.name, loaded.path) == ("mine", None)

    @pytest.mark.parametrize(
        ("rows", "parts"),
        [
            ([], ("rows: ", "no rows")),
            ([{"id": "a"}, "b"], ("rows:2", "not an object")),
            ([{"id": "a", "q": float("nan")}], ("rows:1", "JSON cannot")),
            ([{"id": "a", "q": object()}], ("rows:1", "object")),
            ([{"id": "a", 3: "x"}], ("rows:1", "column name 3")),
            ([{"id": "a", "responses": {1: "x"}}], ("system 1",)),
            ([{"id": "a"}, {"id": "a"}], ("rows:2", "the id of rows:1")),
            ([{"id": 10**5000}], ("rows:1", '"id" holds a whole number of thousands of digits')),
            ([{"id": "a", "label": 10**5000}], ("rows:1", '"label" holds a whole number of thousands')),
        ],
    )
    def test_refused(self, rows: Any, parts: tuple[str, ...]) -> None:
        with pytest.raises(DatasetError) as caught:
            dataset.from_rows(rows)
        for part in parts:
            assert part in str(caught.value)


def test_iter_cases_streams_what_load_holds(tmp_path: Path) -> None:
    path = write(tmp_path, "qa.jsonl", '{"id": "a"}\n{"id": "b"}\nbroken\n')
    stream = dataset.iter_cases(path, root=tmp_path)
    assert [next(stream).id, next(stream).id] == ["a", "b"]
    with pytest.raises(DatasetError, match=r"qa\.jsonl:3"):
        next(stream)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": TEXT.filter(lambda text: text.strip())},
        optional={
            "question": JSON,
            "references": st.lists(TEXT, max_size=3),
            "context": TEXT,
            "label": TEXT | st.booleans(),
            "slice_kind": TEXT,
            "responses": st.dictionaries(TEXT.filter(bool), st.none() | TEXT, max_size=3),
        },
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: unicodedata.normalize("NFC", unicodedata.normalize("NFC", row["id"]).casefold()),
)
IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@given(rows=ROWS)
@IN_ONE_FOLDER
def test_json_lines_say_what_the_rows_say(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    loaded, expected = load(tmp_path, content), dataset.from_rows(rows)
    assert loaded.hash == expected.hash
    assert [case.inputs for case in loaded.cases] == [case.inputs for case in expected.cases]


@given(cells=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), delimiter=st.sampled_from(["csv", "tsv"]))
@IN_ONE_FOLDER
def test_tables_say_what_the_cells_say(tmp_path: Path, cells: list[tuple[str, str]], delimiter: str) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter="," if delimiter == "csv" else "\t", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "question", "cluster"])
    writer.writerows([str(number), question, cluster] for number, (question, cluster) in enumerate(cells))
    cases = load(tmp_path, stream.getvalue(), f"qa.{delimiter}").cases
    assert [(case.inputs["question"], case.cluster or "") for case in cases] == cells


def outcome(attempt: Callable[[], object]) -> str:
    """What was said, or nothing where all was well; any other exception is a fault."""
    try:
        attempt()
    except DatasetError as error:
        return str(error)
    return ""


@given(content=st.binary(max_size=200), name=st.sampled_from(["qa.jsonl", "qa.csv", "qa.tsv"]))
@IN_ONE_FOLDER
def test_bytes_are_read_or_refused(tmp_path: Path, content: bytes, name: str) -> None:
    assert outcome(lambda: load(tmp_path, content, name)).isprintable()


@given(
    row=st.dictionaries(st.sampled_from(["id", "reference", "contexts", "label", "responses", "slice_\x1b", "q"]), JSON)
)
@IN_ONE_FOLDER
def test_objects_are_read_or_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    assert outcome(lambda: load(tmp_path, json.dumps(row))).isprintable()
