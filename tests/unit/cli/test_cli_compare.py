"""`genaiops compare`: recorded systems ranked with ties, and compared in pairs."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops.cli import main

SKILL = {"weak": 0.3, "fair": 0.79, "good": 0.8}
WORDS = ["the", "tram", "to", "the", "harbour", "leaves", "at", "nine", "from", "the", "old", "town", "hall"]


def rows(**changes: Any) -> list[dict[str, Any]]:
    draw = random.Random(7)
    return [
        {
            "id": f"c{i}",
            "reference": " ".join(WORDS),
            "responses": {
                name: " ".join(word if draw.random() < chance else "uh" for word in WORDS)
                for name, chance in SKILL.items()
            },
        }
        | changes
        for i in range(30)
    ]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    write(tmp_path, "towns", rows())
    return tmp_path


def write(project: Path, name: str, found: list[dict[str, Any]]) -> None:
    (project / "datasets").mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in found)
    (project / "datasets" / f"{name}.jsonl").write_text(text, encoding="utf-8")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["compare", *arguments]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out.splitlines()


def test_a_ranking_for_each_metric_and_then_every_pair(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "towns", "--metrics", "bleu", "chrf")
    assert lines[0].split()[0] == "bleu"
    assert "Holm over 6 comparisons" in " ".join(" ".join(lines).split())
    letters = {line.split()[1]: line.split()[-1] for line in lines[3:6]}
    assert letters == {"good": "a", "fair": "a", "weak": "b"}
    bleu = lines.index("bleu")
    assert lines[bleu + 1].split() == ["candidate", "baseline", "change", "interval", "p", "adjusted"]
    assert {tuple(line.split()[:2]) for line in lines[bleu + 2 : bleu + 5]} == {
        ("fair", "weak"), ("good", "weak"), ("good", "fair"),
    }  # fmt: skip
    assert max(map(len, lines)) <= 80


def test_against_one_baseline(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "towns", "--metrics", "bleu", "--baseline", "fair", "--adjust", "bh")
    bleu = lines.index("bleu")
    assert [line.split()[:2] for line in lines[bleu + 2 :]] == [["weak", "fair"], ["good", "fair"]]
    assert "2 comparisons (Benjamini-Hochberg)." in " ".join(" ".join(lines).split())


def test_members_of_a_group_have_a_ranking_each(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "towns", "--metrics", "rouge")
    assert {"rouge1", "rouge2", "rougeL", "rougeLsum"} <= set(lines)


def test_slices_where_they_are_asked_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "sliced", [row | {"slice_half": "ab"[i % 2]} for i, row in enumerate(rows())])
    assert {"bleu, half=a", "bleu, half=b"} <= set(shown(capsys, "sliced", "--metrics", "bleu", "--slices"))
    assert "bleu, half=a" not in shown(capsys, "sliced", "--metrics", "bleu")


def test_a_confidence_of_one_s_own(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "90 % intervals" in shown(capsys, "towns", "--metrics", "bleu", "--confidence", "0.9")[1]


def test_a_system_without_answers_is_told_of(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows()
    for row in found:
        row["responses"]["weak"] = None
    write(project, "gaps", found)
    text = " ".join(" ".join(shown(capsys, "gaps", "--metrics", "bleu")).split())
    assert "weak is not ranked: nothing of weak is scored: missing: " in text
    assert "fair against weak: nothing of weak is scored: missing: " in text


def test_no_character_that_the_terminal_lacks(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert main(["compare", "towns", "--metrics", "bleu"]) == 0
    text = written.getvalue().decode("ascii")
    assert "|-" in text
    assert "\\u" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["town", "--metrics", "bleu"], "dataset 'town' was not found (did you mean 'towns'?)"),
        (["towns"], "the following arguments are required: --metrics; see genaiops compare --help"),
        (["towns", "--metrics", "blue"], "no metric is called 'blue'; did you mean 'bleu'?"),
        (["towns", "--metrics", "bleu", "--baseline", "god"], "'god' was not evaluated; did you mean 'good'?"),
        (["towns", "--metrics", "bleu", "--confidence", "1"], "confidence is 1.0; it must lie between 0 and 1"),
        (["towns", "--metrics", "bleu", "--confidence", "high"], "argument --confidence: invalid float value: 'high'"),
        (["towns", "--metrics", "bleu", "--adjust", "none"], "argument --adjust: invalid choice: 'none'"),
        (["towns", "--metrics", "bleu", "--slices"], "no case of 'towns' carries a slice tag"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_two(
    arguments: list[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1


def test_a_dataset_without_responses_or_with_one_system(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "bare", [{"id": "a", "reference": "x"}])
    write(project, "one", [{"id": "a", "reference": "x", "responses": {"v1": "x"}}])
    assert main(["compare", "bare", "--metrics", "bleu"]) == 2
    assert "bare records no responses; add a `responses` column" in capsys.readouterr().err
    assert main(["compare", "one", "--metrics", "bleu"]) == 2
    assert "'v1' is the only variant; a comparison needs two" in capsys.readouterr().err
