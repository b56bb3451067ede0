"""Large datasets are kept in a file: nobody who reads them can tell."""

from __future__ import annotations

import enum
import gc
import os
import random
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import dataset
from pytest_genaiops.dataset import store
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import Case

ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "question": "Why?",
        "depth": 3,
        "reference": "So.",
        "slice_kind": "x",
        "responses": {"v2": "q", "v1": "p"},
    },
    {
        "id": "ö",
        "b": {"k": [1, 2.5, None, True]},
        "a": "",
        "contexts": ["Thus.", "Hence."],
        "label": True,
        "cluster": 7,
    },
    {"id": 3, "cluster": 7, "reference": None, "responses": {"v1": {"text": "r", "latency": 0.1}, "v3": None}},
]


def stored(rows: list[dict[str, Any]]) -> dataset.Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "HELD_BYTES", 0)
        found = dataset.from_rows(rows)
    assert isinstance(found.cases, store.StoredCases)
    return found


def test_everything_that_a_row_says_is_read_back() -> None:
    there, held = stored(ROWS), dataset.from_rows(ROWS)
    assert isinstance(held.cases, tuple)
    assert list(there.cases) == list(held.cases)
    assert [there.cases[i] for i in range(3)] == list(held.cases)
    assert (there.hash, there.columns, there.systems) == (held.hash, held.columns, held.systems)
    assert [list(case.inputs) for case in there.cases] == [["question", "depth"], ["b", "a"], []]
    assert list(there.cases[0].recorded) == ["v2", "v1"]


def test_a_case_from_the_file_is_read_only_too() -> None:
    with pytest.raises(TypeError, match="a case is read-only"):
        stored(ROWS).cases[0].inputs["question"] = "x"  # type: ignore[index]


def test_what_cannot_be_named_again_is_kept_as_what_it_says() -> None:
    class Local(str):
        """A class that no other place can import."""

    (case,) = stored([{"id": "a", "q": Local("x"), "n": {"deep": [Local("y")]}}]).cases
    assert case.inputs == {"q": "x", "n": {"deep": ["y"]}}


def test_the_bound_counts_what_rows_say_and_the_objects_that_hold_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HELD_BYTES", 10 * (store.ROW_BYTES + 100))
    assert isinstance(dataset.from_rows({"id": i} for i in range(10)).cases, tuple)
    assert isinstance(dataset.from_rows({"id": i} for i in range(100)).cases, store.StoredCases)
    assert isinstance(dataset.from_rows([{"id": i, "text": "x" * 1000} for i in range(10)]).cases, store.StoredCases)


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=40),
    index=st.integers(-45, 45),
    part=st.slices(40),
    again=st.slices(20),
)
def test_it_is_the_sequence_that_the_tuple_would_be(texts: list[str], index: int, part: slice, again: slice) -> None:
    rows = [{"id": i, "text": text} for i, text in enumerate(texts)]
    there, held = stored(rows).cases, dataset.from_rows(rows).cases
    assert len(there) == len(held)
    assert list(there) == list(held)
    assert list(there[part]) == list(held[part])
    assert list(there[part][again]) == list(held[part][again])
    assert list(reversed(there)) == list(reversed(held))
    if -len(held) <= index < len(held):
        assert there[index] == held[index]
        assert held[index] in there
    else:
        with pytest.raises(IndexError):
            there[index]


def test_the_file_that_it_was_read_from_may_change_or_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HELD_BYTES", 0)
    path = tmp_path / "qa.jsonl"
    path.write_text("".join(f'{{"id": "c{i}", "q": "{i}"}}\n' for i in range(50)))
    cases = dataset.load(path).cases
    path.unlink()
    assert [case.inputs["q"] for case in cases] == [str(i) for i in range(50)]


