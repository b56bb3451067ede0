"""Plain YAML to a variant: safe, with the place of every mistake, under YAML 1.2's rules for bare words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pytest_genaiops.dataset.identity import canonical
from pytest_genaiops.dataset.text import listed, near, place, printable, quoted
from pytest_genaiops.dataset.yaml_tree import Lines, parse
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import NOTHING
from pytest_genaiops.variants.template import compile_fault
from pytest_genaiops.variants.variant import Block, Message, Variant

SUFFIXES = (".yaml", ".yml")
KEYS = ("id", "description", "model", "parameters", "blocks", "messages", "user", "rag")
BLOCKS = ("persona", "instructions", "constraints", "examples")
ROLES = ("system", "developer", "user", "assistant", "tool")
_SPELLINGS = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "stop_sequences": "stop",
    "random_seed": "seed",
}
_KNOWN = frozenset(
    {"temperature", "max_tokens", "top_p", "top_k", "seed", "stop", "n", "frequency_penalty", "presence_penalty"}
    | {"logit_bias", "logprobs", "top_logprobs", "response_format", "tool_choice", *_SPELLINGS}
)


def load_variant(path: Path, *, root: Path) -> Variant:
    """The variant of a ``.yaml`` file; its id is the file's stem unless the file has one.

    Raises VariantError with ``file:line`` where the file cannot be read as it stands.
    """
    shown = place(path, root)
    if path.suffix.lower() not in SUFFIXES:
        what = f'the suffix "{printable(path.suffix)}" is not a variant format'
        raise VariantError(f"{shown}: {what}; use one of {listed(SUFFIXES)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or error
        raise VariantError(f"{shown}: the file cannot be read ({why}); check its name and permissions") from None
    tree, lines = parse(data, shown, VariantError, keys="blocks: and parameters:")
    return _Reader(source=shown, lines=lines).variant(_with_id(tree, path.stem))


def from_mapping(mapping: Mapping[str, Any], *, source: str = "") -> Variant:
    """A variant from code, under the keys of the YAML form; without a ``source`` it needs an ``id``.

    Raises VariantError where the mapping is not a variant.
    """
    return _Reader(source=source, lines={}).variant(_with_id(mapping, Path(source).stem))


def bare(variant_id: str) -> Variant:
    """A variant that is a name only: a recorded system, or something that the target itself tells apart."""
    return from_mapping({"id": variant_id})


def _with_id(tree: Mapping[str, Any], stem: str) -> Mapping[str, Any]:
    return {**tree, "id": stem} if tree.get("id") is None and stem else tree


def _snake(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", "_", name).lower()
    return _SPELLINGS.get(snake, snake) if snake in _KNOWN else name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """One file's place and lines beside its tree, for messages."""

    source: str
    lines: Lines = field(repr=False)

    def refuse(self, problem: str, *at: str | int) -> NoReturn:
        line = self.lines.get(at, self.lines.get(at[:-1], 0))
        place = self.source or "variant"
        raise VariantError(f"{place}:{line}: {problem}" if line else f"{place}: {problem}")

    def variant(self, tree: Mapping[str, Any]) -> Variant:
        for key in tree:
            if key not in KEYS:
                hint = near(str(key), KEYS)
                self.refuse(f"unknown key {quoted(key)}{hint}; the keys are {listed(KEYS)}", key)
        variant_id, description = self._id(tree), tree.get("description") or ""
        if not isinstance(description, str):
            self.refuse('"description" is not text; put it in quotes', "description")
        model, rag = self._mapping(tree, "model"), self._mapping(tree, "rag")
        self._no_keys(model, "model")
        parameters = self._parameters(tree)
        prompt, asks = self._prompt(tree)
        behaviour = (
            [(m.role, [block.text for block in m.blocks]) for m in prompt],
            asks,
            {key: value for key, value in model.items() if key != "api_key_env"},
            parameters,
            rag,
        )
        # A variant that is only a name differs from others by nothing but its name.
        named = not (prompt or model or parameters or rag)
        return Variant(
            id=variant_id,
            source=self.source,
            description=description,
            model=model,
            parameters=parameters,
            blocks=self._mapping(tree, "blocks"),
            rag=rag,
            hash=self._hash((variant_id, behaviour) if named else behaviour),
            prompt=prompt,
            asks=asks,
        )

    def _hash(self, behaviour: object) -> str:
        try:
            return hashlib.sha256(canonical(behaviour)).hexdigest()
        except (TypeError, ValueError, RecursionError) as error:
            mend = "use text, finite numbers, booleans, null, lists and mappings"
            self.refuse(f"the variant holds what JSON cannot ({printable(str(error))}); {mend}")

    def _id(self, tree: Mapping[str, Any]) -> str:
        written = tree.get("id")
        if written is None:
            self.refuse('a variant made in code needs an id; add "id"')
        if not isinstance(written, str) or not written.strip():
            self.refuse(f"the id {quoted(written)} is not text; put it in quotes", "id")
        return written

    def _mapping(self, tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = tree.get(key)
        if value is None:
            return NOTHING
        if not isinstance(value, Mapping):
            example = ": {name: …}" if key == "model" else ": {<name>: <value>}"
            self.refuse(f'"{key}" holds {quoted(value)}, which is not a mapping; write {key}{example}', key)
        for name in value:
            if not isinstance(name, str):
                self.refuse(f'"{key}" has the key {quoted(name)}, which is not text; name it with a string', key)
        return dict(value)

    def _no_keys(self, model: Mapping[str, Any], *at: str) -> None:
        for name, value in model.items():
            if re.sub(r"[^a-z]", "", str(name).lower()) == "apikey" and value is not None:
                mend = "name the environment variable that holds it: api_key_env: <NAME>"
                self.refuse(f"{quoted(name)} would put a key into a file that is shared; {mend}", *at, name)
            if isinstance(value, Mapping):
                self._no_keys(value, *at, name)

    def _parameters(self, tree: Mapping[str, Any]) -> Mapping[str, Any]:
        written = self._mapping(tree, "parameters")
        self._no_keys(written, "parameters")
        spelt: dict[str, str] = {}
        for name in written:
            first = spelt.setdefault(_snake(name), name)
            if first != name:
                what = f"{quoted(first)} and {quoted(name)} are the same parameter, {quoted(_snake(name))}"
                self.refuse(f"{what}; keep one of the two", "parameters", name)
        return {name: written[original] for name, original in spelt.items()}

    def _prompt(self, tree: Mapping[str, Any]) -> tuple[tuple[Message, ...], bool]:
        if tree.get("messages") is not None:
            for key in ("blocks", "user"):
                if key in tree:
                    self.refuse(f'"messages" is the whole prompt, and leaves no place for "{key}"; keep one', key)
            return self._messages(tree["messages"]), False
        blocks = self._blocks(self._mapping(tree, "blocks"))
        prompt = (Message(role="system", blocks=blocks),) if blocks else ()
        if tree.get("user") is not None:
            user = self._block("user", tree["user"], "user")
            return (*prompt, Message(role="user", blocks=(user,))), False
        asks = "user" not in tree
        if not asks and not prompt:
            self.refuse('"user: null" without blocks leaves an empty prompt; write a template', "user")
        return prompt, asks

    def _messages(self, entries: Any) -> tuple[Message, ...]:
        if not isinstance(entries, (list, tuple)) or not entries:
            self.refuse('"messages" is not a list of messages; write - {role: user, content: …}', "messages")
        return tuple(self._message(entry, number) for number, entry in enumerate(entries))

    def _message(self, entry: Any, number: int) -> Message:
        name = f"messages[{number}]"
        if not isinstance(entry, Mapping) or set(entry) != {"role", "content"}:
            what = f"{name} does not have just a role and a content"
            self.refuse(f"{what}; write {{role: user, content: …}}", "messages", number)
        if entry["role"] not in ROLES:
            hint = near(str(entry["role"]), ROLES)
            what = f"{name} has the unknown role {quoted(entry['role'])}{hint}"
            self.refuse(f"{what}; the roles are {listed(ROLES)}", "messages", number, "role")
        block = self._block(name, entry["content"], "messages", number, "content")
        return Message(role=entry["role"], blocks=(block,))

    def _blocks(self, blocks: Mapping[str, Any]) -> tuple[Block, ...]:
        for name in blocks:
            if name not in BLOCKS:
                hint = near(name, BLOCKS) if name != "user" else ' ("user" stands beside "blocks", not in it)'
                self.refuse(f"unknown block {quoted(name)}{hint}; the blocks are {listed(BLOCKS)}", "blocks", name)
        found: list[Block] = []
        for name in BLOCKS:
            if name == "examples" and isinstance(blocks.get(name), (list, tuple)):
                found += self._examples(blocks[name])
            elif blocks.get(name) is not None:
                found.append(self._block(name, blocks[name], "blocks", name))
        return tuple(found)

    def _examples(self, examples: list[Any]) -> list[Block]:
        found = []
        for number, example in enumerate(examples):
            name, text = f"examples[{number}]", example
            if isinstance(example, Mapping):
                if set(example) != {"input", "output"} or not all(isinstance(t, str) for t in example.values()):
                    what = f"{name} does not have just an input and an output, both text"
                    self.refuse(f"{what}; write {{input: …, output: …}}", "blocks", "examples", number)
                text = f"Input: {example['input']}\nOutput: {example['output']}"
            found.append(self._block(name, text, "blocks", "examples", number))
        return found

    def _block(self, name: str, text: Any, *at: str | int) -> Block:
        if not isinstance(text, str):
            self.refuse(
                f'"{name}" holds {quoted(text)}, which is not text; put it in quotes, or write it after "|"', *at
            )
        line = self.lines.get((*at, "|"), self.lines.get(at, 0))
        fault = compile_fault(text)
        if fault:
            where = f"line {fault[0]} of " if fault[0] > 1 else ""
            self.refuse(f'{where}"{name}" is not a Jinja2 template ({printable(fault[1])}); mend it', *at)
        return Block(name=name, text=text, line=line)
