"""Variants side by side, within the width of the terminal."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.report.table import Row, SuiteTable, Tally, render
from pytest_genaiops.report.text import columns


def row(value: float | None, *, name: str = "bleu", part: str = "", **changes: Any) -> Row:
    fields: dict[str, Any] = {"n": 10, "unscored": 0, "higher_is_better": True, "scale": (0.0, 100.0)}
    return Row(metric=name, slice=part, value=value, **(fields | changes))


def table(**changes: Any) -> SuiteTable:
    fields: dict[str, Any] = {
        "title": "test_translation",
        "note": "wmt, 10 cases",
        "baseline": "v1",
        "variants": ["v1", "v2"],
        "cells": {("bleu", ""): {"v1": row(30.0), "v2": row(28.5)}},
    }
    return SuiteTable(**(fields | changes))


def lines(shown: SuiteTable, width: int = 80, *, ascii_only: bool = False) -> list[str]:
    cells = render(shown, width, ascii_only=ascii_only)
    return ["".join(cell.text for cell in line).rstrip() for line in cells]


def styles(shown: SuiteTable) -> dict[str, str]:
    return {cell.text.strip(): cell.style for line in render(shown, 80) for cell in line if cell.style}


class TestRows:
    def test_variants_stand_side_by_side_with_the_change(self) -> None:
        assert lines(table()) == [
            "test_translation  wmt, 10 cases",
            "             v1           v2",
            "  bleu ↑  30.00  28.50 -1.50",
        ]

    def test_a_slice_stands_under_its_metric(self) -> None:
        cells = {
            ("bleu", ""): {"v1": row(30.0)},
            ("bleu", "lang=de"): {"v1": row(20.0, part="lang=de")},
        }
        assert lines(table(cells=cells, variants=["v1"], baseline=None))[2:] == [
            "  bleu ↑     30.00",
            "    lang=de  20.00",
        ]

    def test_directions_without_arrows_where_the_terminal_has_none(self) -> None:
        cells = {
            ("bleu", ""): {"v1": row(30.0)},
            ("latency", ""): {"v1": row(1.5, name="latency", higher_is_better=False, scale=(0.0, math.inf))},
        }
        shown = lines(table(cells=cells, variants=["v1"]), ascii_only=True)
        assert "  latency (lower is better)  1.500" in shown
        assert all(line.isascii() for line in shown)

    @pytest.mark.parametrize(
        ("higher", "value", "style"),
        [(True, 31.0, "better"), (True, 29.0, "worse"), (False, 31.0, "worse"), (False, 29.0, "better")],
    )
    def test_a_change_is_coloured_by_its_direction(self, higher: bool, value: float, style: str) -> None:
        cells = {("m", ""): {"v1": row(30.0, higher_is_better=higher), "v2": row(value, higher_is_better=higher)}}
        assert styles(table(cells=cells))[f"{value - 30:+.2f}"] == style

    def test_no_change_has_no_colour(self) -> None:
        assert "+0.00" not in styles(table(cells={("bleu", ""): {"v1": row(30.0), "v2": row(30.0)}}))

    def test_what_is_unscored_is_counted_and_never_blank(self) -> None:
        cells = {("bleu", ""): {"v1": row(30.0, unscored=2), "v2": row(None, n=0, unscored=10)}}
        shown = lines(table(cells=cells))
        assert shown[2].split() == ["bleu", "↑", "30.00", "unscored"]
        assert shown[3].split() == ["unscored", "2", "10"]

    def test_misses_are_told_from_failures(self) -> None:
        tallies = {
            "v1": Tally(passed=9, missed=1, failed=0, lost=0, skipped=0),
            "v2": Tally(passed=8, missed=0, failed=0, lost=2, skipped=0),
        }
        shown = [line.split() for line in lines(table(tallies=tallies))]
        assert shown[3:] == [["passed", "9", "8"], ["missed", "1", "0"], ["no", "result", "0", "2"]]

    def test_a_variant_without_a_metric_has_a_gap(self) -> None:
        cells = {("bleu", ""): {"v1": row(30.0)}, ("chrf", ""): {"v2": row(50.0, name="chrf")}}
        shown = lines(table(cells=cells))
        assert shown[2].split() == ["bleu", "↑", "30.00"]
        assert shown[3].split() == ["chrf", "↑", "50.00"]


class TestWidth:
    def test_more_variants_than_fit_go_into_a_further_block(self) -> None:
        variants = [f"variant-{i}" for i in range(7)]
        cells = {("bleu", ""): {v: row(30.0) for v in variants}}
        shown = lines(table(variants=variants, cells=cells, baseline=None), 40)
        heads = [line.split() for line in shown if "variant" in line]
        assert [name for head in heads for name in head] == variants
        assert len(heads) > 1
        assert max(map(columns, shown)) <= 40

    def test_wide_characters_are_counted_as_they_are_shown(self) -> None:
        variants = ["猫" * 8, "犬" * 8]
        cells = {("bleu", ""): {v: row(30.0) for v in variants}}
        shown = lines(table(variants=variants, cells=cells, baseline=None), 40)
        assert max(map(columns, shown)) <= 40

    def test_a_title_that_does_not_fit_is_cut_and_the_note_has_its_own_line(self) -> None:
        shown = lines(table(title="test_" + "x" * 50, note="wmt, 10 cases"), 40)
        assert shown[0] == "test_" + "x" * 32 + "..."
        assert shown[1] == "  wmt, 10 cases"

    @settings(max_examples=150, deadline=None)
    @given(st.data(), st.integers(30, 140), st.booleans())
    def test_nothing_is_wider_than_the_terminal_but_a_column_of_its_own(
        self, data: st.DataObject, width: int, ascii_only: bool
    ) -> None:
        names = st.text(st.characters(codec=None), min_size=1, max_size=40)
        variants = data.draw(st.lists(names, min_size=1, max_size=6, unique=True))
        values = st.none() | st.floats(-1e6, 1e6)
        cells = {}
        for name in data.draw(st.lists(names, max_size=4, unique=True)):
            part, scale = data.draw(st.just("") | names), data.draw(st.sampled_from([(0.0, 1.0), (0.0, 100.0)]))
            cells[name, part] = {v: row(data.draw(values), name=name, part=part, scale=scale) for v in variants}
        tallies = (
            {variants[0]: Tally(passed=3, missed=1, failed=2, lost=1, skipped=0)} if data.draw(st.booleans()) else {}
        )
        shown = table(
            title=data.draw(names), note=data.draw(names), variants=variants, cells=cells, tallies=tallies,
            baseline=data.draw(st.none() | st.sampled_from(variants)),
        )  # fmt: skip
        for line in render(shown, width, ascii_only=ascii_only):
            text = "".join(cell.text for cell in line)
            assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
            alone = line[0].style != "head" and sum(cell.text.startswith("  ") for cell in line[1:]) == 1
            assert columns(text.rstrip()) <= width or alone

    def test_a_long_note_is_wrapped_and_not_cut(self) -> None:
        words = "shop version 2, 70 cases, baseline v1, each a test; values are means over them"
        shown = lines(table(cells={}, title="tests/test_shop.py::test_each", note=words), width=60)
        assert shown[:3] == [
            "tests/test_shop.py::test_each",
            "  shop version 2, 70 cases, baseline v1, each a test; values",
            "    are means over them",
        ]

    def test_a_suite_without_metrics_is_a_heading(self) -> None:
        assert lines(table(cells={}))[0] == "test_translation  wmt, 10 cases"


def test_a_row_survives_the_way_through_plain_data() -> None:
    given_row = row(30.5, part="lang=de", unscored=2)
    assert Row.of(given_row.plain()) == given_row
