"""The documents that the application answers from: the language reference and the standard library's docstrings.

Both ship with CPython. They differ a little between Python versions, so they are read from the interpreter at hand, and
labels name their places by quotes (:func:`span`) instead of numbers.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pydoc_data.topics import topics
from types import ModuleType
from typing import Any

MODULES = [
    "abc", "argparse", "asyncio.tasks", "base64", "bisect", "collections",
    "concurrent.futures", "configparser", "contextlib", "copy", "csv", "dataclasses",
    "datetime", "decimal", "difflib", "doctest", "enum", "fnmatch",
    "fractions", "functools", "glob", "hashlib", "heapq", "hmac",
    "html", "http.client", "itertools", "json", "logging", "math",
    "operator", "os.path", "pathlib", "pickle", "pprint", "queue",
    "random", "re", "secrets", "shutil", "sqlite3", "statistics",
    "string", "struct", "subprocess", "tempfile", "textwrap", "threading",
    "timeit", "types", "typing", "unittest", "urllib.parse", "uuid",
    "weakref", "zipfile",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text of the corpus."""

    source: str
    """``topics/<section>`` of the language reference, or ``modules/<name>`` of the library."""
    title: str
    text: str


@cache
def documents() -> tuple[Document, ...]:
    """The whole corpus, by source; about 130 documents and 0.9 million characters.

    Raises RuntimeError where Python runs without docstrings (``-OO``): half of the corpus would be missing.
    """
    if sys.flags.optimize > 1:
        raise RuntimeError("Python was started with -OO, which takes the docstrings away; start it without")
    found = [Document(source=f"topics/{name}", title=name, text=text) for name, text in topics.items()]
    found += [Document(source=f"modules/{name}", title=name, text=_docstrings(name)) for name in MODULES]
    return tuple(sorted(found, key=lambda document: document.source))


def span(source: str, quote: str) -> tuple[int, int] | None:
    """Where a quote stands in a document, as character offsets, the end not included; None unless it stands there once.

    White space in the quote matches any in the document. Raises KeyError where there is no such document.
    """
    text = _texts()[source]
    places = list(_matches(text, quote))
    return places[0] if len(places) == 1 else None


@cache
def _texts() -> dict[str, str]:
    return {document.source: document.text for document in documents()}


def _matches(text: str, quote: str) -> Iterator[tuple[int, int]]:
    pattern = r"\s+".join(map(re.escape, quote.split()))
    for match in re.finditer(pattern, text):
        yield match.span()


def _docstrings(name: str) -> str:
    """The docstrings of a module, and of what is public in it, each under its name."""
    module = import_module(name)
    parts = [(name, inspect.getdoc(module)), *_members(module)]
    return "\n\n".join(f"{title}\n{text}" for title, text in parts if text)


def _members(module: ModuleType) -> Iterator[tuple[str, str | None]]:
    public = getattr(module, "__all__", None) or sorted(key for key in vars(module) if not key.startswith("_"))
    for name in public:
        member = getattr(module, name, None)
        if inspect.isclass(member):
            yield name, _own(member)
            for key, value in vars(member).items():
                if not key.startswith("_") and inspect.isroutine(value):
                    yield f"{name}.{key}", _own(value)
        elif inspect.isroutine(member):
            yield name, _own(member)


def _own(member: Any) -> str | None:
    return inspect.cleandoc(text) if isinstance(text := getattr(member, "__doc__", None), str) else None
