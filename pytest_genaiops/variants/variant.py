"""The variant that users hold: what is asked of a model, and how, ready to render for a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.dataset.text import listed, near, printable, quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.variants.template import MissingInputError, render

RESERVED = ("case", "contexts", "parameters", "rag")
HIDDEN = ("reference", "references", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a prompt: a Jinja2 text that becomes a message, or a part of one."""

    name: str
    text: str
    line: int = field(default=0, compare=False)
    """Line of the file where the text starts; 0 where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One chat message: its blocks, rendered and joined by a blank line. Blank blocks are left out."""

    role: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to ask: prompt, model, parameters and retrieval keys under an id.

    Two variants with one ``hash`` behave the same; the hash leaves out id, description, file
    name, comments, key order and the name of the environment variable that holds the API key.
    """

    id: str
    source: str = ""
    """The file, relative to the root; empty for a variant made in code."""
    description: str = field(default="", compare=False)
    model: Mapping[str, Any] = field(default_factory=dict, compare=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Sampling parameters under one spelling (``max_tokens``, ``top_p``, ``stop`` …), and any others as written."""
    blocks: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The prompt's blocks as written; empty where the file lists messages, or has no prompt."""
    rag: Mapping[str, Any] = field(default_factory=dict, compare=False)
    hash: str
    prompt: tuple[Message, ...] = field(default=(), compare=False, repr=False)
    """The messages before rendering, without the question that :attr:`asks` adds."""
    asks: bool = field(default=True, compare=False, repr=False)
    """Whether the case's own question follows as a user message."""

    def messages(self, case: Case) -> list[dict[str, str]]:
        """The chat messages for a case, as ``{"role", "content"}``.

        A variant without a prompt gives the case's question alone. Raises VariantError with the
        file, the block and the missing input where the case lacks what the prompt uses.
        """
        names = _names(self, case)
        messages = [{"role": m.role, "content": self._content(m, case, names)} for m in self.prompt]
        if self.asks:
            messages.append({"role": "user", "content": self._question(case)})
        return messages

    def check(self, case: Case) -> None:
        """Raise VariantError where :meth:`messages` would, except that a variant without a prompt asks for nothing."""
        if self.prompt:
            self.messages(case)

    def _content(self, message: Message, case: Case, names: Mapping[str, Any]) -> str:
        rendered = (self._render(block, case, names) for block in message.blocks)
        return "\n\n".join(text for text in rendered if len(message.blocks) == 1 or not _blank(text))

    def _render(self, block: Block, case: Case, names: Mapping[str, Any]) -> str:
        try:
            return render(block.text, names)
        except MissingInputError as error:
            what = f'block "{block.name}" uses the input {quoted(error.name)}, which {_row(case)} does not have'
            known = f"{_inputs(case)}{near(error.name, [*case.inputs, *RESERVED])}"
            if error.name in HIDDEN:
                known = "references and labels are kept from prompts, so copy the text to a column of another name"
            raise VariantError(f"{self._place(block)}: {what}; {known}") from None
        except VariantError as error:
            why = printable(str(error))
            mend = "mend the template, or the row"
            raise VariantError(f'{self._place(block)}: block "{block.name}" for {_row(case)}: {why}; {mend}') from None

    def _place(self, block: Block) -> str:
        place = self.source or f"variant {quoted(self.id)}"
        return f"{place}:{block.line}" if block.line else place

    def _question(self, case: Case) -> str:
        for name in ("question", "input") if len(case.inputs) != 1 else case.inputs:
            value = case.inputs.get(name)
            if isinstance(value, (str, int, float)):
                return str(value)
        place = self.source or f"variant {quoted(self.id)}"
        what = f'there is no user message, and {_row(case)} has no "question" or "input" with text; {_inputs(case)}'
        raise VariantError(f'{place}: {what}; write "user:" with a template, or "user: null" for none')


def check_inputs(variant: Variant, cases: Iterable[Case]) -> None:
    """Render the variant once for each set of inputs that rows have, so that a missing one is found before a run.

    Raises VariantError as :meth:`Variant.messages` does, for the first row at fault.
    """
    seen: set[tuple[bool, tuple[str, ...]]] = set()
    for case in cases:
        kind = (case.contexts is None, tuple(case.inputs))
        if kind not in seen:
            seen.add(kind)
            variant.check(case)


def _names(variant: Variant, case: Case) -> dict[str, Any]:
    """What a template may see. References and labels stay out: a prompt that shows them has cheated."""
    row: dict[str, Any] = {"id": case.id, "inputs": case.inputs}
    names: dict[str, Any] = {"case": row, "parameters": variant.parameters, "rag": variant.rag}
    if case.contexts is not None:
        row["contexts"] = names["contexts"] = case.contexts
    return {**names, **case.inputs}


def _blank(text: str) -> bool:
    return not text.strip()


def _row(case: Case) -> str:
    return f"row {quoted(case.id)} ({case.source})" if case.source else f"row {quoted(case.id)}"


def _inputs(case: Case) -> str:
    return f"its inputs are {listed(case.inputs)}" if case.inputs else "it has no inputs"
