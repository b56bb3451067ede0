"""The terminal summary: collects what reports bring, and writes one table per suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pytest_genaiops.report.table import Row, SuiteTable, Tally, render

STYLES: dict[str, dict[str, bool]] = {
    "head": {"bold": True},
    "better": {"green": True},
    "worse": {"red": True},
    "warn": {"yellow": True},
}


class Ledger:
    """What the reports of a session said, by suite; in the controller, of every worker's."""

    def __init__(self) -> None:
        self._suites: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, dict[tuple[str, str, str], list[Row]]] = {}
        self._outcomes: dict[str, dict[tuple[str, str], str]] = {}

    def add(self, report: Any, outcome: str | None) -> None:
        """Take the facts that a suite's report carries."""
        facts = getattr(report, "genaiops", None)
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
            known.setdefault((row.metric, row.slice, variant), []).append(row)
            for tag, value in facts["slices"].items():
                known.setdefault((row.metric, f"{tag}={value}", variant), []).append(row)

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


def _cells(rows: Mapping[tuple[str, str, str], list[Row]]) -> dict[tuple[str, str], dict[str, Row]]:
    """(metric, slice) -> variant -> row, slices behind their metric."""
    metrics = dict.fromkeys(metric for metric, _, _ in rows)
    cells: dict[tuple[str, str], dict[str, Row]] = {}
    for metric in metrics:
        parts = sorted({part for name, part, _ in rows if name == metric})
        for part in parts:
            cells[metric, part] = {v: _mean(found) for (m, p, v), found in rows.items() if (m, p) == (metric, part)}
    return cells


def _mean(rows: list[Row]) -> Row:
    """One row as it is; the rows of single cases as their mean."""
    if len(rows) == 1:
        return rows[0]
    values = [row.value for row in rows if row.value is not None]
    return Row(
        metric=rows[0].metric,
        slice=rows[0].slice,
        value=sum(values) / len(values) if values else None,
        n=sum(row.n for row in rows),
        unscored=sum(row.unscored for row in rows),
        higher_is_better=rows[0].higher_is_better,
        scale=rows[0].scale,
    )


def _tallies(outcomes: Mapping[tuple[str, str], str]) -> dict[str, Tally]:
    counts: dict[str, Counter[str]] = {}
    for (variant, _), outcome in outcomes.items():
        counts.setdefault(variant, Counter())[outcome] += 1
    return {
        variant: Tally(passed=c["passed"], missed=c["missed"], failed=c["failed"], skipped=c["skipped"])
        for variant, c in counts.items()
    }
