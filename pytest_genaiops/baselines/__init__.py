"""Committed baselines: what a suite's variants scored, case by case, in files that people review."""

from pytest_genaiops.baselines.entry import Baseline, Entry, Section, Value, entry_key, name_of, named
from pytest_genaiops.baselines.fit import check_fit
from pytest_genaiops.baselines.place import place
from pytest_genaiops.baselines.read import read
from pytest_genaiops.baselines.rows import Rows, line
from pytest_genaiops.baselines.write import MAX_BYTES, write

__all__ = [
    "MAX_BYTES",
    "Baseline",
    "Entry",
    "Rows",
    "Section",
    "Value",
    "check_fit",
    "entry_key",
    "line",
    "name_of",
    "named",
    "place",
    "read",
    "write",
]
