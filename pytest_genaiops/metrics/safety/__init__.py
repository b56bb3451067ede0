"""Content safety without a service: what must not be in an answer, found by its form."""

from pytest_genaiops.metrics.safety.checks import Checks
from pytest_genaiops.metrics.safety.content import ContentSafety

__all__ = ["Checks", "ContentSafety"]
