"""Scores of a committed baseline, made again from its rows where no metric is at hand that could ask for them."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from pytest_genaiops.baselines import Entry, name_of
from pytest_genaiops.errors import MetricError, UnscorableError
from pytest_genaiops.metrics.base import Metric, Part
from pytest_genaiops.records import Measurement
from pytest_genaiops.registry import metric_class
from pytest_genaiops.run import Measured
from pytest_genaiops.score.committed import Committed
from pytest_genaiops.score.handle import Score
from pytest_genaiops.score.table import Table, mean_part, summed

_AGREES = 1e-9
_SHORT = {"char_order": "nc", "word_order": "nw"}
"""Options that change how rows are summed up, and that sacrebleu's signature has under another name."""


def reread(entry: Entry, name: str, where: str) -> dict[str, Score]:
    """The scores of one section of an entry, by their names in the file.

    Of a test that judges case by case each is the mean of its cases' own values.

    Args:
        entry: what is committed of a variant.
        name: of the section, among ``entry.metrics``.
        where: the entry as messages name it.

    Raises:
        MetricError: the rows do not give the values that stand beside them: they are of a metric that is not
            installed, or of options that its signature does not tell.
    """
    section = entry.metrics[name]
    metric, rows = _metric(section.signature), section.rows
    keys = list(zip(rows.ids, rows.trials, strict=True))
    table = Committed(entry, where, cases=(), keys=keys).table(metric, section.signature)
    found = {}
    for label, value in section.scores.items():
        part = mean_part(label, value.scale, higher_is_better=value.higher_is_better)
        if metric is not None:
            part = _part(metric, table, label) or part
        unknown = metric is None and rows.statistics.mappings is not None
        score = None if unknown else _score(table, part, by_case=entry.by_case)
        if score is None or score.value is None or not _close(score.value, value.value):
            made = "nothing" if score is None or score.value is None else f"{score.value:g}"
            raise MetricError(
                f"{where}.metrics.{name}.scores.{label}.value is {value.value:g}, and its rows give {made} here: "
                f"{name_of(section.signature)} is not installed, is another one, or had options that its signature "
                f"does not tell ({section.signature})"
            )
        found[label] = score
    return found


def _score(table: Table, part: Part, *, by_case: bool) -> Score | None:
    """The score of a table; None where its rows are of another form than the part takes."""
    try:
        if not by_case:
            return Score(table, part)
        measured = Measured()
        for row in table.measurements:
            measured.append(Measurement(statistics=(part.case_score(row.statistics),)))
    except (TypeError, LookupError, ArithmeticError, ValueError, UnscorableError):
        return None
    mean = mean_part(part.name, part.scale, higher_is_better=part.higher_is_better)
    return Score(summed(replace(table, metric=None, measurements=measured)), mean)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_AGREES, abs_tol=_AGREES)


def _metric(signature: str) -> Metric | None:
    """The metric of a signature, with the options that it tells; None for values that somebody made."""
    try:
        base: Metric = metric_class(name_of(signature))()
    except MetricError:
        return None
    items = dict(item.partition(":")[::2] for item in signature.split("|")[1:])
    options: dict[str, Any] = {}
    known: list[Any] = [*fields(base)] if is_dataclass(base) else []
    for field in known:
        told = items.get(field.name, items.get(_SHORT.get(field.name, "")))
        if told is not None and told != str(getattr(base, field.name)):
            options[field.name] = _literal(told)
    try:
        changed: Metric = replace(base, **options) if options else base  # type: ignore[type-var]
    except (MetricError, TypeError):
        return base
    return changed


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _part(metric: Metric, table: Table, label: str) -> Part | None:
    """The part of a metric that a name in a file means: ``bleu``, ``rougeL.precision``, ``f1.spam``."""
    parts = metric.parts(table.total)
    if not parts:
        own = metric.part()
        return own if label == own.name else _below(own, label)
    first, _, rest = label.partition(".")
    found = parts.get(first)
    if isinstance(found, Mapping):
        return found.get(rest)
    return found if found is None or not rest else _below(found, rest)


def _below(part: Part, path: str) -> Part | None:
    found: Part | None = part
    for step in path.split("."):
        found = found.children.get(step) if found is not None else None
    return found
