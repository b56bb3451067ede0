"""Every row has an id of its own, and one that no file system or person would take for another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.dataset import ids, store
from pytest_genaiops.errors import DatasetError

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.fixture(params=["few", "many"], autouse=True)
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same files as a few rows, and as more than are kept in memory or compared at once."""
    if request.param == "many":
        monkeypatch.setattr(store, "HELD_BYTES", 0)
        monkeypatch.setattr(ids, "EXACT", 1)
    return str(request.param)


def write(folder: Path, names: list[str]) -> Path:
    path = folder / "qa.csv"
    path.write_text("id,q\n" + "".join(f"{name},x\n" for name in names), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "c", "b", "a"], "qa.csv:5: id 'b' is already the id of qa.csv:3; give each row its own id"),
        (["a", "a"], "qa.csv:3: id 'a' is already the id of qa.csv:2; give each row its own id"),
        (
            ["a", "row1", "c", "Row1"],
            "qa.csv:5: id 'Row1' differs from 'row1' of qa.csv:3 only by upper and lower case; "
            "give each row its own id",
        ),
        (
            ["x", "stra\u00dfe", "STRASSE"],
            "qa.csv:4: id 'STRASSE' differs from 'stra\u00dfe' of qa.csv:3 only by upper and lower case; "
            "give each row its own id",
        ),
        (
            ["x", COMPOSED, "y", DECOMPOSED],
            f"qa.csv:5: id '{DECOMPOSED}' differs from '{COMPOSED}' of qa.csv:3 only by Unicode normal form; "
            "give each row its own id",
        ),
        (
            ["x", COMPOSED, DECOMPOSED.upper()],
            f"qa.csv:4: id '{DECOMPOSED.upper()}' differs from '{COMPOSED}' of qa.csv:3 only by upper and lower case; "
            "give each row its own id",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    path = write(tmp_path, names)
    with pytest.raises(DatasetError) as loaded:
        dataset.load(path, root=tmp_path)
    assert str(loaded.value) == message
    with pytest.raises(DatasetError) as streamed:
        list(dataset.iter_cases(path, root=tmp_path))
    assert str(streamed.value) == message


def test_other_differences_are_differences(tmp_path: Path) -> None:
    names = ["a", "a b", "ab", "\u00e4", "ae", "1", "01", "\uff11", "a_", "a-"]
    assert [case.id for case in dataset.load(write(tmp_path, names)).cases] == names


def test_ids_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collision of 64-bit hashes is not to be had: every hash is 1 or 2 here."""
    monkeypatch.setattr(ids, "hash", lambda name: 1 + len(name) % 2, raising=False)
    names = ["a", "bb", "c", "dd", "e", "ff"]
    assert [case.id for case in dataset.from_rows({"id": name} for name in names).cases] == names
    with pytest.raises(DatasetError, match="rows:7: id 'dd' is already the id of rows:4"):
        dataset.from_rows({"id": name} for name in [*names, "dd", "e"])


@given(st.lists(st.text("aAbB\u00e9\u00c9e\u0301\u00df", min_size=1, max_size=2), min_size=1, max_size=8))
def test_refused_is_the_first_row_that_is_not_new(names: list[str]) -> None:
    keys = [ids.folded(name) for name in names]
    first = next((i for i, key in enumerate(keys) if key in keys[:i]), None)
    if first is None:
        assert len(dataset.from_rows({"id": name} for name in names).cases) == len(names)
        return
    with pytest.raises(DatasetError) as caught:
        dataset.from_rows({"id": name} for name in names)
    assert str(caught.value).startswith(f"rows:{first + 1}: id {names[first]!r} ")
    assert f" of rows:{keys.index(keys[first]) + 1}" in str(caught.value)
