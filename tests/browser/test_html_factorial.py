"""The part of the report that tells what settings do, and a page of 48 variants, as a person uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_genaiops.report.html.labels import Box, overlap
from tests.browser.conftest import written
from tests.documents import HOSTILE
from tests.factorials import close_front, hostile_matrix, matrix_example

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Opened = Callable[..., Page]

SETTINGS = "#test_answers-settings"


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(matrix_example(cases=30), tmp_path_factory.mktemp("matrix") / "report.html")


@pytest.fixture(scope="session")
def close(tmp_path_factory: pytest.TempPathFactory) -> str:
    """12 variants on the front whose values are nearly equal."""
    document = matrix_example(cases=4)
    (suite,) = document.suites
    shown = replace(document, suites=[replace(suite, factorial=close_front(suite))])
    return written(shown, tmp_path_factory.mktemp("close") / "report.html")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Enough variants that metrics are folded away, and few enough that every element can be looked at."""
    document = matrix_example(cases=4, axes={"chunk": ("256", "512", "768", "1024"), "k": ("3", "5", "8", "12")})
    return written(document, tmp_path_factory.mktemp("small") / "report.html")


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def test_settings_are_told_with_plots_and_tables(opened: Opened, matrix: str, screenshots: Path) -> None:
    page = opened(SETTINGS, at=matrix)
    effects = page.get_by_role("table", name="Effects of settings on groundedness")
    assert effects.locator("tbody tr").count() == 7
    assert effects.locator("svg.forest").count() == 7
    assert page.get_by_role("heading", name="Best under groundedness").is_visible()
    assert (page.locator("svg.scatter").get_attribute("aria-label") or "").startswith("48 variants: groundedness from")
    page.screenshot(path=screenshots / "settings.png")


@pytest.mark.parametrize("name", ["Effects of settings on groundedness", "Change of every metric", "Score of every"])
def test_cells_stand_under_their_heads(opened: Opened, matrix: str, name: str) -> None:
    shown = opened(SETTINGS, at=matrix).get_by_role("table", name=name).first
    ends = "cells => cells.map(each => each.getBoundingClientRect().right)"
    heads = shown.locator("thead th").evaluate_all(ends)
    cells = shown.locator("tbody tr").first.locator("th, td").evaluate_all(ends)
    assert heads == pytest.approx(cells, abs=0.5)


def test_points_on_the_front_have_a_shape_and_a_number(opened: Opened, matrix: str) -> None:
    page = opened(SETTINGS, at=matrix)
    plot = page.locator("svg.scatter").first
    rows = page.get_by_role("table", name="Variants on the front").locator("tbody tr")
    assert plot.locator("path.on-front").count() == rows.count() == plot.locator("text").count()
    assert plot.locator("circle.dot").count() == 48 - rows.count()
    assert rows.first.inner_text().startswith("1. ")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_numbers_of_close_points_cover_nothing(
    opened: Opened, close: str, screenshots: Path, width: int, scheme: str
) -> None:
    page = opened(SETTINGS, at=close, viewport={"width": width, "height": 800}, color_scheme=scheme)
    plot = page.locator("svg.scatter").first
    boxes = "nodes => nodes.map(each => { const box = each.getBoundingClientRect();"
    boxes += " return [box.left, box.top, box.right, box.bottom] })"
    drawn: list[Box] = [tuple(each) for each in plot.locator("text").evaluate_all(boxes)]
    dots: list[Box] = [tuple(each) for each in plot.locator(".dot").evaluate_all(boxes)]
    assert (len(drawn), len(dots)) == (12, 48)
    # A line of text is higher than the digits in it, which have nothing below their foot.
    numbers = [
        (left, top + (bottom - top) * 0.2, right, bottom - (bottom - top) * 0.2) for left, top, right, bottom in drawn
    ]
    assert not [pair for pair in combinations(numbers, 2) if overlap(*pair)]
    assert not [(number, dot) for number in numbers for dot in dots if overlap(number, dot)]
    plot.screenshot(path=screenshots / f"front-{width}-{scheme}.png")


@pytest.mark.parametrize("width", [360, 800])
def test_a_narrow_window_needs_no_sideways_scrolling(
    opened: Opened, matrix: str, screenshots: Path, width: int
) -> None:
    page = opened(SETTINGS, at=matrix, viewport={"width": width, "height": 800})
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=screenshots / f"settings-{width}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Opened, small: str, scheme: str) -> None:
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe is not installed: python -m pip install axe-playwright-python")
    page = opened(SETTINGS, at=small, color_scheme=scheme)
    # The parts below are those of any report, which other tests look at unfolded.
    page.evaluate(
        "document.querySelectorAll('.effects').forEach(each => { each.closest('details')?.setAttribute('open', '') })"
    )
    page.evaluate((Path(found.origin).parent / "axe.min.js").read_text("utf-8"))
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (each["id"], each["help"], [node["html"][:200] for node in each["nodes"]][:3])
        for each in report["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_long_names_leave_room_for_numbers_in_tables_and_cases(opened: Opened, matrix: str) -> None:
    page = opened(at=matrix)
    place = page.locator("#test_answers .cases")
    assert place.locator("table").evaluate("node => node.scrollWidth <= node.parentElement.clientWidth")
    place.locator("tbody a").first.click()
    page.wait_for_selector("dialog[open] .answer")
    asked = page.locator("dialog .asked")
    assert asked.evaluate("node => node.clientWidth") > 250
    assert page.locator("dialog").evaluate("node => node.scrollWidth <= node.clientWidth")


def test_passages_that_many_variants_found_are_shown_with_each(opened: Opened, matrix: str) -> None:
    case = matrix_example(cases=30).suites[0].cases[0]
    page = opened(f"#test_answers/{case.id}", at=matrix)
    page.wait_for_selector("dialog[open] .answer")
    shown = page.locator("dialog .contexts li").all_inner_texts()
    assert shown == list(case.contexts or ())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_of_settings_are_shown_and_never_run(opened: Opened, tmp_path: Path, text: str) -> None:
    page = opened(at=written(hostile_matrix(text), tmp_path / "hostile.html"))
    unfold(page)
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".cases tbody a").first.click()
    page.wait_for_selector("dialog[open] .answer")
    assert page.evaluate("typeof window.hacked") == "undefined"
