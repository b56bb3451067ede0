"""Untrusted text made fit for a terminal: one line, bounded, no control characters."""

from __future__ import annotations

import math
import re
import unicodedata

# Cc and Cf hold escape codes, NUL, and the marks that turn the direction of a line round.
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with every control, direction and surrogate character written as an escape."""
    return _HIDDEN.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def excerpt(text: str, width: int = 88) -> str:
    """One line of at most ``width`` characters, white space folded, cut with an ellipsis."""
    # Only the head is looked at: an answer may be megabytes long.
    line = visible(" ".join(text[: 4 * width].split()))
    return line if len(line) <= width and len(text) <= 4 * width else line[: width - 3].rstrip() + "..."


def columns(text: str) -> int:
    """How many terminal columns the text takes: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def number(value: float | None, scale: tuple[float, float], sign: str = "") -> str:
    """A score for people: two decimals on a scale of 100, four on a scale of 1, three without an end (seconds)."""
    if value is None:
        return "unscored"
    width = scale[1] - scale[0]
    decimals = 3 if math.isinf(width) else 2 if width > 10 else 4
    return f"{value:{sign}.{decimals}f}"
