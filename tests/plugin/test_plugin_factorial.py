"""A matrix of variants in the summary: what its settings do, and a table that does not scroll away."""

from __future__ import annotations

import pytest
from inner import Project

from pytest_genaiops.runs import Run
from pytest_genaiops.store import NAME

MATRIX = """
    user: "{{ question }}"
    matrix:
      parameters.temperature: [0, 0.3, 0.7, 1]
      rag.k: [3, 5, 8, 12]
"""
TARGET = """
    right = variant.rag["k"] < 12 and (case.id != "c1" or variant.parameters["temperature"] < 1)
    return case.reference if right else "elsewhere"
"""
EFFECTS = [
    "  effects on exact_match ↑  n 4",
    "    temperature  0.3 for 0  +0.0000",
    "                 0.7 for 0  +0.0000",
    "                 1 for 0    -0.1875",
    "    k            5 for 3    +0.0000",
    "                 8 for 3    +0.0000",
    "                 12 for 3   -0.9375",
]
"""By hand: where k is below 12, one of four cases is wrong at the highest temperature: 3/4 of 1/4. Where k is 12 all
are wrong, instead of none at three temperatures, and of one at the fourth: 3/4 of 1, and 1/4 of 3/4."""


@pytest.fixture
def matrix(project: Project) -> Project:
    project.write("variants/v1.yaml", MATRIX)
    project.target(TARGET)
    project.dataset()
    project.whole('variants="v1", baseline="v1"', threshold=0)
    return project


def effects(result: pytest.RunResult) -> list[str]:
    """The lines with effects on the metric, without intervals."""
    start = next(at for at, line in enumerate(result.outlines) if line.startswith("  effects on exact_match"))
    return [line.split("  [")[0] for line in result.outlines[start : start + 7]]


def test_the_summary_tells_what_each_setting_does(matrix: Project) -> None:
    result = matrix.run()
    result.assert_outcomes(passed=16)
    assert effects(result) == EFFECTS
    assert any(line.startswith("  2 axes, 16 variants (every combination), 95 %") for line in result.outlines)


def test_more_variants_than_fit_are_cut_to_a_shortlist(matrix: Project) -> None:
    lines = matrix.run().outlines
    assert any("4 more variants: genaiops report" in line for line in lines)
    assert sum(line.startswith("  v1") for line in lines) == 12


def test_across_workers_too(matrix: Project) -> None:
    pytest.importorskip("xdist")
    assert effects(matrix.run_apart("-p", "xdist", "-n2")) == EFFECTS


def test_case_by_case_too(matrix: Project) -> None:
    matrix.by_case('variants="v1", baseline="v1", pass_rate=0.01')
    assert effects(matrix.run()) == EFFECTS


def test_the_report_of_the_session_says_the_same(matrix: Project) -> None:
    assert effects(matrix.run("--genaiops-report=report.json")) == EFFECTS
    view = Run.open(root=matrix.path).document().suites[0].factorial
    assert view is not None
    assert [(axis.name, axis.levels) for axis in view.axes][1] == ("k", ("3", "5", "8", "12"))


def test_without_a_record_it_is_said_why_there_are_no_effects(matrix: Project) -> None:
    result = matrix.run("--genaiops-record=off")
    result.stdout.fnmatch_lines(["the effects of a matrix's settings are worked out from the record, which is off"])
    assert not any("effects on" in line for line in result.outlines)


def test_a_record_that_cannot_be_read_is_said_to_be(matrix: Project) -> None:
    matrix.write(f".genaiops/{NAME}", "no database, but some other file that somebody put there")
    result = matrix.run()
    assert any("the effects of settings cannot be told" in line for line in result.outlines)


def test_two_variants_are_no_matrix(matrix: Project) -> None:
    matrix.write("variants/v1.yaml", 'user: "{{ question }}"\nmatrix:\n  rag.k: [3, 5]\n  ')
    matrix.target("return case.reference")
    assert not any("effects on" in line for line in matrix.run().outlines)
