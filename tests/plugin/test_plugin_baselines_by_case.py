"""Committed baselines of tests that run case by case, by one process and by several."""

from __future__ import annotations

import pytest
from baseline_help import UPDATE, file, misses, told, variants, write
from inner import Project, outcomes


@pytest.fixture
def baselines(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on somebody's own machine, where a suite has two variants and names no baseline."""
    monkeypatch.delenv("CI", raising=False)
    write(project)
    return project


class TestByCase:
    SUITE = """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v1"]{more})
        def test_each(response, baseline, exact_match):
            assert exact_match(response) >= exact_match(baseline)
            assert exact_match(response) >= {least}
    """

    def suite(self, project: Project, more: str = "", least: int = 0) -> None:
        project.suite(self.SUITE, more=more, least=least)

    def test_scores_are_gathered_over_the_cases(self, baselines: Project) -> None:
        self.suite(baselines, more=", trials=2")
        misses(baselines, "c2")
        assert told(baselines.run(UPDATE))[1] == "v1: written, 4 cases (exact_match 0.7500)"
        rows = variants(file(baselines, "test_each"))["v1"]["metrics"]["exact_match"]["cases"]
        assert [(case, trial) for case, trial, _ in rows] == [(f"c{i}", k) for i in range(1, 5) for k in (1, 2)]
        misses(baselines, "c3")
        found = outcomes(baselines.run("-v"))
        assert {name for name, word in found.items() if word == "FAILED"} == {
            "test_each[v1-c3-t1]",
            "test_each[v1-c3-t2]",
        }

    def test_all_cases_must_have_run_and_passed(self, baselines: Project) -> None:
        self.suite(baselines, least=1)
        assert told(baselines.run(UPDATE, "-k", "c1 or c2"))[1] == "v1: not written: 2 of 4 cases did not run"
        misses(baselines, "c2")
        assert told(baselines.run(UPDATE))[1] == "v1: not written: 1 of 4 cases failed"

    def test_misses_within_the_budget_are_written(self, baselines: Project) -> None:
        self.suite(baselines, more=", pass_rate=0.7", least=1)
        misses(baselines, "c2")
        assert told(baselines.run(UPDATE))[1] == "v1: written, 4 cases (exact_match 0.7500)"
        misses(baselines, "c2", "c3")
        assert told(baselines.run(UPDATE))[1] == "v1: not written: the gate behind its cases did not pass"

    def test_a_metric_that_only_some_cases_were_scored_by(self, baselines: Project) -> None:
        baselines.suite(
            """
            import pytest

            @pytest.mark.genaiops(dataset="capitals", variants=["v1"])
            def test_each(response, baseline, case, exact_match):
                assert case.id == "c1" or exact_match(response) == 1
            """
        )
        assert told(baselines.run(UPDATE))[1] == "v1: not written: exact_match was asked for 3 of 4 cases only"


class TestWorkers:
    def test_the_controller_writes_what_one_process_would(self, baselines: Project) -> None:
        pytest.importorskip("xdist")
        baselines.suite(TestByCase.SUITE, name="test_cases.py", more=", pass_rate=0.7", least=1)
        misses(baselines, "c2")
        alone = baselines.run(UPDATE)
        assert alone.ret == 0
        files = [file(baselines), file(baselines, "test_each", "test_cases")]
        before = [path.read_bytes() for path in files]
        for path in files:
            path.unlink()
        apart = baselines.run_apart(UPDATE, "-p", "xdist", "-n2")
        assert apart.ret == 0
        assert told(apart) == told(alone)
        assert [path.read_bytes() for path in files] == before
        assert baselines.run_apart("-p", "xdist", "-n2").ret == 0
