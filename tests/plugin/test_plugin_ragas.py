"""``--genaiops-judge=ragas:FILE``: a suite as it stands, judged with the prompts of ragas over our client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import pytest
from inner import Project, outcomes

from pytest_genaiops.testing import FakeServer

pytestmark = pytest.mark.skipif(find_spec("ragas") is None, reason="ragas is not installed; nox -s adapters has it")

JUDGE = ("-p", "genaiops", "--genaiops-judge=ragas:mini")
ROWS = [
    {"id": name, "question": "When?", "contexts": ["It opens at nine."], "responses": {"v1": answer}}
    for name, answer in {"good": "It opens at nine.", "bad": "It is FREE.", "odd": "It is GARBLED."}.items()
]
SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="hours")
    def test_each(response, groundedness):
        assert groundedness(response) >= 0.7
"""


def reply(body: Mapping[str, Any]) -> str:
    """One statement, which is supported unless it says FREE."""
    prompt = body["messages"][0]["content"]
    if "GARBLED" in prompt:
        return "Well."
    if body["response_format"]["json_schema"]["name"] == "StatementGeneratorOutput":
        return json.dumps({"statements": ["It is FREE." if "FREE" in prompt else "It opens at nine."]})
    verdict = {"statement": "s", "reason": "r", "verdict": int("FREE" not in prompt)}
    return json.dumps({"statements": [verdict]})


def run(project: Project, *options: str) -> pytest.RunResult:
    return project.pytester.runpytest_subprocess(*JUDGE, "-v", *options, timeout=240)


def test_the_suite_runs_with_the_prompts_of_ragas_and_again_without_a_call(project: Project) -> None:
    (project.path / "conftest.py").unlink()
    project.dataset(ROWS, name="hours")
    project.suite(SUITE)
    with FakeServer(reply) as server:
        project.write("judges/mini.yaml", f"model: {{name: small, base_url: '{server.url}'}}\n")
        first = run(project)
        assert outcomes(first) == {
            "test_each[v1-good]": "PASSED", "test_each[v1-bad]": "FAILED", "test_each[v1-odd]": "FAILED",
        }  # fmt: skip
        first.stdout.fnmatch_lines(["*the judge's reply is not of the form StatementGeneratorOutput, 2 times*"])
        assert len(server.calls) == 6, "two for each answer"
        again = run(project, "--genaiops-cache=only")
        assert outcomes(again) == outcomes(first)
        assert len(server.calls) == 6
