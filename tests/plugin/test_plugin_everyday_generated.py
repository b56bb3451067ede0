"""Suites that nobody thought of: fixtures, classes, marks and failures thrown together, held against bare items."""

from __future__ import annotations

import random

import pytest
from twins import Twins

SCOPES = ("session", "package", "module", "class", "function")
BUILTIN = ("case", "response", "tmp_path", "request", "capsys")
MARKS = ("skip", "xfail", "xfail(strict=True)", "usefixtures('tmp_path')")
OPTIONS = (
    [],
    ["-x"],
    ["--maxfail=3"],
    ["-k", "c3 or c1"],
    ["--setup-show"],
    ["-s"],
    ["-W", "error"],
    ["--lf"],
    ["--ff"],
    ["--sw"],
    ["--runxfail"],
    ["-p", "no:cacheprovider", "-p", "no:threadexception", "-p", "no:unraisableexception"],
)


class Module:
    """The source of one random test module."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.lines = ["import warnings", "import pytest", "from world import both, each, note", ""]
        self.scopes: dict[str, str] = {}
        self.by_case: set[str] = set()
        """Fixtures that stand on a case: a plain test cannot have them."""
        for number in range(chance.randint(1, 5)):
            self.fixture(f"f{number}")
        for number in range(chance.randint(1, 4)):
            self.group(number)

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    def fixture(self, name: str) -> None:
        scope = self.chance.choice(SCOPES)
        wider = SCOPES[: SCOPES.index(scope) + 1]
        needs = [known for known, its in self.scopes.items() if its in wider and self.often(0.4)]
        if scope == "function" and self.often(0.4):
            needs.append(self.chance.choice(BUILTIN))
        if self.by_case.union(BUILTIN[:2]).intersection(needs):
            self.by_case.add(name)
        always = name not in self.by_case and self.often(0.25)
        self.lines += [f"@pytest.fixture(scope={scope!r}, autouse={always})", f"def {name}({', '.join(needs)}):"]
        self.lines.append(f"    note('+ {name}')")
        if self.often(0.2):
            self.lines.append(self.chance.choice(["    raise OSError('setup')", "    pytest.skip('setup')"]))
        self.lines.append("    yield 1")
        self.lines.append(f"    note('- {name}')")
        if self.often(0.15):
            self.lines.append("    raise OSError('teardown')")
        self.scopes[name] = scope

    def group(self, number: int) -> None:
        """A function, or a class with some methods."""
        if not self.often(0.35):
            self.test(f"test_{number}", "", "")
            return
        self.lines.append(f"class TestClass{number}:")
        if self.often(0.5):
            self.lines += ["    def setup_method(self):", "        note('setup_method')"]
        if self.often(0.5):
            self.lines += ["    @classmethod", "    def teardown_class(cls):", "        note('teardown_class')"]
        for method in range(self.chance.randint(1, 3)):
            self.test(f"test_{number}_{method}", "    ", "self, ")

    def test(self, name: str, indent: str, first: str) -> None:
        suite = self.chance.choice(["each", "each", "both", ""])
        wants = [each for each in self.scopes if self.often(0.4) and (suite or each not in self.by_case)]
        wants += ["case", "response"] if suite else []
        self.chance.shuffle(wants)
        lines = [f"@pytest.mark.{self.chance.choice(MARKS)}"] if self.often(0.12) else []
        lines += [f"@{suite}"] if suite else []
        lines += [f"def {name}({first}{', '.join(wants)}):", f"    note('{name}'{', case.id' if suite else ''})"]
        what = self.chance.choice(["raise ValueError('x')", "pytest.skip('x')", "warnings.warn('x')", "pass", "pass"])
        lines += ["    if case.id == 'c3':" if suite else "    if True:", f"        {what}"]
        lines += ["    assert response.text == case.reference"] if suite else []
        self.lines += [indent + line for line in lines]


@pytest.mark.parametrize("seed", range(14))
def test_a_random_project_behaves_as_its_twin(twins: Twins, seed: int) -> None:
    chance = random.Random(seed)
    for name in ("test_suite.py", "sub/test_more.py"):
        twins.write(name, "\n".join(Module(chance).lines))
    twins.wrong(*chance.sample(["c1", "c2", "c3", "c4"], chance.randint(0, 2)))
    for options in chance.sample(OPTIONS, 2):
        assert twins.same(*options).counts
