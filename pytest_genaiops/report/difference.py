"""In what two variants differ, in a line or in full; a change is ``[path, before, after, prose]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_genaiops.report.listing import paragraph
from pytest_genaiops.report.text import excerpt, visible
from pytest_genaiops.report.words import counts, marked

MOST = 6
"""Changes that one line names."""
_WIDTH = 40
"""Characters of a value that a line shows."""


def summary(changes: Sequence[Sequence[Any]]) -> str:
    """``parameters.temperature 0 → 0.7; block instructions changed (+12 −3 words)``; of over six, texts first."""
    rest = len(changes) - MOST
    # A changed prompt must not hide behind settings that merely have another form.
    ordered = sorted(changes, key=lambda change: not change[3]) if rest > 0 else changes
    shown = [_phrase(*change) for change in ordered[:MOST]]
    return "; ".join(shown + ([f"and {rest} more"] if rest > 0 else []))


def plain(text: str) -> str:
    """The summary for a terminal that knows ASCII only."""
    return text.replace("→", "->").replace("−", "-")


def full(changes: Sequence[Sequence[Any]]) -> list[str]:
    """Every change on lines of its own; texts with their changed words marked."""
    lines: list[str] = []
    for path, before, after, prose in changes:
        lines.append(_phrase(path, before, after, prose))
        if prose and marked(before or "", after or ""):
            lines += paragraph(marked(before or "", after or ""), indent=4)
    return lines


def _phrase(path: str, before: str | None, after: str | None, prose: bool) -> str:
    name = visible(path)
    if prose:
        added, removed = counts(before or "", after or "")
        if before is None or after is None:
            return f"{name} {'added' if before is None else 'removed'} ({_words(added or removed)})"
        words = f"{f'+{added}' if added else ''} {f'−{removed}' if removed else ''}".strip()
        return f"{name} changed ({f'{words} words' if words else 'white space'})"
    if before is None or after is None:
        return f"{name} {'added' if before is None else 'removed'} ({excerpt(after or before or '', _WIDTH)})"
    return f"{name} {excerpt(before, _WIDTH)} → {excerpt(after, _WIDTH)}"


def _words(count: int) -> str:
    return f"{count} word{'' if count == 1 else 's'}"
