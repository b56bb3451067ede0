"""Rules that turn an estimate or a comparison into a verdict."""

from pytest_genaiops.gate.estimate import Comparison, Estimate, Misses
from pytest_genaiops.gate.rules import at_least, at_most, better_than, not_worse_than, within

__all__ = ["Comparison", "Estimate", "Misses", "at_least", "at_most", "better_than", "not_worse_than", "within"]
