"""Rows of an export made flat: which columns a run has, and of which type each is, before the first row is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from types import NoneType
from typing import Any, Literal, TypeAlias

from pytest_genaiops.store.export import (
    ERROR,
    EVALUATIONS,
    EXPLANATION,
    INPUTS,
    LABEL,
    LIMITS,
    NAME,
    PARAMETERS,
    REMOVED,
    SIGNATURE,
    SLICES,
    UNSCORED,
    USAGE,
    VALUE,
    Row,
    What,
    cases,
    shared_names,
)
from pytest_genaiops.store.read import Store
from pytest_genaiops.store.rows import MetricRow, RunRow

Kind: TypeAlias = Literal["text", "integer", "number", "boolean", "texts", "json"]
SCORE = "genaiops.score"
_WIDER: Mapping[Kind, frozenset[str]] = {
    "text": frozenset({"text"}),
    "boolean": frozenset({"boolean"}),
    "integer": frozenset({"integer", "large"}),
    "number": frozenset({"integer", "number"}),
    "texts": frozenset({"texts"}),
}
"""Kind of a column -> the kinds of values that it holds exactly."""
_PLAIN: tuple[tuple[type, Literal["none", "text", "boolean", "number"]], ...] = (
    (NoneType, "none"),
    (str, "text"),
    (bool, "boolean"),
    (float, "number"),
)
_LARGEST = 2**63
_EXACT = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, and what all of its values are. A ``json`` value may be anything, and is shown as JSON."""

    name: str
    kind: Kind


def _columns(kind: Kind, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, kind=kind) for name in names)


_PLACE = _columns(
    "text",
    *("genaiops.run", "genaiops.suite", "genaiops.dataset", "genaiops.dataset.hash"),
    *("genaiops.variant", "genaiops.variant.hash"),
)
_CASE = (*_columns("text", "genaiops.case"), *_columns("integer", "genaiops.position", "genaiops.trial"))
_REMOVED = _columns("boolean", REMOVED)
_COUNTED = ("max_tokens", "seed")
_ASKED = (
    *_columns("texts", "genaiops.references", "genaiops.contexts"),
    *_columns("text", "genaiops.label"),
    *_columns("json", "genaiops.relevant", "genaiops.tool_calls"),
    *_columns("text", "genaiops.cluster", "gen_ai.operation.name", "gen_ai.request.model"),
    *(
        Column(name=name, kind="texts" if key == "stop" else "integer" if key in _COUNTED else "number")
        for key, name in PARAMETERS.items()
    ),
    *_columns("json", "genaiops.parameters"),
)
_ANSWERED = (
    *_columns("text", "gen_ai.response.model"),
    *_columns("texts", "gen_ai.response.finish_reasons"),
    *_columns("number", "gen_ai.response.time_to_first_chunk"),
    *_columns("integer", *USAGE.values()),
    *_columns("json", "gen_ai.input.messages", "gen_ai.output.messages"),
    *_columns("text", ERROR, "genaiops.error.message"),
    *_columns("number", "genaiops.latency"),
    *_columns("json", "genaiops.usage"),
    *_columns("text", "genaiops.response.text"),
    *_columns("texts", "genaiops.response.contexts"),
    *_columns("json", "genaiops.response.retrieved"),
    *_columns("text", "genaiops.response.label"),
    *_columns("json", *(f"genaiops.response.{name}" for name in ("probabilities", "tool_calls", "logprobs", "steps"))),
)
_FIXED: Mapping[What, tuple[Column, ...]] = {
    "measurements": (
        *_PLACE,
        *_CASE,
        *_columns("text", "genaiops.metric", SIGNATURE, NAME),
        *_columns("number", VALUE),
        *_columns("text", EXPLANATION, ERROR, UNSCORED),
        *_columns("json", "genaiops.statistics", "genaiops.evidence"),
    ),
    "verdicts": (
        *_PLACE,
        *_columns("text", "genaiops.test", NAME),
        *_columns("number", VALUE),
        *_columns("text", LABEL, EXPLANATION, "genaiops.rule"),
        *_columns("number", *(f"genaiops.limit.{name}" for name in LIMITS)),
        *_columns("number", "genaiops.interval.low", "genaiops.interval.high", "genaiops.confidence"),
        *_columns("integer", "genaiops.n", "genaiops.n.unscored", "genaiops.n.not_needed", "genaiops.required_n"),
        *_columns("number", "genaiops.detectable"),
        *_columns("text", "genaiops.signature", "genaiops.method"),
        *_columns("integer", "genaiops.clusters"),
        *_columns("json", "genaiops.p_values", "genaiops.parts"),
        *_columns("boolean", "genaiops.tolerated", REMOVED),
    ),
    "items": (
        *_PLACE,
        *_columns("text", "genaiops.test"),
        *_CASE,
        *_columns("text", "genaiops.outcome", "genaiops.message"),
        *_columns("number", "genaiops.seconds"),
    ),
}


