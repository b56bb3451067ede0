"""Answers without a model: the sentences of the passages that are nearest to the question."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence

from eval_suites.rag.app.corpus import Document
from eval_suites.rag.bm25 import Bm25
from eval_suites.rag.lexical import DECLINED

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r'(?:(?<=[.!?])|(?<=[.!?]["”)]))\s+(?=[A-Z"“(*_])')
_TOKEN = re.compile(r"\w+|[^\w\s]")


class Extractive:
    """Picks sentences. What a word weighs comes from the paragraphs of the corpus, the same for all variants."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._index = Bm25([part for document in documents for part in _PARAGRAPH.split(document.text) if part.strip()])

    def answer(self, question: str, contexts: Sequence[str], *, take: int, floor: float) -> str:
        """``take`` sentences, or that the documents do not answer where they hold too little of the question."""
        if self._index.coverage(question, contexts) < floor:
            return DECLINED
        found = tuple(dict.fromkeys(sentence for context in contexts for sentence in sentences(context)))
        nearness = [self._index.nearness(question, sentence) for sentence in found]
        best = heapq.nsmallest(take, range(len(found)), key=lambda place: (-nearness[place], place))
        return " ".join(found[place] for place in sorted(best)) or DECLINED


def sentences(text: str) -> list[str]:
    """Sentences of a passage, each on one line; a paragraph ends one."""
    paragraphs = (" ".join(part.split()) for part in _PARAGRAPH.split(text))
    return [sentence for paragraph in paragraphs for sentence in _SENTENCE_END.split(paragraph) if sentence]


def tokens(*texts: str) -> int:
    """Words and punctuation marks: what stands for tokens where no model counts its own."""
    return sum(len(_TOKEN.findall(text)) for text in texts)
