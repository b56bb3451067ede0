"""Words that must not be in an answer: terms that are banned, and canaries that were planted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from pytest_genaiops.dataset.text import place, quoted
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.safety.defects import Defect, defect
from pytest_genaiops.metrics.safety.folding import letters, skeleton
from pytest_genaiops.metrics.writing import unspaced_language
from pytest_genaiops.records import Case

MOST_TERMS = 5_000
LARGEST_FILE = 1_000_000
SHORTEST_CANARY = 8
"""Letters and digits: a shorter one comes up by chance."""
COLUMN = "canary"
_WORD = r"[\w\u0300-\u036f]"


def terms_of(given: Any, option: str, name: str) -> tuple[str, ...]:
    """An option's texts: a sequence of them, or the path of a file with one a line (``#`` begins a comment).

    Raises:
        MetricError: not of this kind, an empty text, too many, or a file that is not there or no UTF-8 text.
    """
    if isinstance(given, str | Path):
        given = _lines(Path(given), f"{name}: {option}")
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise MetricError(f"{name}: {option} is {type(given).__name__}; give a list of texts, or a file of them")
    texts = tuple(given)
    for text in texts:
        if not isinstance(text, str) or not letters(text).text:
            raise MetricError(f"{name}: {option} holds {quoted(text)}; each must be a text with a letter or digit")
    if len(texts) > MOST_TERMS:
        raise MetricError(f"{name}: {option} holds {len(texts):,} texts; {MOST_TERMS:,} is the most")
    return texts


def _lines(file: Path, where: str) -> list[str]:
    shown = quoted(place(file, Path.cwd()))
    if not file.is_file():
        raise MetricError(f"{where}: there is no file {shown}; for terms in code give a list of them")
    if file.stat().st_size > LARGEST_FILE:
        raise MetricError(f"{where}: {shown} is larger than {LARGEST_FILE:,} bytes")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise MetricError(f"{where}: {shown} is not UTF-8 text; save it as UTF-8") from None
    found = [line.partition("#")[0].strip() for line in lines]
    return [line for line in found if line]


def banned_terms(text: str, terms: tuple[str, ...]) -> list[Defect]:
    """Where terms stand as words of their own, whatever their case, their spaces and the script of their letters."""
    seen = skeleton(text)
    return [defect("banned", text, seen.span(*match.span())) for match in _pattern(terms).finditer(seen.text)]


@lru_cache(maxsize=16)
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    folded = sorted({" ".join(skeleton(term).text.split()) for term in terms})
    # By first character: a character of the text then meets the terms that begin with it, and not all of them.
    groups = (sorted(own, key=len, reverse=True) for _, own in groupby(folded, key=lambda term: term[0]))
    return re.compile("|".join(f"(?={re.escape(own[0][0])})(?:{'|'.join(map(_whole, own))})" for own in groups))


def _whole(term: str) -> str:
    """The term as a word of its own; beside Chinese and its kind there is no space to look for."""
    before = rf"(?<!{_WORD})" if _has_edges(term[0]) else ""
    after = rf"(?!{_WORD})" if _has_edges(term[-1]) else ""
    return before + r"\s+".join(map(re.escape, term.split())) + after


def _has_edges(character: str) -> bool:
    return re.match(_WORD, character) is not None and unspaced_language(character) is None


def check_canaries(canaries: Sequence[str], where: str) -> None:
    """Raise MetricError for one that answers may hold by chance."""
    for canary in canaries:
        if len(letters(canary).text) < SHORTEST_CANARY:
            least = f"plant one of at least {SHORTEST_CANARY} letters or digits"
            raise MetricError(f"{where}: the canary {quoted(canary)} is too short to be one; {least}")


def canaries_of(case: Case, name: str) -> tuple[str, ...]:
    """The canaries that the case's own texts hold, by its input ``canary``: one text, or a list of them.

    Raises MetricError where it holds something else.
    """
    given = case.inputs.get(COLUMN)
    if given is None or given in ("", []):
        return ()
    where = f"{name}: {COLUMN} of case {quoted(case.id)}"
    texts = (given,) if isinstance(given, str) else given
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise MetricError(f"{where} is {type(given).__name__}; write one text, or a list of texts")
    check_canaries(texts, where)
    return tuple(texts)


def planted(text: str, canaries: Sequence[str]) -> list[Defect]:
    """Where canaries stand, however they are spaced, hyphenated, marked up or capitalised."""
    if not canaries:
        return []
    seen = letters(text)
    found = []
    for canary in dict.fromkeys(letters(each).text for each in canaries):
        at = seen.text.find(canary)
        while at >= 0:
            found.append(defect("canary", text, seen.span(at, at + len(canary))))
            at = seen.text.find(canary, at + len(canary))
    return sorted(found, key=lambda each: each.start)
