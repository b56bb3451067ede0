"""The evidence behind a score, as lines under a failed assertion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_genaiops.report.text import excerpt, number, visible

WORST = 5
SAID = 4
"""Lines of a judge's words under one case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEvidence:
    """One case of a score: its value, or the reason why it has none, and the response's text."""

    id: str
    value: float | None
    text: str
    reason: str = ""
    unsupported: Sequence[str] = ()
    """Words of the text that the metric finds fault with."""
    finds: str = "not in the contexts"
    """What is wrong with them."""
    judged: Sequence[str] = ()
    """What a judge said of the whole, and then of what it found wanting."""
    says: str = "judge"
    """Whose words these are."""
    steps: Sequence[tuple[str, str]] = ()
    """Id and output of each call that led to the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreEvidence:
    """What a reader needs in order to believe a score."""

    name: str
    value: float | None
    n: int
    unscored: int
    scale: tuple[float, float]
    higher_is_better: bool
    signature: str
    worst: Sequence[CaseEvidence]
    missing: Sequence[CaseEvidence]


def headline(evidence: ScoreEvidence) -> str:
    """``bleu = 24.13 (n=300, 2 unscored, scale 0-100)``."""
    unscored = f", {evidence.unscored} unscored" if evidence.unscored else ""
    low, high = evidence.scale
    better = "" if evidence.higher_is_better else ", lower is better"
    # A class that the model made up is part of the name: "f1[...]".
    name, value = excerpt(evidence.name, 60), number(evidence.value, evidence.scale)
    return f"{name} = {value} (n={evidence.n}{unscored}, scale {low:g}-{high:g}{better})"


def comparison_lines(evidence: ScoreEvidence, operator: str, threshold: str) -> list[str]:
    """The explanation of ``assert score <operator> threshold``: the sentence first, then the cases."""
    lines = [f"{headline(evidence)} {operator} {threshold}"]
    if evidence.unscored:
        total = evidence.n + evidence.unscored
        lines.append(f"{evidence.unscored} of {total} cases unscored: no comparison passes until every case is scored")
    return lines + case_lines(evidence)


def case_lines(evidence: ScoreEvidence) -> list[str]:
    """Unscored cases with their reasons, then the worst scored ones with their text; at most five of each.

    Of the worst one the steps are shown, where it took several.
    """
    lines = []
    if evidence.missing:
        lines.append("unscored:")
        lines += [f"  {visible(case.id)}: {excerpt(case.reason, 160)}" for case in evidence.missing[:WORST]]
        rest = evidence.unscored - WORST
        lines += [f"  and {rest} more"] if rest > 0 else []
    if evidence.worst:
        lines.append("worst cases:" if evidence.n > 1 else "the case:")
        for rank, case in enumerate(evidence.worst):
            lines.append(f"  {visible(case.id)}: {number(case.value, evidence.scale)}  '{excerpt(case.text)}'")
            if case.unsupported:
                lines.append(f"    {case.finds}: {excerpt(', '.join(case.unsupported))}")
            lines += [f"    {case.says}: {excerpt(said, 200)}" for said in case.judged[:SAID]]
            lines += [f"    and {len(case.judged) - SAID} more"] if len(case.judged) > SAID else []
            if not rank and len(case.steps) > 1:
                lines += [f"    {excerpt(step, 40)}: '{excerpt(output)}'" for step, output in case.steps]
    lines.append(f"signature: {excerpt(evidence.signature, 400)}")
    return lines
