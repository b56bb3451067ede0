"""The same tests twice: as the cases of a suite, and as the items of bare ``parametrize``, run by pytest alone.

What stock pytest and other plugins do to the second is what users expect of the first. Tests ask
for ``response`` and ``case``, take their marks from ``world``, and leave notes of what ran there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from inner import ROWS, Unrecorded, outcomes

WORLD = """
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
CITIES = {cities!r}

def note(*words):
    with (HERE / "notes.txt").open("a") as file:
        file.write(" ".join(map(str, words)) + "\\n")

def answer(case, variant):
    wrong = (HERE / "wrong.txt").read_text().split()
    return "London" if case.id in wrong else case.reference
"""

OURS = """
each = pytest.mark.genaiops(dataset="capitals", variants=["v1"])
both = pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"])
"""

OUR_CONFTEST = """
import pytest
from world import answer

@pytest.fixture(scope="session")
def target():
    return answer
"""

BARE = """
from types import SimpleNamespace

CASES = [SimpleNamespace(id=key, reference=city) for key, city in CITIES.items()]

def spread(*variants):
    pairs = [(SimpleNamespace(id=v), case) for v in variants for case in CASES]
    ids = [f"{v.id}-{case.id}" for v, case in pairs]
    return pytest.mark.parametrize(("variant", "case"), pairs, ids=ids, indirect=True)

each = spread("v1")
both = spread("v1", "v2")
"""

BARE_CONFTEST = """
import pytest
from world import SimpleNamespace, answer

@pytest.fixture
def variant(request):
    return request.param

@pytest.fixture
def case(request, variant):
    return request.param

@pytest.fixture
def response(case, variant):
    return SimpleNamespace(text=answer(case, variant))
"""


DIFFERENT = ("rootdir: ", "plugins: ", "cachedir: ", "response = ", "case = ")
"""Starts of lines that differ for good reasons."""


class Twins:
    """Two folders with the same tests: ``ours`` runs them as suites, ``bare`` as parametrized tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        pytester.make_hook_recorder = Unrecorded  # type: ignore[assignment,method-assign]
        self.ours = pytester.path / "ours"
        self.bare = pytester.path / "bare"
        cities = {row["id"]: row["reference"] for row in ROWS}
        self.write("pytest.ini", "[pytest]\n")
        self.wrong()
        for folder, marks, conftest in ((self.ours, OURS, OUR_CONFTEST), (self.bare, BARE, BARE_CONFTEST)):
            (folder / "world.py").write_text(WORLD.format(cities=cities) + marks)
            (folder / "conftest.py").write_text(conftest)
        (self.ours / "datasets").mkdir()
        (self.ours / "datasets/capitals.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))

    def write(self, name: str, text: str) -> None:
        """Write a file into both folders."""
        for folder in (self.ours, self.bare):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")

    def extend_conftest(self, text: str) -> None:
        """Add something to both conftests."""
        for folder in (self.ours, self.bare):
            path = folder / "conftest.py"
            path.write_text(path.read_text() + "\n" + dedent(text))

    def wrong(self, *cases: str) -> None:
        """From now on the system under test answers these cases wrongly."""
        self.write("wrong.txt", " ".join(cases))

    def record(self) -> None:
        """Have the answers on record in the dataset instead of calling anything; before the conftest is extended."""
        wrong = (self.ours / "wrong.txt").read_text().split()
        rows = [{**row, "responses": {"v1": "London" if row["id"] in wrong else row["reference"]}} for row in ROWS]
        (self.ours / "datasets/capitals.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (self.ours / "conftest.py").write_text("import pytest\n")

    def run(self, *arguments: str, below: str = ".", apart: bool = False) -> tuple[Run, Run]:
        """Run pytest in both folders: the suite, and its twin under pytest alone.

        In this process, but for ``apart``; from a folder ``below`` the two.
        """
        before = Path.cwd()
        found = []
        try:
            for folder, plugins in ((self.ours, ("-p", "genaiops")), (self.bare, ())):
                (folder / "notes.txt").write_text("")
                os.chdir(folder / below)
                if apart:
                    result = self.pytester.runpytest_subprocess(*plugins, *arguments, timeout=300)
                else:
                    result = self.pytester.runpytest_inprocess(*plugins, *arguments)
                found.append(Run(result, (folder / "notes.txt").read_text().splitlines()))
        finally:
            os.chdir(before)
        return found[0], found[1]

    def same(self, *arguments: str, below: str = ".", apart: bool = False) -> Run:
        """Run both, and hold the one against the other: outcomes in their order, exit code, counts and notes."""
        ours, bare = self.run("-v", *arguments, below=below, apart=apart)
        assert (list(ours.outcomes.items()), ours.counts, ours.ret, ours.notes) == (
            list(bare.outcomes.items()),
            bare.counts,
            bare.ret,
            bare.notes,
        )
        return ours

    def same_in_turn(self, *runs: Sequence[str]) -> list[Run]:
        """Several runs, one after the other: each may build on what the last one left in the cache."""
        return [self.same(*arguments) for arguments in runs]


class Run:
    """What one run of pytest came to."""

    def __init__(self, result: pytest.RunResult, notes: list[str]) -> None:
        self.result = result
        self.notes = notes
        """What the tests and fixtures noted, in order."""
        self.outcomes = outcomes(result)
        self.ret = result.ret
        self.text = result.stdout.str()

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of pytest's last line; empty where there is none."""
        try:
            return self.result.parseoutcomes()
        except ValueError:
            return {}

    @property
    def printed(self) -> list[str]:
        """What pytest printed, without what differs for good reasons: places, times, reprs, our own summary."""
        lines, inside = [], False
        for line in self.result.outlines:
            inside = "- genaiops -" in line or (inside and not line.startswith("==="))
            if line and not inside and not line.startswith(DIFFERENT):
                shown = re.sub(r"\b(ours|bare)\b", "twin", line).replace("<CaseItem ", "<Function ")
                lines.append(re.sub(r"=+$|\d+\.\d+s|0x[0-9a-f]+", "", shown))
        return lines


PLAIN = """
    from world import each

    @each
    def test_each(response, case):
        assert response.text == case.reference
"""
