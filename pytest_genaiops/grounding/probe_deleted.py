"""Whether what was deleted is gone: from every search, from the listing, from answers and files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.grounding.index import BY_VECTOR, Entry, Hit, Mode, Query
from pytest_genaiops.grounding.probe_asking import Asked, Vector, embedding_of, text_of
from pytest_genaiops.grounding.probe_fresh import PASSAGE, PHRASE, Waiting, query_for
from pytest_genaiops.grounding.probe_result import Finding, distinct, listed_as
from pytest_genaiops.grounding.probe_texts import (
    QUOTED,
    Copies,
    Quoted,
    Shingles,
    phrases,
    quoted_of,
    quotes_of,
    shingles_of,
    words_of,
)

ASKED = 3
"""Passages of each chunk that are searched for."""
CONTROLS = 3
"""Chunks that stay, one of which a search must find that has found nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How deleted documents are looked for."""

    k: int = 10
    """Results of each search that are looked at."""
    threshold: float = 0.8
    """How much of the shorter of two texts must stand in the other to make it a copy (0-1)."""
    allowed: Collection[str] = ()
    """Documents that may hold the same words: theirs are no copies."""


@dataclass(slots=True, kw_only=True)
class Gone:
    """What should be gone, and how it is recognised."""

    chunks: Sequence[Entry]
    manner: Manner
    ids: frozenset[str] = field(init=False)
    documents: frozenset[str] = field(init=False)
    common: Shingles = frozenset()
    """Quotes that documents have which stay: they tell nothing."""
    _copies: Copies = field(init=False)

    def __post_init__(self) -> None:
        self.ids = frozenset(chunk.id for chunk in self.chunks)
        self.documents = frozenset(chunk.of for chunk in self.chunks)
        self._copies = Copies(self._texts(), threshold=self.manner.threshold)

    def is_one(self, entry: Entry | Hit) -> bool:
        """Whether an entry, or a hit, is one of the chunks, or belongs to one of the documents."""
        return entry.id in self.ids or entry.document in self.documents or entry.id in self.documents

    def copied(self, name: str, document: str | None, text: str | None) -> str | None:
        """What a text is a copy of and how much, for the end of a sentence; None where it is none, or is allowed."""
        if text is None or (document or name) in self.manner.allowed or name in self.manner.allowed:
            return None
        found = self._copies.of(text)
        return None if found is None else f"{found[1]:.0%} of the shorter of it and {quoted(found[0])} is the same"

    def wanted(self) -> Quoted:
        """What to look for in answers and files."""
        return quoted_of((chunk.text or "" for chunk in self.chunks), self.common)

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Every chunk, and every document as far as its chunks make it up: others may have cut it elsewhere."""
        whole: dict[str, list[str]] = {}
        for chunk in self.chunks:
            if chunk.text:
                yield chunk.id, chunk.text
                whole.setdefault(chunk.of, []).append(chunk.text)
        yield from ((document, "\n".join(texts)) for document, texts in whole.items() if len(texts) > 1)


def look(asked: Asked, gone: Gone, waiting: Waiting) -> list[Finding]:
    """What an index still has of deleted chunks, looked for until it has nothing or the time is over."""
    while True:
        findings = _looked(asked, gone)
        if not findings or not waiting.again():
            return [*findings, *asked.faults]


def _looked(asked: Asked, gone: Gone) -> list[Finding]:
    entries = asked.entries() or ()
    findings = list(_listed(entries, gone))
    flagged = {finding.chunk for finding in findings}
    staying = [entry for entry in entries if entry.id not in flagged]
    gone.common = _common(gone, staying)
    texts = {entry.id: entry.text for entry in entries if entry.text is not None}
    vectors = _vectors(asked, gone.chunks)
    for mode in asked.index.modes:
        queries = list(_queries(asked, gone, mode, vectors))
        if not queries:
            asked.unprobed(f"{mode} search: {_why_none(mode)}", mode=mode)
        answered = not queries
        for query in queries:
            hits = asked.search(query, mode, gone.manner.k)
            answered = answered or hits is None or bool(hits)
            findings.extend(_found(asked, gone, mode, hits or (), texts))
        if not answered:
            _control(asked, staying, mode, gone.manner.k)
    for document in sorted(gone.documents - {chunk.of for chunk in gone.chunks if words_of(chunk.text or "")}):
        asked.unprobed(f"{quoted(document)} has no text to look for; its ids alone were looked for", document=document)
    return list(distinct(findings))


