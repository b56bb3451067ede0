"""``genaiops runs gc``: old runs are removed, and the room they took is given back."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from math import inf

from pytest_genaiops.cli.numbers import days
from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.runs.recorded import folder_of
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.text import visible
from pytest_genaiops.store import NAME
from pytest_genaiops.store.gc import Removed, expire

ABOUT = "remove old runs, with what no other run refers to"
_DAY = 86_400.0


def add(parser: ArgumentParser) -> None:
    """It takes what is kept: runs of so many days, or so many runs."""
    parser.add_argument("--keep-days", metavar="DAYS", type=days, help="remove runs that are older")
    parser.add_argument("--keep", metavar="N", type=_count, help="remove all but the N latest runs")
    parser.add_argument("--dry-run", action="store_true", help="only say which runs there are to remove")
    parser.epilog = "With both, a run is kept for either reason. A run that goes on is never removed."
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    days, keep = arguments.keep_days, arguments.keep
    if days is None and keep is None:
        raise UsageError("say what is kept: --keep-days DAYS, --keep N, or both")
    folder = folder_of(arguments)
    if not (folder / NAME).exists():
        write(["no run is on record yet"])
        return 0
    before = inf if days is None else time.time() - days * _DAY
    done = expire(folder, before=before, keep=keep or 0, dry_run=arguments.dry_run)
    write([*(f"  {visible(run)}" for run in done.runs), _said(done, dry_run=arguments.dry_run)])
    return 0


def _said(done: Removed, *, dry_run: bool) -> str:
    runs = f"{len(done.runs):,} run{'' if len(done.runs) == 1 else 's'}"
    if dry_run or not done.runs:
        return f"{runs} to remove" if dry_run else f"{runs} removed"
    return f"{runs} removed, with {done.contents:,} texts that no other run has; {done.bytes / 1e6:,.1f} MB given back"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number of runs; give a whole number from 0, such as 50")
    return int(text[:9])
