"""What one step asks of a model: messages of templates, and how they are rendered for a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_genaiops.dataset.text import listed, near, printable, quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.records import NOTHING, Case
from pytest_genaiops.variants import roles
from pytest_genaiops.variants.template import CertainError, MissingInputError, names_in, render, trimmed

RESERVED = ("case", "contexts", "parameters", "rag")
STEPS = "steps"
HIDDEN = ("reference", "references", "label", "relevant", "tool_calls")
_NOWHERE = object()
ONLY = "answer"
"""Id of the step of a variant that has one prompt and no list of steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One piece of a prompt: a Jinja2 text that becomes a message, or a part of one."""

    name: str
    text: str
    source: str = field(default="", compare=False)
    """The file that the text stands in, where it is not the variant's own."""
    line: int = field(default=0, compare=False)
    """Line of the file where the text starts; 0 where nobody knows."""
    trim: bool = False
    """Whether a newline after a block's tag is no text, as prompt flow has it."""

    def template(self, *, marked: bool) -> str:
        """The text as Jinja2 is to read it."""
        text = roles.fenced(self.text) if marked else self.text
        return trimmed(text) if self.trim else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One chat message: its blocks, rendered and joined by a blank line. Blank blocks are left out."""

    role: str
    blocks: tuple[Block, ...]
    marked: bool = False
    """Whether lines such as ``user:`` in the text open messages; ``role`` is then that of the text above the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Where a name that the templates use comes from, in a format that says so: the first of these that is there."""

    prompt: Prompt | None = None
    """The text of another prompt, which no model is asked."""
    step: str = ""
    """The output of this earlier step."""
    column: str = ""
    """The case's input of this name."""
    path: tuple[str, ...] = ()
    """Keys that lead from the column's value to the one that is meant."""
    default: Any = None
    thread: bool = False
    """Whether it is an earlier conversation, whose messages stand where the template writes it."""
    hint: str = field(default="", compare=False)
    """What to do about a row that does not have it."""

    def plain(self) -> list[Any]:
        """Its fields as plain data, as hashes and differences see them."""
        blocks = [block.text for message in self.prompt.messages for block in message.blocks] if self.prompt else []
        inside = {name: source.plain() for name, source in self.prompt.inputs.items()} if self.prompt else {}
        return [self.step, self.column, self.default, self.thread, list(self.path), blocks, inside]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The messages of one step before rendering, with the settings of its call."""

    id: str = ONLY
    messages: tuple[Message, ...] = ()
    asks: bool = True
    """Whether the case's own question follows as a user message."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """The variant's own with the step's over them."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The variant's own with the step's over them."""
    inputs: Mapping[str, Input] = field(default_factory=dict)
    """Names beside the columns; they hide columns of the same name."""


class Outputs:
    """``steps`` in a template: what earlier steps said, by id. Text of a model is data here, and never a template."""

    __slots__ = ("_outputs",)

    def __init__(self, outputs: Mapping[str, str]) -> None:
        self._outputs = outputs

    def __getitem__(self, name: object) -> Output:
        if name in self._outputs:
            return Output(str(name), self._outputs[str(name)])
        known = f"earlier steps are {listed(self._outputs)}" if self._outputs else "it is the first step"
        raise CertainError(f"no earlier step is called {quoted(name)}{near(str(name), self._outputs)}; {known}")


