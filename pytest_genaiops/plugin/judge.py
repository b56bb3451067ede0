"""What a test item's end means: passed, missed, or failed because something has no result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import pytest

from pytest_genaiops.errors import CoverageError
from pytest_genaiops.plugin.early import UNNEEDED, applies, was_not_needed
from pytest_genaiops.plugin.explain import SECTION, differs, evidence_of, fit_for_terminal
from pytest_genaiops.plugin.items import CaseItem, PassRateItem, SuiteItem, cluster_of
from pytest_genaiops.plugin.noted import Noted, message_of
from pytest_genaiops.plugin.quiet import says_nothing
from pytest_genaiops.plugin.session import Progress, state_of
from pytest_genaiops.plugin.snapshot import noted
from pytest_genaiops.plugin.summary import MAX_SLICES
from pytest_genaiops.records import Case, Verdict
from pytest_genaiops.report.table import Row
from pytest_genaiops.report.text import visible
from pytest_genaiops.score import Score
from pytest_genaiops.score.repeated import flaky

Rows: TypeAlias = dict[tuple[str, str], tuple[Score, Row]]
"""By name of the score and slice: the score, and its row in the summary."""


def annotate(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Complete the report of a suite's item: miss or failure, evidence, scores for the summary."""
    if not isinstance(item, SuiteItem):
        _record_gate(item, report)
        return
    if item.running:  # the report of a subtest: pytest fails the item for it, but later than this
        item.failed_within |= report.failed
        return
    if report.when != "call" and report.passed and says_nothing(report):
        item.progress = item.progress if report.when == "setup" else None
        return
    progress = item.progress or Progress(item.binding.rules)
    if report.when == "call" or not report.passed:
        progress.freeze()
    if report.when == "call" and report.failed:
        evidence = evidence_of(progress, str(report.longrepr)) + _difference(item)
        if evidence:
            report.sections.append((SECTION, "\n".join(evidence)))
    outcome = _outcome(item, call, report)
    _mark(report, outcome, item, tolerates=progress.tolerates)
    fit_for_terminal(item, progress, report)
    if report.when == "teardown":
        item.progress = None
    if outcome is not None:
        scores = progress.scores if report.when == "call" else ()
        verdicts = progress.verdicts if report.when == "call" and item.case is None else ()
        rows, left_out = _rows(scores, item.case)
        facts = {**_facts(item, rows, verdicts), "slices_left_out": left_out, "outcome": outcome}
        report.genaiops = facts  # type: ignore[attr-defined]
        _record(item, progress, report, rows)
        if (plain := noted(item, progress, outcome)) is not None:
            report.genaiops_baseline = plain  # type: ignore[attr-defined]


def _mark(report: Any, outcome: str | None, item: Any, *, tolerates: bool) -> None:
    """Tell a tolerated miss, and a pass over an undecided verdict, from what pytest would make of them."""
    if outcome == "missed" and not hasattr(report, "wasxfail"):
        report.outcome = "skipped"
        report.wasxfail = f"reason: a miss within the budget of {item.gate.name}"
        report.genaiops_miss = True
    if outcome == "passed" and tolerates:
        report.genaiops_undecided = True


def is_miss(report: Any) -> bool:
    """Whether the report is of a miss that a gate counts."""
    return bool(getattr(report, "genaiops_miss", False))


def is_undecided(report: Any) -> bool:
    """Whether the report is of a pass over a verdict that is undecided, in a session that only warns of that."""
    return bool(getattr(report, "genaiops_undecided", False))


def outcome_of(report: Any) -> str | None:
    """The outcome of an item as far as this phase decides it; None where it decides nothing.

    ``passed``, ``missed`` (tolerated), ``failed`` (judged, and no gate to tolerate it), ``skipped``, or ``lost``:
    there is no result, because something went wrong before there was anything to judge.
    """
    facts = getattr(report, "genaiops", None)
    if facts is not None and report.outcome != "rerun":
        return str(facts["outcome"])
    # pytest-xdist's report on a worker that died over an item carries no facts.
    return "lost" if report.failed and getattr(report, "context", None) is None else None


def _outcome(item: SuiteItem, call: pytest.CallInfo[None], report: pytest.TestReport) -> str | None:
    if report.passed:
        return None if report.when != "call" else "failed" if item.failed_within else "passed"
    incomplete = item.progress is not None and item.progress.incomplete
    if report.skipped:
        if was_not_needed(item):
            return UNNEEDED
        if incomplete:
            return "lost"
        return "missed" if hasattr(report, "wasxfail") else "skipped"
    if report.when != "call" or incomplete or not _judged(call):
        return "lost"
    return "missed" if isinstance(item, CaseItem) and item.gate is not None else "failed"


def _judged(call: pytest.CallInfo[None]) -> bool:
    """Whether the test failed by a judgement: only an assertion is one, an exception is no result."""
    error = call.excinfo.value if call.excinfo is not None else None
    return isinstance(error, (AssertionError, pytest.fail.Exception)) and not isinstance(error, CoverageError)


