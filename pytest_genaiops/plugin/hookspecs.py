"""Hooks that conftest files and plugins may implement."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


@pytest.hookspec(historic=True)
def pytest_genaiops_metrics() -> Sequence[object] | None:
    """Metrics of one's own: what ``@metric`` made, or classes on ``pytest_genaiops.metrics.base.Metric``.

    Each is then known by its name: as a fixture, to ``metric()``, and to ``evaluate(metrics=…)``.
    """
