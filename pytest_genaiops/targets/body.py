"""A JSON body made of templates: what an app is sent for a case and a variant."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from pytest_genaiops.dataset.text import listed, near, printable, quoted
from pytest_genaiops.errors import UsageError, VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.variants import Variant
from pytest_genaiops.variants.prompt import HIDDEN
from pytest_genaiops.variants.template import MissingInputError, compile_fault, names_in, render

MESSAGES = "messages"
_KEEP = "keep_value"
_MARKS = ("{{", "{%", "{#")
Make = Callable[[Mapping[str, Any]], Any]


class Body:
    """A mapping whose texts, at any depth, are Jinja2 templates; everything else is sent as it is.

    A text that is one ``{{ expression }}`` and nothing else gives the value itself: a list, a number, null. Templates
    run in the sandbox of prompts, and see the case's inputs by name, ``contexts``, ``case`` (id, inputs, contexts),
    ``variant`` (id, parameters, rag) and ``messages``, the variant's rendered chat messages; of two that have one name
    the input is seen. References and labels are kept from them, as from prompts.

    Raises UsageError with the place in the body for what is no template, or has no form in JSON.
    """

    __slots__ = ("_make", "_reads")

    def __init__(self, body: Mapping[str, Any]) -> None:
        if not isinstance(body, Mapping):
            raise UsageError(f"body is {quoted(body)}; give a mapping such as {{'question': '{{{{ question }}}}'}}")
        self._reads: set[str] = set()
        self._make = self._made(body, "body")

    def render(self, case: Case, variant: Variant) -> dict[str, Any]:
        """The body for a case, in JSON values.

        Raises UsageError with the place where the case lacks what a template uses, or a template fails.
        """
        row: dict[str, Any] = {"id": case.id, "inputs": case.inputs}
        asked = {"id": variant.id, "parameters": variant.parameters, "rag": variant.rag}
        names: dict[str, Any] = {"case": row, "variant": asked}
        if case.contexts is not None:
            row["contexts"] = names["contexts"] = case.contexts
        if MESSAGES in self._reads and MESSAGES not in case.inputs:
            names[MESSAGES] = variant.messages(case)
        body: dict[str, Any] = self._make({**names, **case.inputs})
        return body

    def _made(self, value: Any, place: str) -> Make:
        if isinstance(value, str) and any(mark in value for mark in _MARKS):
            return self._template(value, place)
        if isinstance(value, Mapping):
            parts = {key: self._made(item, f"{place}.{printable(str(key))}") for key, item in value.items()}
            json_value(dict.fromkeys(value), place)
            return lambda names: {key: make(names) for key, make in parts.items()}
        if isinstance(value, (list, tuple)):
            items = [self._made(item, f"{place}[{number}]") for number, item in enumerate(value)]
            return lambda names: [make(names) for make in items]
        plain = json_value(value, place)
        return lambda names: plain

    def _template(self, text: str, place: str) -> Make:
        fault = compile_fault(text)
        if fault is not None:
            raise UsageError(f"{place} is no template: {printable(fault[1])} (line {fault[0]} of {quoted(text)})")
        self._reads |= names_in(text)
        expression, name = _expression(text)
        fill = _value if expression else render
        return lambda names: json_value(
            names[name] if name and name in names else _filled(fill, text, place, names), place
        )


def json_value(value: Any, place: str) -> Any:
    """The value in Python's own text, numbers, lists and dicts.

    Raises UsageError with the place for what JSON has no form for: dates, objects, NaN, half of a character.
    """
    try:
        return _json(value, place)
    except RecursionError:
        raise UsageError(f"{place} is nested too deeply for JSON") from None


def _json(value: Any, place: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key, place): _json(item, f"{place}.{printable(str(key))}") for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_json(item, place) for item in value]
    mend = "make it text or a number"
    raise UsageError(f"{place} is {quoted(value)}, for which JSON has no form; {mend}")


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise UsageError(f"{place} has the key {quoted(key)}, which is no text; put it in quotes")
    return _text(key, place)


def _text(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{place} holds a lone surrogate ({text[error.start]!r}), which is no character") from None
    return str.__str__(text)


def _filled(fill: Callable[[str, Mapping[str, Any]], Any], text: str, place: str, names: Mapping[str, Any]) -> Any:
    """What a template gives. A fault is told with its place in the body, and the row."""
    case = names["case"] if isinstance(names["case"], Mapping) else {}
    row = f"row {quoted(case.get('id'))}"
    try:
        return fill(text, names)
    except MissingInputError as error:
        known = f"the names there are: {listed(names)}{near(error.name, names)}"
        if error.name in HIDDEN:
            known = "references and labels are kept from what is asked, so copy the text to a column of another name"
        raise UsageError(f"{place} uses {quoted(error.name)}, which {row} does not have; {known}") from None
    except VariantError as error:
        raise UsageError(f"{place} for {row}: {printable(str(error))}; mend the template, or the row") from None


def _expression(text: str) -> tuple[bool, str]:
    """Whether a template is one expression, with nothing before or after it; and the name, where it is just that."""
    from jinja2 import Environment, nodes

    if not (text.startswith("{{") and text.endswith("}}")):
        return False, ""
    body = Environment(autoescape=False).parse(text).body  # noqa: S701 - it is read, never rendered
    parts = [part for output in body if isinstance(output, nodes.Output) for part in output.nodes]
    if not len(body) == len(parts) == 1 or isinstance(parts[0], nodes.TemplateData):
        return False, ""
    return True, parts[0].name if isinstance(parts[0], nodes.Name) else ""


def _value(text: str, names: Mapping[str, Any]) -> Any:
    """The value of a template that is one expression. Raises as ``render`` does."""
    from jinja2 import Undefined

    kept: list[Any] = []

    def keep(value: Any) -> str:
        if isinstance(value, Undefined):
            return str(value)  # raises, and names what is missing
        kept.append([*value] if isinstance(value, Iterator) else value)
        return ""

    render(f"{{{{ {_KEEP}(({text[2:-2].strip('-+')})) }}}}", {**names, _KEEP: keep})
    return kept[0]
