"""What arrives in a real MLflow server on SQLite, read back.

Minutes long: ``nox -s mlflow`` has what it needs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from documents import HOSTILE, example, filled
from tracking_help import COMMAND, FILES, check, deliver_to, report, runs_of, small

from pytest_genaiops import Run
from pytest_genaiops.adapters.mlflow_entries import entries_of
from pytest_genaiops.adapters.mlflow_spool import keep, parcel_of, waiting

here = find_spec("mlflow")
if here is None or here.origin is None:
    pytest.skip("MLflow is not installed; nox -s mlflow has it", allow_module_level=True)


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
