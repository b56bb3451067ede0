"""``genaiops metrics``: what can be measured."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from inspect import cleandoc
from typing import Any

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.own import own_metrics
from pytest_genaiops.metrics.judged import Judged
from pytest_genaiops.registry import metric_class, metric_names
from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.run.guard import attempt, describe

_FIRST = {
    "label": '["spam", "ham"]',
    "probabilities": '[{"spam": 0.9, "ham": 0.1}, {"spam": 0.2, "ham": 0.8}]',
    "latency": "[0.8, 1.2]",
    "retrieved": '[["handbook-7", "faq-2"], ["faq-2"]]',
    "tool_calls": '[[{"name": "search", "arguments": {"q": "lamps"}}], []]',
    "steps": '2 * [[{"id": "plan", "output": "Go.", "latency": 0.2}]]',
    "usage": '2 * [{"input_tokens": 90, "output_tokens": 7}]',
}
_CALLS = {
    "cost": (
        'usage = {"input_tokens": 90, "output_tokens": 7}',
        'answer = pytest_genaiops.Response(usage=usage, model="small")',
        'prices = ["small: input 0.15, output 0.60"]',
        'score = pytest_genaiops.metric("cost", prices=prices)([answer, answer])',
    ),
    "content_safety": (
        'safety = pytest_genaiops.metric("content_safety", banned=["miracle cure"])',
        'answers = ["Open from nine to five.", "It is 7f3a-blue-falcon."]',
        'score = safety(answers, canary=["7f3a-blue-falcon"])',
    ),
}
"""Of metrics that need more of a response than one field, or options."""
_OPTIONS = {
    "bertscore": ('model="models/minilm"',),
    "similarity": ('model="models/minilm"',),
    "rubric": ('criteria="The answer is polite."',),
    "groundedness_onnx": ('model="models/nli"', 'sha256="…"'),
    "hf": ('module="modules/tone"',),
    "ragas": ('metric="faithfulness"',),
}
"""Options without which there is nothing to measure with."""
_JUDGE = 'judge="judges/mini.yaml"'
_ROLES = {
    "references": 'references=["We are open from nine to five.", "It is free."]',
    "contexts": 'contexts=[["We are open from nine to five."], ["Parking is free."]]',
    "question": 'questions=["When are you open?", "Is parking free?"]',
    "label": 'labels=["spam", "ham"]',
    "tool_calls": 'tool_calls=[["search"], ["open"]]',
    "relevant": 'relevant=[["handbook-7"], ["faq-3", "faq-2"]]',
}
_ANSWERS = '["Open from nine to five.", "Parking is free."]'


def add(parser: argparse.ArgumentParser) -> None:
    """The actions ``list`` and ``show``."""
    actions = parser.add_subparsers(title="actions", metavar="<action>")
    listing = actions.add_parser("list", help="one line for each metric", description="One line for each metric.")
    listing.set_defaults(run=_list)
    about = "scale, direction, options, definition and an example"
    show = actions.add_parser("show", help=about, description=f"Of the metrics named: {about}.")
    show.add_argument("name", nargs="+", help="metric, as `genaiops metrics list` names it")
    show.set_defaults(run=_show)


def _list(_: argparse.Namespace) -> int:
    with own_metrics() as trouble:
        found = {name: attempt(metric_class, name) for name in metric_names()}
    rows = [_row(name, cls) for name, (cls, error) in found.items() if error is None]
    write(table(rows, head=("metric", "scale", "better", "needs", "for")))
    # A metric of another package that does not import hides none of the others.
    write(f"{name} cannot be loaded: {describe(error)}" for name, (_, error) in found.items() if error is not None)
    write([trouble] if trouble else [])
    return 0


def _row(name: str, cls: type[Any]) -> tuple[str, ...]:
    return (name, _scale(cls), _better(cls), _needs(cls), cls.use_case or "-")


def _show(arguments: argparse.Namespace) -> int:
    with own_metrics() as trouble:
        write([trouble] if trouble else [])
        shown = [_described(name, metric_class(name)) for name in arguments.name]
    for number, lines in enumerate(shown):
        write(["", *lines] if number else lines)
    return 0


def _described(name: str, cls: type[Any]) -> list[str]:
    facts = [
        ("for", cls.use_case or "-"),
        ("scale", _scale(cls)),
        ("better", _better(cls)),
        ("needs", _needs(cls)),
    ]
    options = [(f"{each.name}={_default(each)!r}", str(each.type)) for each in fields(cls)] if is_dataclass(cls) else []
    return [
        name,
        *table(facts, indent=2),
        "",
        *_definition(cls),
        *(["", "  options with their defaults, and types:", *table(options, indent=4)] if options else []),
        "",
        "  example:",
        *(f"    {line}" for line in _example(name, cls)),
    ]


def _example(name: str, cls: type[Any]) -> Sequence[str]:
    if name in _CALLS:
        return _CALLS[name]
    others = ['["From nine.", "I do not know."]'] if cls.pairwise else []
    arguments = [_FIRST.get(cls.takes, _ANSWERS), *others, *(_ROLES[need] for need in cls.needs if need in _ROLES)]
    judge = [_JUDGE] if issubclass(cls, Judged) else []
    options = [*_OPTIONS.get(name, ()), *judge]
    calls = [*(f"    {each}," for each in arguments), ")"]
    if not options:
        return [f'score = pytest_genaiops.metric("{name}")(', *calls]
    made = [f'    "{name}",', *(f"    {each}," for each in options)]
    return ["metric = pytest_genaiops.metric(", *made, ")", "score = metric(", *calls]


def _definition(cls: type[Any]) -> list[str]:
    """The class's own docstring, without the marks that only a documentation tool reads."""
    text = cleandoc(cls.__dict__.get("__doc__") or "It says nothing about itself.")
    text = re.sub(r":[a-z]+:`~?(?:[\w.]+\.)?(\w+)`", r"\1", text).replace("``", "`")
    blocks = [paragraph(block, indent=2) for block in text.split("\n\n")]
    return [line for number, block in enumerate(blocks) for line in ([""] if number else []) + block]


def _default(option: Field[Any]) -> Any:
    return option.default_factory() if option.default_factory is not MISSING else option.default


def _scale(cls: type[Any]) -> str:
    low, high = cls.scale
    return f"{low:g}-{high:g}"


def _needs(cls: type[Any]) -> str:
    measured = () if cls.takes in ("text", *cls.needs) else (cls.takes,)
    return ", ".join((*cls.needs, *measured)) or "-"


def _better(cls: type[Any]) -> str:
    return "higher" if cls.higher_is_better else "lower"
