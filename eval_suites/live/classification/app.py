"""What a language model says of a report, as a label with probabilities."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_genaiops.records import Case, Response
from pytest_genaiops.targets import model_target
from pytest_genaiops.variants import Variant

LABELS = ("syntax", "types", "packaging", "concurrency", "encoding")
NONE = "none"
"""Label of an answer that names no subject."""


async def answer(case: Case, variant: Variant) -> Response:
    """The target of the suite: the model's answer with the label that it names, and probabilities where there are."""
    response = await model_target(case, variant)
    if response.error is not None:
        return response
    return dataclasses.replace(
        response, label=label_of(response.text), probabilities=probabilities_of(response.logprobs)
    )


def label_of(text: str) -> str:
    """The label that stands first in the text."""
    found = text.lower()
    named = [label for label in LABELS if label in found]
    return min(named, key=found.index, default=NONE)


def probabilities_of(tokens: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    """Each label's share of the first token's probability: tokens that begin it, of those that begin any.

    A label that begins with none of the likeliest tokens is as likely as the least of these, at most: it gets that.
    None where the model gave no likeliest tokens.
    """
    likeliest = tokens[0].get("top_logprobs") if tokens else None
    if not likeliest:
        return None
    begun = {label: math.fsum(_begins(label, token) for token in likeliest) for label in LABELS}
    least = min(math.exp(token["logprob"]) for token in likeliest)
    weights = {label: weight or least for label, weight in begun.items()}
    total = math.fsum(weights.values())
    return {label: weight / total for label, weight in weights.items()}


def _begins(label: str, token: Mapping[str, Any]) -> float:
    """Probability of a token that begins the label, else 0; no two of the labels begin with the same letter."""
    text = token["token"].strip().lower()
    return math.exp(token["logprob"]) if text and label.startswith(text) else 0.0
