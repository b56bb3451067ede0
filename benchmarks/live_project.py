"""What the benchmarks of live calls share: a fake server in a process of its own, and a project that asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from live_clients import rows, variant

RUNG_2 = """
import pytest

@pytest.mark.genaiops(dataset="many", variants="variants/v1.yaml")
def test_{name}(responses, exact_match):
    assert exact_match(responses) >= 0.7
"""
RUNG_3 = """
import pytest

@pytest.mark.genaiops(dataset="many", variants="variants/v1.yaml")
def test_{name}(response, exact_match):
    assert exact_match(response) >= 0.7
"""


class Server(NamedTuple):
    """A fake server that runs."""

    url: str

    @property
    def seen(self) -> dict[str, Any]:
        """Its counts so far."""
        with urllib.request.urlopen(f"{self.url.removesuffix('/v1')}/seen") as reply:
            found: dict[str, Any] = json.load(reply)
        return found


@contextmanager
def serving(latency: float = 0.0) -> Iterator[Server]:
    """A fake server in a process of its own, so that it takes no time from the client's event loop."""
    from live_clients import ANSWER

    command = [sys.executable, "-m", "pytest_genaiops.testing", "--latency", str(latency), "--answer", ANSWER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Server(process.stdout.readline().strip())
        process.stdin.close()


class Cost(NamedTuple):
    """Of one process."""

    wall: float
    cpu: float
    """User and system seconds of the process alone."""


class Project:
    """A folder in which pytest is run."""

    def __init__(self, root: Path, suites: dict[str, str], dataset: list[dict[str, Any]]) -> None:
        self.root = root
        (root / "pytest.ini").write_text("[pytest]\n")
        for name, suite in suites.items():
            (root / f"test_{name}.py").write_text(suite.format(name=name))
        (root / "datasets").mkdir()
        (root / "datasets" / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in dataset))
        (root / "variants").mkdir()

    def ask(self, url: str) -> None:
        """Have the model asked at this address."""
        # JSON is YAML.
        (self.root / "variants" / "v1.yaml").write_text(json.dumps(variant(url)))

    def start(self, *arguments: str, output: Any = subprocess.DEVNULL, **how: Any) -> subprocess.Popen[bytes]:
        """A pytest process with no plugins but this one, and those that the arguments name."""
        environment = {
            **os.environ,
            "BENCHMARK_KEY": "benchmark-key",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        plugins = ["-p", "pytest_genaiops.plugin.hooks", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-q", *plugins, *arguments]
        return subprocess.Popen(command, cwd=self.root, env=environment, stdout=output, stderr=output, **how)

    def run(self, *arguments: str) -> Cost:
        """Run pytest to its end; every test has to pass."""
        with (self.root / "output.txt").open("w+") as output:
            begun = time.perf_counter()
            process = self.start(*arguments, output=output)
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                output.seek(0)
                raise SystemExit(output.read()[-4000:])
        return Cost(wall=wall, cpu=used.ru_utime + used.ru_stime)


@contextmanager
def project(suites: dict[str, str], calls: int, url: str | None = None) -> Iterator[Project]:
    """A new project with so many cases; recorded answers where there is no address to ask at."""
    with tempfile.TemporaryDirectory() as folder:
        dataset: list[dict[str, Any]] = [
            row if url else {**row, "responses": {"v1": row["reference"]}} for row in rows(calls)
        ]
        made = Project(Path(folder), suites if url else _recorded(suites), dataset)
        if url:
            made.ask(url)
        yield made


def _recorded(suites: dict[str, str]) -> dict[str, str]:
    return {name: suite.replace(', variants="variants/v1.yaml"', ', variants="v1"') for name, suite in suites.items()}


def show(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
