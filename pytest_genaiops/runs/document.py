"""A recorded run -> the document that every report is a rendering of."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from pytest_genaiops import comparison
from pytest_genaiops.config import Price, Rules
from pytest_genaiops.evaluation import Evaluation
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Verdict
from pytest_genaiops.report.document import (
    ChangeView,
    ItemView,
    MetricView,
    RunFacts,
    ScoreView,
    SuiteView,
    VariantView,
    VerdictView,
)
from pytest_genaiops.run.judging import Judging
from pytest_genaiops.runs.cases import cases_of
from pytest_genaiops.runs.factors import factors_of
from pytest_genaiops.runs.frame import numbers_of
from pytest_genaiops.runs.metrics import Shelf
from pytest_genaiops.runs.outline import MAX_ITEMS, ends, item_view, score_view, variant_view, verdict_views
from pytest_genaiops.runs.reading import Recorded
from pytest_genaiops.runs.spending import spending_of
from pytest_genaiops.score import Score
from pytest_genaiops.score.watching import WATCH
from pytest_genaiops.store import RunRow, ScoreRow

Numbers: TypeAlias = Mapping[str, Mapping[str, Score]]
"""Variant -> name -> score."""

MAX_SLICES = 24
"""Slices of a metric that a report has; of further ones only the number."""
MANY_VARIANTS = 12
"""Up to so many variants, changes within slices are told of scores that take resampling as well."""
MAX_REASONS = 10
"""Different reasons for being unscored that a score names."""
MAX_ANSWERS = 60_000
"""Answers of a suite that a report has; of a larger one it has the cases that changed most."""


class _Looking:
    """Nobody to tell, but rules to go by."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.judging: Judging | None = None

    def score(self, metric: Metric, found: Any) -> None:
        """Scores asked for here are nobody's."""

    def verdict(self, score: Any, verdict: Verdict) -> None:
        """Nor are verdicts."""


@contextmanager
def going_by(rules: Rules) -> Iterator[None]:
    """Scores and verdicts within go by these rules."""
    token = WATCH.set(_Looking(rules))
    try:
        yield
    finally:
        WATCH.reset(token)


def view_of(
    recorded: Recorded, shelf: Shelf, evaluation: Evaluation, rules: Rules, *, cases: bool, prices: Sequence[Price]
) -> SuiteView:
    """One suite of a report: every field is from the record, or worked out from what is in it."""
    with going_by(rules):
        return _Suite(recorded, shelf, evaluation, rules).view(cases=cases, prices=prices)


def matrix_of(
    recorded: Recorded, shelf: Shelf, evaluation: Evaluation, rules: Rules, *, prices: Sequence[Price]
) -> SuiteView:
    """The same without scores, changes, items and cases: what is to be told of a matrix in a few lines."""
    with going_by(rules):
        return _Suite(recorded, shelf, evaluation, rules).matrix(prices)


def facts_of(row: RunRow) -> RunFacts:
    """What is known of a run beside its results."""
    facts = row.facts
    return RunFacts(
        id=row.id,
        kind=facts.get("kind") or "pytest",
        parent=facts.get("parent"),
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.started)),
        seconds=None if row.ended is None else max(0.0, row.ended - row.started),
        exit=row.exit,
        command=tuple(facts.get("command") or ()),
        git=facts.get("git") or {},
        python=facts.get("python") or "",
        versions=facts.get("versions") or {},
        settings=facts.get("settings") or {},
        rules=facts.get("rules") or {},
    )


