"""Asks an index, which is somebody else's: what it raises, or gives that it should not, becomes a finding."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from pytest_genaiops.clients.secrets import without_secrets
from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.grounding.index import Entry, Hit, Index, Mode, Query
from pytest_genaiops.grounding.probe_result import Finding
from pytest_genaiops.run.guard import attempt, describe

Vector: TypeAlias = tuple[float, ...]
Embed: TypeAlias = Callable[[list[str]], Sequence[Sequence[float]]]
"""Texts to their vectors, one each, as the application embeds what it adds."""

MOST = 5_000_000
"""Chunks that an index may list: one that never ends would fill the memory."""
PATIENCE = 5
"""Failures of one search in a row after which it is given up."""
_LONGEST = 200
_TEXTS_OF_HIT = ("document", "text")
_TEXTS_OF_ENTRY = ("document", "text", "model", "text_hash")
_BATCH = 256
"""Texts that are embedded by one call: services take so many."""


class Asked:
    """An index while one check asks it: counts what is asked, and collects what could not be."""

    def __init__(self, index: Index, embed: Embed | None = None, *, name: str = "index") -> None:
        self.index = index
        self.name = name
        self.faults: list[Finding] = []
        """Everything that could not be probed."""
        self._embed = embed
        self._queries: Counter[str] = Counter()
        self._failing: Counter[str] = Counter()
        self._listed: int | None = None

    @property
    def embeds(self) -> bool:
        """Whether there is a way to embed texts."""
        return self._embed is not None

    @property
    def looked(self) -> tuple[str, ...]:
        """What was asked, in words."""
        listed = () if self._listed is None else (f"list() of {_counted(self._listed, 'chunk')}",)
        of = "" if self.name == "index" else f" of {self.name}"
        asked = (f"{mode} search ({_counted(number, 'query')})" for mode, number in self._queries.items())
        return tuple(f"{each}{of}" for each in (*listed, *asked))

    def search(self, query: Query, mode: Mode, k: int) -> tuple[Hit, ...] | None:
        """The hits of one search; None where it failed, which is among the faults then.

        One that failed ``PATIENCE`` times in a row is not asked any more: a service that is down takes long to say so.
        """
        if self._failing[mode] >= PATIENCE:
            return None
        self._queries[mode] += 1
        found = self._tried(lambda: tuple(islice(self.index.search(query, mode, k), k)), f"{mode} search", mode=mode)
        self._failing[mode] = self._failing[mode] + 1 if found is None else 0
        if self._failing[mode] == PATIENCE:
            what = f"{self.name}: {mode} search failed {PATIENCE} times in a row, and was not asked any more"
            self._fault(what, mode=mode)
        if found is None:
            return None
        for hit in found:
            if not isinstance(hit, Hit) or not _sound(hit, _TEXTS_OF_HIT):
                what = f"{self.name}: {mode} search gave {quoted(hit)}, whose id, document and text are not texts"
                self._fault(what, mode=mode)
                return None
        hits: tuple[Hit, ...] = found
        return hits

    def entries(self) -> tuple[Entry, ...] | None:
        """Every chunk that the index lists; None where it could not be listed, which is among the faults then."""
        found = self._tried(lambda: tuple(islice(self.index.list(), MOST + 1)), "list()")
        if found is None:
            return None
        if len(found) > MOST:
            self._fault(f"{self.name}: list() gives more than {MOST:,} chunks, which is more than can be compared")
            return None
        for entry in found:
            if not isinstance(entry, Entry) or not _sound(entry, _TEXTS_OF_ENTRY):
                self._fault(f"{self.name}: list() gave {quoted(entry)}, whose id, document and text are not texts")
                return None
        entries: tuple[Entry, ...] = found
        self._listed = len(entries)
        return entries

    def add(self, chunks: Sequence[Entry]) -> bool:
        """Whether chunks could be added."""
        before = len(self.faults)
        self._tried(partial(self.index.add, chunks), "add()")
        return len(self.faults) == before

    def delete(self, documents: Sequence[str]) -> Exception | None:
        """Remove documents; gives what was raised."""
        _, error = attempt(self.index.delete, documents)
        return error if isinstance(error, Exception) else None

    def vectors(self, texts: Sequence[str]) -> list[Vector] | None:
        """The vectors of texts by ``embed``; None where there is none, or it failed, which is a fault then."""
        if self._embed is None:
            return None
        embed = self._embed
        batches = [list(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        found = self._tried(lambda: [vector_of(each) for batch in batches for each in embed(batch)], "embed")
        if found is not None and len(found) != len(texts):
            self._fault(f"embed gave {_counted(len(found), 'vector')} for {_counted(len(texts), 'text')}")
            return None
        vectors: list[Vector] | None = found
        return vectors

    def unprobed(self, message: str, *, mode: Mode | None = None, **about: str | None) -> None:
        """Note that something could not be looked at."""
        self._fault(message, mode=mode, **about)

    def _tried(self, ask: Callable[[], Any], what: str, *, mode: Mode | None = None) -> Any:
        found, error = attempt(ask)
        if error is not None:
            self._fault(f"{self.name}: {what} could not be probed: {said(error)}", mode=mode)
        return found

    def _fault(self, message: str, *, mode: Mode | None = None, **about: str | None) -> None:
        self.faults.append(Finding(kind="unprobed", message=message, mode=mode, where=self.name, **about))


def _sound(given: Entry | Hit, texts: Sequence[str]) -> bool:
    """Whether an id is a text, and the others are texts as far as they are given: services send anything."""
    return isinstance(given.id, str) and all(isinstance(getattr(given, name), str | None) for name in texts)


def said(error: BaseException) -> str:
    """What somebody else's code raised, on one line, without secrets, and bounded."""
    text = printable(without_secrets(describe(error)[:4096]))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def vector_of(given: Iterable[Any]) -> Vector:
    """A vector as plain numbers. Raises TypeError or ValueError for what has none."""
    return tuple(map(float, given))


def embedding_of(entry: Entry) -> Vector | None:
    """An entry's embedding as finite numbers that are not all zero; None where it has none, or it is no such vector."""
    if entry.embedding is None:
        return None
    found, error = attempt(partial(vector_of, entry.embedding))
    if error is not None or not all(map(math.isfinite, found)) or not any(found):
        return None
    vector: Vector = found
    return vector


def text_of(hit: Hit, listed: Mapping[str, str]) -> str | None:
    """The text of a hit: its own, else the one that the index lists under its id."""
    return hit.text if hit.text is not None else listed.get(hit.id)


def _counted(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
