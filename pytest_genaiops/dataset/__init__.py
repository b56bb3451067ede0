"""Datasets: files of rows, read as a stream, checked, and identified by what they say."""

from pytest_genaiops.dataset.choose import in_slices, sample
from pytest_genaiops.dataset.frames import coerce
from pytest_genaiops.dataset.load import Dataset, from_rows, iter_cases, load
from pytest_genaiops.dataset.select import find

__all__ = ["Dataset", "coerce", "find", "from_rows", "in_slices", "iter_cases", "load", "sample"]
