"""Suites under pytest-xdist: same items, same outcomes, and gates that count what other workers ran."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from inner import ROWS, Project, outcomes

pytest.importorskip("xdist")

MIXED = """
    if case.id == "c2":
        return "London"
    if case.id == "c3" and variant.id == "v3":
        raise ConnectionError("no route")
    if variant.id == "v2":
        return "Berlin"
    return case.reference
"""


@pytest.fixture
def mixed(project: Project) -> Project:
    """v1 keeps its budget, v2 does not, v3 has a case without a result; a whole-dataset suite beside them."""
    project.target(MIXED)
    project.by_case('variants=["v1", "v2", "v3"], pass_rate=0.7')
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
        def test_whole(responses, baseline, exact_match):
            assert exact_match(responses) >= 0.7
        """,
        name="test_whole.py",
    )
    return project


def table(result: pytest.RunResult) -> list[str]:
    """The summary's words, in one order: workers finish when they like."""
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if " genaiops " in line)
    end = next(i for i, line in enumerate(lines[start:], start) if line.startswith(("===", "FAILED", "- generated")))
    return sorted(" ".join(lines[start + 1 : end]).split())


def test_serial_outcomes_are_what_the_others_are_compared_with(mixed: Project) -> None:
    found = outcomes(mixed.run("-v"))
    assert {k: v for k, v in found.items() if "pass_rate" in k or "whole" in k} == {
        "test_answer[v1-pass_rate]": "PASSED",
        "test_answer[v2-pass_rate]": "FAILED",
        "test_answer[v3-pass_rate]": "FAILED",
        "test_whole[v1]": "PASSED",
        "test_whole[v2]": "FAILED",
    }
    assert found["test_answer[v1-c2]"] == "MISS"
    assert found["test_answer[v3-c3]"] == "FAILED"


BOTH = ["load", "loadfile", "worksteal"]
TWO = [*BOTH, "loadscope", "loadgroup"]  # these move whole groups, as loadfile does


@pytest.mark.parametrize(("dist", "workers"), [*((dist, 2) for dist in TWO), *((dist, 4) for dist in BOTH)])
def test_same_items_outcomes_summary_and_calls_as_serial(mixed: Project, dist: str, workers: int) -> None:
    serial = mixed.run("-v")
    calls = mixed.calls
    assert len(set(calls)) == len(calls) == 12
    (mixed.path / "calls.txt").unlink()
    apart = mixed.run_apart("-v", "-p", "xdist", f"-n{workers}", f"--dist={dist}", "--junitxml=out.xml")
    assert sorted(mixed.calls) == sorted(calls)
    assert outcomes(apart) == outcomes(serial)
    assert apart.parseoutcomes() == serial.parseoutcomes()
    assert apart.ret == serial.ret == pytest.ExitCode.TESTS_FAILED
    assert table(apart) == table(serial)
    root = ElementTree.parse(mixed.path / "out.xml").getroot()[0]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("17", "4", "0")


def test_variants_stand_in_the_order_of_the_file_whichever_worker_is_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    project.dataset(ROWS[:1])
    project.target("time.sleep({'slow': 0.8, 'slower': 1.2, 'quick': 0}[variant.id])\nreturn case.reference")
    project.whole('variants=["slow", "slower", "quick"], baseline="slow"')
    result = project.run_apart("-p", "xdist", "-n3")
    assert result.ret == pytest.ExitCode.OK
    head = next(line for line in result.outlines if "slower" in line and "exact_match" not in line)
    assert head.split() == ["slow", "slower", "quick"]


def test_more_workers_than_cases_of_a_gate(project: Project) -> None:
    project.dataset(ROWS[:1])
    project.by_case('variants=["v1", "v2"], trials=2, pass_rate=1.0')
    result = project.run_apart("-v", "-p", "xdist", "-n3")
    assert set(outcomes(result).values()) == {"PASSED"}
    assert len(outcomes(result)) == 6


def test_slow_cases_on_another_worker_are_waited_for(project: Project) -> None:
    project.dataset([{"id": f"c{i}", "reference": "yes"} for i in range(6)])
    project.target("time.sleep(0.3 if case.id == 'c0' else 0)\nreturn 'no' if case.id == 'c0' else 'yes'")
    project.by_case('variants=["v1"], pass_rate=0.9')
    result = project.run_apart("-v", "-p", "xdist", "-n2")
    assert outcomes(result)["test_answer[v1-pass_rate]"] == "FAILED"
    result.stdout.fnmatch_lines(["*failed: 5 of 6 cases passed (83.3%*"])


def test_a_gate_does_not_wait_for_a_case_that_was_stolen_and_stands_behind_it(project: Project) -> None:
    project.dataset([{"id": f"c{i}", "reference": "yes"} for i in range(10)])
    project.target("time.sleep(0.2 if case.id < 'c5' else 0)\nreturn 'no' if case.id == 'c3' else 'yes'")
    project.by_case('variants=["v1"], pass_rate=0.9')
    result = project.run_apart("-v", "-p", "xdist", "-n2", "--dist=worksteal")
    assert outcomes(result) == {
        **{f"test_answer[v1-c{i}]": "MISS" if i == 3 else "PASSED" for i in range(10)},
        "test_answer[v1-pass_rate]": "PASSED",
    }
    assert len(project.calls) == len(set(project.calls)) == 10  # judged here and there, called once


