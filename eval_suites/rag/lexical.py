"""A small question answering program: BM25 finds passages, and the sentences nearest to the question answer it.

It stands for a user's own application. What a variant may change is in :class:`Settings`.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from eval_suites.rag.bm25 import Bm25
from eval_suites.reference_text import names, sentences

DECLINED = "The documents do not answer this question."
Passage: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The keys that a variant may set under ``rag``."""

    k: int = 3
    """Passages to retrieve."""
    chunk: int = 4
    """Sentences in a passage."""
    take: int = 1
    """Sentences in an answer."""
    pick: str = "nearest"
    """``nearest`` answers with the sentences nearest to the question, ``first`` with those that stand first."""
    floor: float = 0.5
    """Share of the question's information (0-1) that the passages must hold; below it the program declines."""
    opening: str = ""
    """Words to put before every answer."""


def answer(case: Any, variant: Any) -> dict[str, Any]:
    """The target of the suite: an answer to ``case.inputs["question"]`` and the passages behind it."""
    return reply(case.inputs["question"], Settings(**variant.rag))


def reply(question: str, settings: Settings) -> dict[str, Any]:
    """Answer one question: ``text``, ``contexts`` with the best passage first, and ``retrieved``, their sections."""
    sections, passages, index = _library(settings.chunk)
    best = _best(index.scores(question), settings.k)
    found = [passages[i] for i in best]
    contexts = tuple(" ".join(passage) for passage in found)
    retrieved = [sections[i] for i in best]
    if index.coverage(question, contexts) < settings.floor:
        return {"text": DECLINED, "contexts": contexts, "retrieved": retrieved}
    candidates = tuple(dict.fromkeys(sentence for passage in found for sentence in passage))
    nearness = [index.nearness(question, sentence) for sentence in candidates]
    places = range(settings.take) if settings.pick == "first" else sorted(_best(nearness, settings.take))
    chosen = [candidates[place] for place in places]
    return {"text": " ".join(filter(None, (settings.opening, *chosen))), "contexts": contexts, "retrieved": retrieved}


@cache
def _library(chunk: int) -> tuple[tuple[str, ...], tuple[Passage, ...], Bm25]:
    """Passages of ``chunk`` sentences, the sections they stand in, and their index; neighbours share half of theirs."""
    step = max(1, chunk // 2)
    placed = [
        (name, section[start : start + chunk])
        for name, section in ((name, sentences(name)) for name in names())
        for start in range(0, max(1, len(section) - chunk + step), step)
        if section
    ]
    sections, passages = zip(*placed, strict=True)
    return sections, passages, Bm25([" ".join(passage) for passage in passages])


def _best(scores: Sequence[float], n: int) -> list[int]:
    """Positions of the ``n`` highest scores, best first; the earlier of equals."""
    return heapq.nsmallest(n, range(len(scores)), key=lambda i: (-scores[i], i))
