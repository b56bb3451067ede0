"""A suite of an agent that tells its tool calls and steps, and what of them is on record."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from inner import Project, outcomes

from pytest_genaiops.cli import main
from pytest_genaiops.records import Step
from pytest_genaiops.store import Store

ROWS: list[dict[str, Any]] = [
    {
        "id": f"q{n}",
        "question": f"Weather in {n}?",
        "tool_calls": [{"name": "weather", "arguments": {"city": n}}] if n % 4 else [],
        "context": "It is mild.",
    }
    for n in range(8)
]
AGENT = """
    n = int(case.id[1:])
    calls = [{"id": "c1", "function": {"name": "weather", "arguments": '{"city": %d}' % n}}] if n % 4 else []
    if variant.id == "v2" and n == 1:
        calls[0]["function"]["arguments"] = '{"city": '
    steps = [{"id": "plan", "agent": "planner", "output": "weather", "latency": 0.25}]
    error = "no route" if n == 2 else None
    said = "" if error else "It is mild."
    steps.append({"id": "look", "agent": "searcher", "output": said, "latency": 0.5, "error": error})
    if variant.id == "v1":
        return {"text": "Mild.", "tool_calls": calls, "steps": steps}
    from pytest_genaiops import Response
    from pytest_genaiops.records import Step
    return Response(text="Mild.", tool_calls=calls, steps=[Step(**step) for step in steps])
"""
"""v1 returns mappings, v2 a Response, and one call that is no JSON."""
SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"], baseline="v1")
    def test_calls(responses, tool_calls):
        found = tool_calls(responses)
        assert found.abstention >= 1
        assert found.exact >= 1

    @pytest.mark.genaiops(dataset="capitals", variants=["v1", "v2"])
    def test_agents(responses, steps, groundedness):
        found = steps(responses)
        assert found.latency["planner"] <= 0.25
        assert found.error_rate["planner"] <= 0
        assert found.error_rate["searcher"].value == 1 / 8
        assert groundedness(responses, step="planner").n == 8

    @pytest.mark.genaiops(dataset="capitals", variants=["v1"], pass_rate=0.5)
    def test_each(response, tool_calls, groundedness):
        assert groundedness(response, step="searcher") >= 0.9
"""


@pytest.fixture
def agent(project: Project) -> Project:
    project.dataset(ROWS)
    project.target(AGENT)
    project.suite(SUITE)
    return project


def test_calls_and_steps_are_judged(agent: Project) -> None:
    result = agent.run("-v")
    found = outcomes(result)
    assert {name: found[name] for name in found if not name.startswith("test_each")} == {
        "test_calls[v1]": "PASSED",
        "test_calls[v2]": "FAILED",
        "test_agents[v1]": "PASSED",
        "test_agents[v2]": "PASSED",
    }
    result.stdout.fnmatch_lines(["*calls: missed: weather(*city*1)*its arguments are no JSON*"])
    # The step that failed has no value: its case is no miss, and the gate counts it.
    assert found["test_each[v1-q2]"] != "PASSED"
    assert found["test_each[v1-q3]"] == "PASSED"


def test_the_record_keeps_them(
    agent: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agent.run("-q")
    with closing(Store(agent.path / ".genaiops")) as store:
        suite = next(each for each in store.suites(store.run("latest").id) if each.title.endswith("test_agents"))
        assert store.cases(suite.id)[1].tool_calls == ({"name": "weather", "arguments": {"city": 1}},)
        assert store.cases(suite.id)[0].tool_calls == ()
        v1, v2 = (list(store.trials(variant.id)) for variant in store.variants(suite.id))
        for kept in (v1, v2):
            response = kept[2].response
            assert response.tool_calls[0]["function"]["name"] == "weather"
            assert response.steps == (
                Step(id="plan", agent="planner", output="weather", latency=0.25),
                Step(id="look", agent="searcher", output="", latency=0.5, error="no route"),
            )
        for variant in store.variants(suite.id):
            names = {row.name for row in store.metrics(variant.id)}
            assert {"steps", "groundedness[planner]"} <= names
            assert {"step": "planner"} in [row.options for row in store.metrics(variant.id)]
    monkeypatch.chdir(agent.path)
    capsys.readouterr()
    assert main(["runs", "show", "latest"]) == 0
    shown = capsys.readouterr().out
    for name in ("exact", "abstention", "latency[planner]", "error_rate[searcher]", "groundedness[planner]"):
        assert name in shown


def test_workers_hand_them_on(agent: Project) -> None:
    pytest.importorskip("xdist")
    found = outcomes(agent.run_apart("-v", "-p", "xdist", "-n", "2"))
    assert (found["test_calls[v1]"], found["test_calls[v2]"]) == ("PASSED", "FAILED")
    assert found["test_agents[v2]"] == "PASSED"


def test_chunks_are_checked_without_a_suite(project: Project) -> None:
    project.write(
        "test_cut_text.py",
        """
        def test_chunks(chunk_checks):
            checks = chunk_checks([{"id": "a", "text": "same"}, {"id": "b", "text": "same"}])
            assert checks.sizes.max <= 4
            assert not checks.duplicates
        """,
    )
    result = project.run("-v")
    assert outcomes(result) == {"test_chunks": "FAILED"}
    result.stdout.fnmatch_lines(["*1 in 2 chunks: chunk 'b': it has the text of chunk number 0*"])
