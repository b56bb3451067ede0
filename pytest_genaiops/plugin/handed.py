"""A suite's dataset from the user's own ``dataset`` fixture.

The cases of a suite are test items, so the fixture is asked for while tests are collected; pytest
keeps its value for the session and tears it down at the end, as that of any other.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.dataset import Dataset, coerce
from pytest_genaiops.errors import GenaiopsError, UsageError
from pytest_genaiops.plugin.session import State
from pytest_genaiops.run import load
from pytest_genaiops.run.guard import attempt, describe

FIXTURE = "dataset"


def handed_in(definition: Any, state: State) -> Dataset | None:
    """What the ``dataset`` fixture that the test sees gives; None where it sees none.

    Raises:
        UsageError: it is not session-scoped, is parametrized, fails, or gives what no dataset is.
    """
    found = definition.session._fixturemanager.getfixturedefs(FIXTURE, definition)
    if not found:
        return None
    fixture = found[-1]
    if fixture not in state.handed:
        state.handed[fixture] = _asked(definition, fixture, state)
    return state.handed[fixture]


def in_marker(value: Any) -> Any:
    """The dataset that an object in the marker is; a name or a path as it stands.

    Raises:
        UsageError: it is no dataset, or what makes its rows fails.
    """
    if isinstance(value, str | Path):
        return value
    made, error = attempt(coerce, value)
    if isinstance(error, GenaiopsError):
        raise error
    if error is not None:
        raise UsageError(f"the rows of dataset= cannot be read, they raised {describe(error)}")
    return made


def _asked(definition: Any, fixture: Any, state: State) -> Dataset:
    where = f"the fixture `{FIXTURE}` ({_place(fixture.func, definition.config.rootpath)})"
    if fixture.scope != "session":
        why = f"is {fixture.scope}-scoped, but is asked for before any test runs"
        raise UsageError(f'{where} {why}; write @pytest.fixture(scope="session")')
    if fixture.params is not None:
        raise UsageError(f"{where} is parametrized; write one fixture and one test for each dataset")
    made, error = attempt(_dataset, definition, state, catch=BaseException)
    if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
        raise error
    if isinstance(error, pytest.FixtureLookupError):
        raise UsageError(f"{where} asks for a fixture {error.argname!r}, which there is not")
    if isinstance(error, GenaiopsError):
        raise UsageError(f"{where}: {error}")
    if error is not None:
        raise UsageError(f"{where} raised {describe(error)}")
    dataset: Dataset = made
    return dataset


def _dataset(definition: Any, state: State) -> Dataset:
    value = _value(definition)
    return load(value, state.settings) if isinstance(value, str | Path) else coerce(value, name=FIXTURE)


def _value(definition: Any) -> Any:
    session = definition.session
    active = session._setupstate
    if session not in active.stack:
        active.setup(session)
    option = definition.config.option
    planned, option.setupplan = getattr(option, "setupplan", False), False  # a plan of cases needs their data
    # pytest gives fixtures to nodes that are being set up; this one is, as far as the fixture can tell.
    active.stack[definition] = ([], None)
    try:
        return definition._request.getfixturevalue(FIXTURE)
    finally:
        del active.stack[definition]
        option.setupplan = planned


def _place(function: Any, root: Path) -> str:
    code = inspect.unwrap(function).__code__  # another plugin may have wrapped it
    path = Path(code.co_filename)
    return f"{(path.relative_to(root) if path.is_relative_to(root) else path).as_posix()}:{code.co_firstlineno}"
