"""The hooks of a case, called without what pytest's own plugins would do in a phase in which nothing happens.

Most of what an item costs is watching: output and logs of setup and teardown are captured where none of the
user's code runs, and ten plugins are told that nothing went wrong. A case calls its hooks through
:class:`LeanHooks`. A hook stays pytest's as soon as anyone listens to it who is not named in ``KNOWN``: a
conftest, another plugin, or a part of pytest that is there on demand (JUnit XML, say). All of them are thus
called as often, in the same order and with the same arguments as for any test. And whatever is not quiet
(an exception, a section of output, a fixture to tear down) goes pytest's way, whoever listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from _pytest.logging import caplog_handler_key, caplog_records_key
from _pytest.skipping import xfailed_key

from pytest_genaiops.errors import of_ours
from pytest_genaiops.plugin.names import RUNNING
from pytest_genaiops.plugin.quiet import QuietReport, says_nothing

__tracebackhide__ = of_ours

OURS = "pytest_genaiops.plugin.running"
LOGGING = "_pytest.logging"
WATCHERS = {"_pytest.capture", LOGGING, "_pytest.threadexception", "_pytest.unraisableexception"}
"""Parts of pytest that look for what a phase leaves: output, log records, exceptions that nobody could catch."""

ASYNC = {"anyio.pytest_plugin", "pytest_asyncio.plugin"}
"""Plugins that do something about async fixtures only, which none of ours is."""

KNOWN: Mapping[str, set[str]] = {
    "pytest_runtest_setup": {"_pytest.runner", "_pytest.skipping", *WATCHERS},
    "pytest_runtest_teardown": {"_pytest.runner", *WATCHERS},
    "pytest_runtest_makereport": {"_pytest.runner", "_pytest.skipping", "_pytest.tmpdir", "_pytest.unittest", OURS},
    "pytest_runtest_logreport": {"_pytest.main", "_pytest.terminal", LOGGING, "_pytest.cacheprovider", OURS},
    "pytest_fixture_setup": {"_pytest.fixtures", "_pytest.setuponly", "_pytest.setupplan", *ASYNC},
    "pytest_fixture_post_finalizer": {"_pytest.setuponly", *ASYNC},
    "pytest_report_teststatus": {"_pytest.runner", "_pytest.skipping", "_pytest.subtests", "_pytest.terminal", OURS},
}
"""Hook -> modules whose listeners have nothing to do in a phase in which nothing happens."""

REPORTS = ("pytest_runtest_makereport", "pytest_runtest_logreport", "pytest_report_teststatus")
"""The hooks that are given the reports of items."""

ASKS = {"pytest_runtest_logreport": ["pytest_report_teststatus"]}
"""Hook -> hooks that its listeners call."""


class LeanHooks:
    """``item.ihook`` for the cases of one test and variant."""

    def __init__(self, function: Any) -> None:
        self._stock = function.ihook
        self.manager = function.config.pluginmanager

    def __getattr__(self, name: str) -> Any:
        caller = getattr(self._stock, name)
        if name in LEAN and self.unobserved(name, *ASKS.get(name, ())):
            caller = LEAN[name](caller, self)
        setattr(self, name, caller)
        return caller

    def look_again(self) -> None:
        """Another plugin has come: find out anew who listens."""
        for name in LEAN:
            vars(self).pop(name, None)

    def unobserved(self, *names: str) -> bool:
        """Whether nobody listens to these hooks but who has nothing to do where nothing happens."""
        # pytester records the calls that pluggy makes: then it has to make them.
        execute = getattr(self.manager, "_inner_hookexec", None)
        recorded = getattr(execute, "__name__", "") != "_multicall"
        return not recorded and all(_modules(getattr(self._stock, name)) <= KNOWN[name] for name in names)


def _modules(caller: Any) -> set[str]:
    return {getattr(listener.function, "__module__", "") for listener in caller.get_hookimpls()}


def _has_fixtures(item: Any) -> bool:
    """Whether there is anything to tear down behind the running item but itself."""
    return len(item.session._setupstate.stack.get(item, ((),))[0]) > 1


def _setup(stock: Any, hooks: LeanHooks) -> Callable[..., Any]:
    logs = LOGGING in _modules(stock)
    listeners = [one.function for one in reversed(stock.get_hookimpls()) if one.function.__module__ not in WATCHERS]

    def pytest_runtest_setup(item: Any) -> Any:
        if not item.recipe.is_quiet():
            return stock(item=item)
        if logs:
            item.stash[caplog_records_key] = {}  # the call reads it
        for listener in listeners:
            listener(item)
        return []

    return pytest_runtest_setup


def _teardown(stock: Any, hooks: LeanHooks) -> Callable[..., Any]:
    listeners = [one.function for one in reversed(stock.get_hookimpls()) if one.function.__module__ not in WATCHERS]

    def pytest_runtest_teardown(item: Any, nextitem: Any) -> Any:
        # Behind the last case fixtures of wider scope are torn down as well.
        if getattr(nextitem, "recipe", None) is not item.recipe or _has_fixtures(item):
            return stock(item=item, nextitem=nextitem)
        for listener in listeners:
            listener(item, nextitem)
        for key in (caplog_records_key, caplog_handler_key):
            if key in item.stash:
                del item.stash[key]
        return []

    return pytest_runtest_teardown


def _makereport(stock: Any, hooks: LeanHooks) -> Callable[..., Any]:
    running = hooks.manager.get_plugin(RUNNING)
    unheard = hooks.unobserved(*REPORTS)

    def pytest_runtest_makereport(item: Any, call: Any) -> Any:
        if call.excinfo is not None or item.stash.get(xfailed_key, None) is not None or _has_fixtures(item):
            return stock(item=item, call=call)
        report: pytest.TestReport
        # A report made while the test runs is a subtest's, which pytest copies attribute by attribute.
        if unheard and not (item.running or item.touched or item._report_sections or item.user_properties):
            report = QuietReport(item, call)
        else:
            report = pytest.TestReport.from_item_and_call(item, call)
        running.complete(item, call, report)
        if call.when == "teardown":
            item.forget()
        return report

    return pytest_runtest_makereport


def _logreport(stock: Any, hooks: LeanHooks) -> Callable[..., Any]:
    terminal = hooks.manager.get_plugin("terminalreporter")

    def pytest_runtest_logreport(report: Any) -> Any:
        quiet = report.when != "call" and report.passed and says_nothing(report)
        kept = terminal.stats.get("") if quiet and terminal is not None else None
        if not kept:
            return stock(report=report)
        kept.append(report)  # which is where pytest keeps what --durations reads
        return []

    return pytest_runtest_logreport


LEAN: Mapping[str, Callable[[Any, LeanHooks], Callable[..., Any]]] = {
    "pytest_runtest_setup": _setup,
    "pytest_runtest_teardown": _teardown,
    "pytest_runtest_makereport": _makereport,
    "pytest_runtest_logreport": _logreport,
}
