"""How the cases of one test are set up: worked out once, used for every case.

Ten thousand cases are ten thousand runs of pytest's own protocol, and most of that is spent on
setups and teardowns in which nothing happens. Two things are saved, and neither can be seen:
arguments whose value is known are handed over without the fixture machinery, and where a setup
or teardown runs none of the user's code, the built-in plugins that would watch it (output
capture, hooks for exceptions in threads and destructors) are not called. Every other
plugin's hooks are, in every phase; the call itself goes through all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_genaiops.errors import of_ours
from pytest_genaiops.plugin.fixtures import OURS, PROVIDERS, identity_of

__tracebackhide__ = of_ours

WATCHERS = ("capturemanager", "unraisableexception", "threadexception", "faulthandler")

Provider = Callable[[Any], Any]


class Recipe:
    """What all cases of one test under one variant have in common."""

    __slots__ = ("hooks", "identity", "steps", "warm")

    def __init__(self, function: Any, *, recorded: bool) -> None:
        self.identity = identity_of(function)
        """What makes the target of every case the same one."""
        self.warm = False
        """True once a case was set up, and with it every session-scoped fixture that the test needs."""
        planned_only = function.config.getoption("setupplan", False)  # pytest lists fixtures and makes none
        known = [(name, None if planned_only else _known(function, name)) for name in function.fixturenames]
        self.steps = [(name, provider or _machinery(name)) for name, provider in known]
        # An item that waits for a call waits in its setup, and the target may print meanwhile.
        waits = "response" in function.fixturenames and not recorded
        quiet = not waits and all(provider is not None for _, provider in known)
        self.hooks = _LeanHooks(function, self) if quiet else function.ihook


def _known(function: Any, name: str) -> Provider | None:
    """How to get an argument without running the user's code; None where only the machinery knows."""
    found = function._fixtureinfo.name2fixturedefs.get(name)
    if name == "request" or (found and found[-1].func.__module__ == OURS):
        return PROVIDERS.get(name)
    # A parameter of another fixture may make this one anew: the machinery knows when.
    if not found or found[-1].scope != "session" or set(function.callspec.params) - {"variant"}:
        return None
    fixture, machinery = found[-1], _machinery(name)

    def cached(item: Any) -> Any:
        result = fixture.cached_result
        return result[0] if result is not None and result[2] is None else machinery(item)

    return cached


def _machinery(name: str) -> Provider:
    return lambda item: item._request.getfixturevalue(name)


class _LeanHooks:
    """A test's hook callers, of which those for setup and teardown leave the watchers out where they may."""

    def __init__(self, function: Any, recipe: Recipe) -> None:
        stock = function.ihook
        manager = function.config.pluginmanager
        watchers = [plugin for name in WATCHERS if (plugin := manager.get_plugin(name)) is not None]
        left_out = {*watchers, *getattr(stock, "remove_mods", ())}  # conftests of other folders are not ours to call
        set_up = manager.subset_hook_caller("pytest_runtest_setup", left_out)
        tear_down = manager.subset_hook_caller("pytest_runtest_teardown", left_out)

        def pytest_runtest_setup(item: Any) -> Any:
            return (set_up if recipe.warm else stock.pytest_runtest_setup)(item=item)

        def pytest_runtest_teardown(item: Any, nextitem: Any) -> Any:
            # Behind the last case the fixtures of wider scope are torn down, and they may well say something.
            last = getattr(nextitem, "recipe", None) is not recipe
            return (stock.pytest_runtest_teardown if last else tear_down)(item=item, nextitem=nextitem)

        self._stock = stock
        self.pytest_runtest_setup = pytest_runtest_setup
        self.pytest_runtest_teardown = pytest_runtest_teardown

    def __getattr__(self, name: str) -> Any:
        caller = getattr(self._stock, name)
        setattr(self, name, caller)
        return caller
