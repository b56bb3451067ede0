"""Outcomes of a suite's items -> the share of its cases that passed, as a score."""

from __future__ import annotations

from pytest_genaiops.records import Measurement, Responses
from pytest_genaiops.run import Measurements
from pytest_genaiops.runs.frame import outcomes_of
from pytest_genaiops.runs.own import own_values
from pytest_genaiops.runs.reading import Recorded
from pytest_genaiops.score import MetricHandle, Score
from pytest_genaiops.store import PartRow

PASS_RATE = "pass_rate"  # noqa: S105 - no password
"""What rules call the share of cases that passed."""
_PART = PartRow(name=PASS_RATE, scale=(0.0, 1.0))
_METRIC = own_values(PASS_RATE, PASS_RATE, _PART)
_JUDGED = {"passed": 1.0, "missed": 0.0}


def pass_rate(recorded: Recorded, variant: str) -> Score:
    """Share of the judged cases that passed; skipped ones are left out, those without a result are unscored.

    A case that failed is judged where no gate counts it; behind a gate, which counts misses, it has no result.
    """
    outcomes = outcomes_of(recorded, variant)
    judged = _JUDGED if recorded.suite.pass_rate is not None else {**_JUDGED, "failed": 0.0}
    there = recorded.responses[variant]
    places = [place for place in range(len(there)) if outcomes.get(place) != "skipped"]
    responses = Responses([there[place] for place in places])
    known = Measurements()
    known.know(_METRIC, responses, [_measurement(outcomes.get(place, ""), judged) for place in places])
    found: Score = MetricHandle(_METRIC, measurements=known)(responses)
    return found


def _measurement(outcome: str, judged: dict[str, float]) -> Measurement:
    if outcome in judged:
        return Measurement(statistics=(judged[outcome],))
    return Measurement(kind="missing", reason=f"its item was {outcome or 'not run'}")
