"""Datasets: files of rows, read as a stream, checked, and identified by what they say."""

from pytest_genaiops.dataset.load import Dataset, from_rows, iter_cases, load
from pytest_genaiops.dataset.select import find, sample

__all__ = ["Dataset", "find", "from_rows", "iter_cases", "load", "sample"]
