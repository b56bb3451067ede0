"""Trials to responses, responses to measurements: the only room with threads and an event loop."""

from pytest_genaiops.run.arriving import Arriving
from pytest_genaiops.run.engine import Engine, Job, Target
from pytest_genaiops.run.judging import Judging, judging_of
from pytest_genaiops.run.measure import Measurements
from pytest_genaiops.run.measured import Measured
from pytest_genaiops.run.suite import Responder, Spec, Suite, load, make_suite, select

__all__ = [
    "Arriving",
    "Engine",
    "Job",
    "Judging",
    "Measured",
    "Measurements",
    "Responder",
    "Spec",
    "Suite",
    "Target",
    "judging_of",
    "load",
    "make_suite",
    "select",
]