@pytest.mark.parametrize("dist", ["load", "worksteal"])
def test_a_deselected_case_is_not_waited_for(project: Project, dist: str) -> None:
    project.by_case('variants=["v1"], pass_rate=0.5')
    deselect = "--deselect=test_suite.py::test_answer[v1-c2]"
    result = project.run_apart("-v", "-p", "xdist", "-n2", f"--dist={dist}", deselect)
    assert outcomes(result)["test_answer[v1-pass_rate]"] == "FAILED"
    result.stdout.fnmatch_lines(["*undecided: 3 of 3 cases passed*but 1 was not run*"])


def test_a_target_that_kills_its_process_does_so_twice_at_most(project: Project) -> None:
    project.target("if case.id == 'c2' and variant.id == 'v1':\n    os._exit(3)\nreturn case.reference")
    project.by_case('variants=["v1", "v2"], pass_rate=0.1')
    result = project.run_apart("-v", "-p", "xdist", "-n2")
    found = outcomes(result)
    assert result.ret == 69  # EX_UNAVAILABLE: there is no result
    assert len(found) == 10
    assert found["test_answer[v1-c2]"] == "FAILED"
    assert found["test_answer[v1-pass_rate]"] == "FAILED"
    assert project.calls.count("v1 c2") in (1, 2)  # once where its own test was the first to need it
    assert result.stdout.str().count("crashed while running") <= 4  # each is told twice


def test_a_test_that_kills_its_worker_leaves_its_gate_undecided_and_nobody_waiting(project: Project) -> None:
    project.suite("""
        import os
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], pass_rate=0.1)
        def test_answer(response, case, variant, exact_match):
            if case.id == "c2" and variant.id == "v1":
                os._exit(3)
            assert exact_match(response) == 1
    """)
    result = project.run_apart("-v", "-p", "xdist", "-n2")
    found = outcomes(result)
    assert result.ret == 69  # EX_UNAVAILABLE: there is no result
    assert [name for name, word in found.items() if word == "FAILED"] == [
        "test_answer[v1-c2]",
        "test_answer[v1-pass_rate]",
    ]
    result.stdout.fnmatch_lines(["*undecided: *1 has no result*", "  no result * 1 * 0"])
    assert len(set(project.calls)) == 8


def test_every_worker_may_die(project: Project) -> None:
    project.target("os._exit(3)")
    project.by_case('variants=["v1"], pass_rate=0.1')
    result = project.run_apart("-v", "-p", "xdist", "-n2", "--max-worker-restart=0")
    assert result.ret != pytest.ExitCode.OK
    assert "PASSED" not in outcomes(result).values()


def test_x_with_a_failing_case_does_not_leave_the_gate_waiting(project: Project) -> None:
    project.target("raise ConnectionError('no route')")
    project.by_case('variants=["v1", "v2"], pass_rate=0.1')
    result = project.run_apart("-v", "-x", "-p", "xdist", "-n2")
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR)
    assert "PASSED" not in outcomes(result).values()


def test_a_broken_suite_fails_the_session_without_stopping_the_others(project: Project) -> None:
    project.by_case()
    project.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitols")
        def test_broken(responses):
            pass
        """,
        name="test_broken.py",
    )
    result = project.run_apart("-v", "-p", "xdist", "-n2")
    assert result.ret != pytest.ExitCode.OK
    assert "did you mean 'capitals'?" in result.stdout.str().replace('"', "'")


def test_reruns_in_workers(project: Project) -> None:
    pytest.importorskip("pytest_rerunfailures")
    project.suite("""
        import pytest

        seen = set()

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=1.0)
        def test_answer(response, case, exact_match):
            if case.id not in seen:
                seen.add(case.id)
                raise OSError("flaky")
            assert exact_match(response) == 1
    """)
    result = project.run_apart("-p", "xdist", "-p", "rerunfailures", "--reruns=1", "-n2")
    assert result.parseoutcomes() == {"passed": 5, "rerun": 4}
    assert len(project.calls) == len(set(project.calls)) == 4


def test_no_file_is_left_in_the_temporary_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = project.path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    project.by_case('variants=["v1"], pass_rate=1.0')
    assert project.run_apart("-p", "xdist", "-n2").ret == pytest.ExitCode.OK
    assert not list(temporary.glob("genaiops-*"))


def test_a_full_disk_ends_the_session_with_a_sentence(project: Project) -> None:
    project.dataset()
    project.target()
    project.by_case('variants=["v1"], pass_rate=0.5')
    project.write(
        "full.py",
        """
        import errno
        from pytest_genaiops.plugin.outcomes import Outcomes

        def full(self, *arguments, **named):
            raise OSError(errno.ENOSPC, "No space left on device")

        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                share = Outcomes.share_with
                def shared(self, workerinput):
                    folder = share(self, workerinput)
                    self._shared = type("Full", (type(self._shared),), {"open": full})(self._shared)
                    return folder
                Outcomes.share_with = shared
    """,
    )
    result = project.run_apart("-p", "xdist", "-p", "full", "-n2")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    text = result.stdout.str() + result.stderr.str()
    assert (
        "cannot hold what workers tell each other (No space left on device); set TMPDIR to a folder with room" in text
    )
    assert "Traceback" not in text
