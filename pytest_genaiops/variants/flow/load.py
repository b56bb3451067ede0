"""The variants of a flow: its nodes as they are by default, and with other variants of them."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_genaiops.dataset.text import listed, near, place, quoted
from pytest_genaiops.dataset.yaml_tree import parse
from pytest_genaiops.errors import VariantError
from pytest_genaiops.variants.axes import CAP
from pytest_genaiops.variants.fields import Fields
from pytest_genaiops.variants.files import Texts, read_bytes
from pytest_genaiops.variants.flow.dag import Node, read_flow
from pytest_genaiops.variants.flow.steps import Steps
from pytest_genaiops.variants.variant import Variant

DAG, FLEX = "flow.dag.yaml", "flow.flex.yaml"
ONE, PRODUCT = "one", "product"
_OPTIONS = ("flow", "combine", "answer", "cap")

Choice = tuple[tuple[str, str], ...]
"""Nodes that differ from the default, and the variant of each."""


def load_flow(path: Path, root: Path, combine: str = ONE, answer: str = "", cap: int = CAP) -> tuple[Variant, ...]:
    """The variants of a ``flow.dag.yaml``, the default of every node first.

    Its id is the folder's name; the others add the nodes in which they differ: one at a time, or, with
    ``combine="product"``, in every combination. Nodes with variants are the axes. Variants of nodes that are not run
    are left out. Raises VariantError with ``file:line`` where the flow cannot be read as it stands, and where there are
    more variants than ``cap``.
    """
    shown = place(path, root)
    tree, lines = parse(read_bytes(path, shown, root), shown, VariantError, keys="inputs: and nodes:")
    fields = Fields(source=shown, lines=lines)
    flow = read_flow(tree, fields)
    name, texts = path.absolute().parent.name or "flow", Texts(beside=path, root=root)

    def variant(choice: Choice, varied: Collection[str]) -> Variant:
        chosen = {node: flow.variants[node][key] for node, key in choice}
        steps = Steps(flow=flow, nodes={**flow.nodes, **chosen}, path=path, texts=texts).prompts(answer)
        variant_id = "-".join([name, *(f"{node}={key}" for node, key in choice)])
        return Variant(
            id=variant_id,
            source=shown,
            description=flow.name,
            model=steps[-1].model,
            parameters=steps[-1].parameters,
            axes={node: dict(choice).get(node, flow.chosen[node]) for node in varied},
            hash=fields.identity(variant_id, steps, {}),
            steps=steps,
        )

    run = {step.id for step in variant((), ()).steps}
    several = {node: each for node, each in flow.variants.items() if each and node in run}
    count = math.prod(1 + len(each) for each in several.values()) if combine == PRODUCT else 0
    if max(count, 1 + sum(map(len, several.values()))) > cap:
        what = f"the flow gives {max(count, 1 + sum(map(len, several.values())))} variants, and {cap} is the cap"
        fields.refuse(f"{what}; take fewer, or raise it: {{'flow': …, 'cap': <number>}}", "node_variants")
    return tuple(variant(choice, several) for choice in ((), *_choices(several, combine)))


def _choices(several: Mapping[str, Mapping[str, Node]], combine: str) -> Iterator[Choice]:
    """Every choice but the default one."""
    if combine == ONE:
        yield from (((node, key),) for node, each in several.items() for key in each)
        return
    levels = [[(node, ""), *((node, key) for key in each)] for node, each in several.items()]
    for choice in itertools.product(*levels):
        chosen = tuple((node, key) for node, key in choice if key)
        if chosen:
            yield chosen


def flow_entry(entry: Mapping[str, Any], root: Path) -> tuple[Variant, ...]:
    """The variants that ``{"flow": <path>, "combine": "product", "answer": <node>, "cap": 100}`` asks for.

    Raises VariantError for another key or value.
    """
    for key in entry:
        if key not in _OPTIONS:
            raise VariantError(
                f"a flow has no option {quoted(key)}{near(str(key), _OPTIONS)}; they are {listed(_OPTIONS)}"
            )
    path, answer, combine, cap = (
        entry["flow"],
        entry.get("answer", ""),
        entry.get("combine", ONE),
        entry.get("cap", CAP),
    )
    if not isinstance(path, str) or not path or "\0" in path:
        raise VariantError(f"the flow {quoted(path)} is no path; name the folder or its {DAG}")
    if combine not in (ONE, PRODUCT):
        raise VariantError(f'the flow {quoted(path)} has combine={quoted(combine)}; write "{ONE}" or "{PRODUCT}"')
    if not isinstance(answer, str):
        raise VariantError(f"the flow {quoted(path)} has answer={quoted(answer)}; name the node that answers")
    if isinstance(cap, bool) or not isinstance(cap, int) or cap < 1:
        raise VariantError(f"the flow {quoted(path)} has cap={quoted(cap)}; write a whole number of 1 or more")
    file = root / path
    return load_flow(file / DAG if os.path.isdir(file) else file, root, combine, answer, cap)


def refuse_flex(path: Path, root: Path) -> tuple[Variant, ...]:
    """Refuse a flow that is Python code."""
    what = "the flow is a Python function or class, which is not run"
    raise VariantError(f"{place(path, root)}: {what}; use its .prompty file, or call it from your target")
