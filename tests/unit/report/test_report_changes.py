"""Changes between variants, a line each."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.report.changes import Row, changes
from pytest_genaiops.report.text import clipped, columns, visible

SCALE = (0.0, 100.0)


def row(candidate: str, change: float | None = -1.0, **fields: Any) -> Row:
    given_fields: dict[str, Any] = {
        "baseline": "v1",
        "interval": None if change is None else (change - 1, change + 1),
        "p_value": None if change is None else 0.01,
        "adjusted": None if change is None else 0.02,
        "n": 40,
    }
    return Row(candidate=candidate, change=change, **(given_fields | fields))


def test_the_surest_first() -> None:
    found = [row("v2", -1.5, p_value=0.2, adjusted=0.2), row("v3", 12.0, p_value=0.000001, adjusted=0.000002)]
    assert changes(found, SCALE, 80) == [
        "  candidate  baseline  change          interval        p  adjusted",
        "  v3         v1        +12.00  +11.00 to +13.00  <0.0001   <0.0001",
        "  v2         v1         -1.50    -2.50 to -0.50   0.2000    0.2000",
    ]


def test_n_stands_beside_where_it_differs() -> None:
    lines = changes([row("v2"), row("v3", n=38)], SCALE, 80)
    assert [line.split()[-1] for line in lines] == ["n", "40", "38"]


def test_what_was_not_compared_is_a_sentence_at_the_end() -> None:
    found = [row("v3", None, reason="nothing of v3 is scored: \x1b[1m"), row("v2")]
    assert changes(found, SCALE, 80)[1:] == [
        "  v2         v1         -1.00  -2.00 to +0.00  0.0100    0.0200",
        "  v3 against v1: nothing of v3 is scored: \\x1b[1m",
    ]
    assert changes(found[:1], SCALE, 80) == ["  v3 against v1: nothing of v3 is scored: \\x1b[1m"]
    assert changes([], SCALE, 80) == []


def test_long_names_are_cut_unless_they_would_look_alike() -> None:
    long = "translate-with-glossary-and-examples"
    assert "  translate-with...  " in changes([row(long)], SCALE, 80)[1]
    twins = changes([row(f"{long}-1"), row(f"{long}-2")], SCALE, 80)
    assert [line.split()[0] for line in twins[1:]] == [f"{long}-1", f"{long}-2"]


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.integers(80, 140), st.floats(-100, 100))
def test_lines_keep_to_the_width(candidate: str, baseline: str, width: int, change: float) -> None:
    lines = changes([row(candidate, change, baseline=baseline)], SCALE, width)
    alike = clipped(visible(candidate), 9) == clipped(visible(baseline), 9)
    assert alike or max(map(columns, lines)) <= width
