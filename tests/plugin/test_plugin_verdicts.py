"""Verdicts in a session: what undecided ones do, what goes by options, and what the summary tells of them."""

from __future__ import annotations

from typing import Any

import pytest
from inner import Project, outcomes

CASES = 40
ROWS = [{"id": f"c{i:02}", "reference": "yes", "slice_half": "odd" if i % 2 else "even"} for i in range(CASES)]

GATE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1"{more})
    def test_answers(responses, baseline, exact_match):
        {body}
"""
WRONG_IN = 'return "no" if int(case.id[1:]) in {wrong} and variant.id == "v2" else "yes"'


@pytest.fixture
def graded(project: Project) -> Project:
    project.dataset(ROWS)
    return project


def gate(project: Project, body: str, *, wrong: tuple[int, ...] = (3,), more: str = "") -> None:
    """A suite whose second variant answers some cases wrongly."""
    project.target(WRONG_IN.format(wrong=set(wrong) or "()"))
    project.suite(GATE, body=body, more=more)


NOT_WORSE = "assert exact_match(responses).not_worse_than(baseline, margin=0.05)"


class TestUndecided:
    def test_fails_by_default(self, graded: Project) -> None:
        gate(graded, NOT_WORSE)
        result = graded.run("-v")
        assert outcomes(result)["test_answers[v2]"] == "FAILED"
        result.stdout.fnmatch_lines(["*<undecided: exact_match change -0.02*cases would decide)>*"])
        assert result.ret == 1

    @pytest.mark.parametrize("how", ["option", "ini"])
    def test_warns_where_the_session_only_warns(self, graded: Project, how: str) -> None:
        gate(graded, NOT_WORSE)
        arguments = ["--genaiops-undecided=warn"] if how == "option" else []
        if how == "ini":
            graded.write("pytest.ini", "[pytest]\ngenaiops_undecided = warn\n")
        result = graded.run("-v", *arguments)
        assert outcomes(result)["test_answers[v2]"] == "UNDECIDED"
        assert result.ret == 0
        result.stdout.fnmatch_lines(
            ["*UndecidedWarning: exact_match change -0.02*", "*v2 undecided: exact_match change*", "*1 undecided*"]
        )
        result.assert_outcomes(passed=1)  # v1; the other is neither passed nor failed

    def test_that_only_warns_does_not_hide_what_comes_after_it(self, graded: Project) -> None:
        gate(graded, f"{NOT_WORSE}; assert exact_match(responses) >= 1")
        result = graded.run("-v", "--genaiops-undecided=warn")
        assert outcomes(result)["test_answers[v2]"] == "FAILED"
        result.stdout.fnmatch_lines(["*exact_match = 0.9750*>= 1*"])

    def test_that_only_warns_still_fails_where_the_loss_is_sure(self, graded: Project) -> None:
        gate(graded, NOT_WORSE, wrong=tuple(range(15)))
        result = graded.run("-v", "--genaiops-undecided=warn")
        assert outcomes(result)["test_answers[v2]"] == "FAILED"

    def test_for_missing_answers_fails_all_the_same(self, graded: Project) -> None:
        graded.target('if case.id == "c03" and variant.id == "v2":\n    raise OSError("down")\nreturn "yes"')
        graded.suite(GATE, body=NOT_WORSE, more="")
        result = graded.run("-v", "--genaiops-undecided=warn")
        assert outcomes(result)["test_answers[v2]"] == "FAILED"
        result.stdout.fnmatch_lines(["*1 of 40 cases unscored (1 target): target: *down*"])

    def test_is_an_error_for_who_turns_warnings_into_errors(self, graded: Project) -> None:
        gate(graded, NOT_WORSE)
        result = graded.run("-v", "--genaiops-undecided=warn", "-W", "error::pytest_genaiops.UndecidedWarning")
        assert outcomes(result)["test_answers[v2]"] == "FAILED"

    def test_says_so_from_workers(self, graded: Project) -> None:
        gate(graded, NOT_WORSE)
        result = graded.run_apart("-v", "--genaiops-undecided=warn", "-p", "xdist", "-n", "2")
        result.stdout.fnmatch_lines(["*UNDECIDED*", "*v2 undecided: exact_match change*", "*1 undecided*"])
        assert result.ret == 0

    def test_of_another_word_is_refused(self, graded: Project) -> None:
        gate(graded, NOT_WORSE)
        graded.write("pytest.ini", "[pytest]\ngenaiops_undecided = ignore\n")
        result = graded.run()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*genaiops_undecided=ignore: give fail or warn*"])


class TestOptions:
    def test_the_confidence_is_that_of_every_verdict(self, graded: Project) -> None:
        gate(graded, "assert exact_match(responses).at_least(0.9)", wrong=())
        # All 40 right: Clopper and Pearson's lower bound is 0.912 at 95 % and 0.876 at 99 %.
        assert graded.run().ret == 0
        result = graded.run("--genaiops-confidence=0.99")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*99 % interval 0.876 to 1.000*"])
        graded.write("pytest.ini", "[pytest]\ngenaiops_confidence = 0.99\n")
        assert graded.run().ret == 1
        assert graded.run("--genaiops-confidence=0.95").ret == 0

    @pytest.mark.parametrize("value", ["0", "1", "95", "-1", "nan"])
    def test_a_confidence_that_is_none_is_refused(self, graded: Project, value: str) -> None:
        gate(graded, NOT_WORSE)
        result = graded.run(f"--genaiops-confidence={value}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*confidence*"])

    def test_a_negative_seed_is_refused(self, graded: Project) -> None:
        gate(graded, NOT_WORSE)
        result = graded.run("--genaiops-seed=-3")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*--genaiops-seed=-3: give a whole number, 0 or more*"])


class TestCoverage:
    LOSSY = 'if case.id in ("c00", "c01"):\n    raise OSError("down")\nreturn "yes"'

    def run(self, project: Project, share: float, body: str) -> pytest.RunResult:
        project.target(self.LOSSY)
        project.suite(GATE, body=body, more=f", coverage={share}")
        return project.run("-v")

    @pytest.mark.parametrize(
        "body", ["assert exact_match(responses).at_least(0.8)", "assert exact_match(responses) >= 1"]
    )
    def test_that_is_reached_lets_a_suite_pass(self, graded: Project, body: str) -> None:
        result = self.run(graded, 0.95, body)
        assert set(outcomes(result).values()) == {"PASSED"}
        result.stdout.fnmatch_lines(["*unscored*2*2*"])

    @pytest.mark.parametrize(
        "body", ["assert exact_match(responses).at_least(0.8)", "assert exact_match(responses) >= 1"]
    )
    def test_that_is_not_reached_does_not(self, graded: Project, body: str) -> None:
        assert set(outcomes(self.run(graded, 0.96, body)).values()) == {"FAILED"}

    def test_lets_nobody_pass_over_more_errors_than_it_allows(self, graded: Project) -> None:
        assert set(outcomes(self.run(graded, 0.96, "len(responses)")).values()) == {"FAILED"}
        assert set(outcomes(self.run(graded, 0.95, "len(responses)")).values()) == {"PASSED"}

    def test_of_different_cases_is_no_coverage(self, graded: Project) -> None:
        graded.target('if case.id == {"v1": "c00", "v2": "c01"}[variant.id]:\n    raise OSError("down")\nreturn "yes"')
        graded.suite(
            GATE, body="assert exact_match(responses).not_worse_than(baseline, margin=0.5)", more=", coverage=0.9"
        )
        result = graded.run("-v")
        assert outcomes(result) == {"test_answers[v1]": "PASSED", "test_answers[v2]": "FAILED"}
        result.stdout.fnmatch_lines(["*candidate and baseline miss different cases (1 and 1 of their own*"])

    @pytest.mark.parametrize("share", [0, 1.5, True, '"all"'])
    def test_outside_its_range_is_refused(self, graded: Project, share: Any) -> None:
        graded.target()
        graded.suite(GATE, body="pass", more=f", coverage={share}")
        result = graded.run()
        result.stdout.fnmatch_lines(["*coverage=*: give the share of cases that must be scored, such as 0.95*"])
        assert result.ret != 0


class TestSummary:
    def test_tells_every_verdict_with_the_numbers_behind_it(self, graded: Project) -> None:
        gate(graded, "assert exact_match(responses).at_least(0.8)", wrong=(1, 2))
        result = graded.run()
        result.stdout.fnmatch_lines(
            [
                # statsmodels 0.15.0: proportion_confint(38, 40, method="beta") is 0.8308 to 0.9939
                "*exact_match*1.0000 [[]0.912, 1.000[]]*0.9500 [[]0.831, 0.994[]]*-0.0500*",
                "*v1 passed: exact_match 1.000, 95 % interval 0.912 to 1.000, is at least 0.8*",
                "*(n=40, detects 0.088, 18 cases decide this)*",
                "*v2 passed: exact_match 0.950, 95 % interval 0.831 to 0.994, is at least 0.8*",
                # The bound that faces the line is 0.119 away, as with a standard error of 0.0608:
                # 2.8016 * 0.0608 = 0.170, and 40 * (0.170 / 0.15)**2 = 51.6
                "*(n=40, detects 0.17, 52 cases decide this)*",
            ]
        )

    def test_does_not_tell_of_a_baseline_that_is_no_worse_than_itself(self, graded: Project) -> None:
        gate(graded, NOT_WORSE, wrong=())
        result = graded.run()
        result.stdout.no_fnmatch_line("*v1 passed: exact_match change*")

    def test_counts_cases_whose_trials_do_not_agree(self, graded: Project) -> None:
        graded.by_case('variants=["v1"], trials=4, pass_rate=0.5')
        graded.target(
            "key = (variant.id, case.id)\nSEEN[key] = SEEN.get(key, 0) + 1\n"
            'return "no" if case.id in ("c00", "c01") and SEEN[key] == 2 or case.id == "c02" else "yes"',
            head="SEEN = {}\n\ndef answer(case, variant):",
        )
        result = graded.run("--genaiops-concurrency=1")
        result.stdout.fnmatch_lines(["*flaky*2*"])

    def test_counts_them_for_whole_datasets_too(self, graded: Project) -> None:
        graded.target(
            "key = (variant.id, case.id)\nSEEN[key] = SEEN.get(key, 0) + 1\n"
            'return "no" if case.id in ("c00", "c01") and SEEN[key] == 2 or case.id == "c02" else "yes"',
            head="SEEN = {}\n\ndef answer(case, variant):",
        )
        graded.whole('variants=["v1"], trials=3', threshold=0.5)
        result = graded.run("--genaiops-concurrency=1")
        result.stdout.fnmatch_lines(["*40 cases in 3 trials*", "*flaky*2*"])

    def test_shows_intervals_over_cases_that_are_tests_of_their_own(self, graded: Project) -> None:
        gate(graded, "pass")
        graded.by_case('variants=["v2"], pass_rate=0.5')
        result = graded.run()
        # statsmodels 0.15.0: proportion_confint(39, 40, method="beta") is 0.8684 to 0.9994
        result.stdout.fnmatch_lines(["*exact_match*0.9750 [[]0.868, 0.999[]]*"])

    def test_shows_intervals_over_cases_not_over_their_trials(self, graded: Project) -> None:
        gate(graded, "pass")
        graded.by_case('variants=["v2"], trials=5, pass_rate=0.5')
        result = graded.run()
        # 200 independent cases would give 0.943 to 0.992; 40 cases of five equal trials tell as much as 40.
        line = next(line for line in result.outlines if "exact_match" in line and "0.9750" in line)
        low = float(line.partition("[")[2].partition(",")[0])
        assert low <= 0.87
