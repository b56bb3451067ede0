"""Files of labelled answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.calibration import LabelledFile, read_labels
from pytest_genaiops.dataset import source_of
from pytest_genaiops.errors import DatasetError


def read(tmp_path: Path, rows: Sequence[Mapping[str, Any]], **more: Any) -> LabelledFile:
    path = tmp_path / "audit.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_labels(source_of(path, root=tmp_path), **more)


ROW = {"id": "a", "question": "When?", "context": "At nine.", "answer": "Nine.", "label": 1}


class TestRows:
    def test_are_cases_without_what_people_said(self, tmp_path: Path) -> None:
        (row,) = read(tmp_path, [ROW]).rows
        assert row.case.id == "a"
        assert row.case.contexts == ("At nine.",)
        assert dict(row.case.inputs) == {"question": "When?"}
        assert row.case.label is None
        assert (row.answer, row.label) == ("Nine.", 1)

    def test_of_csv(self, tmp_path: Path) -> None:
        path = tmp_path / "audit.csv"
        path.write_text("id,response,label,judge\na,Nine.,yes,0.9\nb,Ten.,0,\n", encoding="utf-8")
        found = read_labels(source_of(path), recorded="judge")
        assert [(row.answer, row.label, row.recorded) for row in found.rows] == [
            ("Nine.", 1, (0.9,)),
            ("Ten.", 0, ()),
        ]

    @pytest.mark.parametrize("column", ["response", "answer", "output"])
    def test_name_the_answer_in_three_ways(self, tmp_path: Path, column: str) -> None:
        (row,) = read(tmp_path, [{"id": "a", column: "Nine.", "label": True}]).rows
        assert row.answer == "Nine."

    def test_without_a_label_are_left_out(self, tmp_path: Path) -> None:
        found = read(tmp_path, [ROW, {**ROW, "id": "b", "label": None}])
        assert [row.case.id for row in found.rows] == ["a"]

    def test_that_share_an_id_are_one_cluster(self, tmp_path: Path) -> None:
        found = read(tmp_path, [ROW, {**ROW, "answer": "Ten.", "label": 0}, {**ROW, "id": "b"}])
        assert found.clusters == ["a", "a", "row 2"]
        assert read(tmp_path, [ROW, {**ROW, "id": "b"}]).clusters is None

    def test_may_lack_an_id(self, tmp_path: Path) -> None:
        found = read(tmp_path, [{"answer": "Nine.", "label": 1}, {"answer": "Ten.", "label": 0}])
        assert [row.case.id for row in found.rows] == ["row 1", "row 2"]

    def test_hold_paths_and_samples(self, tmp_path: Path) -> None:
        row = {"id": "a", "people": {"tone": 4.5}, "judge": {"mini": [4, 5, None]}, "swapped": 3}
        (found,) = read(tmp_path, [row], label="people.tone", recorded="judge.mini").rows
        assert (found.label, found.recorded, found.swapped) == (4.5, (4, 5), 3)


class TestHash:
    def test_does_not_depend_on_the_order(self, tmp_path: Path) -> None:
        other = {**ROW, "id": "b", "label": 0}
        assert read(tmp_path, [ROW, other]).hash == read(tmp_path, [other, ROW]).hash

    @pytest.mark.parametrize("change", [{"label": 0}, {"answer": "Ten."}, {"context": "At ten."}])
    def test_depends_on_everything_else(self, tmp_path: Path, change: dict[str, Any]) -> None:
        assert read(tmp_path, [ROW]).hash != read(tmp_path, [{**ROW, **change}]).hash


class TestBadInput:
    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"label": "good"}, r"audit\.jsonl:1: label holds 'good'; write 0 or 1"),
            ({"label": [1]}, "label holds"),
            ({"label": None}, "no row has a label in 'label'"),
            ({"answer": 3}, "answer holds 3; an answer is text"),
            ({"context": 3}, '"context" holds 3'),
            ({"swapped": "first"}, "swapped holds 'first'"),
        ],
    )
    def test_names_row_and_column(self, tmp_path: Path, row: dict[str, Any], message: str) -> None:
        with pytest.raises(DatasetError, match=message):
            read(tmp_path, [{**ROW, **row}])

    def test_names_the_columns_that_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"the row has no 'people.tone'; it has 'id', 'question'"):
            read(tmp_path, [ROW], label="people.tone")

    def test_a_row_is_an_object(self, tmp_path: Path) -> None:
        path = tmp_path / "audit.jsonl"
        path.write_text("[1]\n")
        with pytest.raises(DatasetError, match=r"audit\.jsonl:1"):
            read_labels(source_of(path, root=tmp_path))
