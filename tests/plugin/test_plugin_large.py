"""Suites over datasets that are not held in memory behave as others do; the bound is made small here."""

from __future__ import annotations

from typing import Any

import pytest
from inner import ROWS, Project, outcomes

from pytest_genaiops.dataset import store

RECORDED: list[dict[str, Any]] = [
    {**row, "slice_size": "big" if row["id"] < "c3" else "small", "responses": {"v1": row["reference"], "v2": answer}}
    for row, answer in zip(ROWS, ["Paris", "London", {"text": "Madrid"}, "Vienna"], strict=True)
]
SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", baseline="v1")
    def test_whole(responses, baseline, exact_match, token_f1):
        assert exact_match(responses).not_worse_than(baseline, margin=0.9)
        assert token_f1(responses) >= 0.9

    @pytest.mark.genaiops(dataset="capitals", pass_rate=0.7)
    def test_each(response, exact_match):
        assert exact_match(response) >= 1
"""


@pytest.fixture(params=["small", "large"], autouse=True)
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(store, "HELD_BYTES", 0 if request.param == "large" else store.HELD_BYTES)
    return str(request.param)


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project whose answers are on record, with nothing to call."""
    (project.path / "conftest.py").unlink()
    project.dataset(RECORDED)
    return project


def test_outcomes_evidence_and_summary(recorded: Project) -> None:
    recorded.suite(SUITE)
    result = recorded.run("-v")
    assert outcomes(result) == {
        "test_whole[v1]": "PASSED",
        "test_whole[v2]": "FAILED",
        **{f"test_each[v1-{name}]": "PASSED" for name in ("c1", "c2", "c3", "c4", "pass_rate")},
        "test_each[v2-c1]": "PASSED",
        "test_each[v2-c2]": "MISS",
        "test_each[v2-c3]": "PASSED",
        "test_each[v2-c4]": "PASSED",
        "test_each[v2-pass_rate]": "PASSED",
    }
    lines = [line.split() for line in result.outlines]
    assert ["size=big", "1.0000", "[0.158,", "1.000]", "0.5000", "[0.013,", "0.987]", "-0.5000"] in lines
    result.stdout.fnmatch_lines(["*test_suite.py  capitals, 4 cases, baseline v1"])


def test_the_worst_cases_are_shown(recorded: Project) -> None:
    recorded.whole('variants="v2"', threshold=0.9)
    recorded.run().stdout.fnmatch_lines(["*worst cases:", "*c2: 0.0000  'London'"])


@pytest.mark.parametrize("option", ["--genaiops-limit=2", "--genaiops-slice=size=small"])
def test_a_part_of_the_cases(recorded: Project, option: str) -> None:
    recorded.whole('variants="v1"')
    result = recorded.run(option)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*capitals, 2 of 4 cases*"])


BROKEN = [*RECORDED[:3], {**RECORDED[3], "responses": {"v1": None, "v2": {"error": "no route"}}}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("assert len(responses) == 4", "1 of 4 responses are errors (c4 under v1: missing: *; the test passed over it"),
        ("assert exact_match(responses).value", "1 of 4 responses are errors (c4 under v1: missing: *"),
        ("assert exact_match(responses) >= 0.1", "*1 of 4 cases unscored: no comparison passes until*"),
        ("pytest.skip('nothing to see')", "1 of 4 responses are errors (c4 under v1: missing: *"),
    ],
)
def test_errors_never_pass(recorded: Project, body: str, said: str) -> None:
    recorded.dataset(BROKEN)
    recorded.suite(
        """
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants="v1")
        def test_whole(responses, exact_match, error_rate):
            {body}
        """,
        body=body,
    )
    result = recorded.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{said}"])


def test_who_counts_errors_may_pass_over_them(recorded: Project) -> None:
    recorded.dataset(BROKEN)
    recorded.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="capitals", variants="v1")
        def test_whole(responses, error_rate):
            assert error_rate(responses) <= 0.25
    """)
    recorded.run().assert_outcomes(passed=1)


def test_called_responses(project: Project) -> None:
    project.dataset(ROWS)
    project.target()
    project.whole('variants=["v1"]')
    project.run().assert_outcomes(passed=1)
    assert len(project.calls) == 4
