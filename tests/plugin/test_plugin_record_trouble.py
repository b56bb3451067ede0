"""The record under workers, two sessions at once, kills and full disks."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from inner import Project, outcomes
from test_plugin_record import EACH, FAILING, WHOLE, ids, rows, stored

from pytest_genaiops.store import NAME
from pytest_genaiops.store.file import VERSION

MANY = [{"id": f"c{i:03}", "question": f"question {i}", "reference": f"answer {i}"} for i in range(40)]
LARGE = """
    import pytest
    {head}

    @pytest.mark.genaiops(dataset="many", variants=["v1"])
    def test_each(response, exact_match):
        {body}
        assert exact_match(response) >= 1
"""


def test_four_workers_and_one_process_write_the_same_rows(project: Project) -> None:
    project.target(FAILING)
    project.suite(WHOLE)
    project.suite(EACH, name="test_each.py")
    arguments = ("-v", "--genaiops-cache=off")
    serial = project.run(*arguments)
    workers = project.run_apart(*arguments, "-p", "xdist", "-n4")
    assert outcomes(workers) == outcomes(serial)
    later, earlier = ids(project)
    assert rows(project, later) == rows(project, earlier)
    with stored(project) as store:
        runs = store.runs()
    assert [(run.exit, run.closing) for run in runs] == [(runs[0].exit, runs[0].closing)] * 2
    assert {**runs[0].facts, "command": 0} == {**runs[1].facts, "command": 0}


def test_two_sessions_at_once_lose_nothing(project: Project) -> None:
    project.dataset(MANY, name="many")
    project.suite(LARGE, head="", body="pass")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "genaiops", "--genaiops-cache=off"]
    sessions = [subprocess.Popen(command, cwd=project.path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [session.wait(120) for session in sessions] == [0, 0]
    first, second = ids(project)
    assert rows(project, first) == rows(project, second)
    assert len(rows(project, first)["test_suite.py::test_each", "v1", "items"]) == len(MANY)


def test_a_killed_session_leaves_what_was_done(project: Project) -> None:
    project.dataset(MANY, name="many")
    project.suite(LARGE, head="from pause import strike", body="strike(response.trial.case.id)")
    project.write(
        "pause.py",
        """
        import os, signal, time

        def strike(case):
            if case == "c030" and not os.path.exists("killed"):
                time.sleep(1.2)  # what has been gathered for a second is written with the next row
            if case == "c032" and not os.path.exists("killed"):
                open("killed", "w").close()
                os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert project.run_apart("-q").ret == -signal.SIGKILL
    with stored(project) as store:
        run = store.run()
        assert (run.exit, run.ended) == (None, None)
    found = rows(project)
    done = found["test_suite.py::test_each", "v1", "items"]
    assert [item.test for item in done] == [f"test_suite.py::test_each[v1-c{i:03}]" for i in range(len(done))]
    assert len(done) >= 30
    assert len(found["test_suite.py::test_each"][1]) == len(MANY)
    project.run_apart("-q").assert_outcomes(passed=len(MANY))
    assert len(rows(project)["test_suite.py::test_each", "v1", "items"]) == len(MANY)
    assert rows(project, "latest~1") == found


def test_an_item_that_takes_its_worker_with_it_is_lost(project: Project) -> None:
    project.suite(
        """
        import os
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v1-long"])
        def test_each(response, exact_match):
            if (response.trial.variant, response.trial.case.id) == ("v1-long", "c2"):
                os._exit(3)
            assert exact_match(response) >= 1
        """
    )
    project.run_apart("-p", "xdist", "-n2", "--max-worker-restart=1")
    items = {item.position: item for item in rows(project)["test_suite.py::test_each", "v1-long", "items"]}
    assert items[1].outcome == "lost"
    assert "crashed while running" in items[1].message


