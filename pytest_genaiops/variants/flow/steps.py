"""The nodes of a flow that ask a model, as the steps of a variant."""

from __future__ import annotations

import graphlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from pytest_genaiops.dataset.text import listed, printable, quoted
from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.files import Texts
from pytest_genaiops.variants.flow.dag import INPUTS, LLM, PROMPT, Flow, Node, Reference
from pytest_genaiops.variants.prompt import Block, Input, Message, Prompt
from pytest_genaiops.variants.template import compile_fault

MOST_NESTED = 100
"""Prompt nodes that one prompt may be made of, each counted as often as it is used."""
_PARAMETERS = frozenset(
    {"temperature", "top_p", "n", "stream", "stop", "max_tokens", "presence_penalty", "frequency_penalty", "logit_bias"}
    | {"user", "function_call", "functions", "tool_choice", "tools", "response_format", "seed", "suffix", "logprobs"}
    | {"echo", "best_of"}
)
"""What promptflow.tools hands to the model; every other input of a node is for its template."""
_TEXTS = ("user", "suffix", "stop")
_MODEL = ("deployment_name", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Makes the steps of one choice of nodes."""

    flow: Flow
    nodes: Mapping[str, Node]
    """Name -> the node in the variant at hand."""
    path: Path
    texts: Texts
    sizes: dict[str, int] = field(default_factory=dict)
    """Prompt node -> how many prompt nodes it is made of."""

    def prompts(self, answer: str = "") -> tuple[Prompt, ...]:
        """The calls up to the node that answers, each after those that it takes something from.

        ``answer`` names that node; by default it is the last that asks a model before the flow's first
        output, or, where none does, the one prompt that is handed to Python. Raises VariantError, one sentence with the
        place: for a cycle, a condition, a prompt's file that is not there, and for what only Python could do.
        """
        order = self._order()
        last = self._answering(answer, order)
        wanted = self._wanted(last)
        made: dict[str, Prompt] = {}
        for name in (name for name in order if name in wanted):
            node = self.nodes[name]
            if node.conditional:
                self._refuse(node, "runs under a condition, and conditions are not run; make a flow of each branch")
            made[name] = self._prompt(node, made, asked=node.kind == LLM or name == last)
        return tuple(prompt for name, prompt in made.items() if self.nodes[name].kind == LLM or name == last)

    def _order(self) -> list[str]:
        try:
            return list(graphlib.TopologicalSorter({n.name: n.before for n in self.nodes.values()}).static_order())
        except graphlib.CycleError as error:
            names = " <- ".join(map(quoted, error.args[1][:8]))
            self.flow.fields.refuse(f"the nodes {names} wait for one another; break the circle", "nodes")

    def _answering(self, answer: str, order: list[str]) -> str:
        if answer:
            node = self.nodes.get(answer)
            if node is None or node.kind not in (LLM, PROMPT):
                asking = [name for name, each in self.nodes.items() if each.kind in (LLM, PROMPT)]
                self.flow.fields.refuse(
                    f"no node {quoted(answer)} asks a model; those that do are {listed(asking)}", "nodes"
                )
            return answer
        models = [*self._nearest(), *[name for name in order if self._asks(name)][-1:]]
        if models:
            return models[0]
        handed_on = {name for node in self.nodes.values() if node.kind not in (LLM, PROMPT) for name in node.before}
        prompts = [name for name in order if self.nodes[name].kind == PROMPT and name in handed_on]
        if not prompts:
            what = "no node of the flow asks a model, and Python and custom nodes are not run"
            self.flow.fields.refuse(f"{what}; write the prompt that they send as a .prompty file", "nodes")
        if len(prompts) > 1:
            what = f"Python gets the prompts {listed(prompts)}, and which of them a model is asked is not said"
            mend = f"name one: {{'flow': …, 'answer': {quoted(prompts[-1])}}}"
            self.flow.fields.refuse(f"{what}; {mend}", "nodes")
        return prompts[0]

    def _nearest(self) -> list[str]:
        """The node that asks a model and that an output comes from on the shortest way."""
        seen, row = set[str](), [*self.flow.outputs]
        while row:
            found = [name for name in row if self._asks(name)]
            if found:
                return found
            seen.update(row)
            row = [n for n in dict.fromkeys(b for name in row for b in self.nodes[name].before) if n not in seen]
        return []

    def _asks(self, name: str) -> bool:
        return self.nodes[name].kind == LLM and not self.nodes[name].aggregates

    def _wanted(self, last: str) -> set[str]:
        """The nodes whose text reaches the last one without Python in between."""
        found, row = set[str](), [last]
        while row:
            name = row.pop()
            if name not in found and self.nodes[name].kind in (LLM, PROMPT):
                found.add(name)
                row += self.nodes[name].before
        return found

    def _prompt(self, node: Node, made: Mapping[str, Prompt], *, asked: bool) -> Prompt:
        text, source = self._text(node)
        model = {"name": next((node.inputs[key] for key in _MODEL if node.inputs.get(key)), None), **node.settings}
        chat = asked and node.kind == LLM and str(node.settings.get("api", "chat")).lower() != "completion"
        names = [name for name in node.inputs if node.kind != LLM or name not in (*_PARAMETERS, *_MODEL)]
        block = Block(name="prompt", text=text, source=source, line=1, trim=True)
        self.sizes[node.name] = 1
        inputs = {name: self._input(node, name, made) for name in names}
        return Prompt(
            id=node.name,
            messages=(Message(role="system" if chat else "user", blocks=(block,), marked=chat or node.kind == PROMPT),),
            asks=False,
            model={key: value for key, value in model.items() if value is not None} if node.kind == LLM else {},
            parameters=self._parameters(node) if node.kind == LLM else {},
            inputs=inputs,
        )

    def _text(self, node: Node) -> tuple[str, str]:
        """The template of a node, and its file."""
        fields = replace(self.flow.fields, prefix=node.at)
        if not node.path:
            self._refuse(node, "names no file for its prompt; write source: {type: code, path: <name>.jinja2}")
        shown = fields.place("source", "path")
        text, there = self.texts.read(self._file(node.path), shown)
        fault = compile_fault(text)
        if fault:
            raise VariantError(
                f"{there}:{fault[0]}: the file is not a Jinja2 template ({printable(fault[1])}); mend it"
            )
        return text, there

    def _file(self, name: str) -> str:
        """The name of a prompt's file; where it is not in the flow's folder, among the files that it includes."""
        if os.path.exists(self.path.parent / name):  # unlike Path.exists() it answers for any name
            return name
        first, *rest = PurePosixPath(name).parts or ("",)
        found = (include for include in self.flow.includes if PurePosixPath(include).name == first)
        return next((str(PurePosixPath(include, *rest)) for include in found), name)

    def _parameters(self, node: Node) -> Mapping[str, Any]:
        fields = replace(self.flow.fields, prefix=node.at)
        written = {
            name: value for name, value in node.inputs.items() if name in _PARAMETERS and value not in ("", None)
        }
        for name, found in node.references:
            if name in _PARAMETERS:
                what = f"takes its {name} from {_told(found)}"
                self._refuse(node, f"{what}, and parameters do not differ by row; write a value", "inputs", name)
        return fields.parameters({"parameters": {name: _value(name, value) for name, value in written.items()}})

    def _input(self, node: Node, name: str, made: Mapping[str, Prompt]) -> Input:
        found = dict(node.references).get(name)
        if found is None:
            return Input(default=node.inputs[name])
        if found.name == INPUTS:
            return Input(column=found.path[0], default=self.flow.defaults[found.path[0]])
        if found.name not in made:
            return Input(column=found.name, path=found.path, hint=self._hint(found.name))
        if found.path:
            what = f"takes {_told(found)}, and what a model or a prompt gives is text without keys"
            self._refuse(node, f"{what}; take the whole of it", "inputs", name)
        if self.nodes[found.name].kind == LLM:
            return Input(step=found.name)
        self.sizes[node.name] += self.sizes[found.name]
        if self.sizes[node.name] > MOST_NESTED:
            self._refuse(node, f"is made of more than {MOST_NESTED} prompt nodes; write it as one prompt")
        return Input(prompt=made[found.name])

    def _hint(self, name: str) -> str:
        kind = self.nodes[name].kind.title()
        return f"the {printable(kind)} node {quoted(name)} is not run: put what it gives into a column of that name"

    def _refuse(self, node: Node, problem: str, *at: str) -> NoReturn:
        self.flow.fields.refuse(f"node {quoted(node.name)} {problem}", *node.at, *at)


def _value(name: str, written: Any) -> Any:
    """A parameter's value: prompt flow writes numbers, booleans and JSON as text."""
    if not isinstance(written, str) or (name in _TEXTS and not written.startswith("[")):
        return written
    try:
        value = json.loads(written.lower() if written in ("True", "False") else written)
    except (ValueError, RecursionError):
        return written
    return value if not isinstance(value, float) or math.isfinite(value) else written


def _told(found: Reference) -> str:
    return quoted("${" + ".".join([found.name, *([] if found.name == INPUTS else ["output"]), *found.path]) + "}")
