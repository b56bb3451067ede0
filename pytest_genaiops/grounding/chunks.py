"""Checks of chunks: sizes, empty ones and copies, overlap, what is lost of the sources, ids that stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import cached_property
from typing import Any

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError
from pytest_genaiops.grounding.chunks_builds import Stability, stability
from pytest_genaiops.grounding.chunks_flaws import Flaw, Flaws, Spread, spread
from pytest_genaiops.grounding.chunks_places import Coverage, Overlap, by_source, coverage, difference, shared
from pytest_genaiops.grounding.chunks_read import Chunk, chunks_of, sources_of
from pytest_genaiops.grounding.near import near_copies

UNITS = ("characters", "words")
_GARBLED = re.compile("[\ud800-\udfff\ufffd\0\x80-\x84\x86-\x9f]|Ã[\xa0-\xbf]|â€")
"""The last two are UTF-8 that was read as Latin-1 or Windows-1252: é and a quotation mark, say."""


class ChunkChecks:
    """What is to be known of the chunks of a corpus. Each check is worked out when it is asked for, once."""

    def __init__(self, chunks: list[Chunk], sources: Mapping[str, str] | None, unit: Any, near: float) -> None:
        self.chunks = chunks
        self.sources = sources
        self._unit = unit
        self._near = near

    def __len__(self) -> int:
        return len(self.chunks)

    def __repr__(self) -> str:
        return f"<checks of {len(self):,} chunks>"

    @cached_property
    def sizes(self) -> Spread:
        """How long the chunks are, in the unit that was asked for."""
        return spread(self._sizes)

    def outside(self, low: float, high: float) -> Flaws:
        """Chunks that are shorter than ``low`` or longer than ``high``, in the unit of :attr:`sizes`.

        Those that are farthest off come first. Raises MetricError where no size is within.
        """
        if not low <= high:
            raise MetricError(f"chunk_checks: no size is from {low!r} to {high!r}; give the smaller number first")
        off = [
            (max(low - size, size - high), size, chunk) for size, chunk in zip(self._sizes, self.chunks, strict=True)
        ]
        worst = sorted((each for each in off if each[0] > 0), key=lambda each: -each[0])
        unit = self._unit if isinstance(self._unit, str) else "tokens"
        return self._flaws((chunk, f"it has {size:,} {unit}") for _, size, chunk in worst)

    @cached_property
    def empty(self) -> Flaws:
        """Chunks with nothing but white space."""
        return self._flaws((chunk, "it is empty") for chunk in self.chunks if not chunk.text.strip())

    @cached_property
    def garbled(self) -> Flaws:
        """Chunks with half of a surrogate pair, U+FFFD, NUL, or UTF-8 read as another encoding: a file was misread."""
        found = ((chunk, _GARBLED.search(chunk.text)) for chunk in self.chunks)
        return self._flaws((c, f"it holds {m.group()!a} at character {m.start()}") for c, m in found if m is not None)

    @cached_property
    def duplicate_ids(self) -> Flaws:
        """Chunks whose id an earlier one has: an index keeps one of the two. Raises MetricError without ids."""
        missing = next((chunk for chunk in self.chunks if chunk.id is None), None)
        if missing is not None:
            raise MetricError(f"chunk_checks: chunk {missing.name} has no id; give every chunk one")
        return self._flaws(self._again(lambda chunk: chunk.id, "it has the id of chunk"))

    @cached_property
    def duplicates(self) -> Flaws:
        """Chunks whose text is, to the letter, that of an earlier one; empty ones are not among them."""
        return self._flaws(
            self._again(lambda chunk: chunk.text if chunk.text.strip() else None, "it has the text of chunk")
        )

    @cached_property
    def near_duplicates(self) -> Flaws:
        """Chunks that say nearly the same as an earlier one: see :func:`~pytest_genaiops.grounding.near.near_copies`.

        Those that say the same to the letter are under :attr:`duplicates`.
        """
        texts = [chunk.text for chunk in self.chunks]
        best: dict[int, tuple[float, int]] = {}
        exact = {flaw.position for flaw in self.duplicates}
        for earlier, later, index in near_copies(texts, threshold=self._near):
            if later not in exact and (later not in best or index > best[later][0]):
                best[later] = index, earlier
        worst = sorted(best.items(), key=lambda each: (-each[1][0], each[0]))
        return self._flaws(
            (self.chunks[place], f"it is nearly chunk {self.chunks[other].name} ({index:.2f})")
            for place, (index, other) in worst
        )

    @cached_property
    def misplaced(self) -> Flaws:
        """Chunks whose start and end are no span of their source; they cover nothing. Raises as :attr:`coverage`."""
        self._check_places()
        found = ((chunk, self._misplaced(chunk)) for chunk in self.chunks)
        return self._flaws((chunk, reason) for chunk, reason in found if reason)

    @cached_property
    def differing(self) -> Flaws:
        """Chunks whose text is not what stands in their source from start to end. Raises as :attr:`coverage`.

        A chunk that is given a title for its search belongs here without it.
        """
        return self._flaws(self._differing(self._texts()))

    @cached_property
    def overlap(self) -> Overlap:
        """What neighbours in a source have in common.

        Raises MetricError where a chunk does not tell its source, start and end, or where there are no neighbours.
        """
        self._check_places()
        found = list(shared(by_source(self._well_placed())))
        if not found:
            raise MetricError("chunk_checks: no source has two chunks, so there is no overlap to measure")
        return Overlap(
            characters=spread([characters for characters, _ in found]), share=spread([share for _, share in found])
        )

    @cached_property
    def coverage(self) -> Coverage:
        """How much of the sources stands in a chunk.

        Raises MetricError where the sources were not given, where there is nothing in any of them, or where a chunk
        does not tell its source, start and end.
        """
        found = coverage(self._texts(), by_source(self._well_placed()))
        if not found.by_source:
            raise MetricError(
                "chunk_checks: all sources are empty, so there is nothing to cover; look at what reads them"
            )
        return found

    def stable_with(self, other: Any) -> Stability:
        """Whether chunks of unchanged sources have the ids and texts that another build gave them.

        Args:
            other: the checks of the other build, or its chunks. Where both have sources, only those with the same text
                in both count.

        Raises MetricError where a chunk has no id, or no source is the same.
        """
        theirs = other if isinstance(other, ChunkChecks) else chunk_checks(other)
        unchanged = None
        if self.sources is not None and theirs.sources is not None:
            unchanged = {name for name, text in self.sources.items() if theirs.sources.get(name) == text}
        return stability(self.chunks, theirs.chunks, unchanged)

    @cached_property
    def _sizes(self) -> list[int]:
        return [_size(self._unit, chunk) for chunk in self.chunks]

    def _flaws(self, found: Iterable[tuple[Chunk, str]]) -> Flaws:
        flaws = (Flaw(position=chunk.position, chunk=chunk.name, reason=reason) for chunk, reason in found)
        return Flaws(flaws, len(self.chunks))

    def _again(self, key: Callable[[Chunk], str | None], reason: str) -> Iterator[tuple[Chunk, str]]:
        first: dict[str, Chunk] = {}
        for chunk in self.chunks:
            value = key(chunk)
            if value is not None and (before := first.setdefault(value, chunk)) is not chunk:
                yield chunk, f"{reason} number {before.position}"

    def _check_places(self) -> None:
        missing = next((chunk for chunk in self.chunks if not chunk.placed), None)
        if missing is not None:
            what = f"chunk {missing.name} does not tell its source, start and end"
            raise MetricError(f"chunk_checks: {what}; have the chunker keep them")

    def _texts(self) -> Mapping[str, str]:
        if self.sources is None:
            raise MetricError("chunk_checks: this check needs the sources; give a mapping of each source to its text")
        self._check_places()
        return self.sources

    def _well_placed(self) -> list[Chunk]:
        return [chunk for chunk in self.chunks if not self._misplaced(chunk)]

    def _misplaced(self, chunk: Chunk) -> str:
        """Why a chunk's place is none; empty where it is one."""
        if chunk.span is None:
            return f"it goes from {quoted(chunk.start)} to {quoted(chunk.end)}, which is no span"
        if self.sources is None or chunk.source is None:
            return ""
        text = self.sources.get(chunk.source)
        if text is None:
            return f"its source {quoted(chunk.source)} is not among those given"
        if chunk.span[1] > len(text):
            return f"it ends at {chunk.span[1]:,}, and its source {quoted(chunk.source)} has {len(text):,} characters"
        return ""

    def _differing(self, sources: Mapping[str, str]) -> Iterator[tuple[Chunk, str]]:
        for chunk in self._well_placed():
            assert chunk.source is not None
            assert chunk.span is not None
            start, end = chunk.span
            if reason := difference(chunk.text, sources[chunk.source][start:end]):
                yield chunk, reason


