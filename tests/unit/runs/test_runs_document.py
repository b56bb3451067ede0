"""The document of a run: every field is from the record, or worked out from what is in it."""

from __future__ import annotations

import json
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from record_help import TITLE, evaluated, recorded, rows

from pytest_genaiops import Response, Run, Score, evaluate
from pytest_genaiops.config import Price, Settings
from pytest_genaiops.records import Explanation, Measurement, SentenceSupport
from pytest_genaiops.report.document import Evidence, SuiteView, plain
from pytest_genaiops.runs import cases, document, outline
from pytest_genaiops.runs.spending import spending_of
from pytest_genaiops.score import MetricHandle
from pytest_genaiops.store import ItemRow, Writer


def suite(root: Path, **asked: Any) -> SuiteView:
    (found,) = Run.open(root=root).document(**asked).suites
    return found


def test_is_json_without_nan_or_infinity(tmp_path: Path) -> None:
    recorded(tmp_path, evaluated(tmp_path, ["ter", "exact_match", "latency", "groundedness"], count=6))
    text = json.dumps(plain(Run.open(root=tmp_path).document()), allow_nan=False)
    assert json.loads(text)["schema"] == "genaiops-report/1"


class TestRunFacts:
    def test_are_those_on_record(self, tmp_path: Path) -> None:
        name = recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=3))
        facts = Run.open(root=tmp_path).document().run
        assert (facts.id, facts.kind, facts.command, facts.exit) == (name, "pytest", ("pytest",), 0)
        assert facts.seconds == pytest.approx(2)
        assert facts.rules == {"confidence": 0.95, "seed": 12345, "undecided": "fail"}

    def test_of_a_run_about_which_little_is_known(self, tmp_path: Path) -> None:
        writer = Writer(tmp_path / ".genaiops", "20261130T102940-000000")
        writer.begin(1e9, {})
        writer.close()
        facts = Run.open(root=tmp_path).document().run
        assert (facts.kind, facts.parent, facts.exit, facts.seconds) == ("pytest", None, None, None)


class TestScores:
    def test_have_the_interval_that_was_recorded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        was = evaluated(tmp_path, ["bleu"], count=8)
        recorded(tmp_path, was)
        score = was.score("bleu", "v1")
        assert isinstance(score, Score)
        bounds = score.interval()
        monkeypatch.setattr(Score, "interval", lambda self: pytest.fail("worked out again"))
        shown = {(s.variant, s.slice): s for s in suite(tmp_path).scores}
        assert (shown["v1", ""].value, shown["v1", ""].interval) == (score.value, bounds)
        assert shown["v1", "half=first"].n == 4

    def test_say_why_responses_are_unscored(self, tmp_path: Path) -> None:
        was = evaluate(
            [{"id": f"c{i}", "reference": "x", "responses": {"v1": "x" if i else None}} for i in range(3)],
            metrics="exact_match",
            settings=Settings(root=tmp_path),
        )
        recorded(tmp_path, was, facts={"baseline": None})
        (shown,) = suite(tmp_path).scores
        assert (shown.n, shown.unscored, sum(shown.reasons.values())) == (2, 1, 1)

    def test_name_each_number_once_where_a_metric_is_there_twice(self, tmp_path: Path) -> None:
        name = recorded(tmp_path, evaluated(tmp_path, ["bleu"], count=4))
        was = evaluated(tmp_path, [MetricHandle(_bleu(lowercase=True))], count=4)
        recorded(tmp_path, was, run=name)
        found = suite(tmp_path)
        assert sorted(m.name for m in found.metrics) == ["bleu", "bleu(lowercase=True)"]
        assert sorted(Run.open(root=tmp_path).evaluation().handles) == ["bleu", "bleu(lowercase=True)"]


def _bleu(**options: Any) -> Any:
    from pytest_genaiops.score.metric import make

    return make("bleu", **options)


