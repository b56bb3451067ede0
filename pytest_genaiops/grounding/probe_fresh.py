"""Whether a new document is retrieved soon enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.index import BY_VECTOR, Entry, Hit, Mode, Query
from pytest_genaiops.grounding.probe_asking import Asked, embedding_of, said
from pytest_genaiops.grounding.probe_result import Finding, ProbeResult, distinct
from pytest_genaiops.grounding.probe_texts import phrases
from pytest_genaiops.store.wanted import folded

PASSAGE = 24
"""Words of a query by words or vector."""
PHRASE = 8
"""Words of a query by what stands in a chunk as it is."""
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.01, 0.5, 1.5
"""Seconds between two looks: the first, the longest, and by how much each is longer than the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How time passes; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    """Seconds of a clock that never goes back."""
    sleep: Callable[[float], None] = time.sleep


class Waiting:
    """Pauses between looks until a deadline; the last look comes when the time is over."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.begun = clock.now()
        self._clock = clock
        self._deadline = self.begun + seconds
        self._pause = FIRST_PAUSE

    @property
    def passed(self) -> float:
        """Seconds since it began."""
        return self._clock.now() - self.begun

    def again(self) -> bool:
        """Wait a moment, and whether there is time for another look."""
        left = self._deadline - self._clock.now()
        if left <= 0:
            return False
        self._clock.sleep(min(self._pause, left))
        self._pause = min(self._pause * GROWTH, LONGEST_PAUSE)
        return True


def checked_seconds(within: object) -> float:
    """A time to wait. Raises UsageError for what is none."""
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0 <= within <= 86_400:
        raise UsageError(f"within={quoted(within)} is no time to wait; give seconds, from 0 to 86400")
    return float(within)


def fresh(asked: Asked, chunks: Sequence[Entry], *, within: float, k: int, clock: Clock) -> ProbeResult:
    """Add chunks, wait until every search retrieves each of them, and remove their documents.

    Raises UsageError for chunks without text, and for documents that the index has already.
    """
    _refuse_known(asked, chunks)
    if asked.faults:
        return ProbeResult(check="fresh", findings=distinct(asked.faults), looked=asked.looked)
    chunks = _embedded(asked, chunks)
    documents = sorted({chunk.of for chunk in chunks})
    waiting = Waiting(clock, within)
    seconds: dict[Mode, float] = {}
    try:
        findings = _awaited(asked, chunks, k, waiting, seconds) if asked.add(chunks) else []
    finally:
        error = asked.delete(documents)
    if error is not None:
        what = f"the probe's own document {quoted(documents[0])} could not be removed: {said(error)}"
        findings.append(Finding(kind="left", message=f"{what}; remove it by hand", document=documents[0]))
    return ProbeResult(
        check="fresh",
        findings=distinct([*findings, *asked.faults]),
        looked=asked.looked,
        seconds=MappingProxyType(seconds),
    )


def _refuse_known(asked: Asked, chunks: Sequence[Entry]) -> None:
    """The probe removes what it adds: it must not be anybody's."""
    for chunk in chunks:
        if not phrases(chunk.text or "", width=PHRASE, most=1):
            raise UsageError(f"fresh: the chunk {quoted(chunk.id)} has no text to look for; give it a few words")
    ids, documents = {chunk.id for chunk in chunks}, {chunk.of for chunk in chunks}
    for entry in asked.entries() or ():
        if entry.id in ids or entry.of in documents:
            what = f"fresh: the index has {quoted(entry.of)} already, and the probe would remove it"
            raise UsageError(f"{what}; give the probe's document an id of its own")


def _embedded(asked: Asked, chunks: Sequence[Entry]) -> list[Entry]:
    lacking = [chunk for chunk in chunks if chunk.embedding is None]
    vectors = asked.vectors([chunk.text or "" for chunk in lacking]) if lacking else []
    if not vectors:
        return list(chunks)
    found = dict(zip([chunk.id for chunk in lacking], vectors, strict=True))
    return [replace(chunk, embedding=found.get(chunk.id, chunk.embedding)) for chunk in chunks]


def _awaited(
    asked: Asked, chunks: Sequence[Entry], k: int, waiting: Waiting, seconds: dict[Mode, float]
) -> list[Finding]:
    """Look again and again for what has not been retrieved yet; gives what is late, or has another text."""
    pending: dict[tuple[Mode, str], tuple[Query, Entry]] = {}
    for mode in asked.index.modes:
        for chunk in chunks:
            query = query_for(chunk, mode)
            if query is None:
                asked.unprobed(f"{mode} search: {quoted(chunk.id)} has no embedding; give embed=", mode=mode)
            else:
                pending[mode, chunk.id] = query, chunk
    modes = {mode for mode, _ in pending}
    findings: list[Finding] = []
    while True:
        for (mode, name), (query, chunk) in list(pending.items()):
            hits = asked.search(query, mode, k) or ()
            ours = [hit for hit in hits if hit.id == name]
            if ours:
                del pending[mode, name]
                findings += _odd(chunk, mode, ours)
        for mode in modes - {mode for mode, _ in pending} - seconds.keys():
            seconds[mode] = waiting.passed
        if not pending or not waiting.again():
            break
    return [*findings, *(_late(chunk, mode, waiting, k) for (mode, _), (_, chunk) in pending.items())]


def query_for(chunk: Entry, mode: Mode) -> Query | None:
    """A search that should find a chunk, which has a text; None where it would take an embedding that there is not."""
    vector = embedding_of(chunk)
    if mode in BY_VECTOR and vector is None:
        return None
    text = phrases(chunk.text or "", width=PHRASE if mode == "exact" else PASSAGE, most=1)[0]
    return Query(text=text, embedding=vector)


def _late(chunk: Entry, mode: Mode, waiting: Waiting, k: int) -> Finding:
    seconds = f"{waiting.passed:.3g} s after it was added"
    message = f"{quoted(chunk.id)} is not among the first {k} of {mode} search {seconds}"
    return Finding(kind="late", message=message, chunk=chunk.id, document=chunk.of, mode=mode)


def _odd(chunk: Entry, mode: Mode, hits: Sequence[Hit]) -> Iterator[Finding]:
    """What is wrong with the hits of a chunk: there should be one, with its text."""
    if len(hits) > 1:
        message = f"{quoted(chunk.id)} comes {len(hits)} times from {mode} search"
        yield Finding(kind="duplicate", message=message, chunk=chunk.id, document=chunk.of, mode=mode)
    if any(hit.text is not None and folded(hit.text) != folded(chunk.text or "") for hit in hits):
        message = f"{quoted(chunk.id)} comes from {mode} search with another text than it was added with"
        yield Finding(kind="differs", message=message, chunk=chunk.id, document=chunk.of, mode=mode)
    other = next((hit.document for hit in hits if hit.document not in (None, chunk.of)), None)
    if other is not None:
        message = f"{quoted(chunk.id)} of {quoted(chunk.of)} comes from {mode} search as a part of {quoted(other)}"
        yield Finding(kind="differs", message=message, chunk=chunk.id, document=chunk.of, mode=mode)
