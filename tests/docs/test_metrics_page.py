"""docs/metrics.md tells of every metric, with the scale, direction and needs that its class has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_genaiops.registry import METRICS, metric_class

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| (higher|lower) \| ([^|]*) \|$", re.MULTILINE)
ROWS = {name: rest for name, *rest in ROW.findall(PAGE)}


def test_every_metric_has_a_row() -> None:
    assert sorted(ROWS) == sorted(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_a_row_says_what_the_class_says(name: str) -> None:
    cls = metric_class(name)
    use_case, needs, scale, better, definition = ROWS[name]
    low, high = cls.scale
    shown = f"{low:g}-{high:g}".replace("inf", "∞")
    assert scale.split(",")[0].split(" ")[0] == shown
    assert better == ("higher" if cls.higher_is_better else "lower")
    assert use_case == cls.use_case
    assert all(need in needs for need in cls.needs)
    assert definition


@pytest.mark.parametrize("heading", ["use case", "metric | what it does not tell"])
def test_every_metric_has_a_use_case_and_a_pitfall(heading: str) -> None:
    table = PAGE.partition(f"| {heading}")[2].partition("\n\n")[0]
    assert [name for name in METRICS if f"`{name}`" not in table] == []


def test_agreement_with_people_is_quoted_as_it_was_measured() -> None:
    figures = re.findall(r"0\.\d{3} \([-0-9.]+ to [-0-9.]+\)", PAGE)
    measured = (Path(__file__).parents[2] / "docs" / "metric-quality.md").read_text(encoding="utf-8")
    assert len(figures) >= 15
    assert [figure for figure in figures if figure not in measured] == []
