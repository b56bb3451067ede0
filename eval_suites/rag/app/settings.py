"""What a variant may set under ``rag``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

ENRICHMENTS = ("none", "title", "keywords")
INDEXES = ("flat", "ivf")
SEARCHES = ("vector", "full-text", "hybrid")

_T = TypeVar("_T", bound="Settings")


class SettingsError(ValueError):
    """A setting that there is not, or a value that makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One way to build the application."""

    chunk: int = 600
    """Characters of a chunk, at most."""
    overlap: int = 0
    """Characters that neighbouring chunks share, at most."""
    enrichment: str = "none"
    """What is indexed with a chunk's text: ``none``, its document's ``title``, or title and rarest ``keywords``."""
    embedding: str = "lsa-256"
    """``lsa-<dimensions>``, fitted on the corpus; or a folder: a model of sentence-transformers, or ``model.onnx`` and
    ``tokenizer.json``."""
    index: str = "flat"
    """``flat`` compares with every vector; ``ivf`` with those of the nearest ``probes`` of its partitions."""
    probes: int = 8
    search: str = "hybrid"
    """``vector``, ``full-text``, or ``hybrid``: both, fused by reciprocal rank."""
    k: int = 5
    """Passages to retrieve."""
    take: int = 1
    """Sentences in an answer."""
    floor: float = 0.5
    """Share of the question's information (0-1) that the passages must hold; below it the application declines."""

    def __post_init__(self) -> None:
        for name in ("chunk", "probes", "k", "take"):
            self._whole(name, at_least=1)
        self._whole("overlap", at_least=0)
        if self.overlap >= self.chunk:
            raise SettingsError(f"overlap={self.overlap} is not below chunk={self.chunk}; no chunk would be new")
        for name, known in (("enrichment", ENRICHMENTS), ("index", INDEXES), ("search", SEARCHES)):
            if getattr(self, name) not in known:
                raise SettingsError(f"{name}={getattr(self, name)!r} is unknown; give one of {', '.join(known)}")
        if not isinstance(self.embedding, str) or not self.embedding:
            raise SettingsError(f"embedding={self.embedding!r} is no model; give lsa-<dimensions> or a folder")
        if isinstance(self.floor, bool) or not isinstance(self.floor, int | float) or not 0 <= self.floor <= 1:
            raise SettingsError(f"floor={self.floor!r} is no share; give a number from 0 to 1")

    @classmethod
    def of(cls: type[_T], given: Mapping[str, Any]) -> _T:
        """The settings of a variant. Raises SettingsError with the name of what is unknown or makes no sense."""
        known = [field.name for field in fields(cls)]
        if unknown := [key for key in given if key not in known]:
            raise SettingsError(f"the key {unknown[0]!r} under rag is unknown; there are {', '.join(known)}")
        return cls(**given)

    def _whole(self, name: str, *, at_least: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise SettingsError(f"{name}={value!r} makes no sense; give a whole number from {at_least}")
