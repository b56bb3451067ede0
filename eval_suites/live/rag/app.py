"""Retrieval as in ``eval_suites/rag``, and a language model that answers from what was found."""

from __future__ import annotations

import dataclasses

from eval_suites.rag.lexical import Settings, reply
from pytest_genaiops.records import Case, Response
from pytest_genaiops.targets import model_target
from pytest_genaiops.variants import Variant


async def answer(case: Case, variant: Variant) -> Response:
    """The target of the suite: the model's answer to ``case.inputs["question"]``, and the passages behind it."""
    passages = reply(case.inputs["question"], Settings(**variant.rag))["contexts"]
    response = await model_target(dataclasses.replace(case, contexts=passages), variant)
    return dataclasses.replace(response, contexts=passages)