def columns(store: Store, run: RunRow, what: What) -> tuple[Column, ...]:
    """The columns of a run's rows. Those of trials depend on its datasets and metrics, which are looked through."""
    if what != "trials":
        return _FIXED[what]
    inputs: dict[str, set[str]] = {}
    slices: dict[str, None] = {}
    scores: dict[str, None] = {}
    for suite in store.suites(run.id):
        for _, case in cases(store, suite):
            slices.update(dict.fromkeys(case.get("slices") or ()))
            for name, value in (case.get("inputs") or {}).items():
                inputs.setdefault(name, set()).add(_kind(value))
        for variant in store.variants(suite.id):
            scores.update(dict.fromkeys(_named(store.metrics(variant.id))))
    own = [Column(name=f"{INPUTS}.{name}", kind=_common(kinds)) for name, kinds in inputs.items()]
    tags = _columns("text", *(f"{SLICES}.{name}" for name in slices))
    values = _columns("number", *(f"{SCORE}.{name}" for name in scores))
    reasons = _columns("text", *(f"{UNSCORED}.{name}" for name in scores))
    return (*_PLACE, *_CASE, *_REMOVED, *own, *tags, *_ASKED, *_ANSWERED, *values, *reasons)


def _named(metrics: Sequence[MetricRow]) -> Iterator[str]:
    """How the parts of a variant's metrics are called in columns."""
    shared = shared_names(metrics)
    for metric in metrics:
        for part in metric.parts:
            yield _told(part.name, metric.signature if part.name in shared else None)


def _told(name: str, signature: str | None) -> str:
    return name if signature is None else f"{name} ({signature})"


def flat(row: Row, kinds: Mapping[str, Kind]) -> Row:
    """A row with every column, each value of its column's kind or None; ``json`` values as JSON text."""
    found: Row = dict.fromkeys(kinds)
    for name, value in chain(row.items(), _spread(row)):
        if value is not None and name in kinds:
            found[name] = _fit(kinds[name], value)
    return found


def _spread(row: Row) -> Iterator[tuple[str, Any]]:
    for group in (INPUTS, SLICES):
        for name, value in row.get(group, {}).items():
            yield f"{group}.{name}", value
    for each in row.get(EVALUATIONS, ()):
        name = _told(each[NAME], each.get(SIGNATURE))
        yield f"{SCORE}.{name}", each.get(VALUE)
        yield f"{UNSCORED}.{name}", ": ".join(filter(None, (each.get(ERROR), each.get(UNSCORED)))) or None


def _kind(value: Any) -> Kind | Literal["none", "large"]:
    """The narrowest kind that a value of a dataset has; a ``large`` whole number is none that a float holds exactly."""
    for plain, kind in _PLAIN:
        if isinstance(value, plain):
            return kind
    if isinstance(value, int):
        return "integer" if abs(value) <= _EXACT else "large" if -_LARGEST <= value < _LARGEST else "json"
    return "texts" if isinstance(value, list) and all(isinstance(each, str) for each in value) else "json"


def _common(kinds: set[str]) -> Kind:
    """One kind for all values of a column; text where every one of them is missing."""
    found = kinds - {"none"}
    for kind, others in _WIDER.items():
        if found <= others:
            return kind
    return "json"


def _fit(kind: Kind, value: Any) -> Any:
    """The value as its column holds it; None where it is of another type, which only a damaged record has."""
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "json":
        return as_json(value)
    if kind == "number":
        able = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308
        return float(value) if able and isfinite(value) else None
    if kind == "integer":
        able = isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST
        return value if able else None
    if kind == "texts":
        return value if _kind(value) == "texts" else None
    return value if isinstance(value, bool) else None


def as_json(value: Any) -> str:
    """JSON of a value. Numbers that JSON does not have (NaN, infinity) become null."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
