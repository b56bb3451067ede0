"""The terminal summary: collects what reports bring, and writes one table per suite, and what a matrix tells."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_genaiops.report import factorial
from pytest_genaiops.report.document import SuiteView
from pytest_genaiops.report.shortlist import MANY, shortlist
from pytest_genaiops.report.table import Line, Row, SuiteTable, Tally, render
from pytest_genaiops.statistics import Sample, interval

MAX_SLICES = 12
"""Slices that a table shows of each metric; of further ones only the number."""
STYLES: dict[str, dict[str, bool]] = {
    "head": {"bold": True},
    "better": {"green": True},
    "worse": {"red": True},
    "warn": {"yellow": True},
}


class Mean:
    """The mean of a metric's rows: of one row the row itself, of single cases' rows the mean of their values."""

    __slots__ = ("_clusters", "_first", "_n", "_unscored", "_values")

    def __init__(self) -> None:
        self._first: Row | None = None
        self._values = array("d")
        self._clusters: list[str] | None = None
        self._n = self._unscored = 0

    def add(self, row: Row, cluster: str | None = None) -> None:
        """Take one more row into the mean; rows of one cluster depend on each other."""
        self._first = self._first or row
        self._n += row.n
        self._unscored += row.unscored
        if row.value is None:
            return
        if cluster is not None:
            # A case without a cluster depends on nobody.
            self._clusters = self._clusters or [f"row {i}" for i in range(len(self._values))]
        if self._clusters is not None:
            self._clusters.append(cluster or f"row {len(self._values)}")
        self._values.append(row.value)

    def holds(self, row: Row) -> bool:
        """Take the row where there is none yet; else say whether it is the same one."""
        if self._first is None:
            self.add(row)
        return self._first == row

    def row(self, metric: str, part: str) -> Row:
        """The mean as a row, under the given names."""
        first = self._first
        assert first is not None
        if first.interval is not None or not self._values:
            return replace(first, metric=metric, slice=part, n=self._n, unscored=self._unscored)
        value, bounds = math.fsum(self._values) / len(self._values), self._bounds(first.scale)
        return replace(
            first, metric=metric, slice=part, value=value, n=self._n, unscored=self._unscored, interval=bounds
        )

    def _bounds(self, scale: tuple[float, float]) -> tuple[float, float]:
        return interval(
            Sample(
                statistics=[(value,) for value in self._values],
                values=self._values,
                score=lambda total, n: float(total[0]) / n,
                is_mean=True,
                scale=scale,
                clusters=self._clusters,
            )
        )


class Ledger:
    """What the reports of a session said, by suite; in the controller, of every worker's."""

    def __init__(self) -> None:
        self._suites: dict[tuple[str, ...], dict[str, Any]] = {}
        self._rows: dict[tuple[str, ...], dict[tuple[str, str, str], Mean]] = {}
        self._differs: dict[tuple[str, ...], dict[str, str]] = {}
        self._outcomes: dict[tuple[str, ...], dict[str, dict[str, str]]] = {}
        """By title, variant and node id."""
        self._tried: dict[str, str] = {}
        """Node id -> case, where a case is tried several times."""
        self._verdicts: dict[tuple[str, ...], dict[str, dict[tuple[str, str], None]]] = {}
        """By title and variant, each (outcome, reason) once."""
        self._varies = False
        """Whether a variant varies settings of a matrix."""
        self._lost: list[str] = []
        """Node ids that failed without facts: pytest-xdist reports in place of a worker that died."""

    def add(self, report: Any, outcome: str | None) -> None:
        """Take the facts that a suite's report carries."""
        facts = getattr(report, "genaiops", None)
        if facts is None:
            if outcome == "lost":
                self._lost.append(report.nodeid)
            return
        del report.genaiops  # read once, while pytest keeps reports to the end
        variant, title = facts["variant"], _heading(facts)
        if facts["differs"]:
            self._differs.setdefault(title, {})[variant] = facts["differs"]
        self._varies = self._varies or facts["varies"]
        if report.outcome == "rerun":
            return
        suite = self._suites.setdefault(title, {**facts, "variants": {}})
        suite["variants"][variant] = min(facts["place"], suite["variants"].get(variant, facts["place"]))
        suite["slices_left_out"] = max(suite["slices_left_out"], facts["slices_left_out"])
        for known, reason in facts["verdicts"]:
            self._verdicts.setdefault(title, {}).setdefault(variant, {})[known, reason] = None
        if facts["case"] is not None and outcome is not None:
            self._outcomes.setdefault(title, {}).setdefault(variant, {})[report.nodeid] = outcome
            if facts["trials"] > 1:
                self._tried[report.nodeid] = facts["case"]
        self._enter(title, facts)

    def _enter(self, title: tuple[str, ...], facts: Mapping[str, Any]) -> None:
        """Enter the rows of a report, those of single cases under each of their slices too."""
        known, variant = self._rows.setdefault(title, {}), facts["variant"]
        for plain in facts["rows"]:
            row = Row.of(plain)
            parts = [row.slice, *(f"{tag}={value}" for tag, value in facts["slices"].items())]
            for part in parts:
                if facts["case"] is not None:
                    known.setdefault((row.metric, part, variant), Mean()).add(row, facts["cluster"])
                else:
                    _put(known, (row.metric, part, variant), row, facts["suite"].rpartition("::")[2])

    def tables(self) -> Iterable[SuiteTable]:
        """What to show, in the order in which the suites ran."""
        for title, suite in self._suites.items():
            by_case, baseline, differs = suite["case"] is not None, suite["baseline"], self._differs.get(title, {})
            cells, left_out = _cells(self._rows.get(title, {}))
            left_out = max(left_out, suite["slices_left_out"])
            # As the file has them: reports come in whatever order workers finish.
            variants = sorted(suite["variants"], key=suite["variants"].__getitem__)
            outcomes = _lost(self._lost, title[0], variants)
            for variant, known in self._outcomes.get(title, {}).items():
                outcomes.setdefault(variant, {}).update(known)
            if not cells and not outcomes:
                continue
            words = [suite["dataset"], _extent(suite), *suite["only"]]
            words += [f"{left_out} further slices not shown"] if left_out > 0 else []
            words += [f"baseline {baseline}"] if baseline else []
            unit = "each trial" if suite["trials"] > 1 else "each"
            words += [f"{unit} a test; values are means over them"] if by_case else []
            yield SuiteTable(
                title=title[0],
                note=", ".join(words),
                baseline=baseline,
                variants=variants,
                cells=cells,
                tallies=_tallies(outcomes, self._tried),
                verdicts={variant: list(found) for variant, found in self._verdicts.get(title, {}).items()},
                differs={v: differs[v] for v in variants if v in differs},
            )

    def write(self, reporter: Any, matrices: Callable[[], Sequence[SuiteView]]) -> None:
        """Write the tables, and above them what matrices tell; nothing at all where no suite ran.

        ``matrices`` gives the suites that have a factorial; it is asked only where variants vary settings.
        """
        if not self._suites:
            return
        writer = reporter._tw
        plain = not (getattr(writer._file, "encoding", None) or "").lower().startswith("utf")
        reporter.section("genaiops", sep="-", bold=True)
        found = matrices() if self._varies else ()
        blocks = [factorial.render(suite, writer.fullwidth, ascii_only=plain) for suite in found]
        blocks += [_lines(table, found, writer.fullwidth, ascii_only=plain) for table in self.tables()]
        for line in (line for block in blocks for line in block):
            writer.line("".join(writer.markup(cell.text, **STYLES.get(cell.style, {})) for cell in line).rstrip())


