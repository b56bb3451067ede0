"""Statistics in columns are the statistics that were put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.columns import Columns, equal
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.base import add_up

WHOLE = st.one_of(st.integers(0, 70_000), st.integers(-(2**70), 2**70))
FLOATS = st.floats(-1e300, 1e300)
TUPLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.tuples(*[st.one_of(WHOLE, FLOATS)] * width), min_size=1, max_size=20)
)
MAPPINGS = st.lists(st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(0, 3), st.floats(0, 1))), min_size=1)


def kinds(row: Any) -> Any:
    return [(name, type(v), v) for name, v in row.items()] if isinstance(row, Mapping) else [(type(v), v) for v in row]


@given(rows=st.one_of(TUPLES, MAPPINGS), blanks=st.lists(st.integers(0, 25), max_size=5), data=st.data())
def test_rows_come_out_as_they_went_in(rows: list[Any], blanks: list[int], data: st.DataObject) -> None:
    given_rows = list(rows)
    for place in blanks:
        given_rows.insert(place, None)
    columns = Columns(given_rows)
    full = [i for i, row in enumerate(given_rows) if row is not None]
    assert len(columns) == len(given_rows)
    assert [kinds(columns[i]) for i in full] == [kinds(row) for row in rows]
    chosen = data.draw(st.lists(st.sampled_from(full), max_size=5))
    assert [kinds(row) for row in columns.take(chosen)] == [kinds(given_rows[i]) for i in chosen]


@given(rows=st.one_of(TUPLES, MAPPINGS), blanks=st.lists(st.integers(0, 25), max_size=5))
def test_the_sum_is_that_of_the_rows(rows: list[Any], blanks: list[int]) -> None:
    with_blanks = list(rows)
    for place in blanks:
        with_blanks.insert(place, None)
    found, expected = Columns(with_blanks).total(), add_up(rows)
    assert found == expected
    assert kinds(found) == kinds(expected)


def test_whole_numbers_are_added_exactly_and_others_without_drift() -> None:
    """By hand: ten times 0.1 is 1.0 (a running sum gives 0.9999999999999999); 2**60 + 1 needs more than a double."""
    assert Columns([(2**60, 0.1)] + [(1, 0.1)] * 9).total() == (2**60 + 9, 1.0)


def test_counts_take_two_bytes_each() -> None:
    assert [column.itemsize for column in Columns([(1, 65_535)] * 10).columns] == [2, 2]
    assert [column.itemsize for column in Columns([(1, 65_535), (65_536, -1), (2**40, 0)]).columns] == [8, 4]


def test_equal_mappings_are_kept_once() -> None:
    columns = Columns([{("a", "b"): 1}, {("b", "b"): 1}, {("a", "b"): 1}])
    assert columns[0] is columns[2]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, 2), (1,)], "tuples of one width"),
        ([(1,), (1, 2)], "tuples of one width"),
        ([(1,), {"a": 1}], "all tuples or all mappings"),
        ([{"a": 1}, (1,)], "tuples of one width"),
    ],
)
def test_rows_of_different_kinds_are_refused(rows: list[Any], said: str) -> None:
    with pytest.raises(MetricError, match=said):
        Columns(rows)


@given(one=st.one_of(TUPLES, MAPPINGS), other=st.one_of(TUPLES, MAPPINGS), changed=st.booleans())
def test_samples_are_equal_where_their_rows_are(one: list[Any], other: list[Any], changed: bool) -> None:
    given_rows = other if changed else list(one)
    expected = one == given_rows
    assert equal(Columns(one), Columns(given_rows)) is expected
    assert equal(Columns(one), given_rows) is expected


def test_a_number_is_the_same_in_whatever_column_it_stands() -> None:
    assert equal(Columns([(1,), (2,)]), Columns([(1.0,), (2.0,)]))
    assert equal(Columns([(1,), (2.5,)]), Columns([(1.0,), (2.5,)]))
    assert not equal(Columns([(1,), (2,)]), Columns([(1.0,), (2.5,)]))
    assert not equal(Columns([(1, 2)]), Columns([(1,)]))
