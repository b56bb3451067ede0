"""The cases behind a score, as a report shows them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import islice
from typing import Any

from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Explanation
from pytest_genaiops.report.evidence import WORST, CaseEvidence, ScoreEvidence
from pytest_genaiops.score.number import Number
from pytest_genaiops.score.steps import shown
from pytest_genaiops.score.table import Table, reasons


def evidence(score: Number, case_score: Callable[[Any], float] | None) -> ScoreEvidence:
    """The facts that reports show; without ``case_score`` only the number."""
    return ScoreEvidence(
        name=score.name,
        value=score.value,
        n=score.n,
        unscored=score.unscored,
        scale=score.scale,
        higher_is_better=score.higher_is_better,
        signature=score.signature,
        worst=worst(score, case_score) if case_score else (),
        missing=missing(score.table) if case_score else (),
    )


def worst(score: Number, case_score: Callable[[Any], float]) -> list[CaseEvidence]:
    """The cases with the worst values, the worst first."""
    table = score.table
    values = ((case_score(m.statistics), i) for i, m in enumerate(table.measurements) if m.statistics is not None)
    sign = 1 if score.higher_is_better else -1
    return [_case(score, i, value) for value, i in heapq.nsmallest(WORST, values, key=lambda pair: sign * pair[0])]


def missing(table: Table) -> list[CaseEvidence]:
    """The first cases without a value, with the reason."""
    first = islice(reasons(table), WORST)
    return [CaseEvidence(id=table.ids[i], value=None, text="", reason=reason) for i, reason in first]


def _case(score: Number, index: int, value: float) -> CaseEvidence:
    table = score.table
    found = _explained(score, index)
    faults = [each.note for each in found.sentences if each.note and not each.support] if found else []
    return CaseEvidence(
        id=table.ids[index],
        value=value,
        text=table.responses[index].text if table.responses else "",
        finds=table.metric.finds if table.metric else "",
        # A judge's verdicts say the same in more words.
        unsupported=tuple(span.text for span in found.unsupported) if found and not faults else (),
        says=table.metric.says if table.metric else "judge",
        judged=[*filter(None, [found.reason]), *faults] if found else (),
        steps=shown(table.responses[index].steps) if table.responses else (),
    )


def _explained(score: Number, index: int) -> Explanation | None:
    """The evidence for one answer; None where the metric has none to give."""
    try:
        return score.explain(index)
    except MetricError:
        return None
