"""``genaiops variants``: what there is to compare, what a model is shown, and in what two of them differ."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_genaiops import variants
from pytest_genaiops.cli.health import FOLDERS, all_variant_files, variant_files
from pytest_genaiops.cli.output import complain, write
from pytest_genaiops.cli.project import add_rootdir, settings_of
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset.text import listed, near, quoted
from pytest_genaiops.errors import UsageError, VariantError
from pytest_genaiops.records import Case
from pytest_genaiops.report.difference import full
from pytest_genaiops.report.listing import paragraph, table
from pytest_genaiops.report.prompts import texts
from pytest_genaiops.report.text import columns, visible
from pytest_genaiops.run import load
from pytest_genaiops.variants import Variant

FOUND = 1


def add(parser: ArgumentParser) -> None:
    """The actions ``list``, ``show`` and ``diff``."""
    actions = parser.add_subparsers(title="actions", metavar="<action>")
    about = "one line for each variant, under the name of its file"
    listing = actions.add_parser("list", help=about, description=f"Show {about}.")
    default = "all in folders called variants or prompts, .prompty files and flows"
    listing.add_argument("glob", nargs="*", help=f"files, as a suite names them (default: {default})")
    listing.set_defaults(run=_list)
    about = "settings and prompt of a variant, or the messages that a model gets for a case"
    show = actions.add_parser("show", help=about, description=f"Show {about}.")
    show.add_argument("name", help="id or file")
    show.add_argument("--case", metavar="DATASET:ID", help="render the prompt for this row of a dataset")
    show.set_defaults(run=_show)
    about = "in which settings and words a variant differs from another one"
    more = "Exit code: 0 where they behave the same, 1 where they differ, 2 where one cannot be read."
    diff = actions.add_parser("diff", help=about, description=f"Show {about}.", epilog=more)
    diff.add_argument("before", help="id or file")
    diff.add_argument("after", help="id or file")
    diff.set_defaults(run=_diff)
    for action in (listing, show, diff):
        add_rootdir(action)


def _list(arguments: Namespace) -> int:
    root = settings_of(arguments).root
    found: list[Variant] = []
    faults = []
    for entry in arguments.glob or _files(root):
        try:
            found += _selected(entry, root)
        except VariantError as error:  # what is wrong with one does not keep the others from their turn
            faults.append(str(error))
    found = list(dict.fromkeys(found))
    write(_listed(found))
    for fault in faults:
        complain(fault)
    return FOUND if faults else 0


def _files(root: Path) -> list[str]:
    files = [file.relative_to(root).as_posix() for file in all_variant_files(root)]
    if not files:
        where = f"no folder called {' or '.join(FOLDERS)} holds a variant, and no .prompty file or flow is elsewhere"
        raise UsageError(f"{where}; add one, or name files: genaiops variants list <glob>")
    return files


def _listed(found: Sequence[Variant]) -> Iterator[str]:
    rows = [_row(variant) for variant in found]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)][:-1]
    for number, (variant, row) in enumerate(zip(found, rows, strict=True)):
        if not number or found[number - 1].source != variant.source:
            yield visible(variant.source)
            yield from _varied([each for each in found if each.source == variant.source])
        # Every file's lines stand under those of the others.
        padded = [cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=False)]
        yield from table([[*padded, row[-1]]], indent=2)


def _varied(made: Sequence[Variant]) -> list[str]:
    """The axes of a file that makes several variants, and their levels as far as the variants have them."""
    levels: dict[str, dict[str, None]] = {}
    for variant in made:
        for axis, level in variant.axes.items():
            levels.setdefault(axis, {})[level] = None
    told = "; ".join(f"{axis} {', '.join(each)}" for axis, each in levels.items())
    return paragraph(visible(f"{len(made)} variants of {told}"), indent=2) if told else []


def _row(variant: Variant) -> tuple[str, ...]:
    steps = len(variant.steps)
    settings = ", ".join(f"{name}={_value(value)}" for name, value in variant.parameters.items())
    model = visible(_value(variant.model.get("name", "-")))
    return visible(variant.id), f"{steps} step{'s' * (steps > 1)}", variant.hash[:12], model, visible(settings) or "-"


def _show(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    found = _named(arguments.name, settings.root)
    case = _case(arguments.case, settings) if arguments.case else None
    for number, variant in enumerate(found):
        write([""] if number else [])
        write(_described(variant, case or variant.sample))
    return 0


def _described(variant: Variant, case: Case | None) -> Iterator[str]:
    yield visible(variant.id)
    facts = [("file", variant.source), ("about", variant.description), ("hash", variant.hash[:12])]
    facts += [("model", _settings(variant.model)), ("parameters", _settings(variant.parameters))]
    facts += [("rag", _settings(variant.rag)), ("for row", case.id if case else "")]
    yield from table([(name, visible(value)) for name, value in facts if value], indent=2)
    for step in _asked(variant, case) if case else _written(variant):
        yield ""
        yield from step


def _asked(variant: Variant, case: Case) -> Iterator[list[str]]:
    """The messages of each step for a case; what a model would say is told apart by its brackets."""
    chain = variant.chain(case)
    for step in chain:
        head = _head(variant, step.id, step.parameters)
        yield head + texts([(m["role"], m["content"]) for m in step.messages], indent=2 + 2 * len(head))
        step.answer(f"[output of step {step.id}]")


def _written(variant: Variant) -> Iterator[list[str]]:
    """The templates of each step."""
    for step in variant.steps:
        head = _head(variant, step.id, step.parameters)
        parts = [(_title(m.role, block.name), block.text.rstrip("\n")) for m in step.messages for block in m.blocks]
        if step.asks:
            parts.append(("user", "(the case's question)"))
        yield head + texts(parts, indent=2 + 2 * len(head))


def _head(variant: Variant, step: str, parameters: Mapping[str, Any]) -> list[str]:
    """The line above one of several steps, with the parameters that are not the variant's own."""
    own = {name: value for name, value in parameters.items() if variant.parameters.get(name) != value}
    settings = f" ({visible(_settings(own))})" if own else ""
    return [f"  step {visible(step)}{settings}"] if variant.chained else []


