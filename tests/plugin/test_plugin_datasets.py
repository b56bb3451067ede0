"""Where a suite's cases may come from: a fixture of the user's, an object in the marker, packed files and folders."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd  # noqa: F401, TID253
import pytest
from inner import ROWS, Project, outcomes

# Imported here so that inner runs find them: see conftest.py.
import datasets as hub  # noqa: F401, TID253

SUITE = """
    import pytest

    @pytest.mark.genaiops
    def test_whole(responses, exact_match):
        assert exact_match(responses) >= 1

    @pytest.mark.genaiops(variants=["v1"], pass_rate=1.0)
    def test_case(response, exact_match):
        assert exact_match(response) >= 1
"""
IDS = ["test_whole[default]"] + [f"test_case[v1-{case}]" for case in ("c1", "c2", "c3", "c4", "pass_rate")]

FIXTURE = """

@pytest.fixture(scope="session")
def dataset({needs}):
    {imports}
    with open("log.txt", "a") as log:
        log.write("up ")
    rows = json.loads('''{rows}''')
    yield {value}
    with open("log.txt", "a") as log:
        log.write("down ")
"""


def hand_in(project: Project, value: str, *, needs: str = "", folder: str = ".") -> None:
    """A conftest with the fixture ``dataset``, beside the target."""
    project.target(folder=folder)
    packages = {"hub.": "datasets as hub", "pd.": "pandas as pd", "pytest_genaiops.": "pytest_genaiops.dataset"}
    imports = ", ".join(["import json", *(package for name, package in packages.items() if name in value)])
    conftest = project.path / folder / "conftest.py"
    source = FIXTURE.format(rows=json.dumps(ROWS), value=value, needs=needs, imports=imports)
    conftest.write_text(conftest.read_text() + source)


@pytest.fixture
def suite(project: Project) -> Project:
    project.suite(SUITE)
    return project


@pytest.mark.parametrize(
    "value",
    [
        "pd.DataFrame(rows)",
        "hub.Dataset.from_list(rows)",
        "hub.Dataset.from_list(rows).to_iterable_dataset()",
        "rows",
        "pytest_genaiops.dataset.from_rows(rows)",
        "'capitals'",
        "request.config.rootpath / 'datasets/capitals.jsonl'",
    ],
)
def test_what_the_fixture_may_return(suite: Project, value: str) -> None:
    hand_in(suite, value, needs="request")
    result = suite.run("-v")
    assert outcomes(result) == dict.fromkeys(IDS, "PASSED")
    assert (suite.path / "log.txt").read_text() == "up down "
    assert suite.ids() == IDS
    assert (suite.path / "log.txt").read_text() == "up down up down "


@pytest.mark.parametrize("arguments", [["-k", "nothing"], ["--setup-plan"], ["--setup-show"], ["--fixtures-per-test"]])
def test_it_is_torn_down_whatever_runs(suite: Project, arguments: list[str]) -> None:
    hand_in(suite, "rows")
    assert not {"errors", "failed", "warnings"} & suite.run("-W", "error", *arguments).parseoutcomes().keys()
    assert (suite.path / "log.txt").read_text() == "up down "


def test_it_is_a_fixture_like_any_other(project: Project) -> None:
    """It may ask for other fixtures, the test may ask for it, and a closer conftest overrides it."""
    hand_in(project, "pd.DataFrame(rows).assign(folder=str(tmp_path_factory.getbasetemp()))", needs="tmp_path_factory")
    hand_in(project, "dataset.iloc[:2]", needs="dataset", folder="few")
    suite = """
        import pytest

        @pytest.mark.genaiops
        class TestHere:
            def test_case(self, response, case, dataset, tmp_path_factory):
                assert len(dataset) == {count}
                assert case.inputs["folder"] == str(tmp_path_factory.getbasetemp())
    """
    project.suite(suite, name="test_all.py", count=4)
    project.suite(suite, name="few/test_few.py", count=2)
    result = project.run("-v")
    result.assert_outcomes(passed=6)
    assert {name for name in outcomes(result) if name.startswith("TestHere")} == {
        f"TestHere::test_case[default-c{number}]" for number in range(1, 5)
    }
    assert (project.path / "log.txt").read_text() == "up up down down "


@pytest.mark.parametrize("mode", ["load", "loadfile", "worksteal"])
def test_every_worker_asks_for_it(suite: Project, mode: str) -> None:
    hand_in(suite, "rows")
    result = suite.run_apart("-v", "-p", "xdist", "-n", "2", "--dist", mode)
    assert outcomes(result) == dict.fromkeys(IDS, "PASSED")
    assert (suite.path / "log.txt").read_text().split().count("down") == 2


FAULTS = {
    "raises": ("1 / 0  # ", "raised ZeroDivisionError: division by zero"),
    "fails": ("pytest.fail('no data')", "raised Failed: no data"),
    "skips": ("pytest.skip('no data')", "raised Skipped: no data"),
    "exits": ("exit(0)", "raised SystemExit: 0"),
    "nothing": ("None", "dataset=None: give a name, a path, a list of rows"),
    "a number": ("42", "dataset=42: give a name, a path, a list of rows"),
    "no rows": ("[]", "dataset: the dataset has no rows"),
    "a row that is wrong": ("[*rows, {'id': 'c1'}]", "dataset:5: id 'c1' is already the id of dataset:1"),
    "a value that is wrong": ("pd.DataFrame({'id': ['a'], 'x': [b'y']})", "dataset:1: column 'x' holds b'y'"),
    "splits": ("hub.DatasetDict({'dev': hub.Dataset.from_list(rows)})", "a DatasetDict of the splits 'dev'"),
    "a name that is not there": ("'capitls'", "dataset 'capitls' was not found (did you mean 'capitals'?)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_one_sentence_and_stops_nobody_else(suite: Project, fault: str) -> None:
    value, sentence = FAULTS[fault]
    hand_in(suite, value)
    suite.write("test_other.py", "def test_other():\n    pass\n")
    result = suite.run("-v")
    assert outcomes(result)["test_other"] == "PASSED"
    result.assert_outcomes(passed=1, errors=2)
    line = (suite.path / "conftest.py").read_text().splitlines().index('@pytest.fixture(scope="session")', 15) + 1
    output = result.stdout.str()
    assert f"test_suite.py:4: test_whole: the fixture `dataset` (conftest.py:{line})" in output
    assert sentence in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("@pytest.fixture\ndef dataset():", "is function-scoped, but is asked for before any test runs; write @pytest"),
        ('@pytest.fixture(scope="module")\ndef dataset():', "is module-scoped"),
        (
            '@pytest.fixture(scope="session", params=[1, 2])\ndef dataset(request):',
            "is parametrized; write one fixture",
        ),
        ('@pytest.fixture(scope="session")\ndef dataset(nobody):', "asks for a fixture 'nobody', which there is not"),
        (
            '@pytest.fixture(scope="session")\ndef dataset(tmp_path):',
            "raised Failed: ScopeMismatch: You tried to",
        ),
    ],
)
def test_fixtures_that_cannot_be_asked_in_time(suite: Project, head: str, sentence: str) -> None:
    suite.write("conftest.py", f"import pytest\n\n{head}\n    return [{{'id': 'a'}}]\n")
    result = suite.run()
    result.assert_outcomes(errors=2)
    assert f"the fixture `dataset` (conftest.py:3) {sentence}" in result.stdout.str()


@pytest.mark.parametrize("stop", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_a_session_can_still_be_stopped(suite: Project, stop: str) -> None:
    suite.write("conftest.py", f"import pytest\n\n@pytest.fixture(scope='session')\ndef dataset():\n    {stop}\n")
    assert suite.run_apart().ret == pytest.ExitCode.INTERRUPTED


def test_the_marker_comes_first(project: Project) -> None:
    hand_in(project, "1 / 0")
    project.by_case()
    project.run().assert_outcomes(passed=4)


def test_neither_marker_nor_fixture(suite: Project) -> None:
    result = suite.run()
    result.assert_outcomes(errors=2)
    assert "or write a session-scoped fixture `dataset`" in result.stdout.str()


@pytest.mark.parametrize("value", ["pd.DataFrame(ROWS)", "ROWS", "hub.Dataset.from_list(ROWS)"])
def test_an_object_in_the_marker(project: Project, value: str) -> None:
    project.write(
        "test_suite.py",
        f"""
