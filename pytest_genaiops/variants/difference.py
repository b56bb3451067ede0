"""In which settings and blocks two variants differ."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_genaiops.variants.prompt import Input, Prompt
from pytest_genaiops.variants.variant import Variant

_QUESTION = "(the case's question)"
_LIKE_JSON = re.compile(r'[-0-9"\[{]|(?:true|false|null)\Z')


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One setting or text in which a variant differs from another one."""

    path: str
    """``parameters.temperature``, ``rag.k``, ``block instructions``; ``step draft: …`` where there are several."""
    before: str | None
    """The other one's value as text, numbers and lists as JSON; None where it has none."""
    after: str | None
    prose: bool = False
    """Whether the values are texts of the prompt."""

    def plain(self) -> list[Any]:
        """The fields as plain data, in order: what reports take, and what travels between processes."""
        return [self.path, self.before, self.after, self.prose]


def difference(variant: Variant, baseline: Variant) -> tuple[Change, ...]:
    """What the variant has instead of the baseline's; empty where the two behave the same.

    Of a variant that is only a name nothing is known: it differs in nothing.
    """
    if variant.hash == baseline.hash or variant.named or baseline.named:
        return ()
    steps = {step.id: step for step in variant.steps}, {step.id: step for step in baseline.steps}
    chained = variant.chained or baseline.chained
    found: list[Change] = []
    for name in dict.fromkeys([*steps[1], *steps[0]]):
        after, before = (side.get(name) for side in steps)
        lead = f"step {name}: " if chained else ""
        if before is None or after is None:
            texts = [_whole(side) if side else None for side in (before, after)]
            found.append(Change(path=f"step {name}", before=texts[0], after=texts[1], prose=True))
        else:
            found += _changed(before, after, lead)
    if steps[0].keys() == steps[1].keys():
        found = _once(found, len(steps[0]))
        found += _compared({"order of steps": ", ".join(steps[1])}, {"order of steps": ", ".join(steps[0])}, "")
    return (*found, *_compared(_leaves(baseline.rag, "rag"), _leaves(variant.rag, "rag"), ""))


def _changed(before: Prompt, after: Prompt, lead: str) -> list[Change]:
    texts = _compared(_texts(before), _texts(after), lead, prose=True)
    if not texts:  # what the texts are to the model
        texts = _compared(_shape(before), _shape(after), lead)
    return _compared(_settings(before), _settings(after), lead) + texts


def _compared(before: Mapping[str, str], after: Mapping[str, str], lead: str, *, prose: bool = False) -> list[Change]:
    return [
        Change(path=f"{lead}{path}", before=before.get(path), after=after.get(path), prose=prose)
        for path in dict.fromkeys([*before, *after])
        if before.get(path) != after.get(path)
    ]


def _once(changes: list[Change], steps: int) -> list[Change]:
    """Changes that all of several steps share, told once: a parameter of the whole variant."""
    bare = [replace(change, path=change.path.partition(": ")[2]) for change in changes]
    shared = Counter(bare)
    told = [b if steps > 1 and shared[b] == steps else c for b, c in zip(bare, changes, strict=True)]
    return list(dict.fromkeys(told))


def _settings(step: Prompt) -> dict[str, str]:
    model = {name: value for name, value in step.model.items() if name != "api_key_env"}
    inputs = {name: _parts(wanted) for name, wanted in step.inputs.items()}
    return {**_leaves(model, "model"), **_leaves(step.parameters, "parameters"), **_leaves(inputs, "inputs")}


def _parts(wanted: Input) -> dict[str, Any]:
    """What an input has of the fields that tell where it comes from, under their names."""
    named = zip(("step", "column", "default", "conversation", "keys", "texts", "inputs"), wanted.plain(), strict=True)
    return {name: value for name, value in named if value or (name == "default" and value is not None)}


def _texts(step: Prompt) -> dict[str, str]:
    texts = [(block.name, block.text) for message in step.messages for block in message.blocks]
    texts += [("user", _QUESTION)] if step.asks else []
    found: dict[str, str] = {}
    for name, text in texts:
        path, number = f"block {name}", 1
        while path in found:
            path, number = f"block {name} ({number + 1})", number + 1
        found[path] = text
    return found


def _shape(step: Prompt) -> dict[str, str]:
    roles = [f"{m.role} ({'roles in its text' if m.marked else len(m.blocks)})" for m in step.messages]
    return {"roles": ", ".join(roles + ["the question"] * step.asks)}


def _whole(step: Prompt) -> str:
    return "\n\n".join(_texts(step).values())


def _leaves(tree: Mapping[str, Any], path: str) -> dict[str, str]:
    return dict(_walk(tree, path)) if tree else {}


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            # A name with a dot in it could be mistaken for two.
            yield from _walk(each, f"{path}.{json.dumps(name) if '.' in str(name) else name}")
    else:
        yield path, _shown(value)


def _shown(value: Any) -> str:
    """A text as it is, unless it could be taken for JSON; everything else as JSON."""
    if isinstance(value, str) and not _LIKE_JSON.match(value):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=dict)
