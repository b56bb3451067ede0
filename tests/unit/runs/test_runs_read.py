"""A run on record is read back as the evaluation that it was, to the last bit."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from record_help import TITLE, evaluated, recorded, rows

from pytest_genaiops import Case, Evaluation, Response, Run, Score, UsageError, evaluate, metric
from pytest_genaiops.config import Settings
from pytest_genaiops.metrics.base import Metric
from pytest_genaiops.score.metric import MetricHandle

EVERY = [
    "exact_match", "token_f1", "bleu", "chrf", "ter", "rouge", "classification", "groundedness",
    "relevancy", "completeness", "utilization", "content_safety", "latency", "error_rate",
]  # fmt: skip


def scores(evaluation: Evaluation, key: str, variant: str) -> dict[str, Score]:
    found = evaluation.score(key, variant)
    return {each.name: each for each in ([found] if isinstance(found, Score) else found.scores())}


def same(one: Score, other: Score) -> None:
    facts = [
        (s.name, s.value, s.n, s.unscored, s.per_case, s.why, s.ids, s.signature, s.scale, s.higher_is_better)
        for s in (one, other)
    ]
    assert facts[0] == facts[1]
    if one.n and one.part.is_mean:  # a bootstrap takes long, and sees nothing but the same statistics
        assert one.at_least(0.5) == other.at_least(0.5)


class TestScores:
    @pytest.mark.parametrize("name", EVERY)
    def test_are_the_session_s_to_the_last_bit(self, tmp_path: Path, name: str) -> None:
        was = evaluated(tmp_path, [name], count=8)
        recorded(tmp_path, was)
        now = Run.open(root=tmp_path).evaluation()
        for variant in ("v1", "v2"):
            mine, theirs = scores(was, name, variant), scores(now, name, variant)
            assert mine.keys() == theirs.keys()
            for key, score in mine.items():
                same(score, theirs[key])
                cuts = theirs[key].slices()
                assert {cut: part.per_case for cut, part in score.slices().items()} == {
                    cut: part.per_case for cut, part in cuts.items()
                }

    def test_a_run_is_shown_in_one_line(self, tmp_path: Path) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=2))
        run = Run.open(root=tmp_path)
        assert repr(run) == f"<Run {run.id}: {run.kind}, started {run.started}>"

    def test_compare_and_rank_as_they_did(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["exact_match", "chrf"])
        recorded(tmp_path, was)
        now = Run.open(root=tmp_path).evaluation()
        assert set(now.compare(baseline="v1")) == set(was.compare(baseline="v1"))
        assert now.ranking("exact_match") == was.ranking("exact_match")

    def test_with_verdicts_to_the_last_bit(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["bleu"])
        recorded(tmp_path, was)
        now = Run.open(root=tmp_path).evaluation()
        verdicts = []
        for evaluation in (was, now):
            score = scores(evaluation, "bleu", "v2")["bleu"]
            baseline = evaluation.responses["v1"]
            verdicts.append((score.not_worse_than(baseline, margin=2), score.better_than(baseline), score.at_most(90)))
        assert verdicts[0] == verdicts[1]

    def test_options_of_a_metric_are_its_own_again(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, [metric("chrf", word_order=2)])
        recorded(tmp_path, was)
        now = Run.open(root=tmp_path).evaluation()
        same(scores(was, "chrf", "v1")["chrf"], scores(now, "chrf", "v1")["chrf"])

    def test_trials_of_a_case_stay_together(self, tmp_path: Path) -> None:
        def answer(case: Case, variant: Any) -> str:
            answer.calls += 1  # type: ignore[attr-defined]
            return "the red house of number 0" if answer.calls % 2 else "no"  # type: ignore[attr-defined]

        answer.calls = 0  # type: ignore[attr-defined]
        settings = Settings(root=tmp_path, concurrency=1)
        was = evaluate(
            rows(4), metrics="exact_match", target=answer, variants=[{"id": "v1"}], trials=3, settings=settings
        )
        recorded(tmp_path, was, facts={"baseline": None})
        now = Run.open(root=tmp_path).evaluation()
        again = scores(now, "exact_match", "v1")["exact_match"]
        same(scores(was, "exact_match", "v1")["exact_match"], again)
        assert again.pass_at(2).n == 4


class TestNothingIsMeasuredAgain:
    def test_whatever_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match", "bleu", "error_rate"]))

        def refuse(self: Metric, response: Response, case: Case) -> None:
            raise AssertionError("measured again")

        for module in ("answers:ExactMatch", "translation:Bleu", "operations:ErrorRate"):
            place, _, name = module.partition(":")
            found = __import__(f"pytest_genaiops.metrics.{place}", fromlist=[name])
            monkeypatch.setattr(getattr(found, name), "statistics", refuse)
        run = Run.open(root=tmp_path)
        assert len(run.evaluation().compare()) == 9
        assert run.document().suites[0].scores
        assert len(run.frame()) == 24 * 2 * 3

    def test_a_response_that_was_not_measured_is_unscored(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["exact_match"], count=6)
        recorded(tmp_path, was)
        run = Run.open(root=tmp_path)
        forget(tmp_path, "DELETE FROM measurements WHERE position = 5")
        score = scores(run.evaluation(), "exact_match", "v1")["exact_match"]
        assert (score.n, score.unscored) == (5, 1)
        assert score.why[5] == "missing: not measured in this run"
        assert run.document().suites[0].notes == ["exact_match: 2 of 12 responses were not measured in this run"]


def forget(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / ".genaiops" / "record.sqlite")) as connection, connection:
        connection.execute(statement)


class TestRunsThatEndedEarly:
    def test_answers_that_are_not_there_are_errors_and_nothing_passes(self, tmp_path: Path) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match", "error_rate"], count=6))
        forget(tmp_path, "DELETE FROM trials WHERE position > 3")
        forget(tmp_path, "DELETE FROM measurements WHERE position > 3")
        forget(tmp_path, "DELETE FROM ends")
        run = Run.open(root=tmp_path)
        score = scores(run.evaluation(), "exact_match", "v2")["exact_match"]
        assert (score.n, score.unscored) == (4, 2)
        assert score.why[5] == "missing: no answer is on record"
        assert not score >= 0
        document = run.document()
        assert document.run.exit is None
        assert document.run.seconds is None
        assert "v1: 2 of 6 answers are not on record" in document.suites[0].notes

    def test_cases_that_were_never_written_count(self, tmp_path: Path) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=6))
        for table in ("cases", "trials", "measurements"):
            forget(tmp_path, f"DELETE FROM {table} WHERE position = 2")
        evaluation = Run.open(root=tmp_path).evaluation()
        assert [r.trial.case.id for r in evaluation.responses["v1"] if r.trial][2] == "unrecorded-2"
        assert scores(evaluation, "exact_match", "v1")["exact_match"].unscored == 1


class Tone(Metric):
    """A metric of somebody's own."""

    name = "tone"
    scale = (0.0, 10.0)

    def statistics(self, response: Response, case: Case) -> tuple[float, ...]:
        return (float(len(response.text) % 10),)

    def signature(self, cases: Any) -> dict[str, str]:
        return {"rubric": "polite"}


