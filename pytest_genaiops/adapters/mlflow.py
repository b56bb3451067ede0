"""Runs in an MLflow tracking server: one for each session, and nested in it one for each variant; nothing twice.

What is to be sent is written down first (``mlflow_spool.py``), and taken away when the server has all of it: a server
that is down, and a process that is killed, lose nothing.
"""

from __future__ import annotations

import io
import json
import os
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from pytest_genaiops.adapters.mlflow_entries import Entry
from pytest_genaiops.adapters.mlflow_spool import FOLDER, Parcel, alone, keep, load, parcel_of, remove, tidy, waiting
from pytest_genaiops.adapters.values import said
from pytest_genaiops.clients.secrets import without_secrets
from pytest_genaiops.dataset.text import place, printable, quoted
from pytest_genaiops.errors import ExtraMissingError, UsageError
from pytest_genaiops.extras import require
from pytest_genaiops.report.document import Document
from pytest_genaiops.run.guard import attempt

EXTRA = "mlflow"
EXPERIMENT = "pytest-genaiops"
"""Where a project has no name."""
SECONDS = 60.0
"""That a session spends on sending; the rest of what it has waits for ``genaiops mlflow push``."""
SENT = "genaiops.sent"
"""The tag of a parent run that is there as a whole."""

_ALWAYS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
}
_UNLESS_SET = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""MLflow's own are 120 seconds and 7 retries, for each of many requests."""
_BATCHES = {"metrics": 1_000, "params": 100, "tags": 100}
"""What one request may hold, in entities …"""
_BATCH_BYTES = 900_000
"""… and in bytes of JSON, of which MLflow takes a million."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a report."""

    sentence: str
    """For people: where it is, or why not and what is to be done."""
    run_id: str | None = None
    """MLflow's id of the parent run; None where it has not arrived."""


def deliver(
    document: Document, files: Mapping[str, Path | str], *, folder: Path, uri: str, experiment: str
) -> Delivery:
    """Send a report at the end of a session, and keep it in ``folder`` (``.genaiops``) until it has arrived.

    ``files`` are rendered reports: name -> file or text. Whatever goes wrong is in the sentence; nothing is raised.
    """
    trouble, path = "", folder / FOLDER / document.run.id
    try:
        parcel = parcel_of(document, files, uri=uri, experiment=experiment)
    except UsageError as error:
        return Delivery(sentence=f"MLflow: {error}")
    try:
        path = keep(parcel, folder)
    except UsageError as error:
        trouble = f"; {error}"
    later = trouble or f"; it waits in {place(path, Path.cwd())} for: genaiops mlflow push"
    with alone(path) as free:
        if not free:
            return Delivery(sentence=f"MLflow: somebody else sends this run at this moment{later}")
        try:
            run_id = send(parcel, uri=uri, experiment=experiment)
        except UsageError as error:
            return Delivery(sentence=f"MLflow: {error}{later}")
        remove(path)
    return Delivery(sentence=f"MLflow: run {run_id} in {quoted(experiment)} at {shown(uri)}", run_id=run_id)


def push(folder: Path, *, uri: str | None, otherwise: str | None, experiment: str | None) -> Iterator[Delivery]:
    """Send everything that waits in ``folder`` (``.genaiops``), and take away what has arrived.

    Each goes to ``uri``, else to the server that its session named, else to ``otherwise``; and to ``experiment``, else
    to the one that it was meant for. What cannot be read or sent is told of and stays; a server that is not reached
    once is not asked again.

    Raises:
        ExtraMissingError: MLflow is not installed.
    """
    tidy(folder)
    dead: set[str] = set()
    for path in waiting(folder):
        with alone(path) as free:
            if not free:
                yield Delivery(sentence=f"{path.name}: somebody else sends it at this moment")
            elif path.exists():  # or somebody else has just sent it
                try:
                    yield _pushed(path, (uri, otherwise), experiment, dead)
                except ExtraMissingError:
                    raise
                except UsageError as error:
                    yield Delivery(sentence=str(error))


def _pushed(path: Path, uris: tuple[str | None, str | None], experiment: str | None, dead: set[str]) -> Delivery:
    parcel = load(path)
    to, chosen = uris[0] or parcel.uri or uris[1], experiment or parcel.experiment
    if not to:
        raise UsageError(f"{parcel.run}: nothing says which server it goes to; give --uri, or set MLFLOW_TRACKING_URI")
    if to in dead:
        raise UsageError(f"{parcel.run}: waits on, since {shown(to)} was not reached")
    try:
        run_id = send(parcel, uri=to, experiment=chosen, seconds=SECONDS)
    except _UnreachedError as error:
        dead.add(to)
        raise UsageError(f"{parcel.run}: {error}") from None
    except ExtraMissingError:
        raise
    except UsageError as error:
        raise UsageError(f"{parcel.run}: {error}") from None
    remove(path)
    return Delivery(sentence=f"{parcel.run}: run {run_id} in {quoted(chosen)} at {shown(to)}", run_id=run_id)


