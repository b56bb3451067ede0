"""Responses and their measurements under one metric: what every score of one call shares."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_genaiops.errors import MetricError, of_ours
from pytest_genaiops.metrics.base import Metric, Part, add_up
from pytest_genaiops.records import Measurement, Response, Statistics
from pytest_genaiops.run import Measured
from pytest_genaiops.sequences import Chosen, chosen, same

__tracebackhide__ = of_ours


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """One row a response, in input order."""

    metric: Metric | None
    """None for a score made from values of one's own."""
    responses: Sequence[Response]
    """Empty for a score made from values of one's own, or from a committed baseline."""
    measurements: Sequence[Measurement]
    ids: Sequence[str]
    """Case ids."""
    signature: str
    clusters: Sequence[Hashable] | None = None
    """Rows with the same key depend on each other: one document, one conversation, trials of one case."""
    slices: Mapping[str, Sequence[int]] | None = None
    """``tag=value`` -> positions, where they are known already; None where the responses say."""
    trials: Sequence[int] | None = None
    """Number of the trial of every row, where there are no responses to say it; None where all are the first."""
    score_again: Callable[[Sequence[Response]], Any] | None = None
    """Scores other responses under the same metric: a baseline's, for a comparison."""
    total: Any = None
    """Summed statistics of the scored rows; None where there are none."""
    scored: Sequence[int] = ()
    """Positions that have statistics."""


def summed(table: Table) -> Table:
    """The table with its scored positions and their summed statistics filled in."""
    found = table.measurements
    if isinstance(found, Measured):
        scored = found.scored
        return replace(table, scored=scored, total=found.statistics.total() if scored else None)
    positions = [i for i, m in enumerate(found) if m.statistics is not None]
    rows = [found[i].statistics for i in positions]
    return replace(table, scored=positions, total=add_up(rows) if rows else None)  # type: ignore[arg-type]


def without(table: Table, lacking: Callable[[Any], str]) -> Table:
    """The table in which rows are unscored whose statistics lack a part, for the reason that is given."""
    measurements = Measured()
    for each in table.measurements:
        reason = "" if each.statistics is None else lacking(each.statistics)
        measurements.append(Measurement(reason=reason, kind="metric") if reason else each)
    return summed(replace(table, measurements=measurements))


def about(table: Table, holds: Callable[[Any], bool]) -> Table:
    """The table's rows that a part is about, and those that have no statistics to tell by."""
    found = enumerate(table.measurements)
    positions = [i for i, each in found if each.statistics is None or holds(each.statistics)]
    part = _rows(table, positions)
    if table.responses or not table.slices:
        return part
    places = {position: place for place, position in enumerate(positions)}
    slices = {name: [places[i] for i in rows if i in places] for name, rows in table.slices.items()}
    return replace(part, slices={name: rows for name, rows in slices.items() if rows})


def sliced(table: Table) -> Iterator[tuple[str, Table]]:
    """(``tag=value``, the table's part with this tag), by name; nothing where cases carry no tags."""
    found = table.slices if table.slices is not None else _members(table.responses)
    return ((name, _rows(table, positions)) for name, positions in sorted(found.items()))


def _members(responses: Sequence[Response]) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    for i, response in enumerate(responses):
        tags = response.trial.case.slices if response.trial else {}
        for tag, value in tags.items():
            found.setdefault(f"{tag}={value}", []).append(i)
    return found


def _rows(table: Table, positions: Sequence[int]) -> Table:
    """The table cut down to some positions."""
    found = table.measurements
    large = isinstance(found, Measured)
    return summed(
        replace(
            table,
            responses=_chosen_responses(table, positions, large=large),
            measurements=found.take(positions) if isinstance(found, Measured) else chosen(found, positions),
            ids=chosen(table.ids, positions),
            clusters=chosen(table.clusters, positions) if table.clusters is not None else None,
            slices=None if table.responses else {},
            trials=chosen(table.trials, positions) if table.trials is not None else None,
        )
    )


def _chosen_responses(table: Table, positions: Sequence[int], *, large: bool) -> Sequence[Response]:
    if not table.responses:
        return ()
    return Chosen(table.responses, positions) if large else chosen(table.responses, positions)


def statistics_at(table: Table, positions: Sequence[int]) -> Sequence[Statistics]:
    """The statistics of scored rows."""
    found = table.measurements
    if isinstance(found, Measured):
        return found.statistics.take(positions)
    return [found[i].statistics for i in positions]  # type: ignore[misc]


