"""``genaiops data``: what is in datasets, and what became of it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from pytest_genaiops import dataset, variants
from pytest_genaiops.cli.description import described, differing, leaking, locked, together, twins
from pytest_genaiops.cli.health import all_variant_files
from pytest_genaiops.cli.output import complain, write
from pytest_genaiops.cli.project import add_rootdir, settings_of
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import Dataset, Source
from pytest_genaiops.dataset.describe import alike, facts, leaks
from pytest_genaiops.dataset.difference import difference
from pytest_genaiops.errors import DatasetError, UsageError, VariantError
from pytest_genaiops.report.listing import table
from pytest_genaiops.report.text import visible
from pytest_genaiops.variants import Variant

DIFFERENT = FAULTY = 1


def add(parser: ArgumentParser) -> None:
    """The actions ``list``, ``describe`` and ``diff``."""
    actions = parser.add_subparsers(title="actions", metavar="<action>")
    about = "one line for each dataset: rows, lock, what it is"
    listing = actions.add_parser("list", help=about, description=f"{about.capitalize()}.")
    listing.set_defaults(run=_list)
    about = "columns, slices, lengths, gaps, duplicates, and what leaks into splits and prompts"
    describe = actions.add_parser("describe", help=about, description=f"{about.capitalize()}.")
    describe.add_argument("name", nargs="+", help="dataset, as a suite names it; without a split all of its splits")
    glob = "variants whose prompts are searched for rows (default: all that `genaiops variants list` names)"
    describe.add_argument("--variants", metavar="GLOB", help=glob)
    describe.set_defaults(run=_describe)
    about = "rows added, removed and edited, with what changed in their texts"
    ends = "Exits with 0 where every row is the same, with 1 where one differs."
    diff = actions.add_parser("diff", help=about, description=f"{about.capitalize()}. {ends}")
    diff.add_argument("before", help="dataset, as a suite names it, or a path")
    diff.add_argument("after", help="the same")
    diff.set_defaults(run=_diff)
    for action in (listing, describe, diff):
        add_rootdir(action)


def _list(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    rows: list[tuple[str, ...]] = []
    faults = 0
    for name in dataset.names_in(root=settings.root, folders=settings.datasets):
        try:
            rows += map(_listed, _all(name, settings))
        except DatasetError as error:
            faults += 1
            rows.append((visible(name), "-", "-", f"cannot be read: {visible(str(error))}"))
    if not rows:
        raise UsageError(f"{' or '.join(f'{folder}/' for folder in settings.datasets)} holds no dataset; add one")
    write(table(rows, head=("dataset", "rows", "lock", "what it is")))
    return FAULTY if faults else 0


def _listed(source: Source) -> tuple[str, ...]:
    content = dataset.content_of(source)
    about = source.manifest.description if source.manifest else ""
    fits = dataset.lock_fits(source, content)
    return visible(source.name), f"{content.rows:,}", locked(fits), visible(" ".join(about.split())) or "-"


def _diff(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    before, after = (_loaded(_one(name, settings)) for name in (arguments.before, arguments.after))
    found = difference(before, after)
    write(differing(before, after, found))
    return DIFFERENT if found else 0


def _describe(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    sources = [source for name in arguments.name for source in _all(name, settings)]
    prompts, faults = _prompts(arguments.variants, settings)
    sides = []
    for number, source in enumerate(sources):
        found = _loaded(source)
        sides.append(found)
        write([""] if number else [])
        told = leaking(leaks(found.cases, prompts), len(prompts)) if prompts else []
        write(described(source, found, facts(found.cases, found.systems), [*twins(alike([found.cases])), *told]))
    if len(sides) > 1:
        write(["", *together([side.name for side in sides], alike([side.cases for side in sides]))])
    for fault in faults:
        complain(f"prompts that were not searched: {fault}")
    return 0


def _all(name: str, settings: Settings) -> tuple[Source, ...]:
    return dataset.locate_all(name, root=settings.root, folders=settings.datasets)


def _one(name: str, settings: Settings) -> Source:
    return dataset.locate(name, root=settings.root, folders=settings.datasets)


def _loaded(source: Source) -> Dataset:
    return dataset.load(source, against_lock=False)


def _prompts(glob: str | None, settings: Settings) -> tuple[dict[str, str], list[str]]:
    """Variant -> every text of its prompts, by default of all of the project; and what cannot be read."""
    found: list[Variant] = []
    faults: list[str] = []
    if glob is not None:
        found += variants.select(glob, root=settings.root)
    for file in all_variant_files(settings.root) if glob is None else ():
        try:
            found += variants.load_variants(file, root=settings.root)
        except VariantError as error:
            faults.append(str(error))
    texts = {_named(variant): _texts(variant) for variant in found}
    return {name: "\n".join(parts) for name, parts in texts.items() if parts}, faults


def _named(variant: Variant) -> str:
    if Path(variant.source).stem == variant.id:
        return variant.source
    return f"{variant.source} {variant.id}"


def _texts(variant: Variant) -> Sequence[str]:
    messages = chain.from_iterable(step.messages for step in variant.steps)
    return [block.text for message in messages for block in message.blocks]
