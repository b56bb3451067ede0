"""The cases in which a variant did worst against the baseline, with both answers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pytest_genaiops.report.document import AnswerView, CaseView, MetricView, SuiteView
from pytest_genaiops.report.text import number

_GOOD = "passed"
_BAD = ("missed", "failed", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One case that became worse."""

    case: str
    variant: str
    question: str
    before: str
    """The baseline's answer, or its error."""
    after: str
    values: Sequence[tuple[str, str, str]]
    """(metric, before, after), the largest loss first; ``outcome`` among them where each case is a test."""


def flips(suite: SuiteView, most: int) -> list[Flip]:
    """The worst cases of a suite, the worst first: tests that failed where the baseline's passed, then lost value.

    Losses of different metrics are compared by the length of their scales; metrics whose scale has no end (seconds)
    are left out, as are cases that either side has no value for. Of several trials the mean counts, and the answer of
    the worst is shown.
    """
    if suite.baseline is None:
        return []
    spans = {each.name: span for each in suite.metrics if (span := _span(each)) is not None}
    metrics = {each.name: each for each in suite.metrics}
    found: list[tuple[tuple[float, ...], CaseView, str, list[str]]] = []
    for case in suite.cases:
        sides: dict[str, list[AnswerView]] = {}
        for answer in case.answers:
            sides.setdefault(answer.variant, []).append(answer)
        base = sides.pop(suite.baseline, [])
        for variant, answers in sides.items():
            losses = {name: loss for name in spans if (loss := _loss(base, answers, metrics[name])) is not None}
            worst = {name: loss / spans[name] for name, loss in losses.items() if loss > 0}
            fell = _fell(base, answers)
            if base and (worst or fell):
                order = sorted(worst, key=worst.__getitem__, reverse=True)
                rank = (-fell, -max(worst.values(), default=0.0), -math.fsum(worst.values()))
                found.append((rank, case, variant, order))
    found.sort(key=lambda each: each[0])
    return [_flip(suite.baseline, metrics, case, variant, order) for _, case, variant, order in found[:most]]


def _flip(baseline: str, metrics: Mapping[str, MetricView], case: CaseView, variant: str, order: Sequence[str]) -> Flip:
    old = [each for each in case.answers if each.variant == baseline]
    new = [each for each in case.answers if each.variant == variant]
    first = order[0] if order else None
    before, after = (_shown(side, metrics.get(first or ""), worst=worst) for side, worst in ((old, False), (new, True)))
    values = list(_outcomes(old, new))
    for name in order[:3]:
        scale = _scale(metrics[name])
        values.append((name, number(_mean(old, name), scale), number(_mean(new, name), scale)))
    return Flip(case=case.id, variant=variant, question=_question(case), before=before, after=after, values=values)


def _outcomes(old: Sequence[AnswerView], new: Sequence[AnswerView]) -> Iterator[tuple[str, str, str]]:
    if any(each.outcome for each in (*old, *new)):
        yield "outcome", _told(old), _told(new)


def _told(answers: Sequence[AnswerView]) -> str:
    names = {"lost": "no result"}
    return ", ".join(names.get(each.outcome, each.outcome) for each in answers)


def _shown(answers: Sequence[AnswerView], metric: MetricView | None, *, worst: bool) -> str:
    """The text of one of the answers: the worst by a metric, or the best."""

    def value(answer: AnswerView) -> tuple[bool, float]:
        own = answer.values.get(metric.name) if metric is not None else None
        up = own if metric is None or own is None or metric.higher_is_better else -own
        return answer.outcome not in _BAD, -math.inf if up is None else up

    chosen = (min if worst else max)(answers, key=value)
    return chosen.error or chosen.text


def _question(case: CaseView) -> str:
    values = list(case.inputs.values())
    text: Any = values[0] if len(values) == 1 else dict(case.inputs) or ""
    return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)


def _fell(old: Sequence[AnswerView], new: Sequence[AnswerView]) -> float:
    """By how much the share of passed trials fell; 0 where it did not."""
    shares = [[float(each.outcome == _GOOD) for each in side if each.outcome in (_GOOD, *_BAD)] for side in (old, new)]
    return max(0.0, fmean(shares[0]) - fmean(shares[1])) if all(shares) else 0.0


def _loss(old: Sequence[AnswerView], new: Sequence[AnswerView], metric: MetricView) -> float | None:
    before, after = _mean(old, metric.name), _mean(new, metric.name)
    if before is None or after is None:
        return None
    return before - after if metric.higher_is_better else after - before


def _mean(answers: Sequence[AnswerView], name: str) -> float | None:
    values = [value for each in answers if (value := each.values.get(name)) is not None]
    return fmean(values) if values else None


def _scale(metric: MetricView) -> tuple[float, float]:
    low, high = metric.scale
    return -math.inf if low is None else low, math.inf if high is None else high


def _span(metric: MetricView) -> float | None:
    """Length of the scale; None where it has no end."""
    low, high = _scale(metric)
    return high - low if 0 < high - low < math.inf else None
