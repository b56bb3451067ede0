"""What ``genaiops init`` writes runs green at once, wherever that is, and its gate closes when answers get worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from inner import Project, by_itself, outcomes

from pytest_genaiops.cli import main

SUITE = "eval_suites/test_support_answers.py"


@pytest.fixture
def empty(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    by_itself(monkeypatch)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    made = Project(pytester)
    (made.path / "pytest.ini").unlink()
    return made


def layouts() -> Iterator[Any]:
    yield pytest.param({}, "eval_suites", id="empty")
    yield pytest.param({}, SUITE, id="one-file")
    shop = {
        "pyproject.toml": """
            [project]
            name = "shop"
            [tool.pytest.ini_options]
            testpaths = ["tests"]
            pythonpath = ["src"]
            addopts = ["--strict-markers", "--strict-config", "--import-mode=importlib"]
            filterwarnings = ["error"]
        """,
        "src/shop/__init__.py": "NAME = 'shop'\n",
        "tests/test_shop.py": "from shop import NAME\n\ndef test_name(name):\n    assert name == NAME\n",
        "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef name():\n    return 'shop'\n",
        "conftest.py": "import pytest\n\n@pytest.fixture(autouse=True)\ndef everywhere():\n    yield\n",
    }
    yield pytest.param(shop, "eval_suites", id="src-layout")
    flat = {
        "setup.py": "",
        "shop.py": "NAME = 'shop'\n",
        "tests/__init__.py": "",
        "tests/test_support_answers.py": "def test_of_the_same_file_name():\n    pass\n",
    }
    yield pytest.param(flat, ".", id="flat-layout")


@pytest.mark.parametrize(("files", "what"), list(layouts()))
def test_it_runs_green_at_once(empty: Project, files: dict[str, str], what: str) -> None:
    for name, text in files.items():
        empty.write(name, text)
    assert main(["init"]) == 0
    result = empty.run_apart(what)  # a package called tests has been imported by this process
    assert result.ret == 0
    # Two prompts: a test each; 24 rows each, and the gate over them.
    assert result.parseoutcomes()["passed"] == 2 + 2 * 25 + (what == ".")
    assert "friendly passed: groundedness change" in result.stdout.str()


def test_from_the_folder_of_the_suites(empty: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["init"])
    monkeypatch.chdir(empty.path / "eval_suites")
    assert empty.run().ret == 0


def test_the_users_own_tests_go_on(empty: Project) -> None:
    empty.write("tests/test_shop.py", "def test_shop():\n    pass\n")
    main(["init"])
    assert empty.run("tests").parseoutcomes() == {"passed": 1}
    assert empty.run().parseoutcomes() == {"passed": 53}


def test_a_spoilt_answer_closes_the_gate(empty: Project) -> None:
    main(["init"])
    data = empty.path / "datasets" / "support.jsonl"
    told = "The warranty covers the motor for two years, but batteries are not covered."
    assert told in data.read_text()
    data.write_text(data.read_text().replace(told, "Our lifetime warranty covers everything, accidents included."))
    result = empty.run("-v", "eval_suites")
    found = outcomes(result)
    assert result.ret == 1
    assert found["test_answers_are_grounded[friendly]"] == "FAILED"
    assert found["test_answers_are_grounded[plain]"] == "PASSED"
    assert found["test_answer_names_the_fact[friendly-warranty]"] == "MISS"
    assert found["test_answer_names_the_fact[friendly-pass_rate]"] == "PASSED"
    assert "not in the contexts: lifetime" in result.stdout.str()


def test_the_second_step_asks_the_models_that_the_prompts_name(empty: Project) -> None:
    main(["init"])
    suite = empty.path / SUITE
    suite.write_text(suite.read_text().replace('["plain", "friendly"]', '"variants/support/*.yaml"'))
    result = empty.run("eval_suites", "-k", "grounded")
    assert result.ret != 0
    assert "the environment variable 'OPENAI_API_KEY'" in result.stdout.str()


def test_the_second_step_with_code_of_ones_own(empty: Project) -> None:
    main(["init"])
    empty.target("return case.contexts[0]", folder="eval_suites")
    result = empty.run("eval_suites", "-k", "grounded")
    assert result.parseoutcomes()["passed"] == 2
    assert len(empty.calls) == 48
