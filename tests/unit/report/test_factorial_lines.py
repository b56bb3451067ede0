"""A factorial in the lines of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.report.document import (
    AxisView,
    ContenderView,
    EffectView,
    FactorialView,
    InteractionView,
    MetricView,
    PointView,
)
from pytest_genaiops.report.factorial import best, leading, lines, render
from pytest_genaiops.report.table import Line
from pytest_genaiops.report.text import columns
from tests.documents import HOSTILE
from tests.factorials import hostile_matrix, matrix_example

RECALL = MetricView(name="recall", metric="retrieval", signature="recall|v:1", scale=(0.0, 1.0))
LATENCY = MetricView(
    name="latency", metric="latency", signature="latency|v:1", scale=(0.0, None), higher_is_better=False
)

ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of characters that do something where they are written."""


def effect(level: str, value: float | None, adjusted: float | None = 0.5, **changes: Any) -> EffectView:
    given: dict[str, Any] = {
        "metric": "recall",
        "axis": "search",
        "reference": "vector",
        "interval": None if value is None else (value - 0.01, value + 0.01),
        "p_value": adjusted,
        "n": 120,
        "unscored": 0,
    }
    return EffectView(level=level, effect=value, adjusted_p_value=adjusted, **(given | changes))


def interaction(value: float, adjusted: float) -> InteractionView:
    return InteractionView(
        metric="recall",
        axes=("search", "k"),
        levels=("hybrid", "8"),
        references=("vector", "3"),
        effect=value,
        interval=(value - 0.01, value + 0.01),
        p_value=adjusted,
        adjusted_p_value=adjusted,
        n=120,
        unscored=0,
    )


def contender(variant: str, value: float, *, among_best: bool = True, metric: str = "recall") -> ContenderView:
    return ContenderView(metric=metric, variant=variant, value=value, p_value=0.4, among_best=among_best)


def view(**changes: Any) -> FactorialView:
    given: dict[str, Any] = {
        "axes": [AxisView(name="search", levels=("vector", "text", "hybrid")), AxisView(name="k", levels=("3", "8"))],
        "variants": 6,
        "combinations": 6,
        "confidence": 0.95,
        "numbers": [RECALL, LATENCY],
    }
    return FactorialView(**(given | changes))


def shown(given: FactorialView, width: int = 80, **options: Any) -> list[str]:
    return text(lines(given, width, **options))


def text(found: Sequence[Line]) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in found]


def styles(given: FactorialView) -> dict[str, str]:
    return {cell.text.strip(): cell.style for line in lines(given, 80) for cell in line if cell.style}


class TestEffects:
    def test_each_level_is_told_against_the_reference_of_its_axis(self) -> None:
        effects = [effect("text", -0.02), effect("hybrid", 0.05, 0.001), effect("8", 0.1, axis="k", reference="3")]
        assert shown(view(effects=effects)) == [
            "  2 axes, 6 variants (every combination), 95 % intervals; * where p (Holm over",
            "    the effects, or the interactions, on one number) is at most 0.05",
            "  effects on recall ↑  n 120",
            "    search  text for vector    -0.0200  [-0.030, -0.010]",
            "            hybrid for vector  +0.0500  [+0.040, +0.060] *",
            "    k       8 for 3            +0.1000  [+0.090, +0.110]",
        ]

    @pytest.mark.parametrize(
        ("adjusted", "starred"), [(0.05, True), (0.0501, False), (0.0, True), (1.0, False), (None, False)]
    )
    def test_the_star_goes_by_the_adjusted_p_value(self, adjusted: float | None, starred: bool) -> None:
        line = shown(view(effects=[effect("text", 0.02, adjusted)]))[-1]
        assert line.endswith(" *") == starred

    @pytest.mark.parametrize(
        ("value", "up", "style"), [(0.1, True, "better"), (0.1, False, "worse"), (-0.1, False, "better")]
    )
    def test_a_sure_effect_is_coloured_by_its_direction(self, value: float, up: bool, style: str) -> None:
        given = view(effects=[effect("text", value, 0.001)], numbers=[replace(RECALL, higher_is_better=up)])
        assert styles(given)[f"{value:+.4f}"] == style

    def test_an_unsure_effect_has_no_colour(self) -> None:
        assert "+0.1000" not in styles(view(effects=[effect("text", 0.1, 0.2)]))

    @pytest.mark.parametrize(
        ("interval", "starred"),
        [((0.01, None), True), ((None, -0.01), True), ((-0.01, 0.2), False), ((0.0, 0.2), False), (None, False)],
    )
    def test_a_small_p_value_beside_an_interval_with_0_is_no_effect(
        self, interval: tuple[float | None, float | None] | None, starred: bool
    ) -> None:
        found = shown(view(effects=[effect("hybrid", 0.1, 0.001, interval=interval)]))
        assert any("hybrid for vector" in line and line.endswith(" *") for line in found) == starred

    def test_an_effect_that_cannot_be_told_says_why(self) -> None:
        given = view(effects=[effect("text", None, None, reason="search=text is confounded with k=8")])
        assert shown(given)[-1] == "    search text for vector: search=text is confounded with k=8"

    def test_cases_that_are_left_out_are_counted(self) -> None:
        given = view(effects=[effect("text", 0.1, n=97, unscored=23), effect("hybrid", 0.1, n=120)])
        assert shown(given)[2] == "  effects on recall ↑  n 97 to 120, up to 23 unscored"

    def test_of_many_levels_the_surest_are_shown(self) -> None:
        effects = [effect(f"level-{at}", 0.1, 0.5 if at < 30 else 0.001) for at in range(40)]
        found = shown(view(effects=effects))
        assert found[-2].split()[:3] == ["level-39", "for", "vector"]
        assert found[-1] == "    and 28 more"
        assert sum(line.endswith("*") for line in found) == 10

    def test_numbers_of_verdicts_come_first_and_others_are_counted(self) -> None:
        numbers = [replace(RECALL, name=f"m{at}") for at in range(5)]
        effects = [effect("text", 0.1, metric=each.name) for each in numbers]
        found = shown(view(effects=effects, numbers=numbers), first=["m4", "unknown"])
        assert [line.split()[2] for line in found if line.startswith("  effects on m")] == ["m4", "m0", "m1"]
        assert "  effects on 2 more numbers: genaiops report" in found

    def test_a_number_without_a_description_is_shown_by_its_name(self) -> None:
        assert [each.name for each in leading(view(effects=[effect("text", 0.1, metric="chrf")]))] == ["chrf"]

    def test_a_part_of_the_combinations_is_said_to_be_one(self) -> None:
        assert shown(view(variants=5, combinations=36))[0].startswith("  2 axes, 5 variants (of 36 combinations)")

    def test_two_files_of_the_same_axes_have_their_combinations_twice(self) -> None:
        assert "12 variants (6 combinations, some of them" in shown(view(variants=12, combinations=6))[0]