import pytest, datasets as hub, pandas as pd

ROWS = {ROWS!r}
DATA = {value}

@pytest.mark.genaiops(dataset=DATA, variants=["v1"])
def test_case(response, exact_match):
    assert exact_match(response) >= 1

@pytest.mark.genaiops(dataset=DATA, variants=["v1"])
@pytest.mark.parametrize("threshold", [0.5, 1])
def test_whole(responses, exact_match, threshold):
    assert exact_match(responses) >= threshold
""",
    )
    project.run().assert_outcomes(passed=6)
    assert len(project.calls) == 4


def test_rows_in_the_marker_that_fail_stop_only_their_test(project: Project) -> None:
    project.write(
        "test_suite.py",
        f"""
import pytest

class Rows(list):
    def __iter__(self):
        raise ConnectionError("no route")

@pytest.mark.genaiops(dataset=Rows())
def test_fails(responses, exact_match):
    assert exact_match(responses) >= 1

@pytest.mark.genaiops(dataset={ROWS!r})
def test_runs(responses, exact_match):
    assert exact_match(responses) >= 1
""",
    )
    result = project.run("-v")
    result.assert_outcomes(passed=1, errors=1)
    assert "the rows of dataset= cannot be read, they raised ConnectionError: no route" in result.stdout.str()


def test_different_data_share_no_table(project: Project) -> None:
    project.write(
        "test_suite.py",
        f"""
