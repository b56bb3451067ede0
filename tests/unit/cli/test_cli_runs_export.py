"""``genaiops runs export``: what stands in the file, on standard output and in the message."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pytest_genaiops import evaluate
from pytest_genaiops.cli import main
from pytest_genaiops.records import Case, Measurement, Response
from pytest_genaiops.score import metric
from pytest_genaiops.score.metric import make
from pytest_genaiops.store import PartRow, TrialRow, Writer

PROGRAM = [sys.executable, "-c", "import sys; from pytest_genaiops.cli import main; sys.exit(main())"]
RUN = "20261130T102940-3f9a1c"
ROUGE = [
    PartRow(name="rougeL", path=("rougeL",), scale=(0, 1), is_mean=True),
    PartRow(name="rougeL.precision", path=("rougeL", "precision"), scale=(0, 1), is_mean=True),
]
HYPOTHESES, REFERENCE = ("the cat sat", "a dog"), "the cat sat down"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(*, run: str = RUN, end: bool = True, cases: int = 0) -> None:
    """Two answers that ROUGE, BLEU and a metric of the project's own have measured, and others that nobody did."""
    with closing(Writer(Path(".genaiops"), run)) as writer:
        writer.begin(1796034580.0, {})
        suite = writer.suite("t.py::test", {})
        references = (REFERENCE,)
        known = [Case(id=f"c{i}", inputs={"question": "What?"}, references=references) for i in range(2 + cases)]
        writer.cases(suite, enumerate(known))
        variant = writer.variant(suite, "v1", {})
        answers = [Response(text=text) for text in HYPOTHESES] + [Response(text="x" * 100)] * cases
        writer.trials(variant, (TrialRow(position=i, trial=1, response=each) for i, each in enumerate(answers)))
        for name, parts in (("rouge", ROUGE), ("bleu", [PartRow(name="bleu", scale=(0, 100), is_mean=False)])):
            measured = make(name)
            rows = [(i, 1, measured.statistics(answers[i], known[i])) for i in range(2)]
            number = writer.metric(variant, f"{name}|x", name, {}, parts)
            writer.measurements(number, [(i, trial, Measurement(statistics=each)) for i, trial, each in rows])
        own = [PartRow(name=name, scale=(0, 1)) for name in ("tone", "pace")]
        number = writer.metric(variant, "manner|x", "manner", None, own)
        writer.measurements(number, [(0, 1, Measurement(statistics=(0.5, 0.25)))])
        number = writer.metric(variant, "mood|x", "mood", None, [PartRow(name="mood", scale=(0, 1))])
        writer.measurements(number, [(0, 1, Measurement(statistics=(0.5,)))])
        if end:
            writer.end(1796034590.0, 0, {})
        else:
            writer.flush()


