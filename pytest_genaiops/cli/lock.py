"""``genaiops lock``: writes down what every dataset is, or checks that it still is that."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pytest_genaiops import dataset
from pytest_genaiops.cli.output import complain, write
from pytest_genaiops.cli.project import add_rootdir, settings_of
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import Content, Source
from pytest_genaiops.errors import DatasetError, UsageError
from pytest_genaiops.report.listing import table
from pytest_genaiops.report.text import visible

HELP = "write down what datasets are, or check that they are still that"
FOUND = 1


def add(parser: ArgumentParser) -> None:
    """Names and ``--check``."""
    parser.add_argument("name", nargs="*", help="dataset, as a suite names it (default: all in the datasets folders)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a dataset has changed")
    add_rootdir(parser)
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    rows, faults = [], []
    for name in arguments.name or _every(settings):
        try:
            for source in dataset.locate_all(name, root=settings.root, folders=settings.datasets):
                rows.append(_checked(source) if arguments.check else _locked(source))
        except DatasetError as error:  # what is wrong with one does not keep the others from their turn
            faults.append(str(error))
    write(table(rows))
    for fault in faults:
        complain(fault)
    return FOUND if faults else 0


def _every(settings: Settings) -> list[str]:
    names = dataset.names_in(root=settings.root, folders=settings.datasets)
    if not names:
        folders = " or ".join(f"{folder}/" for folder in settings.datasets)
        raise UsageError(f"{folders} holds no dataset; add one, or name a file")
    return names


def _locked(source: Source) -> tuple[str, ...]:
    new = not source.lock.exists()
    content, written = dataset.write_lock(source)
    return _row(source, "locked" if written and new else "locked anew" if written else "unchanged", content)


def _checked(source: Source) -> tuple[str, ...]:
    content = dataset.check_lock(source)
    if content is None:
        raise DatasetError(f"{source.shown}: the dataset has no lock; run {source.relock}")
    return _row(source, "as locked", content)


def _row(source: Source, state: str, content: Content) -> tuple[str, ...]:
    return visible(source.name), state, f"{content.rows:,} row{'s' if content.rows != 1 else ''}", content.hash[:12]
