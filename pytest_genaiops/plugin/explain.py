"""Evidence under a failed assertion, and model output made fit for a terminal."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import Any

from _pytest._code.code import TerminalRepr

from pytest_genaiops.plugin.session import Progress
from pytest_genaiops.report.evidence import case_lines, comparison_lines, headline
from pytest_genaiops.report.text import visible
from pytest_genaiops.score import Score

_MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "==", "!=": "!="}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def compared(operator: str, left: object, right: object) -> list[str] | None:
    """pytest's explanation of ``assert left <operator> right`` where one of the two is a score."""
    if not isinstance(left, Score):
        if not isinstance(right, Score) or operator not in _MIRRORED:
            return None
        left, right, operator = right, left, _MIRRORED[operator]
    threshold = headline(right.evidence(cases=False)) if isinstance(right, Score) else str(right)
    return comparison_lines(left.evidence(), operator, threshold)


def evidence_of(progress: Progress, shown: str) -> list[str]:
    """Evidence of the scores that the failed test asked for and that its message does not show yet (verdicts')."""
    lines: dict[tuple[str, int], list[str]] = {}
    for score in progress.scores:
        key = (score.signature, score.n + score.unscored)
        if score.name in shown and score.signature not in shown and key not in lines:
            evidence = score.evidence()
            lines[key] = [headline(evidence), *case_lines(evidence)]
    return [line for block in lines.values() for line in block]


def without_escapes(progress: Progress, report: Any) -> None:
    """Write control characters of a failure as escapes, where model output may have brought them in.

    On a terminal pytest's own colours are escape codes too: they go with the rest, but only where
    the item's own texts hold control characters.
    """
    texts = [f"{response.text}{response.error or ''}" for response in progress.responses]
    if not any(map(_CONTROL.search, texts)):
        return
    report.sections = _plain(report.sections)
    report.longrepr = _plain(report.longrepr)


def _plain(value: Any) -> Any:
    """The value with every control character in its texts escaped; pytest's own report objects are changed in place."""
    if isinstance(value, str):
        return "\n".join("\t".join(map(visible, line.split("\t"))) for line in value.split("\n"))
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            object.__setattr__(value, field.name, _plain(getattr(value, field.name)))
    elif isinstance(value, TerminalRepr):
        vars(value).update({name: _plain(item) for name, item in vars(value).items()})
    return value
