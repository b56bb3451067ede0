"""The published schema of JSON reports, made of the dataclasses: ``python -m tests.report_schema`` writes the file."""

from __future__ import annotations

import ast
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

from pytest_genaiops.report import document
from pytest_genaiops.report.document import SCHEMA, Document

FILE = Path(document.__file__).parent / "schema" / "report-1.schema.json"
SHARE, COUNT, SECONDS = "share, 0 to 1", "count", "seconds"
SCALE = "the metric's own scale"
RATE = f"{SCALE}; of a pass rate: {SHARE}"
UNITS = {
    "RunFacts.seconds": SECONDS, "RunFacts.exit": "exit code", "MetricView.scale": SCALE,
    "ScoreView.value": SCALE, "ScoreView.interval": SCALE, "ScoreView.n": "responses",
    "ScoreView.unscored": "responses", "ScoreView.reasons": "responses", "ChangeView.change": SCALE,
    "ChangeView.interval": SCALE,
    "ChangeView.p_value": "probability", "ChangeView.adjusted_p_value": "probability", "ChangeView.n": "cases",
    "ChangeView.unscored": "cases", "ChangeView.better": "cases", "ChangeView.worse": "cases",
    "VerdictView.value": RATE, "VerdictView.interval": RATE,
    "VerdictView.confidence": SHARE, "VerdictView.n": "cases", "VerdictView.unscored": "cases",
    "VerdictView.required_n": "cases", "VerdictView.detectable": SCALE, "VerdictView.p_values": "probability",
    "VerdictView.limits": RATE,
    "ItemView.trial": "number of the trial, from 1", "Evidence.unsupported": "characters from the start of the answer",
    "Evidence.sentences": "characters from the start of the answer, twice; support from 0 to 1; text",
    "AnswerView.trial": "number of the trial, from 1", "AnswerView.latency": SECONDS, "AnswerView.usage": "tokens",
    "AnswerView.values": SCALE, "SpendingView.answers": COUNT, "SpendingView.errors": COUNT,
    "SpendingView.tokens": "tokens", "SpendingView.cost": "currency of the project's price table",
    "SpendingView.latency": SECONDS, "SuiteView.n": "cases", "SuiteView.trials": "trials of each case",
    "SuiteView.coverage": SHARE, "SuiteView.pass_rate": SHARE,
    "EffectView.effect": SCALE, "EffectView.interval": SCALE, "EffectView.p_value": "probability",
    "EffectView.adjusted_p_value": "probability", "EffectView.n": "cases", "EffectView.unscored": "cases",
    "InteractionView.effect": SCALE, "InteractionView.interval": SCALE, "InteractionView.p_value": "probability",
    "InteractionView.adjusted_p_value": "probability", "InteractionView.n": "cases",
    "InteractionView.unscored": "cases",
    "EffectView.clusters": COUNT, "ContenderView.value": SCALE, "ContenderView.p_value": "probability",
    "PointView.values": SCALE, "FactorialView.variants": COUNT, "FactorialView.combinations": COUNT,
    "FactorialView.interactions_tested": COUNT,
    "FactorialView.confidence": SHARE,
}  # fmt: skip
"""Class.field -> unit, of every field with numbers in it."""
ITEM = ["passed", "failed", "missed", "skipped", "lost"]
VALUES = {
    "RunFacts.kind": ["pytest", "evaluate", "rescore", "gate"],
    "VerdictView.outcome": ["passed", "failed", "undecided"],
    "ItemView.outcome": ITEM,
    "AnswerView.outcome": ["", *ITEM],
    "Document.schema": [SCHEMA],
}


def schema() -> dict[str, Any]:
    """JSON Schema, 2020-12. Further fields are allowed: a later version of the package may write more."""
    known: dict[str, Any] = {}
    found = _object(Document, known)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pytest-genaiops:report:1",
        "title": "Report of a run of pytest-genaiops",
        **{key: value for key, value in found.items() if key != "title"},
        "$defs": dict(sorted(known.items())),
    }


def _object(cls: type, known: dict[str, Any]) -> dict[str, Any]:
    hints, notes = typing.get_type_hints(cls), _notes()[cls.__name__]
    return {
        "title": cls.__name__.removesuffix("View"),
        "description": notes[""],
        "type": "object",
        "required": [each.name for each in fields(cls)],
        "properties": {
            each.name: _property(f"{cls.__name__}.{each.name}", hints[each.name], notes.get(each.name), known)
            for each in fields(cls)
        },
    }


def _property(name: str, hint: Any, note: str | None, known: dict[str, Any]) -> dict[str, Any]:
    made = {"title": name.partition(".")[2].replace("_", " ")}
    made |= {"description": note} if note else {}
    made |= _of(hint, known)
    made |= {"enum": VALUES[name]} if name in VALUES else {}
    return made | ({"x-unit": UNITS[name]} if name in UNITS else {})


def _of(hint: Any, known: dict[str, Any]) -> dict[str, Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return _reference(hint, known)
    if origin in (typing.Union, UnionType):
        parts = [_of(each, known) for each in inner]
        plain = all(set(part) == {"type"} for part in parts)
        return {"type": [part["type"] for part in parts]} if plain else {"anyOf": parts}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _of(inner[1], known) or True}
    if origin is Sequence:
        return {"type": "array", "items": _of(inner[0], known)}
    if origin is tuple:
        ends = {"minItems": len(inner), "maxItems": len(inner)}
        return {"type": "array", "prefixItems": [_of(each, known) for each in inner], **ends}
    return {"type": _PLAIN[hint]} if hint is not Any else {}


def _reference(cls: Any, known: dict[str, Any]) -> dict[str, Any]:
    if cls.__name__ not in known:
        known[cls.__name__] = {}
        known[cls.__name__] = _object(cls, known)
    return {"$ref": f"#/$defs/{cls.__name__}"}


_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}


def _notes() -> dict[str, dict[str, str]]:
    """Class -> field -> the text below it in the source; of the class itself under an empty name."""
    tree = ast.parse(Path(document.__file__).read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            notes = found[node.name] = {"": _folded(ast.get_docstring(node) or "")}
            for line, after in zip(node.body, node.body[1:], strict=False):
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    value = getattr(after, "value", None)
                    if isinstance(after, ast.Expr) and isinstance(value, ast.Constant):
                        notes[line.target.id] = _folded(str(value.value))
    return found


def _folded(text: str) -> str:
    """The text without the marks of reStructuredText."""
    return " ".join(text.replace(":class:", "").replace("``", "`").split())


def as_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8")
