"""What the file system does not allow, and files that cannot be read: the session goes on, and nothing is deleted."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cache_help import change, request, response, rows

from pytest_genaiops.clients import database
from pytest_genaiops.clients.cache import Cache
from pytest_genaiops.errors import CacheWarning

HERE = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".genaiops"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_genaiops.clients.database.PATIENCE", 0.02)


@pytest.fixture
def cache(folder: Path) -> Iterator[Cache]:
    cache = Cache(folder, mode="use")
    yield cache
    with warnings.catch_warnings(action="ignore"):
        cache.close()


def filled(folder: Path, number: int = 3) -> None:
    cache = Cache(folder, mode="use", session="earlier")
    for each in range(number):
        cache.keep(request(str(each)), response(str(each) * 2000))
    cache.close()


class TestFilesThatCannotBeRead:
    def test_one_that_is_no_database(self, cache: Cache, folder: Path) -> None:
        folder.mkdir()
        (folder / "cache.sqlite").write_bytes(b"What is this?" * 500)
        with pytest.warns(CacheWarning) as told:
            assert cache.find(request()) is None
        assert len(told) == 1
        sentence = str(told[0].message)
        assert sentence.startswith(f"{folder.as_posix()}/cache.sqlite cannot be read (file is not a database); ")
        assert sentence.endswith("it is set aside as cache.sqlite.aside-1, and a new one is begun")
        cache.keep(request(), response())
        assert cache.find(request()) == response()
        assert (folder / "cache.sqlite.aside-1").read_bytes() == b"What is this?" * 500

    def test_one_of_a_later_version_with_what_its_log_holds(self, cache: Cache, folder: Path) -> None:
        filled(folder)
        with closing(sqlite3.connect(folder / "cache.sqlite")) as later:
            later.execute("PRAGMA user_version = 99")
            with pytest.warns(
                CacheWarning, match="is of version 99, which this version of pytest-genaiops does not know"
            ):
                assert cache.find(request("1")) is None
            assert later.execute("SELECT count(*) FROM answers").fetchone() == (3,), "whoever uses it goes on"
            assert (folder / "cache.sqlite.aside-1-wal").exists()
        cache.keep(request(), response())
        with closing(sqlite3.connect(folder / "cache.sqlite.aside-1")) as aside:
            assert aside.execute("SELECT count(*) FROM answers").fetchone() == (3,)

    def test_one_of_another_program(self, cache: Cache, folder: Path) -> None:
        folder.mkdir()
        change(folder, "CREATE TABLE answers (colour TEXT)")
        (folder / "cache.sqlite.aside-1").write_text("an earlier one")
        with pytest.warns(
            CacheWarning, match="the database of another program; it is set aside as cache.sqlite.aside-2"
        ):
            cache.keep(request(), response())
        assert cache.find(request()) == response()
        assert (folder / "cache.sqlite.aside-1").read_text() == "an earlier one"

    def test_one_that_is_damaged_in_the_middle(self, cache: Cache, folder: Path) -> None:
        filled(folder, 200)
        path = folder / "cache.sqlite"
        data = bytearray(path.read_bytes())
        data[8192:] = b"\xff" * (len(data) - 8192)
        path.write_bytes(data)
        with pytest.warns(CacheWarning, match="cannot be read .*; it is set aside as cache.sqlite.aside-1") as told:
            found = cache.find_all([request(str(each)) for each in range(200)])
        assert None in found
        assert len(told) == 1
        cache.keep(request("1"), response("new"))
        assert cache.find(request("1")) == response("new")
        assert (folder / "cache.sqlite.aside-1").read_bytes() == data

    def test_one_that_another_process_has_set_aside_already(self, cache: Cache, folder: Path) -> None:
        filled(folder, 200)
        other = Cache(folder, mode="use")
        asked = [request(str(each)) for each in range(200)]
        assert cache.find(asked[0]) == other.find(asked[0]) == response("0" * 2000)
        with (folder / "cache.sqlite").open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(8192)
            file.write(b"\xff" * (size - 8192))
        with pytest.warns(CacheWarning, match="set aside"):
            cache.find_all(asked)
        cache.keep(asked[0], response("new"))
        other.find_all(asked)
        assert other.troubles == []
        assert other.find(asked[0]) == response("new")
        assert not list(folder.glob("*.aside-2*"))
        other.close()

    def test_processes_that_find_it_at_once_set_it_aside_once(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "cache.sqlite").write_bytes(b"What is this?" * 500)
        code = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from cache_help import request, response
from pytest_genaiops.clients.cache import Cache
cache = Cache(Path({str(folder)!r}), mode="use")
sys.stdin.readline()
cache.keep(request(sys.argv[1]), response(sys.argv[1]))
cache.close()
"""
        command = [sys.executable, "-W", "ignore", "-c", code]
        children = [subprocess.Popen([*command, name], stdin=subprocess.PIPE, text=True) for name in ("a", "b", "c")]
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        for child in children:
            child.communicate()
            assert child.returncode == 0
        assert [file.name for file in folder.glob("*.aside-*")] == ["cache.sqlite.aside-1"]
        cache = Cache(folder, mode="use")
        assert cache.find_all([request(name) for name in "abc"]) == [response(name) for name in "abc"]
        cache.close()


