"""Plain tables and paragraphs of the command, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pytest_genaiops.report.text import columns

WIDTH = 80


def table(rows: Sequence[Sequence[str]], *, head: Sequence[str] = (), indent: int = 0) -> list[str]:
    """Rows as lines with aligned columns, two spaces apart; the last column is wrapped.

    Every row has as many cells as the first. Widths are those of a terminal: a Chinese character takes two columns.
    """
    every = [*([head] if head else []), *rows]
    if not every:
        return []
    widths = [max(columns(cell) for cell in column) for column in zip(*every, strict=True)][:-1]
    lines = []
    for *cells, last in every:
        padded = [cell + " " * (width - columns(cell)) for cell, width in zip(cells, widths, strict=True)]
        start = " " * indent + "".join(f"{cell}  " for cell in padded)
        room = max(20, WIDTH - columns(start))
        first, *rest = textwrap.wrap(last, room, break_long_words=False, break_on_hyphens=False) or [""]
        lines += [f"{start}{first}".rstrip(), *(f"{' ' * columns(start)}{line}" for line in rest)]
    return lines


def paragraph(text: str, *, indent: int = 0) -> list[str]:
    """The text as lines of at most 80 columns; white space is folded."""
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
