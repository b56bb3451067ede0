"""What each setting of a matrix of variants does: effects, interactions, the best set, and what has to be weighed."""

from pytest_genaiops.factorial.analysis import factorial, worthwhile
from pytest_genaiops.factorial.handle import Factorial

__all__ = ["Factorial", "factorial", "worthwhile"]
