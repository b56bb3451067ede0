"""What JUnit's XML has of suites: verdicts with their numbers, well formed whatever answers hold."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from inner import Project
from report_help import COMPARED, HOSTILE, LONE, ONE_WRONG

import pytest_genaiops.report.html
import pytest_genaiops.report.markdown
import pytest_genaiops.runs  # noqa: F401 - inner runs forget what they import


@pytest.fixture
def compared(project: Project) -> Project:
    project.target(ONE_WRONG)
    project.suite(COMPARED)
    return project


def properties(node: Any) -> dict[str, str]:
    return {each.get("name"): each.get("value") for each in node.findall("properties/property")}


class TestJUnit:
    def read(self, project: Project) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """Properties of the session, and of each test by its name."""
        (suite,) = ElementTree.parse(project.path / "junit.xml").getroot()
        return properties(suite), {each.get("name"): properties(each) for each in suite.findall("testcase")}

    def test_a_verdict_with_its_numbers(self, compared: Project) -> None:
        compared.run("--junitxml=junit.xml")
        session, tests = self.read(compared)
        found = tests["test_answers[v2]"]
        reason = found.pop("genaiops.exact_match.reason")
        assert reason.startswith("exact_match change -0.25, 95 % interval ")
        # The bounds are Clopper and Pearson's (statsmodels 0.15.0, proportion_confint(3, 4, method="beta")).
        low, high = (float(found.pop(f"genaiops.exact_match.{end}")) for end in ("low", "high"))
        assert (low, high) == pytest.approx((0.19412045, 0.99369054), abs=1e-8)
        assert int(found.pop("genaiops.exact_match.required_n")) > 4
        assert found == {
            "genaiops.outcome": "failed",
            "genaiops.exact_match.verdict": "undecided",
            "genaiops.exact_match.rule": "not_worse_than",
            "genaiops.exact_match.limit.margin": "0.01",
            "genaiops.exact_match.value": "0.75",
            "genaiops.exact_match.n": "4",
            "genaiops.exact_match.unscored": "0",
        }
        assert re.fullmatch(r"\d{8}T\d{6}-\w+", session["genaiops.run"])
        assert re.fullmatch(r"[0-9a-f]{64}", session["genaiops.dataset.capitals"])

    def test_cases_and_their_gate(self, project: Project) -> None:
        project.target(ONE_WRONG)
        project.by_case('variants=["v2"], pass_rate=0.5')
        project.run("--junitxml=junit.xml")
        _, tests = self.read(project)
        assert tests["test_answer[v2-c1]"] == {
            "genaiops.outcome": "missed",
            "genaiops.exact_match.value": "0.0",
            "genaiops.exact_match.n": "1",
            "genaiops.exact_match.unscored": "0",
        }
        gate = tests["test_answer[v2-pass_rate]"]
        assert gate["genaiops.pass_rate.verdict"] == "passed"
        assert gate["genaiops.pass_rate.value"] == "0.75"
        assert gate["genaiops.pass_rate.n"] == "4"

    def test_a_score_that_is_not_there(self, project: Project) -> None:
        project.target("raise ConnectionError('no route')")
        project.whole('variants=["v1"]')
        project.run("--junitxml=junit.xml")
        _, tests = self.read(project)
        assert tests["test_answers[v1]"] == {
            "genaiops.outcome": "lost",
            "genaiops.exact_match.n": "0",
            "genaiops.exact_match.unscored": "4",
        }

    def test_the_same_from_workers(self, compared: Project) -> None:
        pytest.importorskip("xdist")
        compared.run("--junitxml=junit.xml")
        alone = self.read(compared)
        compared.run_apart("-p", "xdist", "-n2", "--junitxml=junit.xml")
        session, tests = self.read(compared)
        assert tests == alone[1]
        assert session["genaiops.dataset.capitals"] == alone[0]["genaiops.dataset.capitals"]
        assert session["genaiops.run"]

    def test_no_property_without_a_suite(self, project: Project) -> None:
        project.write("test_plain.py", "def test_plain():\n    pass\n")
        project.run("--junitxml=junit.xml")
        assert self.read(project) == ({}, {"test_plain": {}})

    def test_hostile_texts_leave_it_well_formed(self, project: Project) -> None:
        project.dataset([{"id": f"c{HOSTILE}", "reference": "yes"}], name="odd")
        project.target(f"return {HOSTILE!r}")
        project.suite(f"""
            import pytest
            from pytest_genaiops import Score

            @pytest.mark.genaiops(dataset="odd", variants=["v1"])
            def test_case(response, exact_match):
                assert exact_match(response) >= 1, response.text

            @pytest.mark.genaiops(dataset="odd", variants=["v1"])
            def test_whole(responses):
                name = {LONE!r}
                assert Score.of([0.0] * 9, ids=list("abcdefghi"), name=name, scale=(0, 1)).at_least(0.5)
        """)
        project.run("--junitxml=junit.xml")
        _, tests = self.read(project)
        found = tests["test_whole[v1]"]
        assert any(name.endswith(".verdict") and r"\x00" in name for name in found)

    def test_a_score_of_the_tests_own_values_has_its_numbers(self, project: Project) -> None:
        project.target()
        project.suite("""
            import pytest
            from pytest_genaiops import Score

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_tone(responses):
                tone = Score.of([1.0, 0.5, None, 1.0, 1.0, 0.5], name="tone")
                assert tone.at_least(0.9).outcome != "passed"
        """)
        project.run("--junitxml=junit.xml")
        _, tests = self.read(project)
        found = tests["test_tone[v1]"]
        assert (found["genaiops.tone.n"], found["genaiops.tone.unscored"]) == ("5", "1")
        assert float(found["genaiops.tone.value"]) == pytest.approx(0.8)
        assert float(found["genaiops.tone.low"]) < 0.8 < float(found["genaiops.tone.high"])

    def test_the_number_of_properties_of_a_test_is_bounded(self, project: Project) -> None:
        project.suite("""
            import pytest
            from pytest_genaiops import Score

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_many(responses):
                for number in range(100):
                    Score.of([1.0] * 4, ids=list("abcd"), name=f"m{number}", scale=(0, 1)).at_least(0.5)
        """)
        project.run("--junitxml=junit.xml")
        _, tests = self.read(project)
        assert 0 < len(tests["test_many[v1]"]) <= 40
