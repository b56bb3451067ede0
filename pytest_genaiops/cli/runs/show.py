"""``genaiops runs show``: what one run found, as it was recorded."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.runs.recorded import store_of
from pytest_genaiops.report.text import visible

ABOUT = "show one run: its verdicts, scores, outcomes and spending"


def add(parser: ArgumentParser) -> None:
    """It takes the run."""
    parser.add_argument(
        "run_id",
        metavar="RUN",
        nargs="?",
        default="latest",
        help="its id, the beginning of one, or latest (default), latest~1 …",
    )
    parser.set_defaults(run=_run)


def _run(arguments: Namespace) -> int:
    with closing(store_of(arguments)) as store:
        run = store.run(arguments.run_id)
        write([visible(run.id)])
    return 0
