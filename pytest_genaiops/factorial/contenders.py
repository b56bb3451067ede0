"""The best set that cannot be told from the best, under one number."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_genaiops.factorial.effects import Panels
from pytest_genaiops.report.document import ContenderView
from pytest_genaiops.statistics.best import none_better


def contenders(panels: Panels, confidence: float) -> list[ContenderView]:
    """Every variant that has a score, the best first, over the cases that all of them have scored."""
    number = panels.number
    panel = panels.over(number.common(number.everyone()))
    if isinstance(panel, str):
        return without_contenders(number.name, dict.fromkeys(number.scores, panel))
    higher = next(iter(number.scores.values())).higher_is_better
    p_values = none_better(panel, higher_is_better=higher, confidence=confidence)
    rows = zip(number.scores, panel.values.tolist(), p_values, strict=True)
    return [
        ContenderView(
            metric=number.name, variant=variant, value=value, p_value=p_value, among_best=p_value > 1 - confidence
        )
        for variant, value, p_value in sorted(rows, key=lambda row: -row[1] if higher else row[1])
    ]


def without_contenders(name: str, reasons: Mapping[str, str]) -> list[ContenderView]:
    """Variants, each with why it is compared with none."""
    return [
        ContenderView(metric=name, variant=variant, value=None, p_value=None, among_best=False, reason=reason)
        for variant, reason in reasons.items()
    ]