def _control(asked: Asked, staying: Iterable[Entry], mode: Mode, k: int) -> None:
    """See that a search which has found nothing can find what is there: one that is broken forgets everything."""
    longest = sorted(staying, key=lambda entry: -len(entry.text or ""))
    telling = list(islice((entry for entry in longest if words_of(entry.text or "")), CONTROLS))
    queries = [query for entry in telling if (query := query_for(entry, mode)) is not None]
    if queries and not any(asked.search(query, mode, k) for query in queries):
        what = f"{mode} search finds nothing of {quoted(telling[0].id)} either, which is listed"
        asked.unprobed(f"{what}: that it finds nothing deleted proves nothing", mode=mode)


def _common(gone: Gone, staying: Iterable[Entry]) -> Shingles:
    """The quotes of what is gone that stand in documents which stay as well."""
    ours = quotes_of(chunk.text or "" for chunk in gone.chunks)
    found: set[tuple[str, ...]] = set()
    for entry in staying:
        found.update(ours.intersection(shingles_of(words_of(entry.text or ""), QUOTED)))
    return frozenset(found)


def _listed(entries: Sequence[Entry], gone: Gone) -> Iterator[Finding]:
    for entry in entries:
        if gone.is_one(entry):
            message = f"{quoted(entry.id)} of {quoted(entry.of)} was deleted and is still listed"
            yield listed_as("found", message, entry)
        elif (copied := gone.copied(entry.id, entry.document, entry.text)) is not None:
            message = f"{quoted(entry.id)} of {quoted(entry.of)} holds deleted text: {copied}"
            yield listed_as("copy", message, entry)


def _vectors(asked: Asked, chunks: Sequence[Entry]) -> dict[str, Vector]:
    """The embedding of each chunk: the one that it had, else one made of its text."""
    found = {chunk.id: vector for chunk in chunks if (vector := embedding_of(chunk)) is not None}
    lacking = [chunk for chunk in chunks if chunk.id not in found and chunk.text]
    if lacking and asked.embeds and set(BY_VECTOR) & set(asked.index.modes):
        made = asked.vectors([chunk.text or "" for chunk in lacking]) or ()
        found.update(zip((chunk.id for chunk in lacking), made, strict=False))
    return found


def _queries(asked: Asked, gone: Gone, mode: Mode, vectors: dict[str, Vector]) -> Iterator[Query]:
    """Passages of each chunk, the more telling ones first; searches by vector alone go by the chunk's own."""
    width = PHRASE if mode == "exact" else PASSAGE
    for chunk in gone.chunks:
        vector = vectors.get(chunk.id)
        texts = phrases(chunk.text or "", width=width, most=ASKED, common=gone.common)
        if mode in BY_VECTOR:
            if vector is None and texts:
                asked.unprobed(
                    f"{mode} search: {quoted(chunk.id)} has no embedding; give embed=", mode=mode, chunk=chunk.id
                )
            if vector is not None:
                yield from (Query(text=text, embedding=vector) for text in (texts[:1] if mode == "vector" else texts))
                if not texts and mode == "vector":
                    yield Query(embedding=vector)
        else:
            yield from (Query(text=text) for text in texts)


def _why_none(mode: Mode) -> str:
    what = "no deleted chunk has an embedding to search by" if mode in BY_VECTOR else "no deleted chunk has a text"
    return f"{what}, so that it could not be probed"


def _found(asked: Asked, gone: Gone, mode: Mode, hits: Sequence[Hit], texts: dict[str, str]) -> Iterator[Finding]:
    for rank, hit in enumerate(hits, start=1):
        if gone.is_one(hit):
            message = f"{quoted(hit.id)} was deleted and is still found by {mode} search"
            yield Finding(kind="found", message=message, chunk=hit.id, document=hit.document, mode=mode)
            continue
        text = text_of(hit, texts)
        if text is None:
            message = f"{mode} search gives {quoted(hit.id)} at rank {rank} without a text, and list() has none either"
            asked.unprobed(message, mode=mode, chunk=hit.id)
        elif (copied := gone.copied(hit.id, hit.document, text)) is not None:
            message = f"{mode} search gives {quoted(hit.id)}, which holds deleted text: {copied}"
            yield Finding(kind="copy", message=message, chunk=hit.id, document=hit.document, mode=mode)
