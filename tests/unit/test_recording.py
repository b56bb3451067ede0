"""Evaluations on record, and what a record says of runs and metrics."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_genaiops import Evaluation, UsageError, evaluate, metric
from pytest_genaiops.config import Price, Settings
from pytest_genaiops.dataset import store as dataset_store
from pytest_genaiops.errors import MetricError
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.recording import command, options_of, origin, remade, settings_facts
from pytest_genaiops.recording.facts import parts_of
from pytest_genaiops.store import NAME, Store

ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "1?", "reference": "one", "slice_size": "odd"},
    {"id": "b", "question": "2?", "reference": "two", "slice_size": "even"},
    {"id": "c", "question": "3?", "reference": "three", "slice_size": "odd"},
]


def answer(case: Any, variant: Any) -> str:
    if (variant.id, case.id) == ("v2", "c"):
        raise OSError("no route")
    return "one" if variant.id == "v2" else str(case.reference)


def evaluated(trials: int = 1) -> Evaluation:
    return evaluate(ROWS, metrics=["exact_match", "rouge"], target=answer, variants=["v1", "v2"], trials=trials)


class TestEvaluation:
    def test_what_was_answered_and_scored_is_read_back(self, tmp_path: Path) -> None:
        evaluation = evaluated(trials=2)
        name = evaluation.record(root=tmp_path)
        with closing(Store(tmp_path / ".genaiops")) as store:
            run = store.run()
            (suite,) = store.suites(run.id)
            first, second = store.variants(suite.id)
            trials = {(row.position, row.trial): row.response for row in store.trials(second.id)}
            metrics = {each.name: each for each in store.metrics(second.id)}
            measured = {row[:2]: row[2] for row in store.measurements(metrics["exact_match"].id)}
            scores = {(row.name, row.slice): row for row in store.scores(metrics["exact_match"].id)}
        assert (run.id, run.facts["kind"], run.exit, first.name, second.name) == (name, "evaluate", 0, "v1", "v2")
        assert (suite.facts["n"], suite.facts["trials"], suite.facts["by_case"]) == (3, 2, False)
        assert {key: each.text for key, each in trials.items()} == {
            (place, trial): text for place, text in enumerate(["one", "one", ""]) for trial in (1, 2)
        }
        assert trials[2, 1].error is not None
        assert {key: each.statistics for key, each in measured.items()} == {
            (place, trial): value for place, value in enumerate([(1.0,), (0.0,), None]) for trial in (1, 2)
        }
        whole = evaluation.score("exact_match", "v2")
        assert scores["exact_match", ""].value == whole.value == 0.5
        assert scores["exact_match", ""].interval == whole.interval()  # type: ignore[union-attr]
        assert (scores["exact_match", ""].n, scores["exact_match", ""].unscored) == (4, 2)
        assert scores["exact_match", "size=even"].value == 0
        assert {each for each, _ in scores} == {"exact_match"}

    def test_each_is_a_run_of_its_own(self, tmp_path: Path) -> None:
        evaluation = evaluated()
        names = {evaluation.record(root=tmp_path), evaluation.record(root=tmp_path)}
        with closing(Store(tmp_path / ".genaiops")) as store:
            assert {run.id for run in store.runs()} == names

    def test_the_working_directory_is_the_root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        evaluated().record()
        assert (tmp_path / ".genaiops" / NAME).exists()

    def test_a_record_that_cannot_be_written_is_said_in_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / ".genaiops").write_text("a file")
        with pytest.raises(UsageError, match=r"^\.genaiops/record\.sqlite cannot be written \(.*not on record$"):
            evaluated().record(root=tmp_path)

    @pytest.mark.parametrize("held", [0, dataset_store.HELD_BYTES])
    def test_rows_that_are_not_held_in_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
        monkeypatch.setattr(dataset_store, "HELD_BYTES", held)
        file = tmp_path / "many.jsonl"
        file.write_text("".join(json.dumps({**row, "responses": {"s": row["reference"]}}) + "\n" for row in ROWS))
        evaluate(file, metrics=["exact_match"]).record(root=tmp_path)
        with closing(Store(tmp_path / ".genaiops")) as store:
            (suite,) = store.suites(store.run().id)
            (variant,) = store.variants(suite.id)
            (exact,) = store.metrics(variant.id)
            assert [case.id for case in store.cases(suite.id).values()] == ["a", "b", "c"]
            assert [row.response.text for row in store.trials(variant.id)] == ["one", "two", "three"]
            assert [row[:2] for row in store.measurements(exact.id)] == [(0, 1), (1, 1), (2, 1)]

    def test_members_that_some_rows_are_not_about_are_measured_once(self, tmp_path: Path) -> None:
        rows = [
            {"id": "found", "question": "?", "relevant": ["d1"]},
            {"id": "nothing", "question": "?", "relevant": []},
        ]
        evaluation = evaluate(
            rows,
            metrics=["retrieval"],
            target=lambda case, variant: {"text": "x", "retrieved": [{"id": "d1"}]},
            variants=["v1"],
        )
        evaluation.record(root=tmp_path)
        with closing(Store(tmp_path / ".genaiops")) as store:
            (suite,) = store.suites(store.run().id)
            (variant,) = store.variants(suite.id)
            (retrieval,) = store.metrics(variant.id)
            measured = [each for _, _, each in store.measurements(retrieval.id)]
        known = evaluation.handles["retrieval"].measurements
        assert known is not None
        assert measured == known.of(evaluation.handles["retrieval"].metric, evaluation.responses["v1"])
        assert {part.name for part in retrieval.parts} >= {"recall_at_1", "coverage"}


class TestOptions:
    @pytest.mark.parametrize(
        ("found", "options"),
        [
            (metric("bleu"), {}),
            (metric("bleu", tokenize="char"), {"tokenize": "char"}),
            (metric("retrieval", k=(1, 3)), {"k": (1, 3)}),
            (metric("rouge", use_stemmer=False), {"use_stemmer": False}),
        ],
    )
    def test_a_metric_is_made_again_of_its_name_and_options(self, found: Any, options: Any, tmp_path: Path) -> None:
        assert options_of(found.metric, tmp_path) == options
        kept = json.loads(json.dumps(options))
        assert remade(found.name, kept, tmp_path) == found.metric

    @pytest.mark.parametrize(
        ("name", "options", "complaint"),
        [
            ("bleu", {"tokeniser": "char"}, "bleu has no option 'tokeniser'; did you mean 'tokenize'"),
            ("bleu", {"tokenize": "none such"}, "tokenize='none such'"),
            ("bleux", {}, "no metric is called 'bleux'"),
        ],
    )
    def test_what_cannot_be_made_again_is_complained_of(
        self, name: str, options: Any, complaint: str, tmp_path: Path
    ) -> None:
        with pytest.raises(MetricError, match=re.escape(complaint)):
            remade(name, options, tmp_path)

    def test_a_judge_is_its_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "judges").mkdir()
        (tmp_path / "judges/mini.yaml").write_text("model: {name: mini, base_url: 'http://127.0.0.1:9/v1'}\n")
        monkeypatch.chdir(tmp_path)
        judged = metric("correctness", judge="mini").metric
        assert options_of(judged, tmp_path) == {"judge": "judges/mini.yaml"}
        assert remade("correctness", {"judge": "judges/mini.yaml"}, tmp_path) == judged

    def test_a_judge_of_code_is_not(self, tmp_path: Path) -> None:
        judged = metric("correctness", judge={"model": {"name": "mini", "base_url": "http://127.0.0.1:9/v1"}})
        assert options_of(judged.metric, tmp_path) is None

    def test_nor_is_a_metric_of_ones_own(self, tmp_path: Path) -> None:
        @metric
        def tone(response: Any, case: Any) -> float:
            return 1.0

        assert options_of(tone.metric, tmp_path) is None

    def test_nor_are_options_that_json_has_no_form_for(self, tmp_path: Path) -> None:
        costs = metric("cost", prices=(Price(model="m", input=1, output=2),))
        assert options_of(costs.metric, tmp_path) is None


def test_members_with_their_own_members() -> None:
    rouge: Metric = metric("rouge").metric
    paths = {part.name: tuple(part.path) for part in parts_of(rouge, None)}
    assert paths["rougeL"] == ("rougeL",)
    assert paths["rougeL.recall"] == ("rougeL", "recall")


def test_members_that_depend_on_the_data() -> None:
    classes: Metric = metric("classification", average=None).metric
    paths = {part.name: tuple(part.path) for part in parts_of(classes, {("cat", "cat"): 1.0})}
    assert paths["precision[cat]"] == ("precision", "cat")


def test_settings_that_are_not_at_their_defaults(tmp_path: Path) -> None:
    changed = Settings(
        root=tmp_path, limit=5, slices=(("topic", "law"),), prices=(Price(model="m", input=1, output=2),), record=False
    )
    assert settings_facts(changed) == {
        "settings": {
            "limit": 5,
            "slices": [["topic", "law"]],
            "prices": [{"model": "m", "input": 1, "output": 2, "cached": None}],
        },
        "rules": {"confidence": 0.95, "seed": 12345, "undecided": "fail"},
    }


class TestOrigin:
    def test_outside_of_a_repository(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
        assert origin(tmp_path)["git"] == {}

    def test_without_git(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        assert origin(tmp_path)["git"] == {}

    def test_paths_of_a_command_name_no_folder_of_the_machine(self) -> None:
        given = ["-q", "/home/ann/app/tests/test_a.py::test_b", "--junitxml=/home/ann/app/out/x.xml", "/tmp/x/y", "~/z"]
        expected = ["pytest", "-q", "tests/test_a.py::test_b", "--junitxml=out/x.xml", "y", "z"]
        assert command("pytest", given, Path("/home/ann/app")) == expected

    @given(st.lists(st.text(max_size=20), max_size=5))
    def test_nothing_absolute_is_left(self, given: list[str]) -> None:
        shown = command("pytest", [f"/{each}" for each in given], Path("/home/ann"))
        assert not any(each.startswith("/") for each in shown)


def test_secrets_of_an_evaluation_are_not_kept(tmp_path: Path) -> None:
    key = "sk-proj-Zq8x2LmN4pRt6vYw1BcD3eFg"
    evaluate(ROWS, metrics=["exact_match"], target=lambda case, variant: key, variants=["v1"]).record(root=tmp_path)
    assert key.encode() not in (tmp_path / ".genaiops" / NAME).read_bytes()
    with closing(sqlite3.connect(tmp_path / ".genaiops" / NAME)) as connection:
        assert not connection.execute("SELECT 1 FROM contents WHERE text LIKE ?", [f"%{key}%"]).fetchall()
