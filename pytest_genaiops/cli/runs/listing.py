"""``genaiops runs list``: which runs are on record, the newest first."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import closing

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.runs.recorded import commit, ended, moment, store_of
from pytest_genaiops.report.listing import table
from pytest_genaiops.report.text import visible
from pytest_genaiops.store import RunRow, Store

ABOUT = "list the recorded runs, the newest first"
_HEAD = ("run", "started (UTC)", "kind", "end", "commit", "suites", "variants")
_SHOWN = 20


def add(parser: ArgumentParser) -> None:
    """It takes how many runs are shown."""
    about = f"show so many at most (default: {_SHOWN}); 0 shows all"
    parser.add_argument("--limit", metavar="N", type=_count, default=_SHOWN, help=about)
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    with closing(store_of(arguments)) as store:
        runs = store.runs()
        shown = runs[: arguments.limit or None]
        rows = [_row(store, run) for run in shown]
    write(table(rows, head=_HEAD) if rows else ["no run is on record yet"])
    if len(shown) < len(runs):
        write([f"and {len(runs) - len(shown):,} older; show them with --limit 0"])
    return 0


def _row(store: Store, run: RunRow) -> tuple[str, ...]:
    suites, variants = store.names(run.id)
    kind = visible(str(run.facts.get("kind", "pytest")))
    named = ", ".join(map(visible, variants[:4])) + (f" and {len(variants) - 4} more" if len(variants) > 4 else "")
    return visible(run.id), moment(run.started), kind, ended(run), commit(run), f"{len(suites):,}", named or "-"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number of runs; give a whole number from 0, such as 50")
    return int(text[:9])
