"""Sessions with a model that fails: every case is scored or unscored with its kind, and none hangs or is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from inner import Project, outcomes

from pytest_genaiops.clients import http, retrying
from pytest_genaiops.testing import FAULTS, FakeServer

KINDS: Mapping[str, str | None] = {
    "fine": None,
    "storm 0.3": None,
    "latency 30": "timeout",
    "slow loris": "timeout",
    "wrong model": "model",
    **dict.fromkeys(["status 400", "status 401", "status 404", "status 408", "status 500", "status 503"], "target"),
    **dict.fromkeys(["malformed", "wrong shape", "empty", "truncated", "drop", "reset", "deep json"], "target"),
    **dict.fromkeys(["huge", "endless stream", "gzip bomb", "redirect", "surrogate", "filtered", "echo key"], "target"),
}
"""What the question names goes wrong with it, and the error that its case ends with; None where it is answered."""
LOST = {fault.replace(" ", "_"): kind for fault, kind in KINDS.items() if kind}
VARIANT = """
    model: {name: small, base_url: "${env:LLM_URL}", stream: %s}
    user: "{{ question }}"
"""
BOTH = pytest.mark.parametrize("stream", ["false", "true"], ids=["whole", "stream"])


def question(body: Mapping[str, Any]) -> str:
    asked: str = body["messages"][0]["content"]
    return asked


def fault(number: int, body: Mapping[str, Any]) -> str | None:
    return None if question(body) == "fine" else question(body)


@pytest.fixture
def faulty(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Project, FakeServer]]:
    """A project whose model repeats the question, and fails as the question says."""
    monkeypatch.setattr(retrying, "BASE", 0.01)
    monkeypatch.setattr(http, "MAX_BODY", 2**20)
    (project.path / "conftest.py").unlink()
    project.dataset([{"id": name.replace(" ", "_"), "question": name, "reference": name} for name in KINDS], "faults")
    with FakeServer(question, fault=fault) as server:
        monkeypatch.setenv("LLM_URL", server.url)
        yield project, server


def test_every_fault_is_asked_for() -> None:
    assert {name for name in FAULTS if not any(f"{each} ".startswith(f"{name} ") for each in KINDS)} == set()


@BOTH
def test_each_case_ends_scored_or_with_its_kind(faulty: tuple[Project, FakeServer], stream: str) -> None:
    project, _ = faulty
    project.write("variants/v1.yaml", VARIANT % stream)
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="faults", variants="variants/v1.yaml")
        def test_answer(response, exact_match):
            assert exact_match(response) >= 0
    """)
    result = project.run("-v", "--genaiops-timeout", "6", "--genaiops-concurrency", "30", "-p", "no:randomly")
    expected = {
        f"test_answer[v1-{name.replace(' ', '_')}]": "FAILED" if kind else "PASSED" for name, kind in KINDS.items()
    }
    assert outcomes(result) == expected
    shown = dict(re.findall(r"^E +(\w+): (target|timeout|model): ", result.stdout.str(), re.MULTILINE))
    assert shown == LOST


@BOTH
def test_a_whole_dataset_never_passes_over_them(faulty: tuple[Project, FakeServer], stream: str) -> None:
    project, _ = faulty
    project.write("variants/v1.yaml", VARIANT % stream)
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="faults", variants="variants/v1.yaml")
        def test_answers(responses, exact_match):
            score = exact_match(responses)
            print("scored", score.n, "unscored", score.unscored)
            assert score >= 0
    """)
    result = project.run("--genaiops-timeout", "6", "--genaiops-concurrency", "30", "-p", "no:randomly")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{len(LOST)} of {len(KINDS)} cases unscored*"])
    assert f"scored {len(KINDS) - len(LOST)} unscored {len(LOST)}" in result.stdout.str()


def test_workers_lose_none_either(faulty: tuple[Project, FakeServer]) -> None:
    pytest.importorskip("xdist")
    project, server = faulty
    names = ["fine", "wrong model", "status 400", "redirect", "filtered", "echo key"]
    project.dataset([{"id": name.replace(" ", "_"), "question": name, "reference": name} for name in names], "faults")
    project.write("variants/v1.yaml", VARIANT % "false")
    project.suite("""
        import pytest

        @pytest.mark.genaiops(dataset="faults", variants="variants/v1.yaml", trials=2)
        def test_answer(response, exact_match):
            assert exact_match(response) >= 0
    """)
    result = project.run_apart("-p", "xdist", "-n", "2", "-v", "--genaiops-timeout", "5")
    result.assert_outcomes(passed=2, failed=2 * (len(names) - 1))
    assert Counter(map(question, (call.body for call in server.calls)))["fine"] == 2
