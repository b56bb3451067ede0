"""A factorial on the page for a pull request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_genaiops.report.document import EffectView, FactorialView
from pytest_genaiops.report.markdown import LIMIT, page
from pytest_genaiops.report.settings import NUMBERS, ROWS, settings
from tests.documents import HOSTILE
from tests.factorials import hostile_matrix, matrix_example

DOCUMENT = matrix_example(cases=12, metrics=5)
SUITE = DOCUMENT.suites[0]


def view() -> FactorialView:
    assert SUITE.factorial is not None
    return SUITE.factorial


def test_each_level_is_a_row_and_each_number_a_column() -> None:
    lines = settings(SUITE)
    assert lines[0].startswith("What each setting does: 4 axes, 48 variants (every combination), 95 % intervals")
    assert lines[2].count("|") == 3 + NUMBERS
    assert [line.split(" | ")[1] for line in lines if line.startswith("| `search`")] == [
        "`text` for `vector`",
        "`hybrid` for `vector`",
    ]


def test_sure_effects_are_bold_and_others_are_not() -> None:
    bold = {(each.axis, each.level) for each in view().effects if (each.adjusted_p_value or 0.0) <= 0.05}
    first = view().effects[0].metric
    (row,) = [line for line in settings(SUITE) if line.startswith("| `chunk`")]
    effect = next(each for each in view().effects if (each.metric, each.axis) == (first, "chunk"))
    cell = row.split(" | ")[2]
    assert f"{effect.effect:+.4f}" in cell
    assert cell.startswith("**") == (("chunk", "768") in bold and (effect.adjusted_p_value or 0.0) <= 0.05)


def test_the_best_and_the_front_are_named() -> None:
    lines = settings(SUITE)
    on_front = [each.variant for each in view().points if each.on_front]
    assert any(line.startswith("- Best under `groundedness`") and "of 48 cannot be told" in line for line in lines)
    (front,) = [line for line in lines if line.startswith("- Front of")]
    assert f"{len(on_front)} of 48" in front
    assert f"`{on_front[0]}`" in front


def test_where_no_interaction_is_sure_one_line_counts_them() -> None:
    unsure = [replace(each, adjusted_p_value=0.5) for each in view().interactions]
    lines = settings(replace(SUITE, factorial=replace(view(), interactions=unsure, interactions_tested=140)))
    told = [line for line in lines if line.startswith("- Interaction")]
    assert told == ["- Interactions: none of 140 is told from chance"]


def test_an_effect_that_cannot_be_told_says_why() -> None:
    lost = [
        replace(each, effect=None, interval=None, p_value=None, adjusted_p_value=None, reason="it is confounded")
        for each in view().effects
    ]
    shown = "\n".join(settings(replace(SUITE, factorial=replace(view(), effects=lost))))
    assert "it is confounded" in shown
    assert "+0." not in shown.split("- Cases")[0]


def test_levels_beyond_the_table_are_counted() -> None:
    def effect(at: int) -> EffectView:
        return replace(view().effects[0], level=f"level-{at}")

    many = replace(view(), effects=[effect(at) for at in range(ROWS + 7)])
    assert "7 further levels are not shown." in settings(replace(SUITE, factorial=many))


def test_a_suite_without_a_matrix_has_no_such_lines() -> None:
    assert settings(replace(SUITE, factorial=None)) == []
    assert "What each setting does" not in page(replace(DOCUMENT, suites=[replace(SUITE, factorial=None)]))


def test_a_page_with_48_variants_and_many_numbers_fits_a_comment() -> None:
    written = page(DOCUMENT)
    assert len(written.encode()) <= LIMIT
    assert "What each setting does" in written
    assert "<summary>Scores of 48 variants</summary>" in written


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_inert(hostile: str) -> None:
    written = "\n".join(settings(hostile_matrix(hostile).suites[0]))
    outside = "".join(written.split("`")[::2])
    for markup in ("<script", "<img", "<svg", "<b>", "\x1b", "\u202e", "\r", "@SUM", "](javascript"):
        assert markup not in outside
