"""What the record of a run costs: CPU, bytes, and the time to take something off it.

    python benchmarks/record.py [--cases 10000] [--metrics exact_match token_f1 bleu chrf rouge] [--rung 2]
                                [--repeats 3] [--sizes 1000 10000 30000]

A session of pytest judges recorded answers of three variants under five metrics, which is the case in which recording
weighs most: nothing is called, so that reading, judging and recording are all there is. It is run with and without the
record, in turn, and the median of each is compared: CPU is that of the whole process, with the imports, as the kernel
reports it. Answers are drawn for every case and variant, so that no text is there twice.

Bytes are those of the file after the session, by trial, at several sizes: a record that is linear has the same number
at each. Then one case is removed by its id (``genaiops purge``, proof included), and all runs (``genaiops runs gc``).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

VARIANTS = ("v1", "v2", "v3")
WORDS = [f"word{number}" for number in range(2000)]
SUITES = {
    2: """
import pytest

@pytest.mark.genaiops(dataset="many", variants=["v1", "v2", "v3"])
def test_all(responses, {fixtures}):
    for metric in ({fixtures},):
        assert all(score.value >= 0 for score in [metric(responses)] if hasattr(score, "value"))
""",
    3: """
import pytest

@pytest.mark.genaiops(dataset="many", variants=["v1", "v2", "v3"])
def test_each(response, {fixtures}):
    for metric in ({fixtures},):
        metric(response)
""",
}
COMMAND = "import sys; from pytest_genaiops.cli import main; sys.exit(main())"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--metrics", nargs="+", default=["exact_match", "token_f1", "bleu", "chrf", "rouge"])
    parser.add_argument("--rung", type=int, choices=sorted(SUITES), default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10_000, 30_000])
    options = parser.parse_args()
    suite = SUITES[options.rung].format(fixtures=", ".join(options.metrics))
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder), suite, options.cases)
        on, off = [], []
        for _ in range(options.repeats):
            off.append(pytest(root, "--genaiops-record=off"))
            on.append(pytest(root, "--genaiops-record=on"))
        with_it, without = statistics.median(on), statistics.median(off)
        trials = options.cases * len(VARIANTS)
        show(
            f"rung {options.rung}: {options.cases:,} cases x {len(VARIANTS)} variants x {len(options.metrics)} metrics"
        )
        share = (with_it - without) / with_it
        show(f"CPU {with_it:.2f} s with the record, {without:.2f} s without: {100 * share:.0f} % of the run")
        each = size(root) / options.repeats / trials
        show(f"all, with: {listed(on)}; without: {listed(off)}; {each:.0f} bytes a trial")
        show(f"purge of one case, with the proof: {genaiops(root, 'purge', '--id', 'c17', code=1):.2f} s CPU")
        show(f"gc of all {options.repeats} runs: {genaiops(root, 'runs', 'gc', '--keep', '0'):.2f} s CPU")
    for cases in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = project(Path(folder), suite, cases)
            pytest(root, "--genaiops-record=on")
            show(f"{cases:,} cases: {size(root) / 1e6:.1f} MB, {size(root) / cases / len(VARIANTS):.0f} bytes a trial")


def project(root: Path, suite: str, cases: int) -> Path:
    """A folder with a suite over recorded answers of some 25 words each."""
    draw = random.Random(1)
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "test_suite.py").write_text(suite)
    (root / "datasets").mkdir()
    with (root / "datasets" / "many.jsonl").open("w") as file:
        for number in range(cases):
            words = draw.choices(WORDS, k=25)
            answers = {
                name: " ".join([*words[: 15 + place], *draw.choices(WORDS, k=8)]) for place, name in enumerate(VARIANTS)
            }
            question = "What of " + " ".join(draw.choices(WORDS, k=12)) + "?"
            row = {"id": f"c{number}", "question": question, "reference": " ".join(words), "responses": answers}
            file.write(json.dumps(row) + "\n")
    return root


def pytest(root: Path, *arguments: str) -> float:
    """CPU seconds of a session."""
    return run(root, ["-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *arguments])


def genaiops(root: Path, *arguments: str, code: int = 0) -> float:
    """CPU seconds of the command."""
    return run(root, ["-c", COMMAND, *arguments], code)


def run(root: Path, arguments: list[str], code: int = 0) -> float:
    """CPU seconds of one process; its output is shown where it ends otherwise than expected."""
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        raise SystemExit(f"{arguments} ended with {process.returncode}:\n{said[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def size(root: Path) -> int:
    """Bytes of the record."""
    return sum(file.stat().st_size for file in (root / ".genaiops").glob("record.sqlite*"))


def listed(seconds: list[float]) -> str:
    return " ".join(f"{each:.2f}" for each in seconds)


def show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
