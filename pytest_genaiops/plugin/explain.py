"""Evidence under a failed assertion, and model output made fit for a terminal."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import chain, zip_longest
from typing import Any

import pytest
from _pytest._code.code import TerminalRepr

from pytest_genaiops.plugin.quiet import says_nothing
from pytest_genaiops.plugin.session import Progress
from pytest_genaiops.records import Case
from pytest_genaiops.report.diagnosis import diagnosis
from pytest_genaiops.report.difference import summary
from pytest_genaiops.report.evidence import case_lines, comparison_lines, headline
from pytest_genaiops.report.text import visible
from pytest_genaiops.score import Score
from pytest_genaiops.variants import Variant, difference

SECTION = "genaiops"
"""Name of the section of a failure report that shows evidence."""

_MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "==", "!=": "!="}
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


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
    return [line for block in lines.values() for line in block] + _diagnosis(progress)


def _diagnosis(progress: Progress) -> list[str]:
    """What a test's completeness and utilization say together, where it has asked for both."""
    values = {score.name: score.value for score in progress.scores if score.value is not None}
    if not {"completeness", "utilization"} <= values.keys():
        return []
    found = diagnosis(values["completeness"], values["utilization"])
    return [found] if found else []


@functools.lru_cache(maxsize=256)
def differs(variant: Variant, baseline: Variant | None) -> str:
    """In what a variant differs from the baseline, in a line; empty for the baseline itself and for bare names."""
    return summary([change.plain() for change in difference(variant, baseline)]) if baseline is not None else ""


def fit_for_terminal(item: pytest.Item, progress: Progress, report: Any) -> None:
    """Write every control character of a report as an escape: model output and data are not to be trusted.

    pytest's own colours are escape codes too. They are kept, unless the item's texts hold such codes
    themselves: then the two cannot be told apart, and all colour goes.
    """
    if report.longrepr is None and says_nothing(report):
        return
    reporter = item.config.pluginmanager.get_plugin("terminalreporter")
    coloured = reporter is not None and reporter.hasmarkup
    keep = coloured and not any("\x1b" in text for text in _texts(item, progress))
    escape = _Escape(keep_colour=keep, drop_colour=coloured and not keep)
    report.sections = escape(report.sections)
    report.longrepr = escape(report.longrepr)


def fit_for_encoding(report: pytest.TestReport, encoding: str) -> None:
    """Escape of the evidence what a terminal cannot write: pytest would escape all of it, line ends too."""
    report.sections = [
        (name, text.encode(encoding, "backslashreplace").decode(encoding) if name == SECTION else text)
        for name, text in report.sections
    ]


def _texts(item: Any, progress: Progress) -> Iterator[str]:
    """Everything that came from outside: responses, contexts, errors and the rows of the dataset."""
    yield from _row(getattr(item, "case", None))
    for response in chain(progress.responses, *progress.datasets):
        yield response.text
        yield str(response.error or "")
        yield from response.contexts or ()
        yield from _row(response.trial.case if response.trial else None)


def _row(case: Case | None) -> Iterator[str]:
    if case is not None:
        yield from map(str, (*case.inputs.values(), *(case.references or ()), *(case.contexts or ()), case.label))


class _Escape:
    """Escapes the texts of a value; pytest's own report objects are changed in place."""

    def __init__(self, *, keep_colour: bool, drop_colour: bool) -> None:
        self._keep = keep_colour
        self._drop = drop_colour

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list | tuple):
            return type(value)(self(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            for field in fields(value):
                object.__setattr__(value, field.name, self(getattr(value, field.name)))
        elif isinstance(value, TerminalRepr):
            vars(value).update({name: self(item) for name, item in vars(value).items()})
        return value

    def _text(self, text: str) -> str:
        if not (self._keep or self._drop):
            return _escaped(text)
        parts = _COLOUR.split(text)
        colours = _COLOUR.findall(text) if self._keep else []
        pairs = zip_longest(map(_escaped, parts), colours, fillvalue="")
        return "".join(chain.from_iterable(pairs))


def _escaped(text: str) -> str:
    """The text with its lines and tabs as they are, and every other control character as an escape."""
    if text.isprintable():
        return text
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))
