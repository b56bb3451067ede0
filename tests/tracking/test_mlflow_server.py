"""What arrives in a real MLflow server on SQLite, read back; and that nothing is lost or there twice.

Minutes long: ``nox -s mlflow`` has what it needs.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest
from documents import HOSTILE, example, filled

from pytest_genaiops import Run
from pytest_genaiops.adapters.mlflow import SENT, deliver, push, send
from pytest_genaiops.adapters.mlflow_entries import Entry, entries_of
from pytest_genaiops.adapters.mlflow_spool import keep, parcel_of, waiting
from pytest_genaiops.errors import UsageError
from pytest_genaiops.report.document import Document

here = find_spec("mlflow")
if here is None or here.origin is None:
    pytest.skip("MLflow is not installed; nox -s mlflow has it", allow_module_level=True)

PATIENCE = 240
"""Seconds until a server answers that sets its database up; 27 on an idle machine with two cores."""
SERVER = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else it starts processes that nothing here needs
}
FILES: dict[str, Path | str] = {"report.html": "<p>Failed</p>\n", "report.md": "# Failed\n", "report.json": "{}\n"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--backend-store-uri",
        f"sqlite:///{folder}/runs.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
            *options,
        ],
        env={**os.environ, **SERVER},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + PATIENCE
        while not is_up(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its data is thrown away
        process.wait()
        log.close()


def is_up(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def client(server: str) -> Any:
    import mlflow

    return mlflow.MlflowClient(tracking_uri=server)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


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


class TestArrival:
    def test_everything_is_there_field_by_field(self, server: str, client: Any) -> None:
        document = report(example(cases=6, variants=3, metrics=4, context=200))
        found = deliver_to(server, document)
        assert found.sentence == f"MLflow: run {found.run_id} in 'hello' at {server}"
        check(client, document)
        assert client.get_run(found.run_id).data.tags["genaiops.run"] == document.run.id
        assert waiting(Path(".genaiops")) == []

    def test_a_run_is_found_by_verdict_and_commit(self, server: str, client: Any) -> None:
        document = report(example(cases=6, variants=3, metrics=4, context=200))
        run_id = deliver_to(server, document, "verdicts").run_id
        ids = [client.get_experiment_by_name("verdicts").experiment_id]
        asked = "tags.`genaiops.outcome` = 'failed' and tags.`mlflow.source.git.commit` like '4f1c%'"
        parents = client.search_runs(ids, f"{asked} and tags.`genaiops.part` = 'session'")
        assert [run.info.run_id for run in parents] == [run_id]
        nested = client.search_runs(ids, f"tags.`mlflow.parentRunId` = '{run_id}' and params.variant = 'v2'")
        assert {run.data.params["parameter.temperature"] for run in nested} == {"0.2"}

    def test_sent_twice_it_is_there_once(self, server: str, client: Any) -> None:
        document = report()
        first, again = deliver_to(server, document), deliver_to(server, document)
        assert first.run_id == again.run_id
        check(client, document)

    def test_more_than_one_request_takes(self, server: str, client: Any) -> None:
        """1 000 metrics, 100 params, 100 tags and a million bytes are the most that one may hold."""
        document = small()
        suite = document.suites[0]
        scores = [replace(suite.scores[0], slice=f"{'大' * 90}={number}", value=None) for number in range(110)]
        parameters = {f"option {number}": "大" * 6_000 for number in range(110)}
        variant = replace(suite.variants[0], parameters=parameters)
        reasons = {"大" * 8_000: 1}
        many = replace(suite, scores=[replace(score, reasons=reasons) for score in scores], variants=(variant,))
        document = replace(document, suites=(many,))
        assert len(entries_of(document)[1].tags) > 100
        assert deliver_to(server, document).run_id is not None
        check(client, document)

    def test_hostile_text_arrives_as_text(self, server: str, client: Any) -> None:
        plain = example(cases=2, variants=1, metrics=1, context=20)
        for text in ("x" * 300, "long " * 4_000):
            document = report(filled(text, plain))
            assert deliver_to(server, document, text[:100]).run_id is not None
            check(client, document, text[:100])
        suites = tuple(filled(text, plain).suites[0] for text in HOSTILE)
        document = report(replace(plain, suites=suites))
        assert deliver_to(server, document, "hostile").run_id is not None
        check(client, document, "hostile")

    def test_straight_into_a_database(self, tmp_path: Path) -> None:
        import mlflow

        uri, document = f"sqlite:///{tmp_path}/own.db", small()
        assert deliver_to(uri, document).run_id is not None
        check(mlflow.MlflowClient(tracking_uri=uri), document)

    def test_a_deleted_experiment_is_named(self, server: str, client: Any) -> None:
        client.delete_experiment(client.create_experiment("gone"))
        found = deliver_to(server, small(), "gone")
        assert "the experiment 'gone' is deleted; restore it, or name another one" in found.sentence
        assert len(waiting(Path(".genaiops"))) == 1


def failing(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> list[str]:
    """Have the process end at a request of MLflow's client: before the server hears of it, or after it has acted."""
    import requests

    original, asked = requests.Session.request, []

    def request(self: Any, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        asked.append(url)
        if len(asked) == at and not after:
            raise KeyboardInterrupt
        answer = original(self, method, url, *arguments, **options)
        if len(asked) == at:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    return asked


class TestNothingIsLost:
    def test_a_server_that_is_down(self, server: str, client: Any) -> None:
        document = small()
        began = time.monotonic()
        found = deliver_to("http://127.0.0.1:9", document)
        assert time.monotonic() - began < 60
        assert found.run_id is None
        assert re.fullmatch(
            r"MLflow: http://127\.0\.0\.1:9: the server does not answer: ConnectionRefusedError: \[Errno \d+\] [\w ]+; "
            rf"it waits in \.genaiops/mlflow/{document.run.id} for: genaiops mlflow push",
            found.sentence,
        )
        (sent,) = push(Path(".genaiops"), uri=server, otherwise=None, experiment=None)
        assert sent.sentence == f"{document.run.id}: run {sent.run_id} in 'hello' at {server}"
        check(client, document)
        assert list(push(Path(".genaiops"), uri=server, otherwise=None, experiment=None)) == []

    def test_a_dead_server_is_asked_once(self) -> None:
        for _ in range(3):
            keep(parcel_of(report(), FILES, uri="http://127.0.0.1:9", experiment="hello"), Path(".genaiops"))
        first, *rest = [each.sentence for each in push(Path(".genaiops"), uri=None, otherwise=None, experiment=None)]
        assert "does not answer" in first
        assert [sentence.partition(": ")[2] for sentence in rest] == [
            "waits on, since http://127.0.0.1:9 was not reached"
        ] * 2
        assert len(waiting(Path(".genaiops"))) == 3

    def test_a_bad_one_keeps_none_of_the_others(self, server: str, client: Any) -> None:
        documents = [small(), small()]
        for document in documents:
            keep(parcel_of(document, FILES, uri=server, experiment="hello"), Path(".genaiops"))
        broken = Path(".genaiops/mlflow") / min(document.run.id for document in documents)
        (broken / "entries.json").write_text("{")
        found = list(push(Path(".genaiops"), uri=None, otherwise=None, experiment=None))
        assert [each.run_id is None for each in found] == [True, False]
        assert "this cannot be sent" in found[0].sentence
        assert waiting(Path(".genaiops")) == [broken]

    @pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("at", range(1, 30, 4))
    def test_ended_at_any_request(
        self, at: int, after: bool, server: str, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = small()
        with monkeypatch.context() as patched:
            failing(patched, at, after=after)
            with pytest.raises(KeyboardInterrupt):
                deliver_to(server, document)
        assert [path.name for path in waiting(Path(".genaiops"))] == [document.run.id]
        (sent,) = push(Path(".genaiops"), uri=None, otherwise=None, experiment=None)
        assert sent.run_id is not None
        check(client, document)
        assert waiting(Path(".genaiops")) == []

    def test_a_request_that_was_made_twice(self, server: str, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """As where its answer is late, and it is tried again."""
        import requests

        original = requests.Session.request

        def request(self: Any, method: str, url: str, *arguments: Any, **options: Any) -> Any:
            if url.endswith("/runs/create"):
                original(self, method, url, *arguments, **options)
            return original(self, method, url, *arguments, **options)

        document = small()
        with monkeypatch.context() as patched:
            patched.setattr(requests.Session, "request", request)
            deliver_to(server, document)
        check(client, document)

    def test_killed(self, server: str, client: Any) -> None:
        document = report(example(cases=2, variants=6, metrics=5, context=20))
        keep(parcel_of(document, FILES, uri=server, experiment="killed"), Path(".genaiops"))
        with subprocess.Popen([*COMMAND, "mlflow", "push"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            until = time.monotonic() + PATIENCE
            while not begun(client, document, "killed"):
                assert time.monotonic() < until
                assert process.poll() is None
            process.kill()
        assert len(waiting(Path(".genaiops"))) == 1
        (sent,) = push(Path(".genaiops"), uri=None, otherwise=None, experiment=None)
        assert sent.run_id is not None
        check(client, document, "killed")


COMMAND = [sys.executable, "-c", "import sys; from pytest_genaiops.cli import main; sys.exit(main())"]


def begun(client: Any, document: Document, experiment: str) -> bool:
    return client.get_experiment_by_name(experiment) is not None and len(runs_of(client, document, experiment)) > 1


class Garbage(BaseHTTPRequestHandler):
    """Some other program."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(b"<html>\x1b[31mnot MLflow")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


class TestOtherServers:
    @pytest.mark.parametrize("status", [200, 401, 404, 500])
    def test_what_is_no_mlflow(self, status: int) -> None:
        with ThreadingHTTPServer(("127.0.0.1", 0), Garbage) as other:
            other.status = status  # type: ignore[attr-defined]
            threading.Thread(target=other.serve_forever, daemon=True).start()
            found = deliver_to(f"http://127.0.0.1:{other.server_port}", small())
            other.shutdown()
        assert found.run_id is None
        assert "the server does not answer" in found.sentence or "did not take the run" in found.sentence
        assert found.sentence.isprintable()
        assert len(waiting(Path(".genaiops"))) == 1

    def test_one_that_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            began = time.monotonic()
            found = deliver_to(f"http://127.0.0.1:{silent.getsockname()[1]}", small())
        assert time.monotonic() - began < 60
        assert "the server does not answer" in found.sentence

    @pytest.mark.parametrize("uri", ["nonsense://host", "http://", "http://127.0.0.1:99999", "http://a b"])
    def test_no_server_at_all(self, uri: str) -> None:
        found = deliver_to(uri, small())
        assert found.run_id is None
        assert found.sentence.startswith(f"MLflow: {uri}")

    def test_too_slow(self, server: str, client: Any) -> None:
        document = small()
        parcel = parcel_of(document, FILES, uri=server, experiment="hello")
        with pytest.raises(UsageError, match="the server is too slow; what is there already is completed by the next"):
            send(parcel, uri=server, experiment="hello", seconds=0)
        send(parcel, uri=server, experiment="hello")
        check(client, document)


class TestSessions:
    def test_a_session_is_reported_with_its_record(self, server: str, client: Any, tmp_path: Path) -> None:
        write_suite(tmp_path)
        done = run_suite(f"--genaiops-mlflow={server}")
        assert done.returncode == 1
        (line,) = [line for line in done.stdout.splitlines() if "MLflow" in line]
        run_id = re.fullmatch(rf"MLflow: run (\w+) in 'shop' at {re.escape(server)}", line)
        assert run_id is not None
        assert "View run" not in done.stdout + done.stderr
        document = Run.open("latest").document()
        assert document.run.id == client.get_run(run_id[1]).data.tags["genaiops.run"]
        assert client.get_run(run_id[1]).data.tags["genaiops.outcome"] == "failed"
        nested = client.search_runs(
            [client.get_experiment_by_name("shop").experiment_id], f"tags.`mlflow.parentRunId` = '{run_id[1]}'"
        )
        assert {run.data.params["variant"]: run.data.metrics["exact_match"] for run in nested} == {"v1": 1.0, "v2": 0.5}
        assert {each.path for each in client.list_artifacts(run_id[1])} == {"report.html", "report.md"}
        report = Path(client.download_artifacts(run_id[1], "report.md")).read_text(encoding="utf-8")
        assert "test_hours" in report

    def test_a_recorded_run_is_sent_later_as_the_same_run(self, server: str, client: Any, tmp_path: Path) -> None:
        write_suite(tmp_path)
        assert run_suite().returncode == 1
        command = [*COMMAND, "mlflow", "push", "--run", "latest", "--uri", server]
        first = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert first == again
        assert first.startswith("MLflow: run ")

    def test_a_session_whose_server_is_down(self, server: str, client: Any, tmp_path: Path) -> None:
        write_suite(tmp_path)
        done = run_suite("--genaiops-mlflow=http://127.0.0.1:9")
        assert done.returncode == 1
        assert "genaiops mlflow push" in done.stdout
        sent = subprocess.run([*COMMAND, "mlflow", "push", "--uri", server], capture_output=True, text=True, check=True)
        assert sent.stdout.endswith("nothing waits\n")
        assert len(runs_of(client, Run.open("latest").document(), "shop")) == 3


def write_suite(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\ngenaiops_mlflow_experiment = shop\n")
    (folder / "datasets").mkdir()
    rows = '{"id": "a", "reference": "nine"}\n{"id": "b", "reference": "ten"}\n'
    (folder / "datasets/hours.jsonl").write_text(rows)
    (folder / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def target():\n"
        "    return lambda case, variant: case.reference if variant.id == 'v1' else 'nine'\n"
    )
    (folder / "test_hours.py").write_text(
        "import pytest\n"
        "@pytest.mark.genaiops(dataset='hours', variants=['v1', 'v2'])\n"
        "def test_hours(responses, exact_match):\n"
        "    assert exact_match(responses) >= 0.9\n"
    )


def run_suite(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"})


class TestQuiet:
    def test_the_command_says_its_own_words_alone(self, server: str) -> None:
        document = small()
        keep(parcel_of(document, FILES, uri=server, experiment="hello"), Path(".genaiops"))
        done = subprocess.run([*COMMAND, "mlflow", "push"], capture_output=True, text=True, check=True)
        (sent, nothing) = done.stdout.splitlines()
        assert sent.startswith(f"{document.run.id}: run ")
        assert nothing == "nothing waits"
        assert done.stderr == ""

    def test_nobody_else_is_told(self, server: str, tmp_path: Path) -> None:
        document = small()
        keep(parcel_of(document, FILES, uri=server, experiment="hello"), Path(".genaiops"))
        (tmp_path / "watched.py").write_text(
            "import os, socket, sys\n"
            "connect = socket.socket.connect\n"
            "def watched(self, address):\n"
            "    os.write(2, f'{address[0]}\\n'.encode())\n"
            "    return connect(self, address)\n"
            "socket.socket.connect = watched\n"
            "from pytest_genaiops.cli import main\n"
            "sys.exit(main())\n"
        )
        done = subprocess.run(
            [sys.executable, "watched.py", "mlflow", "push"], capture_output=True, text=True, check=True
        )
        assert set(done.stderr.split()) == {"127.0.0.1"}
