"""States that one process or several change one at a time."""

import json
import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.clients.shared import InFile, InProcess, Shared, State


def counted(state: State) -> tuple[State, int]:
    """One more than before, and what it was."""
    count = state.get("count", 0)
    return {"count": count + 1}, count


def refuses(state: State) -> tuple[State, None]:
    raise LookupError("not now")


@pytest.fixture(params=["process", "file"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shared]:
    made = InProcess() if request.param == "process" else InFile(tmp_path / "shared.sqlite")
    yield made
    if isinstance(made, InFile):
        made.close()


class TestAState:
    def test_is_empty_at_first(self, shared: Shared) -> None:
        assert shared.peek("model") == {}

    def test_is_what_it_was_changed_to(self, shared: Shared) -> None:
        assert [shared.update("model", counted) for _ in range(3)] == [0, 1, 2]
        assert shared.peek("model") == {"count": 3}

    def test_has_nothing_to_do_with_others(self, shared: Shared) -> None:
        shared.update("model", counted)
        assert shared.peek("another") == {}

    def test_stays_where_a_change_fails(self, shared: Shared) -> None:
        shared.update("model", counted)
        with pytest.raises(LookupError, match="not now"):
            shared.update("model", refuses)
        assert shared.update("model", counted) == 1

    def test_may_have_any_name(self, shared: Shared) -> None:
        name = "x' OR 1; -- \x00 ü"
        shared.update(name, counted)
        assert shared.peek(name) == {"count": 1}

    def test_is_changed_by_one_thread_at_a_time(self, shared: Shared) -> None:
        threads = [
            threading.Thread(target=lambda: [shared.update("model", counted) for _ in range(50)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shared.peek("model") == {"count": 200}
        assert shared.together


def count_in(path: Path, times: int) -> None:
    shared = InFile(path)
    for _ in range(times):
        shared.update("model", counted)
    shared.close()


class TestAFile:
    def test_is_changed_by_one_process_at_a_time(self, tmp_path: Path) -> None:
        spawned = multiprocessing.get_context("spawn")
        path = tmp_path / "shared.sqlite"
        others = [spawned.Process(target=count_in, args=(path, 100)) for _ in range(2)]
        for other in others:
            other.start()
        count_in(path, 100)
        for other in others:
            other.join()
        assert InFile(path).peek("model") == {"count": 300}

    def test_is_not_changed_by_another_while_one_works_it_out(self, tmp_path: Path) -> None:
        one, another = InFile(tmp_path / "shared.sqlite"), InFile(tmp_path / "shared.sqlite")
        thread = threading.Thread(target=another.update, args=("model", counted))

        def slow(state: State) -> tuple[State, int]:
            thread.start()
            thread.join(0.2)
            return counted(state)

        assert one.update("model", slow) == 0
        thread.join()
        assert one.together
        assert another.peek("model") == {"count": 2}

    def test_shows_what_another_has_changed(self, tmp_path: Path) -> None:
        one, another = InFile(tmp_path / "shared.sqlite"), InFile(tmp_path / "shared.sqlite")
        one.update("model", counted)
        assert another.peek("model") == {"count": 1}
        another.update("model", counted)
        assert one.peek("model") == {"count": 2}

    @settings(deadline=None, max_examples=30)
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_keeps_times_exactly(self, tmp_path_factory: pytest.TempPathFactory, at: float) -> None:
        shared = InFile(tmp_path_factory.getbasetemp() / "exact.sqlite")
        shared.update("model", lambda _: ({"at": at}, None))
        assert shared.peek("model")["at"] == at
        shared.close()


class TestWithoutAFile:
    """A full disk, a folder that is gone: each process goes on alone, with what it knows."""

    def test_where_there_is_no_folder(self, tmp_path: Path) -> None:
        shared = InFile(tmp_path / "gone" / "shared.sqlite")
        assert [shared.update("model", counted) for _ in range(2)] == [0, 1]
        assert shared.peek("model") == {"count": 2}
        assert not shared.together

    def test_where_the_file_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "shared.sqlite").write_bytes(b"not a database, whatever its name says" * 50)
        shared = InFile(tmp_path / "shared.sqlite")
        assert [shared.update("model", counted) for _ in range(2)] == [0, 1]

    def test_where_the_disk_is_full(self, tmp_path: Path) -> None:
        shared = InFile(tmp_path / "shared.sqlite")
        shared.update("model", counted)
        database: Any = shared._database
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")

        def large(state: State) -> tuple[State, int]:
            return {**state, "filling": "x" * 1_000_000}, state["count"]

        assert shared.together
        assert shared.update("model", large) == 1
        assert not shared.together
        assert shared.update("model", counted) == 1, "the last state that was known is lost"

    def test_where_a_state_is_torn(self, tmp_path: Path) -> None:
        shared = InFile(tmp_path / "shared.sqlite")
        shared.update("model", counted)
        with sqlite3.connect(tmp_path / "shared.sqlite") as other:
            other.execute("UPDATE states SET state = '{\"cou'")
        assert shared.peek("model") == {"count": 1}

    def test_a_change_that_fails_is_no_fault_of_the_file(self, tmp_path: Path) -> None:
        shared = InFile(tmp_path / "shared.sqlite")
        with pytest.raises(json.JSONDecodeError):
            shared.update("model", lambda _: json.loads("{"))
        assert shared.together

    def test_closing_twice_is_no_matter(self, tmp_path: Path) -> None:
        shared = InFile(tmp_path / "shared.sqlite")
        shared.close()
        shared.close()
        assert shared.update("model", counted) == 0
