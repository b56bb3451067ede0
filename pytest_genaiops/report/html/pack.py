"""What the page's own script reads: a small index of values, and texts in blocks that are unpacked when asked for."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, TypeAlias

from pytest_genaiops.records import NOTHING
from pytest_genaiops.report.document import AnswerView, CaseView, SuiteView, plain

BLOCK_CASES = 200
BLOCK_CHARACTERS = 1_000_000
"""A block ends at that many cases or, where texts are long, with the case that reaches that many characters."""
HEAD = 160
"""Characters of a case's inputs that the table shows and searches."""
OUTCOMES = ("", "passed", "missed", "skipped", "failed", "lost")
"""From good to bad: several trials of a case have the outcome of the worst one."""


def packed(value: Any) -> str:
    """JSON, compressed, as text that can stand in a page: base64 of gzip of UTF-8."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Halves of surrogate pairs have no bytes in UTF-8; the escape that is written for them is JSON's own.
    data = text.encode("utf-8", "backslashreplace")
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode("ascii")


Values: TypeAlias = Mapping[tuple[str, str], Sequence[float | None]]
"""(variant, metric) -> own value of each case, in the order of the cases."""


def own_values(suite: SuiteView) -> Values:
    """What tables and plots are made of."""
    variants, metrics = [each.id for each in suite.variants], [each.name for each in suite.metrics]
    found: dict[tuple[str, str], list[float | None]] = {(a, b): [] for a in variants for b in metrics}
    for case in suite.cases:
        answers = _by_variant(case, variants)
        for (variant, metric), column in found.items():
            column.append(_own(answers[variant], metric))
    return found


def index(suite: SuiteView, slug: str, blocks: Sequence[Sequence[CaseView]], values: Values) -> dict[str, Any]:
    """Everything that the table sorts and filters by, in columns: one entry a case, variants and metrics in order."""
    variants = [each.id for each in suite.variants]
    by_variant = [_by_variant(case, variants) for case in suite.cases]
    return {
        "slug": slug,
        "title": suite.title,
        "baseline": variants.index(suite.baseline) if suite.baseline in variants else None,
        "focus": _focus(suite, variants),
        "variants": variants,
        "metrics": [
            {
                "name": each.name,
                "low": finite(each.scale[0]),
                "high": finite(each.scale[1]),
                "up": each.higher_is_better,
                "finds": each.finds,
            }
            for each in suite.metrics
        ],
        "ids": [case.id for case in suite.cases],
        "heads": [head(case) for case in suite.cases],
        "slices": _slices(suite.cases),
        "values": [[values[variant, each.name] for variant in variants] for each in suite.metrics],
        "outcomes": [[_outcome(answers[variant]) for answers in by_variant] for variant in variants],
        "errors": [[int(any(a.error for a in answers[variant])) for answers in by_variant] for variant in variants],
        "prompts": [each.prompt for each in suite.variants],
        "blocks": [len(block) for block in blocks],
    }


def blocks(cases: Sequence[CaseView]) -> list[Sequence[CaseView]]:
    """The cases in runs that are packed together."""
    found: list[list[CaseView]] = []
    pooled: set[str] = set()
    room = 0
    for case in cases:
        if room <= 0 or len(found[-1]) >= BLOCK_CASES:
            found.append([])
            room, pooled = BLOCK_CHARACTERS, set()
        found[-1].append(case)
        passages = {text for each in _passages(case) for text in each or ()} - pooled
        pooled |= passages
        room -= sum(map(len, passages)) + sum(len(answer.text) for answer in case.answers)
        room -= sum(len(str(each)) for each in case.inputs.values())
    return [*found]


class Shared:
    """Passages that more than one block has: they stand once, in blocks of their own."""

    def __init__(self, blocks: Iterable[Sequence[CaseView]]) -> None:
        seen: dict[str, bool] = {}
        for block in blocks:
            for text in dict.fromkeys(text for case in block for each in _passages(case) for text in each or ()):
                seen[text] = text in seen
        self.blocks: list[list[str]] = []
        self.places: dict[str, tuple[int, int]] = {}
        """Passage -> number of its block, and place in that."""
        room = 0
        for text in (text for text, again in seen.items() if again):
            if room <= 0:
                self.blocks.append([])
                room = BLOCK_CHARACTERS
            self.places[text] = len(self.blocks) - 1, len(self.blocks[-1])
            self.blocks[-1].append(text)
            room -= len(text)


def texts(cases: Sequence[CaseView], shared: Mapping[str, tuple[int, int]] = NOTHING) -> dict[str, Any]:
    """Cases as the page shows them: fields of :class:`CaseView`, inputs as texts, offsets in UTF-16 units.

    Contexts are numbers of texts in ``pool``: systems that search the same corpus find the same passages. In place of
    those that other blocks have too, it has their places among the ``shared`` ones. Answers have no values where the
    index has them, which it does where a variant answered once.
    """
    pool: dict[str, int] = {}

    def pooled(passages: Sequence[str] | None) -> list[int] | None:
        return None if passages is None else [pool.setdefault(text, len(pool)) for text in passages]

    found = [
        {
            "id": case.id,
            "inputs": {str(name): as_text(value) for name, value in case.inputs.items()},
            "references": plain(case.references),
            "contexts": pooled(case.contexts),
            "label": case.label,
            "cluster": case.cluster,
            "slices": plain(case.slices),
            "answers": [{**each, "contexts": pooled(each["contexts"])} for each in _answers(case)],
        }
        for case in cases
    ]
    return {"pool": [shared.get(text, text) for text in pool], "cases": found}


def _passages(case: CaseView) -> list[Sequence[str] | None]:
    return [case.contexts, *(answer.contexts for answer in case.answers)]


def as_text(value: Any) -> str:
    """An input as people read it: texts as they are, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(plain(value), ensure_ascii=False, indent=2, default=str)
    except (ValueError, RecursionError):  # it contains itself, or is nested too deeply
        return f"a {type(value).__name__} that cannot be shown"


