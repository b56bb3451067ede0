"""Whether each search is the one that it is asked for, whatever another index does."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.grounding.index import BY_VECTOR, Entry, Hit, Mode, Query
from pytest_genaiops.grounding.probe_asking import Asked, Vector, embedding_of
from pytest_genaiops.grounding.probe_fresh import PASSAGE, PHRASE
from pytest_genaiops.grounding.probe_result import Finding, ProbeResult, distinct
from pytest_genaiops.grounding.probe_texts import phrases, words_of

PAIRS = 5
"""Pairs of chunks that every search is asked for."""
SAMPLE = 24
"""Chunks that pairs are made of, spread over the index."""
FEWEST = 3
"""Chunks that it takes to tell searches apart."""
DEPTH = 10
"""Results of each search that are looked at."""

_LETTERS = "jkqvwxz"
_LETTER_RUN = re.compile(f"[{_LETTERS}]{{3,}}")
_LENGTH = 12
_TRIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two chunks that have little in common: the words of one are asked with the embedding of the other."""

    words: Entry
    meaning: Entry
    vector: Vector | None
    """The embedding of ``meaning``."""


def told_apart(asked: Asked) -> ProbeResult:
    """Ask every search for the words of one chunk and the embedding of another, and for a word that no chunk has.

    A search by words finds nothing of the latter. Searches by vector find a chunk by its embedding beside either, and
    the one that is no hybrid finds the same; they are at fault where they err for every pair.
    """
    entries = asked.entries() or ()
    found: list[Finding] = []
    if not asked.faults:
        pairs = _pairs(asked, entries)
        nonsense = unknown_word(entry.text or "" for entry in entries)
        for mode in asked.index.modes:
            found += _by_vector(asked, pairs, mode, nonsense) if mode in BY_VECTOR else ()
            found += _by_words(asked, pairs, mode, nonsense) if mode not in BY_VECTOR else ()
    return ProbeResult(check="modes", findings=distinct([*found, *asked.faults]), looked=asked.looked)


def unknown_word(texts: Iterable[str]) -> str:
    """A word that no text holds, nor three letters of it in a row, so that an index of letter groups has none either.

    Where texts hold nearly all such groups, as encoded data does, no more is promised than that no text holds the word.
    """
    runs = {run for text in texts for run in _LETTER_RUN.findall(text.lower())}
    groups = {run[at : at + 3] for run in runs for at in range(len(run) - 2)}
    drawn = random.Random(0)  # noqa: S311 - no secret
    word = ""
    for _ in range(_TRIES):
        word = "".join(drawn.choices(_LETTERS, k=_LENGTH))
        if groups.isdisjoint(word[at : at + 3] for at in range(_LENGTH - 2)):
            return word
    while any(word in run for run in runs):
        word += drawn.choice(_LETTERS)
    return word


def _pairs(asked: Asked, entries: Sequence[Entry]) -> list[Pair]:
    with_text = [entry for entry in entries if (entry.text or "").strip()]
    chosen = [entry for entry in _spread(with_text, SAMPLE) if words_of(entry.text or "")]
    vectors = _vectors(asked, chosen)
    by_vector = [mode for mode in asked.index.modes if mode in BY_VECTOR]
    if by_vector:
        chosen = [entry for entry in chosen if entry.id in vectors]
    if len({entry.id for entry in chosen}) < FEWEST:
        what = "a text and an embedding; give embed=, or more chunks" if by_vector else "a text; give more chunks"
        asked.unprobed(f"fewer than {FEWEST} chunks have {what}, so that searches could not be told apart")
        return []
    return [
        Pair(words=_farthest(entry, chosen, vectors), meaning=entry, vector=vectors.get(entry.id))
        for entry in _spread(chosen, PAIRS)
    ]


