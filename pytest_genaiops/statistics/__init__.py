"""Numbers in, numbers out: intervals, paired differences, power. Seeded, and ignorant of texts, files and gates."""

from pytest_genaiops.statistics.betting import ConfidenceSequence, split_confidence
from pytest_genaiops.statistics.intervals import Summary, interval, summarize
from pytest_genaiops.statistics.missing import missing_p
from pytest_genaiops.statistics.multiplicity import holm
from pytest_genaiops.statistics.paired import Difference, difference, p_values
from pytest_genaiops.statistics.power import detectable, required_n
from pytest_genaiops.statistics.sample import Sample
from pytest_genaiops.statistics.trials import agreement, pass_at_k, pass_hat_k

__all__ = [
    "ConfidenceSequence",
    "Difference",
    "Sample",
    "Summary",
    "agreement",
    "detectable",
    "difference",
    "holm",
    "interval",
    "missing_p",
    "p_values",
    "pass_at_k",
    "pass_hat_k",
    "required_n",
    "split_confidence",
    "summarize",
]
