"""What a test item's end means: passed, missed, or failed because something has no result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_genaiops.errors import CoverageError
from pytest_genaiops.plugin.explain import evidence_of, without_escapes
from pytest_genaiops.plugin.items import CaseItem
from pytest_genaiops.plugin.session import Binding, binding_of
from pytest_genaiops.report.evidence import headline
from pytest_genaiops.report.table import Row
from pytest_genaiops.report.text import visible
from pytest_genaiops.records import Response
from pytest_genaiops.score import Score

MAX_SLICES = 12


def refuse_silent_errors(item: pytest.Item) -> None:
    """Fail a test that passed although responses or scores are missing.

    A test can look at texts only, or take ``score.value`` and leave the coverage check out: then
    an error would have passed. Asking ``error_rate`` is how a suite says that it counts errors itself.
    """
    binding = binding_of(item)
    if binding is None:
        return
    failed = [response for response in binding.responses if response.error is not None]
    if failed and not binding.accepts_errors:
        pytest.fail(visible(f"{_first(failed, len(binding.responses))}; the test passed over it"), pytrace=False)
    partial = next((score for score in binding.scores if score.unscored), None)
    if partial is not None:
        first = next(iter(partial.reasons.items()))
        known = headline(partial.evidence(cases=False))
        pytest.fail(visible(f"{known}: {first[0]}: {first[1]}; the test passed over it"), pytrace=False)


def annotate(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Complete the report of a suite's item: miss or failure, evidence, scores for the summary."""
    binding = binding_of(item)
    if binding is None:
        return
    if call.excinfo is not None and report.failed:
        if report.when == "call":
            evidence = evidence_of(binding, str(report.longrepr))
            if evidence:
                report.sections.append(("genaiops", "\n".join(evidence)))
        if report.when == "call" and _is_miss(item, call, binding):
            report.outcome = "skipped"
            report.wasxfail = f"reason: a miss within the budget of {item.gate.name}"  # type: ignore[attr-defined]
            report.genaiops_miss = True  # type: ignore[attr-defined]
        without_escapes(item.config, binding, report)
    if report.when == "call" or report.failed:
        report.genaiops = _facts(binding, report.when == "call")  # type: ignore[attr-defined]


def is_miss(report: Any) -> bool:
    return bool(getattr(report, "genaiops_miss", False))


def outcome_of(report: Any) -> str | None:
    """The outcome of an item as far as this phase decides it; None where it decides nothing."""
    if report.outcome == "rerun":
        return None
    if report.when in ("setup", "teardown") and report.passed:
        return None
    if is_miss(report) or (report.skipped and hasattr(report, "wasxfail")):
        return "missed"
    return str(report.outcome)


def _is_miss(item: pytest.Item, call: pytest.CallInfo[None], binding: Binding) -> bool:
    """Whether the case was judged and found wanting, and a gate counts it.

    Only an assertion is a judgement: an exception, a failed target or an unscored case is no result.
    """
    assert call.excinfo is not None
    judged = call.excinfo.errisinstance((AssertionError, pytest.fail.Exception)) and not call.excinfo.errisinstance(CoverageError)
    complete = all(r.error is None for r in binding.responses) and not any(s.unscored for s in binding.scores)
    return isinstance(item, CaseItem) and item.gate is not None and judged and complete


def _first(failed: Sequence[Response], total: int) -> str:
    response = failed[0]
    assert response.error is not None and response.trial is not None
    return f"{len(failed)} of {total} responses are errors ({response.trial.case.id}: {response.error})"


def _facts(binding: Binding, finished: bool) -> dict[str, Any]:
    """What the summary needs, as plain data: it may have to travel between processes."""
    suite = binding.suite
    rows: dict[tuple[str, str], Row] = {}
    for score in binding.scores if finished else ():
        _keep(rows, score, "")
        if binding.case is None:
            for name, part in list(score.slices().items())[:MAX_SLICES]:
                _keep(rows, part, name)
    return {
        "suite": binding.title,
        "dataset": suite.dataset.name,
        "cases": len(suite.cases),
        "baseline": suite.baseline.id if suite.baseline else None,
        "variant": binding.variant.id,
        "case": binding.case.id if binding.case else None,
        "slices": dict(binding.case.slices) if binding.case else {},
        "rows": [row.as_dict() for row in rows.values()],
    }


def _keep(rows: dict[tuple[str, str], Row], score: Score, part: str) -> None:
    """One row a metric and slice; of several calls the one over most cases."""
    known = rows.get((score.name, part))
    if known is None or score.n + score.unscored > known.n + known.unscored:
        rows[score.name, part] = Row(
            metric=score.name,
            slice=part,
            value=score.value,
            n=score.n,
            unscored=score.unscored,
            higher_is_better=score.higher_is_better,
            scale=score.scale,
        )
