"""CPU of many cases as test items, against the same number of bare ``parametrize`` items with the same fixtures.

    python benchmarks/items.py [--cases 10000] [--rounds 5] [--listen items|all] [--growth] [--no-gc]

Each figure is the user+system CPU of a whole pytest process minus that of a process with one item. All are
run in turn, round by round, and a ratio is taken within its round, so that drift of the machine's speed meets
both. Other plugins that may be installed are left out with PYTEST_DISABLE_PLUGIN_AUTOLOAD; ``--listen`` adds a
conftest that listens to every hook of a test item, or to those of its fixtures as well.
``--growth`` compares 50 000 cases with 10 000: CPU, and bytes
that the peak of the resident memory grows by with each case. ``--no-gc`` turns automatic garbage collection off.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

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

def case_of(i):
    return Case(id=f"case{{i}}", inputs={{"input": f"question {{i}}"}}, references=(f"answer to case{{i}}",))

CASES = list(map(case_of, range({cases})))
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

BARE_SCORE = BARE.replace("variant, instant", "variant, exact_match").replace(
    "instant(response)", "exact_match([response.text], [case.reference])"
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

HOOKS = {
    "pytest_runtest_protocol": "item, nextitem",
    "pytest_runtest_logstart": "nodeid, location",
    "pytest_runtest_setup": "item",
    "pytest_runtest_call": "item",
    "pytest_runtest_teardown": "item, nextitem",
    "pytest_runtest_makereport": "item, call",
    "pytest_runtest_logreport": "report",
    "pytest_runtest_logfinish": "nodeid, location",
    "pytest_report_teststatus": "report",
    "pytest_pyfunc_call": "pyfuncitem",
    "pytest_fixture_setup": "fixturedef, request",
    "pytest_fixture_post_finalizer": "fixturedef, request",
}


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
    "bare, exact_match": BARE_SCORE,
    "rung 3, instant metric": RUNG_3,
    "rung 3, exact_match": RUNG_3_SCORE,
    "rung 3, called target": RUNG_3_TARGET,
    "rung 2, instant metric": RUNG_2_INSTANT,
    "rung 2, exact_match": RUNG_2,
}
GROWING = ["bare parametrize", "rung 3, instant metric", "rung 3, exact_match"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", action="store_true", help="10 000 and 50 000 cases: CPU and memory")
    parser.add_argument(
        "--listen", choices=["items", "all"], help="with a conftest that listens to hooks of items, or all"
    )
    parser.add_argument("--no-gc", action="store_true", help="without automatic garbage collection")
    options = parser.parse_args()
    conftest = listening(options.listen) + ("import gc\ngc.disable()\n" if options.no_gc else "")
    if options.growth:
        growth(conftest, options.rounds)
        return
    found: dict[str, list[float]] = {name: [] for name in SUITES}
    for _ in range(options.rounds):
        for name, suite in SUITES.items():
            found[name].append(run(suite, options.cases, conftest).cpu - run(suite, 1, conftest).cpu)
    show(f"{options.cases} cases, median of {options.rounds} rounds: CPU s beyond one item, ratio to bare parametrize")
    for name, seconds in found.items():
        ratios = sorted(own / bare for own, bare in zip(seconds, found["bare parametrize"], strict=True))
        spread = f"{statistics.median(ratios):5.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        show(f"{name:<24} {statistics.median(seconds):7.3f} s   {spread}")


def listening(what: str | None) -> str:
    """A conftest that listens to the hooks of items, or to those of their fixtures as well."""
    heard = {hook: names for hook, names in HOOKS.items() if what == "all" or (what and "fixture" not in hook)}
    return "".join(f"def {hook}({arguments}):\n    pass\n\n" for hook, arguments in heard.items())


def growth(conftest: str, rounds: int) -> None:
    """Print what five times the cases cost, and what each case weighs."""
    for name in GROWING:
        pairs = [[run(SUITES[name], cases, conftest) for cases in (1, 10_000, 50_000)] for _ in range(rounds)]
        small, large = (statistics.median(row[i].cpu - row[0].cpu for row in pairs) for i in (1, 2))
        weight = statistics.median((row[2].peak - row[1].peak) / 40_000 for row in pairs)
        show(f"{name:<24} {small:6.2f} s, {large:6.2f} s: {large / small:.2f} x; {weight:,.0f} bytes a case")


class Cost(NamedTuple):
    """Of one pytest process."""

    cpu: float
    """User and system seconds."""
    peak: int
    """Bytes of resident memory at most."""


def run(suite: str, cases: int, conftest: str) -> Cost:
    """Run pytest over the suite in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pytest.ini").write_text("[pytest]\n")
        (root / "conftest.py").write_text(conftest)
        (root / "test_suite.py").write_text(suite.format(cases=cases) if "{cases}" in suite else suite)
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
        with (root / "output.txt").open("w") as output:
            process = subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=output)
            _, status, used = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit((root / "output.txt").read_text()[-2000:])
    return Cost(cpu=used.ru_utime + used.ru_stime, peak=used.ru_maxrss * 1024)


def show(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
