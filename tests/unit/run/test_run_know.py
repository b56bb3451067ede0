"""Measurements that are known beforehand."""

from __future__ import annotations

from pytest_genaiops.metrics.answers import ExactMatch
from pytest_genaiops.metrics.judged.rubric import Rubric
from pytest_genaiops.records import Case, Measurement, Response, Trial
from pytest_genaiops.run import Measurements

CASE = Case(id="a", references=("yes",))
ANSWERS = [Response(text=text, trial=Trial(case=CASE, variant="v1")) for text in ("yes", "no")]


def test_what_is_known_is_not_measured_again() -> None:
    measurements = Measurements()
    known = [Measurement(statistics=(0.25,)), Measurement(kind="judge", reason="no reply")]
    measurements.know(ExactMatch(), ANSWERS, known)
    assert measurements.of(ExactMatch(), ANSWERS) == known


def test_what_is_not_known_is_measured_beside_it() -> None:
    measurements = Measurements()
    measurements.know(ExactMatch(), ANSWERS[1:], [Measurement(statistics=(0.25,))])
    assert [m.statistics for m in measurements.of(ExactMatch(), ANSWERS)] == [(1.0,), (0.25,)]


def test_nobody_is_asked_for_a_judgement_that_is_known() -> None:
    measurements = Measurements(judging=None)
    measurements.know(Rubric(), ANSWERS, [Measurement(statistics=(1.0,))] * 2)
    assert len(measurements.of(Rubric(), ANSWERS)) == 2
