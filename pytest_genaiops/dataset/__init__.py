"""Datasets: files of rows, read as a stream, checked, and identified by what they say."""

from pytest_genaiops.dataset.choose import in_slices, sample, unknown_slice
from pytest_genaiops.dataset.frames import coerce
from pytest_genaiops.dataset.load import Dataset, check_lock, content_of, from_rows, iter_cases, load, write_lock
from pytest_genaiops.dataset.lock import Content, lock_fits
from pytest_genaiops.dataset.manifest import Manifest
from pytest_genaiops.dataset.select import find, names_in
from pytest_genaiops.dataset.source import Source, locate, locate_all, source_of

__all__ = [
    "Content",
    "Dataset",
    "Manifest",
    "Source",
    "check_lock",
    "coerce",
    "content_of",
    "find",
    "from_rows",
    "in_slices",
    "iter_cases",
    "load",
    "locate",
    "locate_all",
    "lock_fits",
    "names_in",
    "sample",
    "source_of",
    "unknown_slice",
    "write_lock",
]
