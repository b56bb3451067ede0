"""The matrix of eval_suites/rag/matrix: time, memory, what is built, and whether two workers record what one does.

    python benchmarks/rag_matrix.py [--limit N] [--keep FOLDER]

With ``pytest-genaiops[rag]`` and pytest-xdist installed, in a copy of the suite. Two workers run it first, with nothing
built; then one process, which must build nothing. Raises SystemExit where a build was made twice, where a test fails,
or where the two records differ in anything but times. Memory is the sum of the resident sets of all processes of a run,
looked at ten times a second (on Linux alone); pages that processes share count for each of them. ``--limit`` takes the
first questions of each dataset, without the gates of what is shipped; ``--keep`` leaves the copy, with its record, in a
folder that is not there yet.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from pytest_genaiops.grounding.builds import Builds

ROOT = Path(__file__).parents[1]
SUITE = "eval_suites/rag/matrix"
NEEDED = ("eval_suites", "datasets", "pyproject.toml")
WHAT = ("trials", "measurements", "verdicts", "items")
TIMES = ("latency", "p50", "p95", "per_token", "first_token")
"""Numbers of the metric `latency`."""
RUNS_OWN = ("genaiops.run", "genaiops.latency", "genaiops.seconds")
NAME, EVALUATIONS = "gen_ai.evaluation.name", "genaiops.evaluations"
LOOK = 0.1


class Figures(NamedTuple):
    wall: float
    cpu: float
    peak: float
    """Megabytes; 0 where nobody could look."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    # What is shipped has gates for all of the questions.
    limit = [f"--genaiops-limit={options.limit}", "-k", "not shipped"] if options.limit else []
    with _folder(options.keep) as project:
        for name in NEEDED:
            take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            take(ROOT / name, project / name)
        _say(f"{'':24}    wall s   CPU s   peak MB   builds")
        _run(project, "two workers, cold", "-n", "2", *limit)
        _run(project, "one process, warm", *limit)
        _compare(project)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="genaiops-rag-") as made:
        yield Path(made)


def _run(project: Path, name: str, *options: str) -> None:
    before = len(_made(project))
    figures = _measured(project, [sys.executable, "-m", "pytest", SUITE, "-q", *options])
    made = _made(project)
    kinds = Counter(folder.rsplit("-", 1)[0] for folder in made[before:])
    built = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
    _say(f"{name:24}  {figures.wall:8.1f}{figures.cpu:8.1f}{figures.peak:10.0f}   {built}")
    _check(len(made) == len(set(made)), "nothing is built twice")
    _check(not before or not kinds, "what is built is not built again")


def _measured(project: Path, command: Sequence[str]) -> Figures:
    log = project / "log.txt"
    used, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=project, stdout=output, stderr=subprocess.STDOUT)
        memory = Memory(process.pid)
        memory.start()
        status = process.wait()
    wall, now = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    memory.join()
    _check(status == 0, f"the suite passes\n{log.read_text(encoding='utf-8')[-3000:]}")
    return Figures(wall, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, memory.peak / 1e6)


class Memory(threading.Thread):
    """The largest sum of resident sets of a process and all that descend from it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0

    def run(self) -> None:
        while (size := self._size()) is not None:
            self.peak = max(self.peak, size)
            time.sleep(LOOK)

    def _size(self) -> int | None:
        """None once the process has ended."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(path.name)] = (int(fields[1]), int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), fields[0])
        if self.pid not in found or found[self.pid][2] == "Z":
            return None
        return sum(size for pid, (_, size, _) in found.items() if self._descends(pid, found))

    def _descends(self, pid: int, found: dict[int, tuple[int, int, str]]) -> bool:
        while pid in found and pid != self.pid:
            pid = found[pid][0]
        return pid == self.pid


def _made(project: Path) -> list[str]:
    return [build.folder for build in Builds(project / ".genaiops" / "builds").made()]


def _compare(project: Path) -> None:
    """Read both records beside each other, a row at a time: neither is held, however long it is."""
    begun, counts = time.monotonic(), Counter[str]()
    for what in WHAT:
        with _rows(project, "latest~1", what) as by_two, _rows(project, "latest", what) as by_one:
            for first, second in zip_longest(by_two, by_one):
                if first != second:
                    _check(False, f"both have the same {what} on record\n{first}\n{second}"[:6000])
                counts[what] += 1
        _check(counts[what] > 0 or what == "verdicts", f"there are {what}")
    told = ", ".join(f"{counts[what]:,} {what}" for what in WHAT)
    _say(f"the same on record: {told}; compared in {time.monotonic() - begun:.0f} s")


@contextmanager
def _rows(project: Path, run: str, what: str) -> Iterator[Iterator[dict[str, Any]]]:
    """What a run has on record, in the record's order, without what differs from run to run: its name, and times."""
    program = str(Path(sys.executable).with_name("genaiops"))
    command = [program, "runs", "export", run, "--what", what, "-o", "-"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True, encoding="utf-8") as export:
        assert export.stdout is not None
        rows = map(json.loads, export.stdout)
        yield (_timeless(row) for row in rows if row.get(NAME) not in TIMES)
    _check(export.returncode == 0, f"the {what} of {run} are exported")


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in RUNS_OWN}
    if EVALUATIONS in kept:
        kept[EVALUATIONS] = [each for each in kept[EVALUATIONS] if each.get(NAME) not in TIMES]
    return kept


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"rag_matrix: this must hold: {what}")


if __name__ == "__main__":
    main()
