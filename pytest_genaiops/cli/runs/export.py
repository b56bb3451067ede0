"""``genaiops runs export``: a run as a file for other programs, or sent to a collector of traces."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from pytest_genaiops.cli.output import complain, write
from pytest_genaiops.cli.project import settings_of
from pytest_genaiops.cli.runs.recorded import store_of
from pytest_genaiops.dataset.text import place
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.text import visible
from pytest_genaiops.store import RunRow, Store
from pytest_genaiops.store.export import Reader, Row, rows
from pytest_genaiops.store.export_columns import columns
from pytest_genaiops.store.export_files import WRITERS

ABOUT = "write a run to a file for other programs, or send it as traces"
_WHAT = ("trials", "measurements", "verdicts", "items")
_OTLP = "pytest_genaiops.adapters.otlp"
_STDOUT = "-"


def add(parser: ArgumentParser) -> None:
    """It takes the run, what of it, and where to."""
    parser.add_argument(
        "run_id",
        metavar="RUN",
        nargs="?",
        default="latest",
        help="its id, the beginning of one, or latest (default), latest~1 …",
    )
    to = parser.add_mutually_exclusive_group(required=True)
    about = "the file, whose suffix says the format; - is standard output"
    to.add_argument("-o", "--output", metavar="FILE", help=about)
    about = "send traces and events to a collector, such as http://localhost:4318"
    to.add_argument("--otlp", metavar="ENDPOINT", help=about)
    about = "a row for each trial (default), measurement, verdict or test item"
    parser.add_argument("--what", choices=_WHAT, default=_WHAT[0], help=about)
    about = "the format, where no suffix says it (default for -: jsonl)"
    parser.add_argument("--format", choices=list(WRITERS), help=about)
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    from pytest_genaiops.cli.runs.own_values import reader  # the other actions measure nothing

    told: dict[str, None] = {}
    with closing(store_of(arguments)) as store:
        run = store.run(arguments.run_id)
        read = reader(settings_of(arguments).root, told.setdefault)
        if arguments.otlp is not None:
            done = _sent(store, run, read, arguments)
        else:
            done = _written(store, run, read, arguments)
    for sentence in told:
        complain(visible(sentence))
    if run.ended is None:
        complain(f"{visible(run.id)} has not ended: this is what it wrote until now")
    write(done)
    return 0


def _sent(store: Store, run: RunRow, read: Reader, arguments: Namespace) -> list[str]:
    if arguments.what != _WHAT[0] or arguments.format is not None:
        raise UsageError("--otlp sends a whole run; leave --what and --format out")
    # Loaded by its name: adapters stand above the command, and need packages that few have.
    adapter: Any = import_module(_OTLP)
    spans, events = adapter.send(store, run, read, arguments.otlp)
    return [f"{visible(run.id)}: {_count(spans, 'spans')} and {_count(events, 'events')} sent"]


def _written(store: Store, run: RunRow, read: Reader, arguments: Namespace) -> list[str]:
    kind = _format(arguments)
    if arguments.output == _STDOUT and kind == "parquet":
        raise UsageError("Parquet is no text for standard output; give a file: -o run.parquet")
    more = () if kind == "jsonl" else (columns(store, run, arguments.what),)
    # Closed here, and not when nobody refers to them any more: the record is closed by then.
    with closing(rows(store, run, arguments.what, read)) as given:
        counted = _Counted(given)
        if arguments.output == _STDOUT:
            WRITERS[kind](sys.stdout.buffer, counted, *more)
            sys.stdout.buffer.flush()
            return []
        file = Path(arguments.output)
        with _replaced(file) as stream:
            WRITERS[kind](stream, counted, *more)
    return [f"{place(file, Path.cwd())}: {_count(counted.number, arguments.what)}"]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what.removesuffix('s') if number == 1 else what}"


def _format(arguments: Namespace) -> str:
    if arguments.format is not None:
        return str(arguments.format)
    if arguments.output == _STDOUT:
        return "jsonl"
    suffix = Path(arguments.output).suffix.lower().removeprefix(".")
    if suffix not in WRITERS:
        shown = visible(arguments.output)
        raise UsageError(f"{shown} does not say its format; end it with .{', .'.join(WRITERS)}, or give --format")
    return suffix


class _Counted:
    """Rows, and how many there were."""

    def __init__(self, given: Iterator[Row]) -> None:
        self._given = given
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._given:
            self.number += 1
            yield row


@contextmanager
def _replaced(file: Path) -> Iterator[IO[bytes]]:
    """What is written stands under the name once it is whole; before that, the name keeps what it had.

    Raises UsageError where nothing can be written there.
    """
    shown = place(file, Path.cwd())
    try:
        with _opened(file) as stream:
            yield stream
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise UsageError(f"{shown} cannot be written ({error.strerror or error}); give another path") from None


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    aim = file.resolve()
    if aim.exists() and not aim.is_file():  # a device, a pipe, a folder
        with aim.open("wb") as stream:
            yield stream
        return
    beside = aim.with_name(f".genaiops-export-{os.getpid()}")
    try:
        with beside.open("wb") as stream:
            yield stream
        os.replace(beside, aim)
    finally:
        with suppress(OSError):
            beside.unlink()
