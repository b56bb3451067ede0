"""Lexical support of an answer in its contexts: groundedness without a model, a network or a random number."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.features import Overlap, contradictions, index_of, measures, overlap, support
from pytest_genaiops.metrics.lexical.text import question_of, script
from pytest_genaiops.metrics.lexical.words import META, REFUSALS, REFUSING
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport, Statistics, UnsupportedSpan

# Mean and standard deviation of each measure over eight public sets of real answers, every set with the same say:
# what `python benchmarks/metric_quality.py --constants` prints. They only bring the measures to one scale; signs and
# equal weights are set by hand, because weights fitted to some data sets did worse on the others.
_SCALE: Mapping[str, tuple[float, float]] = {
    "words": (0.645, 0.259),
    "order": (0.441, 0.227),
    "neighbours": (0.406, 0.301),
    "sentences": (0.522, 0.276),
    "novel_passage": (-3.504, 2.554),
    "numbers": (0.931, 0.223),
    "novel_numbers": (-0.092, 0.276),
    "novel_names": (-0.210, 0.446),
    "personal": (-0.189, 0.361),
    "negation": (-0.064, 0.245),
}
_CLIP = 3.0
_STEEPNESS = 3.0
_LONGEST_REFUSAL = 400
_CLAUSE = re.compile(r"[^.,;:!?\n]+")
_REFUSAL = re.compile("|".join(REFUSALS))


@dataclass(frozen=True, kw_only=True)
class Groundedness(Metric):
    """How far the words of an answer are those of its contexts, 0-1 (1 = as supported as words can show).

    Ten overlap measures (:func:`~pytest_genaiops.metrics.lexical.features.measures`) are brought to one scale with
    fixed constants and averaged with equal weights; what the answer says against yes-no fields and opening hours of
    structured contexts is taken off; a logistic function squashes the rest. The value of an answer depends on its
    own text, contexts and question only, never on other cases. The number is an ordering, not a probability:
    thresholds do not carry over from one data set to another.

    Contexts are the response's own, else the case's. Raises :class:`UnscorableError` where there is nothing to
    ground: no contexts, an empty answer, one without any content word, one in another script than its contexts, or
    one that only declines to answer.
    """

    name: ClassVar[str] = "groundedness"
    use_case: ClassVar[str] = "RAG, summaries"
    judges: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("contexts",)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """The score of one answer as a one-tuple."""
        found = _held_against(response, case)
        return (_score(measures(found), _contradicted(found)),)

    def signature(self, cases: object) -> dict[str, str]:
        """Names the method; its number changes with any change of words, measures or constants."""
        return {"method": "lexical-2"}

    def explain(self, response: Response, case: Case) -> Explanation:
        """Support of every sentence; words, numbers and names that no context has, and what a field of them denies.

        Offsets count characters of ``response.text``. Raises :class:`UnscorableError` like :meth:`statistics`.
        """
        found = _held_against(response, case)
        values, against = measures(found), _contradicted(found)
        return Explanation(
            score=_score(values, against),
            sentences=tuple(
                SentenceSupport(start=start, end=end, text=response.text[start:end], support=round(value, 6))
                for start, end, value in support(found)
            ),
            unsupported=tuple(_unsupported(found)),
            features={name: round(value, 6) for name, value in values.items()} | {"contradictions": 0.0 - against},
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
    _same_script(found)
    return found


def _same_script(found: Overlap) -> None:
    """Raise where most letters of the answer are of scripts that no context has: they can have no word in common."""
    known = found.index.scripts
    if not known or (found.answer.text.isascii() and "LATIN" in known):
        return
    letters = Counter(filter(None, map(script, found.answer.text)))
    foreign = sum(count for name, count in letters.items() if name not in known)
    if 2 * foreign > letters.total():
        name = letters.most_common(1)[0][0]
        raise UnscorableError(
            f"nothing to compare: the answer is written in {name} letters and its contexts in "
            f"{', '.join(sorted(known))}; translate one of them"
        )


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


def _score(values: Mapping[str, float], against: int) -> float:
    """Equal-weight mean of the scaled measures through a logistic; six digits, so platforms agree.

    The first contradiction weighs as much as one measure at its lowest, and each further one less: set by hand, as one
    data set alone has fields.
    """
    scaled = [max(-_CLIP, min(_CLIP, (values[name] - mean) / spread)) for name, (mean, spread) in _SCALE.items()]
    total = math.fsum(scaled) - _CLIP * math.log2(1 + against)
    return round(1 / (1 + math.exp(-_STEEPNESS * total / len(scaled))), 6)


def _contradicted(found: Overlap) -> int:
    """How many fields and opening hours the answer contradicts; a field said twice counts once."""
    return len({label for _, _, label in contradictions(found)})


def _unsupported(found: Overlap) -> list[UnsupportedSpan]:
    """Content words whose stem no context has, and what contradicts a field; overlapping ones become one span."""
    columns = zip(found.answer.spans, found.weights, found.earned, strict=True)
    novel = [span for span, weight, credit in columns if weight and credit < 1]
    merged: list[tuple[int, int]] = []
    for start, end in sorted([*novel, *((start, end) for start, end, _ in contradictions(found))]):
        first, last = merged.pop() if merged and start < merged[-1][1] else (start, end)
        merged.append((first, max(last, end)))
    return [UnsupportedSpan(start=start, end=end, text=found.answer.text[start:end]) for start, end in merged]
