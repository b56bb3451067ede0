"""The one place where the command writes."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def write(lines: Iterable[str]) -> None:
    """Write lines to standard output; what its encoding cannot show is written as an escape.

    Texts from data are to be made fit for a terminal before: see ``report/text.py``.
    """
    for line in lines:
        _to(sys.stdout, line)


def complain(sentence: str) -> None:
    """Write what went wrong to standard error."""
    _to(sys.stderr, f"genaiops: {sentence}")


def _to(stream: object, line: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    fit = line.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(f"{fit}\n")  # type: ignore[attr-defined]
