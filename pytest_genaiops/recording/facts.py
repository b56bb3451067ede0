"""What a record says of a run, its suites, variants and metrics, as JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_genaiops.config import Settings
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.metrics.judged.judge import Judge
from pytest_genaiops.recording.remaking import remade
from pytest_genaiops.registry import ADAPTERS, METRICS, stranger_names
from pytest_genaiops.report.difference import summary
from pytest_genaiops.run import Suite
from pytest_genaiops.run.guard import attempt
from pytest_genaiops.score.steps import inner_of
from pytest_genaiops.store import PartRow
from pytest_genaiops.variants import Variant, difference

RULES = ("confidence", "seed", "undecided")
_ELSEWHERE = frozenset({
    "root", "datasets", "baselines", "folder", "record", "keep_days", "reports", "mlflow", "mlflow_experiment",
})  # fmt: skip
"""Settings that no number depends on."""


def settings_facts(settings: Settings) -> dict[str, Any]:
    """``settings``, those that are not at their defaults, and ``rules`` of a run."""
    given = [each for each in fields(settings) if each.name not in _ELSEWHERE]
    changed = {each.name: value for each in given if (value := getattr(settings, each.name)) != each.default}
    return {
        "settings": {name: _plain(value) for name, value in changed.items()},
        "rules": {name: getattr(settings, name) for name in RULES},
    }


@lru_cache(maxsize=256)
def options_of(metric: Metric, root: Path) -> Mapping[str, Any] | None:
    """The options of a metric that are not at their defaults, where :func:`remade` makes an equal one of them.

    None for a metric of the user's own, and where an option is nothing that JSON has a form for.
    """
    if (stepped := inner_of(metric)) is not None:
        inner, step = stepped
        known_options = options_of(inner, root)
        return None if known_options is None else {**known_options, "step": step}
    if metric.name not in METRICS and metric.name not in ADAPTERS and metric.name not in stranger_names():
        return None
    known: list[Any] = [*fields(metric)] if is_dataclass(metric) else []
    options = {each.name: _option(getattr(metric, each.name)) for each in known if _is_changed(metric, each)}
    text, _ = attempt(json.dumps, options)
    again, _ = attempt(remade, metric.name, json.loads(text or "{}"), root)
    return options if text is not None and again == metric else None


def parts_of(metric: Metric, total: Any) -> list[PartRow]:
    """The numbers that a metric makes of summed statistics, with those under them."""
    parts = metric.parts(total)
    if not parts:
        return list(_tree(metric.part(), ()))
    found: list[PartRow] = []
    for name, part in parts.items():
        members = {(name,): part} if isinstance(part, Part) else {(name, key): each for key, each in part.items()}
        found += [row for path, each in members.items() for row in _tree(each, path)]
    return found


def _tree(part: Part, path: tuple[str, ...]) -> Iterator[PartRow]:
    yield row_of(part, path)
    for name, child in part.children.items():
        yield from _tree(child, (*path, name))


def row_of(part: Part, path: tuple[str, ...]) -> PartRow:
    """One number of a metric, under the attributes that lead to it."""
    return PartRow(
        name=part.name,
        path=path,
        scale=part.scale,
        higher_is_better=part.higher_is_better,
        is_mean=part.is_mean,
    )


def _is_changed(metric: Metric, option: Any) -> bool:
    return bool(getattr(metric, option.name) != option.default)


def _option(value: Any) -> Any:
    if isinstance(value, Judge):
        return f"ragas:{value.source}" if value.through == "ragas" else value.source
    return value


def suite_facts(suite: Suite) -> dict[str, Any]:
    """What a record says of a suite, whoever ran it."""
    data = suite.dataset
    return {
        "dataset": data.title,
        "dataset_hash": data.hash,
        "n": len(suite.cases),
        "cases_there": len(data.cases),
        "trials": suite.trials,
        "coverage": suite.coverage,
        "pass_rate": suite.pass_rate,
        "baseline": suite.baseline.id if suite.baseline else suite.committed,
        "committed": suite.committed is not None,
    }


def variant_facts(variant: Variant, suite: Suite) -> dict[str, Any]:
    """What a record says of a variant of a suite."""
    names = [step.model.get("name") or step.model.get("deployment") for step in variant.steps]
    changes = difference(variant, suite.baseline) if suite.baseline else ()
    order = [each.id for each in suite.variants]
    return {
        "hash": variant.hash,
        "source": variant.source,
        "prompt": prompt_text(variant),
        "parameters": _plain(variant.parameters),
        "axes": dict(variant.axes),
        "rag": _plain(variant.rag),
        "model": ", ".join(dict.fromkeys(str(name) for name in names if name)),
        "differs": summary([change.plain() for change in changes]),
        "place": order.index(variant.id) if variant.id in order else len(order),
    }


def prompt_text(variant: Variant) -> str:
    """The templates of a variant as people read them: each message under its role, of several steps under its step."""
    found = []
    for step in variant.steps:
        lead = f"step {step.id}, " if variant.chained else ""
        for message in step.messages:
            text = "\n\n".join(block.text for block in message.blocks)
            found.append(f"{lead}{message.role}:\n{text}" if lead or not message.marked else text)
    return "\n\n".join(found)


def _plain(value: Any) -> Any:
    """A setting as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
