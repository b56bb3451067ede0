"""The terminal summary: collects what reports bring, and writes one table per suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pytest_genaiops.report.table import Row, SuiteTable, Tally, render

STYLES: dict[str, dict[str, bool]] = {
    "head": {"bold": True},
    "better": {"green": True},
    "worse": {"red": True},
    "warn": {"yellow": True},
}


class Mean:
    """The mean of a metric's rows: of one row the row itself, of single cases' rows the mean of their values."""

    __slots__ = ("_first", "_n", "_scored", "_sum", "_unscored")

    def __init__(self) -> None:
        self._first: Row | None = None
        self._sum = 0.0
        self._scored = self._n = self._unscored = 0

    def add(self, row: Row) -> None:
        self._first = self._first or row
        self._n += row.n
        self._unscored += row.unscored
        if row.value is not None:
            self._sum += row.value
            self._scored += 1

    def row(self, part: str) -> Row:
        assert self._first is not None
        value = self._sum / self._scored if self._scored else None
        return replace(self._first, slice=part, value=value, n=self._n, unscored=self._unscored)


class Ledger:
    """What the reports of a session said, by suite; in the controller, of every worker's."""

    def __init__(self) -> None:
        self._suites: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, dict[tuple[str, str, str], Mean]] = {}
        self._outcomes: dict[str, dict[tuple[str, str], str]] = {}

    def add(self, report: Any, outcome: str | None) -> None:
        """Take the facts that a suite's report carries."""
        facts = vars(report).pop("genaiops", None)  # read once, while pytest keeps reports to the end
        if facts is None or report.outcome == "rerun":
            return
        title, variant = facts["suite"], facts["variant"]
        suite = self._suites.setdefault(title, {**facts, "variants": {}})
        suite["variants"].setdefault(variant)
        if facts["case"] is not None and outcome is not None:
            self._outcomes.setdefault(title, {})[variant, report.nodeid] = outcome
        known = self._rows.setdefault(title, {})
        for plain in facts["rows"]:
            row = Row.of(plain)
            parts = [row.slice, *(f"{tag}={value}" for tag, value in facts["slices"].items())]
            for part in parts:
                known.setdefault((row.metric, part, variant), Mean()).add(row)

    def tables(self) -> Iterable[SuiteTable]:
        for title, suite in self._suites.items():
            by_case = suite["case"] is not None
            baseline = suite["baseline"]
            words = [f"{suite['dataset']}, {suite['cases']} cases"]
            words += [f"baseline {baseline}"] if baseline else []
            words += ["each a test; values are means over them"] if by_case else []
            yield SuiteTable(
                title=title.rpartition("::")[2],
                note=", ".join(words),
                baseline=baseline,
                variants=list(suite["variants"]),
                cells=_cells(self._rows.get(title, {})),
                tallies=_tallies(self._outcomes.get(title, {})),
            )

    def write(self, reporter: Any) -> None:
        """Write the tables; nothing at all where no suite ran."""
        if not self._suites:
            return
        writer = reporter._tw
        plain = not (getattr(writer._file, "encoding", None) or "").lower().startswith("utf")
        reporter.section("genaiops", sep="-", bold=True)
        for table in self.tables():
            for line in render(table, writer.fullwidth, ascii_only=plain):
                writer.line("".join(writer.markup(cell.text, **STYLES.get(cell.style, {})) for cell in line).rstrip())


def _cells(rows: Mapping[tuple[str, str, str], Mean]) -> dict[tuple[str, str], dict[str, Row]]:
    """(metric, slice) -> variant -> row, slices behind their metric."""
    metrics = dict.fromkeys(metric for metric, _, _ in rows)
    cells: dict[tuple[str, str], dict[str, Row]] = {}
    for metric in metrics:
        parts = sorted({part for name, part, _ in rows if name == metric})
        for part in parts:
            cells[metric, part] = {v: found.row(part) for (m, p, v), found in rows.items() if (m, p) == (metric, part)}
    return cells


def _tallies(outcomes: Mapping[tuple[str, str], str]) -> dict[str, Tally]:
    counts: dict[str, Counter[str]] = {}
    for (variant, _), outcome in outcomes.items():
        counts.setdefault(variant, Counter())[outcome] += 1
    return {
        variant: Tally(passed=c["passed"], missed=c["missed"], failed=c["failed"], skipped=c["skipped"])
        for variant, c in counts.items()
    }
