"""Reports for a real MLflow server, and what it has of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from documents import example

from pytest_genaiops.adapters.mlflow import SENT, deliver
from pytest_genaiops.adapters.mlflow_entries import Entry, entries_of
from pytest_genaiops.report.document import Document

PATIENCE = 240
"""Seconds until a server answers that sets its database up; 27 on an idle machine with two cores."""
FILES: dict[str, Path | str] = {"report.html": "<p>Failed</p>\n", "report.md": "# Failed\n", "report.json": "{}\n"}
COMMAND = [sys.executable, "-c", "import sys; from pytest_genaiops.cli import main; sys.exit(main())"]


def report(document: Document | None = None) -> Document:
    """A report under a run id of its own, of datasets that the server does not know yet."""
    document = document or example(cases=4, variants=2, metrics=2, context=100)
    suites = tuple(replace(suite, dataset_hash=f"sha256:{uuid4().hex}") for suite in document.suites)
    return replace(document, run=replace(document.run, id=uuid4().hex), suites=suites)


def small() -> Document:
    found = report()
    return replace(found, suites=found.suites[:1])


def deliver_to(uri: str, document: Document, experiment: str = "hello") -> Any:
    return deliver(document, FILES, folder=Path(".genaiops"), uri=uri, experiment=experiment)


def runs_of(client: Any, document: Document, experiment: str = "hello") -> dict[str, list[Any]]:
    """Part -> the runs that the server has of it."""
    found: dict[str, list[Any]] = {}
    ids = [client.get_experiment_by_name(experiment).experiment_id]
    for run in client.search_runs(ids, f"tags.`genaiops.run` = '{document.run.id}'"):
        found.setdefault(run.data.tags["genaiops.part"], []).append(run)
    return found


def check(client: Any, document: Document, experiment: str = "hello") -> None:
    """Everything of the report is in the server, once."""
    entries, found = entries_of(document), runs_of(client, document, experiment)
    assert {part: len(runs) for part, runs in found.items()} == {entry.part: 1 for entry in entries}
    parent = found["session"][0].info.run_id
    for entry in entries:
        run = client.get_run(found[entry.part][0].info.run_id)
        own = {SENT: "yes"} if entry.part == "session" else {"mlflow.parentRunId": parent}
        check_run(client, run, entry, own)
        names = FILES if entry.part == "session" else entry.texts
        artifacts = {each.path: read(client, run, each.path) for each in client.list_artifacts(run.info.run_id)}
        assert artifacts == {name: str(text).encode("utf-8", "backslashreplace") for name, text in names.items()}


def check_run(client: Any, run: Any, entry: Entry, own: dict[str, str]) -> None:
    assert run.info.run_name == entry.name
    assert run.info.status == entry.status
    assert (run.info.start_time, run.info.end_time) == (entry.started, entry.ended)
    assert run.data.params == entry.params
    assert run.data.metrics == entry.metrics
    added = {"mlflow.runName"}
    assert {name: value for name, value in run.data.tags.items() if name not in added} == {**entry.tags, **own}
    for name in entry.metrics:
        assert len(client.get_metric_history(run.info.run_id, name)) == 1
        if name.endswith(".n"):  # each takes a request
            break
    given = [each.dataset for each in run.inputs.dataset_inputs]
    assert [(each.name, each.digest, each.source, each.profile) for each in given] == (
        [tuple(entry.dataset[name] for name in ("name", "digest", "source", "profile"))] if entry.dataset else []
    )


def read(client: Any, run: Any, path: str) -> bytes:
    return Path(client.download_artifacts(run.info.run_id, path)).read_bytes()


def begun(client: Any, document: Document, experiment: str) -> bool:
    return client.get_experiment_by_name(experiment) is not None and len(runs_of(client, document, experiment)) > 1
