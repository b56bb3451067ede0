"""A RAG suite whose target tells what it retrieved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inner import Project, outcomes

ROWS: list[dict[str, Any]] = [{"id": f"q{n}", "question": f"Where is {n}?", "relevant": [f"d{n}"]} for n in range(40)]
RANKING = """
    rank = 0 if variant.id == "v1" or int(case.id[1:]) >= 15 else 9
    found = ["x%d" % n for n in range(9)]
    found.insert(rank, "d" + case.id[1:])
    return {"text": "There.", "retrieved": [{"id": name, "text": "About " + name} for name in found]}
"""
"""v1 has the document at the top; v2 has it ninth for 15 of 40 questions."""
SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
    def test_retrieval(responses, baseline, retrieval):
        assert retrieval(responses).recall_at_5.not_worse_than(baseline, margin=0.1)
"""


@pytest.fixture
def rag(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """On somebody's own machine, where baselines may be written."""
    monkeypatch.delenv("CI", raising=False)
    project.dataset(ROWS)
    project.target(RANKING)
    project.suite(SUITE)
    return project


def test_recall_is_compared_with_the_baseline(rag: Project) -> None:
    result = rag.run("-v")
    assert outcomes(result) == {"test_retrieval[v1]": "PASSED", "test_retrieval[v2]": "FAILED"}
    result.stdout.fnmatch_lines(["*recall_at_5*"])
    assert len(rag.calls) == 80


def test_workers_hand_rankings_on(rag: Project) -> None:
    pytest.importorskip("xdist")
    found = outcomes(rag.run_apart("-v", "-p", "xdist", "-n", "2"))
    assert found == {"test_retrieval[v1]": "PASSED", "test_retrieval[v2]": "FAILED"}


def test_recorded_rankings_are_enough(project: Project) -> None:
    project.write("conftest.py", "")
    recorded = {"v1": {"text": "a", "retrieved": ["d1", "d2"]}, "v2": {"retrieved": [{"id": "d2"}]}}
    project.dataset([{"id": f"q{n}", "relevant": {"d2": 3, "d1": 1}, "responses": recorded} for n in range(3)])
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals")
        def test_retrieval(responses, retrieval):
            assert retrieval(responses).recall_at_5 >= 1
            assert retrieval(responses, k=1).hit_at_1 >= 1
    """)
    assert outcomes(project.run("-v")) == {"test_retrieval[v1]": "PASSED", "test_retrieval[v2]": "FAILED"}


def test_one_case_at_a_time_and_texts_are_contexts(rag: Project) -> None:
    rag.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants=["v2"], pass_rate=0.4)
        def test_case(response, case, retrieval):
            assert response.contexts[0].startswith("About ")
            assert response.retrieved[0].id and case.relevant[0].id == "d" + case.id[1:]
            assert retrieval(response).mrr >= 1
    """)
    found = outcomes(rag.run("-v"))
    assert found["test_case[v2-pass_rate]"] == "PASSED"
    assert [found["test_case[v2-q14]"], found["test_case[v2-q15]"]] == ["MISS", "PASSED"]


def test_early_stopping_changes_no_verdict(rag: Project) -> None:
    found = outcomes(rag.run("-v", "--genaiops-early-stop"))
    assert found == {"test_retrieval[v1]": "PASSED", "test_retrieval[v2]": "FAILED"}


def test_a_target_that_does_not_tell_fails_the_test_with_the_mend(rag: Project) -> None:
    rag.target('return "There."')
    result = rag.run()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*the response has no `retrieved`; have the target return its passages, best first*"])


def test_a_dataset_without_labels_is_said_to_have_none(rag: Project) -> None:
    rag.dataset([{"id": "q1", "question": "?"}])
    result = rag.run()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*retrieval needs `relevant`, and no case has it*"])


def test_a_label_that_cannot_be_is_told_with_its_line(rag: Project) -> None:
    rag.dataset([*ROWS[:2], {"id": "x", "relevant": [{"source": "manual.md", "start": 9, "end": 3}]}])
    result = rag.run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(
        ['*capitals.jsonl:3: "relevant" holds a span from 9 to 3*let start be smaller than end*']
    )


def test_a_committed_baseline_is_compared_with(rag: Project) -> None:
    rag.suite(SUITE.replace('variants=["v1", "v2"]', 'variants=["v1"]'))
    assert outcomes(rag.run("-v", "--genaiops-update-baseline")) == {"test_retrieval[v1]": "PASSED"}
    (written,) = Path(rag.path).glob("eval_suites/baselines/*/*.json")
    assert "recall_at_5" in json.dumps(json.loads(written.read_text(encoding="utf-8")))
    rag.suite(SUITE.replace('variants=["v1", "v2"]', 'variants=["v2"]'))
    found = rag.run("-v")
    assert outcomes(found) == {"test_retrieval[v2]": "FAILED"}
    found.stdout.fnmatch_lines(["*recall_at_5*"])


def test_negative_queries_count_for_abstention_alone(project: Project) -> None:
    project.dataset([*ROWS, *({"id": f"n{n}", "question": "?", "relevant": []} for n in range(20))])
    project.target('return {"text": "?", "retrieved": ["d" + case.id[1:]] if case.relevant or case.id == "n3" else []}')
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals")
        def test_retrieval(responses, retrieval):
            found = retrieval(responses, k=5)
            assert found.recall_at_5 >= 1
            assert found.recall_at_5.at_least(0.9)
            assert (found.recall_at_5.n, found.abstention.n) == (40, 20)
            assert found.abstention >= 0.95
            assert not found.abstention >= 0.96
    """)
    result = project.run("-v")
    assert outcomes(result) == {"test_retrieval[default]": "PASSED"}
    result.stdout.fnmatch_lines(["*recall_at_5*1.0000 [[]0.912, 1.000]", "*abstention*0.9500 *"])


def test_with_negative_queries_a_baseline_is_written_and_compared_with(rag: Project) -> None:
    project = rag
    project.dataset([*ROWS, *({"id": f"n{n}", "question": "?", "relevant": []} for n in range(10))])
    project.target(
        """
        wrong = variant.id == "v2" and int(case.id[1:]) < 15
        return {"text": "?", "retrieved": (["x"] if wrong else ["d" + case.id[1:]]) if case.relevant else []}
        """
    )
    project.suite(SUITE.replace('variants=["v1", "v2"]', 'variants=["v1"]'))
    assert outcomes(project.run("-v", "--genaiops-update-baseline")) == {"test_retrieval[v1]": "PASSED"}
    assert list(project.path.glob("eval_suites/baselines/*/*.json"))
    project.suite(SUITE.replace('variants=["v1", "v2"]', 'variants=["v2"]'))
    result = project.run("-v")
    assert outcomes(result) == {"test_retrieval[v2]": "FAILED"}
    result.stdout.fnmatch_lines(["*recall_at_5 change -0.38*", "*(n=40*"])
