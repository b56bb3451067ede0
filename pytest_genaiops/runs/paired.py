"""The scores of two runs beside each other: paired by case and trial, from numbers alone."""

from __future__ import annotations

import heapq
import math
import operator
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_genaiops.columns import Columns
from pytest_genaiops.config import Rules
from pytest_genaiops.errors import MetricError, UnscorableError, UsageError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.recording import remade
from pytest_genaiops.score.table import mean_part
from pytest_genaiops.statistics import Difference, Sample
from pytest_genaiops.statistics.multiplicity import adjusted
from pytest_genaiops.statistics.pairwise import pairwise
from pytest_genaiops.store import MetricRow, SuiteRow
from pytest_genaiops.store.numbers import Numbers, Rows

NAMED = 5
"""Cases that a change names."""
_AGREES = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One case whose own value is worse in the later run."""

    case: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """One score of one variant in two runs."""

    suite: str
    variant: str
    metric: str
    scale: tuple[float, float]
    before: float | None = None
    """Over all cases that the earlier run scored."""
    after: float | None = None
    change: float | None = None
    """Later minus earlier, over the responses that both runs scored."""
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    """Two-sided, of no difference."""
    adjusted_p_value: float | None = None
    """Holm, over all scores of the suite."""
    n: int = 0
    """Responses that both runs scored."""
    unscored: int = 0
    """Responses that either run has no score for."""
    better: int = 0
    """Cases whose own value is better; of several trials their mean counts."""
    worse: int = 0
    drops: Sequence[Drop] = ()
    """The cases that lost most, the worst first."""
    reason: str = ""
    """Why there is no change; empty where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One suite of one of the two runs."""

    store: Numbers
    row: SuiteRow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Joined:
    """The rows of one metric that both runs have."""

    before: Rows
    after: Rows
    left: Sequence[int]
    """Rows of ``before``."""
    right: Sequence[int]
    """The same ones of ``after``."""
    places: Sequence[tuple[int, int]]
    """(position in the later run, trial) of each."""


def suite_changes(before: Side, after: Side, rules: Rules, root: Path) -> list[ScoreChange]:
    """Every score of the variants that two runs of a suite share, p-values adjusted over all of them."""
    found = list(_Suite(before, after, rules, root).changes())
    tested = adjusted([each.p_value for each in found], "holm")
    return [replace(each, adjusted_p_value=value) for each, value in zip(found, tested, strict=True)]


class _Suite:
    """Compares one suite."""

    def __init__(self, before: Side, after: Side, rules: Rules, root: Path) -> None:
        self.before = before
        self.after = after
        self.rules = rules
        self.root = root
        self.names = after.store.named(after.row.id)
        self.places = self._places()
        self.by_case = bool(after.row.facts.get("by_case"))
        trials = int(after.row.facts.get("trials") or 1)
        self.size = int(after.row.facts.get("n") or len(self.names)) * trials
        self.clustered = trials > 1 or any(cluster is not None for _, cluster in self.names.values())

    def _places(self) -> Mapping[int, int] | None:
        """Position in the earlier run -> in the later one; None where they are the same."""
        sides = [side.store.keys(side.row.id) for side in (self.before, self.after)]
        if sides[0] == sides[1]:
            return None
        by_name = {name: position for position, (name, _) in self.names.items()}
        earlier = self.before.store.named(self.before.row.id)
        return {position: by_name[name] for position, (name, _) in earlier.items() if name in by_name}

    def changes(self) -> Iterator[ScoreChange]:
        earlier = {each.name: each for each in self.before.store.variants(self.before.row.id)}
        for variant in self.after.store.variants(self.after.row.id):
            if variant.name in earlier:
                metrics = [self.before.store.metrics(earlier[variant.name].id), self.after.store.metrics(variant.id)]
                yield from self._of_variant(variant.name, *metrics)

    def _of_variant(
        self, variant: str, before: Sequence[MetricRow], after: Sequence[MetricRow]
    ) -> Iterator[ScoreChange]:
        known = {row.signature: row for row in before}
        for row in after:
            if row.signature in known:
                yield from self._of_metric(variant, known[row.signature], row)
        there = {row.signature for row in after}
        left = {row.name: row for row in before if row.signature not in there}
        for row in after:
            if row.signature not in known:
                earlier = left.pop(row.name, None)
                why = "not measured in the earlier run" if earlier is None else _apart(earlier.signature, row.signature)
                yield self._refused(variant, row, why)
        for row in left.values():
            yield self._refused(variant, row, "not measured in the later run")

    def _refused(self, variant: str, row: MetricRow, why: str) -> ScoreChange:
        """A metric that cannot be compared."""
        return ScoreChange(suite=self.after.row.title, variant=variant, metric=row.name, scale=(0.0, 1.0), reason=why)

    def _of_metric(self, variant: str, before: MetricRow, after: MetricRow) -> Iterator[ScoreChange]:
        rows = self.before.store.rows(before.id), self.after.store.rows(after.id)
        parts, reason = self._parts(after, rows)
        joined = self._joined(*rows)
        recorded = [self.before.store.scores(before.id), self.after.store.scores(after.id)]
        for name, part in parts.items():
            found = ScoreChange(suite=self.after.row.title, variant=variant, metric=name, scale=part.scale)
            try:
                values = [_whole(each, part, by_case=self.by_case) for each in rows]
                told = [{row.name: row.value for row in each if not row.slice} for each in recorded]
                if not all(_agree(value, each.get(name)) for value, each in zip(values, told, strict=True)):
                    raise MetricError(f"{after.name} makes another value of the recorded numbers than the run did")
                yield self._compared(replace(found, before=values[0], after=values[1]), part, joined)
            except (MetricError, UnscorableError) as error:
                yield replace(found, reason=str(error))
        if reason:
            yield self._refused(variant, after, reason)

    def _parts(self, row: MetricRow, rows: Sequence[Rows]) -> tuple[Mapping[str, Part], str]:
        """The numbers of a metric by name; and why there are none, where it cannot be made here."""
        try:
            if row.options is not None:
                return _members(remade(row.name, row.options, self.root), rows), ""
            why = f"{row.name} is a metric of the project's own"
        except UsageError as error:
            why = str(error)
        plain = [each for each in row.parts if each.is_mean]
        if len(row.parts) == len(plain) == 1 and all(each.mean is not None for each in rows):
            part = plain[0]
            return {part.name: mean_part(part.name, part.scale, higher_is_better=part.higher_is_better)}, ""
        return {}, why

    def _joined(self, before: Rows, after: Rows) -> _Joined:
        """The rows that both runs scored, by case and trial."""
        if self.places is None and before.places == after.places:
            every = range(len(after.places))
            return _Joined(before=before, after=after, left=every, right=every, places=after.places)
        there = {place: row for row, place in enumerate(after.places)}
        left, right = array("q"), array("q")
        for row, (position, trial) in enumerate(before.places):
            own = position if self.places is None else self.places.get(position)
            found = None if own is None else there.get((own, trial))
            if found is not None:
                left.append(row)
                right.append(found)
        return _Joined(before=before, after=after, left=left, right=right, places=[after.places[row] for row in right])

    def _compared(self, found: ScoreChange, part: Part, joined: _Joined) -> ScoreChange:
        left, right, places = _about(part, joined)
        if not len(right):
            return replace(found, unscored=self.size, reason="no response is scored in both runs")
        sides = [
            _Values(rows.statistics.take(chosen), rows.mean if len(chosen) == len(rows.places) else None, part)
            for rows, chosen in ((joined.before, left), (joined.after, right))
        ]
        clusters = [self._cluster(*place) for place in places] if self.clustered else None
        samples = [side.sample(clusters, by_case=self.by_case) for side in sides]
        difference: Difference | None = pairwise(
            [samples[1], samples[0]], [(0, 1)], confidence=self.rules.confidence, seed=self.rules.seed
        )[0]
        if difference is None:
            raise UnscorableError(f"{found.metric} is undefined on the responses that both runs scored")
        better, worse, drops = self._moved(samples, places, higher=part.higher_is_better)
        return replace(
            found,
            change=difference.value,
            interval=difference.interval,
            p_value=difference.p_value,
            n=difference.n,
            unscored=max(0, self.size - difference.n),
            better=better,
            worse=worse,
            drops=drops,
        )

    def _cluster(self, position: int, trial: int) -> str:
        cluster = self.names[position][1] if position in self.names else None
        return f"case {position}" if cluster is None else f"cluster {cluster}"

    def _moved(
        self, samples: Sequence[Sample], places: Sequence[tuple[int, int]], *, higher: bool
    ) -> tuple[int, int, Sequence[Drop]]:
        """How many cases are better and worse, and those that lost most."""
        before, after = (_by_case(sample.values, places) for sample in samples)
        sign = 1 if higher else -1
        gains = {position: sign * (value - before[position]) for position, value in after.items()}
        lost = [position for position, gain in gains.items() if gain < 0]
        worst = heapq.nsmallest(NAMED, lost, key=lambda position: (gains[position], position))
        drops = [Drop(case=self._name(each), before=before[each], after=after[each]) for each in worst]
        return sum(gain > 0 for gain in gains.values()), len(lost), drops

    def _name(self, position: int) -> str:
        return self.names[position][0] if position in self.names else f"unrecorded-{position}"


@dataclass(frozen=True, slots=True)
class _Values:
    """The scored rows of one side."""

    statistics: Columns
    plain: Sequence[float] | None
    """The statistics as numbers, where each is one and all rows are meant."""
    part: Part

    def sample(self, clusters: Sequence[str] | None, *, by_case: bool) -> Sample:
        part = self.part
        values = self.plain if self.plain is not None and _is_plain(part) else None
        if values is None:
            values = array("d", map(part.case_score, self.statistics))
        mean = part.is_mean or by_case
        return Sample(
            # Of a mean only its values are looked at.
            statistics=values if mean else self.statistics,  # type: ignore[arg-type]
            values=values,
            score=part.score,
            is_mean=mean,
            quantile=None if mean else part.quantile,
            scale=part.scale,
            clusters=clusters,
        )


def _is_plain(part: Part) -> bool:
    """Whether a case's own value is its statistic, so that no function has to be asked for each."""
    owner = getattr(part.case_score, "__self__", None)
    plain = getattr(part.case_score, "__func__", None) is Metric.case_score
    return plain and isinstance(owner, Metric) and type(owner).score is Metric.score