class TestFilesThatCannotBeWritten:
    def kept_on(self, cache: Cache, match: str) -> None:
        """Answers are given and found, calls are made once, and there is one warning."""
        with pytest.warns(CacheWarning, match=match) as told:  # noqa: PT031 - all of it warns once
            for question in ("one", "two"):
                assert cache.claim(request(question)) == "ours"
                assert cache.claim(request(question)) == "theirs"
                cache.keep(request(question), response(question))
                assert cache.find(request(question)) == response(question)
                assert cache.claim(request(question)) == "theirs", "an answer is there"
            cache.learn([(b"one", request("one"))])
            assert cache.claim(request("three")) == "ours"
            cache.release(request("three"))
            assert cache.claim(request("three")) == "ours"
        assert len(told) == 1
        assert cache.troubles == [str(told[0].message)]

    def test_a_place_where_no_folder_can_be(self, cache: Cache, folder: Path) -> None:
        folder.write_text("a file")
        self.kept_on(cache, "answers cannot be kept .*; the session goes on, and tries again")

    def test_a_full_disk_until_it_is_no_more(self, cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        filled(folder)
        connected, opened = database.connected, []

        def full(path: Path) -> sqlite3.Connection:
            opened.append(connected(path))
            opened[-1].execute("PRAGMA max_page_count = 1")
            return opened[-1]

        monkeypatch.setattr(database, "connected", full)
        assert cache.find(request("1")) == response("1" * 2000)
        with pytest.warns(CacheWarning, match="database or disk is full"):  # noqa: PT031
            for each in range(60):
                cache.keep(request(f"more {each}"), response("long " * 400))
        assert cache.find(request("more 59")) == response("long " * 400)
        assert cache.find(request("2")) == response("2" * 2000), "what was kept before is still read"
        opened[-1].execute("PRAGMA max_page_count = 100000")
        cache.close()
        assert rows(folder, "SELECT count(*) FROM answers") == [(63,)]

    def test_a_file_that_stays_locked(self, cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        filled(folder)
        with closing(sqlite3.connect(folder / "cache.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.kept_on(cache, "database is locked")
        monkeypatch.setattr("pytest_genaiops.clients.cache.PAUSE", 0.0)
        cache._again = 0.0
        cache.keep(request("three"), response("three"))
        assert rows(folder, "SELECT count(*) FROM answers") == [(6,)]

    def test_a_folder_that_was_removed_under_it(self, cache: Cache, folder: Path) -> None:
        cache.keep(request("one"), response())
        shutil.rmtree(folder)
        with warnings.catch_warnings(action="ignore"):
            cache.keep(request("two"), response())
            assert cache.find(request("two")) == response()
            cache.close()
        assert rows(folder, "SELECT request LIKE '%two%' FROM answers") == [(1,)]

    def test_no_paid_answer_is_lost_over_a_warning_that_is_an_error(self, cache: Cache, folder: Path) -> None:
        folder.write_text("a file")
        with warnings.catch_warnings(action="error"):
            cache.keep(request(), response())
        assert cache.find(request()) == response()
        assert len(cache.troubles) == 1

    def test_a_strict_session_in_a_read_only_checkout(self) -> None:
        """In a process of its own, which is not root: nothing is read-only to root."""
        home = Path(tempfile.mkdtemp())
        try:
            filled(home / ".genaiops")
            shutil.copy(HERE / "cache_help.py", home)
            for path in (home / ".genaiops", home):
                path.chmod(0o555)
            code = f"""
import os, sys, warnings
sys.dont_write_bytecode = True
sys.path.insert(0, {str(home)!r})
from pathlib import Path
from cache_help import request, response
from pytest_genaiops.clients.cache import Cache
warm = Cache(Path({str(home)!r}) / "warm", mode="use")  # imports all there is
warm.claim(request())
warm.keep(request(), response())
warm.close()
if os.getuid() == 0:
    os.setuid(65534)
warnings.simplefilter("error")
for folder in (Path({str(home)!r}) / ".genaiops", Path({str(home)!r}) / "none"):
    cache = Cache(folder, mode="only")
    sys.stdout.write(repr(cache.find(request("1")) == response("1" * 2000)) + " ")
    cache.why_missing(request("other"))
    cache.close()
    sys.stdout.write(repr(cache.troubles) + " ")
cache = Cache(Path({str(home)!r}) / ".genaiops", mode="use")
assert cache.find(request("1")) == response("1" * 2000)
assert cache.claim(request("other")) == "ours"
cache.keep(request("other"), response("other"))
assert cache.find(request("other")) == response("other")
sys.stdout.write(repr(len(cache.troubles)))
"""
            done = subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "HOME": "/"},
            )
            assert done.stdout == "True [] False [] 1", done.stderr
        finally:
            for path in (home, home / ".genaiops"):
                path.chmod(0o700)
            shutil.rmtree(home)
