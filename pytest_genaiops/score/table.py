"""Responses and their measurements under one metric: what every score of one call shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.metrics.base import Metric, add_up
from pytest_genaiops.records import Measurement, Response

__tracebackhide__ = of_ours


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """One row a response, in input order."""

    metric: Metric | None
    """None for a score made from values of one's own."""
    responses: Sequence[Response]
    """Empty for a score made from values of one's own."""
    measurements: Sequence[Measurement]
    ids: Sequence[str]
    """Case ids."""
    signature: str
    clusters: Sequence[str] | None = None
    """Rows with the same key depend on each other: one document, one conversation, trials of one case."""
    score_again: Callable[[Sequence[Response]], Any] | None = None
    """Scores other responses under the same metric: a baseline's, for a comparison."""
    total: Any = None
    """Summed statistics of the scored rows; None where there are none."""
    scored: Sequence[int] = ()
    """Positions that have statistics."""


def summed(table: Table) -> Table:
    """The table with its scored positions and their summed statistics filled in."""
    scored = [i for i, m in enumerate(table.measurements) if m.statistics is not None]
    rows = [table.measurements[i].statistics for i in scored]
    return replace(table, scored=scored, total=add_up(rows) if rows else None)  # type: ignore[arg-type]


def rows(table: Table, chosen: Sequence[int]) -> Table:
    """The table cut down to some positions."""
    return summed(
        replace(
            table,
            responses=[table.responses[i] for i in chosen],
            measurements=[table.measurements[i] for i in chosen],
            ids=[table.ids[i] for i in chosen],
            clusters=[table.clusters[i] for i in chosen] if table.clusters is not None else None,
        )
    )


def paired(name: str, left: Table, right: Table) -> tuple[list[int], list[int]]:
    """Positions of the cases that both tables scored, in the left one's order. Rows join by case id and trial.

    Raises:
        MetricError: the two do not hold the same cases.
    """
    mine, theirs = _keys(left), _keys(right)
    apart = set(mine) ^ set(theirs)
    if apart:
        raise MetricError(
            f"{name}: {len(apart)} cases are in only one of the two scores (such as {min(apart)[0]!r}); "
            "a paired comparison needs the same cases on both sides"
        )
    there = {theirs[i]: i for i in right.scored}
    both = [(i, there[mine[i]]) for i in left.scored if mine[i] in there]
    return [a for a, _ in both], [b for _, b in both]


def _keys(table: Table) -> list[tuple[str, int]]:
    """(case id, trial) of every row."""
    if not table.responses:
        return [(case, 1) for case in table.ids]
    return [(case, r.trial.index if r.trial else 1) for case, r in zip(table.ids, table.responses, strict=True)]


def own_values(
    values: Sequence[float | None],
    ids: Sequence[str] | None,
    clusters: Sequence[str] | None,
    name: str,
    scale: tuple[float, float],
) -> Table:
    """A table of per-case values that somebody else worked out; None is an unscored case.

    Raises:
        MetricError: lengths differ, an id occurs twice, or a value is not a finite number on the scale.
    """
    names = [str(i) for i in (range(len(values)) if ids is None else ids)]
    for what, given in (("ids", names), ("clusters", clusters)):
        if given is not None and len(given) != len(values):
            raise MetricError(f"{name}: {len(values)} values but {len(given)} {what}; give one for each")
    if len(set(names)) != len(names):
        raise MetricError(f"{name}: an id occurs twice; rows join by id, so ids must be unique")
    measurements = [_measurement(name, row, value, scale) for row, value in zip(names, values, strict=True)]
    keys = None if clusters is None else [str(key) for key in clusters]
    return summed(Table(metric=None, responses=(), measurements=measurements, ids=names, signature="", clusters=keys))


def _measurement(name: str, row: str, value: object, scale: tuple[float, float]) -> Measurement:
    if value is None:
        return Measurement(reason="no value", kind="input")
    low, high = scale
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, str) or not math.isfinite(number) or not low <= number <= high:
        raise MetricError(f"{name}: {row} has the value {value!r}, which is not on the scale {low:g} to {high:g}")
    return Measurement(statistics=(number,))
