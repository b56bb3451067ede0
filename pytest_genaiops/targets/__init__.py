"""The system under test: what it returned, as a Response."""

from pytest_genaiops.targets.coerce import from_error, to_response
from pytest_genaiops.targets.recorded import recorded_response

__all__ = ["from_error", "recorded_response", "to_response"]
