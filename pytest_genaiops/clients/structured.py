"""Tools and outputs as ``.prompty`` files declare them, in the words of the chat API: JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_genaiops.dataset.text import listed, quoted
from pytest_genaiops.errors import UsageError

_TYPES = {
    "string": "string",
    "integer": "integer",
    "float": "number",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}
_DEEPEST = 20


def tools_of(tools: Any, place: str) -> list[Any]:
    """The tools as the chat API takes them: functions, written in its own form or as version 2 of the format has them.

    Raises UsageError for tools of other kinds.
    """
    return [_tool(tool, place) for tool in ([tools] if isinstance(tools, Mapping) else tools or ())]


def response_format_of(outputs: Any, place: str) -> Mapping[str, Any] | None:
    """``response_format`` for outputs with a ``kind`` (version 2 of the format); those of version 1 describe, and None.

    A schema of objects that allow nothing else, in which what is not required may be null (OpenAI, "Structured
    outputs": all properties are required in strict mode).
    """
    properties = list(_properties(outputs))
    if not properties or not all("kind" in each for _, each in properties):
        return None
    schema = _object(outputs, place, strict=True, depth=0)
    return {"type": "json_schema", "json_schema": {"name": "outputs", "strict": True, "schema": schema}}


def _tool(tool: Any, place: str) -> Any:
    if not isinstance(tool, Mapping):
        raise UsageError(f"{place}: the tool {quoted(tool)} is not a mapping; write {{name: …, kind: function}}")
    if isinstance(tool.get("function"), Mapping):
        return {"type": "function", **tool}
    if tool.get("kind") != "function" or not isinstance(tool.get("name"), str):
        kind = quoted(tool.get("kind", tool.get("type")))
        mend = "only functions with a name can be; ask the model in a `target` fixture of your own"
        raise UsageError(f"{place}: a tool of the kind {kind} cannot be handed to the chat API; {mend}")
    strict = tool.get("strict") is True
    function = {key: tool[key] for key in ("name", "description") if tool.get(key)}
    if tool.get("parameters"):
        function["parameters"] = _object(tool["parameters"], place, strict=strict, depth=0)
    return {"type": "function", "function": {**function, **({"strict": True} if strict else {})}}


def _properties(declared: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and declaration of each property: from a list, a mapping, or a mapping under ``properties``."""
    if isinstance(declared, Mapping) and "properties" in declared:
        declared = declared["properties"]
    if isinstance(declared, Mapping):
        declared = [{**each, "name": name} for name, each in declared.items() if isinstance(each, Mapping)]
    for each in declared if isinstance(declared, list | tuple) else ():
        if isinstance(each, Mapping) and isinstance(each.get("name"), str):
            yield each["name"], each


def _object(declared: Any, place: str, *, strict: bool, depth: int) -> dict[str, Any]:
    if isinstance(declared, Mapping) and declared.get("type") == "object":
        return dict(declared)  # JSON Schema already
    properties, required = {}, []
    for name, each in _properties(declared):
        optional = each.get("required") is not True
        properties[name] = _schema(each, place, strict=strict, nullable=strict and optional, depth=depth + 1)
        if strict or not optional:
            required.append(name)
    rest = {"additionalProperties": False} if strict else {}
    return {"type": "object", "properties": properties, "required": required, **rest}


def _schema(declared: Mapping[str, Any], place: str, *, strict: bool, nullable: bool, depth: int) -> dict[str, Any]:
    kind = declared.get("kind", declared.get("type"))
    if not isinstance(kind, str) or kind not in _TYPES or depth > _DEEPEST:
        name = quoted(declared.get("name"))
        raise UsageError(f"{place}: {name} is of the kind {quoted(kind)}; the kinds are {listed(_TYPES)}")
    schema: dict[str, Any] = {"type": _TYPES[kind]}
    if declared.get("description"):
        schema["description"] = declared["description"]
    choices = declared.get("enumValues") or declared.get("enum")
    if choices:
        schema["enum"] = [*choices, None] if nullable else [*choices]
    if kind == "array":
        items = declared.get("items")
        within = items if isinstance(items, Mapping) else {"kind": "string"}
        schema["items"] = _schema(within, place, strict=strict, nullable=False, depth=depth + 1)
    if kind == "object":
        schema = {**_object(declared.get("properties", ()), place, strict=strict, depth=depth), **schema}
    if nullable:
        schema["type"] = [schema["type"], "null"]
    return schema
