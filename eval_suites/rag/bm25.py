"""Ranking texts by a query: BM25 as in Robertson and Zaragoza (2009), with k1 = 1.2 and b = 0.75."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from eval_suites.reference_text import words

K1, B = 1.2, 0.75


class Bm25:
    """An index over texts; a word's weight is the logarithm of its rarity, never negative."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(words(text)) for text in texts]
        self._mean = sum(count.total() for count in self._counts) / len(texts)
        found = Counter(word for count in self._counts for word in count)
        self._weights = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in found.items()}
        self._unseen = math.log(2 * len(texts) + 2)

    def scores(self, query: str) -> list[float]:
        """One score per indexed text, in order; higher is nearer, 0 shares no word."""
        terms = self._terms(query)
        return [self._score(terms, count) for count in self._counts]

    def nearness(self, query: str, text: str) -> float:
        """Score of a text that need not be indexed, with the word weights of those that are."""
        return self._score(self._terms(query), Counter(words(text)))

    def _terms(self, query: str) -> list[tuple[str, float]]:
        return [(word, self._weights[word]) for word in sorted(set(words(query))) if word in self._weights]

    def _score(self, terms: Sequence[tuple[str, float]], count: Counter[str]) -> float:
        damping = K1 * (1 - B + B * count.total() / self._mean)
        return math.fsum(weight * count[word] * (K1 + 1) / (count[word] + damping) for word, weight in terms)

    def coverage(self, query: str, texts: Sequence[str]) -> float:
        """Share of the query's weight (0-1) that stands in any of the texts."""
        weights = {word: self._weights.get(word, self._unseen) for word in words(query)}
        held = {word for text in texts for word in words(text)}
        total = math.fsum(weights.values())
        return math.fsum(weight for word, weight in weights.items() if word in held) / total if total else 0.0
