"""The file of the record: brought up to date, left alone where it is not ours, and read wherever it can be read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from store_help import rows, write

from pytest_genaiops.errors import UsageError
from pytest_genaiops.store import NAME, Store, Writer, file

SECOND = ("CREATE TABLE more (id INTEGER PRIMARY KEY)", "CREATE INDEX runs_by_start ON runs (started)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".genaiops"


def version_of(folder: Path) -> int:
    with closing(sqlite3.connect(folder / NAME)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def later(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    monkeypatch.setattr(file, "MIGRATIONS", (*file.MIGRATIONS, steps))
    monkeypatch.setattr(file, "VERSION", file.VERSION + 1)


class TestAnEarlierVersion:
    def test_is_brought_up_to_date_with_all_of_its_rows(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(folder, "r1", range(5))
        before = rows(folder)
        later(monkeypatch, *SECOND)
        with closing(Store(folder)) as store:
            assert store.run().id == "r1"
        assert version_of(folder) == 2
        assert rows(folder) == before
        write(folder, "r2", range(5))
        with closing(Store(folder)) as store:
            assert [run.id for run in store.runs()] == ["r2", "r1"]

    def test_stays_as_it_was_where_that_fails(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(folder, "r1", range(5))
        before = rows(folder)
        with monkeypatch.context() as patch:
            later(patch, SECOND[0], "CREATE TABLE runs (id)")  # which is there
            with pytest.raises(UsageError, match="table runs already exists"):
                Store(folder)
        assert version_of(folder) == 1
        assert rows(folder) == before

    def test_is_named_where_it_cannot_be_written(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(folder, "r1", range(5))
        later(monkeypatch, *SECOND)
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(UsageError, match=r"is of version 1, and cannot be brought up to date"):
            Store(folder)


def test_a_later_version_is_refused_and_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        later(patch, *SECOND)
        write(folder, "r1", range(5))
    before = (folder / NAME).read_bytes()
    message = (
        r"^\.genaiops/record\.sqlite is of version 2, which this version of pytest-genaiops does not know; "
        r"upgrade pytest-genaiops, or move the file away$"
    )
    with pytest.raises(UsageError, match=message):
        Store(folder)
    with pytest.raises(UsageError, match=message):
        Writer(folder, "r2").begin(0.0, {})
    assert (folder / NAME).read_bytes() == before


def test_a_folder_without_a_record(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"^\.genaiops holds no record yet; it comes with the first run of a suite$"):
        Store(folder)
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"no database" * 200, b"SQLite format 3\0" + b"\xff" * 4000])
def test_what_is_no_database(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / NAME).write_bytes(content)
    for use in (Store, lambda folder: Writer(folder, "r").begin(0.0, {})):
        with pytest.raises(UsageError, match=r"cannot be read \(.*\); move it away, and a new one is begun$"):
            use(folder)
    assert (folder / NAME).read_bytes() == content


def test_the_database_of_another_program(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / NAME)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    for use in (Store, lambda folder: Writer(folder, "r").begin(0.0, {})):
        with pytest.raises(UsageError, match=r"is the database of another program; .*move the file away$"):
            use(folder)


def test_an_empty_file_is_a_record_of_nothing(folder: Path) -> None:
    folder.mkdir()
    (folder / NAME).touch()
    with closing(Store(folder)) as store, pytest.raises(UsageError, match="no run is on record yet"):
        store.run()
    write(folder, "r1", range(2))
    with closing(Store(folder)) as store:
        assert store.run().id == "r1"


def test_a_file_that_was_cut_off(folder: Path) -> None:
    write(folder, "r1", range(100))
    whole = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"cannot be read \(.*malformed.*\); move it away"):
        all_of(folder)


def all_of(folder: Path) -> None:
    with closing(Store(folder)) as store:
        for suite in store.suites(store.run().id):
            store.cases(suite.id)
            for variant in store.variants(suite.id):
                list(store.trials(variant.id))


def test_a_row_of_another_version_is_named(folder: Path) -> None:
    write(folder, "r1", range(2))
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as connection:
        connection.execute("""UPDATE contents SET text = '{"text":"a","mood":"good"}' WHERE text LIKE '%answer%'""")
    with closing(Store(folder)) as store:
        variant = store.variants(store.suites("r1")[0].id)[0]
        with pytest.raises(UsageError, match="holds a row that this version cannot read"):
            list(store.trials(variant.id))


def test_a_locked_file_is_waited_for_and_then_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "PATIENCE", 0.05)
    write(folder, "r1", range(2))
    with closing(sqlite3.connect(folder / NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer = Writer(folder, "r2")
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            writer.begin(0.0, {})
        with closing(Store(folder)) as store:  # reading needs no turn
            assert store.run().id == "r1"
        other.execute("COMMIT")
        writer.begin(0.0, {})
        writer.close()


def test_a_folder_that_is_removed_under_a_writer(folder: Path) -> None:
    writer = Writer(folder, "r1")
    writer.begin(0.0, {})
    (folder / NAME).unlink()
    with pytest.raises(sqlite3.OperationalError, match="removed or renamed while the run was written"):
        writer.end(1.0, 0, {})
    writer.close()


def test_a_place_where_no_folder_can_be(folder: Path) -> None:
    folder.write_text("a file")
    with pytest.raises(sqlite3.OperationalError, match="File exists"):
        Writer(folder, "r1").begin(0.0, {})


def test_git_passes_over_it(folder: Path) -> None:
    write(folder, "r1", range(1))
    assert (folder / ".gitignore").read_text() == "*\n"


FULL = """
import resource, signal, sqlite3, sys
from pathlib import Path
from pytest_genaiops.records import Response
from pytest_genaiops.store import TrialRow, Writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
writer = Writer(Path(sys.argv[1]), "full")
writer.begin(0.0, {})
variant = writer.variant(writer.suite("t", {}), "v", {})
try:
    for place in range(100_000):
        writer.trials(variant, [TrialRow(position=place, trial=1, response=Response(text="x" * 100 + str(place)))])