class TestChanges:
    def test_are_against_the_baseline_and_count_cases(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["exact_match"])
        recorded(tmp_path, was)
        changes = suite(tmp_path).changes
        whole = next(each for each in changes if not each.slice)
        (expected, *_) = [each for each in was.compare(baseline="v1") if not each.slice]
        assert (whole.change, whole.interval, whole.p_value) == (expected.change, expected.interval, expected.p_value)
        assert (whole.variant, whole.baseline) == ("v2", "v1")
        assert len(changes) == 3
        # v1 is wrong about every third case and v2 about every fourth: of 24, 8 and 6, of which 2 are the same.
        assert (whole.better, whole.worse) == (6, 4)

    def test_are_none_without_a_baseline(self, tmp_path: Path) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=4), facts={"baseline": None})
        assert suite(tmp_path).changes == []

    def test_of_a_committed_baseline_are_left_to_verdicts(self, tmp_path: Path) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=4), facts={"baseline": "v0"})
        found = suite(tmp_path)
        assert (found.baseline, found.changes) == ("v0", [])
        assert found.notes[0].startswith("the baseline v0 is committed and has no answers here")


class TestVerdictsAndItems:
    def test_are_as_they_were_recorded(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["exact_match"])
        score = was.score("exact_match", "v2")
        assert isinstance(score, Score)
        verdict = score.not_worse_than(was.responses["v1"], margin=0.3)
        test = f"{TITLE}[v2]"
        items = {"v2": [ItemRow(test=f"{TITLE}[v2-c3]", position=3, trial=1, outcome="missed", message="why")]}
        recorded(tmp_path, was, verdicts={test: [("exact_match", verdict)]}, items=items, facts={"by_case": True})
        found = suite(tmp_path)
        (shown,) = found.verdicts
        for name in ("outcome", "reason", "value", "interval", "n", "required_n", "detectable", "method", "p_values"):
            assert getattr(shown, name) == getattr(verdict, name), name
        assert (shown.rule, shown.limits) == ("not_worse_than", {"margin": 0.3})
        assert (shown.test, shown.variant, shown.metric) == (test, "v2", "exact_match")
        (item,) = found.items
        assert (item.case, item.outcome, item.message) == ("c3", "missed", "why")
        answers = {each.variant: each for each in found.cases[3].answers}
        assert (answers["v1"].outcome, answers["v2"].outcome) == ("", "missed")


class TestCases:
    def test_have_every_answer_with_its_values(self, tmp_path: Path) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"]))
        case = suite(tmp_path).cases[3]
        assert (case.id, case.inputs, case.slices) == ("c3", {"input": "Which house is number 3?"}, {"half": "first"})
        assert case.references == ("the grey house of number 3",)
        assert [(each.variant, each.values) for each in case.answers] == [
            ("v1", {"exact_match": 0.0}),
            ("v2", {"exact_match": 1.0}),
        ]

    def test_may_be_left_out(self, tmp_path: Path) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"], count=4))
        found = suite(tmp_path, cases=False)
        assert (found.cases, found.n) == ([], 4)
        assert found.scores

    def test_of_very_many_are_those_that_vary_most(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["exact_match"]))
        monkeypatch.setattr(document, "MAX_ANSWERS", 20)
        found = suite(tmp_path)
        assert "of 24 cases the 10 that vary most between variants are shown" in found.notes
        varied = [case for case in found.cases if len({each.values["exact_match"] for each in case.answers}) == 2]
        assert (len(found.cases), len(varied)) == (10, 10)

    def test_have_the_evidence_that_was_recorded_or_can_be_worked_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorded(tmp_path, evaluated(tmp_path, ["groundedness", "exact_match"]))
        answer = suite(tmp_path).cases[4].answers[1]
        evidence = answer.evidence["groundedness"]
        assert answer.text == "it is blue"
        assert [answer.text[start:end] for start, end in evidence.unsupported] == ["blue"]
        assert "exact_match" not in answer.evidence
        monkeypatch.setattr(cases, "MOST_EVIDENCE", 8)
        found = suite(tmp_path)
        shown = [each for case in found.cases for each in case.answers if each.evidence]
        assert len(shown) <= 8
        assert found.notes == ["evidence is shown for the worst values alone, and not for 40 others"]

    def test_have_what_a_judge_said(self, tmp_path: Path) -> None:
        was = evaluated(tmp_path, ["exact_match"], count=2)
        handle, (first, second) = was.handles["exact_match"], was.responses["v1"]
        said = Explanation(
            score=1.0,
            sentences=(SentenceSupport(start=0, end=3, text="the", support=0.5, note="why"),),
            unsupported=(),
            reason="it is so",
        )
        assert handle.measurements is not None
        found = [Measurement(statistics=(1.0,), explanation=said), Measurement(kind="judge", reason="no reply")]
        handle.measurements.know(handle.metric, [first, second], found)
        recorded(tmp_path, was)
        answers = [case.answers[0] for case in suite(tmp_path).cases]
        assert answers[0].evidence == {
            "exact_match": Evidence(reason="it is so", sentences=[(0, 3, 0.5, "why")], unsupported=[])
        }
        assert answers[1].unscored == {"exact_match": "judge: no reply"}


