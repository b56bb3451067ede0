"""That nothing is lost or there twice, whatever becomes of the server or of who sends; and what is no MLflow server.

Minutes long: ``nox -s mlflow`` has what it needs.
"""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from documents import example
from tracking_help import COMMAND, FILES, PATIENCE, begun, check, deliver_to, report, small

from pytest_genaiops.adapters.mlflow import push, send
from pytest_genaiops.adapters.mlflow_spool import keep, parcel_of, waiting
from pytest_genaiops.errors import UsageError

here = find_spec("mlflow")
if here is None or here.origin is None:
    pytest.skip("MLflow is not installed; nox -s mlflow has it", allow_module_level=True)


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
