"""The system under test: what it returned, as a Response."""

from pytest_genaiops.targets.coerce import from_error, to_response
from pytest_genaiops.targets.recorded import recorded_response
from pytest_genaiops.targets.wire import from_json, to_json

__all__ = ["from_error", "from_json", "recorded_response", "to_json", "to_response"]