class Spread(Metric):
    """One whose score is no mean of values."""

    name = "spread"

    def statistics(self, response: Response, case: Case) -> tuple[float, ...]:
        length = float(len(response.text) % 7) / 7
        return (length, length * length)

    def score(self, total: Any, n: int) -> float:
        return float(total[1] / n - (total[0] / n) ** 2)

    def signature(self, cases: Any) -> dict[str, str]:
        return {}


class TestMetricsThatAreNotAtHand:
    def test_a_mean_is_one_of_the_recorded_values(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, [MetricHandle(Tone())])
        recorded(tmp_path, was)
        run = Run.open(root=tmp_path)
        now = run.evaluation()
        for variant in ("v1", "v2"):
            same(scores(was, "tone", variant)["tone"], scores(now, "tone", variant)["tone"])
        assert set(now.compare(baseline="v1")) == set(was.compare(baseline="v1"))
        assert run.document().suites[0].notes == [
            "tone: scores are means of the recorded values, because tone is a metric of the project's own, which "
            "cannot be made of its name"
        ]

    def test_any_other_is_left_out_and_shown_as_it_was(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["exact_match", MetricHandle(Spread())])
        recorded(tmp_path, was)
        run = Run.open(root=tmp_path)
        assert list(run.evaluation().handles) == ["exact_match"]
        suite = run.document().suites[0]
        shown = {(s.variant, s.slice): s.value for s in suite.scores if s.metric == "spread"}
        assert shown["v1", ""] == scores(was, "spread", "v1")["spread"].value
        assert suite.notes[0].startswith("spread: there are no scores that compare, because spread is a metric of the")
        assert [m.name for m in suite.metrics] == ["exact_match", "spread"]

    def test_another_version_is_not_mixed_with_the_recorded_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        was = evaluated(tmp_path, ["exact_match", "bleu"])
        before = scores(was, "exact_match", "v1")["exact_match"]
        recorded(tmp_path, was)
        for name in ("answers.ExactMatch", "translation.Bleu"):
            monkeypatch.setattr(f"pytest_genaiops.metrics.{name}.signature", lambda self, cases: {"version": "9"})
        run = Run.open(root=tmp_path)
        assert list(run.evaluation().handles) == ["exact_match"], "a mean is one whatever the version; BLEU is none"
        same(scores(run.evaluation(), "exact_match", "v1")["exact_match"], before)
        notes = run.document().suites[0].notes
        assert all("and here it is version:9" in note for note in notes)
        assert len(notes) == 2

    def test_a_package_that_is_gone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"]))

        def missing(*_: Any) -> Mapping[str, str]:
            raise UsageError("exact_match needs some_package; install it")

        monkeypatch.setattr("pytest_genaiops.metrics.answers.ExactMatch.signature", missing)
        notes = Run.open(root=tmp_path).document().suites[0].notes
        assert notes == [
            "exact_match: scores are means of the recorded values, because exact_match needs some_package; install it"
        ]


