"""Lexical utilization: how many of the retrieved chunks went into an answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.groundedness import Groundedness
from pytest_genaiops.metrics.lexical.features import Overlap, index_of, overlap
from pytest_genaiops.metrics.lexical.text import words
from pytest_genaiops.metrics.memo import TextMemo
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport, Statistics

_REMEMBERED_CHARACTERS = 2_000_000
_READ: TextMemo[frozenset[str]] = TextMemo(_REMEMBERED_CHARACTERS)


@dataclass(frozen=True, kw_only=True)
class Utilization(Metric):
    """Share of the chunks in the context that an answer is made of, 0-1 (1 = every chunk is in the answer).

    Each item of the contexts is one chunk; blank ones are left out. A chunk supports a sentence of the answer with the
    share of its content words that it holds (stems; very common words count half). It is used as far as it supports
    the sentence that is most its own: the highest support over the sentences, times the ratio of that to the
    support by the best chunk of the same sentence. Two chunks that say the same are both used; one that merely shares
    its subject with a sentence that another chunk supports in full is used little. The value is the mean over
    the chunks: it falls with every chunk that was retrieved in vain, and says little where the context is one text.

    The definition is that of the Azure Architecture Center's guide to the evaluation of RAG solutions ("Large language
    model end-to-end evaluation"): to what extent each chunk is part of the response, by the number of chunks that
    entail the answer. RAGBench (Friel, Belyi and Sanyal 2024) means the share of the context's *tokens* that are used;
    the context utilization of ragas is the average precision of the chunks' *order*, each useful for the answer or not.

    Contexts are the response's own, else the case's. Raises :class:`UnscorableError` where ``groundedness`` finds
    nothing to ground: no contexts, an empty answer, one without a content word, or one that only declines to answer.
    """

    name: ClassVar[str] = "utilization"
    use_case: ClassVar[str] = "RAG"
    judges: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("contexts",)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """The score of one answer as a one-tuple."""
        return (_mean(_uses(_supports(response, case))),)

    def signature(self, cases: object) -> dict[str, str]:
        """Names the method; its number changes with any change of words, measures or constants."""
        return {"method": "lexical-1"}

    def explain(self, response: Response, case: Case) -> Explanation:
        """Each answer sentence with the support of the chunk that supports it best; offsets into ``response.text``.

        ``features`` has how far each chunk is used: ``chunk 1`` is the first that is not blank. ``unsupported`` is
        empty: what no chunk holds is for ``groundedness`` to say.
        """
        supports = _supports(response, case)
        uses = _uses(supports)
        return Explanation(
            score=_mean(uses),
            sentences=tuple(
                SentenceSupport(start=start, end=end, text=response.text[start:end], support=round(max(values), 6))
                for (start, end), values in supports.items()
            ),
            unsupported=(),
            features={f"chunk {number}": round(use, 6) for number, use in enumerate(uses, start=1)},
        )


def _supports(response: Response, case: Case) -> dict[tuple[int, int], list[float]]:
    """Start and end of each sentence of the answer that claims anything -> its support in each chunk, 0-1."""
    Groundedness().statistics(response, case)  # raises where there is nothing to ground, and so nothing was used
    contexts = response.contexts if response.contexts is not None else case.contexts or ()
    chunks = tuple(context for context in contexts if context.strip())
    claims = _claims(overlap(response.text, index_of(tuple(contexts))))
    holders = _holders(chunks, {stem for wanted in claims.values() for stem in wanted})
    return {sentence: _shares(wanted, holders, len(chunks)) for sentence, wanted in claims.items()}


def _claims(found: Overlap) -> dict[tuple[int, int], dict[str, float]]:
    """Content stems and their weights of each sentence of an answer that has any."""
    stems, weights = found.answer.stems, found.weights
    claims = {(start, end): {stems[i]: weights[i] for i in at if weights[i]} for start, end, at in found.sentences}
    return {sentence: wanted for sentence, wanted in claims.items() if wanted}


def _holders(chunks: Sequence[str], wanted: set[str]) -> Mapping[str, Sequence[int]]:
    """Which chunks hold each of the wanted stems."""
    holders: dict[str, list[int]] = {}
    for number, chunk in enumerate(chunks):
        for stem in wanted & _stems(chunk):
            holders.setdefault(stem, []).append(number)
    return holders


def _stems(chunk: str) -> frozenset[str]:
    return _READ.get(chunk, len(chunk), lambda: frozenset(words(chunk).stems))


def _shares(wanted: Mapping[str, float], holders: Mapping[str, Sequence[int]], chunks: int) -> list[float]:
    """The weighted share of the wanted stems that each chunk holds. Weights are halves and ones: sums are exact."""
    held = [0.0] * chunks
    for stem, weight in wanted.items():
        for number in holders.get(stem, ()):
            held[number] += weight
    total = sum(wanted.values())
    return [value / total for value in held]


def _uses(supports: Mapping[tuple[int, int], Sequence[float]]) -> list[float]:
    """How far each chunk is used: its best sentence, less where another chunk supports that sentence better."""
    own = [[value * value / (max(values) or 1.0) for value in values] for values in supports.values()]
    return [max(values) for values in zip(*own, strict=True)]


def _mean(uses: Sequence[float]) -> float:
    """Six digits, so that platforms agree."""
    return round(math.fsum(uses) / len(uses), 6)
