"""Two builds of the same sources: whether what has not changed has kept its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError
from pytest_genaiops.grounding.chunks_flaws import Flaw, Flaws
from pytest_genaiops.grounding.chunks_read import Chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Chunks of unchanged sources in a build and in an earlier one; true where none differs."""

    renamed: Flaws
    """Chunks that have another id in the earlier build, with the same text at the same place."""
    altered: Flaws
    """Chunks that share their id with one of the earlier build that has another text or place."""
    added: Flaws
    """Chunks that the earlier build does not have at all."""
    lost: Flaws
    """Chunks of the earlier build, by its positions, that this one does not have."""
    n: int
    """Chunks of unchanged sources in this build."""

    def __bool__(self) -> bool:
        return not (self.renamed or self.altered or self.added or self.lost)

    def __repr__(self) -> str:
        if self:
            return f"<stable: {self.n:,} chunks as in the other build>"
        kinds = ("renamed", "altered", "added", "lost")
        found = ((kind, getattr(self, kind)) for kind in kinds)
        return f"<not stable: {', '.join(f'{kind} {flaws!r}' for kind, flaws in found if flaws)}>"


def stability(mine: Sequence[Chunk], theirs: Sequence[Chunk], unchanged: set[str] | None) -> Stability:
    """Compare two builds over the sources that are the same in both; over all where nobody gave their texts.

    Raises MetricError where a chunk has no id, and where no chunk is left to compare.
    """
    here, there = (_of_unchanged(chunks, unchanged) for chunks in (mine, theirs))
    if not here and not there:
        raise MetricError("stable_with: no source is the same in both builds, so there is nothing to compare")
    known = _ids(there)
    by_id = {chunk.id: chunk for chunk in there}
    own_ids = {chunk.id for chunk in here}
    renamed, altered, added, met = [], [], [], set()
    for chunk in here:
        other = by_id.get(chunk.id)
        if chunk.id in known.get(_key(chunk), ()):
            met.add(chunk.id)
        elif other is not None:
            met.add(chunk.id)
            what = "text" if other.text != chunk.text else "place"
            altered.append(_flaw(chunk, f"the same id has another {what} in the other build"))
        elif names := known.get(_key(chunk)):
            met.update(names)
            renamed.append(_flaw(chunk, f"the other build calls it {quoted(names[0])}"))
        else:
            added.append(_flaw(chunk, "the other build does not have it"))
    lost = [_flaw(c, "only the other build has it") for c in there if c.id not in met and c.id not in own_ids]
    n = max(1, len(here))
    return Stability(
        renamed=Flaws(renamed, n),
        altered=Flaws(altered, n),
        added=Flaws(added, n),
        lost=Flaws(lost, max(1, len(there))),
        n=len(here),
    )


def _of_unchanged(chunks: Sequence[Chunk], unchanged: set[str] | None) -> list[Chunk]:
    for chunk in chunks:
        if chunk.id is None:
            raise MetricError(f"stable_with: chunk {chunk.name} has no id; give every chunk one")
    return [chunk for chunk in chunks if unchanged is None or chunk.source in unchanged]


def _ids(chunks: Sequence[Chunk]) -> Mapping[object, list[str]]:
    found: dict[object, list[str]] = {}
    for chunk in chunks:
        assert chunk.id is not None
        found.setdefault(_key(chunk), []).append(chunk.id)
    return found


def _key(chunk: Chunk) -> object:
    return chunk.source, chunk.span, chunk.text


def _flaw(chunk: Chunk, reason: str) -> Flaw:
    return Flaw(position=chunk.position, chunk=chunk.name, reason=reason)
