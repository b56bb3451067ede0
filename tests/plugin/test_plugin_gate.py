"""Misses, failures and the gate: what a budget pays for and what it does not."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from inner import CITIES, Project, outcomes

ONE_MISS = 'return "London" if case.id == "c2" else case.reference'
TWO_MISSES = 'return "London" if case.id in ("c2", "c3") else case.reference'
RAISES = """
    if case.id == "c2":
        raise ConnectionError("no route")
    return case.reference
"""
GATE = "test_answer[v1-pass_rate]"


def ids(variant: str = "v1", **words: str) -> dict[str, str]:
    """The outcomes of test_answer's cases and gate: PASSED but for those named."""
    names = {key: f"test_answer[{variant}-{key}]" for key in (*CITIES, "pass_rate")}
    return {name: words.get(key, "PASSED") for key, name in names.items()}


class TestMisses:
    def test_a_tolerated_miss_is_neither_pass_nor_failure(self, project: Project) -> None:
        project.target(ONE_MISS)
        project.by_case('variants=["v1"], pass_rate=0.75')
        result = project.run("-v")
        assert outcomes(result) == ids(c2="MISS")
        assert result.ret == pytest.ExitCode.OK
        result.stdout.fnmatch_lines(["*= 4 passed, 1 missed in *"])

    def test_it_is_an_m_among_the_dots(self, project: Project) -> None:
        project.target(ONE_MISS)
        project.by_case('variants=["v1"], pass_rate=0.75')
        result = project.run()
        result.stdout.fnmatch_lines(["test_suite.py .m... *"])

    def test_over_budget_the_gate_fails_and_says_so_in_numbers(self, project: Project) -> None:
        project.target(TWO_MISSES)
        project.by_case('variants=["v1"], pass_rate=0.75')
        result = project.run("-v")
        assert outcomes(result) == ids(c2="MISS", c3="MISS", pass_rate="FAILED")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        # statsmodels 0.15.0: proportion_confint(2, 4, method="beta") is 0.0676 to 0.9324
        result.stdout.fnmatch_lines(
            ["failed: 2 of 4 cases passed (50.0%, 95 % interval 6.8% to 93.2%); the budget asks for 75.0%"]
        )

    def test_a_gate_that_fails_names_the_cases(self, project: Project) -> None:
        project.dataset([{"id": f"c{i:02}\x1b", "reference": "yes"} for i in range(16)])
        project.target(
            "if case.id < 'c02':\n    raise ConnectionError('no route')\nreturn 'no' if case.id < 'c14' else ''"
        )
        project.by_case('variants=["v1"], pass_rate=0.75')
        result = project.run("--deselect=test_suite.py::test_answer[v1-c15\\x1b]")
        missed = ", ".join(f"c{i:02}\\x1b" for i in range(2, 12))
        result.stdout.fnmatch_lines(
            [
                "failed: 0 of 13 cases passed*",
                f"missed: {missed} and 3 more",
                "no result: c00\\x1b, c01\\x1b",
                "not run: c15\\x1b",
            ]
        )
        result.stdout.fnmatch_lines(["FAILED *pass_rate] - Failed: failed: 0 of 13*"])

    def test_trials_that_missed_are_named_each(self, project: Project) -> None:
        project.target(ONE_MISS)
        project.by_case('variants=["v1"], trials=2, pass_rate=0.9')
        project.run().stdout.fnmatch_lines(["missed: c2 (trial 1), c2 (trial 2)"])

    def test_a_share_that_just_meets_the_budget_passes(self, project: Project) -> None:
        project.dataset([{"id": f"c{i}", "reference": "yes"} for i in range(10)])
        project.target('return "no" if case.id in ("c1", "c2", "c3") else "yes"')
        project.by_case('variants=["v1"], pass_rate=0.7')
        assert outcomes(project.run("-v"))[GATE] == "PASSED"

    def test_every_variant_has_a_gate_of_its_own(self, project: Project) -> None:
        project.target('return "London" if variant.id == "v2" else case.reference')
        project.by_case('variants=["v1", "v2"], pass_rate=0.5')
        expected = {**ids("v1"), **ids("v2", c1="MISS", c2="MISS", c3="MISS", c4="MISS", pass_rate="FAILED")}
        assert outcomes(project.run("-v")) == expected

    def test_pytest_fail_is_a_miss_too(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.5)
            def test_answer(response):
                if response.text == "Rome":
                    pytest.fail("too Italian")
        """)
        assert outcomes(project.run("-v")) == ids(c2="MISS")

    def test_trials_are_counted_each(self, project: Project) -> None:
        project.target("return case.reference if len(CALLS.read_text().splitlines()) % 2 else 'London'")
        project.by_case('variants=["v1"], trials=2, pass_rate=0.5')
        result = project.run("-v", "--genaiops-concurrency=1")
        result.assert_outcomes(passed=5)
        assert result.parseoutcomes()["missed"] == 4

    def test_the_table_counts_them(self, project: Project) -> None:
        project.target(TWO_MISSES)
        project.by_case('variants=["v1"], pass_rate=0.5')
        expected = ["*genaiops -*", "*capitals, 4 cases*", "  passed  *2", "  missed  *2"]
        project.run().stdout.fnmatch_lines(expected)


class TestNoMiss:
    def test_without_a_budget_it_is_a_failure(self, project: Project) -> None:
        project.target(ONE_MISS)
        project.by_case('variants=["v1"]')
        assert outcomes(project.run("-v"))["test_answer[v1-c2]"] == "FAILED"

    def test_in_a_run_without_its_gate_it_is_a_failure(self, project: Project) -> None:
        project.target(ONE_MISS)
        project.by_case('variants=["v1"], pass_rate=0.5')
        result = project.run("-v", "-k", "c2")
        assert outcomes(result) == {"test_answer[v1-c2]": "FAILED"}
        assert result.ret == pytest.ExitCode.TESTS_FAILED

    def test_a_target_failure_is_none_however_large_the_budget(self, project: Project) -> None:
        project.target(RAISES)
        project.by_case('variants=["v1"], pass_rate=0.1')
        result = project.run("-v")
        assert outcomes(result) == ids(c2="FAILED", pass_rate="FAILED")
        assert result.ret == 69  # EX_UNAVAILABLE: there is no result
        verdict = "undecided: 3 of 3 cases passed (*; the budget asks for 10.0%, but 1 has no result"
        result.stdout.fnmatch_lines([verdict])
        result.stdout.fnmatch_lines(["*the target raised ConnectionError: no route*"])

    def test_a_test_that_asserts_on_a_failed_response_does_not_make_it_a_miss(self, project: Project) -> None:
        project.target(RAISES)
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.1)
            def test_answer(response, case):
                assert response.text == case.reference
        """)
        assert outcomes(project.run("-v")) == ids(c2="FAILED", pass_rate="FAILED")

    def test_an_exception_in_the_test_is_none(self, project: Project) -> None:
        project.suite("""
            import json
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.1)
            def test_answer(response):
                if response.text == "Rome":
                    json.loads(response.text)
        """)
        assert outcomes(project.run("-v")) == ids(c2="FAILED", pass_rate="FAILED")

    @pytest.mark.parametrize(("before", "after"), [("1 / 0", "pass"), ("pass", "1 / 0")], ids=["setup", "teardown"])
    def test_a_fixture_that_breaks_is_none(self, project: Project, before: str, after: str) -> None:
        project.suite(
            """
            import pytest

            @pytest.fixture
            def helper(case):
                if case.id == "c2":
                    {before}
                yield
                if case.id == "c2":
                    {after}

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.1)
            def test_answer(response, helper):
                assert response.text
            """,
            before=before,
            after=after,
        )
        result = project.run("-v")
        assert outcomes(result) == ids(c2="ERROR", pass_rate="FAILED")
        result.stdout.fnmatch_lines(["undecided: *but 1 has no result"])

    def test_a_skipped_case_is_named_and_not_counted(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=1.0)
            def test_answer(response, case):
                if case.id == "c2":
                    pytest.skip("no reference yet")
                assert response.text == case.reference
        """)
        result = project.run("-v", "--junitxml=out.xml")
        assert outcomes(result) == ids(c2="SKIPPED")
        assert "3 of 3 cases passed (100.0%" in (project.path / "out.xml").read_text()
        assert ", 1 skipped)" in (project.path / "out.xml").read_text()

    def test_nothing_judged_is_undecided_not_passed(self, project: Project) -> None:
        project.suite("""
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.1)
            def test_answer(response):
                pytest.skip("never")
        """)
        result = project.run("-v")
        assert outcomes(result)[GATE] == "FAILED"
        result.stdout.fnmatch_lines(["undecided: none of 4 cases was judged, 4 skipped"])

    def test_a_case_that_was_deselected_leaves_the_gate_undecided(self, project: Project) -> None:
        project.by_case('variants=["v1"], pass_rate=0.5')
        result = project.run("-v", "--deselect=test_suite.py::test_answer[v1-c2]")
        assert outcomes(result) == {k: v for k, v in ids(pass_rate="FAILED").items() if "c2" not in k}
        result.stdout.fnmatch_lines(["undecided: 3 of 3 cases passed*but 1 was not run"])


def test_junit_has_a_miss_as_skipped_and_the_verdict_as_failure(project: Project) -> None:
    project.target(TWO_MISSES)
    project.by_case('variants=["v1"], pass_rate=0.75')
    project.run("--junitxml=out.xml")
    suite = ElementTree.parse(project.path / "out.xml").getroot()[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped", "errors")} == {
        "tests": "5", "failures": "1", "skipped": "2", "errors": "0",
    }  # fmt: skip
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    miss = cases["test_answer[v1-c2]"].find("skipped")
    assert miss is not None
    assert "a miss within the budget of test_answer[v1-pass_rate]" in str(miss.get("message"))
    verdict = cases[GATE].find("failure")
    assert verdict is not None
    assert "2 of 4 cases passed" in str(verdict.text)


def test_junit_keeps_the_sentence_of_a_gate_that_passed(project: Project) -> None:
    project.target(ONE_MISS)
    project.by_case('variants=["v1"], pass_rate=0.5')
    project.run("--junitxml=out.xml")
    root = ElementTree.parse(project.path / "out.xml").getroot()
    sentences = [item.get("value", "") for item in root.iter("property") if item.get("name") == "genaiops"]
    assert len(sentences) == 1
    assert sentences[0].startswith("passed: 3 of 4 cases passed (75.0%")


class TestRerunFailures:
    @pytest.fixture(autouse=True)
    def _plugin(self) -> None:
        pytest.importorskip("pytest_rerunfailures")

    def test_the_last_run_of_a_case_counts(self, project: Project) -> None:
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
        result = project.run("-v", "-p", "rerunfailures", "--reruns=1")
        assert result.parseoutcomes() == {"passed": 5, "rerun": 4}
        assert result.ret == pytest.ExitCode.OK
        assert len(project.calls) == 4
        result.stdout.fnmatch_lines(["  exact_match *1.0000 *", "  passed *4"])

    def test_the_target_is_not_asked_again(self, project: Project) -> None:
        project.target(RAISES)
        project.by_case('variants=["v1"], pass_rate=0.1')
        result = project.run("-v", "-p", "rerunfailures", "--reruns=2")
        assert outcomes(result) == ids(c2="FAILED", pass_rate="FAILED")
        assert len(project.calls) == 4


class TestInterval:
    def test_takes_the_trials_of_a_case_for_one(self, project: Project) -> None:
        project.dataset([{"id": f"c{i:02}", "reference": "yes"} for i in range(20)])
        project.target('return "no" if case.id in ("c00", "c01") else "yes"')
        project.by_case('variants=["v1"], trials=5, pass_rate=0.95')
        line = next(line for line in project.run().outlines if "90 of 100 cases passed" in line)
        low = float(line.partition("interval ")[2].partition("%")[0])
        # statsmodels 0.15.0: proportion_confint(18, 20, method="beta") begins at 0.683; of 100 cases it would be 0.824.
        assert low <= 70

    def test_has_the_confidence_of_the_session(self, project: Project) -> None:
        project.target(TWO_MISSES)
        project.by_case('variants=["v1"], pass_rate=0.75')
        # statsmodels 0.15.0: proportion_confint(2, 4, alpha=0.2, method="beta") is 0.1426 to 0.8574
        project.run("--genaiops-confidence=0.8").stdout.fnmatch_lines(["*80 % interval 14.3% to 85.7%*"])