except sqlite3.Error as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="bounds the size of files")
def test_a_full_disk_is_one_error_and_what_was_written_stays(folder: Path) -> None:
    write(folder, "r1", range(5))
    done = subprocess.run([sys.executable, "-c", FULL, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout in ("OperationalError database or disk is full\n", "OperationalError disk I/O error\n")
    with closing(Store(folder)) as store:
        assert {run.id for run in store.runs()} == {"r1", "full"}
        assert store.run("full").ended is None
    write(folder, "r2", range(5))  # once there is room again


READ_ONLY = """
import os, sqlite3, sys
from contextlib import closing
from pathlib import Path
from pytest_genaiops.store import Store, Writer
def read(folder):
    with closing(Store(folder)) as store:
        return [run.id for run in store.runs()]
home = Path(sys.argv[1])
warm = Writer(home / "warm", "r")  # imports all there is
warm.begin(0.0, {})
warm.close()
if os.getuid() == 0:
    os.setuid(65534)
print(read(home / "record"))
try:
    Writer(home / "record", "r3").begin(0.0, {})
except sqlite3.Error as error:
    print(error)
"""
KILLED = """
import os, sys
from pathlib import Path
from pytest_genaiops.store import Writer
Writer(Path(sys.argv[1]), "r2").begin(1.0, {})
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="rights are those of Linux")
@pytest.mark.parametrize("killed", [False, True], ids=["closed", "with a log that nobody has brought home"])
def test_a_read_only_folder_is_read_and_not_written(killed: bool) -> None:
    """In a process that is not root: nothing is read-only to root."""
    home = Path(tempfile.mkdtemp())
    folder = home / "record"
    try:
        write(folder, "r1", range(5))
        if killed:
            subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=True)
            assert (folder / f"{NAME}-wal").stat().st_size
        home.chmod(0o755)
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, str(home)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HOME": "/"},
        )
        runs = ["r2", "r1"] if killed else ["r1"]
        assert done.stdout == f"{runs}\nattempt to write a readonly database\n", done.stderr
    finally:
        folder.chmod(0o700)
        shutil.rmtree(home)
