"""The application as a target: its own answer, or that of the model which the variants' file names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from eval_suites.rag.app.settings import Settings
from pytest_genaiops.records import Case, Passage, Response
from pytest_genaiops.targets import model_target
from pytest_genaiops.variants import Variant


def answering(application: Any) -> Callable[[Case, Variant], Any]:
    """What the fixture ``target`` returns, of an :class:`~eval_suites.rag.app.application.Application`."""

    def answer(case: Case, variant: Variant) -> Any:
        question, settings = case.inputs["question"], Settings.of(variant.rag)
        if variant.model:
            return _asked(case, variant, application.retrieve(question, settings))
        return application.answer(question, settings)

    return answer


async def _asked(case: Case, variant: Variant, passages: Sequence[dict[str, Any]]) -> Response:
    """The model's answer, through the session's cache, limits and budget."""
    contexts = tuple(passage["text"] for passage in passages)
    response = await model_target(replace(case, contexts=contexts), variant)
    return replace(response, retrieved=tuple(Passage(**passage) for passage in passages))