def _members(metric: Metric, rows: Sequence[Rows]) -> dict[str, Part]:
    """The numbers of a metric that both sides have, by their own names."""
    found: list[dict[str, Part]] = []
    for each in rows:
        total = each.statistics.total() if len(each.places) else None
        parts = metric.parts(total)
        members = [part for part in parts.values() if isinstance(part, Part)]
        members += [one for part in parts.values() if isinstance(part, Mapping) for one in part.values()]
        found.append({part.name: part for part in members or [metric.part()]})
    return {name: part for name, part in found[1].items() if name in found[0]}


def _whole(rows: Rows, part: Part, *, by_case: bool) -> float | None:
    """The score over all rows of one side; None where there are none."""
    chosen = [row for row in range(len(rows.places)) if _counts(part, rows, row)] if _narrows(part) else None
    statistics = rows.statistics if chosen is None else rows.statistics.take(chosen)
    if not len(statistics):
        return None
    if by_case or part.quantile is not None:
        values = list(map(part.case_score, statistics))
        if by_case:
            return math.fsum(values) / len(values)
        counts: dict[float, int] = {}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        return part.score(counts, len(values))
    return part.score(statistics.total(), len(statistics))


def _narrows(part: Part) -> bool:
    return part.about is not None or part.lacking is not None


