"""``genaiops lock``: writes down what every dataset is, or checks that it still is that."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_genaiops import dataset
from pytest_genaiops.cli.output import complain, write
from pytest_genaiops.cli.project import add_rootdir, settings_of
from pytest_genaiops.config import Settings
from pytest_genaiops.dataset import Content, Source
from pytest_genaiops.dataset.lock import is_lock
from pytest_genaiops.errors import DatasetError, UsageError
from pytest_genaiops.report.listing import table
from pytest_genaiops.report.text import visible

FOUND = 1


def add(parser: ArgumentParser) -> None:
    """Names and ``--check``."""
    parser.add_argument("name", nargs="*", help="dataset, as a suite names it (default: all in the datasets folders)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a dataset has changed")
    add_rootdir(parser)
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    settings = settings_of(arguments)
    rows, faults, unclear = [], [], []
    locks: set[Path] = set()
    for name in arguments.name or _every(settings):
        # What is wrong with one dataset or split does not keep the others from their turn.
        try:
            sources = dataset.locate_all(name, root=settings.root, folders=settings.datasets)
        except DatasetError as error:
            faults.append(str(error))
            unclear.append(name)
            continue
        for source in sources:
            locks.add(source.lock)
            try:
                rows.append(_checked(source) if arguments.check else _locked(source))
            except DatasetError as error:
                faults.append(str(error))
    if arguments.check and not arguments.name:
        faults += _left_behind(settings, locks, unclear)
    write(table(rows))
    for fault in faults:
        complain(fault)
    return FOUND if faults else 0


def _left_behind(settings: Settings, locks: set[Path], unclear: Sequence[str]) -> Iterator[str]:
    """A sentence about each lock of no dataset or split; those of datasets whose splits are not clear are left out."""
    for folder in settings.datasets:
        for lock in sorted((settings.root / folder).glob("*.lock")):
            if lock in locks or not is_lock(lock):
                continue
            if not any(f"{lock.stem}.".startswith(f"{name}.") for name in unclear):
                shown = visible(lock.relative_to(settings.root).as_posix())
                yield f"{shown}: its dataset or split is gone; restore it, or remove the lock if that is meant"


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
