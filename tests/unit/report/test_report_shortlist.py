"""More variants than stand side by side."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from pytest_genaiops.report.shortlist import MANY, VERDICTS, shortlist
from pytest_genaiops.report.table import Row, SuiteTable, Tally
from pytest_genaiops.report.text import columns
from tests.documents import HOSTILE

VARIANTS = [f"chunk={size},k={k}" for size in (128, 256, 512, 768, 1024, 2048) for k in range(1, 9)]
"""48, of which later ones have higher values below."""


def row(value: float | None, *, name: str = "recall", part: str = "", **changes: Any) -> Row:
    fields: dict[str, Any] = {"n": 10, "unscored": 0, "higher_is_better": True, "scale": (0.0, 1.0)}
    return Row(metric=name, slice=part, value=value, **(fields | changes))


def table(**changes: Any) -> SuiteTable:
    fields: dict[str, Any] = {
        "title": "test_rag",
        "note": "questions, 10 cases",
        "baseline": VARIANTS[0],
        "variants": VARIANTS,
        "cells": {("recall", ""): {v: row(at / 100) for at, v in enumerate(VARIANTS)}},
    }
    return SuiteTable(**(fields | changes))


def lines(given: SuiteTable, width: int = 80, **options: Any) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in shortlist(given, width, **options)]


def named(found: list[str]) -> list[str]:
    return [line.split()[0] for line in found if line.startswith("  chunk=") and ":" not in line]


def test_the_best_and_the_baseline_are_shown_the_best_first() -> None:
    found = lines(table())
    assert found[:4] == [
        "test_rag  questions, 10 cases",
        "                           recall ↑",
        "  chunk=2048,k=8    0.4700 +0.4700",
        "  chunk=2048,k=7    0.4600 +0.4600",
    ]
    assert named(found) == [*VARIANTS[::-1][: MANY - 1], VARIANTS[0]]
    assert found[-2:] == ["  chunk=128,k=1     0.0000 baseline", "  36 more variants: genaiops report"]


def test_of_a_number_that_is_better_when_low_the_lowest_are_the_best() -> None:
    cells = {("loss", ""): {v: row(at / 100, higher_is_better=False) for at, v in enumerate(VARIANTS)}}
    assert named(lines(table(cells=cells, baseline=None))) == VARIANTS[:MANY]


def test_variants_that_cannot_be_told_from_the_best_come_before_others() -> None:
    assert set(VARIANTS[1:6]) < set(named(lines(table(), best=VARIANTS[1:6])))


def test_variants_that_failed_are_shown() -> None:
    verdicts = {VARIANTS[9]: [("failed", "recall 0.09 is below 0.2")], VARIANTS[47]: [("passed", "fine")]}
    found = lines(table(verdicts=verdicts))
    assert VARIANTS[9] in named(found)
    assert found[-2:] == ["  2 verdicts: 1 passed, 1 failed", "  chunk=256,k=2 failed: recall 0.09 is below 0.2"]


def test_failures_are_told_before_what_is_undecided_and_the_rest_is_counted() -> None:
    verdicts = {v: [("undecided", "more cases would decide")] for v in VARIANTS} | {VARIANTS[40]: [("failed", "worse")]}
    found = lines(table(verdicts=verdicts))
    told = [line for line in found if "failed:" in line or "undecided:" in line]
    assert told[0] == "  chunk=2048,k=1 failed: worse"
    assert len(told) == VERDICTS
    assert found[-1] == "  and 42 more"
    assert "  48 verdicts: 1 failed, 47 undecided" in found


def test_what_has_no_score_is_never_blank_and_counted_wherever_it_is() -> None:
    cells = {("recall", ""): {v: row(at / 100, unscored=2 * (at == 3)) for at, v in enumerate(VARIANTS)}}
    cells["recall", ""][VARIANTS[47]] = row(None, n=0, unscored=10)
    found = lines(table(cells=cells), best=[VARIANTS[47]])
    assert "  chunk=2048,k=8  unscored" in found
    assert "  unscored: in 2 of 48 variants, most in chunk=2048,k=8: 10" in found


def test_a_variant_without_the_number_has_a_gap() -> None:
    cells = {("recall", ""): {v: row(0.5) for v in VARIANTS[:20]}}
    assert "  chunk=2048,k=8" in lines(table(cells=cells), best=[VARIANTS[47]])


def test_outcomes_of_cases_are_counted() -> None:
    tallies = {v: Tally(passed=8, missed=1, failed=at == 5, lost=0, skipped=0) for at, v in enumerate(VARIANTS)}
    found = lines(table(tallies=tallies, cells={}))
    assert "  missed: in 48 of 48 variants, most in chunk=128,k=1: 1" in found
    assert "  failed: in 1 of 48 variants, most in chunk=128,k=6: 1" in found
    assert VARIANTS[5] in named(found)


def test_numbers_that_verdicts_are_about_come_first_and_those_without_room_are_counted() -> None:
    names = [f"m{at}" for at in range(20)]
    cells = {(name, part): {v: row(0.5) for v in VARIANTS} for name in names for part in ("", "a=1", "a=2")}
    found = lines(table(cells=cells), first=["m9"])
    assert found[1].split() == ["m9", "↑", "m0", "↑", "m1", "↑"]
    assert "  36 more variants, 17 more numbers, 2 slices: genaiops report" in found


@pytest.mark.parametrize("width", [40, 80, 200])
def test_long_names_are_cut_in_the_middle(width: int) -> None:
    variants = [f"{'long-' * 30}end-{at}" for at in range(48)]
    cells = {("recall", ""): {v: row(0.5) for v in variants}}
    found = lines(table(variants=variants, cells=cells, baseline=variants[3], note="q"), width)
    assert max(map(columns, found)) <= width
    assert "end-3 " in "\n".join(found)
    assert all(line.isascii() for line in lines(table(), ascii_only=True))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_shown_as_text(hostile: str) -> None:
    variants = [f"{hostile} {at}" for at in range(20)]
    cells = {(hostile, ""): {v: row(0.5, name=hostile, unscored=1) for v in variants}}
    verdicts = {variants[2]: [("failed", "worse")]}
    found = lines(table(title=hostile, note=hostile, variants=variants, cells=cells, verdicts=verdicts))
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(map(unicodedata.category, "".join(found)))