def test_of_a_suite_too_large_to_be_read_is_what_the_run_worked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, evaluated(tmp_path, ["exact_match", "rouge"], count=6))
    whole = suite(tmp_path)
    monkeypatch.setattr(outline, "LARGE", 11)
    found = suite(tmp_path)
    assert found.notes == ["the suite has 12 answers: scores are as the run worked them out, and no case is shown"]
    assert (found.cases, found.changes) == ((), ())
    key = attrgetter("variant", "metric", "slice")
    assert sorted(found.scores, key=key) == sorted(whole.scores, key=key)
    assert found.variants == whole.variants
    assert {m.name: (m.signature, m.scale) for m in found.metrics} == {
        m.name: (m.signature, m.scale) for m in whole.metrics
    }


class TestSpending:
    def test_is_summed_over_answers(self) -> None:
        usage = {"input_tokens": 1_000_000, "output_tokens": 500_000}
        answers = [Response(text="a", usage=usage, latency=seconds, deployment="m") for seconds in (1.0, 2.0, 3.0, 4.0)]
        broken = replace(answers[0], error={"kind": "target", "message": "down"})  # type: ignore[arg-type]
        found = spending_of("v1", [*answers, broken], [Price(model="m", input=1, output=2)])
        assert (found.answers, found.errors) == (4, 1)
        assert found.tokens == {"input_tokens": 4_000_000, "output_tokens": 2_000_000}
        assert found.cost == pytest.approx(8)
        assert found.latency == {"median": 2.5, "p90": pytest.approx(3.7), "max": 4.0}

    def test_has_no_cost_where_a_price_is_not_known(self) -> None:
        answer = Response(text="a", usage={"input_tokens": 1, "output_tokens": 1}, deployment="m")
        assert spending_of("v1", [answer], [Price(model="other", input=1, output=2)]).cost is None
        assert spending_of("v1", [answer], []).cost is None
        assert spending_of("v1", [], []).latency == {}


@pytest.mark.parametrize("count", [12, 13])
def test_changes_within_slices_of_many_variants_are_those_of_means(tmp_path: Path, count: int) -> None:
    names = [f"v{number:02}" for number in range(count)]
    given = [
        {**row, "responses": {name: row["responses"]["v2" if name > "v00" else "v1"] for name in names}}
        for row in rows()
    ]
    found = evaluate(given, metrics=["exact_match", "bleu"], settings=Settings(root=tmp_path))
    recorded(tmp_path, found, facts={"baseline": "v00"})
    view = suite(tmp_path)
    cut = {name: {each.slice for each in view.changes if each.metric == name} for name in ("exact_match", "bleu")}
    halves = {"", "half=first", "half=second"}
    assert cut == {"exact_match": halves, "bleu": halves if count == 12 else {""}}
    said = [note for note in view.notes if "changes of bleu are those over all cases" in note]
    assert len(said) == (count > 12)
