"""Values of a variant file that every format has: settings, texts and mappings, each with its place for messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pytest_genaiops.dataset.text import printable, quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import NOTHING
from pytest_genaiops.variants.prompt import Block, Prompt
from pytest_genaiops.variants.template import compile_fault
from pytest_genaiops.variants.variant import hash_of

At = tuple[str | int, ...]
"""Path of keys and positions to a value of the file."""

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


def _snake(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|-", "_", name).lower()
    return _SPELLINGS.get(snake, snake) if snake in _KNOWN else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """One mapping of a file, with its place."""

    source: str
    """The file as messages show it; empty for a variant made in code."""
    lines: Mapping[At, int] = field(default_factory=dict, repr=False)
    """Where values start, from line 1; ``(*at, "|")`` where the text of a block scalar does."""
    files: Mapping[At, str] = field(default_factory=dict, repr=False)
    """Values that are the text of another file, and its name."""
    prefix: At = ()
    """Path from the file's top to this mapping."""

    def place(self, *at: str | int) -> str:
        """Where a value of this mapping stands, as messages begin."""
        path = (*self.prefix, *at)
        line = next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), 0)
        place = self.source or "variant"
        return f"{place}:{line}" if line else place

    def refuse(self, problem: str, *at: str | int) -> NoReturn:
        """Raise the one-sentence error about a value of this mapping."""
        raise VariantError(f"{self.place(*at)}: {problem}")

    def mapping(self, tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """The mapping under a key, empty where there is none."""
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

    def model(self, tree: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings under ``model``; a key to the model itself is refused."""
        model = self.mapping(tree, "model")
        self.no_keys(model, "model")
        return model

    def parameters(self, tree: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings under ``parameters``, known ones in their one spelling."""
        written = self.mapping(tree, "parameters")
        self.no_keys(written, "parameters")
        spelt: dict[str, str] = {}
        for name in written:
            first = spelt.setdefault(_snake(name), name)
            if first != name:
                what = f"{quoted(first)} and {quoted(name)} are the same parameter, {quoted(_snake(name))}"
                self.refuse(f"{what}; keep one of the two", "parameters", name)
        return {name: written[original] for name, original in spelt.items()}

    def no_keys(self, settings: Mapping[str, Any], *at: str) -> None:
        """Refuse a key to a model: files of variants are shared."""
        for name, value in settings.items():
            if re.sub(r"[^a-z]", "", str(name).lower()) == "apikey" and value is not None:
                mend = "name the environment variable that holds it: api_key_env: <NAME>"
                self.refuse(f"{quoted(name)} would put a key into a file that is shared; {mend}", *at, name)
            if isinstance(value, Mapping):
                self.no_keys(value, *at, name)

    def block(self, name: str, text: Any, *at: str | int) -> Block:
        """A text as a block; what is no template is refused."""
        if not isinstance(text, str):
            self.refuse(
                f'"{name}" holds {quoted(text)}, which is not text; put it in quotes, or write it after "|"', *at
            )
        path = (*self.prefix, *at)
        file, line = self.files.get(path, ""), self.lines.get((*path, "|"), self.lines.get(path, 0))
        fault = compile_fault(text)
        if fault and file:
            raise VariantError(f"{file}:{fault[0]}: the file is not a Jinja2 template ({printable(fault[1])}); mend it")
        if fault:
            where = f"line {fault[0]} of " if fault[0] > 1 else ""
            self.refuse(f'{where}"{name}" is not a Jinja2 template ({printable(fault[1])}); mend it', *at)
        return Block(name=name, text=text, source=file, line=1 if file else line)

    def identity(self, variant_id: str, steps: Sequence[Prompt], rag: Mapping[str, Any]) -> str:
        """The variant's hash; values that JSON has no form for are refused."""
        try:
            return hash_of(variant_id, steps, rag)
        except (TypeError, ValueError, RecursionError) as error:
            mend = "use text, finite numbers, booleans, null, lists and mappings"
            self.refuse(f"the variant holds what JSON cannot ({printable(str(error))}); {mend}")