def test_threads_read_their_own_rows() -> None:
    cases = stored([{"id": i, "q": f"{i}" * 50} for i in range(500)]).cases
    wrong: list[Case] = []

    def read(start: int) -> None:
        for _ in range(5):
            wrong.extend(case for i in range(start, 500, 3) if (case := cases[i]).inputs["q"] != f"{i}" * 50)
            wrong.extend(case for i, case in enumerate(cases) if case.id != str(i))

    threads = [threading.Thread(target=read, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_file_is_closed_with_the_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    make = tempfile.TemporaryFile

    def noted(**arguments: Any) -> Any:
        files.append(make(**arguments))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    gc.collect()  # what other tests have left is not told here
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = stored(ROWS)
        assert not files[0].closed
        del found
        gc.collect()
    assert files[0].closed
    assert told == []


@pytest.mark.parametrize("buffer", [0, 1 << 16])
def test_a_full_disk_is_said_in_a_sentence_and_once(monkeypatch: pytest.MonkeyPatch, buffer: int) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full, the disk that is always full")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "w+b", buffering=buffer))  # noqa: SIM115
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/tmp/here")
    later: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", later.append)
    with pytest.raises(DatasetError) as caught:
        stored(ROWS)
    assert str(caught.value) == (
        "the dataset is too large for memory, and /tmp/here cannot hold it (No space left on device); "
        "set TMPDIR to a folder with room"
    )
    del caught
    gc.collect()
    assert later == []


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(DatasetError, match=r"cannot hold it \(Permission denied\); set TMPDIR to a folder with room"):
        stored(ROWS)


@pytest.mark.parametrize("limit", [1, 7, 50, 51])
def test_a_sample_is_the_same(limit: int) -> None:
    rows = [{"id": f"case{i}"} for i in range(50)]
    there, held = stored(rows).cases, dataset.from_rows(rows).cases
    assert list(dataset.sample(there, limit, seed=3)) == list(dataset.sample(held, limit, seed=3))


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ([("topic", "law")], ["1", "4"]),
        ([("topic", "law"), ("topic", "art")], ["1", "2", "4"]),
        ([("topic", "law"), ("size", "big")], ["4"]),
        ([("topic", "law"), ("topic", "art"), ("size", "big")], ["2", "4"]),
        ([("topic", "music")], []),
        ([("mood", "dark")], []),
        ([], ["1", "2", "3", "4"]),
    ],
)
def test_all_tags_must_hold_and_one_value_of_each(slices: list[tuple[str, str]], expected: list[str]) -> None:
    rows = [
        {"id": 1, "slice_topic": "law", "slice_size": "small"},
        {"id": 2, "slice_topic": "art", "slice_size": "big"},
        {"id": 3, "slice_size": "big"},
        {"id": 4, "slice_topic": "law", "slice_size": "big"},
    ]
    for cases in (stored(rows).cases, dataset.from_rows(rows).cases):
        assert [case.id for case in dataset.in_slices(cases, slices)] == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
def test_a_forked_process_reads_its_own_rows() -> None:
    rows = [{"id": str(number), "text": "x" * (number % 700)} for number in range(3000)]
    cases = stored(rows).cases
    child = os.fork()
    wrong = 0
    try:
        for place in random.Random(child == 0).choices(range(len(rows)), k=20_000):
            wrong += cases[place].id != str(place)
    except BaseException:
        wrong = 1
    if child == 0:
        os._exit(min(wrong, 1))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert wrong == 0


def test_rows_of_deep_nests_and_of_classes_that_nobody_finds_by_name() -> None:
    class Word(str):
        __slots__ = ()

    class Grade(enum.IntEnum):
        BEST = 1

    deep: Any = "end"
    for _ in range(300):
        deep = [deep]
    row = {"id": Word("a"), "reference": Word("x"), "slice_x": Word("y"), "responses": {Word("v"): Word("z")}}
    nest = {"deep": deep, "n": Grade.BEST, "keys": {Grade.BEST: Word("k")}}
    (there,) = stored([{**row, **nest}]).cases
    assert there == dataset.from_rows([{**row, **nest}]).cases[0]
    assert (there.id, there.references, dict(there.recorded)) == ("a", ("x",), {"v": "z"})
    assert {type(text) for text in (there.id, *there.references, *there.slices.values())} == {str}


def test_a_file_row_nested_as_deeply_as_json_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "HELD_BYTES", 0)
    path = tmp_path / "deep.jsonl"
    path.write_text('{"id": "a", "deep": ' + "[" * 600 + "]" * 600 + "}\n")
    assert dataset.load(path).cases[0].inputs["deep"] is not None
