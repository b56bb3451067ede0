"""A Markdown file with YAML on top: where the one ends and the other begins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.dataset.text import encoding_fault
from pytest_genaiops.dataset.yaml_tree import Lines, parse
from pytest_genaiops.errors import VariantError

_FENCE = re.compile(r"(?:-{3,}|\+{3,})[ \t]*")
_BLANK = re.compile(r"[ \t]*(?:#.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The two halves of a file."""

    tree: dict[str, Any]
    lines: Lines = field(repr=False)
    """Path of keys to a value of the tree -> the line of the file on which it starts, from 1."""
    body: str
    """What stands below the front matter, with ``\\n`` between its lines."""
    line: int
    """The line of the file on which the body starts."""


def split(data: bytes, shown: str) -> Document:
    """The front matter and the body of a file.

    A fence is ``---`` (or ``+++``, or more of them) on a line of its own; the closing one stands at
    the line's start, so that ``---`` inside text is text. A file that does not begin with a fence is
    all body. Raises VariantError, one sentence with ``file:line``, where the fence has no end, for
    text that is not UTF-8, and for front matter that is no YAML mapping.
    """
    lines = _lines(data, shown)
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    if first == len(lines) or not _FENCE.fullmatch(lines[first].strip()):
        return Document(tree={}, lines={}, body="\n".join(lines), line=1)
    last = next((n for n in range(first + 1, len(lines)) if _FENCE.fullmatch(lines[n])), None)
    if last is None:
        mend = "write --- on a line of its own between the settings and the prompt"
        raise VariantError(f"{shown}:{first + 1}: the front matter that begins here has no end; {mend}")
    tree, places = _tree(lines[first + 1 : last], first + 1, shown)
    return Document(tree=tree, lines=places, body="\n".join(lines[last + 1 :]), line=last + 2)


def _lines(data: bytes, shown: str) -> list[str]:
    # As YAML has it, a carriage return alone ends a line, too: else all of such a file would be the prompt.
    parts = re.split(rb"\r\n|\n|\r", data.removeprefix(b"\xef\xbb\xbf"))
    for number, part in enumerate(parts, start=1):
        fault = encoding_fault(part)
        if fault:
            raise VariantError(f"{shown}:{number}: {fault}")
    return [part.decode("utf-8") for part in parts]


def _tree(lines: list[str], above: int, shown: str) -> tuple[dict[str, Any], Lines]:
    if all(_BLANK.fullmatch(line) for line in lines):
        return {}, {}
    # Blank lines on top keep the numbers of the lines right.
    text = "\n" * above + "\n".join(lines) + "\n"
    return parse(text.encode("utf-8"), shown, VariantError, keys="name: and model:")
