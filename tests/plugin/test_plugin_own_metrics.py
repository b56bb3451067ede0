"""Metrics of one's own: brought by a hook or an entry point, handed out as fixtures, known by name."""

from __future__ import annotations

from textwrap import dedent

import pytest
from inner import Project, outcomes

from pytest_genaiops.registry import metric_names

HOOK = """

from pytest_genaiops import metric

@metric(scale=(0, 100))
def length(response, case):
    return len(response.text)

@metric
async def short(response, case):
    return len(response.text) < 6

def pytest_genaiops_metrics():
    return [length, short]
"""

BY_NAME = """
    import pytest
    from pytest_genaiops import evaluate, metric

    def test_alone(length):
        assert length(["ab", "abcd"]) == 3
        assert metric("length")("abc") == 3
        rows = [{"id": 1, "input": "q", "responses": {"v": "abc"}}]
        assert evaluate(rows, metrics=["length", "short"]).score("short", "v") == 1

    @pytest.mark.genaiops(dataset="capitals")
    def test_whole(responses, length, short):
        assert length(responses) == 5.25
        assert short(responses) == 0.5

    @pytest.mark.genaiops(dataset="capitals")
    def test_case(response, length):
        assert length(response) <= 5
"""


@pytest.fixture
def own(project: Project) -> Project:
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + HOOK)
    project.suite(dedent(BY_NAME))
    return project


def test_a_hook_makes_a_metric_a_fixture_and_known_by_name(own: Project) -> None:
    result = own.run("-v")
    found = outcomes(result)
    assert found.pop("test_case[default-c3]") == "FAILED"  # Madrid
    assert found.pop("test_case[default-c4]") == "FAILED"  # Vienna
    assert set(found.values()) == {"PASSED"}
    result.stdout.fnmatch_lines(["*length = 6.00* (n=1, scale 0-100) <= 5*"])
    assert len(own.calls) == 4


def test_nothing_is_left_of_it_when_the_session_has_ended(own: Project) -> None:
    own.run("-k", "alone")
    assert not {"length", "short"} & set(metric_names())


def test_workers_have_it_too(own: Project) -> None:
    pytest.importorskip("xdist")
    own.run_apart("-p", "xdist", "-n", "2", "-k", "alone or whole").assert_outcomes(passed=2)


def test_a_conftest_of_a_folder_may_bring_one(project: Project) -> None:
    project.write("inside/conftest.py", HOOK)
    project.write("inside/test_it.py", "def test_it(length):\n    assert length('abc') == 3\n")
    project.run().assert_outcomes(passed=1)


def test_a_users_fixture_of_that_name_comes_first(own: Project) -> None:
    own.write("test_suite.py", "import pytest\n@pytest.fixture\ndef length():\n    return 7\n"
              "def test_it(length):\n    assert length == 7\n")  # fmt: skip
    own.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("[7]", "int is no metric; give what @metric made, or a class on metrics.base.Metric"),
        ("['bleu']", "str is no metric"),
        ("length", "pytest_genaiops_metrics() gave MetricHandle; return a list of what @metric made"),
        ("[metric(length.metric.function, name='bleu')]", "the name 'bleu' is taken by this package"),
        ("[length, metric(lambda r, c: 1, name='length')]", "two metrics are called 'length'"),
        ("[int]", "the class int is no metric; derive it from pytest_genaiops.metrics.base.Metric"),
    ],
)
def test_what_is_no_metric_is_a_usage_error_in_one_sentence(own: Project, returned: str, said: str) -> None:
    conftest = own.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("return [length, short]", f"return {returned}"))
    result = own.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_wrong_return_type_is_the_tests_error_in_one_sentence(project: Project) -> None:
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + HOOK.replace("return len(response.text)", "return response.text"))
    project.write("test_it.py", "def test_it(length):\n    assert length('abc') == 3\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*MetricError: length gave str; return a number, a bool, or None*"])


def test_another_package_registers_one_by_an_entry_point(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("tones.py", HOOK.partition("def pytest_genaiops_metrics")[0])
    project.write("tones-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tones\nVersion: 1.0\n")
    project.write("tones-1.0.dist-info/entry_points.txt", "[pytest_genaiops.metrics]\nlength = tones:length\n")
    project.suite(
        "import pytest\n"
        "def test_alone(length):\n    assert length(['ab', 'abcd']) == 3\n"
        "@pytest.mark.genaiops(dataset='capitals')\n"
        "def test_whole(responses, length):\n    assert length(responses) == 5.25\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(project.path))
    result = project.run_apart()
    result.assert_outcomes(passed=2)


def test_a_fixture_that_nobody_has_is_pytests_own_error(project: Project) -> None:
    project.write("test_it.py", "def test_it(lenght):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'lenght' not found*"])


def test_the_command_lists_what_the_conftest_brings(
    own: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pytest_genaiops.cli import main

    monkeypatch.chdir(own.path)
    assert main(["metrics", "list"]) == 0
    assert "length" in capsys.readouterr().out
    assert main(["metrics", "show", "length"]) == 0
    assert "0-100" in capsys.readouterr().out
    (own.path / "conftest.py").write_text("def pytest_genaiops_metrics(): return [1]\n")
    assert main(["metrics", "list"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("metrics of conftest.py cannot be loaded: MetricError: int is no metric")
    assert not {"length", "short"} & set(metric_names())
