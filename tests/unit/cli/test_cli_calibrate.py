"""`genaiops calibrate`: judges against people's labels."""

from __future__ import annotations

import json
import os
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_genaiops import metric
from pytest_genaiops.calibration import read_certificate, without_data
from pytest_genaiops.cli import main
from pytest_genaiops.testing import FakeServer

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def labelled(rows: list[dict[str, Any]], name: str = "audit.jsonl") -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return name


def recorded(n: int = 120, *, right: float = 0.9, seed: int = 1) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    labels = [int(rng.random() < 0.6) for _ in range(n)]
    return [
        {"id": f"c{i}", "answer": "x" * rng.randint(5, 50), "label": y, "judge": y if rng.random() < right else 1 - y}
        for i, y in enumerate(labels)
    ]


class TestRecorded:
    def test_is_certified(self, capsys: pytest.CaptureFixture[str]) -> None:
        file = labelled(recorded())
        assert main(["calibrate", "recorded:judge", "--labels", file, "--output", "certificates/j.json"]) == 0
        out = capsys.readouterr().out
        for name in ("kappa", "sensitivity", "specificity", "auroc", "spearman", "kendall", "length_bias"):
            assert name in out
        found = read_certificate(Path("certificates/j.json"), shown="j.json")
        assert found.n == 120
        assert 50 <= found.tested_on <= 70
        assert found.expires - found.issued == timedelta(days=180)
        assert found.faults == []

    def test_that_always_says_yes_is_not(self, capsys: pytest.CaptureFixture[str]) -> None:
        file = labelled([{**row, "judge": 1} for row in recorded()])
        assert main(["calibrate", "recorded:judge", "--labels", file, "--output", "j.json"]) == 1
        out = " ".join(capsys.readouterr().out.split())
        assert "Not certified: kappa is" in out
        found = read_certificate(Path("j.json"), shown="j.json")
        assert found.refusal(date.today()).startswith("kappa is")
        assert json.loads(Path("j.json").read_text())["passed"] is False

    def test_that_gave_no_usable_reply_is_not(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = recorded()
        for row in rows[:10]:
            row["judge"] = None
        assert main(["calibrate", "recorded:judge", "--labels", labelled(rows)]) == 1
        assert "the judge gave no value for 10 of 120 answers" in " ".join(capsys.readouterr().out.split())

    def test_is_held_to_the_kappa_that_is_asked_for(self) -> None:
        file = labelled(recorded())
        assert main(["calibrate", "recorded:judge", "--labels", file, "--min-kappa", "0.95"]) == 1

    def test_is_the_same_each_time(self) -> None:
        file = labelled(recorded())
        for name in ("a.json", "b.json"):
            main(["calibrate", "recorded:judge", "--labels", file, "--output", name])
        assert Path("a.json").read_bytes() == Path("b.json").read_bytes()

    def test_of_ratings_with_samples_and_pairs(self, capsys: pytest.CaptureFixture[str]) -> None:
        rng = random.Random(2)
        rows = []
        for i in range(80):
            people = rng.randint(1, 5)
            judge = [min(5, max(1, people + rng.randint(-1, 1))) for _ in range(3)]
            rows.append({"id": f"c{i}", "people": {"tone": people}, "judge": judge, "swapped": judge[0]})
        arguments = ["--label", "people.tone", "--accept", "4", "--threshold", "3.5"]
        assert main(["calibrate", "recorded:judge", "--labels", labelled(rows), *arguments]) == 0
        out = capsys.readouterr().out
        for name in ("quadratic_kappa", "self_consistency", "position_bias"):
            assert name in out
        assert "as asked for and tested on 80" in " ".join(out.split())


class TestAsked:
    def test_an_embedded_metric_is_a_judge(self) -> None:
        rows = []
        for i in range(60):
            right = i % 3 > 0
            answer = "We open at nine." if right else "Penguins live in Antarctica."
            rows.append({"id": f"c{i}", "question": "When do you open?", "answer": answer, "label": int(right)})
        assert main(["calibrate", "relevancy", "--labels", labelled(rows), "--output", "r.json"]) == 0
        found = read_certificate(Path("r.json"), shown="r.json")
        signature = metric("relevancy")(["It opens."], questions=["When?"]).signature
        assert found.signature == without_data(signature)

    def test_a_metric_of_several_scores_is_asked_for_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [{"id": f"c{i}", "answer": "a b", "reference": "a b", "label": i % 2} for i in range(6)]
        assert main(["calibrate", "rouge", "--labels", labelled(rows)]) == 2
        assert "gives several scores; choose one" in capsys.readouterr().err
        assert main(["calibrate", "rouge.rouge1", "--labels", labelled(rows), "--threshold", "0.5"]) == 1

    def test_options_are_those_of_the_metric(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [{"id": f"c{i}", "answer": "a", "reference": "a", "label": i % 2} for i in range(6)]
        arguments = ["calibrate", "exact_match", "--labels", labelled(rows), "--option", "nonsense=3"]
        assert main(arguments) == 2
        assert "has no option 'nonsense'" in capsys.readouterr().err

    def test_a_model_is_asked_anew_for_every_further_sample(self, capsys: pytest.CaptureFixture[str]) -> None:
        said = iter(range(10_000))

        def reply(_: object) -> str:
            return json.dumps({"quotes": [], "reason": "It reads well.", "rating": 4 + next(said) % 2})

        rows = [{"id": f"c{i}", "question": "When?", "answer": f"At {i}.", "label": i % 2} for i in range(4)]
        with FakeServer(reply) as server:
            judge = {"model": {"name": "mini", "base_url": server.url}}
            Path("mini.yaml").write_text(json.dumps(judge))
            arguments = ["--judge", "mini.yaml", "--samples", "3", "--threshold", "4.5"]
            main(["calibrate", "fluency", "--labels", labelled(rows), *arguments])
            asked = len(server.calls)
        captured = capsys.readouterr()
        assert asked == 12, captured.err
        assert "self_consistency" in captured.out


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--min-kappa", "1"], "--min-kappa 1: give a number from 0 up to 1"),
            (["--min-kappa", "-1"], "--min-kappa -1"),
            (["--min-kappa", "nan"], "--min-kappa nan"),
            (["--valid-days", "0"], "--valid-days 0"),
            (["--valid-days", "99999"], "--valid-days 99999"),
            (["--samples", "0"], "--samples 0"),
            (["--confidence", "95"], "--confidence 95"),
            (["--judge", "mini.yaml"], "is on record"),
            (["--label", "nowhere"], "has no 'nowhere'"),
            (["--threshold", "nan"], "--threshold nan"),
        ],
    )
    def test_is_one_sentence(self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["calibrate", "recorded:judge", "--labels", labelled(recorded()), *arguments]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1

    def test_a_file_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["calibrate", "relevancy", "--labels", "nowhere.jsonl"]) == 2
        assert "there is no such file" in capsys.readouterr().err

    def test_ratings_without_a_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [{**row, "label": 3 + row["label"]} for row in recorded()]
        assert main(["calibrate", "recorded:judge", "--labels", labelled(rows)]) == 2
        assert "--accept" in capsys.readouterr().err

    def test_no_answers_to_ask_about(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["calibrate", "relevancy", "--labels", labelled([{"id": "a", "label": 1}])]) == 2
        assert "audit.jsonl:1: the row has no answer" in capsys.readouterr().err


class TestPublicRatings:
    """Four prompts of a real judge against experts (Shen et al. 2023)."""

    @pytest.fixture
    def file(self) -> Path:
        folder = Path(os.environ.get("GENAIOPS_PUBLIC_DATA", ROOT.parent / "shared" / "data"))
        path = folder / "summeval_judge_ratings.jsonl"
        if not path.is_file():
            pytest.skip(f"no public data in {folder}; set GENAIOPS_PUBLIC_DATA to its folder")
        return path

    @pytest.mark.parametrize("prompt", ["rts", "stareval"])
    def test_agree_somewhat(self, file: Path, prompt: str) -> None:
        arguments = ["--label", "expert_consistency", "--accept", "5", "--output", "s.json"]
        main(["calibrate", f"recorded:judge_consistency.{prompt}", "--labels", str(file), *arguments])
        found = read_certificate(Path("s.json"), shown="s.json")
        kappa, auroc = found.figures["kappa"], found.figures["auroc"]
        assert not isinstance(kappa, str)
        assert not isinstance(auroc, str)
        assert found.clusters == 100
        assert 0.1 < kappa.interval[0] < kappa.value < kappa.interval[1] < 0.6
        assert 0.6 < auroc.value < 0.75
