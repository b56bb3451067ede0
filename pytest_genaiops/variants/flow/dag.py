"""A ``flow.dag.yaml`` as it is written: nodes, what each takes from which, and the variants of nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from pytest_genaiops.dataset.text import near, quoted
from pytest_genaiops.records import NOTHING
from pytest_genaiops.variants.fields import At, Fields

INPUTS = "inputs"
"""What ``${inputs.x}`` begins with; older flows write ``${flow.x}``."""
LLM, PROMPT = "llm", "prompt"
WRITTEN = "as written"

_REFERENCE = re.compile(r"\$\{([^{}]+)\}")
_INPUT = re.compile(r"\$\{(?:inputs|flow)\.")
_TEMPLATES = (".jinja2", ".jinja", ".j2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a value comes from: an input of the flow, or the output of a node."""

    name: str
    """The node's, or :data:`INPUTS`."""
    path: tuple[str, ...] = ()
    """For an input its name; for a node the keys into its output, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node, or one variant of it."""

    name: str
    kind: str
    """``llm``, ``prompt``, or whatever else, which is not run."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    """The file of its prompt."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """``api``, ``provider``, ``connection``, ``module``."""
    conditional: bool = False
    aggregates: bool = False
    """Whether it sees all rows at once, as a metric does."""
    at: At = ()

    @property
    def references(self) -> Iterator[tuple[str, Reference]]:
        """Inputs that are not written out, and what they refer to."""
        for name, value in self.inputs.items():
            found = reference(value)
            if found is not None:
                yield name, found

    @property
    def before(self) -> list[str]:
        """Nodes that it takes something from."""
        return [found.name for _, found in self.references if found.name != INPUTS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A whole file."""

    fields: Fields
    name: str
    defaults: Mapping[str, Any]
    """Name of an input -> its default, None where it has none."""
    outputs: tuple[str, ...]
    """Nodes that the flow's outputs refer to; that of the chat first."""
    nodes: Mapping[str, Node]
    """As they are by default."""
    variants: Mapping[str, Mapping[str, Node]]
    """Name of a node -> id of a variant that is not the default -> the node in that variant."""
    chosen: Mapping[str, str]
    """Name of a node that has variants -> id of the one that it is by default; ``WRITTEN`` where it is none of them."""
    includes: tuple[str, ...]
    """Files that belong to the flow, and stand elsewhere."""


def reference(value: Any) -> Reference | None:
    """What ``${…}`` refers to; None for a value that is written out."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    name, *path = found[1].strip().split(".")
    if name in (INPUTS, "flow"):
        return Reference(name=INPUTS, path=(".".join(path),))
    return Reference(name=name, path=tuple(path[1:]))


def read_flow(tree: Mapping[str, Any], fields: Fields) -> Flow:
    """The flow that a file describes, its references checked. Raises VariantError with the place of what is wrong."""
    if "nodes" not in tree and tree.get("entry") is not None:
        fields.refuse("the flow is a Python function or class, which is not run; write its prompt as .prompty", "entry")
    written = tree.get("nodes")
    if not isinstance(written, list) or not written:
        fields.refuse('"nodes" is not a list of nodes; write - {name: …, type: llm, …}', "nodes")
    several = fields.mapping(tree, "node_variants")
    variants = {name: _variants(name, several[name], fields) for name in several}
    nodes: dict[str, Node] = {}
    for number, entry in enumerate(written):
        node = _node_or_default(entry, variants, fields, ("nodes", number))
        if node.name in nodes:
            fields.refuse(f"two nodes are called {quoted(node.name)}; rename one of them", "nodes", number)
        nodes[node.name] = node
    others = {
        name: {key: node for key, node in each.items() if nodes.get(name) != node}
        for name, (_, each) in variants.items()
    }
    chosen = {name: _chosen(nodes.get(name), *each) for name, each in variants.items()}
    flow = Flow(
        fields=fields,
        name=tree["name"] if isinstance(tree.get("name"), str) else "",
        defaults=_defaults(tree, fields),
        outputs=_outputs(tree, fields),
        nodes=nodes,
        variants=others,
        chosen=chosen,
        includes=tuple(include for include in tree.get("additional_includes") or () if isinstance(include, str)),
    )
    _check(flow)
    return flow


def _node_or_default(entry: Any, variants: Mapping[str, Any], fields: Fields, at: At) -> Node:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        fields.refuse(f"nodes[{at[-1]}] has no name; write - {{name: <node>, type: llm, …}}", *at)
    name = entry["name"]
    if name in (INPUTS, "flow"):
        fields.refuse(f"a node cannot be called {quoted(name)}, which means the flow's inputs; rename it", *at)
    if not entry.get("use_variants"):
        return _node(name, entry, fields, at)
    if name not in variants:
        fields.refuse(f"node {quoted(name)} uses variants, and node_variants has none of it; add them", *at)
    default, each = variants[name]
    if not isinstance(default, str) or default not in each:
        what = f"the default_variant_id {quoted(default)} is no variant of node {quoted(name)}"
        fields.refuse(f"{what}{near(str(default), each)}; name one of them", "node_variants", name)
    node: Node = each[default]
    return node


def _chosen(node: Node | None, default: Any, variants: Mapping[str, Node]) -> str:
    same = [key for key, each in variants.items() if each == node]
    return default if default in same else next(iter(same), WRITTEN)


def _variants(name: str, entry: Any, fields: Fields) -> tuple[Any, dict[str, Node]]:
    """The default's id, and the node in every variant."""
    at: At = ("node_variants", name)
    each = entry.get("variants") if isinstance(entry, Mapping) else None
    if not isinstance(each, Mapping) or not each:
        fields.refuse(f"node_variants of {quoted(name)} have no variants; write variants: {{<id>: {{node: …}}}}", *at)
    found: dict[str, Node] = {}
    for key, value in each.items():
        node = value.get("node") if isinstance(value, Mapping) else None
        if not isinstance(node, Mapping):
            fields.refuse(f"variant {quoted(key)} of {quoted(name)} has no node; write node: {{type: llm, …}}", *at)
        found[str(key)] = _node(name, node, fields, (*at, "variants", key, "node"))
    default = entry.get("default_variant_id")
    return str(default) if isinstance(default, int) else default, found