class TestSuites:
    def test_by_title_by_glob_or_by_a_part_of_it(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["exact_match"])
        name = recorded(tmp_path, was, title="a.py::test_one")
        recorded(tmp_path, was, title="b.py::test_two", run=name)
        run = Run.open(root=tmp_path)
        assert run.suites == ("a.py::test_one", "b.py::test_two")
        assert run.evaluation("a.py::test_one").handles
        assert run.evaluation("b.py*").handles
        assert run.evaluation("two").handles

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            (None, "has 2 such suites; name one of 'a.py::test_one', 'b.py::test_two'"),
            ("test_", "has 2 such suites; name one of 'a.py::test_one', 'b.py::test_two'"),
            ("test_on", None),
            ("test_three", "has no suite 'test_three'; did you mean 'test_two'? "),
        ],
    )
    def test_that_are_not_told_apart_or_not_there(self, tmp_path: Path, asked: str | None, said: str | None) -> None:
        was = evaluated(tmp_path, ["exact_match"], count=3)
        name = recorded(tmp_path, was, title="a.py::test_one")
        recorded(tmp_path, was, title="b.py::test_two", run=name)
        run = Run.open(root=tmp_path)
        if said is None:
            assert run.evaluation(asked)
            return
        with pytest.raises(UsageError) as caught:
            run.evaluation(asked)
        assert said in str(caught.value)

    def test_a_run_without_any(self, tmp_path: Path) -> None:
        from pytest_genaiops.store import Writer

        writer = Writer(tmp_path / ".genaiops", "20261130T102940-000000")
        writer.begin(1e9, {})
        writer.close()
        run = Run.open(root=tmp_path)
        assert run.document().suites == []
        assert len(run.frame()) == 0
        with pytest.raises(UsageError, match="has no suite on record"):
            run.evaluation()

    def test_no_record_and_no_such_run(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="holds no record yet"):
            Run.open(root=tmp_path)
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=3))
        with pytest.raises(UsageError, match="there is no run"):
            Run.open("20001130", root=tmp_path)


def test_what_is_known_of_a_run(tmp_path: Path) -> None:
    name = recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=3))
    run = Run.open(root=tmp_path)
    assert (run.id, run.kind, run.suites) == (name, "pytest", (TITLE,))
    assert run.started.replace("-", "").replace(":", "").removesuffix("Z") == name.partition("-")[0]
