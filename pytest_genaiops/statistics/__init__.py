"""Numbers in, numbers out: intervals, paired differences, power. Seeded, and ignorant of texts, files and gates."""

from pytest_genaiops.statistics.intervals import Summary, interval, summarize
from pytest_genaiops.statistics.missing import missing_p
from pytest_genaiops.statistics.multiplicity import holm
from pytest_genaiops.statistics.paired import Difference, difference
from pytest_genaiops.statistics.power import detectable, required_n
from pytest_genaiops.statistics.sample import Sample

__all__ = [
    "Difference",
    "Sample",
    "Summary",
    "detectable",
    "difference",
    "holm",
    "interval",
    "missing_p",
    "required_n",
    "summarize",
]
