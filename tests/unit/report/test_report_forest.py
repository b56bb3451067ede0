"""A ranking as bars, within the width of the terminal."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_genaiops.report.forest import Forest, Stand, forest
from pytest_genaiops.report.text import columns


def stand(name: str, value: float, half: float = 1.0, **changes: Any) -> Stand:
    fields: dict[str, Any] = {"interval": (value - half, value + half), "ranks": (1, 1), "letters": "a", "n": 20}
    return Stand(name=name, value=value, **(fields | changes))


def view(*rows: Stand, **changes: Any) -> Forest:
    fields: dict[str, Any] = {
        "metric": "bleu",
        "scale": (0.0, 100.0),
        "higher_is_better": True,
        "confidence": 0.95,
        "adjust": "holm",
        "comparisons": 3,
        "rows": rows,
    }
    return Forest(**(fields | changes))


THREE = (
    stand("v2", 34.0, ranks=(1, 2), letters="a"),
    stand("v10", 33.0, ranks=(1, 3), letters="ab"),
    stand("v1", 30.0, ranks=(3, 3), letters="b"),
)


class TestLines:
    def test_rank_value_interval_bar_and_letters(self) -> None:
        """70 columns leave 31 for bars from 29 to 35: five to a point."""
        assert forest(view(*THREE), 70) == [
            "bleu ↑",
            "  n = 20, 95 % intervals; variants without a common letter differ",
            "  (Holm over 3 comparisons)",
            "  1-2  v2   34.00  33.00 to 35.00                      ├────●────┤  a",
            "  1-3  v10  33.00  32.00 to 34.00                 ├────●────┤       ab",
            "    3  v1   30.00  29.00 to 31.00  ├────●────┤                       b",
            "                                   29.00                     35.00",
        ]

    def test_a_terminal_that_knows_ascii_only(self) -> None:
        lines = forest(view(*THREE, higher_is_better=False), 70, ascii_only=True)
        assert lines[0] == "bleu (lower is better)"
        assert lines[-2].split() == ["3", "v1", "30.00", "29.00", "to", "31.00", "|----o----|", "b"]
        assert all(line.isascii() for line in lines)

    def test_each_letter_has_its_column(self) -> None:
        shown = [line.rstrip() for line in forest(view(*THREE), 80)[3:6]]
        ends = [line[-2:] for line in (line.ljust(max(map(len, shown))) for line in shown)]
        assert ends == ["a ", "ab", " b"]

    def test_a_slice_and_another_adjustment_are_named(self) -> None:
        lines = forest(view(*THREE, slice="topic=law", adjust="bh", confidence=0.9), 120)
        assert lines[0] == "bleu, topic=law ↑"
        assert lines[1].startswith("  n = 20, 90 % intervals; ")
        assert lines[1].endswith(" (Benjamini-Hochberg over 3 comparisons)")

    def test_what_is_unscored_or_not_ranked_is_said_below(self) -> None:
        lines = forest(
            view(stand("v1", 30.0, n=18, unscored=2), unranked={"v2": "nothing of v2 is scored: \x1b[1m"}), 80
        )
        assert lines[-2:] == ["  v1: 2 unscored", "  v2 is not ranked: nothing of v2 is scored: \\x1b[1m"]

    def test_nobody_to_rank_is_no_crash(self) -> None:
        assert forest(view(unranked={"v1": "undefined"}), 80) == ["bleu ↑", "  v1 is not ranked: undefined"]

    def test_bounds_at_infinity_end_in_an_arrow(self) -> None:
        (line,) = (
            line
            for line in forest(
                view(stand("v1", 2.0, interval=(0.0, math.inf)), stand("v2", 1.0, interval=(0.5, 3.0)),
                     scale=(0.0, math.inf)), 80,
            )
            if "v1" in line
        )  # fmt: skip
        assert "►" in line
        assert "inf" in line

    def test_equal_values_without_any_width_stand_in_the_middle(self) -> None:
        lines = forest(view(stand("v1", 30.0, half=0.0), stand("v2", 30.0, half=0.0)), 80)
        assert lines[-1].count("●") == lines[-2].count("●") == 1

    def test_many_letters_stand_one_after_the_other(self) -> None:
        rows = [stand(f"v{i}", 30.0 - i, letters=chr(97 + i % 26) + ("2" if i > 25 else "")) for i in range(28)]
        assert forest(view(*rows), 80)[-2].endswith("  b2")


class TestWidth:
    def test_numbers_go_before_the_bar_and_the_bar_before_the_name(self) -> None:
        assert " to " in forest(view(*THREE), 50)[4]
        assert " to " not in forest(view(*THREE), 38)[5]
        assert "●" in forest(view(*THREE), 38)[5]
        assert "●" not in "".join(forest(view(*THREE), 30))
        assert "v2" in "".join(forest(view(*THREE), 30))

    @settings(max_examples=200, deadline=None)
    @given(st.data(), st.integers(30, 140), st.booleans())
    def test_nothing_is_wider_than_the_terminal(self, data: st.DataObject, width: int, ascii_only: bool) -> None:
        names = st.text(st.characters(codec=None), max_size=40)
        rows = []
        for name in data.draw(st.lists(names, max_size=6)):
            low, value, high = sorted(data.draw(st.tuples(*[st.floats(-1e6, 1e6)] * 3)))
            ends = data.draw(st.sampled_from([(low, high), (low, math.inf), (-math.inf, high)]))
            letters = data.draw(st.sampled_from(["a", "ab", "abcdefghijklmnopqrstuvwxyz", "a2b2"]))
            first, last = sorted(data.draw(st.tuples(st.integers(1, 999), st.integers(1, 999))))
            rows.append(stand(name, value, interval=ends, ranks=(first, last), letters=letters, unscored=1))
        scale = data.draw(st.sampled_from([(0.0, 1.0), (0.0, 100.0), (0.0, math.inf)]))
        shown = view(*rows, scale=scale, metric=data.draw(names), slice=data.draw(names),
                     unranked={data.draw(names): data.draw(names)})  # fmt: skip
        for line in forest(shown, width, ascii_only=ascii_only):
            assert columns(line) <= width
            assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]

    @given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(0, 1e3), st.integers(70, 120))
    def test_a_bar_holds_its_value(self, value: float, below: float, above: float, width: int) -> None:
        row = stand("v1", value, interval=(value - below, value + above))
        other = stand("v2", 0.0, half=1e3)
        line = next(line for line in forest(view(row, other), width) if "v1" in line)
        bar = line.rstrip(" a").partition(" to ")[2]
        assert bar.count("●") == 1
        assert bar.index("●") >= max(bar.find("├"), 0)
        assert "┤" not in bar or bar.index("●") < bar.index("┤")


@pytest.mark.parametrize("confidence", [0.95, 0.999])
def test_the_level_is_said_as_it_is(confidence: float) -> None:
    assert f"{100 * confidence:g} % intervals" in forest(view(*THREE, confidence=confidence), 80)[1]