def _node(name: str, entry: Mapping[str, Any], fields: Fields, at: At) -> Node:
    within = replace(fields, prefix=at)
    source = within.mapping(entry, "source")
    path = source.get("path")
    return Node(
        name=name,
        kind=_kind(entry, str(path or "")),
        inputs=within.mapping(entry, "inputs"),
        path=path if isinstance(path, str) else "",
        settings={key: entry[key] for key in ("api", "provider", "connection", "module") if entry.get(key)},
        conditional=bool(entry.get("activate") or entry.get("skip")),
        aggregates=bool(entry.get("aggregation") or entry.get("reduce")),
        at=at,
    )


def _kind(entry: Mapping[str, Any], path: str) -> str:
    if entry.get("type") is not None:
        return str(entry["type"]).lower()
    if PurePosixPath(path).suffix not in _TEMPLATES:
        return "python"
    return LLM if entry.get("api") or entry.get("connection") else PROMPT


def _defaults(tree: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.mapping(tree, "inputs").items():
        written = value if isinstance(value, Mapping) else NOTHING
        found[name] = [] if written.get("is_chat_history") and not written.get("default") else written.get("default")
    return found


def _outputs(tree: Mapping[str, Any], fields: Fields) -> tuple[str, ...]:
    outputs = [value for value in fields.mapping(tree, "outputs").values() if isinstance(value, Mapping)]
    outputs.sort(key=lambda output: not output.get("is_chat_output"))
    found = (reference(output.get("reference")) for output in outputs)
    return tuple(each.name for each in found if each is not None and each.name != INPUTS)


def _check(flow: Flow) -> None:
    """Refuse references that lead nowhere."""
    every = [*flow.nodes.values(), *(node for each in flow.variants.values() for node in each.values())]
    for node in every:
        for name, value in node.inputs.items() if node.kind in (LLM, PROMPT) else ():
            if reference(value) is None and _INPUT.search(str(value)):
                what = f"node {quoted(node.name)} has {quoted(value)}, which prompt flow hands on as it is"
                mend = "make ${inputs.<name>} the whole value, and write the text in the template"
                flow.fields.refuse(f"{what}; {mend}", *node.at, "inputs", name)
        for name, found in node.references:
            if found.name == INPUTS and found.path[0] not in flow.defaults:
                what = f"node {quoted(node.name)} takes the input {quoted(found.path[0])}, which the flow does not have"
                flow.fields.refuse(
                    f"{what}{near(found.path[0], flow.defaults)}; add it to inputs", *node.at, "inputs", name
                )
            if found.name != INPUTS and found.name not in flow.nodes:
                what = f"node {quoted(node.name)} takes the output of {quoted(found.name)}, which is no node"
                flow.fields.refuse(f"{what}{near(found.name, flow.nodes)}; mend the name", *node.at, "inputs", name)
    for name in flow.outputs:
        if name not in flow.nodes:
            what = f"an output refers to {quoted(name)}, which is no node{near(name, flow.nodes)}"
            flow.fields.refuse(f"{what}; mend the name", "outputs")
