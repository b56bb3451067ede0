"""Under pytest-xdist: calls that other workers need, and gates whose cases other workers run."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from pytest_genaiops.plugin import sharing
from pytest_genaiops.plugin.items import PassRateItem
from pytest_genaiops.plugin.judge import outcome_of
from pytest_genaiops.plugin.session import State


class Controller:
    """Tells the workers which items are running, and which of them is gone."""

    def __init__(self, state: State, folder: Path) -> None:
        self.outcomes = state.outcomes
        self.record = state.record
        self.folder = folder
        self.session: pytest.Session | None = None
        self.stopping = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Remember who knows whether the session is being stopped."""
        self.session = session
        return (yield)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A worker has begun with an item."""
        self.outcomes.start(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A worker is done with an item."""
        self.outcomes.finish(nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """What killed its worker is never finished otherwise."""
        self.outcomes.finish(crashitem)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self) -> None:
        """Behind the session itself, which has counted the failure by now."""
        if self.session is not None and not self.stopping and (self.session.shouldfail or self.session.shouldstop):
            self.stopping = True
            sharing.stop(self.folder, ended=False)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended, or died."""
        sharing.leave(self.folder, node.gateway.id)
        self.record.ended(getattr(node, "workeroutput", {}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Workers that have not finished were interrupted: nobody hears of what they still do."""
        sharing.stop(self.folder, ended=True)


class Worker:
    """Holds a gate back until its cases have run, and the end of the worker until its calls are answered."""

    def __init__(self, state: State) -> None:
        self.state = state

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Wait before the item is announced, and before pytest-timeout looks at the clock."""
        if isinstance(item, PassRateItem):
            gather(item, self.state)
        if nextitem is None and self.state.exchange is not None:
            item.config.pluginmanager.register(LastItem(self.state))
        return (yield)


class LastItem:
    """Behind a worker's last item all that its targets stand on is torn down; others may need a call under way."""

    def __init__(self, state: State) -> None:
        self.state = state
        state.ahead = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """The item counts as running while this waits, so that no gate takes it for one that nobody runs."""
        self.state.responder.engine.hand_over(self.state.outcomes.over)


def gather(gate: PassRateItem, state: State) -> None:
    """Have an outcome for every selected case of the gate.

    A case that nobody is running and that has not run was sent to a worker behind a gate that waits
    for it: by a worker that steals, or for one that died. Waiting would never end, so the case is
    judged here, unreported, and reported when its turn comes.
    """
    selected = set(state.items)
    state.outcomes.give_up([case.nodeid for case in gate.cases if case not in selected])
    found = state.outcomes.wait_for([case.nodeid for case in gate.cases])
    for case in gate.cases:
        if case in selected and case.nodeid not in found and not state.outcomes.ended:
            for report in _reports(case, gate):
                outcome = outcome_of(report)
                if outcome is not None:
                    state.outcomes.note(case.nodeid, outcome)


def _reports(case: Any, gate: PassRateItem) -> list[pytest.TestReport]:
    return runtestprotocol(case, log=False, nextitem=gate)
