"""Exit codes: 1 for what was judged or is broken, 69 where there is nothing to judge by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from inner import Project

from pytest_genaiops.plugin.exit import Failures

UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits.h."""
SOME_FAIL = "if case.id == 'c1':\n    raise ConnectionError('no route')\nreturn case.reference"
ALL_WELL = "\ndef test_plain(exact_match):\n    assert exact_match(['Paris'], ['Paris']) == 1\n"
PLAIN_FAILS = "\ndef test_plain():\n    assert False\n"
SENTENCE = "exit code 69: nothing failed by a judgement, but *"


class TestWithoutAResult:
    def test_a_target_that_failed(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1"]')
        result = project.run()
        assert result.ret == UNAVAILABLE
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["exit code 69: nothing failed by a judgement, but 1 item has no result"])

    def test_a_case_and_the_gate_over_it(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.by_case('variants=["v1"], pass_rate=0.5')
        result = project.run()
        assert result.ret == UNAVAILABLE
        result.stdout.fnmatch_lines(["exit code 69: nothing failed by a judgement, but 2 items have no result"])

    def test_a_case_that_has_no_score(self, project: Project) -> None:
        project.dataset([{"id": "c1", "reference": "Paris"}, {"id": "c2"}])
        project.target("return 'Paris'")
        project.whole('variants=["v1"]')
        assert project.run().ret == UNAVAILABLE

    def test_a_target_that_ran_out_of_time(self, project: Project) -> None:
        project.target("time.sleep(30)\nreturn case.reference")
        project.dataset([{"id": "c1", "reference": "Paris"}])
        project.whole('variants=["v1"]')
        assert project.run("--genaiops-timeout=0.05").ret == UNAVAILABLE

    def test_a_fixture_that_could_not_connect(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture
            def service():
                raise ConnectionRefusedError("nobody listens")

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_it(service, responses, exact_match):
                assert exact_match(responses) >= 1
        """)
        assert project.run().ret == UNAVAILABLE

    def test_beside_ordinary_tests_that_pass(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1"]')
        project.write("test_plain.py", ALL_WELL)
        assert project.run().ret == UNAVAILABLE

    def test_stopped_at_the_first_failure(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1", "v2"]')
        result = project.run("-x")
        assert result.ret == UNAVAILABLE
        result.stdout.fnmatch_lines(["*stopping after 1 failures*"])

    def test_of_workers(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.by_case('variants=["v1"], pass_rate=0.5')
        result = project.run_apart("-p", "xdist", "-n2")
        assert result.ret == UNAVAILABLE
        result.stdout.fnmatch_lines([SENTENCE])


class TestFailed:
    """pytest's own 1, as ever."""

    def test_by_a_judgement(self, project: Project) -> None:
        project.target("return 'London'")
        project.whole('variants=["v1"]')
        result = project.run()
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.no_fnmatch_line(SENTENCE)

    def test_by_a_budget_of_misses(self, project: Project) -> None:
        project.target("return 'London'")
        project.by_case('variants=["v1"], pass_rate=0.9')
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_a_budget_of_misses_beside_cases_without_a_result(self, project: Project) -> None:
        project.target("if case.id == 'c1':\n    raise ConnectionError('no route')\nreturn 'London'")
        project.by_case('variants=["v1"], pass_rate=0.9')
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_one_judgement_among_missing_results(self, project: Project) -> None:
        project.target("if variant.id == 'v1':\n    raise ConnectionError('no route')\nreturn 'London'")
        project.whole('variants=["v1", "v2"]')
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_an_ordinary_test(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1"]')
        project.write("test_plain.py", PLAIN_FAILS)
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_an_ordinary_test_that_could_not_connect(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1"]')
        project.write("test_plain.py", "\ndef test_plain():\n    raise ConnectionError('no route')\n")
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_an_ordinary_fixture(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1"]')
        project.write("test_plain.py", "\ndef test_plain(nothing_of_this_name):\n    pass\n")
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    @pytest.mark.parametrize("body", ["1 / 0", "undefined", "exact_match(responses, 'more')"])
    def test_by_a_test_that_is_broken(self, project: Project, body: str) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_broken(responses, exact_match):
                {body}
        """, body=body)  # fmt: skip
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_an_unexpected_pass(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.xfail(strict=True)
            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_it(responses, exact_match):
                assert exact_match(responses) >= 1
        """)
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_a_teardown(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.fixture
            def broken():
                yield
                raise RuntimeError("left something")

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_it(broken, responses, exact_match):
                assert exact_match(responses) >= 1
        """)
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_a_suite_that_cannot_run(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1"]')
        project.write("test_other.py", """
            import pytest

            @pytest.mark.genaiops(dataset="nowhere")
            def test_other(responses):
                pass
        """)  # fmt: skip
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_by_a_gate_some_of_whose_cases_were_left_out(self, project: Project) -> None:
        project.by_case('variants=["v1"], pass_rate=0.5')
        result = project.run("--deselect=test_suite.py::test_answer[v1-c2]")
        assert result.ret == pytest.ExitCode.TESTS_FAILED

    def test_by_a_gate_whose_cases_were_all_skipped(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.5)
            def test_it(case):
                pytest.skip("not today")
        """)
        assert project.run().ret == pytest.ExitCode.TESTS_FAILED

    def test_of_workers(self, project: Project) -> None:
        project.target("if case.id == 'c1':\n    raise ConnectionError('no route')\nreturn 'London'")
        project.by_case('variants=["v1"]')
        assert project.run_apart("-p", "xdist", "-n2").ret == pytest.ExitCode.TESTS_FAILED


class TestOtherCodesStay:
    def test_interrupted(self, project: Project) -> None:
        project.target(SOME_FAIL)
        project.whole('variants=["v1", "v2"]')
        project.write("test_zz.py", "def test_stop():\n    raise KeyboardInterrupt\n")
        assert project.run().ret == pytest.ExitCode.INTERRUPTED

    def test_usage_error(self, project: Project) -> None:
        assert project.run("--genaiops-limit=0").ret == pytest.ExitCode.USAGE_ERROR

    def test_nothing_collected(self, project: Project) -> None:
        assert project.run().ret == pytest.ExitCode.NO_TESTS_COLLECTED

    def test_all_passed(self, project: Project) -> None:
        project.whole('variants=["v1"]')
        assert project.run().ret == pytest.ExitCode.OK


class TestAWorkerThatDied:
    """pytest-xdist reports the item over which it died, and knows no more of it than its node id."""

    def settled(self, *reports: SimpleNamespace) -> int:
        failures = Failures()
        for report in reports:
            failures.add(report)
        session: Any = SimpleNamespace(
            exitstatus=pytest.ExitCode.TESTS_FAILED, testsfailed=sum(r.failed for r in reports)
        )
        failures.settle(session)
        return int(session.exitstatus)

    def report(self, nodeid: str, **more: object) -> SimpleNamespace:
        return SimpleNamespace(nodeid=nodeid, **{"when": "call", "failed": False, **more})

    def test_over_an_item_of_a_suite(self) -> None:
        passed = self.report("test_a.py::test_it[v1-c1]", genaiops={"suite": "test_a.py::test_it"})
        died = self.report("test_a.py::test_it[v1-c2]", when="???", failed=True)
        assert self.settled(died, passed) == UNAVAILABLE

    def test_over_another_test(self) -> None:
        passed = self.report("test_a.py::test_it[v1-c1]", genaiops={"suite": "test_a.py::test_it"})
        died = self.report("test_a.py::test_other", when="???", failed=True)
        assert self.settled(passed, died) == pytest.ExitCode.TESTS_FAILED