class TestWhatBecomesOfItems:
    def test_reruns(self, project: Project) -> None:
        project.suite(
            """
            import pathlib
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_each(response, exact_match):
                flag = pathlib.Path(response.trial.case.id)
                if response.trial.case.id == "c2" and not flag.exists():
                    flag.touch()
                    assert exact_match(response).at_least(2), "not yet"
                assert exact_match(response) >= 1
            """
        )
        project.run_apart("-p", "rerunfailures", "--reruns=1").assert_outcomes(passed=4)
        found = rows(project)
        assert {item.outcome for item in found["test_suite.py::test_each", "v1", "items"]} == {"passed"}
        assert found["test_suite.py::test_each", "v1", "verdicts"] == []

    def test_marks_and_early_ends(self, project: Project) -> None:
        project.suite(
            """
            import pytest

            @pytest.fixture
            def broken(case):
                if case.id == "c4":
                    raise OSError("no such file")

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_each(case, response, broken, exact_match):
                if case.id == "c1":
                    pytest.skip("not today")
                if case.id == "c2":
                    pytest.xfail("known to be wrong")
                if case.id == "c3":
                    assert exact_match(response) >= 2
            """
        )
        project.run()
        items = rows(project)["test_suite.py::test_each", "v1", "items"]
        assert [(item.outcome, item.message) for item in items][:2] == [
            ("skipped", "Skipped: not today"),
            ("missed", "_pytest.outcomes.XFailed: known to be wrong"),
        ]
        assert [item.outcome for item in items][2:] == ["failed", "lost"]
        assert items[3].message == "OSError: no such file"

    def test_a_failing_teardown_counts(self, project: Project) -> None:
        project.suite(
            """
            import pytest

            @pytest.fixture
            def late():
                yield
                raise OSError("too late")

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_whole(responses, late, exact_match):
                assert exact_match(responses) >= 1
            """
        )
        project.run()
        found = rows(project)
        (item,) = found["test_suite.py::test_whole", "v1", "items"]
        assert (item.outcome, item.message) == ("lost", "OSError: too late")
        assert any(key[-1] == "measurements" and found[key] for key in found)

    def test_cases_that_a_gate_did_without(self, project: Project) -> None:
        project.dataset(MANY, name="many")
        project.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="many", variants=["v1"], pass_rate=0.5)
            def test_each(response, exact_match):
                assert exact_match(response) >= 1
            """
        )
        project.run("--genaiops-early-stop", "--genaiops-concurrency=1")
        found = rows(project)
        kinds = [item.outcome for item in found["test_suite.py::test_each", "v1", "items"]]
        assert set(kinds) == {"passed", "skipped"}
        (gate,) = found["test_suite.py::test_each", "v1", "verdicts"]
        assert gate.facts["not_needed"] == kinds.count("skipped")


class TestNoRecord:
    @pytest.mark.parametrize("how", ["--genaiops-record=off", "genaiops_record = off"])
    def test_it_can_be_left_out(self, project: Project, how: str) -> None:
        project.whole('variants=["v1"]')
        project.write("pytest.ini", f"[pytest]\n{'' if how.startswith('--') else how}\n")
        project.run(*([how] if how.startswith("--") else [])).assert_outcomes(passed=1)
        assert not (project.path / ".genaiops").exists()

    @pytest.mark.parametrize("arguments", [["--collect-only"], ["--setup-only"], ["-k", "other"]])
    def test_where_no_suite_runs_there_is_none(self, project: Project, arguments: list[str]) -> None:
        project.whole('variants=["v1"]')
        project.write("test_other.py", "def test_other(): pass\n")
        project.run(*arguments)
        assert not (project.path / ".genaiops").exists()

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("genaiops_record = maybe", "ini key genaiops_record=maybe: give on or off"),
            ("genaiops_keep_days = 0", "ini key genaiops_keep_days=0: give a whole number of days, 1 or more"),
            ("genaiops_keep_days = 1.5", "ini key genaiops_keep_days=1.5: give a whole number of days, 1 or more"),
            ("genaiops_keep_days = ²", "ini key genaiops_keep_days=²: give a whole number of days, 1 or more"),
            (
                "genaiops_report = out.pdf",
                "ini key genaiops_report: out.pdf: a report is a file whose name ends in .html, .md, .json",
            ),
        ],
    )
    def test_settings_that_make_no_sense(self, project: Project, line: str, said: str) -> None:
        project.whole('variants=["v1"]')
        project.write("pytest.ini", f"[pytest]\n{line}\n")
        result = project.run()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert said in result.stderr.str()

    @pytest.mark.parametrize("path", ["report", "report.pdf", ".md"])
    def test_a_report_is_told_by_its_suffix(self, project: Project, path: str) -> None:
        result = project.run(f"--genaiops-report={path}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert f"--genaiops-report={path}: a report is a file whose name ends in" in result.stderr.str()


class TestWhereItCannotBeKept:
    """The session gates as before, and says in a sentence what is not kept and why."""

    def gates(self, project: Project, *arguments: str) -> list[str]:
        project.target("return 'London'" if False else "return case.reference if case.id != 'c2' else 'London'")
        project.by_case('variants=["v1"]')
        result = project.run(*arguments)
        result.assert_outcomes(passed=3, failed=1)
        return [line for line in result.outlines if line.startswith("record:")]

    def test_a_folder_that_is_none(self, project: Project) -> None:
        (project.path / ".genaiops").write_text("a file")
        (said,) = self.gates(project, "-W", "ignore")
        assert said == "record: .genaiops/record.sqlite cannot be written (File exists): this run is not on record"

    def test_a_later_version(self, project: Project) -> None:
        folder = project.path / ".genaiops"
        folder.mkdir()
        with closing(sqlite3.connect(folder / NAME)) as connection:
            connection.execute(f"PRAGMA user_version = {VERSION + 1}")
        before = (folder / NAME).read_bytes()
        (said,) = self.gates(project)
        assert said.startswith(f"record: .genaiops/record.sqlite is of version {VERSION + 1}, which this version of")
        assert said.endswith(": this run is not on record")
        assert (folder / NAME).read_bytes() == before

    def test_no_database(self, project: Project) -> None:
        folder = project.path / ".genaiops"
        folder.mkdir()
        (folder / NAME).write_bytes(b"no database at all" * 1000)
        (said,) = self.gates(project)
        assert "record.sqlite cannot be read" in said

    def test_a_read_only_checkout(self, project: Project) -> None:
        """In a process that is not root: nothing is read-only to root."""
        project.by_case('variants=["v1"]')
        (project.path / "conftest.py").write_text(
            "import os, pytest\n\n"
            "@pytest.fixture(scope='session')\ndef target():\n    return lambda case, variant: case.reference\n\n"
            "def pytest_collection_finish():\n"
            "    if os.getuid() == 0:\n        os.setuid(65534)\n"
        )
        for parent in [project.path, *project.path.parents]:
            if parent.stat().st_mode & 0o001 == 0:
                pytest.skip("another user cannot see the folder of this test")
        project.path.chmod(0o555)
        try:
            result = project.run_apart("-W", "ignore", "-p", "no:cacheprovider", "--genaiops-cache=off")
        finally:
            project.path.chmod(0o755)
        result.assert_outcomes(passed=4)
        result.stdout.fnmatch_lines(
            ["record: .genaiops/record.sqlite cannot be written (Permission denied): this run *"]
        )

    def test_a_disk_that_fills_up(self, project: Project) -> None:
        project.dataset(MANY, name="many")
        project.suite(LARGE, head="", body="")
        (project.path / "conftest.py").write_text(
            "import random, resource, signal\nimport pytest\n\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n\n"
            "@pytest.fixture(scope='session')\ndef target():\n"
            "    return lambda case, variant: {'text': case.reference, 'contexts': [str(random.random()) * 3000]}\n"
        )
        result = project.run_apart("-p", "no:cacheprovider", "--genaiops-cache=off")
        result.assert_outcomes(passed=len(MANY))
        (said,) = [line for line in result.outlines if line.startswith("record:")]
        assert said.startswith("record: .genaiops/record.sqlite cannot be written (")
        assert said.endswith("on record")
        with stored(project) as store:
            store.run()  # what there is can be read

    def test_workers_say_it_once(self, project: Project) -> None:
        (project.path / ".genaiops").write_text("a file")
        project.by_case('variants=["v1"]')
        result = project.run_apart("-p", "xdist", "-n2", "-W", "ignore")
        result.assert_outcomes(passed=4)
        assert len([line for line in result.outlines if line.startswith("record:")]) == 1


class TestReportsOfARunThatIsNotKept:
    @pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n2"]])
    @pytest.mark.parametrize("trouble", ["off", "file"])
    def test_the_record_is_aside_until_the_end(self, project: Project, workers: list[str], trouble: str) -> None:
        project.by_case('variants=["v1"]')
        if trouble == "file":
            (project.path / ".genaiops").write_text("a file")
        project.write(
            "look.py",
            """
            import json, pathlib
            from contextlib import closing
            import pytest

            @pytest.hookimpl(trylast=True)
            def pytest_sessionfinish(session):
                if hasattr(session.config, "workerinput"):
                    return
                from pytest_genaiops.plugin.session import state_of
                from pytest_genaiops.store import Store
                record = state_of(session.config).record
                with closing(Store(record.folder)) as store:
                    (suite,) = store.suites(record.run)
                    (variant,) = store.variants(suite.id)
                    found = [str(record.folder), len(store.items(variant.id)), store.run(record.run).exit]
                pathlib.Path("seen.json").write_text(json.dumps(found))
            """,
        )
        arguments = ["-p", "look", "-W", "ignore", "--genaiops-report=out.json", *workers]
        result = project.run_apart(*arguments, *(["--genaiops-record=off"] if trouble == "off" else []))
        folder, items, code = json.loads((project.path / "seen.json").read_text())
        assert (items, code) == (4, 0)
        assert not Path(folder).exists()
        said = [line for line in result.outlines if line.startswith("record:")]
        assert len(said) == (trouble == "file")
        assert trouble == "file" or not (project.path / ".genaiops" / NAME).exists()
