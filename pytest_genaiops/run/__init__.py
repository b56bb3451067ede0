"""Trials to responses, responses to measurements: the only room with threads and an event loop."""

from pytest_genaiops.run.engine import Engine, Job, Target
from pytest_genaiops.run.measure import Measurements

__all__ = ["Engine", "Job", "Measurements", "Target"]
