"""Hooks that conftest files and plugins may implement."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


@pytest.hookspec(historic=True)
def pytest_genaiops_metrics() -> Sequence[object] | None:
    """Metrics of one's own: what ``@metric`` made, or classes on ``pytest_genaiops.metrics.base.Metric``.

    Each is then known by its name: as a fixture, to ``metric()``, and to ``evaluate(metrics=…)``.
    """


@pytest.hookspec
def pytest_genaiops_redact(text: str) -> str | None:
    """A text that is about to be put on record, without what must not be kept; None where it may stay as it is.

    Called with every text of inputs, answers, prompts, reasons and messages: a name, an address. Where several are
    there, each is given what the one before it left. One that raises ends the record: nothing unread is kept.
    """
