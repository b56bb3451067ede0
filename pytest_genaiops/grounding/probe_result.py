"""What a probe gives: findings, what was looked at, and a reason in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from pytest_genaiops.grounding.index import Entry, Mode

FindingKind: TypeAlias = Literal[
    "found",
    "copy",
    "quoted",
    "late",
    "left",
    "lost",
    "orphan",
    "duplicate",
    "differs",
    "results",
    "mode",
    "embedding",
    "width",
    "number",
    "model",
    "unprobed",
]
"""``found``: something deleted is; ``copy``: its text under another id; ``quoted``: its words in an answer or a file;
``late``: a new chunk is not retrieved in time; ``left``: a probe's own document could not be removed; ``lost``,
``orphan``, ``duplicate``, ``differs``: not what the index should hold, or give; ``results``: two indexes answer
differently; ``mode``: a search is another one than it is called; ``embedding``, ``width``, ``number``, ``model``: a
vector that is not the text's, has another length, is no number, or comes from another model; ``unprobed``: something
could not be looked at, so that nothing is known of it."""

WORDS: Mapping[FindingKind, str] = {
    "found": "still there",
    "copy": "copies left",
    "quoted": "quoted",
    "late": "late",
    "left": "left behind",
    "lost": "lost",
    "orphan": "orphans",
    "duplicate": "duplicates",
    "differs": "different",
    "results": "other results",
    "mode": "wrong searches",
    "embedding": "wrong embeddings",
    "width": "wrong widths",
    "number": "no numbers",
    "model": "other models",
    "unprobed": "could not be probed",
}
SHOWN = 10
"""Findings that a reason spells out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or could not be looked at."""

    kind: FindingKind
    message: str
    """One sentence; what comes from the index is escaped and bounded in it."""
    chunk: str | None = None
    document: str | None = None
    mode: Mode | None = None
    """The search that showed it."""
    where: str = "index"
    """``index``, ``list()``, ``other index``, ``manifest``, ``answers``, ``cache``, or the path of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one check came to. Truthy only without findings."""

    check: str
    findings: tuple[Finding, ...]
    looked: tuple[str, ...] = ()
    """What was looked at, in words: ``vector search (6 queries)``, ``cache (1 file)``."""
    seconds: Mapping[Mode, float] = field(default_factory=lambda: MappingProxyType({}))
    """Of ``fresh``: the time until every chunk was retrieved, by each search that retrieved it."""

    def __bool__(self) -> bool:
        return not self.findings

    @property
    def kinds(self) -> frozenset[FindingKind]:
        """The kinds of its findings."""
        return frozenset(finding.kind for finding in self.findings)

    @property
    def reason(self) -> str:
        """What was found, or that nothing was, and what was looked at."""
        seen = f"looked at: {', '.join(self.looked) or 'nothing'}"
        if not self.findings:
            return f"{self.check}: nothing found; {seen}"
        lines = [f"{self.check}: {self._counts}; {seen}", *(finding.message for finding in self.findings[:SHOWN])]
        if len(self.findings) > SHOWN:
            lines.append(f"and {len(self.findings) - SHOWN} more, see .findings")
        return "\n  ".join(lines)

    def __repr__(self) -> str:
        """Short, for the message of an ``assert``: pytest cuts long ones in their middle."""
        if not self.findings:
            return f"<{self.check}: nothing found>"
        more = f" (and {len(self.findings) - 1} more)" if len(self.findings) > 1 else ""
        return f"<{self.check}: {self._counts}: {self.findings[0].message}{more}>"

    @property
    def _counts(self) -> str:
        counts = Counter(finding.kind for finding in self.findings)
        return ", ".join(f"{number} {WORDS[kind]}" for kind, number in counts.items())


def listed_as(kind: FindingKind, message: str, entry: Entry) -> Finding:
    """A finding about a chunk as ``list()`` gives it."""
    return Finding(kind=kind, message=message, chunk=entry.id, document=entry.of, where="list()")


def distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in their order, each once."""
    return tuple(dict.fromkeys(findings))
