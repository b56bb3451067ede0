"""Documents to chunks, by a splitter of one's choice, and the proof that nothing was lost or repeated on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from semantic_text_splitter import TextSplitter

from eval_suites.rag.app.corpus import Document

PIECE = 50_000
"""Characters that a splitter sees at once. What it takes grows with the square of a text without any white space."""

Splitter: TypeAlias = Callable[[str], Sequence[tuple[int, str]]]
"""A text -> its chunks, each with the offset of its first character."""

_BREAK = re.compile(r"\n\s*\n")


class ChunkError(ValueError):
    """Chunks that are not their document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A part of a document: characters ``start`` to ``end``, the end not included."""

    id: str
    source: str
    title: str
    start: int
    end: int
    text: str


def semantic(size: int, overlap: int) -> Splitter:
    """The splitter of semantic-text-splitter: as much of a paragraph, then sentence, then word, as has room."""
    # Offsets of chunk_indices are characters of Python, not bytes.
    return TextSplitter(size, overlap=overlap).chunk_indices


def cut(documents: Sequence[Document], size: int, overlap: int, splitter: Splitter | None = None) -> list[Chunk]:
    """The chunks of all documents, in their order.

    Raises ChunkError where those of a document leave out some of its text, repeat more of it than ``overlap``, are
    longer than ``size``, or say what does not stand there.
    """
    split = semantic(size, overlap) if splitter is None else splitter
    found: list[Chunk] = []
    for document in documents:
        chunks = [
            Chunk(
                id=f"{document.source}:{start + at}",
                source=document.source,
                title=document.title,
                start=start + at,
                end=start + at + len(text),
                text=text,
            )
            for start, end in _pieces(document.text)
            for at, text in split(document.text[start:end])
        ]
        verify(document, chunks, size, overlap)
        found += chunks
    return found


def verify(document: Document, chunks: Sequence[Chunk], size: int, overlap: int) -> None:
    """Raise ChunkError unless the chunks, in order, are the document, all of it but for white space."""
    reached = 0
    for chunk in chunks:
        if len(chunk.text) > size:
            raise ChunkError(f"{chunk.id} has {len(chunk.text)} characters, more than chunk={size}")
        if document.text[chunk.start : chunk.end] != chunk.text:
            raise ChunkError(f"{chunk.id} does not say what stands there in {document.source}")
        _refuse_gap(document, reached, chunk.start)
        if reached - chunk.start > overlap:
            repeated = reached - chunk.start
            raise ChunkError(f"{chunk.id} repeats {repeated} characters of {document.source}, more than {overlap}")
        reached = max(reached, chunk.end)
    _refuse_gap(document, reached, len(document.text))


def _refuse_gap(document: Document, start: int, end: int) -> None:
    lost = document.text[start:end].strip()
    if lost:
        what = f"characters {start} to {end} of {document.source}"
        raise ChunkError(f"no chunk holds {what}: {lost[:60]!r}; the splitter drops text")


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """A text in pieces that end with a paragraph, where one does, and else where there is room for no more."""
    start = 0
    while len(text) - start > PIECE:
        ends = [match.end() for match in _BREAK.finditer(text, start + PIECE // 2, start + PIECE)]
        end = ends[-1] if ends else start + PIECE
        yield start, end
        start = end
    yield start, len(text)
