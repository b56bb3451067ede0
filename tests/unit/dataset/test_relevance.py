"""Relevance labels in rows: what they may look like, and what is said about those that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.dataset import store
from pytest_genaiops.dataset.describe import facts
from pytest_genaiops.dataset.difference import cells
from pytest_genaiops.dataset.relevance import written
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case, Relevant

SPAN = {"source": "manual.md", "start": 10, "end": 90}


def case(value: Any) -> Case:
    found: Case = dataset.from_rows([{"id": "a", "question": "Why?", "relevant": value}]).cases[0]
    return found


def labels(value: Any) -> tuple[Relevant, ...] | None:
    return case(value).relevant


def load(folder: Path, name: str, text: str) -> dataset.Dataset:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return dataset.load(path, root=folder)


def refusal(value: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        dataset.from_rows([{"id": "a"}, {"id": "b", "relevant": value}])
    message = str(caught.value)
    assert message.isprintable()
    return message


class TestForms:
    @pytest.mark.parametrize(
        "value", ["d1", ["d1"], [{"id": "d1"}], {"d1": 1}, {"d1": 1.0}, [{"id": "d1", "grade": 1}]]
    )
    def test_one_document_in_any_form_is_one_label(self, value: Any) -> None:
        assert labels(value) == (Relevant(id="d1"),)

    def test_whole_numbers_are_ids_as_they_are_of_rows(self) -> None:
        assert labels([7, "8"]) == labels(["7", 8]) == (Relevant(id="7"), Relevant(id="8"))
        assert labels(7) == (Relevant(id="7"),)

    def test_a_span_has_a_source_and_offsets(self) -> None:
        assert labels([SPAN, {**SPAN, "end": 95, "grade": 2}]) == (
            Relevant(source="manual.md", start=10, end=90),
            Relevant(source="manual.md", start=10, end=95, grade=2),
        )

    def test_a_text_is_one_id_whatever_it_holds(self) -> None:
        assert labels("a;b") == (Relevant(id="a;b"),)

    def test_nulls_of_a_struct_are_not_given(self) -> None:
        assert labels([{"id": "d1", "source": None, "start": None, "end": None, "grade": None}]) == labels(["d1"])

    @pytest.mark.parametrize("value", [[], {}, ()])
    def test_nothing_relevant_is_not_the_same_as_nobody_labelled(self, value: Any) -> None:
        assert labels(value) == ()
        assert labels(None) is None
        assert dataset.from_rows([{"id": "a"}]).cases[0].relevant is None

    def test_grades_may_be_parts_and_0(self) -> None:
        assert [label.grade for label in labels({"a": 0, "b": 0.5, "c": 3}) or ()] == [0, 0.5, 3]

    def test_it_is_no_input(self) -> None:
        assert case(["d1"]).inputs == {"question": "Why?"}


class TestFiles:
    def test_csv(self, tmp_path: Path) -> None:
        text = 'id,question,relevant\n1,a,d1; d2\n2,b,"{""d1"": 2}"\n3,c,"[{""id"": ""x;y""}]"\n4,d,[]\n5,e,\n6,f,d9\n'
        found = [each.relevant for each in load(tmp_path, "rows.csv", text).cases]
        assert found == [labels(["d1", "d2"]), labels({"d1": 2}), labels(["x;y"]), (), None, labels(["d9"])]

    def test_a_manifest_names_the_column(self, tmp_path: Path) -> None:
        folder = tmp_path / "datasets"
        folder.mkdir()
        (folder / "qa.csv").write_text("id,gold\n1,d1;d2\n")
        (folder / "qa.yaml").write_text("columns:\n  relevant: gold\n")
        found = dataset.load(dataset.locate("qa", root=tmp_path), root=tmp_path)
        assert found.cases[0].relevant == labels(["d1", "d2"])
        assert found.cases[0].inputs == {}

    def test_parquet(self, tmp_path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table({"id": [1, 2, 3], "relevant": [[{"id": "d1", "grade": 2}], [], None]})
        pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
        found = dataset.load(tmp_path / "rows.parquet").cases
        assert [each.relevant for each in found] == [labels({"d1": 2}), (), None]

    def test_a_data_frame(self) -> None:
        import pandas as pd

        frame = pd.DataFrame({"id": ["a", "b", "c"], "relevant": [["d1"], [], None]})
        assert [each.relevant for each in dataset.coerce(frame).cases] == [labels(["d1"]), (), None]

    def test_recorded_rankings_are_response_fields(self) -> None:
        rows = [{"id": "a", "responses": {"v1": {"text": "So.", "retrieved": ["d1", {"id": "d2"}]}}}]
        assert dataset.from_rows(rows).cases[0].recorded["v1"]["retrieved"] == ["d1", {"id": "d2"}]


class TestIdentity:
    def test_rows_without_labels_are_the_rows_they_were(self) -> None:
        rows = [{"id": "a", "question": "Why?", "reference": "So."}, {"id": "b", "label": "x"}]
        # As version 1 of the format had it before rows could carry labels.
        assert dataset.from_rows(rows).hash == "7874745a4fc270ed62ec46b2e473b5d2a5b82dd27a1744f27aab036e60e72963"
        assert (
            dataset.from_rows([{**row, "relevant": None} for row in rows]).hash
            == "7874745a4fc270ed62ec46b2e473b5d2a5b82dd27a1744f27aab036e60e72963"
        )

    @pytest.mark.parametrize("value", [[], ["d2"], {"d1": 2}, [SPAN], ["d1", "d2"], [{**SPAN, "end": 91}]])
    def test_labels_make_another_dataset(self, value: Any) -> None:
        hashes = {dataset.from_rows([{"id": "a", "relevant": each}]).hash for each in (value, ["d1"], None)}
        assert len(hashes) == 3

    def test_one_label_in_two_forms_does_not(self) -> None:
        assert len({dataset.from_rows([{"id": "a", "relevant": each}]).hash for each in ("d1", {"d1": 1.0})}) == 1

    @given(st.lists(st.integers(0, 99), unique=True, max_size=5), st.floats(0, 9))
    def test_what_is_written_is_what_was_read(self, ids: list[int], grade: float) -> None:
        found = labels([*({"id": each, "grade": grade} for each in ids), SPAN])
        assert found is not None
        assert labels(json.loads(json.dumps(written(found)))) == found


def test_large_datasets_read_them_back(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": "a", "relevant": ["d1", SPAN]}, {"id": "b", "relevant": []}, {"id": "c"}]
    held = dataset.from_rows(rows)
    monkeypatch.setattr(store, "HELD_BYTES", 0)
    kept = dataset.from_rows(rows)
    assert isinstance(kept.cases, store.StoredCases)
    assert list(kept.cases) == list(held.cases)
    assert kept.hash == held.hash


def test_differences_and_descriptions_show_them() -> None:
    assert json.loads(cells(case([SPAN]))["relevant"]) == [{**SPAN, "grade": 1}]
    assert "relevant" not in cells(case(None))
    (column,) = (each for each in facts([case(["d1"]), case([]), case(None)], ()).columns if each.name == "relevant")
    assert (column.rows, column.empty) == (2, 1)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (5.5, '"relevant" holds 5.5 as id; write ["<id>", …], {"<id>": <grade>, …} or [{"source": '),
        (True, '"relevant" holds True as id; write '),
        (["d1", None], '"relevant" holds None as id; write '),
        ([["d1"]], "\"relevant\" holds ['d1'] as id; write "),
        ("", '"relevant" holds an empty id; name what is relevant, or leave it out'),
        (["a", " "], '"relevant" holds an empty id; '),
        (["d1", "d1"], "\"relevant\" labels 'd1' twice; keep one of the two"),
        ([7, "7"], "\"relevant\" labels '7' twice; "),
        ([SPAN, {**SPAN, "grade": 2}], "\"relevant\" labels 'manual.md' from 10 to 90 twice; "),
        ([{"idd": "d1"}], "a label of \"relevant\" has an unknown key 'idd' (did you mean 'id'?); the keys are 'id', "),
        ([{3: "d1"}], 'a label of "relevant" has an unknown key 3; '),
        ([{}], '"relevant" holds {}; give a label either "id", or "source", "start" and "end"'),
        ([{"source": "s", "start": 1}], "\"relevant\" holds {'source': 's', 'start': 1}; give a label either "),
        ([{"id": "d1", **SPAN}], '"relevant" holds {'),
        ([{**SPAN, "start": 90}], '"relevant" holds a span from 90 to 90, which is empty or reversed; let start be '),
        ([{**SPAN, "start": 91}], '"relevant" holds a span from 91 to 90, which is empty or reversed; '),
        ([{**SPAN, "start": -1}], '"relevant" holds -1 as start; give a whole number from 0'),
        ([{**SPAN, "end": 90.0}], '"relevant" holds 90.0 as end; give a whole number from 0'),
        ([{**SPAN, "end": True}], '"relevant" holds True as end; '),
        ([{**SPAN, "source": ""}], '"relevant" holds an empty source; '),
        ({"d1": -1}, "\"relevant\" gives 'd1' the grade -1; give a number from 0 (not relevant) to 1000000"),
        ({"d1": 10**400}, "\"relevant\" gives 'd1' the grade 1000"),
        ([10**5000], '"relevant" holds a whole number of thousands of digits as id; make it text'),
        ({"d1": 1e300}, "\"relevant\" gives 'd1' the grade 1e+300; "),
        ({"d1": float("nan")}, "\"relevant\" gives 'd1' the grade nan; "),
        ({"d1": float("inf")}, "\"relevant\" gives 'd1' the grade inf; "),
        ({"d1": "high"}, "\"relevant\" gives 'd1' the grade 'high'; "),
        ({"d1": True}, "\"relevant\" gives 'd1' the grade True; "),
        ({"d1": None}, "\"relevant\" gives 'd1' the grade None; "),
        (
            {"id": "d1"},
            "\"relevant\" is a mapping with the key 'id', which would be the id of a document; put a label ",
        ),
        (["\x1b[31m", "\x1b[31m"], "\"relevant\" labels '\\x1b[31m' twice"),
        ({"d" * 500: -1}, '"relevant" gives \'ddd'),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(value: Any, said: str) -> None:
    assert refusal(value).startswith(f"rows:2: {said}")
    assert len(refusal(value)) < 300


def test_a_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'^rows.csv:3: "relevant" holds an empty id; '):
        load(tmp_path, "rows.csv", "id,relevant\n1,a;b\n2,a;;b\n")
    with pytest.raises(DatasetError, match=r'^rows.csv:2: "relevant" is not JSON '):
        load(tmp_path, "rows.csv", 'id,relevant\n1,"[""a"\n')


def test_the_name_is_in_lower_case() -> None:
    with pytest.raises(DatasetError, match="column 'Relevant' is an input as it is written"):
        dataset.from_rows([{"id": "a", "Relevant": ["d1"]}])
