"""Two datasets are the same when their rows say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import dataset

ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "Why?", "reference": "So.", "slice_kind": "x", "responses": {"v1": "p", "v2": "q"}},
    {"id": "b", "question": "How?", "context": "Thus.", "label": "yes", "cluster": "c"},
    {"id": "c", "question": "Who?", "extra": {"k": [1, 2.5, None, True]}},
]


def test_neither_file_name_nor_row_order_nor_key_order_matter(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text("\n".join(json.dumps(row) for row in ROWS))
    turned = [dict(reversed(row.items())) for row in reversed(ROWS)]
    two.write_text("\r\n\r\n".join(json.dumps(row, ensure_ascii=False, indent=None) for row in turned) + "\r\n")
    assert dataset.load(one).hash == dataset.load(two).hash == dataset.from_rows(ROWS, name="rows").hash


def test_one_reference_is_a_list_of_one() -> None:
    assert (
        dataset.from_rows([{"id": "a", "reference": "x"}]).hash
        == dataset.from_rows([{"id": 0, "references": ["x"]} | {"id": "a"}]).hash
    )


@pytest.mark.parametrize(
    "change",
    [
        {"id": "z"},
        {"question": "Why"},
        {"reference": "so."},
        {"reference": None},
        {"slice_kind": "y"},
        {"slice_other": "x"},
        {"cluster": "c"},
        {"label": ""},
        {"context": ""},
        {"extra": None},
        {"responses": {"v1": "p", "v2": "changed"}},
        {"responses": {"v1": "p", "v2": "q", "v3": None}},
    ],
    ids=str,
)
def test_every_change_of_a_row_shows(change: dict[str, Any]) -> None:
    assert dataset.from_rows(ROWS).hash != dataset.from_rows([{**ROWS[0], **change}, *ROWS[1:]]).hash


def test_a_row_more_or_less_shows() -> None:
    hashes = {dataset.from_rows(ROWS[:n]).hash for n in (1, 2, 3)}
    assert len(hashes) == 3


def test_texts_do_not_run_together() -> None:
    assert (
        dataset.from_rows([{"id": "a", "references": ["x", "y"]}]).hash
        != dataset.from_rows([{"id": "a", "references": ["xy"]}]).hash
    )


def test_the_hash_is_stable_over_releases() -> None:
    """By hand: sha256 of the row's canonical JSON, then of format, count and sum."""
    import hashlib

    row = b'["a",{"q":"\xc3\xa9"},["x"],null,null,null,{},{}]'
    total = f"pytest-genaiops dataset 1:1:{hashlib.sha256(row).hexdigest()}"
    expected = hashlib.sha256(total.encode()).hexdigest()
    assert dataset.from_rows([{"id": "a", "q": "\u00e9", "reference": "x"}]).hash == expected


@given(order=st.permutations(range(3)))
def test_any_order_of_rows(order: list[int]) -> None:
    assert dataset.from_rows(ROWS[i] for i in order).hash == dataset.from_rows(ROWS).hash
