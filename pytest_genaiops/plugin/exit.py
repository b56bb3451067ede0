"""The exit code that tells a change for the worse from an endpoint that was down.

pytest's own codes keep their meaning. Where a session would end with 1 although nothing failed by a judgement and no
test is broken, because answers or scores are missing, it ends with 69 (EX_UNAVAILABLE of sysexits.h; pytest has
taken 0 to 6).
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_genaiops.plugin.items import PassRateItem, SuiteItem
from pytest_genaiops.report.conclusion import UNAVAILABLE

CRASHED = "???"
"""Phase of the report that pytest-xdist makes of an item over which its worker died."""


def mark(item: pytest.Item, call: pytest.CallInfo[None], report: Any) -> None:
    """Note on a failed report that there is no result, where nobody but a target, a judge or the network failed."""
    if report.failed and _is_unavailable(item, call, report):
        report.genaiops_unavailable = True


def _is_unavailable(item: pytest.Item, call: pytest.CallInfo[None], report: Any) -> bool:
    if isinstance(item, PassRateItem):
        return item.lacks_results
    if not isinstance(item, SuiteItem) or item.running or item.failed_within:
        return False
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, ConnectionError | TimeoutError):  # of a fixture, or of the test itself
        return True
    progress = item.progress
    # A judge without the certificate that is demanded is for the author of the suite to mend.
    return report.when == "call" and progress is not None and progress.incomplete and not progress.uncertified


class Failures:
    """The failures of a session, in the controller those of every worker: how many are for want of a result."""

    def __init__(self) -> None:
        self._unavailable = 0
        self._crashed: list[str] = []
        """Node ids of items over which a worker of pytest-xdist died."""
        self._suites: set[str] = set()
        """Node ids of test functions with the marker, as far as reports told of them."""
        self._settled = False

    def add(self, report: Any) -> None:
        """Take a report, before what it carries is taken off it."""
        facts = getattr(report, "genaiops", None)
        if facts is not None:
            self._suites.add(facts["suite"])
        if report.failed and report.when == CRASHED:
            self._crashed.append(report.nodeid)
        elif report.failed:
            self._unavailable += getattr(report, "genaiops_unavailable", False)

    @property
    def unavailable(self) -> int:
        """How many items failed because there is no result."""
        return self._unavailable + sum(nodeid.partition("[")[0] in self._suites for nodeid in self._crashed)

    def settle(self, session: pytest.Session) -> None:
        """Give the session its exit code; one that is not pytest's for failed tests stays as it is."""
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED and 0 < self.unavailable == session.testsfailed:
            session.exitstatus = UNAVAILABLE
            self._settled = True

    def tell(self, reporter: pytest.TerminalReporter) -> None:
        """Say what the exit code means, where it is ours."""
        if self._settled:
            many = f"{self.unavailable} item{'' if self.unavailable == 1 else 's'}"
            have = "has" if self.unavailable == 1 else "have"
            reporter.write_line(f"exit code {UNAVAILABLE}: nothing failed by a judgement, but {many} {have} no result")
