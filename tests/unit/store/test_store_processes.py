"""Several processes and one file: nothing is lost, and it does not show how many there were."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from store_help import rows, write

from pytest_genaiops.store import NAME, Store, Writer

HERE = Path(__file__).parent
MANY = """
import sys
from pathlib import Path
from pytest_genaiops.records import Measurement, Response
from pytest_genaiops.store import TrialRow, Writer
folder, run, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
writer = Writer(folder, run)
print("ready", flush=True)
sys.stdin.readline()
writer.begin(0.0, {})
variant = writer.variant(writer.suite("t", {}), "v", {})
metric = writer.metric(variant, "m", "m", {}, [])
for place in range(count):
    writer.trials(variant, [TrialRow(position=place, trial=1, response=Response(text=f"{run} {place}"))])
    writer.measurements(metric, [(place, 1, Measurement(statistics=(float(place),)))])
    if place % 500 == 0:
        writer.flush()
writer.end(1.0, 0, {})
"""
PART = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from store_help import write
print("ready", flush=True)
sys.stdin.readline()
write(Path(sys.argv[2]), "r1", range(int(sys.argv[3]), 100, 3), started=0.0)
"""
ENDLESS = MANY.replace("range(count)", "__import__('itertools').count()").replace("% 500 == 0", "% 20 == 19")


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that waits for a word before it touches the file."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def test_two_sessions_at_once_lose_nothing(tmp_path: Path) -> None:
    processes = [started(MANY, tmp_path, run, 5000) for run in ("r1", "r2")]
    go(*processes)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    with closing(Store(tmp_path)) as store:
        for run in ("r1", "r2"):
            (variant,) = store.variants(store.suites(run)[0].id)
            assert [row.response.text for row in store.trials(variant.id)] == [f"{run} {n}" for n in range(5000)]
            (metric,) = store.metrics(variant.id)
            measured = [(place, each.statistics) for place, _, each in store.measurements(metric.id)]
            assert measured == [(n, (float(n),)) for n in range(5000)]


def test_workers_of_one_session_write_what_one_process_writes(tmp_path: Path) -> None:
    processes = [started(PART, HERE, tmp_path / "three", part) for part in range(3)]
    go(*processes)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    write(tmp_path / "one", "r1", range(100), started=0.0)
    assert rows(tmp_path / "three") == rows(tmp_path / "one")
    assert all(rows(tmp_path / "one").values())


@pytest.mark.skipif(sys.platform == "win32", reason="has no kill -9")
def test_a_kill_leaves_a_record_that_can_be_read_and_written(tmp_path: Path) -> None:
    draw = random.Random(1)
    for run in ("r1", "r2", "r3"):
        process = started(ENDLESS, tmp_path, run, 0)
        go(process)
        wanted = draw.randrange(1, 400)
        while counted(tmp_path, run) < wanted:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        with closing(sqlite3.connect(tmp_path / NAME)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with closing(Store(tmp_path)) as store:
            found = store.run(run)
            assert (found.ended, found.exit) == (None, None)
            (variant,) = store.variants(store.suites(run)[0].id)
            texts = [row.response.text for row in store.trials(variant.id)]
            # Whole up to where it ends: what was committed is there with the texts that it refers to.
            assert texts == [f"{run} {n}" for n in range(len(texts))]
            assert len(texts) >= wanted
    writer = Writer(tmp_path, "r4")
    writer.begin(9.0, {})
    writer.end(9.0, 0, {})
    writer.close()
    with closing(Store(tmp_path)) as store:
        assert store.run().id == "r4"


def counted(folder: Path, run: str) -> int:
    try:
        with closing(sqlite3.connect(f"{(folder / NAME).as_uri()}?mode=ro", uri=True)) as connection:
            sql = "SELECT count(*) FROM trials JOIN variants ON variants.id = variant JOIN suites ON suites.id = suite"
            return int(connection.execute(f"{sql} WHERE run = ?", [run]).fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0
