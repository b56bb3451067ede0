"""Untrusted text as GitHub-flavoured Markdown shows it: as text, whatever is in it.

Two stages read a comment. The parser (CommonMark with GitHub's extensions) finds markup; escapes and entities keep it
from that. What stands on the page is then searched for @mentions, #123, commits, ``:emoji:`` and $formulas$, after
entities are undone; only code spans and blocks are left alone. So a word that could be one of these becomes code.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from pytest_genaiops.report.text import excerpt, visible

WIDTH = 100
"""Columns of a block's lines; GitHub shows about as many before one has to scroll."""
_FOUND_LATER = re.compile(
    r"""[@$#]|://|www\.|:[\w+-]+:   # mentions, formulas, references, links, emoji
    |\bGH-\d|\b[0-9a-f]{7,64}\b|\b(?:javascript|data|mailto|xmpp):""",
    re.IGNORECASE | re.VERBOSE,
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "`": "&#96;", "\\": "&#92;"}
_SPECIAL = re.compile(r"[&<>|`\\]|[*_\[\]~!]")
_NO_CODE = re.compile(r"([`|]+)")
"""What a code span in a table cannot hold."""
_OPENS_BLOCK = re.compile(r"[-+=:]|\d+[.)](?= |$)")
"""What makes a list, a heading or a table of a line that begins with it."""


def inert(text: str, width: int = 300) -> str:
    """The text for the middle or the beginning of a line or a cell: one line of at most ``width`` characters.

    White space is folded; control and direction characters are written as escapes.
    """
    words = [_code(word) if _FOUND_LATER.search(word) else _escaped(word) for word in excerpt(text, width).split(" ")]
    line = " ".join(words)
    opening = _OPENS_BLOCK.match(line)
    return line if opening is None else f"&#{ord(line[0])};{line[1:]}"


def code(text: str, width: int = 80) -> str:
    """The text as code; for names. An empty text is shown as a dash."""
    shown = excerpt(text, width)
    return _code(shown) if shown else "–"


def _code(shown: str) -> str:
    parts = _NO_CODE.split(shown)
    # A span drops one space at each end if it has both: an id may begin and end with one, but is shown without.
    spans = [f"`{part}`" if part.strip() else part for part in parts[::2]]
    between = ["".join(_ENTITIES[char] for char in part) for part in parts[1::2]]
    return "".join(span + gap for span, gap in zip(spans, [*between, ""], strict=True))


def _escaped(word: str) -> str:
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), word)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> list[str]:
    """Lines of a table; cells are Markdown already. ``right`` has the numbers of columns of figures."""
    numbers = set(right)
    rule = ["---:" if column in numbers else "---" for column in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def folded(title: str, lines: Iterable[str]) -> list[str]:
    """Lines behind a title that is clicked on; the title is ours, never of data."""
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"]


def block(lines: Iterable[str], language: str = "") -> list[str]:
    """Lines as they are, in a block of code whose fence none of them can close."""
    shown = list(lines)
    longest = max((len(run) for line in shown for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *shown, fence]


def wrapped(text: str, mark: str, *, characters: int, lines: int) -> list[str]:
    """The text's own lines behind a mark, long ones broken; what is beyond the bounds is left out and said to be."""
    head = text[:characters]
    found: list[str] = []
    for line in head.replace("\r\n", "\n").split("\n"):
        found += textwrap.wrap(visible(line.expandtabs(4)), WIDTH - len(mark)) or [""]
    shown = [f"{mark}{line}".rstrip() for line in found[:lines]]
    if len(found) > lines or len(text) > characters:
        shown.append(f"{mark}… ({len(text):,} characters in all)")
    return shown