import pytest

@pytest.mark.genaiops(dataset={ROWS[:2]!r}, variants=["v1"])
def test_two(responses, exact_match):
    assert exact_match(responses) >= 1

@pytest.mark.genaiops(dataset={ROWS[1:]!r}, variants=["v2"])
def test_three(responses, exact_match):
    assert exact_match(responses) >= 1
""",
    )
    text = project.run().stdout.str()
    assert "test_suite.py  rows, 2 cases\n" in text
    assert "test_suite.py  rows, 3 cases\n" in text


@pytest.mark.parametrize("name", ["packed", "packed.csv.gz", "parts", "parts/", "datasets/parts"])
def test_packed_files_and_folders(project: Project, name: str) -> None:
    rows = [f"{row['id']},{row['question']},{row['reference']}\n" for row in ROWS]
    (project.path / "datasets/packed.csv.gz").write_bytes(
        gzip.compress(("id,question,reference\n" + "".join(rows)).encode())
    )
    for number, row in enumerate(ROWS):
        project.write(f"datasets/parts/{number}.jsonl", json.dumps(row))
    project.write(
        "test_suite.py",
        f"""
import pytest

@pytest.mark.genaiops(dataset="{name}")
def test_case(response, exact_match):
    assert exact_match(response) >= 1
""",
    )
    assert project.ids() == [f"test_case[default-c{number}]" for number in range(1, 5)]
    project.run().assert_outcomes(passed=4)


def test_a_link_out_of_the_project(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "rows.jsonl"
    outside.write_text('{"id": "a"}')
    Path(project.path / "datasets/capitals.jsonl").unlink()
    Path(project.path / "datasets/capitals.jsonl").symlink_to(outside)
    project.by_case()
    result = project.run()
    result.assert_outcomes(errors=1)
    assert f"datasets/capitals.jsonl: this is a symbolic link out of the project, to {outside}" in result.stdout.str()
