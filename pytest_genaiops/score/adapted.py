"""Metrics of other packages, by the options that each of them takes."""

from __future__ import annotations

from typing import Any

from pytest_genaiops.errors import of_ours
from pytest_genaiops.score.metric import MetricHandle, metric

__tracebackhide__ = of_ours


def hf_metric(
    module: str,
    *,
    key: str | None = None,
    config: str | None = None,
    scale: tuple[float, float] = (0.0, 1.0),
    higher_is_better: bool = True,
    **options: Any,
) -> MetricHandle:
    """A module of Hugging Face's ``evaluate`` as a metric: the mean of what it gives for each answer alone.

    Args:
        module: a folder with the module's script, or its name on the hub.
        key: the entry of its result that counts, where that has several numbers.
        config: a configuration of the module.
        scale: lowest and highest value of that entry, as the module's page says.
        higher_is_better: its direction.
        options: arguments of the module's ``compute()``: text, numbers, lists and mappings.

    Raises:
        MetricError: an option that has no form in JSON, or a scale that is none. Once something is scored: no such
            module or entry, or a value outside of the scale.
        ExtraMissingError: ``evaluate`` is not installed, once something is scored.
    """
    given: dict[str, Any] = {"module": module, "key": key, "config": config, "options": options}
    return metric("hf", **given, scale=scale, higher_is_better=higher_is_better)


def ragas_metric(name: str, *, judge: Any = None, embeddings: Any = None, **options: Any) -> MetricHandle:
    """A metric of ragas, asked over our own client: cache, limits, budget and replay apply to it.

    Args:
        name: of a class in ``ragas.metrics.collections``: ``"faithfulness"``, ``"ContextRecall"``.
        judge: the model that judges: a file with ``model`` and ``parameters``, its name in ``judges/``, or a mapping.
        embeddings: mapping that names the model for vectors, in place of the judge's own ``embeddings``.
        options: arguments of that class: text, numbers, lists and mappings.

    Raises:
        MetricError: no such judge, or an option that has no form in JSON. Once something is scored: no such metric,
            or one that needs what no case has.
        ExtraMissingError: ragas is not installed, once something is scored.
    """
    judged = {} if judge is None else {"judge": judge}
    return metric("ragas", metric=name, embeddings=embeddings, options=options, **judged)


def azure_metric(
    evaluator: Any,
    *,
    key: str | None = None,
    model: str | None = None,
    scale: tuple[float, float] = (0.0, 1.0),
    higher_is_better: bool = True,
    **options: Any,
) -> MetricHandle:
    """An evaluator of ``azure-ai-evaluation`` as a metric: the mean of what it gives for each answer.

    Args:
        evaluator: a class of the package, which is made with ``options``; or a made one, or any callable of that form
            (keyword arguments such as ``response``, ``ground_truth``, ``query``, ``context``; a mapping back).
        key: the entry of its result that counts, where that has several numbers.
        model: the model that it asks, for the signature: an evaluator does not tell.
        scale: lowest and highest value of that entry.
        higher_is_better: its direction.
        options: arguments of the class.

    Raises:
        MetricError: something that cannot be called, options that it does not take, or a scale that is none. Once
            something is scored: no such entry, or a value outside of the scale.
    """
    given: dict[str, Any] = {"evaluator": evaluator, "key": key, "model": model, "options": options}
    return metric("azure", **given, scale=scale, higher_is_better=higher_is_better)
