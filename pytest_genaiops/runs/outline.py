"""The report of a suite that is too large to be held in memory: what its run worked out, and no answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from pytest_genaiops.report.document import ItemView, MetricView, ScoreView, SuiteView, VariantView, VerdictView
from pytest_genaiops.store import ItemRow, PartRow, ScoreRow, Store, SuiteRow, VariantRow, VerdictRow

LARGE = 300_000
"""Answers of a suite above which none of them is read for a report."""
MAX_ITEMS = 50_000
NOTE = "the suite has {count:,} answers: scores are as the run worked them out, and no case is shown"


def is_large(store: Store, row: SuiteRow) -> bool:
    """Whether a suite has more answers than a report reads."""
    return _answers(row, len(store.variants(row.id))) > LARGE


def _answers(row: SuiteRow, variants: int) -> int:
    return int(row.facts.get("n") or 0) * int(row.facts.get("trials") or 1) * variants


def outline_of(store: Store, row: SuiteRow) -> SuiteView:
    """The view of a suite without its cases, and without comparisons beyond those of its verdicts."""
    facts, variants = row.facts, store.variants(row.id)
    metrics: dict[str, MetricView] = {}
    scores: list[ScoreView] = []
    for variant in variants:
        for metric in store.metrics(variant.id):
            for part in metric.parts:
                metrics.setdefault(part.name, _metric(metric.name, metric.signature, part))
            scores += [score_view(variant.name, each) for each in store.scores(metric.id)]
    items = [(variant.name, item) for variant in variants for item in store.items(variant.id)]
    notes = [*(facts.get("notes") or ()), NOTE.format(count=_answers(row, len(variants)))]
    if len(items) > MAX_ITEMS:
        notes.append(f"{len(items) - MAX_ITEMS} more test items are not shown")
    return SuiteView(
        title=row.title,
        dataset=facts.get("dataset") or "",
        dataset_hash=facts.get("dataset_hash") or "",
        n=int(facts.get("n") or 0),
        trials=int(facts.get("trials") or 1),
        coverage=float(facts.get("coverage") or 1.0),
        pass_rate=facts.get("pass_rate"),
        baseline=facts.get("baseline"),
        by_case=bool(facts.get("by_case")),
        variants=[variant_view(each) for each in variants],
        metrics=[metrics[name] for name in dict.fromkeys(score.metric for score in scores) if name in metrics],
        scores=scores,
        verdicts=[view for each in variants for view in verdict_views(each.name, store.verdicts(each.id))],
        items=[item_view(name, item) for name, item in items[:MAX_ITEMS]],
        notes=notes,
    )


def variant_view(row: VariantRow, served: tuple[str, ...] = ()) -> VariantView:
    """A variant as it was recorded, with the models that answered."""
    facts = row.facts
    return VariantView(
        id=row.name,
        hash=facts.get("hash") or "",
        prompt=facts.get("prompt") or "",
        parameters=facts.get("parameters") or {},
        model=facts.get("model") or "",
        served=served,
        differs=facts.get("differs") or "",
        axes=facts.get("axes") or {},
    )


def verdict_views(variant: str, rows: list[VerdictRow]) -> Iterator[VerdictView]:
    """Verdicts with all their numbers."""
    known = {field.name for field in fields(VerdictView)}
    for row in rows:
        facts: dict[str, Any] = {name: value for name, value in row.facts.items() if name in known}
        if (interval := facts.get("interval")) is not None:
            facts["interval"] = ends(interval)
        given: Mapping[str, Any] = {"outcome": "undecided", "reason": ""} | facts
        yield VerdictView(**{**given, "test": row.test, "variant": variant, "metric": row.metric})


def item_view(variant: str, row: ItemRow, case: str | None = None) -> ItemView:
    """A test item."""
    return ItemView(
        test=row.test, variant=variant, case=case, trial=row.trial, outcome=row.outcome, message=row.message
    )


def score_view(variant: str, row: ScoreRow) -> ScoreView:
    """A number as it was recorded."""
    return ScoreView(
        variant=variant,
        metric=row.name,
        slice=row.slice,
        value=row.value,
        interval=None if row.interval is None else ends(row.interval),
        n=row.n,
        unscored=row.unscored,
    )


def _metric(name: str, signature: str, part: PartRow) -> MetricView:
    return MetricView(
        name=part.name,
        metric=name,
        signature="|".join((signature, *(f"part:{step}" for step in part.path))),
        scale=ends(part.scale),
        higher_is_better=part.higher_is_better,
    )


def ends(given: Any) -> tuple[float | None, float | None]:
    """Two ends, None where there is none: JSON knows no infinity."""
    low, high = (end if end is not None and abs(end) != float("inf") else None for end in given)
    return low, high
