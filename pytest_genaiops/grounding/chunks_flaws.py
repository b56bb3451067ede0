"""What checks of chunks give: flaws that name their chunks, and how numbers are spread."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

SHOWN = 5
"""Flaws that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One chunk, and what is wrong with it."""

    position: int
    """Where the chunk stands among those that were given, from 0."""
    chunk: str
    """The chunk's id, as a message shows it; else its place in its source, else its position."""
    reason: str

    def __str__(self) -> str:
        return f"chunk {self.chunk}: {self.reason}"


class Flaws(Sequence[Flaw]):
    """Flaws of one kind, the worst first; empty, hence false, where there is none."""

    __slots__ = ("_flaws", "n")

    def __init__(self, flaws: Iterable[Flaw], n: int) -> None:
        self._flaws = tuple(flaws)
        self.n = n
        """Chunks that were looked at."""

    @property
    def share(self) -> float:
        """Share of the chunks that have such a flaw, 0-1."""
        return len({flaw.position for flaw in self._flaws}) / self.n

    def __len__(self) -> int:
        return len(self._flaws)

    @overload
    def __getitem__(self, index: int) -> Flaw: ...
    @overload
    def __getitem__(self, index: slice[Any, Any, Any]) -> Flaws: ...
    def __getitem__(self, index: int | slice[Any, Any, Any]) -> Flaw | Flaws:
        return Flaws(self._flaws[index], self.n) if isinstance(index, slice) else self._flaws[index]

    def __iter__(self) -> Iterator[Flaw]:
        return iter(self._flaws)

    def __repr__(self) -> str:
        if not self._flaws:
            return f"<no flaw in {self.n:,} chunks>"
        rest = len(self) - SHOWN
        shown = "; ".join(map(str, self._flaws[:SHOWN])) + (f"; and {rest:,} more" if rest > 0 else "")
        return f"<{len(self):,} in {self.n:,} chunks: {shown}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How numbers are spread; quantiles by nearest rank (Hyndman and Fan 1996, definition 1)."""

    n: int
    min: float
    p05: float
    p25: float
    median: float
    p75: float
    p95: float
    max: float
    mean: float

    def __repr__(self) -> str:
        numbers = (f"{name} {getattr(self, name):g}" for name in ("min", "p05", "median", "p95", "max"))
        return f"<of {self.n:,}: {', '.join(numbers)}>"


def spread(numbers: Sequence[float]) -> Spread:
    """How numbers, of which there is at least one, are spread."""
    ordered = sorted(numbers)
    n = len(ordered)

    def at(share: float) -> float:
        return ordered[max(1, math.ceil(share * n)) - 1]

    return Spread(
        n=n,
        min=ordered[0],
        p05=at(0.05),
        p25=at(0.25),
        median=at(0.5),
        p75=at(0.75),
        p95=at(0.95),
        max=ordered[-1],
        mean=math.fsum(ordered) / n,
    )
