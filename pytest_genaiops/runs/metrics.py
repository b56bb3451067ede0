"""Recorded metrics -> handles that know every measurement of the run already, so that nothing is measured again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_genaiops.errors import UsageError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.recording import remade
from pytest_genaiops.records import Case, Measurement, Responses
from pytest_genaiops.run import Judging, Measurements
from pytest_genaiops.runs.bycase import CaseHandle
from pytest_genaiops.runs.own import own_values
from pytest_genaiops.runs.reading import Recorded
from pytest_genaiops.score import MetricHandle
from pytest_genaiops.score.metric import signature_of
from pytest_genaiops.store import MetricRow, PartRow, ScoreRow, Store

_UNASKED = Measurement(kind="missing", reason="not measured in this run")
_AGREES = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What the metrics of a suite became."""

    handles: Mapping[str, MetricHandle]
    """By the metric's name; with its options where the suite has it more than once."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """Name of a metric -> why there are no scores of it."""
    notes: Sequence[str] = ()
    """What a reader of the scores has to know."""
    scores: Mapping[tuple[str, str], Sequence[ScoreRow]] = field(default_factory=dict)
    """(name, variant) -> numbers as the run worked them out."""
    parts: Mapping[str, Sequence[PartRow]] = field(default_factory=dict)
    """Name -> its numbers, as they were recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """One metric with one set of options, under every variant that it measured."""

    name: str
    options: Mapping[str, Any] | None
    rows: list[tuple[str, MetricRow]] = field(default_factory=list)
    """(variant, row)."""


@dataclass(slots=True)
class _Known:
    """What was measured under one group, by variant and place of the response."""

    by_variant: dict[str, dict[int, Measurement]] = field(default_factory=dict)
    cases: dict[str, set[int]] = field(default_factory=dict)
    """Recorded signature -> positions of the cases that were measured under it."""


def shelf_of(store: Store, recorded: Recorded, *, root: Path, judging: Judging | None = None) -> Shelf:
    """Handles for every metric of a suite.

    A metric is made again of its name and options. Where it cannot be, or has another signature here than the run had
    (another version, another judge), scores are means of the recorded values if that is what they were, and else there
    are none: numbers of two definitions are never mixed.
    """
    measurements = Measurements(judging)
    groups = _groups(recorded.metrics)
    names = _names(groups)
    handles: dict[str, MetricHandle] = {}
    unavailable: dict[str, str] = {}
    notes: list[str] = []
    for name, group in zip(names, groups, strict=True):
        known = _known(store, recorded, group)
        metric, why = _made(group, root, recorded, known)
        if why:
            metric = _values(store, group, known)
            told = "scores are means of the recorded values" if metric else "there are no scores that compare"
            notes.append(f"{name}: {told}, because {why}")
        if metric is None:
            unavailable[name] = why
            continue
        notes += _prefill(measurements, metric, recorded, (name, known))
        kind = CaseHandle if recorded.by_case else MetricHandle
        handles[name] = kind(metric, measurements=measurements)
    return Shelf(
        handles=handles,
        unavailable=unavailable,
        notes=notes,
        scores={
            (name, variant): found
            for name, group in zip(names, groups, strict=True)
            for variant, row in group.rows
            if (found := store.scores(row.id))
        },
        parts={name: group.rows[0][1].parts for name, group in zip(names, groups, strict=True)},
    )


def _groups(metrics: Mapping[str, Sequence[MetricRow]]) -> list[_Group]:
    found: dict[tuple[str, str], _Group] = {}
    for variant, rows in metrics.items():
        for row in rows:
            told = row.signature if row.options is None else json.dumps(row.options, sort_keys=True)
            group = found.setdefault((row.name, told), _Group(name=row.name, options=row.options))
            group.rows.append((variant, row))
    return list(found.values())


def _names(groups: Sequence[_Group]) -> list[str]:
    """A name for each group that no other has."""
    names: list[str] = []
    for group in groups:
        told = ", ".join(f"{key}={value!r}" for key, value in (group.options or {}).items())
        alone = sum(each.name == group.name for each in groups) == 1
        name = group.name if alone or not told else f"{group.name}({told})"
        names.append(name if name not in names else f"{name}#{len(names)}")
    return names


