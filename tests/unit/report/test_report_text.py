"""Untrusted text made fit for a terminal."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops.report.text import clipped, columns, excerpt, number, visible

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ANY = st.text(st.characters(codec=None)) | st.text(st.sampled_from("a\x1b[31m\x00\x07\n\r\x9b\ud800\u2028" + BIDI))


def hidden(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


class TestVisible:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("plain, ümlaut, 猫, 🐈", "plain, ümlaut, 猫, 🐈"),
            ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
            ("user\u202etxt.exe", "user\\u202etxt.exe"),
            ("\u061c\u2066", "\\u061c\\u2066"),
            ("half \ud83d", "half \\ud83d"),
            ("line\u2028end\ufeff", "line\\u2028end\\ufeff"),
            ("tag\U000e0041", "tag\\U000e0041"),
        ],
    )
    def test_what_could_steer_a_terminal_is_written_out(self, text: str, shown: str) -> None:
        assert visible(text) == shown

    @given(ANY)
    def test_leaves_nothing_hidden_and_can_be_encoded(self, text: str) -> None:
        shown = visible(text)
        assert hidden(shown) == []
        assert not set(shown) & set(BIDI)
        shown.encode("utf-8")

    @given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
    def test_leaves_everything_else_as_it_is(self, text: str) -> None:
        assert visible(text) == text


class TestExcerpt:
    @given(ANY, st.integers(4, 120))
    def test_is_one_line_within_its_width(self, text: str, width: int) -> None:
        shown = excerpt(text, width)
        assert len(shown) <= width
        assert hidden(shown) == []

    def test_white_space_is_folded(self) -> None:
        assert excerpt("  one\n\ttwo  three ") == "one two three"

    def test_what_is_cut_ends_in_an_ellipsis(self) -> None:
        assert excerpt("abcdefghij", 8) == "abcde..."
        assert excerpt("abcdefgh", 8) == "abcdefgh"

    def test_a_text_with_much_white_space_at_its_head_says_that_more_follows(self) -> None:
        assert excerpt(" " * 1000 + "the end", 20) == "..."

    def test_only_the_head_of_a_huge_text_is_read(self) -> None:
        assert len(excerpt("word " * 5_000_000)) <= 88


class TestWidths:
    @pytest.mark.parametrize(("text", "width"), [("", 0), ("abc", 3), ("猫", 2), ("ｆ", 2), ("猫a", 3)])
    def test_wide_characters_take_two_columns(self, text: str, width: int) -> None:
        assert columns(text) == width

    @given(st.text(), st.integers(3, 60))
    def test_clipped_fits(self, text: str, width: int) -> None:
        assert columns(clipped(text, width)) <= width

    def test_clipped_leaves_what_fits(self) -> None:
        assert clipped("猫猫", 4) == "猫猫"
        assert clipped("猫猫猫", 5) == "猫..."
        assert clipped("abcdef", 5) == "ab..."


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "scale", "sign", "shown"),
        [
            (31.256, (0.0, 100.0), "", "31.26"),
            (0.70444, (0.0, 1.0), "", "0.7044"),
            (3.5, (0.0, 5.0), "", "3.5000"),
            (1.25, (0.0, math.inf), "", "1.250"),
            (0.00245, (0.0, math.inf), "", "0.00245"),
            (2.4e-6, (0.0, math.inf), "+", "+2.4e-06"),
            (0.0, (0.0, math.inf), "", "0.000"),
            (0.00245, (0.0, 1.0), "", "0.0024"),
            (0.5, (0.0, 1.0), "+", "+0.5000"),
            (-2.0, (0.0, 100.0), "+", "-2.00"),
            (-1e-17, (0.0, 1.0), "+", "+0.0000"),
            (-1e-17, (0.0, 1.0), "", "0.0000"),
            (None, (0.0, 1.0), "", "unscored"),
        ],
    )
    def test_decimals_follow_the_scale(
        self, value: float | None, scale: tuple[float, float], sign: str, shown: str
    ) -> None:
        assert number(value, scale, sign) == shown