def _counts(part: Part, rows: Rows, row: int) -> bool:
    """Whether a part has a value for a row."""
    statistics: Any = rows.statistics[row]
    about = part.about is None or part.about(statistics)
    return about and not (part.lacking is not None and part.lacking(statistics))


def _about(part: Part, joined: _Joined) -> tuple[Sequence[int], Sequence[int], Sequence[tuple[int, int]]]:
    """The joined rows that a part has a value for on both sides."""
    if not _narrows(part):
        return joined.left, joined.right, joined.places
    kept = [
        number
        for number, (left, right) in enumerate(zip(joined.left, joined.right, strict=True))
        if _counts(part, joined.before, left) and _counts(part, joined.after, right)
    ]
    return (
        [joined.left[number] for number in kept],
        [joined.right[number] for number in kept],
        [joined.places[number] for number in kept],
    )


def _by_case(values: Sequence[float], places: Sequence[tuple[int, int]]) -> dict[int, float]:
    """Position of a case -> its value; of several trials their mean."""
    if all(map(operator.lt, map(operator.itemgetter(0), places), map(operator.itemgetter(0), places[1:]))):
        return dict(zip(map(operator.itemgetter(0), places), values, strict=True))
    found: dict[int, list[float]] = {}
    for (position, _), value in zip(places, values, strict=True):
        found.setdefault(position, []).append(value)
    return {position: math.fsum(each) / len(each) for position, each in found.items()}


def _agree(value: float | None, recorded: float | None) -> bool:
    if value is None or recorded is None:
        return True
    return math.isclose(value, recorded, rel_tol=_AGREES, abs_tol=_AGREES)


def _apart(before: str, after: str) -> str:
    """In what two signatures differ."""
    one, other = set(before.split("|")), set(after.split("|"))
    sides = (" ".join(sorted(items)) or "nothing more" for items in (one - other, other - one))
    return "not comparable: the earlier run has {}, the later one {}".format(*sides)
