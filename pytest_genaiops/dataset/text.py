"""Names, paths and bytes as messages show them: on one line, escaped, and never too long."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

_LONGEST = 80


def printable(text: str) -> str:
    """The text without a character that could act on a terminal."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def quoted(value: object) -> str:
    """The value as Python would write it, cut to a length that fits a sentence."""
    if isinstance(value, str):
        text = repr(value[: _LONGEST + 1])
    else:
        try:
            text = printable(repr(value))
        except (RecursionError, ValueError):  # nested too deeply; a whole number of thousands of digits
            text = f"a {type(value).__name__} that is too large to show"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def listed(names: Iterable[str]) -> str:
    """Names for the end of a sentence: quoted, at most ten of them."""
    shown = [quoted(name) for name in names]
    rest = len(shown) - 10
    return ", ".join(shown[:10]) + (f" and {rest} more" if rest > 0 else "")


def near(name: str, names: Iterable[str]) -> str:
    """A clause that suggests the closest of the names, or nothing."""
    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {quoted(by_lower[close[0]])}?)" if close else ""


def place(path: Path, root: Path | None) -> str:
    """The path as messages and records show it: relative to the root where it lies under it."""
    if root is not None and path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    return printable(path.as_posix())


def encoding_fault(data: bytes) -> str | None:
    """What keeps these bytes from being UTF-8 text, with the mend; None where nothing does."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data.count(0) * 3 > len(data):
        return "the file is UTF-16 or UTF-32, not UTF-8; save it as UTF-8"
    if b"\0" in data:
        return f"there is a NUL byte at byte {data.index(0) + 1} of the line; save the file as UTF-8 text"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"byte 0x{data[error.start]:02x} at byte {error.start + 1} of the line"
        return f"{byte} is not UTF-8, as in Latin-1 or Windows-1252 text; save the file as UTF-8"
    return None
