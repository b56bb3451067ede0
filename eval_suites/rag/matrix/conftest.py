"""The system under test of this suite, and its questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eval_suites.rag.app.corpus import documents
from eval_suites.rag.matrix.questions import answerable
from eval_suites.rag.matrix.system import answering


@pytest.fixture(scope="session")
def dataset() -> list[dict[str, Any]]:
    return answerable()


@pytest.fixture(scope="session")
def target(index_builds: Any) -> Callable[..., Any]:
    needs = "needs the extra `rag`: pip install 'pytest-genaiops[rag]'"
    module = pytest.importorskip("eval_suites.rag.app.application", reason=needs)
    return answering(module.Application(documents(), index_builds))
