"""``genaiops report``: the report of a run on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_genaiops.cli import main
from pytest_genaiops.records import Case, Response, Verdict
from pytest_genaiops.store import ItemRow, PartRow, ScoreRow, TrialRow, Writer

RUNS = ("20260921T141320-aaaa", "20260921T151320-bbbb")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\ngenaiops_prices =\n    small: input 1, output 2\n")
    monkeypatch.chdir(tmp_path)
    for number, run in enumerate(RUNS):
        record(run, 1_790_000_000.0 + 3600 * number, ("passed", "failed")[number])
    return tmp_path


def record(run: str, started: float, outcome: str) -> None:
    writer = Writer(Path(".genaiops"), run)
    writer.begin(started, {"kind": "pytest", "command": ["pytest"], "rules": {"confidence": 0.95}})
    suite = writer.suite("test_it.py::test_it", {"dataset": "support", "n": 1})
    writer.cases(suite, [(0, Case(id="c0", inputs={"question": "Why?"}))])
    variant = writer.variant(suite, "v1", {"place": 0})
    answer = Response(text="Because.", usage={"input_tokens": 10, "output_tokens": 5}, latency=0.5)
    writer.trials(variant, [TrialRow(position=0, trial=1, response=answer)])
    metric = writer.metric(variant, "bleu|x", "bleu", {}, [PartRow(name="bleu", scale=(0, 100))])
    writer.scores(metric, [ScoreRow(name="bleu", value=41.5, interval=(40.25, 43.0), n=1, unscored=0)])
    judged = Verdict(outcome=outcome, reason="why", value=41.5, interval=None, confidence=0.95, n=1, unscored=0)  # type: ignore[arg-type]
    writer.verdicts(variant, "test_it.py::test_it[v1]", [("bleu", judged)])
    writer.item(variant, ItemRow(test="test_it.py::test_it[v1]", outcome=outcome))
    writer.end(started + 1, int(outcome == "failed"), {})
    writer.close()


def test_markdown_of_the_latest_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 0
    assert capsys.readouterr().out.startswith("## ❌ genaiops: failed – 1 failed, of 1 test in 1 suite\n")


@pytest.mark.parametrize("name", [RUNS[0], "20260921T1413", "latest~1"])
def test_of_a_run_by_name(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["report", name]) == 0
    assert capsys.readouterr().out.startswith("## ✅ genaiops: passed – 1 test passed in 1 suite\n")


def test_files_as_their_names_end(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "-o", "out/a.html", "-o", "b.md", "-o", "c.JSON"]) == 0
    assert capsys.readouterr().out.splitlines() == ["report: out/a.html", "report: b.md", "report: c.JSON"]
    assert (project / "out/a.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert json.loads((project / "c.JSON").read_text(encoding="utf-8"))["run"]["id"] == RUNS[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "genaiops: there is no run nowhere; `genaiops runs list` names them"),
        (["-o", "a.txt"], "genaiops: -o 'a.txt': a report is a file whose name ends in .html, .md, .json"),
        (["-o", "pytest.ini/a.md"], "genaiops: the report pytest.ini/a.md cannot be written: "),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["report", *arguments]) == 2
    output = capsys.readouterr()
    assert output.err.startswith(sentence)
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_prices_that_cannot_be_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pytest.ini").write_text("[pytest]\ngenaiops_prices =\n    small costs nothing\n")
    assert main(["report"]) == 2
    assert capsys.readouterr().err.startswith("genaiops: genaiops_prices: line 1")


def test_where_nothing_has_been_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 2
    assert "holds no record yet" in capsys.readouterr().err