def test_a_file_is_written_in_the_format_of_its_suffix(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record()
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        assert main(["runs", "export", RUN, "-o", name]) == 0
        assert capsys.readouterr().out == f"{name}: 2 trials\n"
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    with Path("out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["genaiops.response.text"] for row in rows] == list(HYPOTHESES)
    assert [line["genaiops.response.text"] for line in lines] == list(HYPOTHESES)
    assert Path("out.parquet").read_bytes()[:4] == b"PAR1"
    assert sorted(os.listdir()) == [".genaiops", "out.csv", "out.jsonl", "out.parquet", "pytest.ini"]


def test_values_are_those_that_the_metrics_give(project: Path) -> None:
    record()
    assert main(["runs", "export", "-o", "out.csv"]) == 0
    with Path("out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rouge = metric("rouge")(list(HYPOTHESES), [REFERENCE] * 2).rougeL
    bleu = metric("bleu")(list(HYPOTHESES), [[REFERENCE]] * 2)
    for name, score in (("rougeL", rouge), ("rougeL.precision", rouge.precision), ("bleu", bleu)):
        assert [float(row[f"genaiops.score.{name}"]) for row in rows] == list(score.per_case)
    assert rows[0]["genaiops.score.mood"] == "0.5"


def test_numbers_below_a_metric_without_a_group_have_values_of_their_own(project: Path) -> None:
    def answer(case: object, variant: object) -> dict[str, object]:
        return {"text": "x", "usage": {"input_tokens": 909, "output_tokens": 36}}

    evaluate(dataset=[{"id": "a", "question": "?"}], target=answer, variants=["v"], metrics=["tokens"]).record()
    assert main(["runs", "export", "-o", "out.csv"]) == 0
    with Path("out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    found = [float(row[f"genaiops.score.{name}"]) for name in ("tokens", "input", "output")]
    assert found == [945, 909, 36]


def test_a_metric_whose_values_nobody_can_read_is_named_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record()
    assert main(["runs", "export", "-o", "out.csv"]) == 0
    said = "genaiops: manner: no values of single responses for tone, pace (a metric of the project's own)\n"
    assert capsys.readouterr().err == said
    assert main(["runs", "export", "-o", "out.jsonl", "--what", "measurements"]) == 0
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    own = [row["genaiops.statistics"] for row in rows if row["genaiops.metric"] == "manner"]
    assert own == [[0.5, 0.25]] * 2


def test_standard_output_is_json_lines_or_csv(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record()
    assert main(["runs", "export", "-o", "-"]) == 0
    assert [json.loads(line)["genaiops.case"] for line in capsys.readouterr().out.splitlines()] == ["c0", "c1"]
    assert main(["runs", "export", "-o", "-", "--format", "csv", "--what", "items"]) == 0
    assert capsys.readouterr().out.startswith("genaiops.run,genaiops.suite,")
    assert main(["runs", "export", "-o", "-", "--format", "parquet"]) == 2
    assert capsys.readouterr().err == (
        "genaiops: Parquet is no text for standard output; give a file: -o run.parquet\n"
    )


def test_a_reader_that_leaves_ends_it_quietly(project: Path) -> None:
    record(cases=3000)
    command = [*PROGRAM, "runs", "export", "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["genaiops.case"] == "c0"
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 141
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody", "-o", "out.csv"], "there is no run nobody; `genaiops runs list` names them"),
        (["-o", "out"], "out does not say its format; end it with .jsonl, .csv, .parquet, or give --format"),
        (["-o", "no/where.csv"], "no/where.csv cannot be written (No such file or directory); give another path"),
        (["-o", ".genaiops", "--format", "csv"], ".genaiops cannot be written (Is a directory); give another path"),
        (
            ["--otlp", "http://127.0.0.1:1", "--what", "items"],
            "--otlp sends a whole run; leave --what and --format out",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str], sentence: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record()
    assert main(["runs", "export", *arguments]) == 2
    assert capsys.readouterr().err == f"genaiops: {sentence}\n"


def test_what_cannot_be_written_whole_leaves_the_old_file(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record()
    Path("out.csv").write_text("before")

    def full(source: object, aim: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert main(["runs", "export", "-o", "out.csv"]) == 2
    assert "out.csv cannot be written (No space left on device)" in capsys.readouterr().err
    assert Path("out.csv").read_text() == "before"
    assert sorted(os.listdir()) == [".genaiops", "out.csv", "pytest.ini"]


def test_a_file_in_use_elsewhere_is_replaced_under_its_link(project: Path) -> None:
    record()
    Path("real.csv").write_text("before")
    Path("out.csv").symlink_to("real.csv")
    assert main(["runs", "export", "-o", "out.csv"]) == 0
    assert Path("out.csv").is_symlink()
    assert Path("real.csv").read_text().startswith("genaiops.run,")


def test_without_pyarrow_the_extra_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record()
    monkeypatch.setattr("pytest_genaiops.extras.find_spec", lambda name: None)
    assert main(["runs", "export", "-o", "out.parquet"]) == 2
    assert 'pip install "pytest-genaiops[parquet]"' in capsys.readouterr().err
    assert not Path("out.parquet").exists()


def test_a_run_that_was_killed_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(end=False)
    assert main(["runs", "export", "-o", "out.jsonl"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "out.jsonl: 2 trials\n"
    assert f"{RUN} has not ended: this is what it wrote until now" in shown.err


def test_nothing_on_record_is_one_sentence(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "export", "-o", "out.jsonl"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
