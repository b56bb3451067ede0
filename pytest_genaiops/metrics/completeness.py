"""Lexical completeness: how much of what a reference answer says does an answer say too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.metrics.lexical.text import Words, script, scripts, sentences, words
from pytest_genaiops.metrics.memo import TextMemo
from pytest_genaiops.metrics.rows import place, references_of
from pytest_genaiops.records import Case, Explanation, Response, SentenceSupport, Statistics, UnsupportedSpan

_REMEMBERED_CHARACTERS = 2_000_000
_READ: TextMemo[Words] = TextMemo(_REMEMBERED_CHARACTERS)


@dataclass(frozen=True, kw_only=True)
class Completeness(Metric):
    """Share of a reference answer's content that an answer has, 0-1 (1 = every content word of the reference).

    Weighted recall of distinct content stems: grammar words count nothing, very common words half, everything else
    (names and numbers too, under one spelling) 1. With several references the one that is covered best counts.
    Order, and what the answer says besides, do not matter: that is what ``groundedness`` and ``relevancy`` are for.
    An empty answer, and one that only declines, has what it has of the reference: nothing.

    The Azure Architecture Center's guide to the evaluation of RAG solutions ("Large language model end-to-end
    evaluation") calls an answer complete that answers all parts of the query; here the reference stands for those
    parts. Azure AI's response completeness and the recall of claims in RAGChecker (Ru et al. 2024) hold answers against
    a reference as this does. Others mean other things by the word: in RAGBench (Friel, Belyi and Sanyal 2024) it is the
    share of the *relevant context tokens* that the answer uses, which no reference is needed for.

    Raises :class:`UnscorableError` where no reference has a content word ("Yes.": ``exact_match`` can compare it), and
    where most letters of the answer are of scripts that no reference has.
    """

    name: ClassVar[str] = "completeness"
    use_case: ClassVar[str] = "RAG, summaries"
    judges: ClassVar[bool] = True
    finds: ClassVar[str] = "not in the answer"
    needs: ClassVar[tuple[str, ...]] = ("references",)

    def statistics(self, response: Response, case: Case) -> Statistics:
        """The score of one answer as a one-tuple."""
        found, _ = _best(response, case)
        return (found,)

    def signature(self, cases: object) -> dict[str, str]:
        """Names the method; its number changes with any change of words or weights."""
        return {"method": "lexical-1"}

    def explain(self, response: Response, case: Case) -> Explanation:
        """Every sentence of the best covered *reference* with the share of it that the answer has, and what is missing.

        Offsets count characters of that reference: ``worst`` is its sentence that the answer covers least, and
        ``unsupported`` its content words that the answer lacks. ``features`` has the shares of words, of numbers and
        of names, as far as the reference has any.
        """
        found, reference = _best(response, case)
        said = frozenset(words(response.text).stems)
        return Explanation(
            score=found,
            sentences=tuple(_sentences(reference, said)),
            unsupported=tuple(_missing(reference, said)),
            features=_features(reference, said),
        )


def _best(response: Response, case: Case) -> tuple[float, Words]:
    """The highest share over the references, and the reference that has it; the first of equals."""
    references = [_read(reference) for reference in references_of(case)]
    telling = [reference for reference in references if any(reference.weights)]
    if not telling:
        raise UnscorableError(f"{place(case)}: the reference has no content word to look for in an answer")
    _same_script(response.text, telling)
    said = frozenset(words(response.text).stems)
    shares = [_share(_content(reference), said) for reference in telling]
    best = max(range(len(shares)), key=shares.__getitem__)
    return shares[best], telling[best]


def _same_script(answer: str, references: Sequence[Words]) -> None:
    """Raise where the answer and the references can have no word in common, whatever the answer says."""
    known = scripts("".join(reference.text for reference in references))
    letters = Counter(filter(None, map(script, answer)))
    foreign = sum(count for name, count in letters.items() if name not in known)
    if known and 2 * foreign > letters.total():
        raise UnscorableError(
            f"nothing to compare: the answer is written in {letters.most_common(1)[0][0]} letters and its reference in "
            f"{', '.join(sorted(known))}; translate one of them"
        )


def _read(reference: str) -> Words:
    return _READ.get(reference, len(reference), lambda: words(reference))


def _content(text: Words) -> dict[str, float]:
    """Content stems with their weights; a stem that is written in two ways has the greater weight."""
    found: dict[str, float] = {}
    for stem, weight in zip(text.stems, text.weights, strict=True):
        if weight:
            found[stem] = max(found.get(stem, 0.0), weight)
    return found


def _share(wanted: Mapping[str, float], said: frozenset[str]) -> float:
    """Weighted share of the wanted stems that are said; six digits, so that platforms agree."""
    return round(sum(weight for stem, weight in wanted.items() if stem in said) / sum(wanted.values()), 6)


def _sentences(reference: Words, said: frozenset[str]) -> Iterator[SentenceSupport]:
    """The sentences of a reference that say anything."""
    for start, end in sentences(reference.text):
        text = reference.text[start:end]
        if wanted := _content(words(text)):
            yield SentenceSupport(start=start, end=end, text=text, support=_share(wanted, said))


def _missing(reference: Words, said: frozenset[str]) -> list[UnsupportedSpan]:
    """Content words that are not said; overlapping character pairs become one span."""
    merged: list[tuple[int, int]] = []
    for stem, weight, (start, end) in zip(reference.stems, reference.weights, reference.spans, strict=True):
        if weight and stem not in said:
            first = merged.pop()[0] if merged and start < merged[-1][1] else start
            merged.append((first, end))
    return [UnsupportedSpan(start=start, end=end, text=reference.text[start:end]) for start, end in merged]


def _features(reference: Words, said: frozenset[str]) -> dict[str, float]:
    wanted = _content(reference)
    openings = {start for start, _ in sentences(reference.text)}
    names = {
        stem
        for stem, (start, _) in zip(reference.stems, reference.spans, strict=True)
        if start not in openings and reference.text[start].isupper()
    }
    kinds = {
        "words": wanted,
        "numbers": {stem: weight for stem, weight in wanted.items() if stem[0].isdigit()},
        "names": {stem: weight for stem, weight in wanted.items() if stem in names},
    }
    return {name: _share(stems, said) for name, stems in kinds.items() if stems}
