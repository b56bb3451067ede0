"""Lexical relevancy: does an answer speak of what was asked, judged from the question and the answer alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.features import NEIGHBOURS
from pytest_genaiops.metrics.lexical.text import Words, question_of, sentences, words
from pytest_genaiops.metrics.lexical.words import NUMBER_WORDS
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport, Statistics

# A name in a question is shared by every text on its subject; the other words say what is asked about it.
_BEYOND_NAME = 1.5
_WRONG_TYPE = 0.8
# In a long sentence words meet by chance, as BM25's length normalisation has it (Robertson and Zaragoza 2009). What is
# asked for takes a few words; as many as this beside them halve the score. Both are round numbers, hardly felt.
_EXPECTED = 5
_HALVING = 50
_QUANTITIES = frozenset(
    [*NUMBER_WORDS, "one", "hundred", "thousand", "million", "billion", "dozen", "several", "no", "none", "half"]
)
_REASONS = frozenset(
    ("because", "since", "due", "cause", "caused", "causes", "reason", "result", "resulted", "so", "order", "therefore")
)
_PLACING = frozenset(("in", "at", "from", "near", "to", "of", "on"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What an answer adds to its question."""

    numbers: bool
    names: bool
    forms: frozenset[str]


# First match wins. Each line: how the question asks, and whether the answer has something of the kind asked for.
_TYPES: tuple[tuple[re.Pattern[str], Callable[[_Facts], bool]], ...] = (
    (
        re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time|century|decade)\b|\bhow (?:old|long)\b"),
        lambda facts: facts.numbers,
    ),
    (
        re.compile(r"\bhow (?:many|much|far|tall|high|big|large|fast)\b|\bwhat (?:percent|percentage|number|amount)\b"),
        lambda facts: facts.numbers or not _QUANTITIES.isdisjoint(facts.forms),
    ),
    (re.compile(r"\bwho(?:m|se)?\b"), lambda facts: facts.names),
    (
        re.compile(r"\bwhere\b|\b(?:what|which) (?:country|city|state|place|town|river|island|continent)\b"),
        lambda facts: facts.names and not _PLACING.isdisjoint(facts.forms),
    ),
    (re.compile(r"\bwhy\b"), lambda facts: not _REASONS.isdisjoint(facts.forms)),
)


@dataclass(frozen=True, kw_only=True)
class Relevancy(Metric):
    """How much of the question an answer takes up, 0-1 (1 = all of its content words, near each other, right type).

    Two parts coverage of the question's content words (stems; words beyond names count 1.5 times), one part share
    of the question's neighbouring words that are neighbours in the answer; times 0.8 when the question asks
    for a date, a quantity, a person, a place or a reason in English and the answer adds nothing of that kind; times
    50 / (50 + n) where the sentence that takes up most of the question has n more than five other content words.
    No tables of word frequencies, no other case of the batch.

    The question is ``inputs["question"]``, else ``["input"]``, else ``["query"]``. Raises :class:`UnscorableError`
    without a question, for an empty answer, and where question or answer has no content word.
    """

    name: ClassVar[str] = "relevancy"
    use_case: ClassVar[str] = "RAG"
    judges: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("question",)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """The score of one answer as a one-tuple."""
        question, answer = _texts(response, case)
        return (_score(_measures(question, answer)),)

    def signature(self, cases: object) -> dict[str, str]:
        """Names the method; its number changes with any change of words, measures or constants."""
        return {"method": "lexical-2"}

    def explain(self, response: Response, case: Case) -> Explanation:
        """Each answer sentence with the share of the question that it takes up; offsets into ``response.text``.

        ``unsupported`` is empty: a word that the question lacks is no fault of an answer.
        """
        question, answer = _texts(response, case)
        values = _measures(question, answer)
        asked = _asked(question)
        bounds = sentences(response.text)
        return Explanation(
            score=_score(values),
            sentences=tuple(
                SentenceSupport(
                    start=start,
                    end=end,
                    text=response.text[start:end],
                    support=round(_coverage(asked, frozenset(words(response.text[start:end]).stems)), 6),
                )
                for start, end in bounds
            ),
            unsupported=(),
            features={name: round(value, 6) for name, value in values.items()},
        )


