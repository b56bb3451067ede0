"""What a dataset holds: counts, lengths and gaps, in one pass over its rows."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.records import Case

MOST_VALUES = 1000
"""Distinct values of a slice or label that are counted; of further ones only that they are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Of the rows that hold text: the median, the 95th percentile (nearest rank) and the largest."""

    median: int
    p95: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the rows."""

    name: str
    rows: int
    """Rows that have it, with or without a value."""
    empty: int
    """Of these, those that hold nothing: null, an empty text, an empty list."""
    characters: Lengths | None
    """None where it holds no text; a list of texts counts as one text."""
    words: Lengths | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """How often each value occurs, the most frequent first."""

    counts: Mapping[str, int]
    more: int
    """Rows with a value that is not counted by itself, because there are too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One recorded system: how many answers it gave, and for how many rows it has none."""

    name: str
    answers: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The dataset in numbers."""

    rows: int
    columns: tuple[Column, ...]
    slices: Mapping[str, Values]
    labels: Values | None
    clusters: int
    """Distinct clusters; 0 where no row has one."""
    systems: tuple[System, ...]
    answerable: int | None
    """Rows with a reference; None where no row has the column."""
    supported: int | None
    """Rows with a context; None where no row has the column."""


class _Measured:
    """A column while rows pass."""

    def __init__(self) -> None:
        self.rows = self.empty = 0
        self.characters, self.words = array("I"), array("I")

    def add(self, value: Any) -> None:
        self.rows += 1
        texts = (value,) if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ()
        characters = words = 0
        for text in texts:
            if isinstance(text, str):
                characters += len(text)
                words += len(text.split())
        if characters:
            self.characters.append(characters)
            self.words.append(words)
        elif value is None or (isinstance(value, (str, list, tuple, dict)) and not any(texts)):
            self.empty += 1

    def column(self, name: str) -> Column:
        return Column(
            name=name,
            rows=self.rows,
            empty=self.empty,
            characters=_lengths(self.characters),
            words=_lengths(self.words),
        )


@dataclass(slots=True)
class _Counted:
    """Values while rows pass."""

    counts: Counter[str] = field(default_factory=Counter)
    more: int = 0

    def add(self, value: str) -> None:
        if value in self.counts or len(self.counts) < MOST_VALUES:
            self.counts[value] += 1
        else:
            self.more += 1

    def values(self) -> Values:
        return Values(counts=dict(self.counts.most_common()), more=self.more)


def facts(cases: Iterable[Case], systems: Iterable[str]) -> Facts:
    """Count what the rows hold. Memory: 8 bytes for each text of a row."""
    columns: dict[str, _Measured] = {}
    slices: dict[str, _Counted] = {}
    labels, clusters, answers = _Counted(), set(), Counter[str]()
    rows = 0
    for case in cases:
        rows += 1
        for name, value in _values(case):
            columns.setdefault(name, _Measured()).add(value)
        for tag, value in case.slices.items():
            slices.setdefault(tag, _Counted()).add(value)
        if case.label:
            labels.add(case.label)
        if case.cluster:
            clusters.add(hash(case.cluster))
        answers.update(system for system, response in case.recorded.items() if response is not None)
    found = {name: measured.column(name) for name, measured in columns.items()}
    return Facts(
        rows=rows,
        columns=tuple(found.values()),
        slices={tag: counted.values() for tag, counted in slices.items()},
        labels=labels.values() if "label" in found else None,
        clusters=len(clusters),
        systems=tuple(System(name=name, answers=answers[name], missing=rows - answers[name]) for name in systems),
        answerable=_filled(found.get("reference")),
        supported=_filled(found.get("context")),
    )


def _values(case: Case) -> list[tuple[str, Any]]:
    found = list(case.inputs.items())
    found += [("reference", case.references)] if case.references is not None else []
    found += [("context", case.contexts)] if case.contexts is not None else []
    found += [("label", case.label)] if case.label is not None else []
    found += [("relevant", case.relevant)] if case.relevant is not None else []
    found += [("tool_calls", case.tool_calls)] if case.tool_calls is not None else []
    return found


def _filled(column: Column | None) -> int | None:
    return column.rows - column.empty if column else None


def _lengths(values: array[int]) -> Lengths | None:
    if not values:
        return None
    import numpy as np

    median, p95, largest = np.percentile(np.frombuffer(values, np.uint32), [50, 95, 100], method="inverted_cdf")
    return Lengths(median=int(median), p95=int(p95), largest=int(largest))
