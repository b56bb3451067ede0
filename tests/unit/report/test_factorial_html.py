"""The part of the HTML report that tells what settings do, and the page of a suite with many variants."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.report.document import MetricView, PointView
from pytest_genaiops.report.html import page
from pytest_genaiops.report.html.factors import BOX, CROSSINGS, factors
from pytest_genaiops.report.html.overview import FEW, LOUD, overview
from pytest_genaiops.report.html.pack import own_values
from tests.documents import HOSTILE
from tests.factorials import hostile_matrix, matrix_example

DOCUMENT = matrix_example(cases=8)
SUITE = DOCUMENT.suites[0]
LATENCY = MetricView(name="latency", metric="latency", signature="", scale=(0.0, None), higher_is_better=False)
RECALL = MetricView(name="recall", metric="recall", signature="", scale=(0.0, 1.0))


def words(text: str) -> str:
    """The page's visible words, without styles and scripts."""
    kept = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", kept)).split())


def test_effects_stand_against_the_reference_with_their_numbers() -> None:
    found = factors(SUITE)
    assert found is not None
    first = found.effects[0]
    assert [axis for axis, _ in first.rows] == ["chunk", "embedding", "search", "k"]
    for _, rows in first.rows:
        for row in rows:
            assert row.bar is not None
            assert row.bar.line is not None
            assert (row.bar.value > row.bar.line) == ((row.view.effect or 0.0) > 0)
            assert bool(row.direction) == row.sure == ((row.view.adjusted_p_value or 0.0) <= 0.05)
    shown = words(page(DOCUMENT))
    assert "What each setting does" in shown
    assert f"Best under {first.metric.name}" in shown


def test_a_suite_without_a_matrix_has_no_such_part() -> None:
    suite = replace(SUITE, factorial=None)
    assert factors(suite) is None
    assert "What each setting does" not in page(replace(DOCUMENT, suites=[suite]))


def test_interactions_that_are_not_listed_are_counted() -> None:
    assert SUITE.factorial is not None
    unsure = [replace(each, adjusted_p_value=0.5) for each in SUITE.factorial.interactions]
    factorial = replace(SUITE.factorial, interactions=unsure, interactions_tested=140)
    shown = words(page(replace(DOCUMENT, suites=[replace(SUITE, factorial=factorial)])))
    assert "None of the 140 is sure." in shown
    assert f"Of 140 interactions the {len(unsure)} strongest are listed." in shown


def test_lines_of_an_interaction_are_means_of_variants() -> None:
    """Two axes of two levels: each point is one variant's own value."""
    suite = matrix_example(cases=6, axes={"a": "12", "b": "xy"}).suites[0]
    assert suite.factorial is not None
    sure = replace(suite.factorial.interactions[0], adjusted_p_value=0.001)
    found = factors(replace(suite, factorial=replace(suite.factorial, interactions=[sure])))
    assert found is not None
    values = {each.variant: each.value for each in suite.factorial.contenders if each.metric == sure.metric}
    (plot,) = found.crossings
    shown = {
        (tick, curve.level): value
        for curve in plot.curves
        for (_, tick), (_, _, value) in zip(plot.ticks, curve.points, strict=True)
    }
    assert shown == {(a, b): values[f"a={a},b={b}"] for a in "12" for b in "xy"}
    for curve in plot.curves:
        assert all(0 <= x <= BOX[0] and 0 <= y <= BOX[1] for x, y, _ in curve.points)


def test_of_several_numbers_each_pair_of_axes_is_drawn_before_any_is_drawn_twice() -> None:
    assert SUITE.factorial is not None
    sure = [replace(each, adjusted_p_value=0.0, interval=(0.1, 0.2)) for each in SUITE.factorial.interactions]
    sure.sort(key=lambda each: each.axes)
    found = factors(replace(SUITE, factorial=replace(SUITE.factorial, interactions=sure)))
    assert found is not None
    assert len({frozenset(plot.axes) for plot in found.crossings}) == CROSSINGS


