"""YAML text to plain values with their lines, refusing what a prompt or a manifest has no use for.

Bare words follow YAML 1.2's core schema: ``yes``, ``no``, ``on``, ``off``, ``12:30``, ``010``
and dates stay text, as someone who writes examples for a prompt expects.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pytest_genaiops.dataset.text import encoding_fault, printable, quoted
from pytest_genaiops.errors import UsageError

Lines = dict[tuple[str | int, ...], int]
"""Path of keys to a value -> the line on which it starts, from 1."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TAGS = frozenset({"map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value"})
_LONGEST_NUMBER = 400
_ALIAS = "a * refers to another place"


class _FaultError(Exception):
    """A line and what is wrong there."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"{line}: {problem}")


def parse(data: bytes, shown: str, error: type[UsageError], *, keys: str) -> tuple[dict[str, Any], Lines]:
    """The mapping that a YAML file holds, and the lines of its values; ``keys`` names some for an empty file.

    Raises ``error``, one sentence with ``file:line``, for text that is not UTF-8 or not YAML,
    and for aliases, tags, a key written twice, and anything but one mapping.
    """
    try:
        return _parse(data, keys)
    except _FaultError as fault:
        raise error(f"{shown}:{fault}") from None


def _parse(data: bytes, keys: str) -> tuple[dict[str, Any], Lines]:
    import yaml

    data = data.removeprefix(b"\xef\xbb\xbf")
    for number, part in enumerate(data.split(b"\n"), start=1):
        fault = encoding_fault(part)
        if fault:
            raise _FaultError(number, fault)
    try:
        root = _compose(data.decode("utf-8"))
        lines: Lines = {}
        tree = _value(root, (), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _FaultError(mark.line + 1 if mark else 1, _fault(error.problem or "it is not YAML")) from None
    except yaml.YAMLError as error:
        line = data.decode("utf-8")[: getattr(error, "position", 0)].count("\n") + 1
        what = f"a character is not allowed in YAML ({printable(getattr(error, 'reason', ''))})"
        raise _FaultError(line, f"{what}; remove it") from None
    except RecursionError:
        raise _FaultError(1, "the file is nested too deeply; flatten it") from None
    if not isinstance(tree, dict):
        what = "is empty" if tree is None else "does not hold a mapping"
        raise _FaultError(1, f"the file {what}; write keys such as {keys}")
    return tree, lines


def _compose(text: str) -> Any:
    import yaml

    class Composer(yaml.SafeLoader):
        """Refuses aliases: a few lines of them expand to gigabytes."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event = self.get_event()  # type: ignore[no-untyped-call]
                raise yaml.composer.ComposerError(None, None, _ALIAS, event.start_mark)
            return super().compose_node(parent, index)

    loader = Composer(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _fault(problem: str) -> str:
    if "'\\t'" in problem:
        return "the line is indented with a tab; use spaces"
    if problem == _ALIAS:
        return f"{_ALIAS}; write the text out, or quote a text that begins with *"
    return f"the file is not valid YAML here ({printable(problem)}); mend the line, or quote the text"


def _value(node: Any, at: tuple[str | int, ...], lines: Lines) -> Any:
    if node is None:
        return None
    line = node.start_mark.line + 1
    lines[at] = line
    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        raise _FaultError(line, f"the tag {quoted(node.tag)} has no meaning here; remove it")
    if node.id == "scalar":
        if node.style == "|":
            lines[(*at, "|")] = line + 1
        return _scalar(node, line)
    if node.id == "sequence":
        return [_value(item, (*at, number), lines) for number, item in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value
        if key.id != "scalar":
            raise _FaultError(key.start_mark.line + 1, "a key is not a word; use plain text, and quote {{ }}")
        if name in found:
            first = lines[(*at, name)]
            what = f"the key {quoted(name)} is also on line {first}"
            raise _FaultError(key.start_mark.line + 1, f"{what}; keep one of the two")
        found[name] = _value(value, (*at, name), lines)
        lines[(*at, name)] = key.start_mark.line + 1
    return found


def _scalar(node: Any, line: int) -> Any:
    text: str = node.value
    if node.style is not None:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if len(text) <= _LONGEST_NUMBER and _FLOAT.fullmatch(text):
        return int(text) if _INT.fullmatch(text) else _float(text, line)
    return text


def _float(text: str, line: int) -> float:
    number = float(text)
    if math.isinf(number):
        raise _FaultError(line, f"the number {quoted(text)} is too large; write it in quotes if it is text")
    return number
