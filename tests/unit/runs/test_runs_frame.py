"""Runs as tables for pandas: one row a number, every column of its own type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from record_help import TITLE, evaluated, recorded

from pytest_genaiops import Run, evaluate
from pytest_genaiops.config import Settings
from pytest_genaiops.runs.frame import COLUMNS
from pytest_genaiops.store import ItemRow

pd = pytest.importorskip("pandas")
TYPES = {
    "suite": "category", "variant": "category", "case": "category", "trial": "int64", "metric": "category",
    "value": "float64", "error": "category", "latency": "float64", "input_tokens": "Int64", "output_tokens": "Int64",
    "model": "category", "outcome": "category",
}  # fmt: skip


def frame(root: Path) -> Any:
    return Run.open(root=root).frame()


def test_has_a_row_for_every_number_of_every_response(tmp_path: Path) -> None:
    recorded(tmp_path, evaluated(tmp_path, ["exact_match", "rouge"], count=6))
    found = frame(tmp_path)
    assert tuple(found.columns) == COLUMNS
    assert {name: str(found[name].dtype) for name in TYPES} == TYPES
    assert len(found) == 6 * 2 * 5
    row = found[(found.case == "c3") & (found.variant == "v1") & (found.metric == "exact_match")].iloc[0]
    assert (row.suite, row.trial, row.value, row.text, row.latency) == (TITLE, 1, 0.0, "the red house", 0.53)
    assert row.isna()[["input_tokens", "output_tokens"]].all()


def test_agrees_with_the_frame_of_the_evaluation(tmp_path: Path) -> None:
    was = evaluated(tmp_path, ["exact_match", "bleu"], count=6)
    recorded(tmp_path, was)
    order = ["variant", "case", "trial", "metric", "value", "reason", "text"]
    sides = [
        each[order].astype({"case": "str"}).sort_values(order[:4]).reset_index(drop=True)
        for each in (was.frame(), frame(tmp_path))
    ]
    pd.testing.assert_frame_equal(*sides, check_dtype=False, check_categorical=False)


def test_a_number_about_some_of_the_cases_has_rows_for_these(tmp_path: Path) -> None:
    calls = {"a": ["look"], "b": [], "c": ["book"]}
    data = [
        {
            "id": name,
            "tool_calls": expected,
            "responses": {"v1": {"text": name, "tool_calls": [{"name": "look"}]}, "v2": None},
        }
        for name, expected in calls.items()
    ]
    was = evaluate(data, metrics="tool_calls", settings=Settings(root=tmp_path))
    recorded(tmp_path, was, facts={"baseline": None})
    for found in (was.frame(), frame(tmp_path)):
        own = found[found.variant == "v1"]
        seen = {
            name: {row.case: (row.value, row.text) for row in each.itertuples()}
            for name, each in own.groupby("metric", observed=True)
        }
        assert seen["exact"] == {"a": (1.0, "a"), "b": (0.0, "b"), "c": (0.0, "c")}
        assert seen["recall"] == {"a": (1.0, "a"), "c": (0.0, "c")}
        assert seen["abstention"] == {"b": (0.0, "b")}
        lost = found[(found.variant == "v2") & (found.metric == "recall")]
        assert list(lost.case) == ["a", "b", "c"]
        assert lost.value.isna().all()
        assert lost.reason.str.startswith("missing: ").all()


def test_what_is_missing_is_missing_and_says_why(tmp_path: Path) -> None:
    usage = {"input_tokens": 7, "output_tokens": "many"}
    data = [
        {"id": "a", "reference": "x", "responses": {"v1": {"text": "x", "usage": usage, "model": "m"}}},
        {"id": "b", "reference": "x", "responses": {"v1": None}},
    ]
    was = evaluate(data, metrics="exact_match", settings=Settings(root=tmp_path))
    items = {
        "v1": [ItemRow(test="t[a]", position=0, outcome="passed"), ItemRow(test="t[b]", position=1, outcome="lost")]
    }
    recorded(tmp_path, was, items=items, facts={"baseline": None})
    first, second = frame(tmp_path).itertuples(index=False)
    assert (first.value, first.reason, first.error, first.model, first.outcome) == (1.0, "", "", "m", "passed")
    assert first.input_tokens == 7
    assert pd.isna(first.output_tokens)
    assert pd.isna(second.value)
    assert second.reason.startswith("missing: ")
    assert (second.error, second.outcome) == ("missing", "lost")


def test_of_several_suites_and_of_none(tmp_path: Path) -> None:
    was = evaluated(tmp_path, ["exact_match"], count=3)
    name = recorded(tmp_path, was, title="a.py::test_one")
    recorded(tmp_path, was, title="b.py::test_two", run=name)
    assert list(frame(tmp_path).suite.unique()) == ["a.py::test_one", "b.py::test_two"]


@pytest.mark.parametrize("text", ["a\x00b", "\u202e txt", "=HYPERLINK(1)", "\x1b[31m"])
def test_texts_are_as_they_were(tmp_path: Path, text: str) -> None:
    data = [{"id": text, "reference": text, "responses": {text: text}}]
    recorded(tmp_path, evaluate(data, metrics="exact_match", settings=Settings(root=tmp_path)))
    (row,) = frame(tmp_path).itertuples(index=False)
    assert (row.case, row.variant, row.text, row.value) == (text, text, text, 1.0)