def _texts(response: Response, case: Case) -> tuple[Words, Words]:
    asked = question_of(case)
    if asked is None:
        raise UnscorableError("no question: the case has no text under the inputs 'question', 'input' or 'query'")
    if not response.text.strip():
        raise UnscorableError("nothing to judge: the answer is empty")
    question, answer = words(asked), words(response.text)
    if not any(question.weights):
        raise UnscorableError("nothing to judge by: the question has no content word")
    if not any(answer.weights):
        raise UnscorableError("nothing to judge: the answer has no content word")
    return question, answer


def _score(values: dict[str, float]) -> float:
    return round((2 * values["coverage"] + values["neighbours"]) / 3 * values["type"] * values["focus"], 6)


def _measures(question: Words, answer: Words) -> dict[str, float]:
    asked = _asked(question)
    coverage = _coverage(asked, frozenset(answer.stems))
    return {
        "coverage": coverage,
        "neighbours": _neighbours(question, answer, coverage),
        "type": _type(question, answer),
        "focus": _focus(asked, answer),
    }


def _asked(question: Words) -> dict[str, float]:
    """Content stems of the question with their weights."""
    asked: dict[str, float] = {}
    for at, (stem, weight) in enumerate(zip(question.stems, question.weights, strict=True)):
        if weight:
            named = at > 0 and _capital(question, at)
            asked[stem] = max(asked.get(stem, 0.0), weight * (1.0 if named else _BEYOND_NAME))
    return asked


def _coverage(asked: dict[str, float], stems: frozenset[str]) -> float:
    return sum(weight for stem, weight in asked.items() if stem in stems) / sum(asked.values())


def _neighbours(question: Words, answer: Words, otherwise: float) -> float:
    """Share of adjacent content words of the question that are neighbours in the answer."""
    asked, said = _content(question), _content(answer)
    pairs = list(pairwise(asked))
    if not pairs:
        return otherwise
    near: set[tuple[str, str]] = set()
    for distance in range(1, NEIGHBOURS + 1):
        near.update(zip(said, said[distance:], strict=False))
    return sum((a, b) in near or (b, a) in near for a, b in pairs) / len(pairs)


def _focus(asked: Mapping[str, float], answer: Words) -> float:
    """1, or less the more else there is in the sentence that takes up most of the question."""
    taken, beside = max(_taken_up(asked, answer))
    return _HALVING / (_HALVING + max(0, -beside - _EXPECTED)) if taken else 1.0


def _taken_up(asked: Mapping[str, float], answer: Words) -> Iterator[tuple[float, int]]:
    """Of each sentence: the weight of the question's words in it, and minus the number of its other content words."""
    at = 0
    for _, end in sentences(answer.text):
        stems = set()
        while at < len(answer.spans) and answer.spans[at][0] < end:
            if answer.weights[at]:
                stems.add(answer.stems[at])
            at += 1
        shared = [weight for stem, weight in asked.items() if stem in stems]
        yield math.fsum(shared), len(shared) - len(stems)


def _content(text: Words) -> list[str]:
    return [stem for stem, weight in zip(text.stems, text.weights, strict=True) if weight]


def _type(question: Words, answer: Words) -> float:
    """1, or 0.8 where the question asks for a kind of thing and the answer adds none of the kind."""
    known = set(question.stems)
    added = [
        at
        for at, (stem, weight) in enumerate(zip(answer.stems, answer.weights, strict=True))
        if weight and stem not in known
    ]
    facts = _Facts(
        numbers=any(answer.stems[at][0].isdigit() for at in added),
        names=any(_capital(answer, at) for at in added),
        forms=frozenset(answer.form(at) for at in range(len(answer.stems))),
    )
    asked = question.text.lower()
    return next((1.0 if given(facts) else _WRONG_TYPE for pattern, given in _TYPES if pattern.search(asked)), 1.0)


def _capital(text: Words, at: int) -> bool:
    return text.text[text.spans[at][0]].isupper()
