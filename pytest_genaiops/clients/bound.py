"""The most tokens that a call of a chat model can take, known before it is made.

In: byte-level tokenizers cut no text into more tokens than it has bytes in UTF-8, since single bytes are their
smallest pieces (Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, 2.2; Kudo and Richardson
2018, *SentencePiece*, with byte fallback). Beside the texts there are tokens of the chat template: a few a message and
a tool, and a default system prompt. Out: what the body itself limits the answer to.

English has about four bytes a token, so the bound is some four times what a prompt really takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_genaiops.clients.prices import Tokens
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.dataset.text import quoted

OF_CALL = 256
"""Tokens that a template may add to a call, such as a date or a default system prompt."""
OF_PART = 32
"""Tokens that it may add to a message or a tool: its marks, its role, the names of parameters in words."""

LIMITS = ("max_completion_tokens", "max_tokens")
TEXTS = ("text", "refusal")
TOOLS = ("function", "custom")
OPEN_ENDED = ("audio", "prediction", "web_search_options")
"""Parts of a body that take tokens which neither its texts nor its limits tell."""


def bound_of(body: Mapping[str, Any]) -> Tokens:
    """The most tokens that a chat completion, or an embedding, with this body takes.

    Raises:
        RefusedError: of kind ``budget``, where nothing in the body bounds them; names the mend.
    """
    for what in _open_ended(body):
        raise _refused(f"it has {what}, and nobody can tell beforehand how many tokens that takes; leave it out")
    if "encoding_format" in body and "messages" not in body:  # of an embedding, which is no text
        return Tokens(input=_bytes(body) + OF_CALL, output=0)
    limits = [body[name] for name in LIMITS if body.get(name) is not None]
    if not limits:
        raise _refused("nothing limits the length of its answer; set max_tokens in the variant's parameters")
    answers = 1 if body.get("n") is None else body["n"]
    for value in (*limits, answers):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise _refused(f"it limits its answer to {quoted(value)}; set max_tokens to a whole number of at least 1")
    parts = sum(len(body[name]) for name in ("messages", "tools") if isinstance(body.get(name), list | tuple))
    return Tokens(input=_bytes(body) + OF_CALL + OF_PART * parts, output=max(limits) * answers)


def _bytes(body: Mapping[str, Any]) -> int:
    """Of all texts in the body, and of the JSON around them: schemas and names of tools are read by models too."""
    try:
        return len(json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError, RecursionError):
        raise _refused("JSON has no form for it, so that its length is not known; give plain data") from None


def _open_ended(body: Mapping[str, Any]) -> Iterator[str]:
    yield from (quoted(name) for name in OPEN_ENDED if body.get(name))
    for tool in _mappings(body.get("tools")):
        if tool.get("type", "function") not in TOOLS:
            yield f"a tool of type {quoted(tool['type'])}"
    for message in _mappings(body.get("messages")):
        for part in _mappings(message.get("content")):
            if part.get("type") not in TEXTS:
                yield f"a message with {quoted(part.get('type'))}"


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    items = value if isinstance(value, list | tuple) else ()
    return (item for item in items if isinstance(item, Mapping))


def _refused(why: str) -> RefusedError:
    return RefusedError(f"the call fits into no budget: {why}", kind="budget")
