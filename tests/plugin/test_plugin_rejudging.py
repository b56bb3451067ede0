"""Rules held against a session's record decide as the session did, in every number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from inner import Project

from pytest_genaiops import Run
from pytest_genaiops.records import Verdict
from pytest_genaiops.runs.gating import Decision, gate_run
from pytest_genaiops.runs.rules import rules_of
from pytest_genaiops.store import Store

RULES = """
    assert bleu(responses).at_least(20, confidence=0.9)
    assert exact_match(responses).at_most(0.99)
    assert rouge(responses).rougeL.within(0.05, 1)
    assert rouge(responses).rouge1.precision.at_least(0.1)
    assert exact_match(responses).not_worse_than(baseline, margin=0.4, slice_margins={"half": 0.9})
    assert bleu(responses).not_worse_than(bleu(baseline), margin=60.0, min_shared=0.5)
"""
ROWS = [
    {
        "id": f"c{i}",
        "reference": f"the {'red' if i % 2 else 'blue'} house of number {i}",
        "slice_half": "a" if i < 15 else "b",
        "cluster": f"street {i // 2}",
    }
    for i in range(30)
]
ANSWER = """
    number = int(case.id[1:])
    if variant.id == "v2" and number in {failing}:
        raise RuntimeError("down")
    return "the red house" if number % (3 if variant.id == "v1" else 4) == 0 else case.reference
"""
SUITE = """
    import pytest

    @pytest.mark.genaiops(dataset="houses", variants=["v1", "v2"], baseline="v1", {more})
    def test_answers(responses, baseline, exact_match, bleu, rouge):
{rules}
"""
EACH = """
    import pytest

    @pytest.mark.genaiops(dataset="houses", variants=["v1", "v2"], pass_rate=0.7)
    def test_each(response, exact_match):
        assert exact_match(response) >= 1
"""


def ran(project: Project, suite: str, failing: str = "()", **parts: Any) -> Any:
    project.dataset(ROWS, "houses")
    project.target(ANSWER.format(failing=failing).strip("\n"))
    project.suite(suite, **parts)
    return project.run()


def verdicts(project: Project, variant: str) -> list[Verdict]:
    """What a session has on record, field by field."""
    run = Run.open(root=project.path)
    store = Store(run.folder)
    (suite,) = store.suites(run.id)
    (row,) = [each for each in store.variants(suite.id) if each.name == variant]
    found = [_verdict(each.facts) for each in store.verdicts(row.id)]
    store.close()
    return found


def _verdict(facts: Mapping[str, Any]) -> Verdict:
    given = {"value": None, "interval": None} | dict(facts)
    given["interval"] = None if given["interval"] is None else tuple(given["interval"])
    given["parts"] = {name: _verdict(part) for name, part in (given.get("parts") or {}).items()}
    return Verdict(**given)


def decided(project: Project, text: str, variant: str) -> list[Decision]:
    run = Run.open(root=project.path)
    return [each for each in gate_run(run, rules_of(text)) if each.variant == variant]


@pytest.mark.parametrize(
    ("failing", "more"), [("()", ""), ("()", "trials=2"), ("(4, 5)", "coverage=0.9"), ("(4, 5)", "")]
)
def test_verdicts_of_a_session_and_of_rules_on_its_record_agree(project: Project, failing: str, more: str) -> None:
    # Each on a line of its own, whatever became of the one before.
    lines = [line.strip().removeprefix("assert ") for line in RULES.strip().splitlines()]
    body = "\n".join(f"        {line}" for line in lines)
    ran(project, SUITE, failing, rules=body, more=more)
    session = verdicts(project, "v2")
    found = decided(project, RULES, "v2")
    assert len(session) == len(found) == len(lines)
    for was, now in zip(session, found, strict=True):
        for field in fields(Verdict):
            mine, theirs = getattr(was, field.name), getattr(replace(now.verdict, tolerated=False), field.name)
            assert mine == theirs, (now.rule.text, field.name)
    if failing != "()" and not more:
        assert {each.outcome for each in found} == {"no result"}


def test_the_pass_rate_is_the_gate_s(project: Project) -> None:
    ran(project, EACH)
    (gate,) = [each for each in verdicts(project, "v1") if not each.signature]
    (decision,) = decided(project, "pass_rate >= 0.7", "v1")
    assert decision.outcome == gate.outcome == "failed"
    shown = f"{decision.verdict.value:.1%}, 95 % interval {decision.verdict.interval[0]:.1%} to "  # type: ignore[index]
    assert shown in gate.reason


def test_cases_without_a_result_are_nothing_that_a_rule_passes(project: Project) -> None:
    ran(project, EACH, failing="(1, 2)")
    (decision,) = decided(project, "pass_rate >= 0.1", "v2")
    assert decision.outcome == "no result"
    assert (decision.verdict.n, decision.verdict.unscored) == (28, 2)


def test_scores_of_a_suite_by_case_are_means_over_its_cases(project: Project) -> None:
    ran(project, EACH)
    (decision,) = decided(project, "exact_match(response).at_least(0.5)", "v2")
    assert decision.verdict.value == pytest.approx(22 / 30)
    document = Run.open(root=project.path).document()
    (score,) = [each for each in document.suites[0].scores if each.variant == "v2" and not each.slice]
    assert (score.value, score.interval) == (decision.verdict.value, decision.verdict.interval)


def test_a_committed_baseline_stands_for_a_variant_that_is_gone(project: Project) -> None:
    rule = "exact_match(responses).not_worse_than(baseline, margin=0.4)"
    parts = {"rules": f"        assert {rule}", "more": ""}
    ran(project, SUITE, **parts)
    project.run("--genaiops-update-baseline")
    project.suite(SUITE.replace('variants=["v1", "v2"]', 'variants=["v2"]'), **parts)
    project.run()
    run = Run.open(root=project.path)
    assert run.document().suites[0].baseline == "v1"
    (decision,) = decided(project, rule, "v2")
    (was,) = verdicts(project, "v2")
    assert was == decision.verdict
