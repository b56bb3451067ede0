"""Prompts as people read them: every message or block under its name, line by line."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_genaiops.report.text import visible


def texts(parts: Sequence[tuple[str, str]], *, indent: int = 2) -> list[str]:
    """Named texts: the name, and below it the text's own lines, two columns further in."""
    lines = []
    for name, text in parts:
        lines.append(f"{' ' * indent}{visible(name)}")
        lines += [f"{' ' * (indent + 2)}{visible(line)}".rstrip() for line in text.split("\n")]
    return lines
