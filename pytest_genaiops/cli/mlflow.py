"""``genaiops mlflow``: sends what waits for a tracking server, and runs that are on record."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pytest_genaiops.cli.output import complain, write
from pytest_genaiops.cli.project import Project, add_rootdir, project_of
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.files import rendered
from pytest_genaiops.report.listing import table
from pytest_genaiops.report.text import visible
from pytest_genaiops.runs import Run

WAITING = 1
ADAPTER = "pytest_genaiops.adapters.mlflow"
SPOOL = "pytest_genaiops.adapters.mlflow_spool"


def add(parser: ArgumentParser) -> None:
    """The action ``push``."""
    actions = parser.add_subparsers(title="actions", metavar="<action>")
    about = "send what sessions could not send, or say what waits"
    ends = "Exits with 0 where nothing waits any more, with 1 where something does."
    push = actions.add_parser("push", help=about, description=f"{about.capitalize()}. {ends}")
    push.add_argument("--list", action="store_true", help="only say what waits")
    recorded = "send this run of the record instead, such as latest; may be given repeatedly"
    push.add_argument("--run", metavar="RUN", dest="recorded", action="append", help=recorded)
    push.add_argument("--uri", help="the tracking server (default: the one that the session named)")
    push.add_argument("--experiment", metavar="NAME", help="the experiment (default: the one that the session named)")
    push.set_defaults(run=_push)
    add_rootdir(push)


def _push(arguments: Namespace) -> int:
    project = project_of(arguments)
    folder = project.root / project.settings.folder
    if arguments.list:
        return _list(folder)
    adapter: Any = import_module(ADAPTER)
    deliveries = _recorded(arguments, adapter, project) if arguments.recorded else _waiting(arguments, adapter, project)
    left = 0
    for delivery in deliveries:
        if delivery.run_id is None:
            left += 1
            complain(delivery.sentence)
        else:
            write([delivery.sentence])
    if not left and not arguments.recorded:
        write(["nothing waits"])
    return WAITING if left else 0


def _waiting(arguments: Namespace, adapter: Any, project: Project) -> Iterator[Any]:
    """Send what sessions have left."""
    otherwise = _otherwise(adapter, project)
    folder = project.root / project.settings.folder
    yield from adapter.push(folder, uri=arguments.uri, otherwise=otherwise, experiment=arguments.experiment)


def _recorded(arguments: Namespace, adapter: Any, project: Project) -> Iterator[Any]:
    """Send runs that are on record."""
    settings, keys = project.settings, project.keys
    uri = arguments.uri or adapter.tracking_uri(str(keys.get("genaiops_mlflow") or ""), project.root)
    named = arguments.experiment or keys.get("genaiops_mlflow_experiment")
    for name in arguments.recorded:
        run = Run.open(name, root=project.root, folder=settings.folder)
        document = run.document(prices=project.prices)
        yield adapter.deliver(
            document,
            {f"report{suffix}": "".join(rendered(document, suffix)) for suffix in (".html", ".md")},
            folder=project.root / settings.folder,
            uri=uri,
            experiment=str(named or adapter.default_experiment(project.root)),
        )


def _list(folder: Path) -> int:
    spool: Any = import_module(SPOOL)
    rows, paths = [], spool.waiting(folder)
    for path in paths:
        try:
            parcel = spool.load(path)
        except UsageError as error:
            complain(str(error))
        else:
            rows.append((parcel.run, visible(parcel.experiment), visible(parcel.uri) or "-"))
    write(table(rows, head=("run", "experiment", "server")) if rows else [] if paths else ["nothing waits"])
    return WAITING if paths else 0


def _otherwise(adapter: Any, project: Project) -> str | None:
    """Where runs go whose session named a server with a password, which is not kept."""
    named = str(project.keys.get("genaiops_mlflow") or "")
    if not named and not os.environ.get("MLFLOW_TRACKING_URI"):
        return None
    return str(adapter.tracking_uri(named, project.root))
