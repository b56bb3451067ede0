"""What probes ask of a search index: a small protocol, and the records that go in and come out.

An index of one's own becomes one that can be probed by four methods and a list of the searches that it has::

    class Shelf:
        modes = ("full-text", "vector")

        def add(self, chunks): ...
        def delete(self, documents): ...
        def search(self, query, mode, k): ...
        def list(self): ...
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, new, sha256
from typing import Literal, Protocol, TypeAlias, get_args

Mode: TypeAlias = Literal["exact", "full-text", "vector", "hybrid"]
"""``exact``: chunks that hold the query's text as it stands; ``full-text``: by words; ``vector``: by the embedding;
``hybrid``: by both."""
MODES: tuple[Mode, ...] = get_args(Mode)
BY_VECTOR: tuple[Mode, ...] = ("vector", "hybrid")

_HASHES = {32: ("md5", "blake2b"), 40: ("sha1", "blake2b"), 64: ("sha256", "sha3_256", "blake2b")}
_HASHES[128] = ("sha512", "sha3_512", "blake2b")
"""Length in hexadecimal digits -> the digests that have it; BLAKE2 has any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One chunk as it goes into an index, and as the index lists it."""

    id: str
    document: str | None = None
    """The id of the document that it is a part of; None stands for the chunk's own id."""
    text: str | None = None
    """None where the index does not give texts back."""
    embedding: Sequence[float] | None = field(default=None, compare=False, repr=False)
    source: str | None = None
    start: int | None = None
    """Where it begins and ends in its source, in characters; the end is not included."""
    end: int | None = None
    model: str | None = None
    """The embedding model, as the index names it."""
    text_hash: str | None = None
    """The hash of the text that was embedded, as the index has it; hexadecimal."""

    @property
    def of(self) -> str:
        """The id of its document."""
        return self.id if self.document is None else self.document


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is searched for; ``embedding`` is that of the text, or of the chunk that should be found."""

    text: str = ""
    embedding: Sequence[float] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result of a search."""

    id: str
    document: str | None = None
    text: str | None = None
    """None where a search gives ids alone."""
    score: float | None = None
    """The engine's own; equal scores may come in any order."""


class Index(Protocol):
    """A search index. What its methods raise becomes a finding: that it could not be probed."""

    @property
    def modes(self) -> Sequence[Mode]:
        """The searches that it has."""

    def add(self, chunks: Sequence[Entry]) -> None:
        """Add chunks; one whose id is there already replaces it."""

    def delete(self, documents: Sequence[str]) -> None:
        """Remove every chunk of these documents. An id that is not there is none to remove."""

    def search(self, query: Query, mode: Mode, k: int) -> Sequence[Hit]:
        """The best ``k`` chunks, best first; fewer where there are not so many."""

    def list(self) -> Iterable[Entry]:
        """Every chunk that it holds, once."""


def text_hash(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hexadecimal digits."""
    return sha256(_bytes(text)).hexdigest()


def hash_fits(written: str, text: str) -> bool | None:
    """Whether a hash, as an index has it, is that of a text; None where nobody can tell which digest it is.

    Hexadecimal, with or without the digest's name before it (``sha256:…``): MD5, SHA-1, SHA-2, SHA-3 or BLAKE2 of the
    text in UTF-8.
    """
    digits = written.rpartition(":")[2].strip().lower()
    if len(digits) not in _HASHES or not set(digits) <= set("0123456789abcdef"):
        return None
    return any(_digest(name, text, len(digits)) == digits for name in _HASHES[len(digits)])


def _digest(name: str, text: str, digits: int) -> str:
    data = _bytes(text)
    if name == "blake2b":
        return blake2b(data, digest_size=digits // 2).hexdigest()
    return new(name, data, usedforsecurity=False).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
