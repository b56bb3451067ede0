"""In what two variants differ, for people."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_genaiops.report.difference import full, plain, summary

TEMPERATURE = ["parameters.temperature", "0", "0.7", False]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (TEMPERATURE, "parameters.temperature 0 → 0.7"),
        (["rag.k", None, "4", False], "rag.k added (4)"),
        (["rag.k", "4", None, False], "rag.k removed (4)"),
        (["model.name", "small", "x" * 99, False], f"model.name small → {'x' * 37}..."),
        (["block user", "a b c", "a x y c", True], "block user changed (+2 −1 words)"),
        (["block user", "a b c", "a b", True], "block user changed (−1 words)"),
        (["block user", "a b", "a\nb", True], "block user changed (white space)"),
        (["block user", None, "a", True], "block user added (1 word)"),
        (["block user", "a b", None, True], "block user removed (2 words)"),
        (["rag.\x1b[31m", "a\nb", "\x1b[0m", False], "rag.\\x1b[31m a b → \\x1b[0m"),
    ],
)
def test_a_change_in_words(change: list[Any], said: str) -> None:
    assert summary([change]) == said


def test_several_on_a_line() -> None:
    assert summary([TEMPERATURE, ["rag.k", None, "4", False]]) == "parameters.temperature 0 → 0.7; rag.k added (4)"
    assert summary([TEMPERATURE] * 8).endswith("; and 2 more")
    assert summary([*[TEMPERATURE] * 8, ["block user", "a", "b", True]]).startswith(
        "block user changed (+1 −1 words); "
    )
    assert summary([]) == ""


def test_for_a_terminal_without_arrows() -> None:
    assert plain(summary([TEMPERATURE, ["block user", "a", "b", True]])).isascii()


def test_in_full_the_words_are_marked() -> None:
    assert full([TEMPERATURE, ["block user", "Be short.", "Be kind.", True], ["block a", "x y", "x  y", True]]) == [
        "parameters.temperature 0 → 0.7",
        "block user changed (+1 −1 words)",
        "    Be [-short.-] {+kind.+}",
        "block a changed (white space)",
    ]