def test_what_quality_is_weighed_against_is_drawn_last() -> None:
    suite = matrix_example(cases=6, axes={"a": "12", "b": "xy"}).suites[0]
    assert suite.factorial is not None
    quality = replace(suite.factorial.interactions[0], adjusted_p_value=0.001, effect=0.15, interval=(0.1, 0.2))
    names = [each.metric for each in suite.factorial.contenders]
    other = next(name for name in names if name != quality.metric)
    view = replace(
        suite.factorial,
        interactions=[replace(quality, metric=other, adjusted_p_value=0.0), quality],
        front=(quality.metric, other),
    )
    found = factors(replace(suite, factorial=view))
    assert found is not None
    first, *_ = found.crossings
    assert first.metric.name == quality.metric


points = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=15, unique=True)


@given(points)
def test_the_line_along_the_front_joins_what_no_other_beats(values: list[tuple[int, int]]) -> None:
    """Recall, more is better, against latency, less is better: brute force over all pairs."""
    best = [(x, y) for x, y in values if not any((a <= x and b >= y and (a, b) != (x, y)) for a, b in values)]
    rows = [
        PointView(variant=str(at), values={"recall": y / 20, "latency": float(x)}, on_front=(x, y) in best)
        for at, (x, y) in enumerate(values)
    ]
    assert SUITE.factorial is not None
    view = replace(SUITE.factorial, front=("recall", "latency"), points=rows, numbers=(RECALL, LATENCY), effects=())
    found = factors(replace(SUITE, factorial=view, verdicts=()))
    assert found is not None
    (plot,) = found.scatters
    marked = sorted({(dot.x, dot.y) for dot in plot.dots if dot.on_front})
    corners = re.findall(r"[MH]([\d.]+) V?([\d.]+)", plot.path)
    joined = sorted((float(x), float(y)) for x, y in corners)
    assert joined == (marked if len(marked) > 1 else [])


def test_a_point_without_a_value_is_in_the_table_and_in_no_plot() -> None:
    assert SUITE.factorial is not None
    lost = PointView(variant="lost", values={"groundedness": None, "latency": 1.0}, on_front=False)
    view = replace(SUITE.factorial, points=[*SUITE.factorial.points, lost])
    found = factors(replace(SUITE, factorial=view))
    assert found is not None
    assert "lost" not in {dot.variant for dot in found.scatters[0].dots}
    assert "lost" in {point.variant for _, point in found.front}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_texts(hostile: str) -> None:
    written, calm = page(hostile_matrix(hostile)), page(hostile_matrix("calm"))
    count = re.compile(r"<(?!!--)/?[a-zA-Z]+")
    assert len(count.findall(written)) == len(count.findall(calm))
    assert "window.hacked" not in re.sub(r"&[^;]+;", "", "".join(re.findall(r"<script[^>]*>[^<]*", written)))


class TestMany:
    def test_of_many_variants_a_part_has_slices_and_distributions(self) -> None:
        found = overview(SUITE, "s", own_values(SUITE))
        section = found.sections[0]
        assert found.many
        assert len(section.scores) == 48
        assert len(section.spread) == FEW
        assert SUITE.baseline in {name for name, _ in section.spread}
        assert {row.view.variant for row in section.slices} <= {name for name, _ in section.spread}

    def test_changes_are_counted_by_their_direction(self) -> None:
        for section in overview(SUITE, "s", own_values(SUITE)).sections:
            counts = {word: int(count) for count, word in (each.split() for each in section.moved.split(", "))}
            assert sum(counts.values()) == 47
            assert counts.get("better", 0) == sum(row.direction == "better" for row in section.changes)

    def test_the_best_come_first(self) -> None:
        for section in overview(SUITE, "s", own_values(SUITE)).sections:
            values = [row.view.value for row in section.scores if row.view.value is not None]
            assert values == sorted(values, reverse=section.metric.higher_is_better)

    def test_a_prompt_that_all_share_stands_once(self) -> None:
        same = [replace(each, prompt="the same") for each in SUITE.variants]
        found = overview(replace(SUITE, variants=same), "s", own_values(SUITE))
        assert found.prompts == [(f"{SUITE.variants[0].id} and 47 more", "the same")]

    def test_gates_beyond_the_first_are_folded_away(self) -> None:
        loud = sum(each.outcome != "passed" for each in SUITE.verdicts)
        assert loud > LOUD
        assert f"{loud - LOUD} more gates not passed" in words(page(DOCUMENT))

    def test_a_page_of_48_variants_stays_small(self) -> None:
        assert len(page(DOCUMENT)) < 1_500_000
