"""The cases of a recorded suite as a report shows them: every answer with its values and the evidence for them."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.judged import Judged
from pytest_genaiops.records import Case, Explanation, Response
from pytest_genaiops.report.document import AnswerView, CaseView, Evidence
from pytest_genaiops.runs.frame import outcomes_of
from pytest_genaiops.runs.reading import Recorded
from pytest_genaiops.score import Score
from pytest_genaiops.score.steps import shown

MOST_EVIDENCE = 3_000
"""Values of a suite for which evidence is worked out again, the worst first; that which is recorded is all shown."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Values:
    """One number of every answer of a variant."""

    score: Score
    values: Sequence[float | None]
    why: Sequence[str]
    rows: Mapping[int, int] | None
    """id() of a response -> its row, where the number is about some of the answers only; None where about all."""
    evident: Collection[int]
    """Rows whose evidence is worked out again."""

    def row(self, place: int, response: Response) -> int | None:
        """The row of a response; None where the number is not about it."""
        return place if self.rows is None else self.rows.get(id(response))


def cases_of(
    recorded: Recorded, numbers: Mapping[str, Mapping[str, Score]], positions: Sequence[int], notes: list[str]
) -> list[CaseView]:
    """The cases at some positions; a note is added where evidence is left out."""
    if not positions:
        return []
    answers: dict[int, list[AnswerView]] = {position: [] for position in positions}
    trials, left_out = recorded.suite.trials, 0
    share = MOST_EVIDENCE // max(1, sum(_explains(score) for own in numbers.values() for score in own.values()))
    for variant, own in numbers.items():
        responses, outcomes = recorded.responses[variant], outcomes_of(recorded, variant)
        known = {name: _values(score, len(responses), share) for name, score in own.items()}
        left_out += sum(each.score.n - len(each.evident) for each in known.values() if each.evident)
        for position in positions:
            for place in range(position * trials, (position + 1) * trials):
                view = _answer(variant, responses[place], place, known)
                answers[position].append(AnswerView(outcome=outcomes.get(place, ""), **view))
    if left_out:
        notes.append(f"evidence is shown for the worst values alone, and not for {left_out} others")
    cases = recorded.suite.cases
    return [_case(cases[position], answers[position]) for position in positions]


def _values(score: Score, size: int, share: int) -> _Values:
    values = score.per_case
    rows = None
    if len(values) != size:
        rows = {id(response): row for row, response in enumerate(score.table.responses)}
    evident: Collection[int] = ()
    if _explains(score):
        sign = 1 if score.higher_is_better else -1
        scored = ((sign * value, row) for row, value in enumerate(values) if value is not None)
        evident = {row for _, row in heapq.nsmallest(share, scored)}
    return _Values(score=score, values=values, why=score.why, rows=rows, evident=evident)


def _explains(score: Score) -> bool:
    """Whether evidence can be worked out again from an answer; what a judge said cannot."""
    metric = score.table.metric
    return metric is not None and type(metric).explain is not Metric.explain and not isinstance(metric, Judged)


def _answer(variant: str, response: Response, place: int, known: Mapping[str, _Values]) -> dict[str, Any]:
    values: dict[str, float | None] = {}
    unscored: dict[str, str] = {}
    evidence: dict[str, Evidence] = {}
    for name, each in known.items():
        row = each.row(place, response)
        if row is None:
            continue
        values[name] = each.values[row]
        if each.why[row]:
            unscored[name] = each.why[row]
        elif (found := _evidence(each, row)) is not None:
            evidence[name] = found
    return {
        "variant": variant,
        "trial": response.trial.index if response.trial else 1,
        "text": response.text,
        "error": str(response.error or ""),
        "contexts": response.contexts,
        "latency": response.latency,
        "usage": response.usage,
        "model": response.model or "",
        "steps": shown(response.steps),
        "values": values,
        "unscored": unscored,
        "evidence": evidence,
    }


def _evidence(known: _Values, row: int) -> Evidence | None:
    """Evidence as it was recorded, else worked out again; None where there is none to show."""
    explanation = known.score.table.measurements[row].explanation
    if explanation is None:
        if row not in known.evident:
            return None
        try:
            explanation = known.score.explain(row)
        except MetricError:
            return None
    return _view(explanation)


def _view(found: Explanation) -> Evidence | None:
    if not (found.reason or found.unsupported or found.sentences):
        return None
    return Evidence(
        reason=found.reason,
        unsupported=[(span.start, span.end) for span in found.unsupported],
        sentences=[(each.start, each.end, each.support, each.note) for each in found.sentences],
    )


def _case(case: Case, answers: Sequence[AnswerView]) -> CaseView:
    return CaseView(
        id=case.id,
        inputs=case.inputs,
        references=case.references,
        contexts=case.contexts,
        label=case.label,
        cluster=case.cluster,
        slices=case.slices,
        answers=answers,
    )