def chunk_checks(
    chunks: Any, sources: Any = None, *, size: str | Callable[[str], Any] = "characters", near: float = 0.8
) -> ChunkChecks:
    """Checks of the chunks of a corpus, each an attribute of what is returned.

    Args:
        chunks: texts, mappings, or objects (a :class:`~pytest_genaiops.records.Passage`): ``text``, and as far as they
            are known ``id``, ``source``, ``start`` and ``end`` (offsets of characters in the source, the end not
            included).
        sources: source -> its text; some checks need them.
        size: ``"characters"``, ``"words"``, or a tokenizer: a function of a text that gives its tokens or their
            number.
        near: from which Jaccard index of word triples on two chunks are near copies.

    Raises:
        MetricError: there is no chunk, one has no text, or an option makes no sense.
    """
    if not callable(size) and size not in UNITS:
        raise MetricError(f"chunk_checks: size={quoted(size)} is unknown; give 'characters', 'words' or a tokenizer")
    return ChunkChecks(chunks_of(chunks), sources_of(sources), size, near)


def _size(unit: Any, chunk: Chunk) -> int:
    if unit == "characters":
        return len(chunk.text)
    if unit == "words":
        return len(chunk.text.split())
    found = unit(chunk.text)
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    if not isinstance(found, Sized):
        raise MetricError(f"chunk_checks: the tokenizer gave {quoted(found)}; return the tokens, or how many they are")
    return len(found)
