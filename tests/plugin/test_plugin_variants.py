"""Variant files in a session: a matrix' ids, and in what variants differ from the baseline."""

from __future__ import annotations

import pytest
from inner import Project

MATRIX = """
    user: "{{ question }}"
    matrix:
      parameters.temperature: [0, 0.7]
      rag.k: [3, 5]
"""
LINES = [
    "  v1-k=5: rag.k 3 → 5",
    "  v1-temperature=0.7: parameters.temperature 0 → 0.7",
    "  v1-temperature=0.7-k=5: parameters.temperature 0 → 0.7; rag.k 3 → 5",
]


@pytest.fixture
def matrix(project: Project) -> Project:
    project.write("variants/v1.yaml", MATRIX)
    project.target("return case.reference if variant.rag['k'] == 3 else 'elsewhere'")
    return project


def said(result: pytest.RunResult) -> list[str]:
    """The lines of the summary that tell differences."""
    return [line for line in result.outlines if " → " in line and "differs from" not in line]


def test_ids_of_a_matrix(matrix: Project) -> None:
    matrix.whole('variants="variants/*.yaml", baseline="v1"')
    assert matrix.ids() == [
        "test_answers[v1]",
        "test_answers[v1-k=5]",
        "test_answers[v1-temperature=0.7]",
        "test_answers[v1-temperature=0.7-k=5]",
    ]
    assert matrix.ids("--genaiops-variant=*temperature=0.7*") == matrix.ids()[2:]
    assert matrix.ids("test_suite.py::test_answers[v1-k=5]") == ["test_answers[v1-k=5]"]


def test_each_variant_says_in_what_it_differs_from_the_baseline(matrix: Project) -> None:
    matrix.whole('variants="v1", baseline="v1"', threshold=0)
    result = matrix.run()
    result.assert_outcomes(passed=4)
    assert said(result) == LINES


def test_case_by_case_too(matrix: Project) -> None:
    matrix.by_case('variants="v1", baseline="v1", pass_rate=0.01')
    assert said(matrix.run()) == LINES


def test_across_workers(matrix: Project) -> None:
    pytest.importorskip("xdist")
    matrix.whole('variants="v1", baseline="v1"', threshold=0)
    # Variants stand in the order in which their reports arrive.
    assert sorted(said(matrix.run_apart("-p", "xdist", "-n", "2"))) == sorted(LINES)


def test_a_rerun_loses_nothing(matrix: Project) -> None:
    pytest.importorskip("pytest_rerunfailures")
    matrix.by_case('variants="v1", baseline="v1"')
    assert said(matrix.run("-p", "pytest_rerunfailures", "--reruns", "1", "-k", "5-c1")) == [LINES[0], LINES[2]]


def test_nothing_without_a_baseline(matrix: Project) -> None:
    matrix.whole('variants="v1"', threshold=0)
    assert said(matrix.run()) == []


def test_nothing_of_recorded_systems(project: Project) -> None:
    (project.path / "conftest.py").unlink()
    responses = {"old": "Paris", "new": "Rome"}
    project.dataset([{"id": "c1", "question": "?", "reference": "Paris", "responses": responses}], name="recorded")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="recorded", baseline="old")
        def test_answers(responses, exact_match):
            assert exact_match(responses) >= 0
    """)
    result = project.run()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*baseline old*"])
    result.stdout.no_fnmatch_line("*new:*")


def test_a_failed_comparison_says_what_was_compared(matrix: Project) -> None:
    matrix.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants="v1", baseline="v1")
        def test_change(responses, baseline, exact_match):
            assert exact_match(responses).not_worse_than(baseline, margin=0.01)
    """)
    result = matrix.run()
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*- genaiops -*",
            "v1-k=5 differs from v1: rag.k 3 → 5",
            "v1-temperature=0.7-k=5 differs from v1: parameters.temperature 0 → 0.7; rag.k 3 → 5",
        ]
    )


def test_a_prompt_cannot_steer_the_terminal(project: Project) -> None:
    project.write("variants/v1.yaml", 'user: "{{ question }}"\nrag: {tone: "plain"}\n')
    project.write("variants/v2.yaml", 'user: "{{ question }}"\nrag: {tone: "\\e[31m red"}\n')
    project.target()
    project.whole('variants="variants/*.yaml", baseline="v1"')
    result = project.run("--color=no")
    result.stdout.fnmatch_lines(["*v2: rag.tone plain → \\x1b[[]31m red"])
    assert "\x1b" not in result.stdout.str()
