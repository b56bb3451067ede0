"""The fixture ``index_probe`` in a project's own tests."""

from __future__ import annotations

import pytest
from inner import Project, outcomes

CONFTEST = """
    import pytest
    from pytest_genaiops.grounding import Entry
    from pytest_genaiops.testing import FakeIndex

    POLICIES = {
        "leave": "Every employee has thirty days of paid leave a year, and ten of them may be kept for the next.",
        "travel": "Journeys by rail are booked in second class, unless they take longer than four hours at a stretch.",
    }

    @pytest.fixture
    def chunks():
        return [Entry(id=f"{name}-0", document=name, text=text) for name, text in POLICIES.items()]

    @pytest.fixture
    def index(chunks):
        index = FakeIndex(modes=["exact", "full-text"])
        index.add(chunks)
        return index
"""
QUOTE = "they may keep ten of them: of thirty days of paid leave a year, and ten of them may be kept"


@pytest.fixture
def policies(project: Project) -> Project:
    project.write("conftest.py", CONFTEST)
    return project


def test_the_checks_are_plain_asserts(policies: Project) -> None:
    policies.write(
        "test_index.py",
        """
        from pytest_genaiops.grounding import Entry, manifest_of

        def test_fresh(index_probe, index):
            news = Entry(id="news-0", document="news", text="The canteen is closed on Friday for the summer party.")
            assert index_probe(index).fresh(news, within=5)

        def test_agrees(index_probe, index, chunks):
            assert index_probe(index).agrees(manifest_of(chunks))

        def test_deleted(index_probe, index):
            probe = index_probe(index)
            gone = probe.chunks_of(["leave"])
            index.delete(["leave"])
            assert probe.deleted(gone, also=["cache", "record"])
        """,
    )
    assert outcomes(policies.run("-v")) == {
        "test_fresh": "PASSED",
        "test_agrees": "PASSED",
        "test_deleted": "PASSED",
    }


def test_a_failed_check_tells_what_was_found(policies: Project) -> None:
    policies.write(
        "test_index.py",
        """
        def test_deleted(index_probe, index):
            probe = index_probe(index)
            gone = probe.chunks_of(["leave"])
            index.fault = "full-text kept"
            index.delete(["leave"])
            assert probe.deleted(gone)
        """,
    )
    run = policies.run("-v")
    assert outcomes(run) == {"test_deleted": "FAILED"}
    assert "<deleted: 1 still there: 'leave-0' was deleted and is still found by full-text search>" in run.stdout.str()


def test_what_the_suite_itself_has_on_record_is_found(policies: Project) -> None:
    policies.write("datasets/desk.jsonl", '{"id": "leave", "question": "May I keep days of leave?"}\n')
    target = f'return lambda case, variant: "{QUOTE}"'
    policies.write("conftest.py", f"{CONFTEST}\n    @pytest.fixture\n    def target():\n        {target}\n")
    policies.write(
        "test_index.py",
        """
        import pytest

        @pytest.mark.genaiops(dataset="desk")
        def test_answers(responses, error_rate):
            assert error_rate(responses) == 0

        @pytest.mark.genaiops(dataset="desk")
        def test_nothing_is_quoted(responses, index_probe, index):
            probe = index_probe(index)
            gone = probe.chunks_of(["leave"])
            index.delete(["leave"])
            result = probe.deleted(gone, also=["record", responses])
            assert {finding.where for finding in result.findings} == {"record", "answers"}
            assert "the answer to 'leave' quotes deleted text" in result.reason
        """,
    )
    run = policies.run("-v")
    assert set(outcomes(run).values()) == {"PASSED"}, run.stdout.str()


def test_what_cannot_be_probed_is_an_error_of_one_sentence(policies: Project) -> None:
    policies.write("test_index.py", "def test_it(index_probe):\n    index_probe(object())\n")
    run = policies.run("-v")
    assert outcomes(run) == {"test_it": "FAILED"}
    assert "has no add, delete, search, list()" in run.stdout.str()
    assert "grounding/probe.py" not in run.stdout.str()
