"""What an answer shares with its contexts, measured several ways: per answer, and linear in its length."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from pytest_genaiops.metrics.lexical.fields import Fields, contradicted, fields_of
from pytest_genaiops.metrics.lexical.hours import Hours, hours_of, misstated
from pytest_genaiops.metrics.lexical.text import Words, preamble, scripts, sentences, words
from pytest_genaiops.metrics.lexical.words import HEDGES, META, NEGATIONS, PERSONAL
from pytest_genaiops.metrics.memo import TextMemo

NEIGHBOURS = 4
"""Two content words are neighbours when at most this many content words apart."""
ECHO = 0.5
"""Credit for a word that only the question has: repeating the question claims little, yet nothing supports it."""
# An index takes some fifty bytes for each character of its contexts.
_REMEMBERED_CHARACTERS = 2_000_000
_MOST_SENTENCES = 50
_MOST_WORDS = 20_000
_PASSAGE = 10
_HEDGE = re.compile("|".join(HEDGES))
_ENUMERATOR = re.compile(r"(?:^|(?<=\n))[^\S\n]*[\[(]?(\d{1,3})[.):\]]|\b[Pp]assages? (\d{1,2})\b|\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextIndex:
    """The contexts of one case, tokenised once however many answers are held against them."""

    ids: Mapping[str, int]
    """Stem -> number; the vocabulary of the contexts."""
    sequence: tuple[int, ...]
    """All words in order, as numbers."""
    pairs: frozenset[int]
    """Neighbouring content words, see :func:`pair`."""
    postings: Mapping[str, tuple[int, ...]]
    """Stem of a content word -> the sentences that have it (the first fifty: more would cost without telling more)."""
    negated: bool
    personal: bool
    scripts: frozenset[str]
    fields: Fields
    hours: Hours


_INDEXES: TextMemo[ContextIndex] = TextMemo(_REMEMBERED_CHARACTERS)


def index_of(contexts: tuple[str, ...]) -> ContextIndex:
    """Index of some contexts, remembered; passages keep apart: no pair and no sentence runs across two of them."""
    return _INDEXES.get(contexts, sum(map(len, contexts)), lambda: _index(contexts))


def _index(contexts: tuple[str, ...]) -> ContextIndex:
    ids: dict[str, int] = {}
    sequence: list[int] = []
    pairs: set[int] = set()
    postings: dict[str, list[int]] = {}
    fields = fields_of(contexts)
    count = 0
    for context in contexts:
        text = words(context)
        numbers = [ids.setdefault(stem, len(ids)) for stem in text.stems]
        sequence += numbers
        content = [number for number, weight in zip(numbers, text.weights, strict=True) if weight]
        for distance in range(1, NEIGHBOURS + 1):
            pairs.update(pair(a, b) for a, b in zip(content, content[distance:], strict=False))
        count = _post(text, count, postings)
    return ContextIndex(
        ids=ids,
        sequence=tuple(sequence),
        pairs=frozenset(pairs),
        postings={stem: tuple(found) for stem, found in postings.items()},
        negated=not NEGATIONS.isdisjoint(ids)
        or any(field.values != {True} for held in fields.values() for field in held),
        personal=not PERSONAL.isdisjoint(ids),
        scripts=scripts(frozenset().union(*contexts)),
        fields=fields,
        hours=hours_of(contexts),
    )


def pair(a: int, b: int) -> int:
    """One integer for an unordered pair: a set of integers takes a third of the memory of a set of tuples."""
    return (a << 32) | b if a < b else (b << 32) | a


def _post(text: Words, first: int, postings: dict[str, list[int]]) -> int:
    """Add the sentences of one context, numbered from ``first``, and give the number after its last."""
    bounds = sentences(text.text)
    at = 0
    for stem, weight, (start, _) in zip(text.stems, text.weights, text.spans, strict=True):
        while at < len(bounds) - 1 and start >= bounds[at][1]:
            at += 1
        if weight:
            found = postings.setdefault(stem, [])
            if len(found) < _MOST_SENTENCES and (not found or found[-1] != first + at):
                found.append(first + at)
    return first + len(bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One answer held against its contexts, word by word."""

    answer: Words
    sentences: tuple[tuple[int, int, range], ...]
    """Start and end offset of each sentence of the answer, and the numbers of its words."""
    weights: tuple[float, ...]
    """Weight of each word; 0 for grammar words, list numbers, a preamble and words about the answer itself."""
    earned: tuple[float, ...]
    """1 where the contexts have the stem, ``ECHO`` where only the question has it, else 0."""
    asked: tuple[bool, ...]
    """Whether the question has the stem."""
    index: ContextIndex


