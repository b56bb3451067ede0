"""Memory and speed of one rung-2 test with two metrics over many recorded rows.

    python benchmarks/million.py [--rows 1000000] [--metrics exact_match token_f1] [--verdict]

Each run is a whole pytest process: it reads the dataset (about 290 bytes a row: an id, a question, a
reference and the answers of two systems), checks and hashes it, and scores every answer of one system under
each metric. "Idle" is the same process over a dataset of one row: pytest, the plugin, the metrics
and all that they import. Memory is the peak of the process's resident set as the kernel reports
it; rows per second are rows over the wall time beyond that of the idle process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUITE = """
import pytest

@pytest.mark.genaiops(dataset="many", variants="v1")
def test_all(responses, {fixtures}):
    for metric in ({fixtures},):
        assert metric(responses) >= 0.05
        {verdict}
"""
VERDICT = "assert metric(responses).at_least(0.05)"
WORDS = 12


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--metrics", nargs="+", default=["exact_match", "token_f1"])
    parser.add_argument("--verdict", action="store_true", help="ask for a confidence bound as well")
    options = parser.parse_args()
    suite = SUITE.format(fixtures=", ".join(options.metrics), verdict=VERDICT if options.verdict else "")
    idle = run(suite, 1)
    full = run(suite, options.rows)
    wall, cpu = full["wall"] - idle["wall"], full["cpu"] - idle["cpu"]
    show(f"{options.rows:,} rows ({full['file']:.0f} MB), {' and '.join(options.metrics)}")
    show(f"peak {full['peak']:.0f} MB, idle {idle['peak']:.0f} MB: {full['peak'] - idle['peak']:.0f} MB above idle")
    show(f"{wall:.1f} s beyond idle, {cpu:.1f} s of it CPU: {options.rows / wall:,.0f} rows/s")


def run(suite: str, rows: int) -> dict[str, float]:
    """Peak memory (MB) and seconds of one pytest process over so many rows, and the size of their file (MB)."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pytest.ini").write_text("[pytest]\n")
        (root / "test_suite.py").write_text(suite)
        data = root / "datasets" / "many.jsonl"
        data.parent.mkdir()
        write(data, rows)
        environment = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_genaiops.plugin.hooks", "-p", "no:cacheprovider"]
        with (root / "output.txt").open("w+") as output:
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=output)
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                output.seek(0)
                raise SystemExit(output.read()[-2000:])
        return {
            "peak": used.ru_maxrss / 1024,
            "wall": wall,
            "cpu": used.ru_utime + used.ru_stime,
            "file": data.stat().st_size / 1e6,
        }


def write(path: Path, rows: int) -> None:
    """Rows of random words; of the answers one word in twelve differs, or three do, and every tenth is right."""
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(5000)]
    with path.open("w") as file:
        for i in range(rows):
            reference = draw.choices(words, k=WORDS)
            near, far = reference[:], reference[:]
            if i % 10:
                near[draw.randrange(WORDS)] = draw.choice(words)
            for _ in range(3):
                far[draw.randrange(WORDS)] = draw.choice(words)
            texts = {"question": " ".join(draw.choices(words, k=8)), "reference": " ".join(reference)}
            answers = {"v1": " ".join(near), "v2": " ".join(far)}
            file.write(json.dumps({"id": f"case{i}", **texts, "responses": answers}) + "\n")


def show(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
