"""The rows of one suite on record -> the nouns that it was run with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_genaiops.dataset import Dataset
from pytest_genaiops.records import Case, Response, ResponseError, Responses, Trial
from pytest_genaiops.run import Suite
from pytest_genaiops.store import ItemRow, MetricRow, Store, SuiteRow, VariantRow, VerdictRow
from pytest_genaiops.variants import Variant

ABSENT = ResponseError(kind="missing", message="no answer is on record")
"""Stands where a run was ended before an answer came, or where no verdict needed one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """One suite of a run, as it was recorded. Every variant has every case and trial, in one order."""

    row: SuiteRow
    suite: Suite
    variants: Mapping[str, VariantRow]
    responses: Mapping[str, Responses]
    """By variant; where no answer is on record, a response that is an error of kind ``missing``."""
    absent: Mapping[str, int]
    """Variant -> how many of its responses are not on record; only where there are any."""
    metrics: Mapping[str, Sequence[MetricRow]]
    items: Mapping[str, Sequence[ItemRow]]
    verdicts: Mapping[str, Sequence[VerdictRow]]

    @property
    def by_case(self) -> bool:
        """Whether each case is a test item, so that a score is the mean of the cases' own values."""
        return bool(self.row.facts.get("by_case"))

    def place(self, position: int, trial: int) -> int | None:
        """Where a response stands among those of its variant; None for one that the suite does not have."""
        trials = self.suite.trials
        inside = 0 <= position < len(self.suite.cases) and 1 <= trial <= trials
        return position * trials + trial - 1 if inside else None


def suite_of(store: Store, row: SuiteRow) -> Recorded:
    """Everything that is on record of a suite but what was measured."""
    rows = {variant.name: variant for variant in store.variants(row.id)}
    found = store.cases(row.id)
    size = max([int(row.facts.get("n") or 0), *(position + 1 for position in found)])
    cases = tuple(found.get(position) or Case(id=f"unrecorded-{position}") for position in range(size))
    suite = _suite(row.facts, cases, rows)
    responses = {name: _responses(store, suite, variant) for name, variant in rows.items()}
    absent = {name: sum(each.error is ABSENT for each in own) for name, own in responses.items()}
    return Recorded(
        row=row,
        suite=suite,
        variants=rows,
        responses=responses,
        absent={name: count for name, count in absent.items() if count},
        metrics={name: store.metrics(variant.id) for name, variant in rows.items()},
        items={name: store.items(variant.id) for name, variant in rows.items()},
        verdicts={name: store.verdicts(variant.id) for name, variant in rows.items()},
    )


def _suite(facts: Mapping[str, Any], cases: Sequence[Case], rows: Mapping[str, VariantRow]) -> Suite:
    variants = {name: _variant(row) for name, row in rows.items()}
    named = facts.get("baseline") or None
    data = Dataset(
        name=facts.get("dataset") or "",
        path=None,
        cases=cases,
        hash=facts.get("dataset_hash") or "",
        columns=(),
        systems=(),
    )
    return Suite(
        dataset=data,
        cases=cases,
        variants=tuple(variants.values()),
        baseline=variants.get(named or ""),
        committed=named if named not in variants else None,
        trials=int(facts.get("trials") or 1),
        pass_rate=facts.get("pass_rate"),
        coverage=float(facts.get("coverage") or 1.0),
        recorded=True,
    )


def _variant(row: VariantRow) -> Variant:
    facts = row.facts
    model = {"name": facts["model"]} if facts.get("model") else {}
    parameters = facts.get("parameters") or {}
    return Variant(
        id=row.name, hash=facts.get("hash") or "", model=model, parameters=parameters, axes=facts.get("axes") or {}
    )


def _responses(store: Store, suite: Suite, variant: VariantRow) -> Responses:
    """The responses of a variant, each with its trial, cases in order and a case's trials together."""
    known = {(each.position, each.trial): each.response for each in store.trials(variant.id)}
    found: list[Response] = []
    for position, case in enumerate(suite.cases):
        for index in range(1, suite.trials + 1):
            trial = Trial(case=case, variant=variant.name, index=index, dataset=suite.dataset.hash)
            response = known.get((position, index))
            found.append(Response(error=ABSENT, trial=trial) if response is None else replace(response, trial=trial))
    return Responses(found)
