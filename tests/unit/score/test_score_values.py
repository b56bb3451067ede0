"""What a score holds: values by case, reasons, slices, intervals, and verdicts on paired cases."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from pytest_genaiops import Case, Response, Score, metric
from pytest_genaiops.errors import MetricError
from pytest_genaiops.records import ResponseError, Trial


def answered(case: str, text: str = "yes", *, index: int = 1, variant: str = "v1", **fields: Any) -> Response:
    error = fields.pop("error", None)
    row = Case(id=case, references=("yes",), **fields)
    trial = Trial(case=row, variant=variant, index=index, dataset="d" * 64)
    return Response(text=text, error=error and ResponseError(kind="timeout", message=error), trial=trial)


exact = metric("exact_match")


class TestOwnValues:
    def test_the_score_is_their_mean(self) -> None:
        score = Score.of([1.0, 0.0, None, 0.5], ids=["a", "b", "c", "d"], name="tone")
        assert (score.name, score.value, score.n, score.unscored) == ("tone", 0.5, 3, 1)
        assert score.ids == ("a", "b", "c", "d")
        assert score.per_case == (1.0, 0.0, None, 0.5)
        assert score.reasons == {"c": "input: no value"}
        assert score.why == ("", "", "input: no value", "")
        assert (score.scale, score.higher_is_better) == ((0.0, 1.0), True)

    def test_the_signature_says_what_the_number_is(self) -> None:
        score = Score.of([3.0], name="cost", scale=(0, math.inf), higher_is_better=False)
        assert score.signature == "cost|scale:0-inf|better:lower"
        assert repr(score) == "<cost = 3.000 (n=1, scale 0-inf, lower is better)>"

    def test_numbers_of_every_kind(self) -> None:
        import numpy as np

        assert Score.of([True, 0, np.float32(0.5), np.int64(1)]).value == 0.625

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({"values": [0.5], "ids": ["a", "b"]}, "tone: 1 values but 2 ids; give one for each"),
            ({"values": [0.5], "clusters": []}, "tone: 1 values but 0 clusters; give one for each"),
            ({"values": [0.5, 1], "ids": ["a", "a"]}, "tone: an id occurs twice; rows join by id"),
            ({"values": [0.5, math.nan]}, "tone: 1 has the value nan, which is not on the scale 0 to 1"),
            ({"values": [math.inf], "scale": (0, math.inf)}, "tone: 0 has the value inf, which is not on the scale"),
            ({"values": [1.5], "ids": ["c7"]}, "tone: c7 has the value 1.5, which is not on the scale 0 to 1"),
            ({"values": [-0.1]}, "tone: 0 has the value -0.1, which is not on the scale 0 to 1"),
            ({"values": ["0.5"]}, "tone: 0 has the value '0.5', which is not on the scale 0 to 1"),
            ({"values": [[0.5]]}, "tone: 0 has the value [0.5], which is not on the scale 0 to 1"),
        ],
    )
    def test_what_is_wrong_is_named(self, arguments: dict[str, Any], said: str) -> None:
        with pytest.raises(MetricError) as caught:
            Score.of(name="tone", **arguments)
        assert str(caught.value).startswith(said)

    def test_there_is_no_evidence_in_values(self) -> None:
        with pytest.raises(MetricError, match="tone was made from values and has no evidence to show"):
            Score.of([0.5], name="tone").explain(0)

    def test_an_attribute_that_it_lacks(self) -> None:
        with pytest.raises(AttributeError, match="tone has no 'precision'"):
            Score.of([0.5], name="tone").precision  # noqa: B018


class TestOfResponses:
    def test_a_failed_trial_stays_in_the_count_and_says_why(self) -> None:
        score = exact([answered("a"), answered("b", "no"), answered("c", error="no answer within 2 s")])
        assert (score.value, score.n, score.unscored) == (0.5, 2, 1)
        assert score.per_case == (1.0, 0.0, None)
        assert score.reasons == {"c": "timeout: no answer within 2 s"}

    def test_the_signature_names_the_data(self) -> None:
        assert exact([answered("a")]).signature == "exact_match|data:dddddddddddd"

    def test_evidence_shows_the_worst_cases_first_and_five_at_most(self) -> None:
        texts = ["yes", "no", "yes", "never", "nope", "yes", "not", "nah"]
        evidence = exact([answered(f"c{i}", text) for i, text in enumerate(texts)]).evidence()
        assert [(case.id, case.text) for case in evidence.worst] == [
            ("c1", "no"), ("c3", "never"), ("c4", "nope"), ("c6", "not"), ("c7", "nah"),
        ]  # fmt: skip

    def test_evidence_turns_round_where_lower_is_better(self) -> None:
        worst = Score.of([1.0, 9.0, 4.0], scale=(0, 10), higher_is_better=False).evidence().worst
        assert [case.value for case in worst] == [9.0, 4.0, 1.0]

    def test_every_unscored_trial_of_a_case_is_in_the_evidence(self) -> None:
        score = exact([answered("a", error="one"), answered("a", index=2, error="two")])
        assert [case.reason for case in score.evidence().missing] == ["timeout: one", "timeout: two"]
        assert score.unscored == 2

    def test_explain_refuses_an_unscored_case(self) -> None:
        with pytest.raises(MetricError, match="a is unscored: down"):
            exact([answered("a", error="down")]).explain(0)

    def test_explain_gives_the_metric_s_evidence(self) -> None:
        score = metric("groundedness")(["The sky is green."], contexts=[["The sky is blue."]])
        found = score.explain(0)
        assert [span.text for span in found.unsupported] == ["green"]
        assert found.score == pytest.approx(score.value)


class TestSlices:
    responses = [  # noqa: RUF012 - never changed
        answered("a", slices={"lang": "de", "kind": "long"}),
        answered("b", "no", slices={"lang": "de"}),
        answered("c", slices={"lang": "en"}),
        answered("d"),
    ]

    def test_by_tag_and_value(self) -> None:
        slices = exact(self.responses).slices()
        assert {name: (score.value, score.n) for name, score in slices.items()} == {
            "kind=long": (1.0, 1), "lang=de": (0.5, 2), "lang=en": (1.0, 1),
        }  # fmt: skip

    def test_a_slice_is_a_score_like_any_other(self) -> None:
        german = exact(self.responses).slices()["lang=de"]
        assert german.ids == ("a", "b")
        assert german.per_case == (1.0, 0.0)
        assert german >= 0.5
        assert not german >= 0.6

    def test_of_a_corpus_metric_are_scored_anew_from_their_own_cases(self) -> None:
        import sacrebleu

        texts = ["the cat sat on the mat today", "a dog barked at the moon", "the bird sang"]
        references = ["the cat sat on a mat today", "a dog barked at the sun", "the bird sang"]
        responses = [
            Response(
                text=text,
                trial=Trial(case=Case(id=str(i), references=(ref,), slices={"odd": str(i % 2)}), variant="v"),
            )
            for i, (text, ref) in enumerate(zip(texts, references, strict=True))
        ]
        found = metric("bleu")(responses).slices()["odd=0"]
        assert found.value == sacrebleu.corpus_bleu(texts[::2], [references[::2]]).score

    def test_cases_without_tags_have_none(self) -> None:
        assert exact([answered("a")]).slices() == {}
        assert Score.of([0.5]).slices() == {}


class TestIntervals:
    @pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.999])
    def test_contain_the_value_and_stay_on_the_scale(self, confidence: float) -> None:
        generator = random.Random(4)
        for _ in range(20):
            score = Score.of([generator.random() for _ in range(generator.randint(2, 40))])
            low, high = score.interval(confidence)
            assert score.value is not None
            assert 0.0 <= low <= score.value <= high <= 1.0

    def test_of_a_corpus_metric(self) -> None:
        words = ["the cat sat on the mat", "a dog barked at night", "birds sing in the early morning"] * 4
        score = metric("bleu")([w.replace("the", "a") for w in words], words)
        low, high = score.interval()
        assert score.value is not None
        assert 0 <= low <= score.value <= high <= 100

    def test_widen_with_confidence(self) -> None:
        score = Score.of([0.1, 0.4, 0.5, 0.9, 0.3])
        (low, high), (lower, higher) = score.interval(0.8), score.interval(0.99)
        assert lower < low < high < higher

    def test_of_a_rate_is_clopper_and_pearson_s(self) -> None:
        # statsmodels 0.15.0: stats.proportion.proportion_confint(8, 10, method="beta")
        assert Score.of([1.0] * 8 + [0.0] * 2).interval() == pytest.approx((0.44390, 0.97479), abs=1e-5)

    @pytest.mark.parametrize("confidence", [0.0, 1.0, 95, -0.5])
    def test_refuse_a_confidence_that_is_none(self, confidence: float) -> None:
        with pytest.raises(MetricError, match="must lie between 0 and 1"):
            Score.of([0.5, 0.6]).interval(confidence)

    def test_of_nothing_are_refused(self) -> None:
        with pytest.raises(MetricError):
            Score.of([None]).interval()


def noise(count: int, shift: float, seed: int) -> tuple[list[float], list[float]]:
    generator = random.Random(seed)
    before = [generator.uniform(0.2, 0.8) for _ in range(count)]
    return before, [min(1.0, max(0.0, value + shift + generator.gauss(0, 0.02))) for value in before]


class TestVerdicts:
    def test_one_sample(self) -> None:
        score = Score.of([0.7, 0.8, 0.75, 0.72, 0.78, 0.74, 0.76, 0.73, 0.77, 0.79])
        assert score.at_least(0.5)
        assert score.at_least(0.95).outcome == "failed"
        assert score.at_least(score.value or 0).outcome == "undecided"
        assert score.at_most(0.9).outcome == "passed"
        assert score.within(0.6, 0.9).outcome == "passed"
        assert score.within(0.0, 0.5).outcome == "failed"

    def test_unscored_cases_never_pass(self) -> None:
        score = Score.of([0.7, 0.8, 0.75, None])
        verdict = score.at_least(0.5)
        assert not verdict
        assert (verdict.outcome, verdict.n, verdict.unscored) == ("undecided", 3, 1)
        assert "1 of 4 cases unscored" in verdict.reason

    def test_a_comparison_counts_a_case_once_whichever_side_lacks_it(self) -> None:
        baseline = Score.of([None, None, 0.4, 0.6, 0.5, 0.7], name="tone")
        candidate = Score.of([None, 0.5, None, 0.6, 0.4, 0.7], name="tone")
        verdict = candidate.not_worse_than(baseline, margin=0.2)
        assert (verdict.n, verdict.unscored) == (3, 3)
        assert verdict.reason.startswith("3 of 6 cases unscored")
        assert baseline.not_worse_than(baseline, margin=0.2).reason.startswith("2 of 6 cases unscored")

    def test_a_comparison_counts_trials_of_clustered_cases(self) -> None:
        groups = ["a", "a", "b", "b", "c", "c"]
        baseline = Score.of([None, 0.2, 0.4, 0.6, 0.5, 0.7], clusters=groups, name="tone")
        candidate = Score.of([0.1, 0.5, 0.3, 0.6, 0.4, 0.7], clusters=groups, name="tone")
        verdict = candidate.not_worse_than(baseline, margin=0.2)
        assert (verdict.n, verdict.unscored) == (5, 1)

    def test_paired(self) -> None:
        before, after = noise(80, -0.1, 1)
        baseline, candidate = Score.of(before, name="tone"), Score.of(after, name="tone")
        assert candidate.not_worse_than(baseline, margin=0.2)
        assert candidate.not_worse_than(baseline, margin=0.05).outcome == "failed"
        assert baseline.better_than(candidate)
        assert candidate.better_than(baseline).outcome == "failed"

    def test_rows_join_by_id_and_not_by_position(self) -> None:
        before, after = noise(40, 0.0, 2)
        ids = [f"c{i}" for i in range(40)]
        baseline = Score.of(before, ids=ids, name="tone")
        order = random.Random(3).sample(range(40), 40)
        straight = Score.of(after, ids=ids, name="tone").not_worse_than(baseline, margin=0.02)
        shuffled = Score.of([after[i] for i in order], ids=[ids[i] for i in order], name="tone")
        verdict = shuffled.not_worse_than(baseline, margin=0.02)
        assert straight.outcome == verdict.outcome == "passed"
        assert verdict.value == pytest.approx(straight.value, abs=1e-12)
        assert verdict.interval == pytest.approx(straight.interval, abs=1e-12)
        assert verdict.n == 40

    def test_values_by_position_would_have_decided_otherwise(self) -> None:
        before, after = noise(40, 0.0, 2)
        apart = Score.of(after[::-1], name="tone").not_worse_than(Score.of(before, name="tone"), margin=0.02)
        assert apart.outcome == "undecided"

    def test_different_cases_are_refused(self) -> None:
        a = Score.of([0.5, 0.6], ids=["a", "b"], name="tone")
        b = Score.of([0.5, 0.6], ids=["a", "c"], name="tone")
        with pytest.raises(MetricError, match=r"tone: the two scores share 1 of 3 cases \(such as 'b'"):
            a.not_worse_than(b, margin=0.1)

    def test_different_numbers_of_trials_are_refused(self) -> None:
        once = [answered("a"), answered("b")]
        twice = [*once, answered("a", index=2), answered("b", index=2)]
        with pytest.raises(MetricError, match="the two scores share 2 of 4 cases"):
            exact(twice).not_worse_than(once, margin=0.1)

    def test_cases_unscored_on_one_side_are_no_pass(self) -> None:
        a = Score.of([0.5, 0.6, 0.7, None], name="tone")
        b = Score.of([0.5, 0.6, 0.7, 0.8], name="tone")
        for verdict in (a.not_worse_than(b, margin=0.5), b.not_worse_than(a, margin=0.5)):
            assert (verdict.outcome, verdict.n, verdict.unscored) == ("undecided", 3, 1)

    def test_nothing_scored_on_both_sides_is_undecided(self) -> None:
        a = Score.of([0.5, None], name="tone")
        b = Score.of([None, 0.5], name="tone")
        verdict = a.not_worse_than(b, margin=0.5)
        assert (verdict.outcome, verdict.value, verdict.n) == ("undecided", None, 0)

    def test_a_baseline_s_responses_are_scored_under_the_same_metric(self) -> None:
        mine = [answered(f"c{i}", "yes" if i % 4 else "no") for i in range(40)]
        theirs = [answered(f"c{i}", "yes" if i % 2 else "no", variant="v0") for i in range(40)]
        verdict = exact(mine).not_worse_than(theirs, margin=0.1)
        assert verdict.outcome == "passed"
        assert verdict.value == pytest.approx(0.25)

    def test_a_member_of_a_group_compares_with_that_member(self) -> None:
        mine = [answered(f"c{i}", "yes it is", variant="v1") for i in range(12)]
        theirs = [answered(f"c{i}", "yes", variant="v0") for i in range(12)]
        rouge = metric("rouge")
        assert rouge(mine).rougeL.precision.difference(rouge(theirs).rougeL.precision).value == pytest.approx(-2 / 3)
        assert rouge(mine).rougeL.precision.not_worse_than(theirs, margin=0.1).value == pytest.approx(-2 / 3)

    def test_a_variant_is_not_worse_than_itself_however_few_the_cases(self) -> None:
        responses = [answered("a"), answered("b", "no")]
        verdict = exact(responses).not_worse_than(responses, margin=0.001)
        assert (verdict.outcome, verdict.value, verdict.interval) == ("passed", 0.0, (0.0, 0.0))

    def test_other_signatures_are_refused(self) -> None:
        with pytest.raises(MetricError, match="one has tone, the other style"):
            Score.of([0.5], name="tone").not_worse_than(Score.of([0.5], name="style"), margin=0.1)

    def test_values_cannot_score_responses(self) -> None:
        with pytest.raises(MetricError, match="tone was made from values: compare it with another Score"):
            Score.of([0.5], name="tone").not_worse_than([answered("a")], margin=0.1)

    def test_a_negative_margin_is_refused(self) -> None:
        score = Score.of([0.5, 0.6], name="tone")
        with pytest.raises(MetricError, match=r"margin is -0\.1"):
            score.not_worse_than(Score.of([0.4, 0.6], name="tone"), margin=-0.1)


class TestClusters:
    def test_trials_of_one_case_are_no_independent_evidence(self) -> None:
        """Ten cases, ten equal trials each: as uncertain as the ten cases, not as a hundred."""
        outcome = ["yes", "no"] * 5
        once = exact([answered(f"c{i}", text) for i, text in enumerate(outcome)])
        often = exact([answered(f"c{i}", text, index=k) for i, text in enumerate(outcome) for k in range(1, 11)])
        naive = Score.of([float(text == "yes") for text in outcome for _ in range(10)])

        def width(score: Score) -> float:
            low, high = score.interval()
            return high - low

        assert often.value == once.value == naive.value == 0.5
        assert width(often) == pytest.approx(width(once), rel=0.35)
        assert width(often) > 2 * width(naive)

    def test_cases_of_one_document_stand_together(self) -> None:
        alone = exact([answered(f"c{i}", "yes" if i < 20 else "no") for i in range(40)])
        grouped = exact([answered(f"c{i}", "yes" if i < 20 else "no", cluster=f"doc{i // 10}") for i in range(40)])
        (low, high), (wide_low, wide_high) = alone.interval(), grouped.interval()
        assert wide_high - wide_low > 2 * (high - low)

    def test_clusters_of_one_s_own(self) -> None:
        values = [0.9, 0.9, 0.1, 0.1, 0.8, 0.8]
        plain, grouped = Score.of(values), Score.of(values, clusters=["a", "a", "b", "b", "c", "c"])
        assert grouped.interval()[0] < plain.interval()[0]


class TestUndefined:
    """A metric that is undefined on all of its cases, such as a correlation with a constant."""

    def test_is_undecided_and_has_no_interval(self) -> None:
        classes = metric("classification")(["a", "a", "a"], ["a", "a", "a"])
        assert classes.mcc.value is None
        assert classes.mcc.unscored == 3
        verdict = classes.mcc.at_least(0.5)
        assert (verdict.outcome, verdict.n) == ("undecided", 0)
        with pytest.raises(MetricError, match="mcc is undefined on these cases"):
            classes.mcc.interval()

    def test_cannot_be_compared(self) -> None:
        constant = metric("classification")(["a"] * 4, ["a", "b", "a", "b"])
        varied = metric("classification")(["a", "b", "a", "a"], ["a", "b", "a", "b"])
        for one, other in ((constant, varied), (varied, constant)):
            assert one.mcc.not_worse_than(other.mcc, margin=0.1).outcome == "undecided"
            assert one.mcc.difference(other.mcc) is None