def _rows(scores: Iterable[Score], case: Case | None) -> tuple[Rows, int]:
    """The scores of an item and their slices, and how many slices were left out."""
    rows: Rows = {}
    left_out = 0
    for score in scores:
        _keep(rows, score, "", case)
        parts = list(score.slices().items()) if case is None else []
        left_out = max(left_out, len(parts) - MAX_SLICES)
        for name, part in parts[:MAX_SLICES]:
            _keep(rows, part, name, case)
    return rows, left_out


def _notes(item: SuiteItem) -> list[str]:
    """What the values of an item's suite are over."""
    settings, suite = state_of(item.config).settings, item.binding.suite
    used = ["values are over the cases that verdicts needed"] if applies(settings, suite) else []
    return [*(f"{tag}={value}" for tag, value in settings.slices), *used]


def _facts(item: SuiteItem, rows: Rows, verdicts: Iterable[tuple[Score, Verdict]]) -> dict[str, Any]:
    """What the summary needs, as plain data: it may have to travel between processes."""
    suite, case = item.binding.suite, item.case
    return {
        "suite": item.binding.title,
        "dataset": suite.dataset.title,
        "data": suite.dataset.hash,
        "cases": len(suite.cases),
        "cases_there": len(suite.dataset.cases),
        "trials": suite.trials,
        "only": _notes(item),
        "baseline": suite.baseline.id if suite.baseline else None,
        "variant": item.binding.variant.id,
        "place": [item.location[1] or 0, suite.variants.index(item.binding.variant)],
        "case": case.id if case else None,
        "cluster": cluster_of(case, suite.trials) if case else None,
        "verdicts": [[verdict.outcome, visible(verdict.reason)] for _, verdict in verdicts if _tells(item, verdict)],
        "slices": dict(case.slices) if case else {},
        "rows": [row.plain() for _, row in rows.values()],
        "differs": _told_once(item),
        "varies": bool(item.binding.variant.axes),
    }


def _record(item: SuiteItem, progress: Progress, report: Any, rows: Rows) -> None:
    """Have the record know what became of an item, and what it asked for."""
    state = state_of(item.config)
    state.record.note(
        Noted(
            binding=item.binding,
            by_case=item.case is not None,
            notes=_notes(item),
            test=item.nodeid,
            phase=report.when,
            case=item.case,
            trial=item.trial,
            outcome="skipped" if was_not_needed(item) else report.genaiops["outcome"],
            message=message_of(report, state.settings.root),
            seconds=report.duration,
            progress=progress,
            scores=[(score, part, row) for (_, part), (score, row) in rows.items()] if item.case is None else (),
        )
    )


def _record_gate(item: pytest.Item, report: Any) -> None:
    """The same of a gate, and of nothing else."""
    if not isinstance(item, PassRateItem) or (report.when != "call" and report.passed):
        return
    state, case = state_of(item.config), item.cases[0]
    state.record.start()
    decided = item.verdict is not None and not item.lacks_results
    outcome = "passed" if report.passed else "skipped" if report.skipped else "failed" if decided else "lost"
    state.record.note(
        Noted(
            binding=case.binding,
            by_case=True,
            notes=_notes(case),
            test=item.nodeid,
            phase=report.when,
            outcome=outcome,
            message=message_of(report, state.settings.root),
            seconds=report.duration,
            verdict=item.verdict,
        )
    )


def _told_once(item: SuiteItem) -> str:
    """In what the item's variant differs from the baseline; nothing in the later reports of one test and variant."""
    binding, told = item.binding, state_of(item.config).told
    key = (binding.title, binding.variant.id)
    if key in told:
        return ""
    told.add(key)
    return differs(binding.variant, binding.suite.baseline)


def _difference(item: SuiteItem) -> list[str]:
    """The line under a failed comparison that says what was compared."""
    variant, baseline = item.binding.variant, item.binding.suite.baseline
    found = differs(variant, baseline) if "baseline" in item.binding.wants else ""
    return [visible(f"{variant.id} differs from {baseline.id}: {found}")] if found and baseline is not None else []


def _keep(rows: Rows, score: Score, part: str, case: Case | None) -> None:
    """One row a metric and slice; of several calls the one over most cases."""
    known = rows.get((score.name, part))
    if known is None or score.n + score.unscored > known[1].n + known[1].unscored:
        row = Row(
            metric=score.name,
            slice=part,
            value=score.value,
            n=score.n,
            unscored=score.unscored,
            higher_is_better=score.higher_is_better,
            scale=score.scale,
            interval=_interval_of(score) if case is None else None,
            flaky=flaky(score) if case is None and not part else None,
        )
        rows[score.name, part] = score, row


def _tells(item: SuiteItem, verdict: Verdict) -> bool:
    """Whether a verdict says anything: not where a baseline is found to be no worse than itself."""
    return item.binding.variant is not item.binding.suite.baseline or verdict.method != "same outputs"


def _interval_of(score: Score) -> tuple[float, float] | None:
    return score.interval() if score.n else None
