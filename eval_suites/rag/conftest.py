"""The system under test of this suite."""

from collections.abc import Callable
from typing import Any

import pytest

from eval_suites.rag.lexical import answer


@pytest.fixture(scope="session")
def target() -> Callable[..., dict[str, Any]]:
    return answer
