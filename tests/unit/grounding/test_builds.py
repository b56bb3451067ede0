"""Builds on disk: once for all who ask, whole or not at all, and made anew where they are not what they were."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from build_help import KEY, Maker, leftovers, refusal, refuse
from builders import answer, begun, start, until_begun

import pytest_genaiops
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.builds import LOG, MANIFEST, Builds


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path / "builds")


class TestOnce:
    def test_it_is_made_once_and_then_found(self, builds: Builds, make: Maker) -> None:
        first = builds.get("index", KEY, make)
        assert (first / "table" / "data.bin").read_text() == "vectors"
        assert builds.get("index", KEY, refuse) == first
        assert make.times == 1
        assert first.parent == builds.folder
        assert first.name.startswith("index-")

    def test_a_later_run_finds_it(self, builds: Builds, make: Maker) -> None:
        first = builds.get("index", KEY, make)
        assert Builds(builds.folder).get("index", dict(reversed(KEY.items())), refuse) == first

    def test_another_key_or_another_name_is_another_build(self, builds: Builds, make: Maker) -> None:
        asked = [("index", KEY), ("chunks", KEY), ("index", {**KEY, "chunk": 512}), ("index", {**KEY, "chunk": "256"})]
        folders = [builds.get(name, key, make) for name, key in asked]
        assert len(set(folders)) == make.times == 4

    def test_names_that_differ_by_case_are_two_folders_everywhere(self, builds: Builds, make: Maker) -> None:
        one, other = builds.get("index", KEY, make), builds.get("Index", KEY, make)
        assert one.name.lower() != other.name.lower()

    def test_threads_wait_for_the_one_that_builds(self, builds: Builds) -> None:
        made, together = [], threading.Barrier(8)

        def make(part: Path) -> None:
            made.append(threading.get_ident())
            (part / "a").write_text("a")

        def ask(_: int) -> Path:
            together.wait()
            return builds.get("index", KEY, make)

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(ask, range(8)))) == 1
        assert len(made) == 1

    def test_a_build_may_ask_for_another_one(self, builds: Builds, make: Maker) -> None:
        def index(part: Path) -> None:
            chunks = builds.get("chunks", {"chunk": 256}, make)
            (part / "from.txt").write_text((chunks / "rows.json").read_text())

        assert (builds.get("index", KEY, index) / "from.txt").read_text() == "[1, 2]"
        assert [build.folder.partition("-")[0] for build in builds.made()] == ["chunks", "index"]

    def test_git_passes_over_the_folder(self, builds: Builds, make: Maker) -> None:
        builds.get("index", KEY, make)
        assert (builds.folder / ".gitignore").read_text() == "*\n"

    def test_a_folder_that_was_there_is_not_hidden_from_git(self, tmp_path: Path, make: Maker) -> None:
        Builds(tmp_path).get("index", KEY, make)
        assert not (tmp_path / ".gitignore").exists()


class TestWhatIsKnownOfIt:
    def test_the_manifest_says_what_it_is(self, builds: Builds, make: Maker) -> None:
        facts = json.loads((builds.get("index", KEY, make) / MANIFEST).read_bytes())
        assert facts["key"] == KEY
        assert facts["files"] == {"table/data.bin": 7, "rows.json": 6}
        assert facts["bytes"] == 13
        assert facts["package"].startswith("pytest-genaiops ")

    def test_the_log_shows_that_no_index_was_built_twice(self, builds: Builds, make: Maker) -> None:
        before = time.time()
        for chunk in (256, 512, 256):
            Builds(builds.folder).get("index", {"chunk": chunk}, make)
        made = builds.made()
        assert len(made) == len({build.folder for build in made}) == 2
        assert all(before <= build.at <= time.time() and build.seconds >= 0 for build in made)
        assert [(build.bytes, build.files, build.again) for build in made] == [(13, 2, "")] * 2

    def test_where_nothing_was_built_nothing_is_told(self, builds: Builds) -> None:
        assert builds.made() == ()
        assert not builds.folder.exists()

    def test_a_torn_line_of_the_log_is_passed_over(self, builds: Builds, make: Maker) -> None:
        builds.get("index", KEY, make)
        with (builds.folder / LOG).open("ab") as log:
            log.write(b'{"folder": "index-')
        builds.get("chunks", KEY, make)
        assert [build.folder.partition("-")[0] for build in builds.made()] == ["index", "chunks"]


class TestProcesses:
    def test_two_processes_make_it_once(self, tmp_path: Path) -> None:
        processes = [start(tmp_path, "wait") for _ in range(2)]
        until_begun(tmp_path, 1)
        (tmp_path / "go.txt").touch()
        said = [answer(process) for process in processes]
        assert said[0] == said[1]
        assert len(begun(tmp_path)) == len(Builds(tmp_path / "builds").made()) == 1

    def test_one_that_waits_takes_over_from_one_that_is_killed(self, tmp_path: Path) -> None:
        first = start(tmp_path, "hang")
        until_begun(tmp_path, 1)
        second = start(tmp_path)
        os.kill(first.pid, signal.SIGKILL)
        folder = Path(answer(second))
        first.communicate()
        assert begun(tmp_path) == [first.pid, second.pid]
        assert (folder / "whole.txt").read_text() == "whole"
        assert leftovers(Builds(tmp_path / "builds")) == []

    def test_what_a_killed_process_left_is_no_build(self, tmp_path: Path) -> None:
        killed = start(tmp_path, "hang")
        until_begun(tmp_path, 1)
        killed.kill()
        killed.communicate()
        builds = Builds(tmp_path / "builds")
        assert len(leftovers(builds)) == 1
        folder = builds.get("index", {"chunk": 256}, Maker())
        assert not (folder / "half.txt").exists()
        assert leftovers(builds) == []
        assert [build.again for build in builds.made()] == [""]

    def test_where_one_fails_the_next_tries_for_itself(self, tmp_path: Path) -> None:
        assert answer(start(tmp_path, "fail")) == "ValueError: the corpus is empty"
        assert "index-" in answer(start(tmp_path))
        assert len(begun(tmp_path)) == 2


class TestFailure:
    def test_the_error_is_the_maker_s_own_and_nothing_is_kept(self, builds: Builds) -> None:
        def make(part: Path) -> None:
            (part / "half").write_text("half")
            raise ZeroDivisionError("no documents")

        with pytest.raises(ZeroDivisionError, match="no documents"):
            builds.get("index", KEY, make)
        assert leftovers(builds) == []
        assert builds.made() == ()

    def test_in_this_process_it_is_not_tried_again(self, builds: Builds, make: Maker) -> None:
        with pytest.raises(ZeroDivisionError):
            builds.get("index", KEY, lambda _: 1 / 0)
        message = refusal(lambda: builds.get("index", KEY, make))
        assert "failed before in this process (ZeroDivisionError: division by zero)" in message
        assert make.times == 0
        assert builds.get("index", {**KEY, "chunk": 512}, make)

    def test_whoever_stops_a_session_has_not_made_the_build_fail(self, builds: Builds, make: Maker) -> None:
        def stop(_: Path) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            builds.get("index", KEY, stop)
        assert builds.get("index", KEY, make)

    def test_threads_that_wait_for_a_build_that_fails_are_told(self, builds: Builds) -> None:
        made, together = [], threading.Barrier(4)

        def make(_: Path) -> None:
            made.append(1)
            raise ValueError("no")

        def ask(_: int) -> str:
            together.wait()
            with pytest.raises((ValueError, UsageError)) as caught:
                builds.get("index", KEY, make)
            return type(caught.value).__name__

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(ask, range(4))) == ["UsageError", "UsageError", "UsageError", "ValueError"]
        assert len(made) == 1

    def test_one_that_asks_for_itself(self, builds: Builds) -> None:
        def make(part: Path) -> None:
            builds.get("index", KEY, make)

        assert "asks for itself while it is made" in refusal(lambda: builds.get("index", KEY, make))

    @pytest.mark.parametrize("spoil", [lambda part: None, lambda part: part.rmdir(), lambda part: (part / "a").mkdir()])
    def test_one_that_writes_nothing(self, builds: Builds, spoil: Callable[[Path], None]) -> None:
        assert "writes nothing into the folder that it gets" in refusal(lambda: builds.get("index", KEY, spoil))

    def test_one_that_writes_our_own_file(self, builds: Builds) -> None:
        message = refusal(lambda: builds.get("index", KEY, lambda part: (part / MANIFEST).write_text("{}")))
        assert f"writes {MANIFEST}, which is taken" in message

    def test_an_error_of_the_maker_s_own_database_is_not_taken_for_ours(self, builds: Builds) -> None:
        def make(_: Path) -> None:
            raise sqlite3.OperationalError("database is locked")

        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            builds.get("index", KEY, make)

    def test_a_full_disk_under_the_manifest(self, builds: Builds, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", full)
            patch.setattr(Maker, "__call__", lambda _, part: (part / "a").write_bytes(b"a"))
            message = refusal(lambda: builds.get("index", KEY, make))
        assert message.endswith(
            "cannot be written (No space left on device); builds need a folder with room that may be written"
        )
        assert leftovers(builds) == []
        assert builds.made() == ()

    def test_a_file_where_the_folder_should_be(self, tmp_path: Path, make: Maker) -> None:
        (tmp_path / "builds").write_text("")
        message = refusal(lambda: Builds(tmp_path / "builds").get("index", KEY, make))
        assert "builds cannot be written (" in message
        assert make.times == 0

    def test_a_folder_for_reading_serves_what_it_has(
        self, builds: Builds, make: Maker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = builds.get("index", KEY, make)

        def refused(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("attempt to write a readonly database")

        monkeypatch.setattr(sqlite3, "connect", refused)
        again = Builds(builds.folder)
        assert again.get("index", KEY, refuse) == folder
        message = refusal(lambda: again.get("index", {**KEY, "chunk": 512}, make))
        assert "cannot be written (attempt to write a readonly database)" in message


def test_it_is_public() -> None:
    assert pytest_genaiops.Builds is Builds
