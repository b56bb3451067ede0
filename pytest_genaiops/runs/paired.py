"""The scores of two runs beside each other: paired by case and trial, from numbers alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_genaiops.columns import Total
from pytest_genaiops.config import Rules
from pytest_genaiops.errors import MetricError, UnscorableError, UsageError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.recording.remaking import remade
from pytest_genaiops.runs.joined import Both, Joined
from pytest_genaiops.statistics import Difference
from pytest_genaiops.statistics.multiplicity import adjusted
from pytest_genaiops.statistics.pairwise import pairwise
from pytest_genaiops.store import MetricRow, SuiteRow
from pytest_genaiops.store.numbers import Numbers, Rows

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
        self._same: dict[str, bool] = {}
        self.by_case = bool(after.row.facts.get("by_case"))
        trials = int(after.row.facts.get("trials") or 1)
        cases = int(after.row.facts.get("n") or len(self.names)) if self.places is None else len(self.places)
        self.size = cases * trials
        self.clustered = trials > 1 or any(cluster is not None for _, cluster in self.names.values())

    def _places(self) -> Mapping[int, int] | None:
        """Position in the earlier run -> in the later one; None where they are the same.

        Of another dataset, of the cases that are the same in both: of one that records answers, a new answer makes
        another dataset, and what was asked is the same.
        """
        if self.before.row.facts.get("dataset_hash") != self.after.row.facts.get("dataset_hash"):
            there = {text: position for position, text in self.after.store.rows_of_data(self.after.row.id).items()}
            rows = self.before.store.rows_of_data(self.before.row.id).items()
            return {position: there[text] for position, text in rows if text in there}
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
        known = {_of_the_metric(row.signature): row for row in before}
        for row in after:
            if (signature := _of_the_metric(row.signature)) in known:
                yield from self._of_metric(variant, known[signature], row)
        there = {_of_the_metric(row.signature) for row in after}
        left = {row.name: row for row in before if _of_the_metric(row.signature) not in there}
        for row in after:
            if _of_the_metric(row.signature) not in known:
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
        totals = [each.statistics.total() if len(each.positions) else None for each in rows]
        parts, reason = self._parts(after, rows, totals)
        joined = Joined(rows[0], rows[1], self.places)
        recorded = [self.before.store.scores(before.id), self.after.store.scores(after.id)]
        told = [{row.name: (row.value, row.n) for row in each if not row.slice} for each in recorded]
        for name, part in parts.items():
            found = ScoreChange(suite=self.after.row.title, variant=variant, metric=name, scale=part.scale)
            try:
                both = Both(joined, part, by_case=self.by_case)
                values = [both.whole(side, total) for side, total in enumerate(totals)]
                if not all(_agree(value, each.get(name)) for value, each in zip(values, told, strict=True)):
                    raise MetricError(f"{after.name} makes another value of the recorded numbers than the run did")
                yield self._compared(replace(found, before=values[0][0], after=values[1][0]), both)
            except (MetricError, UnscorableError) as error:
                yield replace(found, reason=str(error))
        if reason:
            yield self._refused(variant, after, reason)

    def _parts(
        self, row: MetricRow, rows: Sequence[Rows], totals: Sequence[Total | None]
    ) -> tuple[Mapping[str, Part], str]:
        """The numbers of a metric by name; and why there are none, where it cannot be made here."""
        try:
            if row.options is not None:
                return _members(remade(row.name, row.options, self.root), totals), ""
            why = f"{row.name} is a metric of the project's own"
        except UsageError as error:
            why = str(error)
        plain = [each for each in row.parts if each.is_mean]
        if len(row.parts) == len(plain) == 1 and all(each.mean is not None for each in rows):
            from pytest_genaiops.score.table import mean_part  # seldom needed, and much comes with it

            part = plain[0]
            return {part.name: mean_part(part.name, part.scale, higher_is_better=part.higher_is_better)}, ""
        return {}, why

    def _compared(self, found: ScoreChange, both: Both) -> ScoreChange:
        if not len(both.positions):
            return replace(found, unscored=self.size, reason="no response is scored in both runs")
        clusters = [self._cluster(position) for position in both.positions] if self.clustered else None
        before, after = both.samples(clusters)
        if both.equal and self._same_answers(found.variant):
            before = after  # not two sets of answers that happen to agree
        difference: Difference | None = pairwise(
            [after, before], [(0, 1)], confidence=self.rules.confidence, seed=self.rules.seed
        )[0]
        if difference is None:
            raise UnscorableError(f"{found.metric} is undefined on the responses that both runs scored")
        moved = both.moved()
        return replace(
            found,
            change=difference.value,
            interval=difference.interval,
            p_value=difference.p_value,
            n=difference.n,
            unscored=max(0, self.size - difference.n),
            better=moved.better,
            worse=moved.worse,
            drops=[Drop(case=self._name(case), before=one, after=other) for case, one, other in moved.drops],
        )

    def _same_answers(self, variant: str) -> bool:
        """Whether the variant gave the very same responses in both runs."""
        known = self._same.get(variant)
        if known is None:
            ids = [
                next(each.id for each in side.store.variants(side.row.id) if each.name == variant)
                for side in (self.before, self.after)
            ]
            told = [side.store.answers(own) for side, own in zip((self.before, self.after), ids, strict=True)]
            known = self._same[variant] = self.places is None and told[0] == told[1]
        return known

    def _cluster(self, position: int) -> str:
        cluster = self.names[position][1] if position in self.names else None
        return f"case {position}" if cluster is None else f"cluster {cluster}"

    def _name(self, position: int) -> str:
        return self.names[position][0] if position in self.names else f"unrecorded-{position}"


def _members(metric: Metric, totals: Sequence[Total | None]) -> dict[str, Part]:
    """The numbers of a metric that both sides have, by their own names."""
    found: list[dict[str, Part]] = []
    for total in totals:
        parts = metric.parts(total)
        members = [part for part in parts.values() if isinstance(part, Part)]
        members += [one for part in parts.values() if isinstance(part, Mapping) for one in part.values()]
        found.append({part.name: part for part in members or [metric.part()]})
    return {name: part for name, part in found[1].items() if name in found[0]}


def _agree(made: tuple[float | None, int], recorded: tuple[float | None, int] | None) -> bool:
    """Whether a score is what was recorded, where that is over as many responses."""
    if recorded is None or made[1] != recorded[1] or made[0] is None or recorded[0] is None:
        return True
    return math.isclose(made[0], recorded[0], rel_tol=_AGREES, abs_tol=_AGREES)


def _of_the_metric(signature: str) -> str:
    """A signature without the dataset: whether two runs judge the same is told case by case."""
    return "|".join(item for item in signature.split("|") if not item.startswith("data:"))


def _apart(before: str, after: str) -> str:
    """In what two signatures differ."""
    one, other = (set(_of_the_metric(each).split("|")) for each in (before, after))
    sides = (" ".join(sorted(items)) or "nothing more" for items in (one - other, other - one))
    return "not comparable: the earlier run has {}, the later one {}".format(*sides)
