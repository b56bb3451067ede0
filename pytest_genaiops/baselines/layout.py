"""The text of a baseline's parts, and the checksums over them.

A checksum covers where a part stands too, so that none can be moved to another variant or test. It tells an
edit by hand and a bad merge; it is no signature, and who means to cheat is stopped by review.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Any

from pytest_genaiops.baselines.entry import FORMAT, Baseline, Entry, Section, Value
from pytest_genaiops.baselines.rows import text

DIGITS = 16
"""Hexadecimal digits of a checksum."""


def head(baseline: Baseline) -> dict[str, Any]:
    """The fields of a file beside its variants."""
    return {"format": FORMAT, "suite": baseline.suite}


def entry_head(entry: Entry) -> dict[str, Any]:
    """The fields of an entry beside its metrics."""
    return {
        "variant": {"id": entry.variant, "hash": entry.variant_hash},
        "dataset": {"name": entry.dataset, "hash": entry.dataset_hash},
        "trials": entry.trials,
        "items": "case" if entry.by_case else "dataset",
    }


def section_head(section: Section) -> dict[str, Any]:
    """The fields of a section beside its scores and rows."""
    return {"signature": section.signature, "n": len(section.rows)}


def score(value: Value) -> dict[str, Any]:
    """One number of a section; a scale without an end has none in JSON either."""
    ends = [None if math.isinf(end) else end for end in value.scale]
    return {"value": value.value, "scale": ends, "better": "higher" if value.higher_is_better else "lower"}


def checksum(where: str, parts: Iterable[str]) -> str:
    """Over a part's place and its lines."""
    digest = hashlib.sha256(where.encode("utf-8", "surrogatepass"))
    for part in parts:
        digest.update(b"\n" + part.encode("utf-8"))
    return digest.hexdigest()[:DIGITS]


def head_checksum(baseline: Baseline) -> str:
    """Of the fields of a file."""
    return checksum("", [text(head(baseline))])


def entry_checksum(suite: str, key: str, entry: Entry) -> str:
    """Of the fields of an entry."""
    return checksum(f"{suite}\n{key}", [text(entry_head(entry))])


def section_checksum(suite: str, key: str, section: Section) -> str:
    """Of a section with its scores and every row."""
    scores = {name: score(value) for name, value in sorted(section.scores.items())}
    return checksum(f"{suite}\n{key}", [text(section_head(section)), text(scores), *section.rows.lines()])