def overlap(text: str, index: ContextIndex, question: str | None = None) -> Overlap:
    """Hold an answer against its contexts."""
    answer = words(text)
    asked = set(words(question).stems) if question else frozenset()
    start_of_claims = preamble(text)
    listed = {match.start(match.lastindex or 0) for match in _ENUMERATOR.finditer(text)}
    weights: list[float] = []
    earned: list[float] = []
    for at, (stem, weight, (start, _)) in enumerate(zip(answer.stems, answer.weights, answer.spans, strict=True)):
        known = stem in index.ids
        earned.append(1.0 if known else ECHO if stem in asked else 0.0)
        aside = start < start_of_claims or start in listed or (not known and weight and answer.form(at) in META)
        weights.append(0.0 if aside else weight)
    return Overlap(
        answer=answer,
        sentences=tuple(_sentence_words(answer)),
        weights=tuple(weights),
        earned=tuple(earned),
        asked=tuple(stem in asked for stem in answer.stems),
        index=index,
    )


def _sentence_words(answer: Words) -> list[tuple[int, int, range]]:
    found = []
    at = 0
    for start, end in sentences(answer.text):
        first = at
        while at < len(answer.spans) and answer.spans[at][0] < end:
            at += 1
        found.append((start, end, range(first, at)))
    return found


def measures(found: Overlap) -> dict[str, float]:
    """The measures behind groundedness by name, each oriented so that more is better grounded.

    Shares lie in 0-1; counts of unsupported things enter as ``-log(1 + count)``, because the
    second slip of an answer tells less than the first.
    """
    weights, earned = found.weights, found.earned
    best = [_best_sentence(found, positions) for _, _, positions in found.sentences]
    heavy = [sum(weights[i] for i in positions) for _, _, positions in found.sentences]
    numbers = _numbers(found)
    unknown = sum(1 - earned[i] for i in numbers)
    return {
        "words": _distinct(found),
        "order": _order(found),
        "neighbours": _neighbours(found),
        "sentences": _share(heavy, best),
        "novel_passage": -_novel_passage(found),
        "numbers": 1 - unknown / len(numbers) if numbers else 1.0,
        "novel_numbers": -math.log1p(unknown),
        "novel_names": -math.log1p(sum(1 - earned[i] for i in _names(found))),
        "personal": -_personal(found) if not found.index.personal else 0.0,
        "negation": -float(not found.index.negated and _denies(found)),
    }


def contradictions(found: Overlap) -> list[tuple[int, int, str]]:
    """Start, end and label of what the answer says against the fields and opening hours of structured contexts."""
    sentences = found.sentences
    hours = misstated(found.answer.text, sentences, found.index.hours)
    return [
        *contradicted(found.answer, sentences, found.index.fields),
        *((start, end, f"hours at {start}") for start, end in hours),
    ]


def support(found: Overlap) -> list[tuple[int, int, float]]:
    """Start, end and support (0-1) of each sentence that claims anything."""
    return [
        (start, end, _sentence_support(found, positions))
        for start, end, positions in found.sentences
        if any(found.weights[i] for i in positions)
    ]


def _sentence_support(found: Overlap, positions: range) -> float:
    """Mean of two shares: content words that any context has, and content words that its best single sentence has."""
    known = _share([found.weights[i] for i in positions], [found.earned[i] for i in positions])
    return (known + _best_sentence(found, positions)) / 2


