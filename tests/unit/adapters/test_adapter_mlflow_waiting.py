"""What waits for MLflow when it cannot be reached or is not installed, and what sends it later."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documents import HOSTILE, filled
from mlflow_help import DOCUMENT, RUN, URI, parcel

from pytest_genaiops import Case, Variant, evaluate
from pytest_genaiops.adapters import mlflow as adapter
from pytest_genaiops.adapters import mlflow_spool as spool
from pytest_genaiops.cli import main
from pytest_genaiops.errors import ExtraMissingError, UsageError


def absent(name: str, *_: Any) -> None:
    """As ``find_spec`` answers where nothing is installed."""


@pytest.fixture
def no_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_genaiops.extras.find_spec", absent)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return tmp_path


class TestSpool:
    def test_what_is_kept_is_read_back(self, tmp_path: Path) -> None:
        report = tmp_path / "report.html"
        report.write_text("<p>Failed")
        sent = parcel(**{"report.html": report, "report.md": "# Failed\n"})
        path = spool.keep(sent, tmp_path / ".genaiops")
        report.unlink()
        assert spool.waiting(tmp_path / ".genaiops") == [path]
        found = spool.load(path)
        assert replace(found, files={}) == replace(sent, files={})
        assert {name: Path(file).read_text() for name, file in found.files.items()} == {
            "report.html": "<p>Failed",
            "report.md": "# Failed\n",
        }
        assert (tmp_path / ".genaiops" / ".gitignore").read_text() == "*\n"

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_too(self, text: str, tmp_path: Path) -> None:
        document = filled(text)
        document = replace(document, run=replace(document.run, id="r1"))
        sent = spool.parcel_of(document, {f"{text}.md": text}, uri=URI, experiment=text)
        found = spool.load(spool.keep(sent, tmp_path))
        assert found.entries == sent.entries
        assert [Path(file).parent.name for file in found.files.values()] == ["files"]

    def test_the_oldest_first(self, tmp_path: Path) -> None:
        for run in ("20261201T000000-0001", "20261130T000000-0001"):
            spool.keep(parcel(run), tmp_path)
        assert [path.name for path in spool.waiting(tmp_path)] == ["20261130T000000-0001", "20261201T000000-0001"]

    def test_a_run_waits_once(self, tmp_path: Path) -> None:
        first = spool.keep(parcel(**{"report.md": "first"}), tmp_path)
        again = spool.keep(parcel(**{"report.md": "again"}), tmp_path)
        assert first == again
        assert spool.waiting(tmp_path) == [first]
        assert (first / "files/report.md").read_text() == "first"

    def test_a_damaged_one_is_replaced(self, tmp_path: Path) -> None:
        path = spool.keep(parcel(), tmp_path)
        (path / "entries.json").write_text("{")
        spool.keep(parcel(), tmp_path)
        assert spool.load(path).run == RUN.id
        assert [each.name for each in (tmp_path / "mlflow").iterdir()] == [RUN.id]

    def test_a_password_is_not_kept(self, tmp_path: Path) -> None:
        path = spool.keep(parcel(uri="https://me:secret-word@host/mlflow"), tmp_path)
        assert spool.load(path).uri == ""
        assert "secret-word" not in "".join(file.read_text() for file in path.rglob("*") if file.is_file())

    def test_a_full_disk_leaves_nothing_half_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "rename", full)
        with pytest.raises(UsageError, match=r"nothing can be kept there for MLflow \(No space left on device\)"):
            spool.keep(parcel(), tmp_path)
        assert list((tmp_path / "mlflow").iterdir()) == []

    def test_what_a_killed_writer_has_left_is_in_no_list_and_goes(self, tmp_path: Path) -> None:
        path = spool.keep(parcel(), tmp_path)
        new, old = path.with_name(".r2.0123abcd"), path.with_name(".r3.0123abcd")
        for left in (new, old):
            shutil.copytree(path, left)
        os.utime(old, (time.time() - 7_200,) * 2)
        assert spool.waiting(tmp_path) == [path]
        spool.tidy(tmp_path)
        assert (path.exists(), new.exists(), old.exists()) == (True, True, False)

    @pytest.mark.parametrize("run", ["", "..", "a/b", "a'b", "-x", "x" * 101, "é"])
    def test_a_run_id_that_could_act_on_a_path_or_a_query(self, run: str) -> None:
        with pytest.raises(UsageError, match="cannot be sent to MLflow"):
            parcel(run)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda raw: "",
            lambda raw: "{",
            lambda raw: "[" * 100_000,
            lambda raw: "null",
            lambda raw: json.dumps({**raw, "schema": "genaiops-mlflow/2"}),
            lambda raw: json.dumps({**raw, "run": "another"}),
            lambda raw: json.dumps({**raw, "entries": []}),
            lambda raw: json.dumps({**raw, "entries": raw["entries"][1:]}),
            lambda raw: json.dumps({**raw, "files": ["../entries.json"]}),
            lambda raw: json.dumps({**raw, "files": ["gone.md"]}),
            lambda raw: json.dumps({**raw, "uri": 5}),
            lambda raw: json.dumps({**raw, "entries": [{**raw["entries"][0], "metrics": {"bleu": "high"}}]}),
            lambda raw: json.dumps({**raw, "entries": [{**raw["entries"][0], "metrics": {"bleu": math.nan}}]}),
            lambda raw: json.dumps({**raw, "entries": [{**raw["entries"][0], "started": True}]}),
            lambda raw: json.dumps({**raw, "entries": [{**raw["entries"][0], "tags": []}]}),
        ],
    )
    def test_a_damaged_file_is_named(self, damage: Callable[[Any], str], tmp_path: Path) -> None:
        path = spool.keep(parcel(), tmp_path)
        raw = json.loads((path / "entries.json").read_text())
        (path / "entries.json").write_text(damage(raw))
        with pytest.raises(UsageError, match=rf"{RUN.id}: this cannot be sent \(.+\); remove the folder"):
            spool.load(path)

    def test_one_sender_of_a_parcel_at_a_time(self, tmp_path: Path) -> None:
        path, other = spool.keep(parcel("r1"), tmp_path), spool.keep(parcel("r2"), tmp_path)
        with spool.alone(path) as first, spool.alone(path) as second, spool.alone(other) as third:
            assert (first, second, third) == (True, False, True)
        with spool.alone(path) as again:
            assert again
            spool.remove(path)
        assert [each.name for each in (tmp_path / "mlflow").iterdir() if "r1" in each.name] == []

    def test_a_folder_that_cannot_be_locked_is_no_hindrance(self, tmp_path: Path) -> None:
        with spool.alone(tmp_path / "absent" / "r1") as free:
            assert free


@pytest.mark.usefixtures("no_mlflow", "project")
class TestWithoutMlflow:
    def test_a_session_keeps_its_report_and_says_what_to_install(self) -> None:
        found = adapter.deliver(DOCUMENT, {"report.md": "#"}, folder=Path(".genaiops"), uri=URI, experiment="hello")
        assert found.run_id is None
        assert found.sentence == (
            "MLflow: this needs the package 'mlflow', which is not installed: "
            'python -m pip install "pytest-genaiops[mlflow]"; '
            f"it waits in .genaiops/mlflow/{RUN.id} for: genaiops mlflow push"
        )
        assert spool.load(Path(".genaiops/mlflow") / RUN.id).experiment == "hello"

    def test_so_does_the_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        spool.keep(parcel(), Path(".genaiops"))
        assert main(["mlflow", "push"]) == 2
        assert capsys.readouterr().err == (
            "genaiops: this needs the package 'mlflow', which is not installed: "
            'python -m pip install "pytest-genaiops[mlflow]"\n'
        )
        assert len(spool.waiting(Path(".genaiops"))) == 1

    def test_nothing_is_raised_into_a_session(self) -> None:
        bad = replace(DOCUMENT, run=replace(RUN, id="a/b"))
        assert "cannot be sent" in adapter.deliver(bad, {}, folder=Path("x"), uri=URI, experiment="hello").sentence
        Path("file").write_text("")
        found = adapter.deliver(DOCUMENT, {}, folder=Path("file"), uri=URI, experiment="hello")
        assert "not installed" in found.sentence
        assert "nothing can be kept there" in found.sentence

    def test_what_somebody_else_sends_is_left_to_them(self) -> None:
        path = spool.keep(parcel(), Path(".genaiops"))
        with spool.alone(path):
            found = adapter.deliver(DOCUMENT, {}, folder=Path(".genaiops"), uri=URI, experiment="hello")
            (pushed,) = adapter.push(Path(".genaiops"), uri=URI, otherwise=None, experiment=None)
        assert "somebody else sends this run at this moment; it waits in" in found.sentence
        assert pushed == adapter.Delivery(sentence=f"{RUN.id}: somebody else sends it at this moment")
        assert spool.waiting(Path(".genaiops")) == [path]

    def test_the_environment_is_as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("DO_NOT_TRACK", "0")
        before = dict(os.environ)
        with pytest.raises(ExtraMissingError):
            adapter.send(parcel(), uri=URI, experiment="hello")
        assert dict(os.environ) == before


@pytest.mark.usefixtures("no_mlflow")
class TestCommand:
    def test_nothing_waits(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["mlflow", "push"]) == 0
        assert main(["mlflow", "push", "--list"]) == 0
        assert capsys.readouterr().out == "nothing waits\nnothing waits\n"
        assert not (project / ".genaiops").exists()

    def test_what_waits(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        spool.keep(parcel("r1"), project / ".genaiops")
        spool.keep(parcel("r2", uri="https://me:secret-word@host"), project / ".genaiops")
        broken = spool.keep(parcel("r3"), project / ".genaiops")
        (broken / "entries.json").unlink()
        assert main(["mlflow", "push", "--list"]) == 1
        shown = capsys.readouterr()
        assert [line.split() for line in shown.out.splitlines()] == [
            ["run", "experiment", "server"],
            ["r1", "hello", URI],
            ["r2", "hello", "-"],
        ]
        assert shown.err.startswith("genaiops: .genaiops/mlflow/r3: this cannot be sent (")

    def test_what_cannot_be_sent_is_named(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        spool.keep(parcel("r1", uri="https://me:secret-word@host"), project / ".genaiops")
        (project / ".genaiops/mlflow/r0").mkdir()
        assert main(["mlflow", "push"]) == 1
        first, second = capsys.readouterr().err.splitlines()
        assert first.startswith("genaiops: .genaiops/mlflow/r0: this cannot be sent (")
        assert second.startswith("genaiops: r1: nothing says which server it goes to; give --uri")
        assert len(spool.waiting(project / ".genaiops")) == 2


@pytest.mark.usefixtures("no_mlflow")
class TestRecordedRuns:
    @pytest.fixture(autouse=True)
    def recorded(self, project: Path) -> None:
        evaluate(dataset=[{"id": "a", "reference": "nine"}], target=answer, metrics=["exact_match"]).record()

    def test_a_run_on_record_is_sent(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["mlflow", "push", "--run", "latest", "--uri", URI, "--experiment", "hello"]) == 1
        assert "it waits in .genaiops/mlflow/" in capsys.readouterr().err
        (path,) = spool.waiting(Path(".genaiops"))
        found = spool.load(path)
        assert (found.uri, found.experiment) == (URI, "hello")
        assert sorted(found.files) == ["report.html", "report.md"]
        assert found.entries[1].metrics["exact_match"] == 1.0

    def test_to_where_the_configuration_says(self) -> None:
        Path("pytest.ini").write_text(f"[pytest]\ngenaiops_mlflow = {URI}\ngenaiops_mlflow_experiment = shop\n")
        assert main(["mlflow", "push", "--run", "latest"]) == 1
        found = spool.load(spool.waiting(Path(".genaiops"))[0])
        assert (found.uri, found.experiment) == (URI, "shop")

    def test_to_nowhere(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["mlflow", "push", "--run", "latest"]) == 2
        assert "nothing says which MLflow server runs go to" in capsys.readouterr().err

    def test_no_such_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["mlflow", "push", "--run", "1999", "--uri", URI]) == 2
        assert "1999" in capsys.readouterr().err


def answer(case: Case, variant: Variant) -> str:
    return "nine"


class TestPlaces:
    def test_the_experiment_is_named_after_the_project(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert adapter.default_experiment(project) == "pytest-genaiops"
        (project / "pyproject.toml").write_text('[project]\nname = "shop"\n')
        assert adapter.default_experiment(project) == "shop"
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "prompts")
        assert adapter.default_experiment(project) == "prompts"

    @pytest.mark.parametrize("text", ["project = 5", "[project]\nname = 5", "[project", "[tool.x]", "\udcff"])
    def test_a_project_without_a_name(self, text: str, project: Path) -> None:
        (project / "pyproject.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
        assert adapter.default_experiment(project) == "pytest-genaiops"

    def test_where_runs_go(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert adapter.tracking_uri(" http://host ", project) == "http://host"
        assert adapter.tracking_uri("sqlite:///runs.db", project) == f"sqlite:///{project.as_posix()}/runs.db"
        assert adapter.tracking_uri("sqlite:////tmp/runs.db", project) == "sqlite:////tmp/runs.db"
        with pytest.raises(UsageError, match="nothing says which MLflow server runs go to"):
            adapter.tracking_uri("", project)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///own.db")
        assert adapter.tracking_uri("", project) == "sqlite:///own.db"
