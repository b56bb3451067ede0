"""What pytest sees: hooks and fixtures, each one delegating call.

This module is loaded into every pytest session on the machine, so it imports nothing but pytest, tables of names and
hooks, and functions that wait to be asked; the library is imported when the first suite or metric fixture turns up.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest

from pytest_genaiops.plugin import asked, grounding_fixtures, hookspecs
from pytest_genaiops.plugin.names import INI, MARKER, METRICS, OPTIONS, has_marker


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options are --genaiops-…, ini keys genaiops_…."""
    group = parser.getgroup("genaiops", "merge gates for prompts and RAG (pytest-genaiops)")
    for name, settings in OPTIONS:
        group.addoption(name, default=None, **settings)
    for key, kind, text in INI:
        parser.addini(key, text, type=kind, default=None)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and refuse a misspelt ini key or an option that makes no sense."""
    config.addinivalue_line("markers", MARKER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in pytest 9, and the only list of the keys that a file really has
        found = [key for key in config.inicfg if key.startswith("genaiops")]
    if found or any(config.getoption(name) is not None for name, _ in OPTIONS):
        from pytest_genaiops.plugin.options import check

        check(config, found, [key for key, _, _ in INI])
    config.add_cleanup(partial(asked.give_back, config))  # the first to be registered is the last to run
    config.hook.pytest_genaiops_metrics.call_historic(partial(asked.own_metrics, config))


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Metrics of one's own come through a hook."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One parameter set per variant for a test that carries the marker."""
    if metafunc.definition.get_closest_marker("genaiops") is not None:
        from pytest_genaiops.plugin.running import collect

        collect(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> Generator[None, Any, Any]:
    """Turn a suite's functions into one item per case; a suite that cannot run becomes a collection error."""
    made = yield
    if getattr(made, "nofuncargs", False) and has_marker(obj):  # a unittest.TestCase
        from pytest_genaiops.plugin.running import refuse

        return refuse(collector, name)
    if not isinstance(made, list) or not made or not isinstance(made[0], pytest.Function):
        return made
    asked.unknown_fixtures(collector.config, made)
    if made[0].get_closest_marker("genaiops") is not None:
        from pytest_genaiops.plugin.collect import expand

        return expand(collector, made)
    return made


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """Show a score's evidence under the failed comparison."""
    if "pytest_genaiops.score" not in sys.modules:
        return None
    from pytest_genaiops.plugin.explain import compared

    return compared(op, left, right)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the controller writes what became of every case."""
    from pytest_genaiops.plugin.running import prepare_worker

    prepare_worker(node)


@pytest.fixture(scope="session")
def target() -> Any:
    """The system under test: override it with a callable answer(case, variant) -> str | dict | Response."""
    return None


# These ask for no ``request``: pytest makes one anew for each fixture that does, which costs more than all else.
@pytest.fixture
def variant() -> Any:
    """The variant under test: id, parameters, hash, messages(case)."""
    from pytest_genaiops.plugin.fixtures import variant_of

    return variant_of()


@pytest.fixture
def case(variant: Any) -> Any:
    """One case of the dataset; asking for it makes one test item per variant and case."""
    from pytest_genaiops.plugin.fixtures import case_of

    return case_of()


@pytest.fixture
def response(variant: Any, target: Any) -> Any:
    """The target's response to one case; asking for it makes one test item per variant and case."""
    from pytest_genaiops.plugin.fixtures import response_of

    return response_of(target)


@pytest.fixture
def responses(variant: Any, target: Any) -> Any:
    """The target's responses to the whole dataset under one variant."""
    from pytest_genaiops.plugin.fixtures import responses_of

    return responses_of(target)


@pytest.fixture
def baseline(variant: Any, target: Any) -> Any:
    """The baseline variant's responses to the same cases (to the same case, beside ``response``)."""
    from pytest_genaiops.plugin.fixtures import baseline_of

    return baseline_of(target)


def _metric_fixture(name: str) -> Callable[..., Any]:
    @pytest.fixture(name=name, scope="session")
    def hand_out(request: pytest.FixtureRequest) -> Any:
        from pytest_genaiops.plugin.fixtures import metric_handle

        return metric_handle(request.config, name)

    hand_out.__doc__ = f"The metric {name!r}, called on responses or on texts."
    return hand_out


globals().update({f"metric_{name}": _metric_fixture(name) for name in METRICS} | grounding_fixtures.FIXTURES)
