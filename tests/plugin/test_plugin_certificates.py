"""A suite that demands a certificate of its judges: without one that holds, nothing passes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from inner import Project

from pytest_genaiops import metric
from pytest_genaiops.calibration import Certificate, without_data, write_certificate
from pytest_genaiops.statistics.raters import Figure

TODAY = datetime.now(UTC).date()
GOOD = Certificate(
    judge="relevancy",
    signature=without_data(metric("relevancy")(["nine"], questions=["When?"]).signature),
    labels="labels",
    labels_hash="0" * 64,
    n=200,
    unscored=0,
    clusters=None,
    accepted=120,
    threshold=0.5,
    higher_is_better=True,
    tested_on=100,
    confidence=0.95,
    figures={"kappa": Figure(value=0.6, interval=(0.45, 0.75), n=100)},
    min_kappa=0.2,
    issued=TODAY,
    expires=TODAY + timedelta(days=180),
)
ROWS = [{"id": f"c{i}", "question": "When are you open?"} for i in range(4)]
MARK = '@pytest.mark.genaiops(dataset="opening", require_certificate="certificates/g.json"{more})'
WHOLE = f"""
    import pytest

    {MARK}
    def test_relevant(responses, relevancy):
        assert relevancy(responses) >= 0
"""
BY_CASE = f"""
    import pytest

    {MARK}
    def test_relevant(response, relevancy):
        assert relevancy(response) >= 0
"""
MEND = "genaiops calibrate"


@pytest.fixture
def suite(project: Project) -> Project:
    project.dataset(ROWS, name="opening")
    project.target("return 'We are open from nine to five.'")
    return project


def certify(project: Project, certificate: Certificate = GOOD, name: str = "g.json") -> Path:
    path = Path(project.path) / "certificates" / name
    write_certificate(path, certificate, shown=name)
    return path


class TestACertificateThatHolds:
    @pytest.mark.parametrize(
        ("source", "more", "passed"), [(WHOLE, "", 1), (BY_CASE, "", 4), (BY_CASE, ", pass_rate=0.9", 5)]
    )
    def test_lets_the_suite_pass(self, suite: Project, source: str, more: str, passed: int) -> None:
        certify(suite)
        suite.suite(source.format(more=more))
        suite.run().assert_outcomes(passed=passed)

    def test_holds_for_early_stopping(self, suite: Project) -> None:
        certify(suite)
        suite.suite(WHOLE.format(more=""))
        suite.run("--genaiops-early-stop").assert_outcomes(passed=1)

    def test_is_not_needed_by_what_is_no_judge(self, suite: Project) -> None:
        certify(suite, replace(GOOD, judge="fluency", signature="fluency|judge:mini"))
        suite.suite(f"""
            import pytest

            {MARK.format(more="")}
            def test_length(responses, latency):
                assert latency(responses).value >= 0
        """)
        suite.run().assert_outcomes(passed=1)

    def test_may_be_one_of_several(self, suite: Project) -> None:
        certify(suite, replace(GOOD, judge="fluency", signature="fluency|judge:mini"), "r.json")
        certify(suite)
        named = 'require_certificate=["certificates/r.json", "certificates/g.json"]'
        source = WHOLE.replace('require_certificate="certificates/g.json"', named)
        suite.suite(source.format(more=""))
        suite.run().assert_outcomes(passed=1)


def edited(path: Path) -> None:
    content = json.loads(path.read_text())
    content["expires"] = "2099-01-01"
    path.write_text(json.dumps(content))


WRONG = {
    "there is no certificate": lambda project: None,
    "expired on": lambda project: certify(project, replace(GOOD, issued=date(2020, 1, 1), expires=date(2020, 6, 1))),
    "the clock of this machine": lambda project: certify(
        project, replace(GOOD, issued=TODAY + timedelta(days=3), expires=TODAY + timedelta(days=9))
    ),
    "must be above 0.2": lambda project: certify(
        project, replace(GOOD, figures={"kappa": Figure(value=0.0, interval=(-0.04, 0.04), n=100)})
    ),
    "was changed after it was written": lambda project: edited(certify(project)),
    "certificates of other judges": lambda project: certify(
        project, replace(GOOD, signature="relevancy|judge:other-model")
    ),
}


class TestWithoutOne:
    @pytest.mark.parametrize("why", WRONG)
    @pytest.mark.parametrize("source", [WHOLE, BY_CASE], ids=["whole", "by case"])
    def test_nothing_passes(self, suite: Project, why: str, source: str) -> None:
        WRONG[why](suite)
        more = ", pass_rate=0.1" if source is BY_CASE else ""
        suite.suite(source.format(more=more))
        result = suite.run("--genaiops-undecided=warn")
        assert "passed" not in result.parseoutcomes()
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert why in result.stdout.str().replace("\n", " ")
        assert MEND in result.stdout.str()

    @pytest.mark.parametrize("why", ["expired on", "certificates of other judges"])
    def test_nothing_passes_in_workers(self, suite: Project, why: str) -> None:
        pytest.importorskip("xdist")
        WRONG[why](suite)
        suite.suite(BY_CASE.format(more=", pass_rate=0.1"))
        result = suite.run_apart("-p", "xdist", "-n", "1")
        assert "passed" not in result.parseoutcomes()
        assert result.ret == pytest.ExitCode.TESTS_FAILED

    @pytest.mark.parametrize(
        "after", ["pass", "assert False", "pytest.skip('later')", "pytest.xfail('known')"], ids=lambda each: each[:12]
    )
    def test_catching_the_error_helps_nobody(self, suite: Project, after: str) -> None:
        WRONG["certificates of other judges"](suite)
        suite.suite(f"""
            import pytest

            {MARK.format(more=", pass_rate=0.1")}
            def test_relevant(response, relevancy):
                try:
                    relevancy(response)
                except Exception:
                    {after}
        """)
        result = suite.run()
        assert "passed" not in result.parseoutcomes()
        assert result.ret != pytest.ExitCode.OK
        assert "4 have no result" in result.stdout.str()

    def test_a_verdict_on_a_score_of_a_fixture_is_none(self, suite: Project) -> None:
        WRONG["certificates of other judges"](suite)
        suite.suite(f"""
            import pytest

            KEPT = []

            @pytest.mark.genaiops(dataset="opening")
            def test_first(responses, relevancy):
                KEPT.append(relevancy(responses))

            {MARK.format(more="")}
            def test_second(responses):
                assert KEPT[0].at_least(0)
        """)
        result = suite.run()
        result.assert_outcomes(passed=1, failed=1)

    @pytest.mark.parametrize("value", ["3", "[]", "''", "[1]"])
    def test_a_wrong_argument_is_a_collection_error(self, suite: Project, value: str) -> None:
        suite.suite(WHOLE.replace('"certificates/g.json"', value).format(more=""))
        result = suite.run()
        assert result.parseoutcomes() == {"errors": 1}
        assert "require_certificate" in result.stdout.str()
