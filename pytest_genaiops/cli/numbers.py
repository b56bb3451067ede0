"""Numbers that several sub-commands take."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import isfinite


def days(text: str) -> float:
    """A span of time in days, from 0. Raises ArgumentTypeError for any other text."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not isfinite(found) or found < 0:
        raise ArgumentTypeError(f"{text!r} is no number of days; give one from 0, such as 30 or 0.5")
    return found