def _title(role: str, block: str) -> str:
    return role if block == role else f"{block} ({role})"


def _diff(arguments: Namespace) -> int:
    root = settings_of(arguments).root
    before, after = (_single(name, root) for name in (arguments.before, arguments.after))
    changes = variants.difference(after, before)
    if not changes:
        write([f"{visible(before.id)} and {visible(after.id)} behave the same"])
        return 0
    write(f"{word:<4} {visible(v.id)} ({visible(v.source)})" for word, v in (("from", before), ("to", after)))
    write(full([change.plain() for change in changes]))
    return FOUND


def _single(name: str, root: Path) -> Variant:
    found = _named(name, root)
    if len(found) > 1:
        what = f"{visible(name)} gives {len(found)} variants"
        raise VariantError(f"{what}; name one of them by its id: {listed(variant.id for variant in found)}")
    return found[0]


def _named(name: str, root: Path) -> Sequence[Variant]:
    """The variant of this id, else those of the file."""
    found = _selected(name, root)
    return [variant for variant in found if variant.id == name] or found


def _selected(entry: str, root: Path) -> Sequence[Variant]:
    """What the entry means in a suite, what a shell means by a path, and any id of the project."""
    path = os.path.abspath(entry)
    try:
        found = variants.select(path if os.path.isfile(path) else entry, root=root)
    except VariantError:
        if set(entry).intersection("\0*?[/\\") or os.path.exists(root / entry):
            raise
        return _anywhere(entry, root)
    return found if found[0].source else _anywhere(entry, root)


def _anywhere(variant_id: str, root: Path) -> Sequence[Variant]:
    """The variant of this id in whatever file of the project: a suite would have to name the file."""
    found: list[Variant] = []
    known: list[str] = []
    for file in variant_files(root):
        try:
            several = variants.load_variants(file, root=root)
        except VariantError:
            if file.stem == variant_id:
                raise
            continue
        known += [variant.id for variant in several]
        found += [variant for variant in several if variant.id == variant_id]
    if not found:
        there = f"its variants are {listed(known)}" if known else f"it has none; put them into {variants.FOLDER}/"
        raise VariantError(
            f"no variant of the project is called {quoted(variant_id)}{near(variant_id, known)}; {there}"
        )
    if len(found) > 1:
        places = listed(variant.source for variant in found)
        raise VariantError(f"variant {quoted(variant_id)} could be any of {places}; name the file by its path")
    return found


def _case(named: str, settings: Settings) -> Case:
    """The row that ``DATASET:ID`` names; either may have colons in it."""
    marks = [number for number, character in enumerate(named) if character == ":"]
    if not marks:
        raise UsageError(f"--case {named!r} names no row; write <dataset>:<id>")
    refusal = None
    for mark in marks:
        try:
            data = load(named[:mark], settings)
        except UsageError as error:
            refusal = refusal or error
            continue
        found = next((case for case in data.cases if case.id == named[mark + 1 :]), None)
        if found is not None:
            return found
        refusal = UsageError(f"{data.name!r} has no row with the id {named[mark + 1 :]!r}; look it up in the file")
    raise refusal or UsageError(f"--case {named!r} names no row")


def _settings(tree: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in tree.items())


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=dict)