def send(parcel: Parcel, *, uri: str, experiment: str, seconds: float = SECONDS) -> str:
    """Bring a report to a tracking server, and give MLflow's id of its parent run.

    What is there already is found by its tag ``genaiops.run`` and completed: sent twice, it is there once. No request
    takes longer than 10 seconds, tried twice, where ``MLFLOW_HTTP_REQUEST_…`` say nothing else.

    Raises:
        ExtraMissingError: MLflow is not installed.
        UsageError: the server is not reached or refuses, or ``seconds`` have passed; nothing of ours is lost.
    """
    until = time.monotonic() + seconds
    with _unheard(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        run_id, error = attempt(_sent, require("mlflow", EXTRA), parcel, (uri, experiment), until)
    if isinstance(error, UsageError):
        raise type(error)(f"{shown(uri)}: {error}") from None
    if error is not None:
        raise UsageError(f"{shown(uri)} did not take the run: {said(error)}") from None
    return str(run_id)


def tracking_uri(given: str, root: Path) -> str:
    """Where runs go: what the project says, else ``MLFLOW_TRACKING_URI``.

    What is relative in ``sqlite:///`` is so to the project, as other paths of its configuration, and not to the working
    directory. Raises UsageError where nothing says it.
    """
    uri = given.strip() or os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    if not uri:
        mend = "write --genaiops-mlflow=http://…, or set genaiops_mlflow or MLFLOW_TRACKING_URI"
        raise UsageError(f"nothing says which MLflow server runs go to; {mend}")
    prefix, name = "sqlite:///", given.strip().removeprefix("sqlite:///")
    if given.strip().startswith(prefix) and not Path(name).is_absolute():
        return prefix + (root / name).as_posix()
    return uri


def default_experiment(root: Path) -> str:
    """``MLFLOW_EXPERIMENT_NAME``, else the name in ``pyproject.toml``, else ``pytest-genaiops``.

    The folder's name would tell machines apart: in one pipeline it is ``s``, in another one ``work``.
    """
    named = os.environ.get("MLFLOW_EXPERIMENT_NAME", "").strip()
    if named:
        return named
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("project")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return EXPERIMENT
    name = project.get("name") if isinstance(project, Mapping) else None
    return name if isinstance(name, str) and name.strip() else EXPERIMENT


def shown(uri: str) -> str:
    """A tracking URI as messages show it, without a password."""
    return printable(without_secrets(uri))


class _UnreachedError(UsageError):
    """A server that did not answer the first question."""


@contextmanager
def _unheard() -> Iterator[None]:
    """MLflow tells nobody that it is used, prints nothing, and waits no minutes; afterwards all is as it was before."""
    chosen = {**{name: value for name, value in _UNLESS_SET.items() if name not in os.environ}, **_ALWAYS}
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _sent(mlflow: Any, parcel: Parcel, where: tuple[str, str], until: float) -> str:
    uri, experiment = where
    client = mlflow.MlflowClient(tracking_uri=uri)
    server = _Server(client, mlflow.entities, _experiment(client, mlflow, experiment), parcel.run, until)
    parent, *nested = parcel.entries
    (top,) = server.runs([parent], {}).values()
    if top.data.tags.get(SENT) == "yes":
        return str(top.info.run_id)
    tags = {"mlflow.parentRunId": top.info.run_id}
    found = server.runs(nested, tags)
    for entry in nested:
        server.fill(found[entry.part].info.run_id, entry, tags)
    server.upload(top.info.run_id, parcel.files)
    server.fill(top.info.run_id, parent, {})
    client.set_tag(top.info.run_id, SENT, "yes")
    return str(top.info.run_id)


def _experiment(client: Any, mlflow: Any, name: str) -> str:
    """The id of an experiment, which is made where there is none. Raises UsageError for a deleted one."""
    found, error = attempt(client.get_experiment_by_name, name)
    if error is not None:
        raise _UnreachedError(f"the server does not answer: {said(_first(error))}")
    if found is None:
        made, error = attempt(client.create_experiment, name)
        if error is None:
            return str(made)
        found = client.get_experiment_by_name(name)  # another session may have been faster
        if found is None:
            raise error
    if found.lifecycle_stage == mlflow.entities.LifecycleStage.DELETED:
        raise UsageError(f"the experiment {quoted(name)} is deleted; restore it, or name another one")
    return str(found.experiment_id)


def _first(error: BaseException) -> BaseException:
    """What the network or the system said, where that stands behind the error; MLflow wraps it in three others."""
    inner = error
    while (earlier := inner.__cause__ or inner.__context__) is not None:
        inner = earlier
    return inner if isinstance(inner, OSError) else error


class _Server:
    """What is asked of a tracking server about one of our runs."""

    def __init__(self, client: Any, entities: Any, experiment: str, run: str, until: float) -> None:
        self._client = client
        self._entities = entities
        self._experiment = experiment
        self._run = run
        self._until = until

    def runs(self, entries: Sequence[Entry], tags: Mapping[str, str]) -> dict[str, Any]:
        """Part -> the run of MLflow, made where there is none."""
        found = self._found()
        missing = [entry for entry in entries if entry.part not in found]
        for entry in missing:
            self._check()
            own = {name: value for name, value in entry.tags.items() if name in ("genaiops.run", "genaiops.part")}
            found[entry.part] = self._client.create_run(
                self._experiment, start_time=entry.started, tags={**own, **tags}, run_name=entry.name
            )
        if missing:  # a request that was answered too late may have been made twice
            found |= self._found()
        return {entry.part: found[entry.part] for entry in entries}

    def _found(self) -> dict[str, Any]:
        """Runs of ours that the server has, one for each part; others of the same part are deleted."""
        several: dict[str, list[Any]] = {}
        token = None
        while True:
            self._check()
            page = self._client.search_runs(
                [self._experiment], f"tags.`genaiops.run` = '{self._run}'", page_token=token
            )
            for run in page:
                several.setdefault(run.data.tags.get("genaiops.part", ""), []).append(run)
            token = page.token
            if not token:
                break
        found = {}
        for part, runs in several.items():
            # Whole ones first; else whoever sends at the same time keeps the same one.
            found[part], *rest = sorted(runs, key=lambda run: (SENT not in run.data.tags, run.info.run_id))
            for run in rest:
                self._client.delete_run(run.info.run_id)
        return found

    def fill(self, run_id: str, entry: Entry, tags: Mapping[str, str]) -> None:
        """Log everything that an entry has, and end its run; what is there already stays as it is."""
        make = self._entities
        metrics = [make.Metric(name, value, entry.started, 0) for name, value in entry.metrics.items()]
        params = [make.Param(name, value) for name, value in entry.params.items()]
        labels = [make.RunTag(name, value) for name, value in {**entry.tags, **tags}.items()]
        for kind, entities in (("params", params), ("tags", labels), ("metrics", metrics)):
            for batch in batches(entities, _BATCHES[kind], size=lambda each: len(json.dumps([*vars(each).values()]))):
                self._check()
                self._client.log_batch(run_id, **{kind: batch}, synchronous=True)
        self._input(run_id, entry)
        self.upload(run_id, entry.texts)
        self._check()
        self._client.set_terminated(run_id, entry.status, entry.ended)

    def upload(self, run_id: str, files: Mapping[str, Path | str]) -> None:
        """Log files, or texts, as artifacts of these names."""
        with TemporaryDirectory() as folder:
            for name, content in files.items():
                self._check()
                path = content
                if not isinstance(path, Path):
                    path = Path(folder) / name
                    path.write_text(str(content), encoding="utf-8", errors="backslashreplace", newline="\n")
                self._client.log_artifact(run_id, str(path))

    def _input(self, run_id: str, entry: Entry) -> None:
        if entry.dataset:
            make = self._entities
            given = make.Dataset(source_type="genaiops", schema=None, **entry.dataset)
            context = make.InputTag("mlflow.data.context", "evaluation")
            self._check()
            self._client.log_inputs(run_id, [make.DatasetInput(given, [context])])

    def _check(self) -> None:
        if time.monotonic() > self._until:
            raise UsageError("the server is too slow; what is there already is completed by the next push")


def batches(items: Iterable[T], most: int, *, size: Callable[[T], int]) -> Iterator[list[T]]:
    """The items in order, at most ``most`` and 900 kB of JSON in a batch; one that is larger stands alone."""
    batch: list[T] = []
    total = 0
    for item in items:
        length = size(item)
        if batch and (len(batch) == most or total + length > _BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += length
    if batch:
        yield batch
