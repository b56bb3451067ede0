"""Chunks as their makers give them -> chunks that are alike, and what is wrong with their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import MetricError

FIELDS = ("id", "text", "source", "start", "end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk; what nobody told of it is None."""

    position: int
    text: str
    id: str | None = None
    source: str | None = None
    start: Any = None
    """As it was given: whether it is an offset is for the checks to say."""
    end: Any = None

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.id is not None:
            return quoted(self.id)
        if self.source is not None and self.start is not None:
            return f"{quoted(self.source)} from {quoted(self.start)}"
        return f"number {self.position}"

    @property
    def placed(self) -> bool:
        """Whether anybody said where in which source it stands."""
        return self.source is not None and self.start is not None and self.end is not None

    @property
    def span(self) -> tuple[int, int] | None:
        """Where it begins and ends, the end not included; None where that is no span."""
        if not _is_offset(self.start) or not _is_offset(self.end) or not 0 <= self.start < self.end:
            return None
        return int(self.start), int(self.end)


def chunks_of(given: Any) -> list[Chunk]:
    """Chunks from texts, mappings, or objects with such attributes, in their order.

    Raises MetricError where there is none, and for one that has no text.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise MetricError(f"chunk_checks: the chunks are {type(given).__name__}; give a list of chunks")
    found = [_chunk(position, each) for position, each in enumerate(given)]
    if not found:
        raise MetricError(
            "chunk_checks: there is no chunk, so there is nothing to check; look at what cuts the sources"
        )
    return found


def sources_of(given: Any) -> dict[str, str] | None:
    """The texts of the sources by name. Raises MetricError for what is no mapping of texts."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        raise MetricError(f"chunk_checks: sources are {quoted(given)}; give a mapping of each source to its text")
    found = {}
    for name, text in given.items():
        if not isinstance(text, str):
            raise MetricError(f"chunk_checks: source {quoted(name)} is {type(text).__name__}; give its text")
        found[str(name)] = text
    return found


def _chunk(position: int, given: Any) -> Chunk:
    if isinstance(given, str):
        return Chunk(position=position, text=given)
    mapping = isinstance(given, Mapping)
    values = {name: given.get(name) if mapping else getattr(given, name, None) for name in FIELDS}
    if not isinstance(values["text"], str):
        what = f"chunk number {position} has {type(values['text']).__name__} as its text"
        raise MetricError(f"chunk_checks: {what}; give a string, empty where there is none")
    return Chunk(
        position=position,
        text=values["text"],
        id=_name(values["id"]),
        source=_name(values["source"]),
        start=values["start"],
        end=values["end"],
    )


def _name(value: Any) -> str | None:
    return None if value is None else str(value)


def _is_offset(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