class TestInteractions:
    def test_the_sure_ones_are_told(self) -> None:
        found = shown(view(interactions=[interaction(0.04, 0.001), interaction(0.01, 0.9)]))
        assert found[-2:] == [
            "  strongest interactions, beyond the sum of both",
            "    search=hybrid with k=8: +0.0400 [+0.030, +0.050] * on recall",
        ]

    def test_where_none_is_sure_it_is_said(self) -> None:
        found = shown(view(interactions=[interaction(0.04, 0.2), interaction(0.01, 0.9)]))
        assert found[-1] == "  interactions: none of 2 is told from chance"

    def test_those_that_are_not_listed_are_counted(self) -> None:
        found = shown(view(interactions=[interaction(0.04, 0.2)], interactions_tested=140))
        assert found[-1] == "  interactions: none of 140 is told from chance"


class TestBest:
    def test_the_set_is_counted_and_named(self) -> None:
        contenders = [contender(f"v{at}", at / 10) for at in range(7)] + [contender("v9", 0.0, among_best=False)]
        found = shown(view(effects=[effect("text", 0.1)], contenders=contenders))
        assert found[-2:] == [
            "  best under recall ↑: 7 of 8 cannot be told from the best: v6; v5; v4; v3; v2;",
            "    and 2 more",
        ]

    def test_where_all_are_in_the_set_none_is_named(self) -> None:
        found = shown(view(effects=[effect("text", 0.1)], contenders=[contender(f"v{at}", 0.1) for at in range(7)]))
        assert found[-1] == "  best under recall ↑: of 7 variants none can be told from the best"

    def test_the_best_value_comes_first_whichever_way_is_better(self) -> None:
        contenders = [contender(f"v{at}", at / 10, metric="latency") for at in range(3)]
        assert [each.variant for each in best(view(contenders=contenders), LATENCY)] == ["v0", "v1", "v2"]

    def test_the_front_is_counted_and_named(self) -> None:
        points = [
            PointView(variant="a", values={"recall": 0.5, "latency": 1.0}, on_front=True),
            PointView(variant="b", values={"recall": 0.4, "latency": 2.0}, on_front=False, dominated_by=["a"]),
        ]
        assert (
            shown(view(front=["recall", "latency"], points=points))[-1] == "  front of recall ↑, latency ↓: 1 of 2: a"
        )


class TestLines:
    def test_a_suite_without_a_matrix_has_none(self) -> None:
        suite = matrix_example(cases=3).suites[0]
        assert render(replace(suite, factorial=None), 80) == []

    def test_a_terminal_without_arrows_gets_none(self) -> None:
        found = text(render(matrix_example(cases=6).suites[0], 80, ascii_only=True))
        assert all(line.isascii() for line in found)
        assert any("latency (lower is better)" in line for line in found)

    @given(width=st.integers(40, 140))
    @settings(max_examples=30)
    def test_lines_are_never_wider_than_the_terminal(self, width: int) -> None:
        assert max(map(columns, text(render(SUITE, width)))) <= width

    def test_a_matrix_of_48_variants_fits_a_page(self) -> None:
        assert len(render(SUITE, 80)) <= 60

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_hostile_names_are_shown_as_text(self, hostile: str) -> None:
        for line in text(render(hostile_matrix(hostile).suites[0], 80)):
            assert not ACTING & set(map(unicodedata.category, line))
            assert columns(line) <= 80


SUITE = matrix_example(cases=6).suites[0]
