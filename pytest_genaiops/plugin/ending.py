"""The end of a session: its exit code, its record, and everything that tells others of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_genaiops.plugin import spending
from pytest_genaiops.plugin.annotations import Annotations
from pytest_genaiops.plugin.exit import Failures
from pytest_genaiops.plugin.junit import Session
from pytest_genaiops.plugin.reports import Reports
from pytest_genaiops.plugin.session import State
from pytest_genaiops.report.document import SuiteView


class Ending:
    """Takes in what reports say, and tells it when there are no more."""

    def __init__(self, config: pytest.Config, state: State) -> None:
        self._config = config
        self._state = state
        self._failures = Failures()
        self._reports = Reports(config, state.settings)
        self._annotations = Annotations(state.settings.root)
        self._junit = Session()
        self._refused = 0

    def add(self, report: Any) -> None:
        """Take a report, before what it carries is taken off it; in the controller of pytest-xdist every worker's."""
        self._failures.add(report)
        self._annotations.add(report)
        self._junit.add(report)

    def finish(self, session: pytest.Session) -> None:
        """Settle the exit code, end the record and write the reports; in a worker only its part of the record."""
        record, facts = self._state.record, {"spending": spending.facts(self._state)}
        if self._state.worker:
            record.end(int(session.exitstatus), facts)
            return
        self._refused = facts["spending"]["refused"]
        self._failures.settle(session)
        record.end(int(session.exitstatus), facts)
        self._junit.tell(self._config, record)
        if self._reports.write(record, session):
            record.end(int(session.exitstatus), facts)

    def matrices(self) -> Sequence[SuiteView]:
        """The suites of the session that have a factorial, as its record has them."""
        return self._reports.matrices(self._state.record)

    def tell(self, reporter: pytest.TerminalReporter) -> None:
        """Say it in the summary."""
        self._state.record.tell(reporter)
        self._reports.tell(reporter)
        self._failures.tell(reporter)
        self._annotations.tell(self._config, reporter, self._refused)
