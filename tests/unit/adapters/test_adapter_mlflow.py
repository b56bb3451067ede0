"""What is sent to MLflow, and what waits for it: without MLflow, whose own limits and rules are written out here.

Against a real server: tests/tracking, which ``nox -s mlflow`` runs.
"""

from __future__ import annotations

import errno
import json
import math
import os
import posixpath
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documents import HOSTILE, example, filled
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import Case, Variant, evaluate
from pytest_genaiops.adapters import mlflow as adapter
from pytest_genaiops.adapters import mlflow_spool as spool
from pytest_genaiops.adapters.mlflow_entries import Entry, Keys, entries_of, text_of
from pytest_genaiops.cli import main
from pytest_genaiops.errors import ExtraMissingError, UsageError
from pytest_genaiops.report.document import (
    ChangeView,
    Document,
    ItemView,
    MetricView,
    RunFacts,
    ScoreView,
    SpendingView,
    SuiteView,
    VariantView,
    VerdictView,
)

RUN = RunFacts(
    id="20261130T102940-0001",
    started="1970-01-02T00:00:00Z",
    seconds=1.5,
    exit=1,
    command=("pytest", "-k", "greeting"),
    git={"sha": "4f1c2a9b", "branch": "main", "dirty": False},
    python="3.11.7",
    versions={"sacrebleu": "2.5.1"},
    settings={"cache": "only"},
    rules={"confidence": 0.95},
)
SUITE = SuiteView(
    title="tests/test_hello.py::test_hello",
    dataset="hello",
    dataset_hash="sha256:" + "ab" * 32,
    n=20,
    trials=2,
    baseline="v1",
    variants=(
        VariantView(
            id="v1", hash="1a", prompt="Say hello.", parameters={"temperature": 0.5, "stop": ["\n"]}, model="m"
        ),
        VariantView(id="v2", hash="2b", differs="one line"),
    ),
    metrics=(MetricView(name="bleu", metric="bleu", signature="bleu|tok:13a", scale=(0.0, 100.0)),),
    scores=(
        ScoreView(
            variant="v1", metric="bleu", value=31.5, interval=(28.0, None), n=18, unscored=2, reasons={"late": 2}
        ),
        ScoreView(variant="v1", metric="bleu", slice="lang=de", value=None, interval=None, n=0, unscored=4),
        ScoreView(variant="v2", metric="bleu", value=math.inf, interval=(math.nan, 40.0), n=20, unscored=0),
    ),
    changes=(
        ChangeView(
            variant="v2",
            baseline="v1",
            metric="bleu",
            change=-0.5,
            interval=(-1.0, 0.25),
            p_value=0.2,
            adjusted_p_value=0.4,
            n=18,
            unscored=2,
        ),
    ),
    verdicts=(
        VerdictView(test="a", variant="v2", metric="bleu", outcome="passed", reason="high enough"),
        VerdictView(test="b", variant="v2", metric="bleu", outcome="undecided", reason="too few", tolerated=True),
        VerdictView(test="c", variant="v1", metric="", outcome="passed", reason="9 of 10"),
    ),
    items=(ItemView(test="a", variant="v2", outcome="passed"), ItemView(test="d", variant="v1", outcome="lost")),
    spending=(SpendingView(variant="v1", answers=18, errors=2, tokens={"input_tokens": 90}, latency={"median": 0.25}),),
    notes=("over some cases only",),
)
DOCUMENT = Document(run=RUN, suites=(SUITE,))
URI = "http://127.0.0.1:9"


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


def parcel(run: str = RUN.id, uri: str = URI, **files: Path | str) -> spool.Parcel:
    document = replace(DOCUMENT, run=replace(RUN, id=run))
    return spool.parcel_of(document, files or {"report.md": "# Failed\n"}, uri=uri, experiment="hello")


def keys(*names: str) -> list[str]:
    found = Keys(lambda value: value)
    for name in names:
        found.put(name, 1)
    return list(found.found)


