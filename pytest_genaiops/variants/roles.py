"""Role markers inside a prompt's text: ``system:``, ``# user:`` and so on, each on a line of its own.

The rule is that of prompty (spec 6.2, https://github.com/microsoft/prompty) and of prompt flow: a line is a marker
if nothing else stands on it once the template is rendered. Here only lines that the *template* wrote can be markers:
they are fenced before rendering, with a number that no data can know. Text of a row, or of a model, opens no message.
"""

from __future__ import annotations

import functools
import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.errors import VariantError

ROLES = ("system", "user", "assistant", "developer", "tool", "function")
THREAD = "thread"
"""The input that a line ``![thread]`` means (prompty v1)."""

_ROLE = "|".join(ROLES)
_MARKER = re.compile(rf"#?\s*+({_ROLE})\s*+(\[[^\]]*+\])?\s*+:", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\s*+(\w++)\s*+=\s*+("[^"]*+"|[^",\]]*+)\s*+,?+""")
_TAGS = r"(?:\{%(?:(?!%\}).)*+%\}|\{#(?:(?!#\}).)*+#\}|[ \t])*+"
_EXPRESSION = r"\{\{(?:(?!\}\}).)*+\}\}"
_CANDIDATE = re.compile(
    rf"({_TAGS})(#?[ \t]*+(?:{_ROLE}|{_EXPRESSION})[ \t]*+(?:\[[^\]\n]*+\])?[ \t]*+:)({_TAGS})", re.IGNORECASE
)
_THREAD_LINE = re.compile(r"[ \t]*!\[thread\].*", re.IGNORECASE)

# Digits only: a template's filters for letters leave them alone.
_NONCE = str(secrets.randbits(64))
_OPEN, _CLOSE, _THREAD = f"\x02{_NONCE}<", f">{_NONCE}\x03", f"\x02{_NONCE}="
_LINE = re.compile(f"{_OPEN}((?:(?!{_OPEN}|{_CLOSE}).)*){_CLOSE}")
_THREADS = re.compile(f"{_THREAD}(.*?){_CLOSE}")


class Thread(list[Any]):
    """An earlier conversation as a template sees it: a list of messages that, written out, become messages."""

    def __str__(self) -> str:
        return f"{_THREAD}{json.dumps(list(self))}{_CLOSE}"


@functools.lru_cache(maxsize=1024)
def fenced(text: str) -> str:
    """The template with every line that may be a role marker fenced."""
    return "\n".join(map(_fence, text.split("\n")))


def has_thread(text: str) -> bool:
    """Whether a line of the text stands for the earlier conversation."""
    return any(map(_THREAD_LINE.fullmatch, text.split("\n")))


def _fence(line: str) -> str:
    if _THREAD_LINE.fullmatch(line):
        return f"{{{{ {THREAD} }}}}"
    found = _CANDIDATE.fullmatch(line)
    return f"{found[1]}{_OPEN}{found[2]}{_CLOSE}{found[3]}" if found else line


def thread(value: Any) -> Thread:
    """A column's value as an earlier conversation.

    Raises VariantError where it is not a list of ``{role, content}`` with text in both.
    """
    messages = value or []
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not all(map(_is_message, messages)):
        raise VariantError(f"a conversation holds {quoted(value)}; make it a list of {{role: …, content: …}}")
    return Thread(messages)


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and str(value.get("role")).lower() in ROLES
        and isinstance(value.get("content"), str)
        and all(isinstance(key, str) and isinstance(text, str) for key, text in value.items())
    )


def messages(rendered: str, first: str) -> list[dict[str, str]]:
    """The chat messages of a rendered text that was :func:`fenced` before.

    Text above the first marker is a message of the role ``first``, and none where it is blank; a
    marker without text below it makes an empty message (spec 6.6). Attributes of a marker, such as
    ``user[name="Ann"]:``, become keys of its message. Blank lines around a text are dropped.
    """
    found: list[dict[str, str]] = []
    for opened, head, text in _parts(rendered, first):
        pieces = _THREADS.split(text)
        for number, piece in enumerate(pieces):
            if number % 2:
                found += [{**m, "role": m["role"].lower()} for m in json.loads(piece)]
                continue
            content = _without_blank_lines(plain(piece))
            if content or (opened and len(pieces) == 1):
                found.append({**head, "content": content})
    return found


def plain(text: str) -> str:
    """The text without fences, as it would read had nothing been fenced."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def _parts(rendered: str, first: str) -> Iterator[tuple[bool, dict[str, str], str]]:
    opened, head, lines = False, {"role": first}, list[str]()
    for line in rendered.split("\n"):
        marker = _LINE.fullmatch(line.strip())
        opens = _head(marker[1].strip()) if marker else None
        if opens is None:
            lines.append(line)
            continue
        yield opened, head, "\n".join(lines)
        opened, head, lines = True, opens, []
    yield opened, head, "\n".join(lines)


def _head(line: str) -> dict[str, str] | None:
    """Role and attributes of a marker; None for a line that is none."""
    marker = _MARKER.fullmatch(line)
    if marker is None:
        return None
    head, attributes, at = {"role": marker[1].lower()}, (marker[2] or "[]")[1:-1], 0
    while at < len(attributes):
        found = _ATTRIBUTE.match(attributes, at)
        if found is None:
            return None
        head.setdefault(found[1], found[2].strip().strip('"'))
        at = found.end()
    head.pop("nonce", None)
    return head


def _without_blank_lines(text: str) -> str:
    lines = text.split("\n")
    kept = [number for number, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[kept[0] : kept[-1] + 1]) if kept else ""
