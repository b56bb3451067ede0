"""Rows whose question or reference stands in a prompt: a model that is told the answer is not tested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_genaiops.dataset.describe.texts import asked, normal
from pytest_genaiops.records import Case

SHORTEST = 20
"""Characters from which on a text is looked for: "yes" stands in every prompt."""
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A text of a row that a prompt holds, whatever its case and punctuation."""

    variant: str
    id: str
    what: str
    """``question`` or ``reference``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Rows by variant."""

    rows: Mapping[str, int]
    """Variant -> rows of which it holds a text; without those that hold none."""
    first: tuple[Leak, ...]


def leaks(cases: Iterable[Case], prompts: Mapping[str, str]) -> Leaks:
    """Look for the rows' questions and references in the prompts of variants."""
    told = {variant: f" {normal(text)} " for variant, text in prompts.items()}
    # A text can only be in there if its beginning is: that is quick to see.
    beginnings = {text[at : at + SHORTEST] for text in told.values() for at in range(len(text))}
    rows: dict[str, int] = {}
    first: list[Leak] = []
    for case in cases:
        texts = [("question", asked(case)), *(("reference", text) for text in case.references or ())]
        sought = [(what, f" {words} ") for what, text in texts if len(words := normal(text)) >= SHORTEST]
        sought = [(what, text) for what, text in sought if text[:SHORTEST] in beginnings]
        for variant, prompt in told.items() if sought else ():
            held = [what for what, text in sought if text in prompt]
            if held:
                rows[variant] = rows.get(variant, 0) + 1
                first += [Leak(variant=variant, id=case.id, what=held[0])] if len(first) < SHOWN else []
    return Leaks(rows=rows, first=tuple(first))