def head(case: CaseView) -> str:
    """The beginning of what was asked, on one line."""
    # Only the beginning is looked at: an input may be megabytes long.
    shown = " · ".join(" ".join(as_text(value)[: 4 * HEAD].split()) for value in case.inputs.values())
    return shown if len(shown) <= HEAD else f"{shown[: HEAD - 1].rstrip()}…"


def finite(value: float | None) -> float | None:
    """The number, or None for one that JSON has no word for."""
    return value if value is not None and math.isfinite(value) else None


def _own(answers: Sequence[AnswerView], metric: str) -> float | None:
    """A case's value under one variant: the mean over its trials, None where one of them has no value."""
    values = [finite(each.values.get(metric)) for each in answers]
    known = [value for value in values if value is not None]
    return _short(fmean(known)) if known and len(known) == len(values) else None


def _short(value: float) -> float:
    """Six digits: the page shows four, and digits that nobody sees do not compress."""
    return float(f"{value:.6g}")


def _focus(suite: SuiteView, variants: Sequence[str]) -> Mapping[str, int | None]:
    """The metric and variant that the table begins with: of the first verdict that did not pass."""
    metrics = [each.name for each in suite.metrics]
    for outcome in ("failed", "undecided"):
        for verdict in suite.verdicts:
            if verdict.outcome == outcome and verdict.metric in metrics and verdict.variant in variants:
                return {"metric": metrics.index(verdict.metric), "variant": variants.index(verdict.variant)}
    return {"metric": 0, "variant": None}


def _by_variant(case: CaseView, variants: Sequence[str]) -> Mapping[str, list[AnswerView]]:
    found: dict[str, list[AnswerView]] = {name: [] for name in variants}
    for answer in case.answers:
        found.setdefault(answer.variant, []).append(answer)
    return found


def _outcome(answers: Sequence[AnswerView]) -> int:
    return max((OUTCOMES.index(each.outcome) for each in answers if each.outcome in OUTCOMES), default=0)


def _slices(cases: Sequence[CaseView]) -> list[dict[str, Any]]:
    """Tag -> its values, and of each case the number of its value; -1 where it has none."""
    tags = dict.fromkeys(tag for case in cases for tag in case.slices)
    found = []
    for tag in tags:
        values = sorted({case.slices[tag] for case in cases if tag in case.slices})
        number = {value: at for at, value in enumerate(values)}
        column = [number[case.slices[tag]] if tag in case.slices else -1 for case in cases]
        found.append({"tag": tag, "values": values, "of": column})
    return found


def _answers(case: CaseView) -> Iterator[dict[str, Any]]:
    times = Counter(answer.variant for answer in case.answers)
    for answer in case.answers:
        told = _answer(answer)
        if times[answer.variant] == 1:
            del told["values"]
        yield told


def _answer(answer: AnswerView) -> dict[str, Any]:
    at = _units(answer.text)
    evidence = {
        metric: {
            "reason": each.reason,
            "unsupported": [[at(start), at(end)] for start, end in each.unsupported],
            "sentences": [[at(start), at(end), finite(support), note] for start, end, support, note in each.sentences],
        }
        for metric, each in answer.evidence.items()
    }
    return {
        "variant": answer.variant,
        "contexts": answer.contexts,
        "trial": answer.trial,
        "text": answer.text,
        "error": answer.error,
        "latency": None if finite(answer.latency) is None else round(answer.latency or 0.0, 3),
        "usage": plain(answer.usage),
        "model": answer.model,
        "steps": plain(answer.steps),
        "outcome": answer.outcome,
        "values": {
            name: None if finite(value) is None else _short(value or 0.0) for name, value in answer.values.items()
        },
        "unscored": plain(answer.unscored),
        "evidence": evidence,
    }


def _units(text: str) -> Callable[[int], int]:
    """Offsets of characters as a browser counts them: one above U+FFFF is two units long."""
    if text.isascii() or max(text) <= "\uffff":
        return lambda offset: offset
    places = [0]
    for char in text:
        places.append(places[-1] + (2 if char > "\uffff" else 1))
    return lambda offset: places[max(0, min(offset, len(text)))]
