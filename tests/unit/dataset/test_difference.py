"""What differs between two datasets, by row and column."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.dataset.difference import difference

ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "Why?", "reference": "Because.", "context": ["p"], "slice_kind": "x"},
    {"id": "b", "question": "How?", "reference": "So.", "context": [], "slice_kind": "y"},
    {"id": "c", "question": "When?", "reference": "Now.", "label": "l", "responses": {"v1": "Now!"}},
]


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]], **options: int) -> Any:
    return difference(dataset.from_rows(before), dataset.from_rows(after), **options)


def test_the_same_rows_do_not_differ_whatever_their_order() -> None:
    assert not compare(ROWS, ROWS[::-1])


def test_rows_come_go_and_change_by_id() -> None:
    found = compare(ROWS, [{**ROWS[1], "question": "How so?"}, {"id": "d", "question": "?"}, ROWS[2]])
    assert (found.added.names, found.removed.names, found.edited.names) == (("d",), ("a",), ("b",))
    assert found.columns == {"question": 1}
    (edit,) = found.edits
    assert (edit.id, edit.columns) == ("b", {"question": ("How?", "How so?")})


def test_every_part_of_a_row_is_a_column() -> None:
    later = [
        {**ROWS[0], "reference": ["Because.", "So."], "context": ["p", "q"], "slice_kind": "z", "depth": 2},
        {"id": "b", "question": "How?", "reference": None, "context": [], "slice_kind": "y", "cluster": "k"},
        {"id": "c", "question": "When?", "reference": "Now.", "label": "m", "responses": {"v2": {"text": "Now!"}}},
    ]
    found = compare(ROWS, later)
    assert [edit.columns for edit in found.edits] == [
        {
            "reference": ("Because.", '["Because.", "So."]'),
            "context": ("p", '["p", "q"]'),
            "slice_kind": ("x", "z"),
            "depth": (None, "2"),
        },
        {"reference": ("So.", "[]"), "cluster": (None, "k")},
        {"label": ("l", "m"), "response_v1": ("Now!", None), "response_v2": (None, '{"text": "Now!"}')},
    ]
    assert found.columns["reference"] == 2


def test_all_edits_are_counted_and_the_first_are_kept() -> None:
    rows = [{"id": number, "text": "x"} for number in range(30)]
    found = compare(rows, [{**row, "text": "y"} for row in rows[::-1]], limit=3)
    assert (found.edited.rows, found.columns) == (30, {"text": 30})
    assert [edit.id for edit in found.edits] == ["0", "1", "2"]


TEXTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y", "z"]), min_size=1)


@given(before=TEXTS, after=TEXTS)
def test_it_is_what_dictionaries_say(before: dict[str, str], after: dict[str, str]) -> None:
    found = compare(*([{"id": name, "text": text} for name, text in side.items()] for side in (before, after)))
    assert bool(found) == (before != after)
    assert set(found.added.names) == after.keys() - before.keys()
    assert set(found.removed.names) == before.keys() - after.keys()
    assert {edit.id: edit.columns["text"] for edit in found.edits} == {
        name: (before[name], after[name]) for name in before.keys() & after.keys() if before[name] != after[name]
    }
