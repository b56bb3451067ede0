"""What a metric says of one response by itself, read from the statistics that are on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

from pytest_genaiops.errors import UsageError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.recording import remade
from pytest_genaiops.records import Statistics
from pytest_genaiops.run.guard import attempt, describe
from pytest_genaiops.store import MetricRow, PartRow
from pytest_genaiops.store.export import Own


def reader(root: Path, unread: Callable[[str], None]) -> Callable[[MetricRow], Mapping[str, Own]]:
    """How the parts of recorded metrics are read; ``unread`` is told in a sentence of those that nobody can.

    A metric is made again of its name and options. One that cannot be is read as the mean of the values that it
    measured, where that is what it was.
    """

    def read(row: MetricRow) -> Mapping[str, Own]:
        metric = _made(row, root)
        parts = {} if isinstance(metric, str) else metric.parts(None)
        found: dict[str, Own] = {}
        for each in row.parts:
            part = each if isinstance(metric, str) else _part(metric, parts, each)
            if isinstance(part, Part):
                found[each.name] = partial(_value, part)
            elif each.is_mean and len(row.parts) == 1:
                found[each.name] = _mean
        lacking = [part.name for part in row.parts if part.name not in found]
        if lacking:
            why = metric if isinstance(metric, str) else "they depend on all responses together"
            unread(f"{row.name}: no values of single responses for {', '.join(lacking)} ({why})")
        return found

    return read


def _made(row: MetricRow, root: Path) -> Metric | str:
    """The metric, or why it cannot be made here."""
    if row.options is None:
        return "a metric of the project's own"
    try:
        return remade(row.name, row.options, root)
    except UsageError as error:
        return str(error)


def _part(metric: Metric, parts: Mapping[str, Any], row: PartRow) -> Part | None:
    """The part that a path leads to; None where the metric has no such one (any more)."""
    found: Any = parts if parts else metric.part()
    for name in row.path:
        inside = found.children if isinstance(found, Part) else found
        found = inside.get(name)
        if found is None:
            return None
    return found if isinstance(found, Part) else None


def _value(part: Part, statistics: Statistics) -> float | str | None:
    if part.about is not None and not part.about(statistics):
        return None
    if part.lacking is not None and (why := part.lacking(statistics)):
        return why
    value, error = attempt(part.case_score, statistics)
    if error is not None:
        return describe(error)
    return float(value) if isfinite(value) else "not a finite number"


def _mean(statistics: Statistics) -> float | str | None:
    if isinstance(statistics, Mapping) or len(statistics) != 1:
        return "its statistics are more than a value"
    return statistics[0] if isfinite(statistics[0]) else "not a finite number"