def _vectors(asked: Asked, entries: Sequence[Entry]) -> dict[str, Vector]:
    found = {entry.id: vector for entry in entries if (vector := embedding_of(entry)) is not None}
    lacking = [entry for entry in entries if entry.id not in found]
    made = asked.vectors([entry.text or "" for entry in lacking]) if lacking else None
    return found | dict(zip((entry.id for entry in lacking), made or (), strict=False))


def _spread(entries: Sequence[Entry], most: int) -> list[Entry]:
    if len(entries) <= most:
        return list(entries)
    return [entries[number * len(entries) // most] for number in range(most)]


def _farthest(entry: Entry, others: Sequence[Entry], vectors: dict[str, Vector]) -> Entry:
    """The chunk whose embedding is least like that of an entry; without embeddings, the one with the fewest words in
    common."""
    if entry.id in vectors:
        return min((each for each in others if each.id != entry.id), key=lambda each: _cosine(vectors, entry, each))
    own = set(words_of(entry.text or ""))
    return min(
        (each for each in others if each.id != entry.id), key=lambda each: len(own & {*words_of(each.text or "")})
    )


def _cosine(vectors: dict[str, Vector], one: Entry, other: Entry) -> float:
    import numpy as np

    left, right = np.asarray(vectors[one.id]), np.asarray(vectors[other.id])
    if left.shape != right.shape:
        return 1.0
    return float(left @ right / ((np.linalg.norm(left) * np.linalg.norm(right)) or 1.0))


def _queries(pair: Pair, mode: Mode, nonsense: str) -> tuple[Query, Query]:
    """The word that nobody has, and the words of the other chunk; both with the embedding of the first one."""
    passage = phrases(pair.words.text or "", width=PHRASE if mode == "exact" else PASSAGE, most=1)[0]
    return Query(text=nonsense, embedding=pair.vector), Query(text=passage, embedding=pair.vector)


def _by_words(asked: Asked, pairs: Sequence[Pair], mode: Mode, nonsense: str) -> Iterator[Finding]:
    answers = list(_answers(asked, pairs, mode, nonsense))
    hit = next((hit for _, without, _ in answers for hit in without), None)
    if hit is not None:
        message = f"{mode} search gives {quoted(hit.id)} for a word that no chunk has: it does not go by words"
        yield Finding(kind="mode", message=message, chunk=hit.id, mode=mode)
    elif answers and not any(_has(asks, pair.words) for pair, _, asks in answers):
        name = quoted(answers[0][0].words.id)
        asked.unprobed(f"{mode} search does not find {name} by its words, so that nothing is known of it", mode=mode)


def _by_vector(asked: Asked, pairs: Sequence[Pair], mode: Mode, nonsense: str) -> Iterator[Finding]:
    answers = list(_answers(asked, pairs, mode, nonsense))
    if not answers:
        return
    message = ""
    same = [[hit.id for hit in without] == [hit.id for hit in asks] for _, without, asks in answers]
    if not any(_has(without, pair.meaning) for pair, without, _ in answers):
        message = (
            f"{mode} search finds no chunk by its embedding beside a word that none has: it does not go by vectors"
        )
    elif mode == "vector" and not any(same):
        message = (
            f"{mode} search gives other chunks for the same embedding beside other words: it goes by words as well"
        )
    elif mode == "hybrid" and all(same):
        message = f"{mode} search gives the same chunks whatever the words: it goes by vectors alone"
    if message:
        yield Finding(kind="mode", message=message, chunk=answers[0][0].meaning.id, mode=mode)


def _answers(
    asked: Asked, pairs: Sequence[Pair], mode: Mode, nonsense: str
) -> Iterator[tuple[Pair, Sequence[Hit], Sequence[Hit]]]:
    """Of each pair that could be asked, the hits for a word that nobody has, and those for words of a chunk."""
    for pair in pairs:
        without, asks = (asked.search(query, mode, DEPTH) for query in _queries(pair, mode, nonsense))
        if without is not None and asks is not None:
            yield pair, without, asks


def _has(hits: Sequence[Hit], entry: Entry) -> bool:
    return any(hit.id == entry.id for hit in hits)
