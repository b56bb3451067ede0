"""Variants of retrieval settings in a session: their ids wherever they are typed, and the record of their axes."""

from __future__ import annotations

import json
import re

import pytest
from inner import Project

from pytest_genaiops import Run

RAG = """
    rag_variants:
      axes:
        chunk: [256, 512]
        search: [vector, hybrid]
        k: [3, 5]
      exclude: [{chunk: 512, search: hybrid}]
"""
FIRST = "chunk=256,search=vector,k=3"
IDS = [
    FIRST,
    "chunk=256,search=vector,k=5",
    "chunk=256,search=hybrid,k=3",
    "chunk=256,search=hybrid,k=5",
    "chunk=512,search=vector,k=3",
    "chunk=512,search=vector,k=5",
]


@pytest.fixture
def rag(project: Project) -> Project:
    project.write("variants/rag.yaml", RAG)
    project.target("return case.reference if variant.rag['k'] == 5 else 'elsewhere'")
    return project


def test_ids_where_they_are_typed(rag: Project) -> None:
    rag.whole(f'variants="rag", baseline="{FIRST}"')
    nodes = [f"test_answers[{variant}]" for variant in IDS]
    assert rag.ids() == nodes
    assert rag.ids("--genaiops-variant=*search=hybrid*") == nodes[2:4]
    assert rag.ids(f"--genaiops-variant={IDS[3]}") == nodes[3:4]
    assert rag.ids(f"test_suite.py::{nodes[5]}", f"test_suite.py::{nodes[0]}") == [nodes[5], nodes[0]]
    assert rag.ids(f"--deselect=test_suite.py::{nodes[0]}") == nodes[1:]
    assert rag.ids("-k", "256 and not hybrid") == nodes[:2]


@pytest.mark.parametrize("expression", ["k=5", "hybrid,k"])
def test_pytest_s_own_expressions_have_no_such_signs(rag: Project, expression: str) -> None:
    rag.whole('variants="rag"')
    result = rag.run("-k", expression)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert re.search("Wrong expression passed to '-k'", result.stderr.str() + result.stdout.str())


def test_one_of_them_is_the_baseline_by_its_id(rag: Project) -> None:
    rag.suite(f"""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["{IDS[0]}", "{IDS[1]}"], baseline="{FIRST}")
        def test_answers(responses, baseline, exact_match):
            assert exact_match(responses).not_worse_than(exact_match(baseline), margin=0.1)
    """)
    result = rag.run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"*{IDS[1]}: rag.k 3 → 5*"])
    # By the option too, whose value has the same signs.
    rag.run(f"--genaiops-baseline={IDS[1]}").assert_outcomes(passed=1, failed=1)


def test_case_by_case(rag: Project) -> None:
    rag.by_case('variants="rag"')
    nodes = rag.ids(f"--genaiops-variant={IDS[1]}")
    assert nodes == [f"test_answer[{IDS[1]}-{case}]" for case in ("c1", "c2", "c3", "c4")]
    assert rag.ids(f"test_suite.py::{nodes[2]}") == [nodes[2]]


@pytest.mark.parametrize("workers", [0, 2])
def test_axes_are_on_record_and_in_reports(rag: Project, workers: int) -> None:
    if workers:
        pytest.importorskip("xdist")
    rag.whole('variants="rag"', threshold=0)
    arguments = ["--genaiops-report=report.json", "--genaiops-report=report.html", "--junitxml=junit.xml"]
    rag.run_apart(*arguments, *(["-p", "xdist", "-n", str(workers)] if workers else [])).assert_outcomes(passed=6)
    (suite,) = json.loads((rag.path / "report.json").read_text(encoding="utf-8"))["suites"]
    axes = {variant["id"]: variant["axes"] for variant in suite["variants"]}
    assert sorted(axes) == sorted(IDS)
    assert axes[IDS[3]] == {"chunk": "256", "search": "hybrid", "k": "5"}
    assert f"test_answers[{FIRST}]" in (rag.path / "junit.xml").read_text(encoding="utf-8")
    recorded = Run.open(root=rag.path).evaluation().suite.variants
    assert {variant.id: dict(variant.axes) for variant in recorded} == axes
