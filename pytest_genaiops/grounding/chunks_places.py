"""Where chunks stand in their sources: what they share with their neighbours, and what no chunk holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.grounding.chunks_flaws import Spread
from pytest_genaiops.grounding.chunks_read import Chunk

_EXCERPT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What neighbours of one source have in common, over all pairs of neighbours."""

    characters: Spread
    share: Spread
    """Of the shorter of the two, 0-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of a source that no chunk holds, without the white space around it."""

    source: str
    start: int
    end: int
    """Not included."""
    characters: int
    """Those that are not white."""
    text: str
    """How it begins."""

    def __str__(self) -> str:
        return f"{quoted(self.source)} from {self.start} to {self.end} ({quoted(self.text)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the sources stands in a chunk; white space does not count."""

    share: float
    """Of the characters of all sources together, 0-1."""
    by_source: Mapping[str, float]
    """Without the sources that are empty."""
    gaps: tuple[Gap, ...]
    """The largest first."""
    empty: tuple[str, ...]
    """Sources in which there is nothing but white space."""

    @property
    def worst(self) -> float:
        """The share of the source that is covered least."""
        return min(self.by_source.values())

    def __repr__(self) -> str:
        lost = "; ".join(str(gap) for gap in self.gaps[:3])
        missing = f"; {len(self.gaps):,} gaps, the largest: {lost}" if self.gaps else ""
        nothing = f"; empty: {', '.join(map(quoted, self.empty[:3]))}" if self.empty else ""
        return f"<{self.share:.2%} of {len(self.by_source):,} sources{missing}{nothing}>"


def by_source(chunks: Sequence[Chunk]) -> dict[str, list[tuple[int, int]]]:
    """The spans in each source, by where they begin; without those of chunks that have none."""
    found: dict[str, list[tuple[int, int]]] = {}
    for chunk in chunks:
        if chunk.source is not None and (span := chunk.span) is not None:
            found.setdefault(chunk.source, []).append(span)
    for spans in found.values():
        spans.sort()
    return found


def shared(spans: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[tuple[int, float]]:
    """(characters, share of the shorter one) that each chunk has in common with the next one of its source."""
    for own in spans.values():
        for (start, end), (begin, last) in pairwise(own):
            common = max(0, min(end, last) - begin)
            yield common, common / min(end - start, last - begin)


def coverage(sources: Mapping[str, str], spans: Mapping[str, Sequence[tuple[int, int]]]) -> Coverage:
    """How much of the sources is in the spans."""
    shares, gaps, empty, held, whole = {}, [], [], 0, 0
    for name, text in sources.items():
        size = _characters(text)
        if not size:
            empty.append(name)
            continue
        lost = list(_gaps(name, text, spans.get(name, ())))
        covered = size - sum(gap.characters for gap in lost)
        shares[name] = covered / size
        gaps += lost
        held, whole = held + covered, whole + size
    gaps.sort(key=lambda gap: -gap.characters)
    return Coverage(share=held / whole if whole else 0.0, by_source=shares, gaps=tuple(gaps), empty=tuple(empty))


def difference(text: str, source: str) -> str:
    """How a chunk's text differs from the stretch of its source, in words; empty where it does not."""
    if text == source:
        return ""
    if text.split() == source.split():
        return "its text differs from its place in the source in white space alone"
    pairs = enumerate(zip(text, source, strict=False))
    at = next((i for i, (mine, its) in pairs if mine != its), min(len(text), len(source)))
    here, there = (quoted(each[at : at + _EXCERPT]) for each in (text, source))
    return f"its text has {here} at character {at}, where the source has {there}"


def _gaps(name: str, text: str, spans: Sequence[tuple[int, int]]) -> Iterator[Gap]:
    reached = 0
    for start, end in [*spans, (len(text), len(text))]:
        if start > reached:
            stretch = text[reached:start]
            if count := _characters(stretch):
                first = reached + len(stretch) - len(stretch.lstrip())
                shown = stretch.strip()
                yield Gap(
                    source=name,
                    start=first,
                    end=first + len(shown),
                    characters=count,
                    text=" ".join(shown[:_EXCERPT].split()),
                )
        reached = max(reached, end)


def _characters(text: str) -> int:
    """Characters that are not white."""
    return sum(map(len, text.split()))