def _share(weights: list[float] | tuple[float, ...], earned: list[float] | tuple[float, ...]) -> float:
    total = math.fsum(weights)
    return math.fsum(w * c for w, c in zip(weights, earned, strict=True)) / total if total else 0.0


def _distinct(found: Overlap) -> float:
    """Weighted share of the answer's distinct content words: a name said five times is one thing known."""
    held = {
        stem: (weight, credit)
        for stem, weight, credit in zip(found.answer.stems, found.weights, found.earned, strict=True)
        if weight
    }
    return _share([weight for weight, _ in held.values()], [credit for _, credit in held.values()])


def _novel_passage(found: Overlap) -> float:
    """Most unsupported weight in ten content words in a row: inventions come as clauses, paraphrase is scattered."""
    novel = [w * (1 - c) for w, c in zip(found.weights, found.earned, strict=True) if w]
    total = most = math.fsum(novel[:_PASSAGE])
    for entering, leaving in zip(novel[_PASSAGE:], novel, strict=False):
        total += entering - leaving
        most = max(most, total)
    return most


def _personal(found: Overlap) -> float:
    """Share of sentences in the first person."""
    stems = found.answer.stems
    said = [any(stems[i] in PERSONAL for i in positions) for _, _, positions in found.sentences]
    return sum(said) / len(said) if said else 0.0


def _denies(found: Overlap) -> bool:
    """Whether the answer negates anything; "I don't know" and "not sure" negate nothing."""
    at = [i for i, stem in enumerate(found.answer.stems) if stem in NEGATIONS]
    if not at:
        return False
    hedges = [match.span() for match in _HEDGE.finditer(found.answer.text.lower())]
    return any(not any(start <= found.answer.spans[i][0] < end for start, end in hedges) for i in at)


def _order(found: Overlap) -> float:
    """ROUGE-L precision on stems: the longest common subsequence over the length of the answer."""
    from rapidfuzz.distance import LCSseq

    ids = found.index.ids
    # Bit-parallel, so cheap, but still a product of two lengths; beyond this many words the head stands for the whole.
    answer = [ids.get(stem, -1) for stem in found.answer.stems[:_MOST_WORDS]]
    return LCSseq.similarity(answer, found.index.sequence) / len(answer)


def _neighbours(found: Overlap) -> float:
    """Share of adjacent content words that stand near each other in a context too."""
    ids = found.index.ids
    content = [ids.get(stem, -1) for stem, weight in zip(found.answer.stems, found.weights, strict=True) if weight]
    if len(content) < 2:
        return _share(found.weights, found.earned)
    adjacent = list(pairwise(content))
    return sum(a >= 0 and b >= 0 and pair(a, b) in found.index.pairs for a, b in adjacent) / len(adjacent)


def _best_sentence(found: Overlap, positions: range) -> float:
    """Weighted share of a sentence's content stems that one single context sentence has."""
    weighed = {found.answer.stems[i]: found.weights[i] for i in positions if found.weights[i]}
    shared: dict[int, float] = {}
    for stem, weight in weighed.items():
        for number in found.index.postings.get(stem, ()):
            shared[number] = shared.get(number, 0.0) + weight
    return max(shared.values(), default=0.0) / sum(weighed.values()) if weighed else 0.0


def _numbers(found: Overlap) -> list[int]:
    """Positions of the numbers in the answer, list numbers and citations left out."""
    return [i for i, stem in enumerate(found.answer.stems) if found.weights[i] and stem[0].isdigit()]


def _names(found: Overlap) -> list[int]:
    """Positions of capitalised content words that do not open a sentence."""
    openings = {positions.start for _, _, positions in found.sentences}
    text, spans = found.answer.text, found.answer.spans
    return [i for i, w in enumerate(found.weights) if w and i not in openings and text[spans[i][0]].isupper()]