def reasons(table: Table) -> Iterator[tuple[int, str]]:
    """(position, why there is no score) of every unscored row, in their order."""
    found = table.measurements
    unscored = found.unscored.items() if isinstance(found, Measured) else enumerate(found)
    return ((i, f"{m.kind}: {m.reason}") for i, m in unscored if m.statistics is None)


def kinds(table: Table) -> Mapping[str, int]:
    """Kind of error -> how many rows have no score because of it; the most frequent first."""
    found = table.measurements
    unscored = found.unscored.values() if isinstance(found, Measured) else found
    return dict(Counter(m.kind or "input" for m in unscored if m.statistics is None).most_common())


def narrowed(table: Table, ids: Collection[str]) -> Table:
    """The table's part over some cases."""
    return _rows(table, [i for i, case in enumerate(table.ids) if case in ids])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairing:
    """The rows of two tables that belong together, by case id and trial."""

    left: Sequence[int]
    """Positions of the rows that both tables scored, in the left one's order."""
    right: Sequence[int]
    """Positions of the same rows in the right table."""
    missed_left: Sequence[int] = ()
    """Positions in the *right* table of rows that it scored and the left one did not."""
    missed_right: Sequence[int] = ()
    """Positions in the *left* table of rows that it scored and the right one did not."""
    shared: int
    """Rows that both tables have, scored or not."""
    unshared: int = 0
    """Rows that only one of the tables has."""


def paired(left: Table, right: Table) -> Pairing:
    """The rows that two tables share. Rows join by case id and trial, never by position."""
    if same(left.ids, right.ids):
        return _aligned(left, right)
    mine, theirs = keys(left), keys(right)
    there, here = {mine[i] for i in left.scored}, {theirs[i]: i for i in right.scored}
    known, others = set(mine), set(theirs)
    pairs = [(i, here[mine[i]]) for i in left.scored if mine[i] in here]
    shared = len(known & others)
    return Pairing(
        left=[a for a, _ in pairs],
        right=[b for _, b in pairs],
        missed_left=[i for key, i in here.items() if key in known and key not in there],
        missed_right=[i for i in left.scored if mine[i] in others and mine[i] not in here],
        shared=shared,
        unshared=len(known) + len(others) - 2 * shared,
    )


def _aligned(left: Table, right: Table) -> Pairing:
    """The pairing of two tables whose rows are the same ones in the same order."""
    gone, lost = ({i for i, _ in reasons(table)} for table in (left, right))
    both = array("q", (i for i in left.scored if i not in lost)) if lost else left.scored
    return Pairing(
        left=both, right=both, missed_left=sorted(gone - lost), missed_right=sorted(lost - gone), shared=len(left.ids)
    )


def same_responses(left: Table, right: Table, pairing: Pairing) -> bool:
    """Whether the paired rows are the very same responses on both sides."""
    if left is right:
        return True
    if not left.responses or not right.responses:
        return False
    mine, theirs = pairing.left, pairing.right
    if same(left.responses, right.responses):
        return mine == theirs
    return all(left.responses[a] is right.responses[b] for a, b in zip(mine, theirs, strict=True))


def keys(table: Table) -> list[tuple[str, int]]:
    """(case id, trial) of every row."""
    if not table.responses:
        return list(zip(table.ids, table.trials or [1] * len(table.ids), strict=True))
    return [(case, r.trial.index if r.trial else 1) for case, r in zip(table.ids, table.responses, strict=True)]


def places_of(table: Table, ids: Sequence[Any], trials: Sequence[Any]) -> list[int] | None:
    """Where the table's rows stand among responses of these ids and trials; None where it is about all of them.

    A part of a metric may be about some of the cases only, such as those that expect a tool call.
    """
    if len(table.ids) == len(ids):
        return None
    known = {key: place for place, key in enumerate(zip(ids, trials, strict=True))}
    return [known[key] for key in keys(table)]


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
    measurements = Measured()
    for row, value in zip(names, values, strict=True):
        measurements.append(_measurement(name, row, value, scale))
    keys = None if clusters is None else [str(key) for key in clusters]
    return summed(Table(metric=None, responses=(), measurements=measurements, ids=names, signature="", clusters=keys))


def mean_part(name: str, scale: tuple[float, float] = (0.0, 1.0), *, higher_is_better: bool = True) -> Part:
    """What the mean of such values is."""
    return Part(
        name=name,
        score=lambda total, n: float(total[0]) / n,
        case_score=lambda statistics: float(statistics[0]),
        scale=scale,
        higher_is_better=higher_is_better,
        is_mean=True,
    )


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
