"""Old runs go, with what nobody else refers to; nothing of a run that goes on does."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from math import inf
from pathlib import Path

import pytest
from store_help import rows, write

from pytest_genaiops.errors import UsageError
from pytest_genaiops.records import Response
from pytest_genaiops.store import NAME, Store, TrialRow, Writer, file
from pytest_genaiops.store.gc import REFERENCES, expire

DAY = 86_400.0


def runs(folder: Path) -> list[str]:
    with closing(Store(folder)) as store:
        return [run.id for run in store.runs()]


def contents(folder: Path) -> int:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        return int(connection.execute("SELECT count(*) FROM contents").fetchone()[0])


def test_what_is_left_is_as_if_the_others_had_never_been(tmp_path: Path) -> None:
    write(tmp_path / "all", "old", range(60), started=100.0)
    write(tmp_path / "all", "new", range(40), started=200.0)
    write(tmp_path / "one", "new", range(40), started=200.0)
    done = expire(tmp_path / "all", before=150.0)
    assert done.runs == ("old",)
    assert rows(tmp_path / "all") == rows(tmp_path / "one")
    assert contents(tmp_path / "all") == contents(tmp_path / "one")
    tables = {table for table, _ in REFERENCES} | {"runs", "ends", "suites", "metrics", "scores"}
    with closing(sqlite3.connect(tmp_path / "all" / NAME)) as connection:
        assert tables | {"contents"} == {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }


def test_room_is_given_back(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "large")
    writer.begin(0.0, {})
    variant = writer.variant(writer.suite("t", {}), "v", {})
    writer.trials(variant, [TrialRow(position=0, trial=1, response=Response(text="x" * 2_000_000))])
    writer.end(1.0, 0, {})
    writer.close()
    write(tmp_path, "small", range(3), started=5.0)
    done = expire(tmp_path, before=2.0)
    assert done.bytes > 1_900_000
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) < 200_000


def test_a_dry_run_names_them_and_removes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a", range(3), started=1.0)
    write(tmp_path, "b", range(3), started=2.0)
    assert expire(tmp_path, before=inf, dry_run=True).runs == ("a", "b")
    assert runs(tmp_path) == ["b", "a"]


def test_the_latest_are_kept_however_old(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path, f"r{number}", range(2), started=float(number))
    assert expire(tmp_path, before=inf, keep=3).runs == ("r0",)
    assert expire(tmp_path, before=2.5, keep=1).runs == ("r1", "r2")
    assert runs(tmp_path) == ["r3"]
    assert expire(tmp_path, before=inf, keep=0).runs == ("r3",)
    assert contents(tmp_path) == 0


def test_a_run_that_may_go_on_stays_and_one_that_was_killed_long_ago_does_not(tmp_path: Path) -> None:
    write(tmp_path, "killed", range(3), end=False, started=time.time() - 3 * DAY)
    write(tmp_path, "on", range(3), end=False, started=time.time() - DAY)
    assert expire(tmp_path, before=inf).runs == ("killed",)
    assert runs(tmp_path) == ["on"]


def test_what_a_writer_has_written_before_is_written_again_where_it_was_removed(tmp_path: Path) -> None:
    """Two of its runs say the same: nothing may depend on a text that the writer believes to be in the file."""
    writer = Writer(tmp_path, "on")
    writer.begin(time.time(), {})
    variant = writer.variant(writer.suite("t", {}), "v", {})

    def answer(position: int) -> None:
        writer.trials(variant, [TrialRow(position=position, trial=1, response=Response(text="the same"))])
        writer.flush()

    answer(0)
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as connection:
        connection.execute("DELETE FROM trials")
    write(tmp_path, "old", range(3))
    expire(tmp_path, before=2.0)
    answer(1)
    writer.close()
    with closing(Store(tmp_path)) as store:
        assert [row.response.text for row in store.trials(variant)] == ["the same"]


def test_a_folder_without_a_record_is_left_as_it_is(tmp_path: Path) -> None:
    assert expire(tmp_path / "none", before=inf).runs == ()
    assert not (tmp_path / "none").exists()


def test_a_file_that_another_process_holds_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(file, "PATIENCE", 0.05)
    write(tmp_path, "r", range(3))
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            UsageError, match=r"record\.sqlite cannot be changed \(database is locked\); another process"
        ):
            expire(tmp_path, before=inf)


def test_a_run_that_is_written_meanwhile_loses_nothing(tmp_path: Path) -> None:
    """Texts come and go with old runs while a session that goes on has the same ones."""
    write(tmp_path, "old", range(3))
    ended: list[bool] = []

    def go_on() -> None:
        writer = Writer(tmp_path, "on")
        writer.begin(time.time(), {})
        variant = writer.variant(writer.suite("t", {}), "v", {})
        for place in range(400):
            writer.trials(variant, [TrialRow(position=place, trial=1, response=Response(text=f"answer {place % 7}"))])
            if place % 10 == 9:
                writer.flush()
        writer.flush()
        writer.close()
        ended.append(True)

    thread = threading.Thread(target=go_on)
    thread.start()
    number = 0
    while thread.is_alive() or not number:
        number += 1
        write(tmp_path, f"old-{number}", range(7))
        expire(tmp_path, before=10.0)
    thread.join()
    assert ended == [True]
    assert runs(tmp_path) == ["on"]
    with closing(Store(tmp_path)) as store:
        (variant,) = store.variants(store.suites("on")[0].id)
        assert [row.response.text for row in store.trials(variant.id)] == [f"answer {n % 7}" for n in range(400)]
