"""Hooks that only sessions with suites need; registered when the first one is collected."""

from __future__ import annotations

import gc
from collections.abc import Generator
from typing import Any

import pytest

from pytest_genaiops.plugin import estimate, judge, junit, sharing, spending, xdist
from pytest_genaiops.plugin.ahead import Ahead
from pytest_genaiops.plugin.collect import check_selection, out_of_slices, parametrize, refuse_testcase
from pytest_genaiops.plugin.ending import Ending
from pytest_genaiops.plugin.exit import mark
from pytest_genaiops.plugin.explain import fit_for_encoding
from pytest_genaiops.plugin.foresee import warn_of_gates
from pytest_genaiops.plugin.items import CaseItem, Unmatched
from pytest_genaiops.plugin.names import RUNNING
from pytest_genaiops.plugin.order import arrange
from pytest_genaiops.plugin.progress import Progress, watch
from pytest_genaiops.plugin.session import State, state_of
from pytest_genaiops.plugin.snapshot import Snapshots
from pytest_genaiops.plugin.summary import Ledger

XDIST = "genaiops-xdist"
MANY = 1000
"""Items from which on keeping the collected ones out of garbage collection pays."""


def collect(metafunc: pytest.Metafunc) -> None:
    """Parametrize a suite's test; the first one brings the hooks below into the session."""
    _join(metafunc.config)
    parametrize(metafunc)


def refuse(collector: pytest.Collector, name: str) -> pytest.Collector:
    """Refuse a unittest.TestCase with the marker, without stopping the session."""
    _join(collector.config)
    return refuse_testcase(collector, name)


def prepare_worker(node: Any) -> None:
    """In the controller of pytest-xdist: tell a worker where outcomes are written and calls are shared."""
    state = state_of(node.config)
    folder = state.outcomes.share_with(node.workerinput)
    state.record.offer(node.workerinput, folder)
    _join(node.config)
    if not node.config.pluginmanager.has_plugin(XDIST):
        node.config.pluginmanager.register(xdist.Controller(state, folder), XDIST)
    sharing.offer(node.workerinput, folder)


def _join(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin(RUNNING):
        state = state_of(config)
        config.pluginmanager.register(Running(config, state), RUNNING)
        if state.worker:
            config.pluginmanager.register(xdist.Worker(state), XDIST)


class Running:
    """One per process; every hook delegates."""

    def __init__(self, config: pytest.Config, state: State) -> None:
        self.config = config
        self.state = state
        self.ledger = Ledger()
        self.snapshots = Snapshots(state.settings.root, state.settings.baselines)
        self.ending = Ending(config, state)
        self.refused = 0
        self.frozen = False
        self.progress: Progress | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Gates stand behind their cases, whatever other plugins did to the order."""
        yield
        items[:] = arrange(items, tuple(self.config.getoption("deselect") or ()))
        if self.state.settings.slices and (out := out_of_slices(items)):
            self.config.hook.pytest_deselected(items=list(out))
            items[:] = [item for item in items if item not in out]
        if self.state.worker and (wrong := self._wrong(items)):
            items.append(Unmatched.from_parent(session, name="genaiops", reason=wrong))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The collected items are the plan."""
        if not self.state.worker and (wrong := self._wrong(session.items)):
            raise pytest.UsageError(wrong)
        self.state.items = session.items
        self._judge_ahead()
        self.progress = watch(self.config, self.state.responder.engine)
        for item in session.items:
            if isinstance(item, CaseItem):
                item.drop_parameters()
        if len(session.items) >= MANY:
            # They live to the end: the garbage collector would walk them all again and again, for a fifth of the time.
            gc.freeze()
            self.frozen = True

    def _judge_ahead(self) -> None:
        judging = self.state.measurements.judging
        assert judging is not None
        judging.asked = Ahead(self.state).asked

    def _wrong(self, items: list[pytest.Item]) -> str | None:
        """What keeps the selected items from running as they were asked for."""
        return check_selection(self.state) or warn_of_gates(self.state, self.config, items)

    def pytest_report_collectionfinish(self) -> list[str]:
        """Say what models will be asked, and what that will probably take."""
        return list(estimate.lines(self.state, self.config))

    def thaw(self) -> None:
        """Give the items back to the garbage collector, when pytest has looked for leaks in what the tests left."""
        if self.frozen:
            gc.unfreeze()

    def pytest_plugin_registered(self) -> None:
        """Whoever comes while tests run is called from now on."""
        for look_again in self.state.recipes:
            look_again()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count the suites that cannot run."""
        self.refused += report.failed and report.nodeid in self.state.refused

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """A suite that cannot run fails the session, but does not keep the others from running."""
        spared = self.refused if session.testsfailed == self.refused and not session.config.option.collectonly else 0
        session.testsfailed -= spared
        try:
            return (yield)
        finally:
            session.testsfailed += spared

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell misses from failures, and send the scores along with the report."""
        report = yield
        self.complete(item, call, report)
        return report

    def complete(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """The same for who makes reports without calling hooks."""
        judge.annotate(item, call, report)
        mark(item, call, report)
        junit.note(item, report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a case; in the controller of pytest-xdist too."""
        if self.progress is not None:
            self.progress.clear()
        outcome = judge.outcome_of(report)
        if outcome is not None:
            self.state.outcomes.note(report.nodeid, outcome)
        self.state.record.take(report)
        if not self.state.worker:
            self.ending.add(report)
            self.state.record.hear(report)
            self.ledger.add(report, outcome)
            self.snapshots.add(report)
        session: Any = self.config.pluginmanager.get_plugin("session")
        if report.failed and not self.state.worker and (session.shouldfail or session.shouldstop):
            self.state.responder.engine.close()  # before the target is torn down, with the last item
        if report.failed and (terminal := self.config.pluginmanager.get_plugin("terminalreporter")) is not None:
            fit_for_encoding(report, getattr(terminal._tw._file, "encoding", None) or "utf-8")

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, Any] | None:
        """A tolerated miss, or an undecided verdict that only warns, is neither a pass nor a failure."""
        if judge.is_undecided(report):
            return "undecided", "u", ("UNDECIDED", {"yellow": True})
        return ("missed", "m", ("MISS", {"yellow": True})) if judge.is_miss(report) else None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Variants side by side."""
        self.ledger.write(terminalreporter, self.ending.matrices)
        spending.tell(self.state, terminalreporter)
        if self.state.settings.update_baseline:
            self.snapshots.tell(terminalreporter)
        self.ending.tell(terminalreporter)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Begin no more calls while pytest writes down where it was interrupted."""
        self.state.responder.engine.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Nothing waits for cases that will not run any more, nor begins a call while the target is torn down.

        In a worker, what is still under way now is called anew by those who need it.
        """
        if self.progress is not None:
            self.progress.clear()
        self.state.outcomes.end()
        self.state.responder.engine.close()
        spending.note(self.state)
        if self.state.settings.update_baseline:  # in a worker nothing has been taken in
            self.snapshots.write()
            if self.snapshots.failed and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.ending.finish(session)

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        self.state.record.close()
        self.state.outcomes.close()
