"""``genaiops lock``: one line for each dataset, and an exit code that CI can trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_genaiops.cli import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "datasets" / "one.jsonl").write_text('{"id": "a", "question": "Why?"}\n')
    (tmp_path / "datasets" / "two.csv").write_text("id,part\na,train\nb,test\n")
    (tmp_path / "datasets" / "two.yaml").write_text("splits: part\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[list[str]], list[str]]:
    """Exit code, the words of every line of output, and the complaints."""
    code = main(["lock", *arguments])
    shown = capsys.readouterr()
    return code, [line.split()[:-1] for line in shown.out.splitlines()], shown.err.splitlines()


def test_all_datasets_are_locked_and_checked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["one", "1", "row"], ["two:train", "1", "row"], ["two:test", "1", "row"]]
    for arguments, state in [((), ["locked"]), ((), ["unchanged"]), (("--check",), ["as", "locked"])]:
        code, lines, complaints = run(capsys, *arguments)
        assert (code, complaints) == (0, [])
        assert lines == [[name, *state, *rest] for name, *rest in rows]
    assert {path.name for path in (project / "datasets").glob("*.lock")} == {
        "one.lock",
        "two.train.lock",
        "two.test.lock",
    }


def test_a_change_is_found_and_the_others_are_checked_nevertheless(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys)
    (project / "datasets" / "one.jsonl").write_text('{"id": "b", "question": "Why?"}\n')
    code, lines, complaints = run(capsys, "--check")
    assert code == 1
    assert [name for name, *_ in lines] == ["two:train", "two:test"]
    (complaint,) = complaints
    assert complaint.startswith(
        "genaiops: datasets/one.jsonl: the rows are not those of datasets/one.lock: 1 added ('b'), 1 removed ('a');"
    )
    assert run(capsys, "one")[1] == [["one", "locked", "anew", "1", "row"]]
    assert run(capsys, "--check")[0] == 0


def test_a_dataset_that_nobody_locked_is_no_locked_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, complaints = run(capsys, "--check", "one")
    assert (code, lines) == (1, [])
    assert complaints == ["genaiops: datasets/one.jsonl: the dataset has no lock; run `genaiops lock one`"]


@pytest.mark.parametrize("name", ["datasets/one.jsonl", "one", "two:test"])
def test_datasets_by_name_and_path(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, (line,), _ = run(capsys, name)
    assert (code, line[1]) == (0, "locked")


def test_a_misspelt_name_is_suggested(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, (complaint,) = run(capsys, "onne")
    assert code == 1
    assert "did you mean 'one'?" in complaint


def test_without_datasets_there_is_nothing_to_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, (complaint,) = run(capsys, "--rootdir", str(tmp_path))
    assert code == 2
    assert "datasets/ holds no dataset" in complaint


def test_a_lock_whose_split_or_dataset_is_gone_is_no_passing_check(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys)
    (project / "datasets" / "two.csv").write_text("id,part\na,train\n")
    (project / "datasets" / "one.jsonl").unlink()
    (project / "datasets" / "dvc.lock").write_text("schema: '2.0'\n")
    code, lines, complaints = run(capsys, "--check")
    gone = "its dataset or split is gone; restore it, or remove the lock if that is meant"
    assert (code, [name for name, *_ in lines]) == (1, ["two:train"])
    assert complaints == [f"genaiops: datasets/{name}.lock: {gone}" for name in ("one", "two.test")]
    assert run(capsys, "--check", "two")[0] == 0
    for name in ("one", "two.test"):
        (project / "datasets" / f"{name}.lock").unlink()
    assert run(capsys, "--check")[0] == 0


def test_locks_of_what_cannot_be_read_are_not_left_behind(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys)
    (project / "datasets" / "two.yaml").write_text("splits: prat\n")
    code, lines, complaints = run(capsys, "--check")
    assert (code, [name for name, *_ in lines], len(complaints)) == (1, ["one"], 1)


def test_every_split_is_checked_whatever_is_wrong_with_another(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys)
    (project / "datasets" / "two.csv").write_text("id,part\nx,train\ny,test\n")
    code, _, complaints = run(capsys, "--check")
    assert (code, len(complaints)) == (1, 2)
    assert "two.train.lock" in complaints[0]
    assert "two.test.lock" in complaints[1]