class TestKeys:
    @pytest.mark.parametrize(
        ("name", "key"),
        [
            ("rougeL.low", "rougeL.low"),
            ("bleu.lang=de", "bleu.lang_de"),
            ("bleu.lang=中文", "bleu.lang_中文"),
            ("a/../b:c", "a_.._b_c"),
            ("..", "_."),
            ("", "_"),
            ("a\x00\u202eb", "a__b"),
        ],
    )
    def test_what_mlflow_does_not_take_becomes_an_underscore(self, name: str, key: str) -> None:
        assert keys(name) == [key]

    def test_a_taken_key_is_told_apart_by_a_hash_of_the_name(self) -> None:
        plain, other, upper = keys("lang=de", "lang/de", "LANG_de")
        assert plain == "lang_de"
        assert re.fullmatch(r"lang_de_[0-9a-f]{8}", other)
        assert re.fullmatch(r"LANG_de_[0-9a-f]{8}", upper)  # some databases do not tell cases apart

    def test_long_names_that_begin_alike_stay_apart(self) -> None:
        first, second = keys("x" * 300 + "a", "x" * 300 + "b")
        assert len(first) == len(second) == 250
        assert first != second

    @given(st.lists(st.text(max_size=400), unique=True, max_size=6))
    def test_every_name_gets_a_key_of_its_own_that_mlflow_takes(self, names: list[str]) -> None:
        """The rules of ``mlflow.utils.validation``: characters (on Windows, the narrower), paths, length."""
        found = keys(*names)
        assert len({key.casefold() for key in found}) == len(names)
        for key in found:
            assert re.fullmatch(r"[/\w.\- ]+", key)
            assert posixpath.normpath(key) == key
            assert key != "."
            assert not key.startswith(("..", "/"))
            assert len(key) <= 250

    def test_nothing_is_put_for_what_says_nothing(self) -> None:
        found = Keys(lambda value: value)
        for name, value in (("none", None), ("empty", ""), ("zero", 0.0)):
            found.put(name, value)
        assert found.found == {"zero": 0.0}


class TestTexts:
    def test_values_are_json_but_for_text(self) -> None:
        values = ("as it is", 0.5, True, ["\n"], {"b": 1, "a": None})
        assert [text_of(value, 100) for value in values] == [
            "as it is",
            "0.5",
            "true",
            r'["\n"]',
            '{"a": null, "b": 1}',
        ]

    @pytest.mark.parametrize("length", [101, 20_000])
    def test_a_long_text_is_cut_with_a_note(self, length: int) -> None:
        found = text_of("x" * length, 100)
        assert len(found) == 100
        assert found.endswith(f"x … (cut, {length:,} characters)")

    def test_what_looks_like_a_key_is_not_sent(self) -> None:
        assert text_of("pytest --genaiops-mlflow=http://me:secret-word@host", 500) == (
            "pytest --genaiops-mlflow=http://***@host"
        )

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_is_one_printable_line(self, text: str) -> None:
        found = text_of(text, 500)
        found.encode("utf-8")
        assert not {"\x00", "\n", "\r", "\x1b", "\u2028", "\u202e", "\ud800"} & set(found)


