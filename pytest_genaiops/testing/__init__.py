"""Fakes with faults, for the tests of people who write targets, and for our own."""

from pytest_genaiops.testing.contract import check_metric
from pytest_genaiops.testing.faults import FAULTS
from pytest_genaiops.testing.index import INDEX_FAULTS, FakeIndex
from pytest_genaiops.testing.limits import Limit
from pytest_genaiops.testing.search_server import FakeSearchServer
from pytest_genaiops.testing.server import FakeServer, Seen
from pytest_genaiops.testing.target import TARGET_FAULTS, FakeTarget

__all__ = [
    "FAULTS",
    "INDEX_FAULTS",
    "TARGET_FAULTS",
    "FakeIndex",
    "FakeSearchServer",
    "FakeServer",
    "FakeTarget",
    "Limit",
    "Seen",
    "check_metric",
]
