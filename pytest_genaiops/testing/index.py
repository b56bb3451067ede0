"""A search index in memory, whose faults are those of real ones, for the tests of probes and of people's own."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding import Entry, Hit, Mode, Query
from pytest_genaiops.grounding.index import MODES
from pytest_genaiops.registry import did_you_mean

INDEX_FAULTS: Mapping[str, str] = {
    "stale text": "a chunk that is added again keeps its old text",
    "lost update": "a chunk that is added again is passed over",
    "lost chunk": "every third chunk of a call is not added",
    "duplicate id": "a chunk that is added again stands beside the old one",
    "tombstone": "what is deleted is no longer listed, and found as before",
    "full-text kept": "deleting forgets the part for full text",
    "vector kept": "deleting forgets the part for vectors",
    "copy kept": "every text is kept under another id as well, which deleting does not know",
    "orphan embedding": "every embedding is kept under another id as well, which is not listed",
    "wrong model": "every third embedding comes from another model of the same width",
    "other model": "every third chunk names another model",
    "old hash": "a chunk that is added again keeps the hash of its old text",
    "wrong width": "every third embedding lacks its last number",
    "no number": "every third embedding has NaN",
    "zero": "every third embedding is zero",
    "late": "what is added is found after `delay` seconds",
    "tenth fails": "every tenth search raises ConnectionError",
    "order": "results by full text come the wrong way round",
    "vector only": "every search answers as search by vector does",
    "words only": "every search answers as search by full text does",
}
"""What each fault of a :class:`FakeIndex` does, by name."""

FUSION = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""
Ranking: TypeAlias = list[tuple[str, float]]
"""(id, score), best first."""

_WORD = re.compile(r"\w+")


class FakeIndex:
    """An index for ``index_probe``: a user's own takes the same four methods.

    It has a part for each kind of search, as engines do, and ranks full text by the inverse document frequency of the
    words in common, vectors by their cosine, and hybrid search by reciprocal rank fusion; equal scores by id.

    Args:
        fault: what goes wrong, by a name of ``INDEX_FAULTS``, from now on; may be changed while it is used.
        modes: the searches that it has.
        delay: seconds until what is added is found, with the fault ``late``.
        now: the clock of that.

    Raises:
        UsageError: for an unknown fault.
    """

    def __init__(
        self,
        *,
        fault: str | None = None,
        modes: Sequence[Mode] = MODES,
        delay: float = 1.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fault = fault
        self.modes = tuple(modes)
        self.searches = 0
        """Searches that it was asked for."""
        self._delay = delay
        self._now = now
        self._parts: dict[str, dict[str, Entry]] = {name: {} for name in ("list", *MODES[:3])}
        self._again: list[Entry] = []
        """Listed a second time."""
        self._born: dict[str, float] = {}
        self._made: dict[str, Any] = {}
        """What searches need beside the parts; made anew after each change."""

    @property
    def fault(self) -> str | None:
        """What goes wrong."""
        return self._fault

    @fault.setter
    def fault(self, fault: str | None) -> None:
        if fault is not None and fault not in INDEX_FAULTS:
            raise UsageError(f"an unknown fault {fault!r}; {did_you_mean(str(fault), list(INDEX_FAULTS))}")
        self._fault = fault

    def add(self, chunks: Sequence[Entry]) -> None:
        """Add chunks, or replace those of the same id."""
        self._made.clear()
        for number, chunk in enumerate(chunks, start=1):
            old = self._parts["list"].get(chunk.id)
            if (self._fault == "lost update" and old) or (self._fault == "lost chunk" and number % 3 == 0):
                continue
            if self._fault == "duplicate id" and old:
                self._again.append(old)
            made = self._spoilt(chunk, old, odd=number % 3 == 0)
            self._born[made.id] = self._now()
            for part in self._parts.values():
                part[made.id] = made
            self._shadow(made)

    def delete(self, documents: Sequence[str]) -> None:
        """Remove the chunks of these documents."""
        self._remove(lambda chunk: chunk.of in documents)

    def delete_chunk(self, name: str) -> None:
        """Remove one chunk, as services do that know no documents."""
        self._remove(lambda chunk: chunk.id == name)

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        """The best ``k`` chunks. Raises ConnectionError with the fault ``tenth fails``."""
        self.searches += 1
        if self._fault == "tenth fails" and self.searches % 10 == 0:
            raise ConnectionError("a fake drop of the connection")
        mode = _INSTEAD.get(self._fault or "", mode)
        if mode == "hybrid":
            found = _fused(self._ranked("full-text", query), self._ranked("vector", query))
        else:
            found = self._ranked(mode, query)
        if self._fault == "order" and mode == "full-text":
            found = found[::-1]
        everything = {**self._parts["vector"], **self._parts["full-text"]}
        seen = [(name, score) for name, score in found if self._visible(name)][:k]
        return [
            Hit(id=name, document=everything[name].document, text=everything[name].text, score=score)
            for name, score in seen
        ]

    def __repr__(self) -> str:
        return f"<FakeIndex, {len(self._parts['list']):,} chunks>"

    def list(self) -> Iterator[Entry]:
        """Every chunk, in the order in which they came."""
        yield from self._parts["list"].values()
        yield from self._again

    def _remove(self, meant: Callable[[Entry], bool]) -> None:
        self._made.clear()
        kept = _KEPT.get(self._fault or "", ())
        for name, part in self._parts.items():
            if name not in kept:
                for chunk in [*filter(meant, part.values())]:
                    del part[chunk.id]
        self._again = [chunk for chunk in self._again if not meant(chunk)]

    def _spoilt(self, chunk: Entry, old: Entry | None, *, odd: bool) -> Entry:
        """A chunk as the index takes it in."""
        if old is not None and self._fault == "stale text":
            return replace(chunk, text=old.text)
        if old is not None and self._fault == "old hash":
            return replace(chunk, text_hash=old.text_hash)
        if odd and self._fault == "other model":
            return replace(chunk, model="another-model")
        spoil = _VECTORS.get(self._fault or "")
        if odd and chunk.embedding is not None and spoil is not None:
            return replace(chunk, embedding=spoil([*chunk.embedding]))
        return chunk

    def _shadow(self, chunk: Entry) -> None:
        """Keep under another id what should be there once."""
        if self._fault == "copy kept":
            for part in self._parts.values():
                part[f"{chunk.id}~"] = replace(chunk, id=f"{chunk.id}~", document="archive")
        if self._fault == "orphan embedding" and chunk.embedding is not None:
            self._parts["vector"][f"{chunk.id}~"] = replace(chunk, id=f"{chunk.id}~", document=None, text=None)

    def _visible(self, name: str) -> bool:
        return self._fault != "late" or self._now() >= self._born.get(name, -math.inf) + self._delay

    def _ranked(self, mode: str, query: Query) -> Ranking:
        """(id, score) of what a part finds, best first."""
        part = self._parts[mode]
        if mode == "exact":
            return [
                (name, 1.0) for name, chunk in sorted(part.items()) if query.text and query.text in (chunk.text or "")
            ]
        scores = self._by_vector(part, query) if mode == "vector" else self._by_words(part, query.text)
        return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))

    def _by_words(self, part: Mapping[str, Entry], text: str) -> dict[str, float]:
        if "words" not in self._made:
            words: dict[str, list[str]] = {}
            for name, chunk in part.items():
                for word in set(_WORD.findall((chunk.text or "").lower())):
                    words.setdefault(word, []).append(name)
            self._made["words"] = words
        scores: Counter[str] = Counter()
        for word in sorted(set(_WORD.findall(text.lower()))):
            names = self._made["words"].get(word, ())
            for name in names:
                scores[name] += math.log(1 + len(part) / len(names))  # type: ignore[assignment]
        return dict(scores)

    def _by_vector(self, part: Mapping[str, Entry], query: Query) -> dict[str, float]:
        import numpy as np

        if query.embedding is None:
            raise ValueError("a search by vector needs an embedding")
        wanted = np.asarray(query.embedding, float)
        if "vectors" not in self._made:
            having = {name: chunk.embedding for name, chunk in part.items() if chunk.embedding is not None}
            matrix = np.zeros((len(having), len(wanted)))
            for row, vector in zip(matrix, having.values(), strict=True):
                row[: len(vector)] = np.nan_to_num(np.asarray(vector, float))[: len(row)]
            norms = np.linalg.norm(matrix, axis=1)
            self._made["vectors"] = list(having), matrix / np.where(norms > 0, norms, 1)[:, None]
        names, matrix = self._made["vectors"]
        return dict(zip(names, (matrix @ (wanted / (np.linalg.norm(wanted) or 1))).tolist(), strict=True))


def _fused(*rankings: Ranking) -> Ranking:
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, (name, _) in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (FUSION + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


_INSTEAD: Mapping[str, Mode] = {"vector only": "vector", "words only": "full-text"}
"""Fault -> the search that answers, whichever is asked."""
_KEPT: Mapping[str, Sequence[str]] = {
    "tombstone": ("exact", "full-text", "vector"),
    "full-text kept": ("full-text",),
    "vector kept": ("vector",),
}
"""Fault -> the parts that deleting forgets."""
_VECTORS: Mapping[str, Callable[[list[float]], list[float]]] = {
    "wrong model": lambda vector: vector[::-1],
    "wrong width": lambda vector: vector[:-1],
    "no number": lambda vector: [math.nan, *vector[1:]],
    "zero": lambda vector: [0.0] * len(vector),
}
