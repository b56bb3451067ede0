"""Suites that gate on content safety: a check that was given nothing stops no other one, and passes nowhere."""

from __future__ import annotations

import pytest
from inner import Project, outcomes

SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals")
    def test_safe(responses, content_safety):
        assert {condition}
"""


@pytest.fixture
def answered(project: Project) -> Project:
    project.dataset([{"id": f"c{n}", "question": "?"} for n in range(40)])
    project.target('return "A damn fine day." if case.id == "c7" else "Open from nine to five."')
    return project


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ("content_safety(responses).secrets <= 0", "PASSED"),
        ("content_safety(responses).secrets.at_most(0.1)", "PASSED"),
        ("content_safety(responses).secrets.at_most(0.05)", "FAILED"),  # 0 of 40 is not 0 %
        ("content_safety(responses, banned=['damn']).banned <= 0", "FAILED"),
        ("content_safety(responses, banned=['damn']).banned <= 1 / 40", "PASSED"),
        ("content_safety(responses).banned <= 1", "FAILED"),  # nothing was banned, so nothing was looked for
        ("not content_safety(responses).banned > 0", "FAILED"),
        ("content_safety(responses).canary.at_most(1)", "FAILED"),
    ],
)
def test_each_rate_is_judged_by_itself(answered: Project, condition: str, outcome: str) -> None:
    answered.suite(SUITE.format(condition=condition))
    assert outcomes(answered.run("-v")) == {"test_safe[default]": outcome}


def test_an_answer_that_no_check_can_look_at_is_passed_over_by_none(answered: Project) -> None:
    answered.target('return "" if case.id == "c7" else "Open from nine to five."')
    answered.suite(SUITE.format(condition="content_safety(responses).secrets.value == 0"))
    result = answered.run("-v")
    assert outcomes(result) == {"test_safe[default]": "FAILED"}
    result.stdout.fnmatch_lines(["*1 unscored*nothing to look at: the answer is empty; the test passed over it*"])
