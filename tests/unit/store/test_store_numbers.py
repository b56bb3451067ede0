"""Numbers of a run in columns: which rows there are, and what they hold."""

import sqlite3
from array import array
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.store.file import opened
from pytest_genaiops.store.numbers import Numbers, Rows

METRIC = 1


def packed(*numbers: float) -> bytes:
    return array("d", numbers).tobytes()


def rows(folder: Path, measured: Iterable[tuple[int, int, Any]]) -> Rows:
    """What is read of measurements (position, trial, statistics) beside those of another metric."""
    with closing(opened(folder, make=True)) as connection:
        connection.execute("DELETE FROM measurements")
        connection.execute("INSERT INTO measurements VALUES (?, 0, 1, 0.25, NULL)", (METRIC + 1,))
        given = [(METRIC, position, trial, value, None) for position, trial, value in measured]
        connection.executemany("INSERT INTO measurements VALUES (?, ?, ?, ?, ?)", given)
    with closing(Numbers(folder)) as store:
        return store.rows(METRIC)


def places(found: Rows) -> list[tuple[int, int]]:
    return list(zip(found.positions, found.trials, strict=True))


@pytest.mark.parametrize(
    "there",
    [
        pytest.param([], id="none"),
        pytest.param([(0, 1)], id="one"),
        pytest.param([(0, 1), (1, 1), (2, 1)], id="all"),
        pytest.param([(0, 1), (2, 1)], id="one case missing"),
        pytest.param([(3, 1), (4, 1)], id="the last ones"),
        pytest.param([(0, 1), (0, 2), (1, 1), (1, 2)], id="trials"),
        pytest.param([(0, 1), (0, 2), (1, 2)], id="one trial missing"),
        pytest.param([(0, 1), (0, 2), (1, 1), (3, 1)], id="as many rows as cases"),
        pytest.param([(0, 2), (1, 2)], id="second trials alone"),
        pytest.param([(0, 1), (2**62, 1)], id="far away"),
    ],
)
def test_rows_stand_by_case_and_trial(tmp_path: Path, there: list[tuple[int, int]]) -> None:
    found = rows(tmp_path, [(position, trial, float(trial)) for position, trial in reversed(there)])
    assert places(found) == there
    assert list(found.mean or ()) == [float(trial) for _, trial in there]


@settings(max_examples=30, deadline=None)
@given(there=st.sets(st.tuples(st.integers(0, 4), st.integers(1, 3))))
def test_whichever_rows_are_missing(tmp_path_factory: pytest.TempPathFactory, there: set[tuple[int, int]]) -> None:
    folder = tmp_path_factory.getbasetemp() / "numbers"
    assert places(rows(folder, [(*place, 0.5) for place in there])) == sorted(there)


def test_rows_written_meanwhile_are_read_with_their_places(tmp_path: Path, monkeypatch) -> None:
    rows(tmp_path, [(0, 1, 0.5), (1, 1, 0.75)])
    grid = Numbers._grid

    def later(self: Numbers, metric: int, size: int) -> Any:
        with closing(sqlite3.connect(tmp_path / "record.sqlite")) as connection, connection:
            connection.execute("INSERT INTO measurements VALUES (?, 2, 1, 1.0, NULL)", (metric,))
        return grid(self, metric, size)

    monkeypatch.setattr(Numbers, "_grid", later)
    with closing(Numbers(tmp_path)) as store:
        found = store.rows(METRIC)
    assert places(found) == [(0, 1), (1, 1), (2, 1)]
    assert list(found.mean or ()) == [0.5, 0.75, 1.0]


def test_several_numbers_are_columns(tmp_path: Path) -> None:
    found = rows(tmp_path, [(0, 1, packed(1, 2)), (1, 1, packed(3, 4)), (2, 1, packed(5, 6))])
    assert found.mean is None
    assert [list(column) for column in found.statistics.columns] == [[1, 3, 5], [2, 4, 6]]
    assert list(found.each(range(3))) == [(1, 2), (3, 4), (5, 6)]
    assert list(found.each([2, 0])) == [(5, 6), (1, 2)]


def test_mappings_stay_mappings(tmp_path: Path) -> None:
    found = rows(tmp_path, [(0, 1, '[[["a", "b"], 1]]'), (1, 1, '[["c", 2]]')])
    assert list(found.each([1, 0])) == [{"c": 2}, {("a", "b"): 1}]
    assert found.mean is None