class _Suite:
    """Makes the view of one suite."""

    def __init__(self, recorded: Recorded, shelf: Shelf, evaluation: Evaluation, rules: Rules) -> None:
        self.recorded = recorded
        self.shelf = shelf
        self.evaluation = evaluation
        self.rules = rules
        self.numbers: Numbers = {name: dict(numbers_of(evaluation, name)) for name in evaluation.responses}
        self.notes = [*(recorded.row.facts.get("notes") or ()), *shelf.notes]

    def view(self, *, cases: bool, prices: Sequence[Price]) -> SuiteView:
        self._note_gaps()
        scores, changes = list(self._scores()), list(self._changes())
        kept = self._kept() if cases else ()
        return replace(
            self.matrix(prices),
            scores=scores,
            changes=changes,
            items=list(self._items()),
            spending=[spending_of(name, own, prices) for name, own in self.recorded.responses.items()],
            cases=cases_of(self.recorded, self.numbers, kept, self.notes),
            notes=self.notes,
        )

    def matrix(self, prices: Sequence[Price]) -> SuiteView:
        recorded, suite = self.recorded, self.recorded.suite
        factorial = factors_of(recorded, self.numbers, self.notes, rules=self.rules, prices=prices)
        return SuiteView(
            title=recorded.row.title,
            dataset=suite.dataset.name,
            dataset_hash=suite.dataset.hash,
            n=len(suite.cases),
            trials=suite.trials,
            coverage=suite.coverage,
            pass_rate=suite.pass_rate,
            baseline=suite.baseline.id if suite.baseline else suite.committed,
            by_case=recorded.by_case,
            variants=[self._variant(name) for name in recorded.variants],
            metrics=list(self._metrics()),
            verdicts=list(self._verdicts()),
            factorial=factorial,
            notes=self.notes,
        )

    def _note_gaps(self) -> None:
        for name, count in self.recorded.absent.items():
            total = len(self.recorded.responses[name])
            self.notes.append(f"{name}: {count} of {total} answers are not on record")
        if self.recorded.suite.committed:
            self.notes.append(
                f"the baseline {self.recorded.suite.committed} is committed and has no answers here: "
                "how the variants compare with it, verdicts say"
            )

    def _variant(self, name: str) -> VariantView:
        served = dict.fromkeys(each.model for each in self.recorded.responses[name] if each.model)
        return variant_view(self.recorded.variants[name], tuple(served))

    def _metrics(self) -> Iterator[MetricView]:
        seen: set[str] = set()
        for name, score in (pair for own in self.numbers.values() for pair in own.items()):
            if name not in seen:
                seen.add(name)
                yield _metric(name, score)
        for key in self.shelf.unavailable:
            for part in self.shelf.parts[key]:
                if part.name not in seen:
                    seen.add(part.name)
                    yield MetricView(
                        name=part.name,
                        metric=key,
                        signature="",
                        scale=ends(part.scale),
                        higher_is_better=part.higher_is_better,
                    )

    def _scores(self) -> Iterator[ScoreView]:
        left_out = 0
        for variant, own in self.numbers.items():
            for name, score in own.items():
                yield self._score(variant, name, "", score)
                slices = score.slices()
                left_out = max(left_out, len(slices) - MAX_SLICES)
                for cut in sorted(slices)[:MAX_SLICES]:
                    yield self._score(variant, name, cut, slices[cut])
        if left_out > 0:
            self.notes.append(f"{left_out} more slices are not shown")
        for (key, variant), rows in self.shelf.scores.items():
            if key in self.shelf.unavailable:
                yield from (score_view(variant, row) for row in rows)

    def _score(self, variant: str, name: str, cut: str, score: Score) -> ScoreView:
        known = self._known(variant, score, cut)
        interval = None if score.value is None else known.interval if known else score.interval()
        return ScoreView(
            variant=variant,
            metric=name,
            slice=cut,
            value=score.value,
            interval=None if interval is None else ends(interval),
            n=score.n,
            unscored=score.unscored,
            reasons=dict(Counter(why for why in score.why if why).most_common(MAX_REASONS)) if score.unscored else {},
        )

    def _known(self, variant: str, score: Score, cut: str) -> ScoreRow | None:
        """The number as the run worked it out, where it is over the same responses: its interval is not made anew."""
        metric = score.table.metric
        if metric is None or metric.name not in self.shelf.handles or self.recorded.by_case:
            return None
        for row in self.shelf.scores.get((metric.name, variant), ()):
            if (row.name, row.slice) == (score.name, cut) and row.interval is not None:
                same = (row.value, row.n, row.unscored) == (score.value, score.n, score.unscored)
                return row if same else None
        return None

    def _changes(self) -> Iterator[ChangeView]:
        baseline = self.recorded.suite.baseline
        if baseline is None or len(self.numbers) < 2 or not self.shelf.handles:
            return
        keyed = {name: self._by_key(own) for name, own in self.numbers.items()}
        self._note_whole(keyed)
        pairs = [(name, baseline.id) for name in self.numbers if name != baseline.id]
        found = comparison.compare(keyed, pairs, confidence=self.rules.confidence, adjust="holm")
        for change in found:
            better, worse = _moved(keyed, change)
            yield ChangeView(
                variant=change.candidate_id,
                baseline=change.baseline_id,
                metric=change.metric,
                slice=change.slice,
                change=change.change,
                interval=None if change.interval is None else ends(change.interval),
                p_value=change.p_value,
                adjusted_p_value=change.adjusted_p_value,
                n=change.n,
                unscored=change.unscored,
                better=better,
                worse=worse,
                reason=change.reason,
            )

    def _note_whole(self, keyed: Mapping[str, Mapping[comparison.Key, Score]]) -> None:
        """Say which numbers are compared over all cases alone."""
        cut = {name for own in keyed.values() for name, part in own if part}
        whole = [name for name in dict.fromkeys(name for own in keyed.values() for name, _ in own) if name not in cut]
        if cut and whole:
            what = f"changes of {', '.join(whole)} are those over all cases"
            self.notes.append(f"{what}: by slice they would be resampled for each of {len(keyed)} variants")

    def _by_key(self, own: Mapping[str, Score]) -> dict[comparison.Key, Score]:
        found: dict[comparison.Key, Score] = {}
        for name, score in own.items():
            found[name, ""] = score
            if len(self.numbers) > MANY_VARIANTS and not score.part.is_mean:
                continue
            slices = score.slices()
            found |= {(name, cut): slices[cut] for cut in sorted(slices)[:MAX_SLICES]}
        return found

    def _verdicts(self) -> Iterator[VerdictView]:
        for variant, rows in self.recorded.verdicts.items():
            yield from verdict_views(variant, list(rows))

    def _items(self) -> Iterator[ItemView]:
        cases = self.recorded.suite.cases
        rows = [(variant, row) for variant, own in self.recorded.items.items() for row in own]
        if len(rows) > MAX_ITEMS:
            self.notes.append(f"{len(rows) - MAX_ITEMS} more test items are not shown")
        for variant, row in rows[:MAX_ITEMS]:
            inside = row.position is not None and 0 <= row.position < len(cases)
            case = cases[row.position].id if inside and row.position is not None else None
            yield item_view(variant, row, case)

    def _kept(self) -> Sequence[int]:
        """Positions of the cases that the report shows: all, or of very many those that differ most."""
        suite = self.recorded.suite
        each = max(1, len(self.recorded.variants) * suite.trials)
        most = max(1, MAX_ANSWERS // each)
        if len(suite.cases) <= most:
            return range(len(suite.cases))
        self.notes.append(f"of {len(suite.cases)} cases the {most} that vary most between variants are shown")
        spread = _spread(self.numbers, suite.trials, len(suite.cases))
        return sorted(sorted(range(len(suite.cases)), key=lambda position: -spread[position])[:most])


def _spread(numbers: Numbers, trials: int, cases: int) -> list[float]:
    """How far the answers to each case are apart, as a share of what any case shows under the metric."""
    total = [0.0] * cases
    for name in dict.fromkeys(name for own in numbers.values() for name in own):
        low, high = [float("inf")] * cases, [float("-inf")] * cases
        for own in numbers.values():
            score = own.get(name)
            values = score.per_case if score is not None else ()
            if len(values) == cases * trials:
                for place, value in enumerate(values):
                    if value is not None:
                        low[place // trials] = min(low[place // trials], value)
                        high[place // trials] = max(high[place // trials], value)
        widths = [max(0.0, b - a) for a, b in zip(low, high, strict=True)]
        most = max(widths, default=0.0)
        if most > 0:
            total = [sum(pair) for pair in zip(total, (width / most for width in widths), strict=True)]
    return total


def _moved(keyed: Mapping[str, Mapping[comparison.Key, Score]], change: comparison.Change) -> tuple[int, int]:
    """Cases whose own value is better, and worse, than the baseline's; of several trials their mean counts."""
    key = (change.metric, change.slice)
    sides = [keyed[name].get(key) for name in (change.candidate_id, change.baseline_id)]
    if change.change is None or sides[0] is None or sides[1] is None:
        return 0, 0
    ours, theirs = map(_means, sides)
    sign = 1 if sides[0].higher_is_better else -1
    gains = [sign * (value - theirs[case]) for case, value in ours.items() if case in theirs]
    return sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)


def _means(score: Score | None) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    if score is not None:
        for case, value in zip(score.ids, score.per_case, strict=True):
            if value is not None:
                found.setdefault(case, []).append(value)
    return {case: sum(values) / len(values) for case, values in found.items()}


def _metric(name: str, score: Score) -> MetricView:
    metric = score.table.metric
    evident = metric is not None and type(metric).explain is not Metric.explain
    return MetricView(
        name=name,
        metric=metric.name if metric is not None else name,
        signature=score.signature,
        scale=ends(score.scale),
        higher_is_better=score.higher_is_better,
        finds=metric.finds if metric is not None and evident else "",
    )
