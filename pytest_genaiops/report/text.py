"""Untrusted text made fit for a terminal: one line, bounded, no control characters."""

from __future__ import annotations

import math
import unicodedata

# Escape codes and NUL, the marks that turn the direction of a line round, halves of characters, line ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with every control, direction and surrogate character written as an escape."""
    if text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def excerpt(text: str, width: int = 88) -> str:
    """One line of at most ``width`` characters, white space folded, cut with an ellipsis."""
    # Only the head is looked at: an answer may be megabytes long.
    line = visible(" ".join(text[: 4 * width].split()))
    return line if len(line) <= width and len(text) <= 4 * width else line[: width - 3].rstrip() + "..."


def columns(text: str) -> int:
    """How many terminal columns the text takes: East Asian wide characters take two, combining marks none."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def clipped(text: str, width: int) -> str:
    """The text cut to at most ``width`` terminal columns (3 or more), with an ellipsis where something is missing."""
    if columns(text) <= width:
        return text
    text = text[: max(0, width - 3)]
    while columns(text) > width - 3:
        text = text[:-1]
    return f"{text.rstrip()}..."


def number(value: float | None, scale: tuple[float, float], sign: str = "") -> str:
    """A score for people: two decimals on a scale of 100, four on a scale of 1, three without an end (seconds).

    Without an end, small numbers have three digits instead: an answer may cost two millionths. What rounds to nothing
    has no minus.
    """
    return "unscored" if value is None else f"{value:{sign}z.{_digits(value, scale)}}"


def bound(value: float, scale: tuple[float, float]) -> str:
    """A bound of an interval for people: one decimal less than the score itself has."""
    return "unbounded" if math.isinf(value) else f"{value:z.{_digits(value, scale, 1)}}"


def _digits(value: float, scale: tuple[float, float], less: int = 0) -> str:
    """Precision and presentation type of a format."""
    width = scale[1] - scale[0]
    if math.isinf(width) and 0 < abs(value) < 0.01:
        return f"{3 - less}g"
    return f"{(3 if math.isinf(width) else 2 if width > 10 else 4) - less}f"
