"""Two classifiers for short reports: ordered keyword rules, and multinomial naive Bayes.

Naive Bayes learns from ``datasets/python_reports_train.jsonl``; the suite judges other reports.
What a variant may change is in :class:`Settings`.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eval_suites.reference_text import words

TRAINING = Path(__file__).parents[2] / "datasets" / "python_reports_train.jsonl"
RULES = (
    ("packaging", ("pip", "wheel", "pyproject", "twine", "package", "dependencie", "version", "sdist", "install")),
    ("concurrency", ("thread", "asyncio", "lock", "deadlock", "gil", "await", "awaited", "pool", "processe", "event")),
    ("encoding", ("codec", "utf", "unicode", "byte", "latin", "umlaut", "emoji", "accented", "decode", "normalize")),
    ("syntax", ("syntax", "syntaxerror", "indentationerror", "parser", "literal", "parenthesi", "closed")),
    ("types", ("typeerror", "mypy", "annotate", "annotation", "type", "object", "unhashable", "attributeerror")),
)
FALLBACK = "types"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The keys that a variant may set under ``parameters``."""

    method: str = "rules"
    """``rules`` or ``bayes``."""
    rules: int = len(RULES)
    """How many rules to try, in order; what none matches is "types"."""
    alpha: float = 1.0
    """Count added to every word of every class (Laplace smoothing); larger is less sure of itself."""


def answer(case: Any, variant: Any) -> dict[str, Any]:
    """The target of the suite: the subject of the report ``case.inputs["text"]``."""
    return classify(case.inputs["text"], Settings(**variant.parameters))


def classify(text: str, settings: Settings) -> dict[str, Any]:
    """Sort one report: ``label``, and ``probabilities`` (0-1, adding up to 1) where the method has any."""
    if settings.method == "rules":
        label = by_rules(text, settings.rules)
        return {"text": label, "label": label}
    probabilities = by_bayes(text, settings.alpha)
    label = max(probabilities, key=lambda name: probabilities[name])
    return {"text": label, "label": label, "probabilities": probabilities}


def by_rules(text: str, rules: int = len(RULES)) -> str:
    """Label of the first rule with a word of the text."""
    held = set(words(text))
    return next((label for label, signs in RULES[:rules] if held.intersection(signs)), FALLBACK)


def by_bayes(text: str, alpha: float = 1.0) -> dict[str, float]:
    """Posterior probability of every label; words never seen in training count for nothing."""
    model = _train()
    vocabulary = {word for counts in model.values() for word in counts}
    known = [word for word in words(text) if word in vocabulary]
    logs = {label: _log_likelihood(known, counts, alpha, len(vocabulary)) for label, counts in model.items()}
    highest = max(logs.values())
    total = math.fsum(math.exp(value - highest) for value in logs.values())
    return {label: math.exp(value - highest) / total for label, value in logs.items()}


def _log_likelihood(text: Sequence[str], counts: Counter[str], alpha: float, size: int) -> float:
    """The labels are equally frequent in training, so that the prior cancels."""
    total = counts.total() + alpha * size
    return math.fsum(math.log((counts[word] + alpha) / total) for word in text)


@cache
def _train() -> dict[str, Counter[str]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in TRAINING.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        counts[row["label"]].update(words(row["text"]))
    return dict(counts)
