"""``genaiops report``: the report of a run on record, as a page, Markdown or JSON."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pytest_genaiops.cli.output import write
from pytest_genaiops.cli.project import add_rootdir, project_of
from pytest_genaiops.dataset.text import place, quoted
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report import files
from pytest_genaiops.report.markdown import page
from pytest_genaiops.runs import Run


def add(parser: ArgumentParser) -> None:
    """The run, and the files."""
    named = "id of a run, the beginning of one, latest (default) or latest~1; `genaiops runs list` names them"
    parser.add_argument("run_id", metavar="RUN", nargs="?", default="latest", help=named)
    ends = f"what it is is told by its end: {', '.join(files.SUFFIXES)}"
    parser.add_argument(
        "-o",
        dest="outputs",
        metavar="FILE",
        action="append",
        default=[],
        help=f"file to write; {ends}; may be given repeatedly (default: Markdown to standard output)",
    )
    add_rootdir(parser)
    parser.set_defaults(run=_report)


def _report(arguments: Namespace) -> int:
    for output in arguments.outputs:
        if Path(output).suffix.lower() not in files.SUFFIXES:
            raise UsageError(f"-o {quoted(output)}: a report is a file whose name ends in {', '.join(files.SUFFIXES)}")
    project = project_of(arguments)
    run = Run.open(arguments.run_id, root=project.root, folder=project.settings.folder)
    document = run.document(prices=project.prices)
    for output in arguments.outputs:
        path = Path(output)
        shown = place(path.absolute(), Path.cwd())
        files.write(document, path, shown=shown)
        write([f"report: {shown}"])
    if not arguments.outputs:
        write(page(document).splitlines())
    return 0
