"""Metrics that work out many responses together: each row keeps its place, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.records import Case, Response, ResponseError
from pytest_genaiops.run import Measurements

BATCHES: list[list[str]] = []


@dataclass(frozen=True, kw_only=True)
class Length(Metric):
    name: ClassVar[str] = "length"
    batched: ClassVar[bool] = True

    def statistics(self, response: Response, case: Case) -> tuple[float, ...]:
        if not response.text:
            raise UnscorableError("it is empty")
        return (float(len(response.text)),)


@dataclass(frozen=True, kw_only=True)
class Together(Length):
    def batch(self, rows: Sequence[tuple[Response, Case]]) -> Any:
        texts = [response.text for response, _ in rows]
        BATCHES.append(texts)
        if "raise" in texts:
            raise ZeroDivisionError("no")
        if "lose" in texts:
            return []
        return super().batch(rows)


RESPONSES = [
    Response(text="a"),
    Response(error=ResponseError(kind="timeout", message="late")),
    Response(text=""),
    Response(text="abc"),
]


@pytest.mark.parametrize("metric", [Length(), Together()])
def test_every_row_keeps_its_place(metric: Metric) -> None:
    found = Measurements().of(metric, RESPONSES)
    assert [(m.statistics, m.kind, m.reason) for m in found] == [
        ((1.0,), None, ""),
        (None, "timeout", "late"),
        (None, "metric", "it is empty"),
        ((3.0,), None, ""),
    ]


def test_only_what_is_new_and_can_be_scored_is_worked_out() -> None:
    BATCHES.clear()
    known = Measurements()
    known.of(Together(), RESPONSES[:2])
    known.of(Together(), RESPONSES)
    assert BATCHES == [["a"], ["", "abc"]]


def test_a_batch_that_fails_leaves_its_rows_unscored() -> None:
    found = Measurements().of(Together(), [Response(text="raise"), Response(text="a")])
    assert {(m.statistics, m.kind, m.reason) for m in found} == {
        (None, "metric", "length raised ZeroDivisionError: no")
    }


def test_a_batch_that_loses_rows_is_refused() -> None:
    with pytest.raises(MetricError, match=r"length: batch\(\) gave 0 results for 1 rows; return one each"):
        Measurements().of(Together(), [Response(text="lose")])
