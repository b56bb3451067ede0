"""A small project to run pytest in, and how its outcomes are read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

CITIES = {"c1": "Paris", "c2": "Rome", "c3": "Madrid", "c4": "Vienna"}
COUNTRIES = {"c1": "France", "c2": "Italy", "c3": "Spain", "c4": "Austria"}
ROWS = [
    {"id": key, "question": f"What is the capital of {COUNTRIES[key]}?", "reference": city}
    for key, city in CITIES.items()
]

ANSWERS_ALL = "return case.reference"
"""Body of a target that is always right."""

OUTCOME = re.compile(r"(?:\] (?P<early>[A-Z]+) )?(?P<id>\S+\.py::\S+)(?: (?P<late>[A-Z]+))?")

BY_CASE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", {arguments})
    def test_answer(response, exact_match):
        assert exact_match(response) >= 1
"""
"""A suite of one test item per case."""

WHOLE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", {arguments})
    def test_answers(responses, exact_match):
        assert exact_match(responses) >= {threshold}
"""
"""A suite of one test item per variant."""


class Unrecorded:
    """Stands in for pytester's recorder of hook calls, for which every call would have to go through pluggy."""

    ret: int | None = None

    def __init__(self, manager: pytest.PytestPluginManager) -> None:
        """Record nothing."""

    def getcalls(self, names: str | Sequence[str]) -> list[Any]:
        return []


def by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an inner run be nobody's worker, and quick: to load every plugin takes 25 times as long as the run itself."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_XDIST_WORKER", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


class Project:
    """A folder with a dataset, a target and suites, in which pytest is run."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path: Path = pytester.path
        pytester.make_hook_recorder = Unrecorded  # type: ignore[assignment,method-assign]
        self.write("pytest.ini", "[pytest]\n")

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def dataset(self, rows: Sequence[Mapping[str, Any]] = ROWS, name: str = "capitals") -> None:
        self.write(f"datasets/{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def target(self, body: str = ANSWERS_ALL, *, head: str = "def answer(case, variant):", folder: str = ".") -> None:
        """Override ``target`` in a conftest; every call leaves a line in calls.txt."""
        lines = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
        source = (
            "import asyncio, os, pathlib, threading, time\n"
            "import pytest\n\n"
            f'CALLS = pathlib.Path(r"{self.path}") / "calls.txt"\n\n'
            "def note(case, variant):\n"
            '    with CALLS.open("a") as file:\n'
            '        file.write(f"{variant.id} {case.id}\\n")\n\n'
            f"{head}\n    note(case, variant)\n{lines}\n\n"
            '@pytest.fixture(scope="session")\ndef target():\n    return answer\n'
        )
        self.write(f"{folder}/conftest.py", source)

    def suite(self, source: str, name: str = "test_suite.py", **places: Any) -> None:
        self.write(name, dedent(source).format(**places) if places else source)

    def by_case(self, arguments: str = "") -> None:
        self.suite(BY_CASE, arguments=arguments)

    def whole(self, arguments: str = "", threshold: float = 1) -> None:
        self.suite(WHOLE, arguments=arguments, threshold=threshold)

    @property
    def calls(self) -> list[str]:
        """``variant case`` of every call of the target so far, in order."""
        path = self.path / "calls.txt"
        return path.read_text().splitlines() if path.exists() else []

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in this process, with no plugin but ours."""
        return self.pytester.runpytest_inprocess("-p", "genaiops", *arguments)

    def run_apart(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process of its own, with no plugin but ours and those that the arguments load."""
        return self.pytester.runpytest_subprocess("-p", "genaiops", *arguments, timeout=300)

    def ids(self, *arguments: str) -> list[str]:
        """Node ids that are collected, without the file's name."""
        lines = self.run("--collect-only", "-q", *arguments).outlines
        return [line.partition("::")[2] for line in lines if "::" in line]


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Node id (without the file) -> the word that ``pytest -v`` shows for it; of a rerun item, the last."""
    found: dict[str, str] = {}
    for line in result.outlines:
        match = OUTCOME.match(line) or (OUTCOME.search(line) if line.startswith("[gw") else None)
        if match and (match["early"] or match["late"]):
            found[match["id"].partition("::")[2]] = match["early"] or match["late"]
    return found