class Output:
    """One earlier step in a template."""

    __slots__ = ("_id", "output")

    def __init__(self, step: str, output: str) -> None:
        self._id = step
        self.output = output

    def __str__(self) -> str:
        raise CertainError(f"a step is not text; write {STEPS}.{self._id}.output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """Renders the prompts of one variant; knows how messages name it."""

    place: str
    """The variant's file, or its id."""
    rag: Mapping[str, Any]
    chained: bool
    """Whether the variant has several steps: then ``steps`` is theirs, whatever the columns are called."""

    def messages(self, prompt: Prompt, case: Case, outputs: Mapping[str, str] = NOTHING) -> list[dict[str, str]]:
        """The prompt's chat messages for a case, as ``{"role", "content"}``.

        Raises VariantError with the file, the block and the missing input where the case lacks what the prompt uses.
        """
        names = self._names(prompt, case, outputs)
        messages: list[dict[str, str]] = []
        for message in prompt.messages:
            content = self._content(message, prompt, case, names)
            one = {"role": message.role, "content": roles.plain(content)}
            messages += roles.messages(content, message.role) if message.marked else [one]
        if prompt.asks:
            messages.append({"role": "user", "content": self._question(case)})
        return messages

    def check_columns(self, prompt: Prompt, case: Case) -> None:
        """Refuse a row that has none of the columns which a prompt with defaults names: every row would ask the same.

        Raises CertainError with the place.
        """
        used = _used(prompt)
        named = (source for name, source in prompt.inputs.items() if name in used)
        sources = [source for source in named if source.prompt or source.step or source.column]
        columns = _columns(case)
        if (
            not sources
            or "case" in used
            or any(source.prompt or source.step or source.column in columns for source in sources)
        ):
            return
        if used.isdisjoint(columns) and all(source.default is not None for source in sources):
            what = f"{_row(case)} has none of the columns {listed(source.column for source in sources)}"
            mend = "name a column so, or all rows would ask the same"
            raise CertainError(f"{self.place}: {what}, and each has a default; {_inputs(case)}; {mend}")

    def inputs(self, prompt: Prompt, case: Case, outputs: Mapping[str, str]) -> dict[str, Any]:
        """What the prompt's templates name of the case and of earlier steps, for the record."""
        used, names = _used(prompt), self._names(prompt, case, outputs)
        found = {name: names[name] for name in names if name in used and name not in ("case", "parameters", "rag")}
        found |= {
            name: roles.plain(found[name]) for name in found if name in prompt.inputs and prompt.inputs[name].prompt
        }
        if found.pop(STEPS, None) is not None and self.chained:
            found |= {f"{STEPS}.{step}.output": output for step, output in outputs.items()}
        return found

    def _names(self, prompt: Prompt, case: Case, outputs: Mapping[str, str]) -> dict[str, Any]:
        """What a template may see. References and labels stay out: a prompt that shows them has cheated."""
        row: dict[str, Any] = {"id": case.id, "inputs": case.inputs}
        names: dict[str, Any] = {"case": row, "parameters": prompt.parameters, "rag": self.rag}
        if case.contexts is not None:
            row["contexts"] = names["contexts"] = case.contexts
        names |= case.inputs
        columns = _columns(case) if prompt.inputs else {}
        for name, wanted in prompt.inputs.items():
            names.pop(name, None)
            value = _at(columns.get(wanted.column, _NOWHERE), wanted.path)
            if wanted.prompt is not None:
                names[name] = self._text(wanted.prompt, case, outputs)
            elif wanted.step in outputs:
                names[name] = outputs[wanted.step]
            elif value is not _NOWHERE:
                names[name] = value
            elif wanted.default is not None:
                names[name] = wanted.default
            if wanted.thread and name in names:
                names[name] = self._thread(name, names[name], case)
        return {**names, STEPS: Outputs(outputs)} if self.chained else names

    def _thread(self, name: str, value: Any, case: Case) -> roles.Thread:
        try:
            return roles.thread(value)
        except VariantError as error:
            raise VariantError(f"{self.place}: the input {quoted(name)} of {_row(case)}: {error}") from None

    def _text(self, prompt: Prompt, case: Case, outputs: Mapping[str, str]) -> str:
        """A prompt as a part of another one; its markers are that one's."""
        names = self._names(prompt, case, outputs)
        return "\n\n".join(self._content(message, prompt, case, names) for message in prompt.messages)

    def _content(self, message: Message, prompt: Prompt, case: Case, names: Mapping[str, Any]) -> str:
        rendered = [
            self._render(block, block.template(marked=message.marked), prompt, case, names) for block in message.blocks
        ]
        return "\n\n".join(text for text in rendered if len(message.blocks) == 1 or text.strip())

    def _render(self, block: Block, template: str, prompt: Prompt, case: Case, names: Mapping[str, Any]) -> str:
        what = f'block "{block.name}"' + (f" of step {quoted(prompt.id)}" if self.chained else "")
        try:
            return render(template, names)
        except MissingInputError as error:
            source = prompt.inputs.get(error.name, Input())
            wanted = ".".join([source.column, *source.path]) or error.name
            column = f", the column {quoted(wanted)}" if wanted != error.name else ""
            problem = f"{what} uses the input {quoted(error.name)}{column}, which {_row(case)} does not have"
            known = f"{_inputs(case)}{near(wanted, [*case.inputs, *RESERVED])}"
            if source.hint:
                known = f"{source.hint}; {_inputs(case)}"
            if error.name in HIDDEN:
                known = "references and labels are kept from prompts, so copy the text to a column of another name"
            raise CertainError(f"{self._at(block)}: {problem}; {known}") from None
        except VariantError as error:
            why = printable(str(error))
            mend = "mend the template, or the row"
            kind = CertainError if isinstance(error, CertainError) else VariantError
            raise kind(f"{self._at(block)}: {what} for {_row(case)}: {why}; {mend}") from None

    def _at(self, block: Block) -> str:
        place = block.source or self.place
        return f"{place}:{block.line}" if block.line else place

    def _question(self, case: Case) -> str:
        for name in ("question", "input") if len(case.inputs) != 1 else case.inputs:
            value = case.inputs.get(name)
            if isinstance(value, (str, int, float)):
                return str(value)
        what = f'there is no user message, and {_row(case)} has no "question" or "input" with text; {_inputs(case)}'
        raise VariantError(f'{self.place}: {what}; write "user:" with a template, or "user: null" for none')


def _at(value: Any, path: tuple[str, ...]) -> Any:
    """What stands in a value under the keys."""
    for key in path:
        value = value.get(key, _NOWHERE) if isinstance(value, Mapping) else _NOWHERE
    return value


def _used(prompt: Prompt) -> set[str]:
    """Names that the prompt's templates read."""
    return {name for message in prompt.messages for block in message.blocks for name in names_in(block.text)}


def _columns(case: Case) -> dict[str, Any]:
    """What a row offers to inputs by name: passages as one text, too, for formats that know no others."""
    if case.contexts is None:
        return dict(case.inputs)
    return {"contexts": case.contexts, "context": "\n\n".join(case.contexts), **case.inputs}


def _row(case: Case) -> str:
    return f"row {quoted(case.id)} ({case.source})" if case.source else f"row {quoted(case.id)}"


def _inputs(case: Case) -> str:
    return f"its inputs are {listed(case.inputs)}" if case.inputs else "it has no inputs"