class TestEntries:
    def test_a_parent_and_a_run_for_each_variant_of_each_suite(self) -> None:
        other = replace(SUITE, title="tests/test_other.py::test_other")
        found = entries_of(replace(DOCUMENT, suites=(SUITE, other)))
        assert [entry.name for entry in found] == [
            RUN.id,
            "tests/test_hello.py::test_hello · v1",
            "tests/test_hello.py::test_hello · v2",
            "tests/test_other.py::test_other · v1",
            "tests/test_other.py::test_other · v2",
        ]
        assert found[0].part == "session"
        assert len({entry.part for entry in found}) == 5

    def test_the_parent(self) -> None:
        parent = entries_of(DOCUMENT)[0]
        assert (parent.started, parent.ended) == (86_400_000, 86_401_500)
        assert parent.params == {
            "python": "3.11.7",
            "version.sacrebleu": "2.5.1",
            "setting.cache": "only",
            "rule.confidence": "0.95",
        }
        assert parent.metrics == {
            "seconds": 1.5,
            "verdicts.failed": 0,
            "verdicts.undecided": 1,
            "verdicts.passed": 2,
            "items.passed": 1,
            "items.lost": 1,
        }
        assert parent.tags == {
            "genaiops.run": RUN.id,
            "genaiops.part": "session",
            "genaiops.outcome": "no result",
            "genaiops.conclusion": "1 without a result, of 4 tests in 1 suite",
            "genaiops.kind": "pytest",
            "genaiops.exit": "1",
            "genaiops.git.dirty": "false",
            "mlflow.source.git.commit": "4f1c2a9b",
            "mlflow.source.git.branch": "main",
            "mlflow.source.name": "pytest -k greeting",
            "mlflow.source.type": "LOCAL",
        }

    def test_a_variant(self) -> None:
        first = entries_of(DOCUMENT)[1]
        assert first.params == {
            "suite": SUITE.title,
            "variant": "v1",
            "variant.hash": "1a",
            "model": "m",
            "dataset": "hello",
            "dataset.hash": SUITE.dataset_hash,
            "n": "20",
            "trials": "2",
            "baseline": "v1",
            "parameter.temperature": "0.5",
            "parameter.stop": r'["\n"]',
            "signature.bleu": "bleu|tok:13a",
        }
        assert first.metrics == {
            "bleu": 31.5,
            "bleu.low": 28.0,
            "bleu.n": 18,
            "bleu.unscored": 2,
            "bleu.lang_de.n": 0,
            "bleu.lang_de.unscored": 4,
            "spent.answers": 18,
            "spent.errors": 2,
            "spent.input_tokens": 90,
            "spent.latency.median": 0.25,
        }
        assert first.texts == {"prompt.txt": "Say hello."}
        assert first.dataset["name"] == "hello"
        assert first.dataset["digest"] == "ab" * 18  # the 36 characters that MLflow takes
        assert json.loads(first.dataset["profile"]) == {"num_rows": 20}

    def test_what_has_no_value_is_a_tag_and_no_metric(self) -> None:
        tags = entries_of(DOCUMENT)[1].tags
        assert tags["genaiops.unscored.bleu"] == "2 of 20 unscored: late (2)"
        assert tags["genaiops.unscored.bleu.lang_de"] == "4 of 4 unscored"

    def test_no_number_is_sent_that_is_none(self) -> None:
        second = entries_of(DOCUMENT)[2]
        assert second.metrics == {
            "bleu.high": 40.0,
            "bleu.n": 20,
            "bleu.unscored": 0,
            "bleu.change": -0.5,
            "bleu.change.low": -1.0,
            "bleu.change.high": 0.25,
            "bleu.change.n": 18,
        }

    def test_verdicts_by_metric_the_worst_first(self) -> None:
        _, first, second = entries_of(DOCUMENT)
        assert first.tags["genaiops.verdict.pass_rate"] == "passed"
        assert first.tags["genaiops.reason.pass_rate"] == "9 of 10"
        assert second.tags["genaiops.verdict.bleu"] == "undecided"
        assert second.tags["genaiops.reason.bleu"] == "too few (tolerated); high enough"
        assert (first.tags["genaiops.outcome"], second.tags["genaiops.outcome"]) == ("no result", "passed")

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            (0, "FINISHED"),
            (1, "FINISHED"),
            (5, "FINISHED"),
            (2, "KILLED"),
            (None, "KILLED"),
            (3, "FAILED"),
            (4, "FAILED"),
        ],
    )
    def test_the_status_says_whether_the_session_ran_to_its_end(self, code: int | None, status: str) -> None:
        found = entries_of(replace(DOCUMENT, run=replace(RUN, exit=code)))
        assert {entry.status for entry in found} == {status}

    def test_an_evaluation_has_no_exit_code(self) -> None:
        found = entries_of(replace(DOCUMENT, run=replace(RUN, exit=None, kind="evaluate")))
        assert {entry.status for entry in found} == {"FINISHED"}

    def test_nothing_decided_has_no_outcome(self) -> None:
        found = entries_of(replace(DOCUMENT, suites=(replace(SUITE, verdicts=(), items=()),)))
        assert [entry.tags.get("genaiops.outcome") for entry in found] == [None, None, None]

    @pytest.mark.parametrize("text", [*HOSTILE, "x" * 300, "long " * 4_000])
    def test_hostile_text_stays_within_what_mlflow_takes(self, text: str) -> None:
        for entry in entries_of(filled(text)):
            assert len(entry.name) <= 250
            assert all(len(value) <= 6_000 for value in entry.params.values())
            assert all(len(value) <= 8_000 for value in entry.tags.values())
            assert all(math.isfinite(value) for value in entry.metrics.values())
            for name, value in {**entry.params, **entry.tags, "name": entry.name}.items():
                assert re.fullmatch(r"[\w.\- ]{1,250}", name)
                value.encode("utf-8")
                assert "\x00" not in value


class TestBatches:
    def test_at_most_so_many_items(self) -> None:
        found = list(adapter.batches(range(250), 100, size=lambda _: 1))
        assert [len(batch) for batch in found] == [100, 100, 50]
        assert [item for batch in found for item in batch] == list(range(250))

    def test_at_most_900_kilobytes(self) -> None:
        """MLflow refuses requests of more than 1 000 000 bytes."""
        found = list(adapter.batches([400_000, 400_000, 400_000, 950_000, 1], 100, size=lambda size: size))
        assert found == [[400_000, 400_000], [400_000], [950_000], [1]]

    def test_nothing_is_no_batch(self) -> None:
        assert list(adapter.batches([], 100, size=len)) == []


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


def test_entries_are_the_same_for_the_same_report() -> None:
    """Else a run that was half sent could not be completed."""
    assert entries_of(example(cases=5, context=50)) == entries_of(example(cases=5, context=50))
    assert all(isinstance(entry, Entry) for entry in entries_of(DOCUMENT))
