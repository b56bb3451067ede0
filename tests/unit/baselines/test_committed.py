"""A committed baseline in the hands of scores: compared with like responses, asked like responses, without answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_genaiops import Case, Response, Score, metric
from pytest_genaiops.baselines import Entry, Rows, Section, Value, line, named
from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import Trial
from pytest_genaiops.score.committed import Committed, Pending

WHERE = "b.json: variants.v1"
CITIES = ["Paris", "Rome", "Madrid", "Vienna", "Oslo"]
CASES = [
    Case(id=f"c{i}", references=(f"the city of {city}",), label=city, slices={"part": "south" if i % 2 else "north"})
    for i, city in enumerate(CITIES)
]
exact, bleu, classes = metric("exact_match"), metric("bleu"), metric("classification")


def answers(*texts: str, trials: int = 1) -> list[Response]:
    asked = [Trial(case=case, variant="v1", index=k + 1, dataset="d" * 64) for case in CASES for k in range(trials)]
    return [Response(text=texts[i % len(texts)], trial=trial) for i, trial in enumerate(asked)]


def committed(*scores: Score, trials: int = 1, by_case: bool = False, **fields: Any) -> Committed:
    """What a run with these scores would have committed."""
    sections = {}
    for score in scores:
        rows = [
            line(r.trial.case.id, r.trial.index, m.statistics)
            for r, m in zip(score.table.responses, score.table.measurements, strict=True)
            if r.trial is not None and m.statistics is not None
        ]
        value = Value(value=float(score), scale=score.scale, higher_is_better=score.higher_is_better)
        known = sections.get(score.table.signature)
        values = {**(dict(known.scores) if known else {}), score.name: value}
        sections[score.table.signature] = Section(
            signature=score.table.signature, scores=values, rows=Rows.of_lines(rows)
        )
    entry = Entry(
        variant="v1",
        variant_hash="a" * 64,
        dataset="cities",
        dataset_hash="d" * 64,
        trials=trials,
        by_case=by_case,
        metrics=named(sections.values()),
    )
    return Committed(entry, WHERE, cases=fields.get("cases", CASES), keys=fields.get("keys"))


def same(one: Score, other: Score) -> None:
    assert (one.value, one.n, one.signature, one.scale) == (other.value, other.n, other.signature, other.scale)
    assert dict(zip(one.ids, one.per_case, strict=True)) == dict(zip(other.ids, other.per_case, strict=True))


OLD = ["the city of Paris", "Rome", "the city of Madrid in Spain", "the city", "Oslo of the city"]
NEW = ["the city of Paris", "the city of Rome", "Madrid", "the city of Vienna", "of Oslo the city"]


class TestComparing:
    @pytest.mark.parametrize("scored", [exact, bleu, lambda r: classes(r).f1, lambda r: metric("rouge")(r).rougeL])
    def test_a_verdict_is_the_one_that_the_responses_themselves_would_give(self, scored: Any) -> None:
        old, new = answers(*OLD), answers(*NEW)
        baseline = committed(scored(old))
        expected = scored(new).not_worse_than(old, margin=0.1)
        found = scored(new).not_worse_than(baseline, margin=0.1)
        assert replace(found, method="") == replace(expected, method="")
        assert scored(new).better_than(baseline).interval == expected.interval

    def test_trials_are_paired_by_their_number(self) -> None:
        old, new = answers(*OLD, trials=3), answers(*NEW, trials=3)
        baseline = committed(exact(old), trials=3)
        expected, found = (exact(new).not_worse_than(each, margin=0.3) for each in (old, baseline))
        assert found == expected
        assert found.n == 15
        assert found.clusters == 5
        assert exact(baseline).interval() == exact(old).interval()  # over cases, not over trials

    def test_slices_have_their_margins(self) -> None:
        old, new = answers(*OLD), answers(*NEW)
        expected, found = (
            exact(new).not_worse_than(each, margin=0.9, slice_margins=0.9) for each in (old, committed(exact(old)))
        )
        assert found.parts == expected.parts
        assert set(found.parts) == {"part=north", "part=south"}

    def test_the_rows_are_cut_down_to_the_cases_that_are_run(self) -> None:
        some = CASES[:2]
        baseline = committed(exact(answers(*OLD)), cases=some, keys=[(case.id, 1) for case in some])
        candidate = exact(answers(*NEW)[:2])
        assert candidate.not_worse_than(baseline, margin=0.5).n == 2
        assert exact(baseline).ids == ("c0", "c1")

    def test_values_of_ones_own_are_compared_too(self) -> None:
        mine = Score.of([0.5, 1.0, 0.0], ids=["a", "b", "c"], name="tone")
        rows = Rows.of_lines(line(case, 1, (value,)) for case, value in zip("abc", (0.5, 0.5, 0.0), strict=True))
        section = Section(signature=mine.signature, scores={}, rows=rows)
        entry = replace(committed()._entry, metrics=named([section]))
        verdict = mine.better_than(Committed(entry, WHERE, cases=()))
        assert verdict.value == pytest.approx(1 / 6)


class TestAsking:
    def test_a_metric_gives_the_score_of_the_committed_rows(self) -> None:
        old = answers(*OLD)
        same(exact(committed(exact(old))), exact(old))
        same(bleu(committed(bleu(old))), bleu(old))
        assert classes(committed(classes(old).f1)).confusion == classes(old).confusion
        assert {name: part.value for name, part in exact(committed(exact(old))).slices().items()} == {
            name: part.value for name, part in exact(old).slices().items()
        }

    def test_by_case_it_is_the_score_of_the_case(self) -> None:
        baseline = committed(bleu(answers(*OLD)), by_case=True, cases=CASES[1:2], keys=[("c1", 1)])
        assert bleu(baseline).value == bleu(answers(*OLD)[1]).value

    def test_columns_beside_it_are_refused(self) -> None:
        with pytest.raises(MetricError, match="bring their own references"):
            exact(committed(exact(answers(*OLD))), ["x"])

    def test_it_has_no_answers(self) -> None:
        baseline = committed(exact(answers(*OLD)))
        for ask in (list, len, lambda each: each[0]):
            with pytest.raises(MetricError, match="the committed baseline of 'v1' holds scores, no answers"):
                ask(baseline)
        with pytest.raises(AttributeError, match="no text: the committed baseline"):
            _ = baseline.text
        assert baseline
        assert repr(baseline) == "<committed baseline of 'v1': exact_match>"

    def test_its_score_has_no_evidence_and_fails_without_a_crash(self) -> None:
        score = exact(committed(exact(answers(*OLD))))
        assert not score >= 1
        assert score.evidence().worst[0].text == ""
        with pytest.raises(MetricError, match="no evidence to show"):
            score.explain(0)


class TestRefusing:
    def refusal(self, baseline: Committed, score: Score) -> str:
        with pytest.raises(MetricError) as caught:
            score.not_worse_than(baseline, margin=1)
        return str(caught.value)

    def test_a_metric_that_is_not_there(self) -> None:
        said = self.refusal(committed(exact(answers(*OLD))), bleu(answers(*NEW)))
        assert said.startswith("b.json: variants.v1.metrics has no 'bleu' (it has exact_match); write it anew with")

    def test_another_signature_with_the_item_that_differs(self) -> None:
        old = bleu(answers(*OLD))
        table = replace(old.table, signature=old.table.signature.replace("version:", "version:1."))
        said = self.refusal(committed(old.of_table(table)), bleu(answers(*NEW)))
        assert "b.json: variants.v1.metrics.bleu.signature has version:1." in said
        assert "the suite now has version:" in said

    def test_other_options(self) -> None:
        said = self.refusal(committed(bleu(answers(*OLD))), metric("bleu", tokenize="char")(answers(*NEW)))
        assert "signature has tok:13a, the suite now has tok:char" in said

    def test_a_case_that_is_not_there(self) -> None:
        baseline = committed(exact(answers(*OLD)), keys=[("c9", 1)])
        assert "metrics.exact_match.cases has no 'c9', trial 1" in self.refusal(baseline, exact(answers(*NEW)))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"value": 0.3}, "scores.exact_match.value is 0.3, but exact_match now makes 0.2 of the same statistics"),
            ({"higher_is_better": False}, "scores.exact_match: exact_match has another scale or direction"),
            ({"scale": (0.0, 100.0)}, "scores.exact_match: exact_match has another scale or direction"),
        ],
    )
    def test_values_that_do_not_follow_from_the_rows(self, change: dict[str, Any], said: str) -> None:
        baseline = committed(exact(answers(*OLD)))
        section = baseline._entry.metrics["exact_match"]
        value = replace(section.scores["exact_match"], **change)
        entry = replace(baseline._entry, metrics={"exact_match": replace(section, scores={"exact_match": value})})
        assert said in self.refusal(Committed(entry, WHERE, cases=CASES), exact(answers(*NEW)))


def test_while_it_is_written_a_variant_is_compared_with_itself() -> None:
    new: Sequence[Response] = answers(*NEW)
    pending = Pending(committed()._entry, responses=new)
    assert exact(new).not_worse_than(pending, margin=0.01)
    assert not exact(new).better_than(pending)
    same(exact(pending), exact(new))
    assert Score.of([0.5, 1.0]).not_worse_than(pending, margin=0.01)
