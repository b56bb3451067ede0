"""What a chat endpoint replied, as a Response: bounded, checked, and refused where it is no answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NoReturn

from pytest_genaiops.clients.http import MAX_BODY, may_come_again, words
from pytest_genaiops.clients.request import RefusedError
from pytest_genaiops.clients.secrets import cleaned
from pytest_genaiops.dataset.text import quoted
from pytest_genaiops.records import Response

_DEEPEST = 50
"""Levels of a tool call's arguments; deeper ones stay text."""
_LONGEST = 200
"""Characters of a name that an endpoint gives."""
_MOST = 10**12
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{3,4})")
"""How snapshots of a model are named: ``-2024-07-18``, ``-20240718``, ``-0613``, ``-002``."""
_decode = json.JSONDecoder(parse_constant=lambda _: None).decode
"""NaN and Infinity, which JSON does not have but Python's writers send, are read as null."""


def read(text: bytes, place: str) -> Mapping[str, Any]:
    """The JSON mapping in a reply. Raises RefusedError, to be tried again, for anything else."""
    try:
        found = _decode(text.decode("utf-8"))
        if b"\\u" in text and (b"\\ud" in text or b"\\uD" in text):
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise RefusedError(f"{place} sent what is no JSON text: {_excerpt(text)}", again=True) from None
    if not isinstance(found, dict):
        raise RefusedError(f"{place} sent JSON that is no chat completion: {_excerpt(text)}", again=True)
    return found


def response_of(payload: Mapping[str, Any], place: str, *, offered: bool = False, **measured: Any) -> Response:
    """The answer in a chat completion (https://platform.openai.com/docs/api-reference/chat/object).

    ``place`` is the address in messages; ``offered`` says that there were tools to call, so that no call is an answer,
    too; ``measured`` are fields that the payload does not have. Raises RefusedError:
    for an error where the answer should be, for an answer that a content filter withheld, and for what has no answer,
    which is to be tried again.
    """
    refuse_error(payload, place)
    choices = payload.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise RefusedError(f"{place} sent JSON without an answer in choices[0].message", again=True)
    finish_reason = _name(choice.get("finish_reason"))
    if finish_reason == "content_filter":
        _filtered(choice, place)
    return Response(
        text=cleaned(_text(message, place)),
        tool_calls=cleaned(_tool_calls(message)) or (() if offered else None),
        logprobs=cleaned(_logprobs(choice.get("logprobs"))),
        usage=_usage(payload.get("usage")),
        model=_name(payload.get("model")),
        finish_reason=finish_reason,
        **measured,
    )


def refuse_error(payload: Mapping[str, Any], place: str) -> None:
    """Raise the refusal for an ``error`` in a body or a piece of a stream: gateways send one with a status of 200."""
    error = payload.get("error")
    if not error:
        return
    said, code = words(error)
    status = error.get("code", error.get("status")) if isinstance(error, dict) else None
    status = (
        int(status)
        if isinstance(status, int) or (isinstance(status, str) and re.fullmatch("[0-9]{3}", status))
        else None
    )
    again = code != "content_filter" if status is None else may_come_again(status)
    raise RefusedError(f"{place} sent an error: {said or 'no words'}", again=again, throttled=status == 429)


def served_as(declared: str, served: str, globs: Sequence[str] = ()) -> bool:
    """Whether a model that answered is the declared one, or one that may stand for it.

    The same name whatever its case; a dated snapshot of it; the same under a path (``openai/gpt-4o``), as a file
    (``/models/qwen.gguf``), or with the tag ``latest``; a name that one of the globs matches.
    """
    if declared.lower() == served.lower():
        return True
    if any(fnmatchcase(served.lower(), glob.lower()) for glob in globs):
        return True
    *asked_path, asked = _parts(declared)
    *given_path, given = _parts(served)
    common = min(len(asked_path), len(given_path))
    if asked_path[len(asked_path) - common :] != given_path[len(given_path) - common :]:
        return False
    asked = asked.removesuffix("-latest")
    return given == asked or (given.startswith(asked) and _DATED.fullmatch(given, len(asked)) is not None)


