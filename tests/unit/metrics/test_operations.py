"""Latency and error rate."""

from __future__ import annotations

import math

import pytest

from pytest_genaiops.errors import UnscorableError
from pytest_genaiops.metrics.base import add_up
from pytest_genaiops.metrics.operations import ErrorRate, Latency
from pytest_genaiops.records import Case, Response, ResponseError

ROW = Case(id="17")


def test_latency_is_the_mean_of_seconds_and_lower_is_better() -> None:
    metric = Latency()
    rows = [metric.statistics(Response(latency=seconds), ROW) for seconds in (0.5, 1, 1.5)]
    assert metric.score(add_up(rows), 3) == 1.0
    assert metric.scale == (0.0, math.inf)
    assert not metric.higher_is_better
    assert metric.part().is_mean


@pytest.mark.parametrize("seconds", [None, -0.1, math.nan, math.inf])
def test_a_latency_that_nobody_measured_is_unscorable(seconds: float | None) -> None:
    with pytest.raises(UnscorableError):
        Latency().statistics(Response(latency=seconds), ROW)


def test_error_rate_counts_failed_trials_themselves() -> None:
    metric = ErrorRate()
    failed = Response(error=ResponseError(kind="timeout", message="no answer in 5 s"))
    rows = [metric.statistics(response, ROW) for response in (Response(text="a"), Response(text=""), failed, failed)]
    assert metric.score(add_up(rows), 4) == 0.5
    assert metric.judges_errors
    assert not metric.higher_is_better
