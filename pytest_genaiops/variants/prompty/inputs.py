"""Inputs that a ``.prompty`` file declares, and the sample that it carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.variants.fields import Fields
from pytest_genaiops.variants.prompt import Input

_PROPERTY = frozenset(
    {"name", "type", "kind", "description", "default", "sample", "example", "required", "strict", "enum", "enumValues"}
    | {"is_chat_input", "is_chat_history", "items", "properties", "json_schema"}
)
_LISTS = ("list", "array", "thread")
_NOT_TEXT = ("image", "audio", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One input as the file declares it."""

    name: str
    kind: str = ""
    default: Any = None
    example: Any = None
    """For people and for the sample; never asked of a model in a row's stead (spec 12.2)."""
    optional: bool = False
    """Whether the file says in so many words that it may be missing."""

    @property
    def source(self) -> Input:
        """Where templates get it from."""
        default = self.default
        if default is None and self.optional:
            default = [] if self.kind in _LISTS else ""
        if self.kind == "thread":
            default = default or []
        return Input(column=self.name, default=default, thread=self.kind == "thread")


def declared(tree: Mapping[str, Any], fields: Fields) -> tuple[Declared, ...]:
    """The inputs of a file, from any of the forms that they are written in.

    A mapping or list under ``inputs``, or under ``inputSchema`` with or without ``properties``; each
    a property or a bare value, which is its default. Raises VariantError with the place for another shape, and for
    inputs that are no text: images, audio and files.
    """
    key = "inputSchema" if tree.get("inputs") is None and tree.get("inputSchema") is not None else "inputs"
    written = tree.get(key)
    at: tuple[str, ...] = (key,)
    if key == "inputSchema" and isinstance(written, Mapping) and isinstance(written.get("properties"), (Mapping, list)):
        written, at = written["properties"], (key, "properties")
    if written is not None and not isinstance(written, (Mapping, list)):
        fields.refuse(f'"{key}" holds {quoted(written)}, which declares no inputs; write {key}: {{<name>: …}}', *at)
    found = tuple(_each(written or {}, fields, at))
    for each in found:
        if each.kind in _NOT_TEXT:
            what = f"the input {quoted(each.name)} is of the kind {quoted(each.kind)}"
            fields.refuse(f"{what}, and messages here hold text only; leave it out, or let it be a string", *at)
    return found


def _each(written: Any, fields: Fields, at: tuple[str, ...]) -> Iterator[Declared]:
    if isinstance(written, Mapping):
        for name, value in written.items():
            if not isinstance(name, str):
                fields.refuse(f"the input {quoted(name)} is not named with text; put its name in quotes", *at)
            yield _declared(name, value)
        return
    for number, value in enumerate(written):
        name = value.get("name") if isinstance(value, Mapping) else value
        if not isinstance(name, str):
            fields.refuse(f"{at[-1]}[{number}] has no name; write - {{name: <input>, kind: string}}", *at, number)
        yield _declared(name, value if isinstance(value, Mapping) else {"name": name})


def _declared(name: str, value: Any) -> Declared:
    if not _is_property(value):
        return Declared(name=name, default=value)
    kind = value.get("kind", value.get("type"))
    return Declared(
        name=name,
        kind=kind.lower() if isinstance(kind, str) else "",
        default=value.get("default"),
        example=value.get("example", value.get("sample")),
        optional=value.get("required") is False,
    )


def _is_property(value: Any) -> bool:
    """Whether a mapping describes an input; else it is the value of one that holds a mapping."""
    if not isinstance(value, Mapping) or not value:
        return False
    return isinstance(value.get("type", value.get("kind")), str) or _PROPERTY.issuperset(value)


def sample(tree: Mapping[str, Any], inputs: tuple[Declared, ...], fields: Fields) -> dict[str, Any]:
    """One row to try the prompt with: defaults, examples over them, and ``sample`` over both.

    Raises VariantError with the place where ``sample`` is not a mapping.
    """
    row = {each.name: each.default for each in inputs if each.default is not None}
    row |= {each.name: each.example for each in inputs if each.example is not None}
    written = tree.get("sample")
    if isinstance(written, list) and written:
        written = written[0]
    if written is not None and not isinstance(written, Mapping):
        fields.refuse(
            f'"sample" holds {quoted(written)}, which is no row; write sample: {{<input>: <value>}}', "sample"
        )
    return {str(name): value for name, value in {**row, **(written or {})}.items()}
