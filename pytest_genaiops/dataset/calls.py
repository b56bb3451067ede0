"""Tool calls in the forms in which rows, frameworks and models write them -> a name, and arguments as JSON values.

Forms: ``{"name", "arguments": {…}}``; OpenAI's ``{"function": {"name", "arguments": "<JSON>"}}``; ``args`` for
``arguments`` as LangChain and ragas have it, ``input`` as Anthropic's Messages API has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import DatasetError
from pytest_genaiops.records import ReadOnly

ARGUMENTS = ("arguments", "args", "input")
_MEND = 'write [{"name": "<tool>", "arguments": {"<argument>": <value>, …}}, …], or [] where no tool should be called'


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a tool, read."""

    name: str
    """Empty where the call names no tool."""
    arguments: Mapping[str, Any] | None = None
    """None where the call does not have any: of an expected call any are right, of one that was made there are none."""
    fault: str = ""
    """Why it is no call, or its arguments are none; empty where all is well."""


def read_call(value: Mapping[Any, Any]) -> Call:
    """A call in any of the forms. What is wrong with it is its ``fault``: a model may write anything."""
    function = value.get("function")
    given = function if isinstance(function, Mapping) else value
    name = given.get("name")
    if not isinstance(name, str) or not name:
        return Call(name="", fault=f"it names no tool: {quoted(dict(value))}")
    written = next((given[key] for key in ARGUMENTS if given.get(key) is not None), None)
    if isinstance(written, str):
        text = written.strip()
        try:
            written = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            return Call(name=name, fault=f"its arguments are no JSON: {quoted(text)}")
    if written is not None and not (isinstance(written, Mapping) and all(isinstance(key, str) for key in written)):
        return Call(name=name, fault=f"its arguments are no JSON object: {quoted(written)}")
    return Call(name=name, arguments=written)


def tool_calls(value: Any, source: str) -> tuple[Mapping[str, Any], ...] | None:
    """The calls that a row expects, in their order; None for null: a row that does not say.

    Each is ``{"name": …, "arguments": {…}}``, without ``arguments`` where any are right; a text is the name of such a
    tool. An empty list says that no tool should be called. Raises DatasetError, with ``source`` as the place.
    """
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        _refuse(source, f'"tool_calls" holds {quoted(value)}; {_MEND}')
    return tuple(_expected(item, source) for item in value)


def _expected(item: Any, source: str) -> Mapping[str, Any]:
    if isinstance(item, str) and item.strip():
        return ReadOnly({"name": item})
    if not isinstance(item, Mapping):
        _refuse(source, f'"tool_calls" holds {quoted(item)} as a call; {_MEND}')
    call = read_call(item)
    if call.fault:
        _refuse(source, f'"tool_calls" holds a call of which {call.fault}; {_MEND}')
    found: dict[str, Any] = {"name": call.name}
    return ReadOnly(found if call.arguments is None else {**found, "arguments": dict(call.arguments)})


def _refuse(source: str, problem: str) -> NoReturn:
    raise DatasetError(f"{source}: {problem}")