def _known(store: Store, recorded: Recorded, group: _Group) -> _Known:
    known = _Known()
    for variant, row in group.rows:
        own, cases = known.by_variant.setdefault(variant, {}), known.cases.setdefault(row.signature, set())
        for position, trial, measurement in store.measurements(row.id):
            place = recorded.place(position, trial)
            if place is not None:
                cases.add(position)
                # Under another signature the same metric may have tried before, and failed.
                if measurement.statistics is not None or place not in own:
                    own[place] = measurement
    return known


def _made(group: _Group, root: Path, recorded: Recorded, known: _Known) -> tuple[Metric | None, str]:
    """The metric; and why it is not the one that was recorded, empty where it is."""
    if group.options is None and not any(known.by_variant.values()):
        return None, "its values do not say which case they are of; Score.of(…, ids=[…]) tells"
    if group.options is None:
        return None, f"{group.name} is a metric of the project's own, which cannot be made of its name"
    try:
        metric = remade(group.name, group.options, root)
        return metric, _changed(metric, recorded, known)
    except UsageError as error:
        return None, str(error)


def _changed(metric: Metric, recorded: Recorded, known: _Known) -> str:
    """In what the metric differs from the one that was recorded; empty where it is the same.

    Raises UsageError where it cannot say what it is: its package is missing, or its judge.
    """
    cases = recorded.suite.cases
    here = _signature(metric, recorded, cases)
    for signature, positions in known.cases.items():
        if signature != here:
            # A test may have asked about some of the cases only, or about one at a time.
            some = _signature(metric, recorded, [cases[position] for position in sorted(positions)])
            if signature != some:
                return _difference(signature, some)
    return ""


def _signature(metric: Metric, recorded: Recorded, cases: Sequence[Case]) -> str:
    data = recorded.suite.dataset.hash
    return signature_of(metric, cases, [data] if data else [])


def _difference(recorded: str, here: str) -> str:
    before, now = set(recorded.split("|")), set(here.split("|"))
    mine, theirs = (" ".join(sorted(items)) or "nothing more" for items in (before - now, now - before))
    return f"the run has {mine}, and here it is {theirs}"


def _values(store: Store, group: _Group, known: _Known) -> Metric | None:
    """What stands for a metric whose scores are means of the recorded values; None where they are not."""
    signature, parts = group.rows[0][1].signature, group.rows[0][1].parts
    if any(row.signature != signature for _, row in group.rows) or len(parts) != 1 or len(parts[0].path) > 1:
        return None
    if not any(known.by_variant.values()):
        return None
    part = parts[0]
    if not part.is_mean or not all(_one(each) for own in known.by_variant.values() for each in own.values()):
        return None
    for variant, row in group.rows:
        scored = [each.statistics[0] for each in known.by_variant[variant].values() if each.statistics]
        for score in store.scores(row.id):
            whole = score.name == part.name and not score.slice and score.value is not None
            if whole and score.n == len(scored) and not _close(math.fsum(scored) / len(scored), score.value):
                return None  # of what was recorded the value is made in another way
    return own_values(group.name, signature, part)


def _one(measurement: Measurement) -> bool:
    statistics = measurement.statistics
    return statistics is None or (isinstance(statistics, tuple) and len(statistics) == 1)


def _close(one: float, other: float | None) -> bool:
    return other is not None and math.isclose(one, other, rel_tol=_AGREES, abs_tol=_AGREES)


def _prefill(measurements: Measurements, metric: Metric, recorded: Recorded, of: tuple[str, _Known]) -> list[str]:
    """Make every response's measurement known; gives what is to be said of responses that were not measured."""
    name, known = of
    lacking = total = 0
    for variant, responses in recorded.responses.items():
        own = known.by_variant.get(variant, {})
        found = [own.get(place) or _unasked(metric, responses, place) for place in range(len(responses))]
        lacking += sum(each is _UNASKED for each in found)
        total += len(found)
        measurements.know(metric, responses, found)
    return [f"{name}: {lacking} of {total} responses were not measured in this run"] if lacking else []


def _unasked(metric: Metric, responses: Responses, place: int) -> Measurement:
    error = responses[place].error
    if error is not None and not metric.judges_errors:
        return Measurement(kind=error.kind, reason=error.message)
    return _UNASKED
