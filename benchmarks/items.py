"""CPU of many cases as test items, against the same number of bare ``parametrize`` items with the same fixtures.

    python benchmarks/items.py [--cases 10000] [--rounds 3] [--growth]

Each figure is the user+system CPU of a whole pytest process minus that of a process with one
item; the pairs are run in turn, so that drift of the machine's speed meets both. Other plugins
that may be installed are left out with PYTEST_DISABLE_PLUGIN_AUTOLOAD.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

METRIC = '''
import pytest

class Instant:
    """A metric that takes no time: what is measured is the harness."""

    def __call__(self, response):
        return float(len(response.text))

@pytest.fixture(scope="session")
def instant():
    return Instant()
'''

BARE = (
    METRIC
    + """
from pytest_genaiops.records import Case, Response

class Variant:
    id = "v1"

CASES = [Case(id=f"case{{i}}", inputs={{"input": f"question {{i}}"}}) for i in range({cases})]
ANSWERS = {{case.id: Response(text=f"answer to {{case.id}}") for case in CASES}}

@pytest.fixture
def variant():
    return Variant()

@pytest.fixture
def response(case, variant):
    return ANSWERS[case.id]

@pytest.mark.parametrize("case", CASES, ids=[f"v1-{{case.id}}" for case in CASES])
def test_case(response, case, variant, instant):
    assert instant(response) >= 0.7
"""
)

RUNG_3 = (
    METRIC
    + """
@pytest.mark.genaiops(dataset="many")
def test_case(response, case, variant, instant):
    assert instant(response) >= 0.7
"""
)

RUNG_3_SCORE = """
import pytest

@pytest.mark.genaiops(dataset="many")
def test_case(response, case, variant, exact_match):
    assert exact_match(response) >= 0.7
"""

RUNG_3_TARGET = (
    METRIC
    + """
@pytest.fixture(scope="session")
def target():
    return lambda case, variant: f"answer to {case.id}"

@pytest.mark.genaiops(dataset="many", variants=["v1"])
def test_case(response, case, variant, instant):
    assert instant(response) >= 0.7
"""
)

RUNG_2_INSTANT = (
    METRIC
    + """
@pytest.mark.genaiops(dataset="many")
def test_all(responses, instant):
    assert sum(map(instant, responses)) >= 0.7 * len(responses)
"""
)

RUNG_2 = """
import pytest

@pytest.mark.genaiops(dataset="many")
def test_all(responses, exact_match):
    assert exact_match(responses) >= 0.7
"""

SUITES = {
    "bare parametrize": BARE,
    "rung 3, instant metric": RUNG_3,
    "rung 3, exact_match": RUNG_3_SCORE,
    "rung 3, called target": RUNG_3_TARGET,
    "rung 2, instant metric": RUNG_2_INSTANT,
    "rung 2, exact_match": RUNG_2,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="rung 3 at 10 000 and 50 000 cases instead")
    options = parser.parse_args()
    if options.growth:
        for name in ("bare parametrize", "rung 3, instant metric"):
            small, large = (measure(SUITES[name], n, options.rounds) for n in (10_000, 50_000))
            show(f"{name:<24} {small:.2f} s for 10 000, {large:.2f} s for 50 000 cases: {large / small:.2f} x")
        return
    found = {name: [] for name in SUITES}
    for _ in range(options.rounds):
        for name, suite in SUITES.items():
            found[name].append(cpu(suite, options.cases) - cpu(suite, 1))
    base = statistics.median(found["bare parametrize"])
    show(f"{options.cases} cases, median of {options.rounds} rounds, CPU s beyond one item")
    for name, seconds in found.items():
        show(f"{name:<24} {(own := statistics.median(seconds)):7.3f} s   {own / base:5.2f} x bare parametrize")


def measure(suite: str, cases: int, rounds: int) -> float:
    return statistics.median(cpu(suite, cases) - cpu(suite, 1) for _ in range(rounds))


def cpu(suite: str, cases: int) -> float:
    """User and system seconds of one pytest process over the suite."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pytest.ini").write_text("[pytest]\n")
        (root / "test_suite.py").write_text(suite.format(cases=cases) if suite is BARE else suite)
        (root / "datasets").mkdir()
        with (root / "datasets" / "many.jsonl").open("w") as file:
            for i in range(cases):
                answer = f"answer to case{i}"
                row = {"id": f"case{i}", "input": f"question {i}", "reference": answer, "responses": {"v1": answer}}
                file.write(json.dumps(row) + "\n")
        environment = {
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "pytest_genaiops.plugin.hooks", "-p", "no:cacheprovider"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise SystemExit((done.stdout + done.stderr)[-2000:])
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def show(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
