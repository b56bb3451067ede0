"""The system under test of this suite."""

from collections.abc import Awaitable, Callable

import pytest

from eval_suites.live.rag.app import answer
from pytest_genaiops.records import Response


@pytest.fixture(scope="session")
def target() -> Callable[..., Awaitable[Response]]:
    return answer
