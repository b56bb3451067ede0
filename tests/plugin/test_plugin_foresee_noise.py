"""Noise of a committed baseline: told at collection where it stops an unchanged system."""

from __future__ import annotations

import re

import pytest
from foresee_help import looked_at, rows, write
from inner import Project


@pytest.fixture
def gates(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on somebody's own machine, with 20 cases."""
    monkeypatch.delenv("CI", raising=False)
    rows(project, 20)
    return project


NOISY = """
import random
import pytest

@pytest.fixture(scope="session")
def target():
    asked = {{}}
    def answer(case, variant):
        asked[case.id] = asked.get(case.id, 0) + 1
        draw = random.Random(f"{{case.id}} {{asked[case.id]}}")
        return "yes it is so" if draw.random() < {steady} else "yes"
    return answer
"""


class TestCommittedNoise:
    def committed(self, project: Project, gate: str, *, steady: float = 0.5, trials: int = 3) -> list[str]:
        rows(project, 60)
        project.write("conftest.py", NOISY.format(steady=steady))
        write(project, f"assert {gate}", marker=f'variants=["v1"], trials={trials}')
        assert project.run("--genaiops-update-baseline").ret == 0
        return looked_at(project)

    @pytest.mark.parametrize(("metric", "margin"), [("exact_match", 0.07), ("token_f1", 0.04)])
    def test_that_stops_an_unchanged_system_more_often_than_not(
        self, gates: Project, metric: str, margin: float
    ) -> None:
        gate = f"{metric}(responses).not_worse_than(baseline, margin={margin})"
        (sentence,) = self.committed(gates, gate)
        start, power, cases = re.fullmatch(
            r"(.*) passes an unchanged system in (\d+) % of runs with 60 cases x 3 trials, by the noise in its "
            r"committed baseline; (\d+) cases x 3 trials pass in 80 % \(see genaiops power\)",
            sentence,
        ).groups()  # type: ignore[union-attr]
        assert start == gate
        assert 5 < int(power) < 50
        assert 100 < int(cases) < 600

    def test_that_lets_it_pass_is_not_told(self, gates: Project) -> None:
        for margin in (0.17, 0.3):
            assert self.committed(gates, f"exact_match(responses).not_worse_than(baseline, margin={margin})") == []
        assert self.committed(gates, "exact_match(responses).not_worse_than(baseline, margin=0.1)", steady=0) == []

    def test_that_is_not_known_is_not_told(self, gates: Project) -> None:
        """One trial of each case tells no noise."""
        gate = "token_f1(responses).not_worse_than(baseline, margin=0.02)"
        assert self.committed(gates, gate, trials=1) == []

    def test_that_is_of_other_cases_or_trials_is_not_told(self, gates: Project) -> None:
        gate = "token_f1(responses).not_worse_than(baseline, margin=0.05)"
        assert len(self.committed(gates, gate)) == 1
        rows(gates, 61)
        assert looked_at(gates) == []

    def test_that_is_of_another_option_is_not_told(self, gates: Project) -> None:
        gate = "token_f1(responses, tokenize='unicode').not_worse_than(baseline, margin=0.05)"
        assert self.committed(gates, gate) == []
