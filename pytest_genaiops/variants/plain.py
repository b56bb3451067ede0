"""The library's own format: a mapping, from YAML or from code, to a variant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import NOTHING
from pytest_genaiops.variants.axes import Made
from pytest_genaiops.variants.fields import Fields
from pytest_genaiops.variants.matrix import expand
from pytest_genaiops.variants.prompt import Block, Message, Prompt
from pytest_genaiops.variants.rag_variants import KEY as RAG_VARIANTS
from pytest_genaiops.variants.rag_variants import expand_rag
from pytest_genaiops.variants.variant import Variant

PROMPT = ("blocks", "messages", "user")
STEP = ("id", "model", "parameters", *PROMPT)
KEYS = ("id", "description", "model", "parameters", *PROMPT, "steps", "rag", "matrix", RAG_VARIANTS)
BLOCKS = ("persona", "instructions", "constraints", "examples")
ROLES = ("system", "developer", "user", "assistant", "tool")


def from_mapping(mapping: Mapping[str, Any], *, source: str = "") -> Variant:
    """A variant from code, under the keys of the YAML form; without a ``source`` it needs an ``id``.

    Raises VariantError where the mapping is not one variant.
    """
    first, *others = read(mapping, Fields(source=source), stem=Path(source).stem)
    if others:
        what = f"{RAG_VARIANTS} give" if mapping.get(RAG_VARIANTS) is not None else f"the matrix of {first.id!r} gives"
        raise VariantError(f"{what} {1 + len(others)} variants; use variants.select()")
    return first


def bare(variant_id: str) -> Variant:
    """A variant that is a name only: a recorded system, or something that the target itself tells apart."""
    return from_mapping({"id": variant_id})


def read(tree: Mapping[str, Any], fields: Fields, *, stem: str = "") -> tuple[Variant, ...]:
    """The variants that a mapping describes, one unless it varies settings; ``stem`` is their id where it has none.

    Raises VariantError with the place of what is wrong.
    """
    _known_keys(tree, KEYS, fields)
    return tuple(_variant(made.tree, made.fields, made.axes) for made in _made(tree, fields, stem))


def _made(tree: Mapping[str, Any], fields: Fields, stem: str) -> Iterable[Made]:
    if tree.get(RAG_VARIANTS) is not None:
        if tree.get("id") is not None:
            _id(tree, fields)
        return expand_rag(tree, fields)
    if tree.get("id") is None and stem:
        tree = {**tree, "id": stem}
    _id(tree, fields)
    if tree.get("matrix") is not None:
        return expand(tree, fields)
    return (Made({key: value for key, value in tree.items() if key != "matrix"}, fields, NOTHING),)


def _variant(tree: Mapping[str, Any], fields: Fields, axes: Mapping[str, str]) -> Variant:
    variant_id, description = _id(tree, fields), tree.get("description") or ""
    if not isinstance(description, str):
        fields.refuse('"description" is not text; put it in quotes', "description")
    rag = fields.mapping(tree, "rag")
    steps = _steps(tree, fields) if tree.get("steps") is not None else (_prompt(tree, fields),)
    return Variant(
        id=variant_id,
        source=fields.source,
        description=description,
        model=fields.model(tree),
        parameters=fields.parameters(tree),
        blocks=fields.mapping(tree, "blocks"),
        rag=rag,
        axes=axes,
        hash=fields.identity(variant_id, steps, rag),
        steps=steps,
    )


def _known_keys(tree: Mapping[str, Any], keys: tuple[str, ...], fields: Fields) -> None:
    for key in tree:
        if key not in keys:
            fields.refuse(f"unknown key {quoted(key)}{near(str(key), keys)}; the keys are {listed(keys)}", key)


def _id(tree: Mapping[str, Any], fields: Fields) -> str:
    written = tree.get("id")
    if written is None:
        fields.refuse('a variant made in code needs an id; add "id"')
    if not isinstance(written, str) or not written.strip():
        fields.refuse(f"the id {quoted(written)} is not text; put it in quotes", "id")
    return written


def _steps(tree: Mapping[str, Any], fields: Fields) -> tuple[Prompt, ...]:
    """The prompts under ``steps``; model and parameters of the variant hold for all, and a step's own go over them."""
    for key in PROMPT:
        if key in tree:
            fields.refuse(f'"steps" hold the whole prompt, and leave no place for "{key}"; keep one', key)
    entries, model, parameters = tree["steps"], fields.model(tree), fields.parameters(tree)
    if not isinstance(entries, (list, tuple)) or not entries:
        fields.refuse('"steps" is not a list of steps; write - {id: <name>, user: …}', "steps")
    found: dict[str, Prompt] = {}
    for number, entry in enumerate(entries):
        at = replace(fields, prefix=(*fields.prefix, "steps", number))
        if not isinstance(entry, Mapping):
            at.refuse(f"steps[{number}] holds {quoted(entry)}, not a step; write - {{id: <name>, user: …}}")
        _known_keys(entry, STEP, at)
        if entry.get("id") is None:
            at.refuse(f'steps[{number}] has no name for later steps to call it by; add "id"')
        prompt = _prompt(entry, at, id=_id(entry, at))
        if not prompt.messages:
            at.refuse(f"step {quoted(prompt.id)} has no prompt; write blocks:, user: or messages:")
        if prompt.id in found:
            at.refuse(f"two steps have the id {quoted(prompt.id)}; give one of them another", "id")
        found[prompt.id] = replace(
            prompt, model={**model, **prompt.model}, parameters={**parameters, **prompt.parameters}
        )
    return tuple(found.values())


