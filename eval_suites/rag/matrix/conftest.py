"""The system under test of this suite, and its questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from eval_suites.rag.app.corpus import documents
from eval_suites.rag.app.settings import Settings
from eval_suites.rag.matrix.questions import answerable
from pytest_genaiops.records import Case, Passage, Response
from pytest_genaiops.targets import model_target
from pytest_genaiops.variants import Variant


@pytest.fixture(scope="session")
def dataset() -> list[dict[str, Any]]:
    return answerable()


@pytest.fixture(scope="session")
def target(index_builds: Any) -> Callable[..., Any]:
    needs = "needs the extra `rag`: pip install 'pytest-genaiops[rag]'"
    module = pytest.importorskip("eval_suites.rag.app.application", reason=needs)
    application = module.Application(documents(), index_builds)

    def answer(case: Case, variant: Variant) -> Any:
        question, settings = case.inputs["question"], Settings.of(variant.rag)
        if variant.model:
            return _asked(case, variant, application.retrieve(question, settings))
        return application.answer(question, settings)

    return answer


async def _asked(case: Case, variant: Variant, passages: Sequence[dict[str, Any]]) -> Response:
    """The answer of the model that the variants' file names, through the session's cache, limits and budget."""
    contexts = tuple(passage["text"] for passage in passages)
    response = await model_target(replace(case, contexts=contexts), variant)
    return replace(response, retrieved=tuple(Passage(**passage) for passage in passages))
