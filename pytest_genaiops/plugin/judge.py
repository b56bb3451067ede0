"""What a test item's end means: passed, missed, or failed because something has no result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from pytest_genaiops.errors import CoverageError
from pytest_genaiops.plugin.explain import evidence_of, without_escapes
from pytest_genaiops.plugin.items import CaseItem, SuiteItem
from pytest_genaiops.plugin.session import Progress
from pytest_genaiops.report.table import Row
from pytest_genaiops.score import Score

MAX_SLICES = 12


def annotate(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Complete the report of a suite's item: miss or failure, evidence, scores for the summary."""
    if not isinstance(item, SuiteItem) or (report.passed and report.when != "call"):
        return
    progress = item.progress or Progress()
    if call.excinfo is not None and report.failed:
        if report.when == "call":
            evidence = evidence_of(progress, str(report.longrepr))
            if evidence:
                report.sections.append(("genaiops", "\n".join(evidence)))
        if report.when == "call" and _is_miss(item, call, progress):
            report.outcome = "skipped"
            report.wasxfail = f"reason: a miss within the budget of {item.gate.name}"  # type: ignore[attr-defined]
            report.genaiops_miss = True  # type: ignore[attr-defined]
        without_escapes(progress, report)
    report.genaiops = _facts(item, progress.scores if report.when == "call" else ())  # type: ignore[attr-defined]


def is_miss(report: Any) -> bool:
    """Whether the report is of a miss that a gate counts."""
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


def _is_miss(item: pytest.Item, call: pytest.CallInfo[None], progress: Progress) -> bool:
    """Whether the case was judged and found wanting, and a gate counts it.

    Only an assertion is a judgement: an exception, a failed target or an unscored case is no result.
    """
    assert call.excinfo is not None
    error = call.excinfo.value
    judged = isinstance(error, (AssertionError, pytest.fail.Exception)) and not isinstance(error, CoverageError)
    complete = all(r.error is None for r in progress.responses) and not any(s.unscored for s in progress.scores)
    return isinstance(item, CaseItem) and item.gate is not None and judged and complete


def _facts(item: SuiteItem, scores: Iterable[Score]) -> dict[str, Any]:
    """What the summary needs, as plain data: it may have to travel between processes."""
    suite, case = item.binding.suite, item.case
    rows: dict[tuple[str, str], Row] = {}
    for score in scores:
        _keep(rows, score, "")
        if case is None:
            for name, part in list(score.slices().items())[:MAX_SLICES]:
                _keep(rows, part, name)
    return {
        "suite": item.binding.title,
        "dataset": suite.dataset.name,
        "cases": len(suite.cases),
        "baseline": suite.baseline.id if suite.baseline else None,
        "variant": item.binding.variant.id,
        "case": case.id if case else None,
        "slices": dict(case.slices) if case else {},
        "rows": [row.plain() for row in rows.values()],
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