def _lines(table: SuiteTable, matrices: Sequence[SuiteView], width: int, *, ascii_only: bool) -> list[Line]:
    """A table; of more variants than stand side by side the shortlist, led by the best of the matrix that it shows."""
    if len(table.variants) <= MANY:
        return render(table, width, ascii_only=ascii_only)
    best: list[str] = []
    first: list[str] = []
    for suite in matrices:
        if suite.factorial is not None and suite.title.startswith(table.title):
            numbers = factorial.leading(suite.factorial, factorial.judged(suite))
            first += [each.name for each in numbers]
            best += [each.variant for number in numbers[:1] for each in factorial.best(suite.factorial, number)]
    return shortlist(table, width, best=best, first=first, ascii_only=ascii_only)


def _extent(suite: Mapping[str, Any]) -> str:
    """How many cases ran, of how many where it was not all of them, and how often where it was not once."""
    ran, there, trials = suite["cases"], suite["cases_there"], suite["trials"]
    extent = f"{ran} case{'' if ran == 1 else 's'}" if ran == there else f"{ran} of {there} cases"
    return f"{extent} in {trials} trials" if trials > 1 else extent


def _heading(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What shares a table: the tests of one file that judge the same data as often against one baseline; else each."""
    path, _, test = facts["suite"].partition("::")
    if facts["case"] is not None:
        return (f"{path}::{test}",)
    return (path, facts["dataset"], facts["data"], str(facts["baseline"]), str(facts["trials"]))


def _put(known: dict[tuple[str, str, str], Mean], key: tuple[str, str, str], row: Row, test: str) -> None:
    """Enter a whole dataset's row; where two tests of a table differ under one metric, the later one says its name."""
    metric, part, variant = key
    for name in (metric, f"{metric} in {test}"):
        if known.setdefault((name, part, variant), Mean()).holds(row):
            return


def _cells(rows: Mapping[tuple[str, str, str], Mean]) -> tuple[dict[tuple[str, str], dict[str, Row]], int]:
    """(metric, slice) -> variant -> row, slices behind their metric; and how many further slices a metric has."""
    metrics: dict[str, dict[str, dict[str, Row]]] = {}
    for (metric, part, variant), found in rows.items():
        metrics.setdefault(metric, {}).setdefault(part, {})[variant] = found.row(metric, part)
    cells = {
        (metric, part): parts[part] for metric, parts in metrics.items() for part in sorted(parts)[: MAX_SLICES + 1]
    }
    return cells, max((len(parts) - MAX_SLICES - 1 for parts in metrics.values()), default=0)


def _lost(nodeids: Iterable[str], test: str, variants: Iterable[str]) -> dict[str, dict[str, str]]:
    """The cases of a test that died with their worker; the variant is told by the node id."""
    found: dict[str, dict[str, str]] = {}
    for nodeid in nodeids:
        name, _, parameters = nodeid.partition("[")
        if name == test and not parameters.endswith("-pass_rate]"):
            named = [variant for variant in variants if f"-{variant}-" in f"-{parameters}"]
            if named:
                found.setdefault(max(named, key=len), {})[nodeid] = "lost"
    return found


def _tallies(outcomes: Mapping[str, Mapping[str, str]], tried: Mapping[str, str]) -> dict[str, Tally]:
    counts = {variant: Counter(found.values()) for variant, found in outcomes.items()}
    return {
        variant: Tally(
            passed=c["passed"],
            missed=c["missed"],
            failed=c["failed"],
            lost=c["lost"],
            skipped=c["skipped"],
            flaky=_flaky(outcomes[variant], tried),
        )
        for variant, c in counts.items()
    }


def _flaky(outcomes: Mapping[str, str], tried: Mapping[str, str]) -> int | None:
    """Cases of which some trials passed and others did not; None where each was tried once."""
    found: dict[str, set[bool]] = {}
    for nodeid, outcome in outcomes.items():
        if nodeid in tried and outcome in ("passed", "missed", "failed"):
            found.setdefault(tried[nodeid], set()).add(outcome == "passed")
    return sum(len(kinds) > 1 for kinds in found.values()) if found else None
