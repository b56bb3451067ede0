"""The language reference as it ships with CPython: plain prose, split into sentences.

Source: ``pydoc_data.topics``, the texts behind ``help("for")``. They differ a little between
Python versions, so programs read them from the interpreter at hand instead of a copy.
"""

from __future__ import annotations

import re
from functools import cache
from pydoc_data.topics import topics

_SENTENCE_END = re.compile(r'(?:(?<=[.!?])|(?<=[.!?]["”)]))\s+(?=[A-Z"“(*_])')
_WORD = re.compile(r"[a-z_][a-z_0-9]*|\d+(?:\.\d+)?")
_NOT_PROSE = ("::=", ">>>", "****", "====", "----", "Changed in version", "New in version", "**PEP ", "|")


def names() -> tuple[str, ...]:
    """Names of all sections, sorted."""
    return tuple(sorted(topics))


@cache
def sentences(name: str) -> tuple[str, ...]:
    """Sentences of one section without headings, grammar, tables, sessions and version notes.

    Raises KeyError where the reference has no section of that name.
    """
    found: list[str] = []
    for paragraph in topics[name].split("\n\n"):
        text = " ".join(paragraph.split())
        if text and not any(mark in text for mark in _NOT_PROSE):
            found.extend(_SENTENCE_END.split(text))
    return tuple(found)


def document(name: str) -> str:
    """The prose of one section as one text."""
    return " ".join(sentences(name))


def words(text: str) -> list[str]:
    """Lower-case words and numbers with a plural ``s`` cut off: enough to match a question to a sentence."""
    return [
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in _WORD.findall(text.lower())
    ]
