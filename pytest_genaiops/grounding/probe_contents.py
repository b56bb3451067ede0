"""What an index lists, beside what it should hold: against a manifest, and against the embeddings of its own texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import TypeAlias

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.grounding.index import Entry, Query, hash_fits, text_hash
from pytest_genaiops.grounding.probe_asking import Asked, Vector, embedding_of
from pytest_genaiops.grounding.probe_result import Finding, FindingKind, ProbeResult, distinct, listed_as

TOLERANCE = 1e-3
"""How far the cosine of a stored embedding and a new one may be from 1: half precision and services that round stay
below, another model or text does not."""
WIDE = 1_000
"""Results of one search by vector that goes for what nobody lists."""
FEW = 10
"""Results that such a search gives at least, of an index that has them: one that gives fewer sees next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a manifest says of one chunk."""

    text_hash: str
    """As :func:`~pytest_genaiops.grounding.text_hash` gives it."""
    document: str | None = None
    """None says nothing of it."""
    source: str | None = None
    start: int | None = None
    end: int | None = None
    """Where it stands in its source, in characters; what is None, here or in the index, is not compared."""


Manifest: TypeAlias = Mapping[str, Expected | str]
"""Chunk id -> what it should be, or the hash of its text alone."""


def manifest_of(chunks: Iterable[Entry]) -> dict[str, Expected]:
    """The manifest of chunks as an application cut them. Raises UsageError for an id that comes twice."""
    found: dict[str, Expected] = {}
    for chunk in chunks:
        if chunk.id in found:
            raise UsageError(f"manifest_of: two chunks have the id {quoted(chunk.id)}; give each its own")
        place = {name: getattr(chunk, name) for name in _PLACE}
        found[chunk.id] = Expected(text_hash=text_hash(chunk.text or ""), document=chunk.document, **place)
    return found


def agrees(asked: Asked, manifest: Manifest) -> ProbeResult:
    """Compare what an index lists with a manifest; a search by vector goes for what it does not list."""
    expected = {name: _expected(name, each) for name, each in manifest.items()}
    entries = asked.entries()
    findings: list[Finding] = []
    if entries is not None:
        counts = Counter(entry.id for entry in entries)
        findings += [_finding("lost", name, expected[name].document) for name in expected if name not in counts]
        findings += [_twice(name, number) for name, number in counts.items() if number > 1]
        for entry in entries:
            if entry.id not in expected:
                findings.append(_finding("orphan", entry.id, entry.of, where="list()"))
            else:
                findings += _compared(asked, entry, expected[entry.id])
        findings += _unlisted(asked, entries)
    return ProbeResult(check="agrees", findings=distinct([*findings, *asked.faults]), looked=asked.looked)


def embeddings(asked: Asked, *, model: str | None, tolerance: float) -> ProbeResult:
    """Look at every embedding that an index lists: its numbers, its width, its model, and the text that it is of."""
    entries = asked.entries()
    findings: list[Finding] = []
    if entries is not None:
        having = [entry for entry in entries if entry.embedding is not None]
        vectors = {id(entry): embedding_of(entry) for entry in having}
        findings += _numbers(entries, vectors)
        findings += _models(asked, having, model)
        for entry in having:
            findings += _hashed(asked, entry)
        findings += _angles(asked, [entry for entry in having if vectors[id(entry)] is not None], tolerance)
        if not having:
            asked.unprobed("list() gives no embedding, so that nothing is known of them")
    return ProbeResult(check="embeddings", findings=distinct([*findings, *asked.faults]), looked=asked.looked)


def _expected(name: object, given: object) -> Expected:
    found = Expected(text_hash=given) if isinstance(given, str) else given
    if not isinstance(name, str) or not isinstance(found, Expected):
        mend = "map ids of chunks to hashes of their texts, or write manifest_of(chunks)"
        raise UsageError(f"agrees: the manifest has {quoted(name)}: {quoted(given)}; {mend}")
    if hash_fits(found.text_hash, "") is None:
        what = f"agrees: the manifest has the hash {quoted(found.text_hash)} for {quoted(name)}"
        raise UsageError(f"{what}, which is none; give text_hash(text), or another digest in hexadecimal")
    return found


_PLACE = ("source", "start", "end")
_SENTENCES: Mapping[str, str] = {
    "lost": "{} is in the manifest and not in the index",
    "orphan": "{} is in the index and not in the manifest",
    "differs": "{} has another text in the index than in the manifest",
}


def _finding(kind: FindingKind, name: str, document: str | None, *, where: str = "index") -> Finding:
    message = _SENTENCES[kind].format(quoted(name))
    return Finding(kind=kind, message=message, chunk=name, document=document, where=where)


def _twice(name: str, number: int) -> Finding:
    message = f"{quoted(name)} is {number} times in the index"
    return Finding(kind="duplicate", message=message, chunk=name, where="list()")


def _compared(asked: Asked, entry: Entry, expected: Expected) -> Iterator[Finding]:
    """What is listed of one chunk, beside what should be."""
    if entry.text is not None:
        fits = hash_fits(expected.text_hash, entry.text)
    else:
        fits = _equal(entry.text_hash, expected.text_hash)
    if fits is None:
        what = f"list() gives neither the text of {quoted(entry.id)} nor a hash like the manifest's"
        asked.unprobed(what, chunk=entry.id)
    if fits is False:
        yield _finding("differs", entry.id, entry.of, where="list()")
    if expected.document is not None and entry.of != expected.document:
        what = f"{quoted(entry.id)} belongs to {quoted(entry.of)} in the index"
        message = f"{what}, to {quoted(expected.document)} in the manifest"
        yield listed_as("differs", message, entry)
    for name in _PLACE if fits is not False else ():  # another text ends elsewhere
        known, wanted = getattr(entry, name), getattr(expected, name)
        if known is not None and wanted is not None and known != wanted:
            what = f"{quoted(entry.id)} has the {name} {quoted(known)} in the index"
            yield listed_as("differs", f"{what}, {quoted(wanted)} in the manifest", entry)


def _equal(one: str | None, two: str) -> bool | None:
    """Whether two hashes are of one text; None where they may be different digests."""
    left, right = ((each or "").rpartition(":")[2].strip().lower() for each in (one, two))
    return left == right if len(left) == len(right) else None


def _unlisted(asked: Asked, entries: Sequence[Entry]) -> Iterator[Finding]:
    """What a search by vector finds that is not listed: embeddings that have outlived their texts."""
    if "vector" not in asked.index.modes:
        return
    vector = next((found for entry in entries if (found := embedding_of(entry)) is not None), None)
    if vector is None:
        if entries:
            asked.unprobed("vector search could not be probed: list() gives no embedding to search by", mode="vector")
        return
    hits = asked.search(Query(embedding=vector), "vector", min(len(entries) + 100, WIDE))
    if hits is None:
        return
    known = Counter(entry.id for entry in entries)
    for name, number in Counter(hit.id for hit in hits).items():
        if number > max(1, known[name]):  # what is listed twice is told already
            message = f"vector search gives {quoted(name)} {number} times"
            yield Finding(kind="duplicate", message=message, chunk=name, mode="vector")
    for hit in hits:
        if hit.id not in known:
            message = f"vector search finds {quoted(hit.id)}, which is not listed"
            yield Finding(kind="orphan", message=message, chunk=hit.id, document=hit.document, mode="vector")
    having = sum(entry.embedding is not None for entry in entries)
    if len(hits) < min(FEW, having):
        what = f"vector search gives {len(hits):,} of {having:,} chunks that have an embedding"
        asked.unprobed(f"{what}, so that what nobody lists could not be looked for", mode="vector")


def _numbers(entries: Sequence[Entry], vectors: Mapping[int, Vector | None]) -> Iterator[Finding]:
    """Embeddings that are missing, no numbers, all zero, or not as wide as most."""
    widths = Counter(len(vector) for vector in vectors.values() if vector is not None)
    usual = widths.most_common(1)[0][0] if widths else 0
    for entry in entries:
        if id(entry) not in vectors:
            if vectors:
                message = f"{quoted(entry.id)} has no embedding: no search by vector finds it"
                yield listed_as("embedding", message, entry)
            continue
        vector = vectors[id(entry)]
        if vector is None:
            message = f"{quoted(entry.id)} has an embedding with NaN, infinity or nothing but zeros"
            yield listed_as("number", message, entry)
        elif len(vector) != usual:
            message = f"{quoted(entry.id)} has an embedding of width {len(vector)}, most have {usual}"
            yield listed_as("width", message, entry)


def _models(asked: Asked, entries: Sequence[Entry], model: str | None) -> Iterator[Finding]:
    """Entries of another model than the one asked for; without one, than most."""
    names = Counter(entry.model for entry in entries if entry.model is not None)
    if not names:
        if model is not None and entries:
            asked.unprobed(f"list() names no embedding model, so that {quoted(model)} could not be compared")
        return
    wanted = names.most_common(1)[0][0] if model is None else model
    whose = "most are" if model is None else "it should be"
    for entry in entries:
        if entry.model is None:
            asked.unprobed(f"list() does not say which model embedded {quoted(entry.id)}", chunk=entry.id)
        elif entry.model != wanted:
            message = f"{quoted(entry.id)} was embedded by {quoted(entry.model)}, {whose} by {quoted(wanted)}"
            yield listed_as("model", message, entry)


def _hashed(asked: Asked, entry: Entry) -> Iterator[Finding]:
    """Whether the text is the one that was embedded, as far as the index says."""
    if entry.text_hash is None or entry.text is None:
        return
    fits = hash_fits(entry.text_hash, entry.text)
    if fits is None:
        asked.unprobed(
            f"the text hash {quoted(entry.text_hash)} of {quoted(entry.id)} is of no known kind", chunk=entry.id
        )
    elif not fits:
        message = f"{quoted(entry.id)} has an embedding of an earlier text: its hash is another one"
        yield listed_as("embedding", message, entry)


def _angles(asked: Asked, entries: Sequence[Entry], tolerance: float) -> Iterator[Finding]:
    """Embeddings beside those that ``embed`` makes of the same texts now."""
    having = [entry for entry in entries if entry.text]
    bare = [entry.id for entry in entries if not entry.text]
    if not asked.embeds:
        hashed = all(entry.text_hash is not None and entry.text is not None for entry in entries)
        if not hashed:
            asked.unprobed(
                "whether embeddings are of their texts could not be probed; give embed=, or list text hashes"
            )
        return
    if bare:
        asked.unprobed(f"list() gives embeddings without a text: {listed(bare)}")
    made = asked.vectors([entry.text or "" for entry in having]) if having else []
    for entry, vector in zip(having, made or (), strict=False):
        stored = embedding_of(entry) or ()
        if len(stored) != len(vector):
            message = f"{quoted(entry.id)} has an embedding of width {len(stored)}, embed gives {len(vector)}"
            yield listed_as("width", message, entry)
        elif not (cosine := _cosine(stored, vector)) >= 1 - tolerance:
            message = f"{quoted(entry.id)} has an embedding that is not of its text: cosine {cosine:.3f} with embed's"
            yield listed_as("embedding", message, entry)


def _cosine(one: Vector, two: Vector) -> float:
    """NaN where one of them is no direction."""
    norms = math.hypot(*one) * math.hypot(*two)
    return sum(map(mul, one, two)) / norms if norms else math.nan
