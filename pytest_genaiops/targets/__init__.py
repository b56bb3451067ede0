"""The system under test: what it returned, as a Response."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_genaiops.targets.coerce import from_error, to_response
from pytest_genaiops.targets.recorded import recorded_response

if TYPE_CHECKING:
    from pytest_genaiops.targets.http import http_target as http_target
    from pytest_genaiops.targets.model import model_target as model_target
    from pytest_genaiops.targets.process import process_target as process_target

_WHERE = {"http_target": "http", "model_target": "model", "process_target": "process"}
"""Imported when first used: most sessions ask no model."""

__all__ = ["from_error", "http_target", "model_target", "process_target", "recorded_response", "to_response"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
