"""What a judge is shown: blocks of a case and its response, whole where they are not too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.judged.asking import Block
from pytest_genaiops.metrics.lexical.text import question_of, sentences, words
from pytest_genaiops.metrics.rows import references_of
from pytest_genaiops.records import Case, Response

LONGEST = 60_000
"""Characters of all contexts that a judge is shown; some 15,000 tokens of English."""
LONGEST_OTHER = 100_000
"""Characters of a question or of the references: longer ones are not judged, as answers are not."""
GAP = 2
"""Characters between pieces that are shown as they are: the space or the line end after a sentence."""
PIECE = 1_000
"""Characters of the pieces that are chosen from where the contexts are longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The contexts as a judge sees them."""

    texts: Mapping[int, str]
    """Number (from 1) of a context -> what is shown of it; those that are blank, or wholly left out, are missing."""
    count: int
    """Of the contexts that hold something."""
    characters: int
    """Of all contexts."""
    left_out: int = 0
    """Characters that the judge does not see."""

    @property
    def blocks(self) -> list[Block]:
        """One for each context."""
        return [(f"context {number}", text) for number, text in self.texts.items()]

    @property
    def note(self) -> str:
        """What has to be said of it; empty where everything is shown."""
        if not self.left_out:
            return ""
        seen = f"{self.characters - self.left_out:,} of {self.characters:,}"
        return f"the judge saw {seen} characters of the contexts, those nearest to the answer and the question"


def answer_block(response: Response) -> Block:
    """The answer. Raises UnscorableError where it is empty."""
    if not response.text.strip():
        raise UnscorableError("nothing to judge: the answer is empty")
    return "answer", response.text


def question_block(case: Case) -> Block:
    """The question. Raises UnscorableError where there is none."""
    question = question_of(case)
    if question is None:
        raise UnscorableError("no question: the case has no text under the inputs 'question', 'input' or 'query'")
    return "question", _bounded("question", question)


def question_blocks(case: Case) -> list[Block]:
    """The question, where there is one."""
    return [] if question_of(case) is None else [question_block(case)]


def reference_blocks(case: Case) -> list[Block]:
    """The references. Raises UnscorableError where there is none."""
    references = [each for each in references_of(case) if each.strip()]
    _bounded("reference", "".join(references))
    return [(f"reference {i}" if len(references) > 1 else "reference", text) for i, text in enumerate(references, 1)]


def contexts_of(response: Response, case: Case, near: Sequence[str] = ()) -> Shown:
    """The contexts of the response, else of the case; where they are too long, the pieces with most words of ``near``.

    Raises UnscorableError where there is none, or nothing in them.
    """
    contexts = response.contexts if response.contexts is not None else case.contexts
    if contexts is None:
        raise UnscorableError("nothing to ground: neither the response nor the case has contexts")
    given = {number: text for number, text in enumerate(contexts, 1) if text.strip()}
    if not given:
        raise UnscorableError("nothing to ground the answer in: its contexts are empty")
    characters = sum(map(len, given.values()))
    if characters <= LONGEST:
        return Shown(texts=given, count=len(given), characters=characters)
    chosen = _chosen(given, near)
    seen = sum(end - start for spans in chosen.values() for start, end in spans)
    texts = {number: "\n[…]\n".join(given[number][a:b] for a, b in spans) for number, spans in chosen.items()}
    return Shown(texts=texts, count=len(given), characters=characters, left_out=characters - seen)


def _bounded(what: str, text: str) -> str:
    if len(text) > LONGEST_OTHER:
        raise UnscorableError(
            f"the {what} has {len(text):,} characters, more than the {LONGEST_OTHER:,} that are judged"
        )
    return text


def _chosen(contexts: Mapping[int, str], near: Sequence[str]) -> dict[int, list[tuple[int, int]]]:
    """Number -> the spans that are shown of a context, in their order; those that touch are one."""
    wanted = {stem for text in near for stem in words(text).stems}
    pieces = [(_weight(text[a:b], wanted), n, a, b) for n, text in contexts.items() for a, b in _pieces(text)]
    room, found = LONGEST, []
    for _, number, start, end in sorted(pieces, key=lambda piece: (-piece[0], *piece[1:])):
        if end - start <= room:
            room -= end - start
            found.append((number, start, end))
    spans: dict[int, list[tuple[int, int]]] = {}
    for number, start, end in sorted(found):
        known = spans.setdefault(number, [])
        touches = bool(known) and start - known[-1][1] <= GAP
        known.append((known.pop()[0] if touches else start, end))
    return spans


def _weight(piece: str, wanted: set[str]) -> float:
    """How much of what is wanted stands in a piece."""
    found = words(piece)
    return sum(
        {stem: weight for stem, weight in zip(found.stems, found.weights, strict=True) if stem in wanted}.values()
    )


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Spans of whole sentences, as many as fit; a longer sentence is cut."""
    start = end = 0
    for left, right in sentences(text):
        if right - start > PIECE and end > start:
            yield start, end
            start = left
        elif end == start:
            start = left
        while right - start > PIECE:
            yield start, start + PIECE
            start += PIECE
        end = right
    if end > start:
        yield start, end
