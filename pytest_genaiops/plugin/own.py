"""Metrics of conftest files and of other packages: known by name, and handed out as fixtures."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import pytest

from pytest_genaiops import registry
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.plugin.fixtures import metric_handle
from pytest_genaiops.score.metric import own_metric

FIXTURES = "genaiops-metric-fixtures"


def take_in(config: pytest.Config, given: object) -> None:
    """Make what a ``pytest_genaiops_metrics`` hook gave known for the session, each with a fixture of its name.

    Raises pytest.UsageError for what is no metric, and for names that are taken.
    """
    try:
        if isinstance(given, str) or not isinstance(given, Iterable):
            kind = type(given).__name__
            raise UsageError(
                f"pytest_genaiops_metrics() gave {kind}; return a list of what @metric made, or of classes"
            )
        metrics = [own_metric(each) for each in given]
        for metric in metrics:
            config.add_cleanup(registry.register(metric))
    except UsageError as error:
        raise pytest.UsageError(f"conftest: {error}") from None
    hand_out(config, [metric.name for metric in metrics])


def hand_out(config: pytest.Config, names: Iterable[str]) -> None:
    """Fixtures of metrics, as a plugin of their own: a user's fixture of the same name comes before it."""
    module: Any = ModuleType(FIXTURES)
    for name in names:
        setattr(module, f"metric_{name}", _fixture(name))
    config.pluginmanager.register(module, f"{FIXTURES}-{id(module)}")


def _fixture(name: str) -> Any:
    @pytest.fixture(name=name, scope="session")
    def metric_of_ones_own(request: pytest.FixtureRequest) -> Any:
        try:
            return metric_handle(request.config, name)
        except UsageError as error:
            pytest.fail(f"the metric {quoted(name)} cannot be used: {error}", pytrace=False)

    return metric_of_ones_own


def hand_out_strangers(config: pytest.Config, wanted: Iterable[str]) -> None:
    """Fixtures of the metrics among these names that other packages register by an entry point."""
    known = set(registry.stranger_names())
    hand_out(config, [name for name in sorted(wanted) if name in known])
