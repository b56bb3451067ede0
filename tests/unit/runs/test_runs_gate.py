"""`genaiops gate`: rules over a recorded run, and what its exit code says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from record_help import Command, evaluated, recorded

from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Response
from pytest_genaiops.score.metric import MetricHandle
from pytest_genaiops.store import ItemRow


def items(*outcomes: str) -> list[ItemRow]:
    return [
        ItemRow(test=f"t.py::test[{place}]", position=place, outcome=outcome) for place, outcome in enumerate(outcomes)
    ]


class TestExitCodes:
    def test_of_rules_that_all_passed(self, run: str, genaiops: Command) -> None:
        code, lines, _ = genaiops("gate", run, "--rules", "exact_match >= 0.6", "--rules", "token_f1.at_least(0.5)")
        assert code == 0
        assert lines[-1] == "4 passed"
        assert "  passed: exact_match >= 0.6" in lines
        assert "      exact_match = 0.6667 (n=24, scale 0-1) is >= 0.6; 95 % interval 0.447" in "\n".join(lines)

    def test_of_one_that_failed(self, run: str, genaiops: Command) -> None:
        code, lines, _ = genaiops("gate", "--rules", "exact_match >= 0.7")
        assert code == 1
        assert lines[-1] == "1 passed, 1 failed"
        assert "is not >= 0.7" in "\n".join(lines)

    def test_of_one_that_is_undecided(self, run: str, genaiops: Command) -> None:
        rule = "exact_match.at_least(0.6)"
        assert genaiops("gate", "--rules", rule, "--variant", "v1")[0] == 1
        code, lines, _ = genaiops("gate", "--rules", rule, "--variant", "v1", "--undecided", "warn")
        assert code == 0
        assert lines[-1] == "1 undecided"

    def test_of_one_without_a_result(self, project: Path, run: str, genaiops: Command) -> None:
        with closing(sqlite3.connect(project / ".genaiops" / "record.sqlite")) as connection, connection:
            connection.execute("DELETE FROM trials WHERE position = 3")
            connection.execute("DELETE FROM measurements WHERE position = 3")
        for rule in ("exact_match >= 0.1", "exact_match <= 1", "exact_match.at_least(0.1)", "exact_match == 0"):
            for how in ("fail", "warn"):
                code, lines, _ = genaiops("gate", "--rules", rule, "--undecided", how)
                assert (code, lines[-1]) == (69, "2 no result"), rule
        assert genaiops("gate", "--rules", "exact_match >= 0.1", "--rules", "token_f1.at_least(1)")[0] == 1


class TestRules:
    def test_from_a_file(self, project: Path, run: str, genaiops: Command) -> None:
        (project / "gates.txt").write_text("# gates\n    assert exact_match(responses) >= 0.6\ntoken_f1 >= 0.5\n")
        assert genaiops("gate", "--rules", "gates.txt")[1][-1] == "4 passed"

    def test_against_the_baseline_leave_the_baseline_out(self, run: str, genaiops: Command) -> None:
        _, lines, _ = genaiops("gate", "--rules", "exact_match.not_worse_than(baseline, margin=0.4)")
        assert lines[-1] == "1 passed"
        assert "tests/test_qa.py::test_answers [v2]" in lines

    def test_against_another_variant(self, run: str, genaiops: Command) -> None:
        rule = "exact_match > exact_match(baseline)"
        assert genaiops("gate", "--rules", rule)[1][-1] == "1 passed"
        assert genaiops("gate", "--rules", rule, "--baseline", "v2")[1][-1] == "1 failed"
        assert genaiops("gate", "--rules", 'exact_match > exact_match("v2")')[1][-1] == "1 failed"

    def test_go_by_the_confidence_that_is_asked_for(self, run: str, genaiops: Command) -> None:
        shown = "\n".join(genaiops("gate", "--rules", "exact_match.at_least(0.3)", "--confidence", "0.8")[1])
        assert "80 % interval" in shown

    def test_only_in_suites_and_variants_of_a_name(self, project: Path, run: str, genaiops: Command) -> None:
        recorded(project, evaluated(project, ["exact_match"]), title="b.py::test_two", run=run)
        given = ("gate", "--rules", "exact_match >= 0.1", "--suite", "b.py*", "--variant", "*1")
        assert genaiops(*given)[1][-1] == "1 passed"
        assert genaiops("gate", "--rules", "exact_match >= 0.1")[1][-1] == "4 passed"
        assert genaiops("gate", "--rules", "token_f1 >= 0.1")[1][-1] == "2 passed", "where there is such a metric"


class TestPassRates:
    def facts(self, project: Path, *outcomes: str, budget: float | None = 0.5) -> None:
        given = {"by_case": True, "pass_rate": budget}
        recorded(project, evaluated(project, ["exact_match"], count=4), facts=given, items={"v1": items(*outcomes)})

    @pytest.mark.parametrize(
        ("outcomes", "budget", "code"),
        [
            (("passed", "passed", "passed", "missed"), 0.5, 0),
            (("passed", "missed", "missed", "missed"), 0.5, 1),
            (("passed", "passed", "passed", "skipped"), 0.5, 0),
            (("passed", "passed", "passed", "lost"), 0.5, 69),
            (("passed", "passed", "passed"), 0.5, 69),
            (("passed", "passed", "passed", "failed"), 0.5, 69),
            (("passed", "passed", "passed", "failed"), None, 0),
            (("passed", "failed", "failed", "failed"), None, 1),
        ],
    )
    def test_are_of_items(
        self, project: Path, genaiops: Command, outcomes: tuple[str, ...], budget: float | None, code: int
    ) -> None:
        self.facts(project, *outcomes, budget=budget)
        assert genaiops("gate", "--rules", "pass_rate >= 0.5", "--variant", "v1")[0] == code

    def test_are_of_suites_that_judge_case_by_case(self, run: str, genaiops: Command) -> None:
        code, _, said = genaiops("gate", "--rules", "pass_rate >= 0.5")
        assert code == 2
        assert "no suite judges case by case" in said


class Spread(Metric):
    name = "spread"

    def statistics(self, response: Response, case: Case) -> tuple[float, ...]:
        return (1.0, 2.0)

    def signature(self, cases: object) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["20001130", "--rules", "exact_match >= 1"], "there is no run 20001130"),
        (["--rules", "exact_mach >= 1"], "'exact_mach' was not measured in this run; did you mean 'exact_match'?"),
        (["--rules", "chrf >= 1"], "--metric chrf` measures it"),
        (["--rules", "exact_match(responses, normalize=3) >= 1"], "exact_match has no option 'normalize'"),
        (["--rules", "bleu.at_least("], "rule in line 1, column "),
        (["--rules", "exact_match.better_than('v9')"], "no variant is called 'v9'"),
        (["--rules", "exact_match >= 1", "--suite", "nothing"], "has no suite 'nothing'"),
        (["--rules", "exact_match >= 1", "--variant", "v9*"], "no variant's id matches 'v9*'"),
        (["--rules", "exact_match >= 1", "--confidence", "95"], "--confidence 95 must lie between 0 and 1"),
        (["--rules", "gates.txt"], "--rules 'gates.txt': there is no such file"),
        (["--rules", "exact_match.precision >= 1"], "exact_match has no 'precision'"),
        (["--rules", "exact_match.pass_at(3) >= 1"], "rule in line 1, under v1: "),
        (["--rules", "exact_match.better_than(baseline)", "--variant", "v1"], "no rule was held against anything"),
        (["--rules", "exact_match.at_least(0.5, confidence=2)"], "confidence is 2"),
        (["--rules", "exact_match.within(2, 1)"], "the lower limit comes first"),
        (["--rules", "# nothing"], "there is no rule"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(run: str, genaiops: Command, arguments: list[str], said: str) -> None:
    code, lines, told = genaiops("gate", *arguments)
    assert (code, lines) == (2, [])
    assert said in told
    assert told.count("\n") == 1


def test_a_metric_of_the_project_s_own_is_named_with_the_reason(project: Path, genaiops: Command) -> None:
    recorded(project, evaluated(project, [MetricHandle(Spread())], count=4))
    code, _, said = genaiops("gate", "--rules", "spread >= 1")
    assert code == 2
    assert "there are no scores of 'spread' here: spread is a metric of the project's own" in said


def test_files_of_rules_that_cannot_be_read(project: Path, run: str, genaiops: Command) -> None:
    (project / "a.txt").write_bytes(b"exact_match >= \xff\n")
    (project / "b.txt").write_bytes(b"# \n" * 400_000)
    assert "'a.txt'" in genaiops("gate", "--rules", "a.txt")[2]
    assert "has more than 1,000,000 bytes" in genaiops("gate", "--rules", "b.txt")[2]
