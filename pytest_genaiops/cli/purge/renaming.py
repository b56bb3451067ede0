"""Committed baselines without the ids, clusters and labels that name somebody; every number stays.

A row that were taken out would leave a mean that its rows do not have. So it stays under another name, with its
checksum made anew, and compares with no case any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from pytest_genaiops.baselines import Baseline, Entry, Rows, Section, read, write
from pytest_genaiops.dataset.text import place
from pytest_genaiops.store.wanted import REMOVED, Wanted


def of_baseline(path: Path, wanted: Wanted, *, dry_run: bool) -> int:
    """Rename what is meant in the baseline of a file, and give how many names that were.

    Names of suites, variants and datasets stay, for files are found by them. Raises UsageError for a file that is no
    sound baseline, or cannot be written.
    """
    shown = place(path, Path.cwd())
    before = read(path, shown=shown)
    if before is None:
        return 0
    renaming = _Renaming(lambda name: name == wanted.id or wanted.in_text(name))
    after = renaming.baseline(before)
    if renaming.names and not dry_run:
        write(path, after, shown=shown)
    return len(renaming.names)


class _Renaming:
    """The same new name for the same old one, all over a file."""

    def __init__(self, is_meant: Callable[[str], bool]) -> None:
        self._is_meant = is_meant
        self._taken: set[str] = set()
        self.names: dict[str, str] = {}

    def baseline(self, given: Baseline) -> Baseline:
        sections = [section for entry in given.entries.values() for section in entry.metrics.values()]
        self._taken = {name for section in sections for name in section.rows.ids}
        return replace(given, entries={key: self._entry(entry) for key, entry in given.entries.items()})

    def _entry(self, given: Entry) -> Entry:
        return replace(given, metrics={name: self._section(section) for name, section in given.metrics.items()})

    def _section(self, given: Section) -> Section:
        rows = (self._value(json.loads(line)) for line in given.rows.lines())
        return replace(given, rows=Rows.of_lines(map(json.dumps, rows)))

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(each) for each in value]
        return self._name(value) if isinstance(value, str) and self._is_meant(value) else value

    def _name(self, old: str) -> str:
        if old not in self.names:
            free = (f"{REMOVED}-{number}" for number in count(1))
            new = next(name for name in free if name not in self._taken)
            self._taken.add(new)
            self.names[old] = new
        return self.names[old]
