"""Names of metrics -> the classes behind them, imported when first asked for."""

from __future__ import annotations

from collections.abc import Callable
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
    "tool_calls": "pytest_genaiops.metrics.tool_calls:ToolCalls",
    "content_safety": "pytest_genaiops.metrics.safety:ContentSafety",
    "latency": "pytest_genaiops.metrics.operations:Latency",
    "tokens": "pytest_genaiops.metrics.spending:Tokens",
    "cost": "pytest_genaiops.metrics.spending:Cost",
    "steps": "pytest_genaiops.metrics.steps:Steps",
    "error_rate": "pytest_genaiops.metrics.operations:ErrorRate",
}
"""Our own metrics. Strangers register theirs under the entry point group of this module."""


ADAPTERS: dict[str, str] = {
    "hf": "pytest_genaiops.adapters.evaluate:HfMetric",
    "ragas": "pytest_genaiops.adapters.ragas:RagasMetric",
    "azure": "pytest_genaiops.adapters.azure:AzureMetric",
    "groundedness_onnx": "pytest_genaiops.adapters.onnx:OnnxGroundedness",
}
"""Metrics of other packages, and of models that the user brings, each of which has to be named; they have no
fixture."""

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


_OWN: dict[str, Any] = {}
"""Metrics that a session's conftest files brought, by name."""
RESERVED = ("target", "variant", "case", "response", "responses", "baseline", "dataset", "request")
"""Fixtures that no metric may take the name of."""


def did_you_mean(name: str, known: list[str]) -> str:
    """The tail of a message about a misspelt name: the nearest known one, and all of them."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(sorted(known))}"


def register(metric: Any) -> Callable[[], None]:
    """Make a metric known under its own name, until what is returned is called.

    Raises:
        MetricError: another metric, or a fixture of this package, has that name.
    """
    name, before = metric.name, _OWN.get(metric.name)
    if name in METRICS or name in ADAPTERS or name in RESERVED:
        raise MetricError(f"{_place(metric)}: the name {name!r} is taken by this package; give the metric another one")
    if before is not None and _place(before) != _place(metric):
        raise MetricError(f"two metrics are called {name!r}: {_place(before)} and {_place(metric)}; rename one of them")
    _OWN[name] = metric

    def undo() -> None:
        _OWN.pop(name, None)
        if before is not None:
            _OWN[name] = before

    return undo


def metric_names() -> list[str]:
    """Every name that :func:`metric_class` knows: ours, the adapters, then those of others."""
    return list(dict.fromkeys([*METRICS, *ADAPTERS, *_OWN, *stranger_names()]))


def stranger_names() -> list[str]:
    """Names that other packages register under the entry point group."""
    return [point.name for point in entry_points(group=ENTRY_POINT_GROUP)]


def judged_names(name: str) -> list[str]:
    """Through whose prompts a model can be asked for this metric's judgement; empty where none can."""
    if name in METRICS or name in ADAPTERS:
        return [through for through, metrics in JUDGED.items() if name in metrics]
    return ["endpoint"] if hasattr(_others(name), "judge") else []


def metric_class(name: str, *, judged_by: str | None = None) -> type[Any]:
    """The class registered under a name, or the one that asks a judge for it.

    Raises:
        MetricError: no metric has this name; the message names the nearest one. Or no such judge knows it.
    """
    ours = name in METRICS or name in ADAPTERS
    if judged_by is not None and (ours or judged_by not in judged_names(name)):
        judged = JUDGED[judged_by]
        if name not in judged:
            raise MetricError(f"{name} cannot be judged through {judged_by}; those that can are {', '.join(judged)}")
        return _loaded(judged[name])
    if ours:
        return _loaded(METRICS.get(name) or ADAPTERS[name])
    found = _others(name)
    return found if isinstance(found, type) else type(found)


def metric_object(name: str, *, judged_by: str | None = None) -> Any:
    """The metric of a name with the options that it was registered with, or with its defaults.

    Raises as :func:`metric_class` does.
    """
    if name not in METRICS and name not in ADAPTERS and not isinstance(found := _others(name), type):
        return found
    return metric_class(name, judged_by=judged_by)()


def _others(name: str) -> Any:
    """A metric, or the class of one, that is not ours."""
    if name in _OWN:
        return _OWN[name]
    strangers = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in strangers:
        known = [*METRICS, *ADAPTERS, *_OWN, *strangers]
        raise MetricError(f"no metric is called {name!r}; {did_you_mean(name, known)}")
    loaded = strangers[name].load()
    found = getattr(loaded, "metric", loaded)  # what @metric makes of a function holds its metric
    if not hasattr(found, "statistics"):
        kind = type(loaded).__name__
        mend = "name a metric class, or a function with @metric"
        raise MetricError(f"the entry point {strangers[name].value} of the metric {name!r} is {kind}; {mend}")
    return found


def _place(metric: Any) -> str:
    return f"{type(metric).__module__}.{type(metric).__qualname__}"


def _loaded(place: str) -> type[Any]:
    module, _, attribute = place.partition(":")
    found: type[Any] = getattr(import_module(module), attribute)
    return found
