"""A section of the language reference for a language model to summarize."""

from __future__ import annotations

import dataclasses

from eval_suites.reference_text import sentences
from pytest_genaiops.records import Case, Response
from pytest_genaiops.targets import model_target
from pytest_genaiops.variants import Variant


async def answer(case: Case, variant: Variant) -> Response:
    """The target of the suite: a summary of the section ``case.inputs["topic"]``, and the section."""
    section = (" ".join(sentences(case.inputs["topic"])[: variant.rag["sentences"]]),)
    response = await model_target(dataclasses.replace(case, contexts=section), variant)
    return dataclasses.replace(response, contexts=section)
