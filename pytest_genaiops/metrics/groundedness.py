"""Lexical support of an answer in its contexts: groundedness without a model, a network or a random number."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.features import Overlap, index_of, measures, overlap, support
from pytest_genaiops.metrics.lexical.text import question_of
from pytest_genaiops.metrics.lexical.words import META, REFUSALS, REFUSING
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport, Statistics, UnsupportedSpan

# Mean and standard deviation of each measure over eight public sets of real answers, every set with the same say:
# what `python benchmarks/metric_quality.py --constants` prints. They only bring the measures to one scale; signs and
# equal weights are set by hand, because weights fitted to some data sets did worse on the others.
_SCALE: Mapping[str, tuple[float, float]] = {
    "words": (0.664, 0.258),
    "order": (0.441, 0.227),
    "neighbours": (0.407, 0.300),
    "sentences": (0.522, 0.276),
    "novel_words": (-1.685, 1.078),
    "novel_numbers": (-0.109, 0.293),
    "novel_names": (-0.215, 0.451),
    "personal": (-0.022, 0.046),
    "negation": (-0.114, 0.318),
}
_CLIP = 3.0
_STEEPNESS = 3.0
_LONGEST_REFUSAL = 400
_CLAUSE = re.compile(r"[^.,;:!?\n]+")
_REFUSAL = re.compile("|".join(REFUSALS))


@dataclass(frozen=True, kw_only=True)
class Groundedness(Metric):
    """How far the words of an answer are those of its contexts, 0-1 (1 = as supported as words can show).

    Nine overlap measures (:func:`~pytest_genaiops.metrics.lexical.features.measures`) are brought to one
    scale with fixed constants, averaged with equal weights and squashed by a logistic function. The value of an
    answer depends on its own text, contexts and question only, never on other cases. The number is an ordering,
    not a probability: thresholds do not carry over from one data set to another.

    Contexts are the response's own, else the case's. Raises :class:`UnscorableError` where there is nothing to
    ground: no contexts, an empty answer, one without any content word, or one that only declines to answer.
    """

    name: ClassVar[str] = "groundedness"
    use_case: ClassVar[str] = "RAG, summaries"
    judges: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("contexts",)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """The score of one answer as a one-tuple."""
        return (_score(measures(_held_against(response, case))),)

    def signature(self, cases: object) -> dict[str, str]:
        """Names the method; its number changes with any change of words, measures or constants."""
        return {"method": "lexical-1"}

    def explain(self, response: Response, case: Case) -> Explanation:
        """Support of every sentence, and the words, numbers and names that no context has.

        Offsets count characters of ``response.text``. Raises :class:`UnscorableError` like :meth:`statistics`.
        """
        found = _held_against(response, case)
        values = measures(found)
        return Explanation(
            score=_score(values),
            sentences=tuple(
                SentenceSupport(start=start, end=end, text=response.text[start:end], support=round(value, 6))
                for start, end, value in support(found)
            ),
            unsupported=tuple(_unsupported(found)),
            features={name: round(value, 6) for name, value in values.items()},
        )


def _held_against(response: Response, case: Case) -> Overlap:
    contexts = response.contexts if response.contexts is not None else case.contexts
    if contexts is None:
        raise UnscorableError("nothing to ground: neither the response nor the case has contexts")
    if not any(context.strip() for context in contexts):
        raise UnscorableError("nothing to ground the answer in: its contexts are empty")
    if not response.text.strip():
        raise UnscorableError("nothing to ground: the answer is empty")
    question = question_of(case)
    found = overlap(response.text, index_of(tuple(contexts)), question)
    if _declines(found):
        raise UnscorableError("nothing to ground: the answer only declines to answer")
    if not any(found.weights):
        raise UnscorableError("nothing to ground: the answer has no content word")
    return found


def _declines(found: Overlap) -> bool:
    """Whether an answer is a refusal and nothing else: clause by clause, with no more than the question's words."""
    text = found.answer.text
    if len(text) > _LONGEST_REFUSAL:
        return False
    refused = False
    for clause in _CLAUSE.finditer(text):
        refuses = _REFUSAL.search(clause.group().lower().replace("\u2019", "'")) is not None
        claims = [at for at in _claiming(found) if clause.start() <= found.answer.spans[at][0] < clause.end()]
        if claims and not (refuses and all(found.asked[at] for at in claims)):
            return False
        refused = refused or refuses
    return refused


def _claiming(found: Overlap) -> list[int]:
    """Positions of content words that belong to no stock refusal."""
    weighed = (at for at, weight in enumerate(found.weights) if weight)
    return [at for at in weighed if found.answer.form(at) not in META | REFUSING]


def _score(values: Mapping[str, float]) -> float:
    """Equal-weight mean of the scaled measures through a logistic; six digits, so platforms agree."""
    scaled = [max(-_CLIP, min(_CLIP, (values[name] - mean) / spread)) for name, (mean, spread) in _SCALE.items()]
    return round(1 / (1 + math.exp(-_STEEPNESS * math.fsum(scaled) / len(scaled))), 6)


def _unsupported(found: Overlap) -> list[UnsupportedSpan]:
    """Content words whose stem no context has; overlapping character pairs become one span."""
    merged: list[tuple[int, int]] = []
    for (start, end), weight, credit in zip(found.answer.spans, found.weights, found.earned, strict=True):
        if weight and credit < 1:
            first = merged.pop()[0] if merged and start < merged[-1][1] else start
            merged.append((first, end))
    return [UnsupportedSpan(start=start, end=end, text=found.answer.text[start:end]) for start, end in merged]
