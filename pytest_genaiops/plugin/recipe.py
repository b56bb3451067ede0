"""How the cases of one test are set up: worked out once, used for every case.

Arguments whose value is known are handed over without the fixture machinery, which would cost more than most
metrics do; everything else is asked of it, in pytest's own order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pytest_genaiops.errors import of_ours
from pytest_genaiops.plugin.fixtures import OURS, PROVIDERS, identity_of
from pytest_genaiops.plugin.lean import REPORTS, LeanHooks
from pytest_genaiops.plugin.session import state_of

__tracebackhide__ = of_ours

Provider = Callable[[Any], Any]


class Recipe:
    """What all cases of one test under one variant have in common."""

    _fixtures: Sequence[Any] | None
    """The session-scoped fixtures that cases are handed; None where setting up a case runs more of the user's code."""

    def __init__(self, function: Any, *, recorded: bool) -> None:
        self.identity = identity_of(function)
        """What makes the target of every case the same one."""
        path, line, name = function.location
        self._place = (path, line, name.removesuffix(function.name))
        self.callspec = function.callspec
        """The parameters of the test under its variant; a case has one element more in its id."""
        self.hooks = LeanHooks(function)
        self.sparing = self.hooks.unobserved(*REPORTS)
        """Whether cases do without what is made when it is asked for; who gets to see their reports would ask."""
        self._function = function
        # An item that waits for a call waits in its setup, and the target may print meanwhile.
        self._waits = "response" in function.fixturenames and not recorded
        self._warm = False
        state_of(function.config).recipes.append(self.look_again)

    def location_of(self, name: str) -> tuple[str, int | None, str]:
        """Where a case of the test stands: pytest would look for each anew, and find the same."""
        path, line, start = self._place
        return path, line, start + name

    def names_of(self, item: Any) -> dict[str, int]:
        """The keywords of a report of a case that keeps its own: those of the test, with the names of the case."""
        own = {self._function.name: item.name, self.callspec.id: item.callspec.id}
        return {own.get(name, name): 1 for name in self._function.keywords}

    def look_again(self) -> None:
        """Another plugin has come: find out anew who listens."""
        vars(self).pop("steps", None)
        self.hooks.look_again()

    @cached_property
    def steps(self) -> Sequence[tuple[str, Provider]]:
        """How to get each argument of the test, in pytest's own order."""
        names: Sequence[str] = self._function.fixturenames
        shown = self._function.config.getoption("setupshow", False)
        plain = shown or not self.hooks.unobserved("pytest_fixture_setup", "pytest_fixture_post_finalizer")
        known = {} if plain else {name: found for name in names if (found := _known(self._function, name)) is not None}
        fixtures = [fixture for name in known if (fixture := _session_fixture(self._function, name)) is not None]
        self._fixtures = fixtures if not self._waits and len(known) == len(names) else None
        return [(name, known.get(name) or _machinery(name)) for name in names]

    def is_quiet(self) -> bool:
        """Whether setting up the next case runs none of the user's code, nor waits for it."""
        if not self._warm or not self.steps or self._fixtures is None:
            return False
        return all(fixture.cached_result is not None for fixture in self._fixtures)

    def warmed(self) -> None:
        """A case has been set up, and with it everything that the test's cases share."""
        self._warm = True


def _known(function: Any, name: str) -> Provider | None:
    """How to get an argument without running the user's code; None where only the machinery knows."""
    if name in PROVIDERS and (name == "request" or _is_ours(function, name)):
        return PROVIDERS[name]
    fixture, machinery = _session_fixture(function, name), _machinery(name)
    # A parameter of another fixture may make this one anew: the machinery knows when.
    if fixture is None or set(function.callspec.params) - {"variant"}:
        return None

    def cached(item: Any) -> Any:
        result = fixture.cached_result
        return result[0] if result is not None and result[2] is None else machinery(item)

    return cached


def _is_ours(function: Any, name: str) -> bool:
    found = function._fixtureinfo.name2fixturedefs.get(name)
    return bool(found) and found[-1].func.__module__ == OURS


def _session_fixture(function: Any, name: str) -> Any:
    """The session-scoped fixture of this name that the function sees, unless it is the plugin's; else None."""
    found = function._fixtureinfo.name2fixturedefs.get(name)
    return found[-1] if found and found[-1].scope == "session" and not _is_ours(function, name) else None


def _machinery(name: str) -> Provider:
    return lambda item: item._request.getfixturevalue(name)
