"""Runs on record, read back: as an evaluation, a frame, a report, or beside another run."""

from pytest_genaiops.runs.run import Run as Run
