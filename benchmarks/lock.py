"""Memory and speed of locking a file of 1 GB.

    python benchmarks/lock.py [--rows 1000000] [--words 140]

Makes a JSON Lines file of that many rows, and runs each step of ``genaiops lock`` on it in a process
of its own. Memory is the peak of that process (resident set) above one that has imported the command
and done nothing. The last step checks after three rows were edited, one removed and one added.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS = {
    "idle": "from pytest_genaiops.cli import main, lock; import pytest_genaiops.dataset",
    "lock": "from pytest_genaiops.cli import main; main(['lock', 'big'])",
    "check": "from pytest_genaiops.cli import main; main(['lock', '--check', 'big'])",
}
REPORT = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--words", type=int, default=140, help="words of each row")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "datasets" / "big.jsonl"
        data.parent.mkdir()
        make(data, chosen.rows, chosen.words)
        size = data.stat().st_size / 1e6
        idle = run(folder, STEPS["idle"])[0]
        show(f"{chosen.rows:,} rows, {size:,.0f} MB; idle process {idle:.0f} MB\n")

        def report(title: str, step: str) -> None:
            peak, cpu, said = run(folder, STEPS[step])
            show(f"{title}: {peak - idle:.0f} MB above idle; {size / cpu:.0f} MB per second of CPU\n{said}")

        report("lock", "lock")
        report("lock again", "lock")
        report("check", "check")
        show(f"size of the lock: {data.with_suffix('.lock').stat().st_size / 1e6:.0f} MB\n")
        edit(data, chosen.rows)
        report("check of changed data", "check")


def make(path: Path, rows: int, words: int) -> None:
    """Rows of random words, the same every time."""
    draw = random.Random(0)
    vocabulary = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(3, 9))) for _ in range(5000)]
    with path.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            text = draw.choices(vocabulary, k=words)
            half = words // 2
            row = {"id": f"row-{number}", "question": " ".join(text[:half]), "reference": " ".join(text[half:])}
            stream.write(json.dumps(row) + "\n")


def edit(path: Path, rows: int) -> None:
    """Three edited rows, one removed and one added, spread over the file."""
    changed = path.with_suffix(".new")
    with path.open(encoding="utf-8") as old, changed.open("w", encoding="utf-8") as new:
        for number, line in enumerate(old):
            if number in (1, rows // 2, rows - 1):
                line = line.replace('"question": "', '"question": "edited ')  # noqa: PLW2901
            if number != rows // 3:
                new.write(line)
        new.write('{"id": "new", "question": "?", "reference": "!"}\n')
    changed.replace(path)


def run(folder: str, code: str) -> tuple[float, float, str]:
    """Peak memory in MB, CPU seconds, and what was complained."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code + REPORT]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return int(done.stdout.split()[-1]) / 1024, cpu, done.stderr


def show(text: str) -> None:
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
