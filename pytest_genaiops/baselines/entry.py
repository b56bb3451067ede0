"""What a committed baseline is made of: one entry a variant, one section a metric, one row a case and trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_genaiops.baselines.rows import Rows

FORMAT = 1
"""Version of the file format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One number of a metric, for whoever reads the file: rows are what comparisons are made from."""

    value: float
    scale: tuple[float, float]
    higher_is_better: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one metric, under one set of options, measured of every case."""

    signature: str
    """Of the metric, without a part: ``rouge|tokenize:latin|...``."""
    scores: Mapping[str, Value]
    """By name: ``bleu``, or ``rouge1``, ``rougeL`` ... of a group, which share their rows."""
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one variant scored under one test."""

    variant: str
    variant_hash: str
    """Of the prompt and parameters that were scored: another one now is what a comparison is about."""
    dataset: str
    dataset_hash: str
    trials: int
    by_case: bool
    """Whether the test judges case by case; the values are then means over cases."""
    metrics: Mapping[str, Section]
    """By metric name; a second set of options is called ``bleu 2``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The file of one test function."""

    suite: str
    """Node id of the test, without parameters."""
    entries: Mapping[str, Entry]
    """By :func:`entry_key`."""


def entry_key(variant: str, parameters: str) -> str:
    """The name of an entry: its variant, with the test's own parameters where it has any (``v1[fast]``)."""
    return f"{variant}[{parameters}]" if parameters else variant


def name_of(signature: str) -> str:
    """The metric that a signature belongs to."""
    return signature.partition("|")[0]


def named(sections: Iterable[Section]) -> dict[str, Section]:
    """Sections by metric name; of several with one name the later ones, by signature, are numbered."""
    found: dict[str, Section] = {}
    for section in sorted(sections, key=lambda each: each.signature):
        name = name_of(section.signature)
        count = sum(name_of(other.signature) == name for other in found.values())
        found[f"{name} {count + 1}" if count else name] = section
    return found
