"""Expected tool calls in rows: what they may look like, and that nothing of them is lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import dataset
from pytest_genaiops.dataset import store
from pytest_genaiops.dataset.describe import facts
from pytest_genaiops.dataset.difference import cells
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case

CALL = {"name": "search", "arguments": {"q": "lamps", "n": 3}}


def case(value: Any) -> Case:
    found: Case = dataset.from_rows([{"id": "a", "question": "Why?", "tool_calls": value}]).cases[0]
    return found


@pytest.mark.parametrize(
    "written",
    [
        CALL,
        {"name": "search", "args": CALL["arguments"], "id": "call_1"},
        {"type": "function", "function": {"name": "search", "arguments": json.dumps(CALL["arguments"])}},
    ],
)
def test_one_call_in_any_form_is_one_expectation(written: Any) -> None:
    assert case([written]).tool_calls == (CALL,)


def test_none_expected_nobody_said_and_any_arguments() -> None:
    assert case([]).tool_calls == ()
    assert case(None).tool_calls is None
    assert case(["search", {"name": "open"}]).tool_calls == ({"name": "search"}, {"name": "open"})
    assert "tool_calls" not in case([CALL]).inputs


def test_nobody_changes_them() -> None:
    calls = case([CALL]).tool_calls
    assert calls is not None
    with pytest.raises(TypeError, match="read-only"):
        calls[0]["name"] = "other"  # type: ignore[index]


def test_cells_of_tables_are_json(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('id,tool_calls\n1,"[{""name"": ""open""}]"\n2,[]\n3,\n', encoding="utf-8")
    found = [each.tool_calls for each in dataset.load(path, root=tmp_path).cases]
    assert found == [({"name": "open"},), (), None]


def test_manifests_name_the_column(tmp_path: Path) -> None:
    (tmp_path / "qa.jsonl").write_text(json.dumps({"id": "1", "gold": [CALL]}), encoding="utf-8")
    (tmp_path / "qa.yaml").write_text("columns:\n  tool_calls: gold\n", encoding="utf-8")
    assert dataset.load(tmp_path / "qa.jsonl", root=tmp_path).cases[0].tool_calls == (CALL,)


def test_they_are_part_of_what_a_dataset_is() -> None:
    rows = [[], [CALL], ["search"], [CALL, CALL], None]
    assert len({dataset.from_rows([{"id": "a", "tool_calls": each}]).hash for each in rows}) == len(rows)
    without = dataset.from_rows([{"id": "a"}]).hash
    assert dataset.from_rows([{"id": "a", "tool_calls": None}]).hash == without


def test_a_large_dataset_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": "a", "tool_calls": [CALL, "open"]}, {"id": "b", "tool_calls": []}, {"id": "c"}]
    small = dataset.from_rows(rows)
    monkeypatch.setattr(store, "HELD_BYTES", 0)
    large = dataset.from_rows(rows)
    assert isinstance(large.cases, store.StoredCases)
    assert list(large.cases) == list(small.cases)
    assert large.hash == small.hash


def test_they_are_shown_and_counted() -> None:
    assert json.loads(cells(case([CALL]))["tool_calls"]) == [CALL]
    assert "tool_calls" not in cells(case(None))
    (column,) = (each for each in facts([case([CALL]), case([]), case(None)], ()).columns if each.name == "tool_calls")
    assert (column.rows, column.empty) == (2, 1)


@pytest.mark.parametrize(
    "value", ["search", 3, CALL, [3], [None], [""], [{}], [{"name": 3}], [{"name": "x", "args": [1]}]]
)
def test_what_is_no_call(value: Any) -> None:
    with pytest.raises(DatasetError) as caught:
        dataset.from_rows([{"id": "a"}, {"id": "b", "tool_calls": value}])
    message = str(caught.value)
    assert message.startswith('rows:2: "tool_calls" holds ')
    assert message.isprintable()
    assert 'write [{"name": "<tool>"' in message
