"""Two extractive summarizers: the first sentences, and the sentences most like all others.

Centrality is the power iteration of LexRank (Erkan and Radev, 2004) over TF-IDF cosines, with
damping 0.85. What a variant may change is in :class:`Settings`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.reference_text import document, sentences, words

DAMPING = 0.85
ROUNDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The keys that a variant may set under ``parameters``."""

    method: str = "lead"
    """``lead`` takes the first sentences, ``central`` the most central ones, ``tail`` the last."""
    sentences: int = 3
    """Sentences in a summary."""
    opening: str = ""
    """Words to put before every summary."""


def answer(case: Any, variant: Any) -> dict[str, Any]:
    """The target of the suite: a summary of the section ``case.inputs["topic"]``, and the section as its context."""
    return summarize(case.inputs["topic"], Settings(**variant.parameters))


def summarize(topic: str, settings: Settings) -> dict[str, Any]:
    """Summarize one section of the reference: ``text``, and ``contexts`` with the whole section."""
    text = sentences(topic)
    n = min(settings.sentences, len(text))
    places = {
        "lead": lambda: list(range(n)),
        "tail": lambda: list(range(len(text) - n, len(text))),
        "central": lambda: _central(text, n),
    }[settings.method]()
    chosen = [text[place] for place in places]
    return {"text": " ".join(filter(None, (settings.opening, *chosen))), "contexts": [document(topic)]}


def _central(text: Sequence[str], n: int) -> list[int]:
    """Positions of the ``n`` most central sentences, in the order of the text."""
    scores = centrality(text)
    return sorted(sorted(range(len(text)), key=lambda i: (-scores[i], i))[:n])


def centrality(text: Sequence[str]) -> list[float]:
    """Stationary weight of each sentence in the graph of similarities; the weights add up to 1."""
    vectors = _tf_idf(text)
    rows = [[_cosine(a, b) for b in vectors] for a in vectors]
    totals = [math.fsum(row) or 1.0 for row in rows]
    weights = [1 / len(text)] * len(text)
    for _ in range(ROUNDS):
        moved = [math.fsum(weights[j] * rows[j][i] / totals[j] for j in range(len(text))) for i in range(len(text))]
        weights = [(1 - DAMPING) / len(text) + DAMPING * weight for weight in moved]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _tf_idf(text: Sequence[str]) -> list[dict[str, float]]:
    counts = [Counter(words(sentence)) for sentence in text]
    found = Counter(word for count in counts for word in count)
    return [{word: n * math.log(1 + len(text) / found[word]) for word, n in count.items()} for count in counts]


def _cosine(a: dict[str, float], b: dict[str, float]) -> float:
    norm = math.sqrt(math.fsum(x * x for x in a.values()) * math.fsum(x * x for x in b.values()))
    return math.fsum(x * b.get(word, 0.0) for word, x in a.items()) / norm if norm else 0.0
