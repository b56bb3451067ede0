"""Metrics by what a record says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.registry import METRICS, metric_object


def remade(name: str, options: Mapping[str, Any], root: Path) -> Metric:
    """The metric of a name with options as they are on record; files of judges are relative to ``root``.

    Raises MetricError where the metric, or the file of its judge, is not there any more.
    """
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    if name in METRICS and not {"judge", "step"} & given.keys():
        metric: Any = metric_object(name)
        if given.keys() <= {each.name for each in fields(metric)}:
            made: Metric = replace(metric, **given)
            return made
    # Judges, steps, metrics of others and complaints: what reads numbers alone waits for none of it.
    from pytest_genaiops.score.metric import make

    return make(name, root=root, **given)
