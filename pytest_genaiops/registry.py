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
    "groundedness": "pytest_genaiops.metrics.groundedness:Groundedness",
    "relevancy": "pytest_genaiops.metrics.relevancy:Relevancy",
    "latency": "pytest_genaiops.metrics.operations:Latency",
    "tokens": "pytest_genaiops.metrics.spending:Tokens",
    "cost": "pytest_genaiops.metrics.spending:Cost",
    "error_rate": "pytest_genaiops.metrics.operations:ErrorRate",
}
"""Our own metrics. Strangers register theirs under the entry point group of this module."""


def did_you_mean(name: str, known: list[str]) -> str:
    """The tail of a message about a misspelt name: the nearest known one, and all of them."""
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(sorted(known))}"


def metric_names() -> list[str]:
    """Every name that :func:`metric_class` knows: ours, then those of other packages."""
    return list(dict.fromkeys([*METRICS, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))]))


def metric_class(name: str) -> type[Any]:
    """The class registered under a name.

    Raises:
        MetricError: no metric has this name; the message names the nearest one.
    """
    if name in METRICS:
        module, _, attribute = METRICS[name].partition(":")
        found: type[Any] = getattr(import_module(module), attribute)
        return found
    strangers = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if name in strangers:
        loaded: type[Any] = strangers[name].load()
        return loaded
    raise MetricError(f"no metric is called {name!r}; {did_you_mean(name, [*METRICS, *strangers])}")
