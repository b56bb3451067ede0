"""Names of metrics -> the classes behind them, imported when first asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pytest_genaiops.errors import MetricError, of_ours

__tracebackhide__ = of_ours

ENTRY_POINT_GROUP = "pytest_genaiops.metrics"

METRICS: dict[str, str] = {
    "bleu": "pytest_genaiops.metrics.translation:Bleu",
    "chrf": "pytest_genaiops.metrics.translation:Chrf",
    "ter": "pytest_genaiops.metrics.translation:Ter",
    "rouge": "pytest_genaiops.metrics.rouge:Rouge",
    "exact_match": "pytest_genaiops.metrics.answers:ExactMatch",
    "token_f1": "pytest_genaiops.metrics.answers:TokenF1",
    "classification": "pytest_genaiops.metrics.classification:Classification",
    "cross_entropy": "pytest_genaiops.metrics.cross_entropy:CrossEntropy",
    "meteor": "pytest_genaiops.metrics.meteor:Meteor",
    "meteor_stem": "pytest_genaiops.metrics.meteor:MeteorStem",
    "bertscore": "pytest_genaiops.adapters.bert_score:BertScore",
    "similarity": "pytest_genaiops.adapters.similarity:Similarity",
    "groundedness": "pytest_genaiops.metrics.groundedness:Groundedness",
    "relevancy": "pytest_genaiops.metrics.relevancy:Relevancy",
    "completeness": "pytest_genaiops.metrics.completeness:Completeness",
    "utilization": "pytest_genaiops.metrics.utilization:Utilization",
    "correctness": "pytest_genaiops.metrics.judged.answers:Correctness",
    "coherence": "pytest_genaiops.metrics.judged.writing:Coherence",
    "fluency": "pytest_genaiops.metrics.judged.writing:Fluency",
    "rubric": "pytest_genaiops.metrics.judged.rubric:Rubric",
    "prefer": "pytest_genaiops.metrics.judged.prefer:Prefer",
    "retrieval": "pytest_genaiops.metrics.retrieval:Retrieval",
    "content_safety": "pytest_genaiops.metrics.safety:ContentSafety",
    "latency": "pytest_genaiops.metrics.operations:Latency",
    "tokens": "pytest_genaiops.metrics.spending:Tokens",
    "cost": "pytest_genaiops.metrics.spending:Cost",
    "error_rate": "pytest_genaiops.metrics.operations:ErrorRate",
}
"""Our own metrics. Strangers register theirs under the entry point group of this module."""


ADAPTERS: dict[str, str] = {
    "hf": "pytest_genaiops.adapters.evaluate:HfMetric",
    "ragas": "pytest_genaiops.adapters.ragas:RagasMetric",
    "azure": "pytest_genaiops.adapters.azure:AzureMetric",
}
"""Metrics of other packages, each of which has to be named; they have no fixture."""

JUDGED: dict[str, dict[str, str]] = {
    "endpoint": {
        "groundedness": "pytest_genaiops.metrics.judged.groundedness:JudgedGroundedness",
        "relevancy": "pytest_genaiops.metrics.judged.answers:JudgedRelevancy",
        "completeness": "pytest_genaiops.metrics.judged.answers:JudgedCompleteness",
        "utilization": "pytest_genaiops.metrics.judged.answers:JudgedUtilization",
        "correctness": METRICS["correctness"],
        "coherence": METRICS["coherence"],
        "fluency": METRICS["fluency"],
        "rubric": METRICS["rubric"],
        "prefer": METRICS["prefer"],
        "ragas": ADAPTERS["ragas"],
        "content_safety": "pytest_genaiops.metrics.judged.safety:JudgedSafety",
    },
    "ragas": {
        "groundedness": "pytest_genaiops.adapters.ragas:RagasGroundedness",
        "relevancy": "pytest_genaiops.adapters.ragas:RagasRelevancy",
        "correctness": "pytest_genaiops.adapters.ragas:RagasCorrectness",
        "ragas": ADAPTERS["ragas"],
    },
}
"""Whose prompts a judge is asked -> the metrics that can ask one -> the classes that do."""


def did_you_mean(name: str, known: list[str]) -> str:
    """The tail of a message about a misspelt name: the nearest known one, and all of them."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(sorted(known))}"


def metric_names() -> list[str]:
    """Every name that :func:`metric_class` knows: ours, the adapters, then those of other packages."""
    return list(dict.fromkeys([*METRICS, *ADAPTERS, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))]))


def judged_names(name: str) -> list[str]:
    """Through whose prompts a model can be asked for this metric's judgement; empty where none can."""
    return [through for through, metrics in JUDGED.items() if name in metrics]


def metric_class(name: str, *, judged_by: str | None = None) -> type[Any]:
    """The class registered under a name, or the one that asks a judge for it.

    Raises:
        MetricError: no metric has this name; the message names the nearest one. Or no such judge knows it.
    """
    if judged_by is not None:
        judged = JUDGED[judged_by]
        if name not in judged:
            raise MetricError(f"{name} cannot be judged through {judged_by}; those that can are {', '.join(judged)}")
        return _loaded(judged[name])
    if (ours := METRICS.get(name) or ADAPTERS.get(name)) is not None:
        return _loaded(ours)
    strangers = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name in strangers:
        loaded: type[Any] = strangers[name].load()
        return loaded
    raise MetricError(f"no metric is called {name!r}; {did_you_mean(name, [*METRICS, *ADAPTERS, *strangers])}")


def _loaded(place: str) -> type[Any]:
    module, _, attribute = place.partition(":")
    found: type[Any] = getattr(import_module(module), attribute)
    return found