def _parts(name: str) -> list[str]:
    *path, last = re.split(r"[/\\]+", name.lower())
    return [*path, last.removesuffix(".gguf").removesuffix(":latest")]


def _text(message: Mapping[str, Any], place: str) -> str:
    """What the model said, or the words with which it refused."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [each for each in content if isinstance(each, dict)]
        found = [each.get("text", each.get("refusal")) for each in parts if each.get("type") in ("text", "refusal")]
        content = "".join(each for each in found if isinstance(each, str))
    if content is not None and not isinstance(content, str):
        raise RefusedError(f"{place} sent an answer that is no text: {quoted(content)}", again=True)
    refusal = message.get("refusal")
    return content or (refusal if isinstance(refusal, str) else "")


def _tool_calls(message: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    calls = message.get("tool_calls")
    given = [each for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []
    if not given and isinstance(message.get("function_call"), dict):
        given = [{"function": message["function_call"]}]
    found = []
    for each in given:
        function = each.get("function")
        function = function if isinstance(function, dict) else {}
        call = {"name": _name(function.get("name")) or "", "arguments": _arguments(function.get("arguments"))}
        found.append({**call, "id": _name(each.get("id"))} if each.get("id") else call)
    return tuple(found)


def _arguments(written: Any) -> Any:
    """Arguments as JSON values; as the text that they are where it does not parse, or is too deep."""
    if not isinstance(written, str):
        return written if _plain(written, _DEEPEST) else {}
    try:
        found = _decode(written)
    except (ValueError, RecursionError):
        return written
    return found if _plain(found, _DEEPEST) else written


def _plain(value: Any, depth: int) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_plain(each, depth - 1) for each in inner)
    return True


def _logprobs(written: Any) -> tuple[Mapping[str, Any], ...]:
    tokens = written.get("content") if isinstance(written, dict) else None
    return tuple(each for each in tokens if _is_token(each)) if isinstance(tokens, list) else ()


def _is_token(each: Any) -> bool:
    """Whether it says how likely a token was; one that an endpoint has no finite number for does not."""
    return isinstance(each, dict) and isinstance(each.get("logprob"), int | float) and _plain(each, 4)


def _usage(written: Any) -> Mapping[str, int]:
    if not isinstance(written, dict):
        return {}
    inputs = written.get("prompt_tokens_details") or written.get("input_tokens_details")
    outputs = written.get("completion_tokens_details") or written.get("output_tokens_details")
    found = {
        "input_tokens": _count(written.get("prompt_tokens", written.get("input_tokens"))),
        "output_tokens": _count(written.get("completion_tokens", written.get("output_tokens"))),
        "cached_tokens": _count(inputs.get("cached_tokens")) if isinstance(inputs, dict) else None,
        "reasoning_tokens": _count(outputs.get("reasoning_tokens")) if isinstance(outputs, dict) else None,
    }
    return {kind: count for kind, count in found.items() if count is not None}


def _count(written: Any) -> int | None:
    return written if type(written) is int and 0 <= written <= _MOST else None


def _name(written: Any) -> str | None:
    return cleaned(written[:_LONGEST]) if isinstance(written, str) and written else None


def _filtered(choice: Mapping[str, Any], place: str) -> NoReturn:
    """Azure names what was found: ``{"violence": {"filtered": true, "severity": "medium"}}``."""
    results = choice.get("content_filter_results")
    found = results if isinstance(results, dict) else {}
    kinds = [kind for kind, each in found.items() if isinstance(each, dict) and each.get("filtered") is True]
    why = f" for {', '.join(map(quoted, kinds[:5]))}" if kinds else ""
    raise RefusedError(f"{place} withheld the answer: its content filter stopped it{why}")


def _excerpt(text: bytes) -> str:
    if not text.strip():
        return "nothing at all"
    return words(text[:MAX_BODY].decode("utf-8", "replace"))[0]