def _prompt(tree: Mapping[str, Any], fields: Fields, **given: Any) -> Prompt:
    messages, asks = _asked(tree, fields)
    return Prompt(messages=messages, asks=asks, model=fields.model(tree), parameters=fields.parameters(tree), **given)


def _asked(tree: Mapping[str, Any], fields: Fields) -> tuple[tuple[Message, ...], bool]:
    if tree.get("messages") is not None:
        for key in ("blocks", "user"):
            if key in tree:
                fields.refuse(f'"messages" is the whole prompt, and leaves no place for "{key}"; keep one', key)
        return _messages(tree["messages"], fields), False
    blocks = _blocks(fields.mapping(tree, "blocks"), fields)
    prompt = (Message(role="system", blocks=blocks),) if blocks else ()
    if tree.get("user") is not None:
        user = fields.block("user", tree["user"], "user")
        return (*prompt, Message(role="user", blocks=(user,))), False
    asks = "user" not in tree
    if not asks and not prompt:
        fields.refuse('"user: null" without blocks leaves an empty prompt; write a template', "user")
    return prompt, asks


def _messages(entries: Any, fields: Fields) -> tuple[Message, ...]:
    if not isinstance(entries, (list, tuple)) or not entries:
        fields.refuse('"messages" is not a list of messages; write - {role: user, content: …}', "messages")
    return tuple(_message(entry, number, fields) for number, entry in enumerate(entries))


def _message(entry: Any, number: int, fields: Fields) -> Message:
    name = f"messages[{number}]"
    if not isinstance(entry, Mapping) or set(entry) != {"role", "content"}:
        what = f"{name} does not have just a role and a content"
        fields.refuse(f"{what}; write {{role: user, content: …}}", "messages", number)
    if entry["role"] not in ROLES:
        hint = near(str(entry["role"]), ROLES)
        what = f"{name} has the unknown role {quoted(entry['role'])}{hint}"
        fields.refuse(f"{what}; the roles are {listed(ROLES)}", "messages", number, "role")
    block = fields.block(name, entry["content"], "messages", number, "content")
    return Message(role=entry["role"], blocks=(block,))


def _blocks(blocks: Mapping[str, Any], fields: Fields) -> tuple[Block, ...]:
    for name in blocks:
        if name not in BLOCKS:
            hint = near(name, BLOCKS) if name != "user" else ' ("user" stands beside "blocks", not in it)'
            fields.refuse(f"unknown block {quoted(name)}{hint}; the blocks are {listed(BLOCKS)}", "blocks", name)
    found: list[Block] = []
    for name in BLOCKS:
        if name == "examples" and isinstance(blocks.get(name), (list, tuple)):
            found += _examples(blocks[name], fields)
        elif blocks.get(name) is not None:
            found.append(fields.block(name, blocks[name], "blocks", name))
    return tuple(found)


def _examples(examples: list[Any], fields: Fields) -> list[Block]:
    found = []
    for number, example in enumerate(examples):
        name, text = f"examples[{number}]", example
        if isinstance(example, Mapping):
            if set(example) != {"input", "output"} or not all(isinstance(t, str) for t in example.values()):
                what = f"{name} does not have just an input and an output, both text"
                fields.refuse(f"{what}; write {{input: …, output: …}}", "blocks", "examples", number)
            text = f"Input: {example['input']}\nOutput: {example['output']}"
        found.append(fields.block(name, text, "blocks", "examples", number))
    return found
