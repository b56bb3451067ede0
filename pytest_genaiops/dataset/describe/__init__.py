"""What is in a dataset, and what should not be."""

from pytest_genaiops.dataset.describe.counts import Column, Facts, Lengths, System, Values, facts
from pytest_genaiops.dataset.describe.prompts import Leak, Leaks, leaks
from pytest_genaiops.dataset.describe.twins import Alike, Pair, Place, alike

__all__ = [
    "Alike", "Column", "Facts", "Leak", "Leaks", "Lengths", "Pair", "Place", "System", "Values",
    "alike", "facts", "leaks",
]  # fmt: skip
