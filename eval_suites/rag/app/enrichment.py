"""What is indexed of a chunk, which need not be what is shown of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from eval_suites.rag.app.chunks import Chunk
from eval_suites.reference_text import words

KEYWORDS = 5


def indexed(chunks: Sequence[Chunk], enrichment: str) -> list[str]:
    """The text of each chunk that is embedded and indexed.

    ``keywords`` are the words of a chunk's document that are most its own, by TF-IDF over the documents: what
    a chunk speaks of without saying so.
    """
    if enrichment == "none":
        return [chunk.text for chunk in chunks]
    if enrichment == "title":
        return [f"{chunk.title}\n{chunk.text}" for chunk in chunks]
    keywords = _keywords(chunks)
    return [f"{chunk.title} {keywords[chunk.source]}\n{chunk.text}" for chunk in chunks]


def _keywords(chunks: Sequence[Chunk]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = {}
    for chunk in chunks:
        counts.setdefault(chunk.source, Counter()).update(words(chunk.text))
    found = Counter(word for count in counts.values() for word in count)

    def weight(count: Counter[str], word: str) -> float:
        return count[word] * math.log(len(counts) / found[word])

    return {
        source: " ".join(sorted(count, key=lambda word: (-weight(count, word), word))[:KEYWORDS])
        for source, count in counts.items()
    }
