"""What a check found in an answer."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_genaiops.records import UnsupportedSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect(UnsupportedSpan):
    """A part of an answer that should not be in it, by character offsets, with what it is."""

    kind: str
    """The check and, where there are several sorts, the sort: ``pii:email``, ``secrets:github token``, ``banned``."""


def defect(kind: str, text: str, span: tuple[int, int]) -> Defect:
    """The defect at these offsets of an answer."""
    return Defect(kind=kind, start=span[0], end=span[1], text=text[span[0] : span[1]])
