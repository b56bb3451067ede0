"""What a session tells others when it ends: files, GitHub's summary and annotations."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inner import Project
from report_help import COMPARED, HOSTILE, ONE_WRONG

import pytest_genaiops.report.html
import pytest_genaiops.report.markdown
import pytest_genaiops.runs  # noqa: F401 - inner runs forget what they import
from pytest_genaiops.plugin.annotations import command
from pytest_genaiops.report.text import visible

UNAVAILABLE = 69


@pytest.fixture
def compared(project: Project) -> Project:
    project.target(ONE_WRONG)
    project.suite(COMPARED)
    return project


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


class TestFiles:
    def test_each_as_its_name_ends_with_folders_made(self, compared: Project) -> None:
        names = ["out/new/report.html", "report.md", "report.json"]
        result = compared.run(*(f"--genaiops-report={name}" for name in names))
        result.stdout.fnmatch_lines([f"report: {name}" for name in names])
        assert read(compared.path / names[0]).lower().startswith("<!doctype html>")
        assert read(compared.path / names[1]).startswith("## ⚠️ genaiops: undecided")
        made = json.loads(read(compared.path / names[2]))
        assert made["run"]["exit"] == result.ret == pytest.ExitCode.TESTS_FAILED
        (suite,) = made["suites"]
        assert [(each["variant"], each["outcome"]) for each in suite["verdicts"]] == [
            ("v1", "passed"), ("v2", "undecided"),
        ]  # fmt: skip
        assert len(suite["cases"]) == 4

    def test_a_score_of_values_that_name_no_case_has_its_number(self, project: Project) -> None:
        project.target()
        project.suite("""
            import pytest
            from pytest_genaiops import Score

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_tone(responses):
                assert Score.of([0.9, 0.8, 0.9, 0.8], name="tone").at_least(0.1)
        """)
        project.run("--genaiops-report=report.json")
        (suite,) = json.loads(read(project.path / "report.json"))["suites"]
        (score,) = suite["scores"]
        assert (score["metric"], score["n"], score["unscored"], score["reasons"]) == ("tone", 4, 0, {})
        assert score["value"] == pytest.approx(0.85)
        assert score["interval"] == pytest.approx(suite["verdicts"][0]["interval"])
        assert suite["notes"] == [
            "tone: there are no scores that compare, because its values do not say which case they are of; "
            "Score.of(…, ids=[…]) tells"
        ]

    def test_configured(self, compared: Project) -> None:
        compared.write("pytest.ini", "[pytest]\ngenaiops_report =\n    reports/run.md\n    reports/run.json\n")
        compared.run()
        assert sorted(each.name for each in (compared.path / "reports").iterdir()) == ["run.json", "run.md"]

    def test_without_a_record(self, compared: Project) -> None:
        compared.run("--genaiops-record=off", "--genaiops-report=report.md")
        assert "| `exact_match`" in read(compared.path / "report.md")
        assert not (compared.path / ".genaiops" / "record.sqlite").exists()

    def test_of_workers_once(self, compared: Project) -> None:
        pytest.importorskip("xdist")
        result = compared.run_apart("-p", "xdist", "-n2", "--genaiops-report=report.json")
        assert result.stdout.str().count("report: report.json") == 1
        (suite,) = json.loads(read(compared.path / "report.json"))["suites"]
        assert [each["variant"] for each in suite["verdicts"]] == ["v1", "v2"]

    def test_of_what_ran_before_an_interruption(self, compared: Project) -> None:
        compared.write("test_zz.py", "def test_stop():\n    raise KeyboardInterrupt\n")
        assert compared.run("--genaiops-report=report.json").ret == pytest.ExitCode.INTERRUPTED
        made = json.loads(read(compared.path / "report.json"))
        assert made["run"]["exit"] == 2
        assert len(made["suites"][0]["verdicts"]) == 2

    def test_where_the_record_cannot_be_written(self, compared: Project) -> None:
        (compared.path / ".genaiops").write_text("a file", encoding="utf-8")
        result = compared.run("--genaiops-report=report.md")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(["record: .genaiops/record.sqlite cannot be written*", "report: report.md"])
        assert read(compared.path / "report.md").startswith("## ⚠️ genaiops: undecided")

    def test_none_where_no_suite_ran(self, project: Project) -> None:
        project.write("test_plain.py", "def test_plain():\n    pass\n")
        result = project.run("--genaiops-report=report.md")
        assert result.ret == pytest.ExitCode.OK
        assert not (project.path / "report.md").exists()

    def test_nothing_is_loaded_where_nobody_asked(self, project: Project) -> None:
        project.whole('variants=["v1"]')
        with (project.path / "conftest.py").open("a", encoding="utf-8") as file:
            file.write(
                "\nimport sys\n"
                "def pytest_unconfigure():\n"
                "    names = ('runs', 'report.html', 'report.markdown', 'adapters')\n"
                "    found = [name for name in names if f'pytest_genaiops.{name}' in sys.modules]\n"
                "    pathlib.Path('loaded.txt').write_text(' '.join(found))\n"
            )
        assert project.run_apart().ret == pytest.ExitCode.OK
        assert read(project.path / "loaded.txt") == ""

    def test_hostile_answers_harm_no_report(self, project: Project) -> None:
        project.target(f"return {HOSTILE!r}")
        project.whole('variants=["v1"]')
        names = ["report.html", "report.md", "report.json"]
        result = project.run(*(f"--genaiops-report={name}" for name in names))
        result.stdout.fnmatch_lines([f"report: {name}" for name in names])
        made = json.loads(read(project.path / "report.json"))
        assert made["suites"][0]["cases"][0]["answers"][0]["text"] == HOSTILE


class TestAPathThatCannotBeWritten:
    def test_is_one_sentence_and_an_exit_code(self, project: Project) -> None:
        project.whole('variants=["v1"]')
        project.write("taken", "")
        result = project.run("--genaiops-report=taken/report.html", "--genaiops-report=report.json")
        assert result.ret == UNAVAILABLE
        result.assert_outcomes(passed=1)
        result.stdout.re_match_lines(
            [r"the report taken/report.html cannot be written: (File exists|Not a directory)$"]
        )
        assert "Traceback" not in result.stdout.str() + result.stderr.str()
        result.stdout.fnmatch_lines(["report: report.json"])

    def test_is_what_the_record_says_of_the_end(self, project: Project) -> None:
        project.whole('variants=["v1"]')
        project.write("taken", "")
        project.run("--genaiops-report=taken/report.html")
        project.run("--genaiops-report=taken/report.html")
        from pytest_genaiops.runs import Run

        assert Run.open(root=project.path).document().run.exit == UNAVAILABLE

    def test_does_not_hide_a_failure(self, compared: Project) -> None:
        compared.write("taken", "")
        assert compared.run("--genaiops-report=taken/report.md").ret == pytest.ExitCode.TESTS_FAILED

    def test_that_is_a_folder(self, project: Project) -> None:
        project.whole('variants=["v1"]')
        (project.path / "report.md").mkdir()
        result = project.run("--genaiops-report=report.md")
        assert result.ret == UNAVAILABLE
        result.stdout.fnmatch_lines(["the report report.md cannot be written: Is a directory"])


class TestGitHubsSummary:
    def test_is_appended_to(self, compared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        file = compared.path / "summary.md"
        file.write_text("# before\n", encoding="utf-8")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
        compared.run()
        assert read(file).startswith("# before\n## ⚠️ genaiops: undecided")

    def test_is_left_alone_where_no_suite_ran(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        project.write("test_plain.py", "def test_plain():\n    pass\n")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
        project.run()
        assert not (project.path / "summary.md").exists()

    def test_that_cannot_be_written_is_one_sentence(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        project.whole('variants=["v1"]')
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path))
        result = project.run()
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines(["the summary in GITHUB_STEP_SUMMARY cannot be written: Is a directory"])


class TestMLflow:
    def test_that_is_not_installed_is_one_sentence(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "mlflow", None)
        project.whole('variants=["v1"]')
        result = project.run("--genaiops-mlflow=http://127.0.0.1:9")
        assert result.ret == pytest.ExitCode.OK
        (said,) = (line for line in result.outlines if line.startswith("MLflow: "))
        assert "genaiops mlflow push" in said
        assert "Traceback" not in result.stdout.str() + result.stderr.str()


def annotations(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("::")]


class TestAnnotations:
    @pytest.fixture(autouse=True)
    def on_github(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")

    def test_a_failed_gate_on_the_line_of_its_assertion(self, project: Project) -> None:
        project.target("return 'London'")
        project.whole('variants=["v1"]')
        assert annotations(project.run()) == [
            "::error file=test_suite.py,line=6,title=failed%3A test_answers[v1]::"
            "AssertionError: assert exact_match = 0.0000 (n=4, scale 0-1) >= 1%0A"
            "  worst cases:%0A    c1: 0.0000  'London'%0A    c2: 0.0000  'London'%0A    c3: 0.0000  'London'%0A"
            "    c4: 0.0000  'London'%0A  signature: exact_match|data:" + signature(project)
        ]

    def test_an_undecided_verdict(self, compared: Project) -> None:
        (line,) = annotations(compared.run())
        assert line.startswith(
            "::error file=test_suite.py,line=6,title=undecided%3A test_answers[v2]::exact_match change -0.25, 95 %25"
        )

    def test_an_undecided_verdict_that_only_warns(self, compared: Project) -> None:
        (line,) = annotations(compared.run("--genaiops-undecided=warn"))
        assert line.startswith("::warning file=test_suite.py,line=4,title=undecided%3A test_answers[v2]::exact_match")

    def test_what_has_no_result(self, project: Project) -> None:
        project.target("raise ConnectionError('no route')")
        project.whole('variants=["v1"]')
        (line,) = annotations(project.run())
        assert line.startswith("::error file=test_suite.py,line=6,title=no result%3A test_answers[v1]::")

    def test_cases_of_one_variant_share_one(self, project: Project) -> None:
        project.target("return 'London'")
        project.by_case('variants=["v1", "v2"]')
        first, second = annotations(project.run())
        assert first.startswith("::error file=test_suite.py,line=6,title=failed%3A test_answer[v1-c1]::")
        assert first.endswith("(and 3 more cases)")
        assert "test_answer[v2-c1]" in second

    def test_a_missed_budget(self, project: Project) -> None:
        project.target("return 'London'")
        project.by_case('variants=["v1"], pass_rate=0.9')
        (line,) = annotations(project.run())
        assert line.startswith(
            "::error file=test_suite.py,line=4,title=failed%3A test_answer[v1-pass_rate]::0 of 4 cases passed (0.0%25"
        )

    def test_never_more_than_ten_of_a_kind(self, project: Project) -> None:
        project.target("return 'London'")
        project.whole(f"variants={[f'v{number}' for number in range(14)]!r}")
        lines = annotations(project.run())
        assert len(lines) == 10
        assert lines[-1] == "::error title=genaiops::5 more like these; see the summary"

    def test_of_workers_once(self, compared: Project) -> None:
        pytest.importorskip("xdist")
        (line,) = annotations(compared.run_apart("-p", "xdist", "-n2"))
        assert line.startswith("::error file=test_suite.py,line=6,title=undecided%3A test_answers[v2]::")

    def test_paths_are_those_of_the_repository(self, compared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_WORKSPACE", str(compared.path.parent))
        (line,) = annotations(compared.run())
        assert line.startswith(f"::error file={compared.path.name}/test_suite.py,line=6,")

    def test_a_plugin_that_does_so_too_is_not_repeated(self, compared: Project) -> None:
        compared.write("conftest_other.py", "")
        with (compared.path / "conftest.py").open("a", encoding="utf-8") as file:
            file.write(
                "\nclass Other: pass\n"
                "def pytest_configure(config):\n"
                "    config.pluginmanager.register(Other(), 'pytest_github_actions_annotate_failures')\n"
            )
        assert annotations(compared.run()) == []

    def test_nothing_elsewhere(self, compared: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("GITHUB_ACTIONS")
        assert annotations(compared.run()) == []

    def test_passed_tests_and_those_of_others_are_none_of_its_business(self, project: Project) -> None:
        project.whole('variants=["v1"]')
        project.write("test_plain.py", "def test_plain():\n    assert False\n")
        assert annotations(project.run()) == []

    def test_hostile_texts_stay_in_their_line(self, project: Project) -> None:
        project.dataset([{"id": "c,1:::error::%0A\r\n::warning::", "reference": "yes"}])
        project.target(f"return {HOSTILE!r}")
        project.by_case('variants=["v1"]')
        (line,) = annotations(project.run())
        head, _, text = line.removeprefix("::error ").partition("::")
        assert re.fullmatch(r"file=test_suite\.py,line=6,title=[^,:\r\n]*", head)
        assert not re.search(r"[\x00-\x1f\u202e\ud800]|%(?!25|0A|0D|3A|2C)", line)
        assert "AssertionError" in text


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_a_command_is_one_line_that_github_reads_back(text: str, title: str, file: str) -> None:
    """By the rules of GitHub's toolkit: `,` and `:` part properties, `::` ends them, `%` begins an escape."""
    line = command("error", text, title=title, file=file, line=3)
    assert line == visible(line)  # no line end, no escape code, nothing that turns the text round
    head, given, data = re.fullmatch(r"::(error) ([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
    found = {name: unescaped(value) for name, _, value in (part.partition("=") for part in given.split(","))}
    assert head == "error"
    assert found.get("title", "") == visible(" ".join(title.split()))
    assert found.get("file", "") == visible(file)
    assert unescaped(data) == "\n".join(map(visible, text.splitlines()))


def unescaped(text: str) -> str:
    for escape, char in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def signature(project: Project) -> str:
    from pytest_genaiops import dataset

    return dataset.load(project.path / "datasets" / "capitals.jsonl").hash[:12]
