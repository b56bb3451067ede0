"""All variants, metrics and slices beside each other: `compare()` and `ranking()` of an evaluation."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest

from pytest_genaiops import Evaluation, Score, evaluate, metric
from pytest_genaiops.comparison import Changes, compare, rank
from pytest_genaiops.errors import MetricError, UsageError, VariantError
from pytest_genaiops.statistics import holm
from pytest_genaiops.statistics.multiplicity import benjamini_hochberg

SKILL = {"weak": 0.3, "fair": 0.79, "good": 0.8, "best": 1.0}
WORDS = ["the", "tram", "to", "the", "harbour", "leaves", "at", "nine", "from", "the", "old", "town", "hall"]


def spoken(chance: float, draw: random.Random) -> str:
    """The reference with each word right by this chance."""
    return " ".join(word if draw.random() < chance else "uh" for word in WORDS)


def rows(cases: int = 40, **changes: Any) -> list[dict[str, Any]]:
    """Answers of four systems that differ in skill, in two slices; ``changes`` replaces single answers."""
    draw = random.Random(7)
    found = []
    for i in range(cases):
        answers = {name: spoken(chance, draw) for name, chance in SKILL.items()}
        found.append({"id": f"c{i}", "reference": " ".join(WORDS), "slice_half": "ab"[i % 2], "responses": answers})
    for place, answer in changes.items():
        name, case = place.rsplit("_", 1)
        found[int(case)]["responses"][name] = answer
    return found


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(rows(), metrics=["bleu", "ter", "token_f1"])


class TestCompare:
    def test_every_pair_under_every_metric_in_every_slice(self, evaluation: Evaluation) -> None:
        found = evaluation.compare()
        assert len(found) == 6 * 3 * 3
        assert {(row.metric, row.slice) for row in found} == {
            (name, part) for name in ("bleu", "ter", "token_f1") for part in ("", "half=a", "half=b")
        }
        pairs = [(row.candidate_id, row.baseline_id) for row in found if (row.metric, row.slice) == ("bleu", "")]
        assert pairs == [(later, earlier) for earlier, later in combinations(SKILL, 2)]
        assert {(row.n, row.unscored) for row in found if row.slice} == {(20, 0)}

    def test_a_row_is_what_the_two_scores_say(self, evaluation: Evaluation) -> None:
        row = next(row for row in evaluation.compare() if (row.metric, row.candidate_id) == ("token_f1", "best"))
        best, weak = evaluation.score("token_f1", "best"), evaluation.score("token_f1", "weak")
        assert isinstance(best, Score)
        assert isinstance(weak, Score)
        difference = best.difference(weak)
        assert difference is not None
        assert (row.baseline_id, row.slice, row.n, row.unscored, row.reason) == ("weak", "", 40, 0, "")
        assert (row.candidate, row.baseline) == (best.value, weak.value)
        assert (row.change, row.interval, row.p_value) == (
            difference.value, difference.interval, difference.p_value,
        )  # fmt: skip

    def test_a_corpus_score_changes_by_what_a_single_comparison_says(self, evaluation: Evaluation) -> None:
        row = next(row for row in evaluation.compare() if row.metric == "bleu" and row.candidate_id == "good")
        good, weak = evaluation.score("bleu", "good"), evaluation.score("bleu", "weak")
        assert isinstance(good, Score)
        assert isinstance(weak, Score)
        difference = good.difference(weak)
        assert difference is not None
        assert row.change == pytest.approx(difference.value)
        assert row.p_value is not None
        assert row.p_value < 0.01

    @pytest.mark.parametrize(("name", "adjust"), [("holm", holm), ("bh", benjamini_hochberg)])
    def test_p_values_are_adjusted_over_the_whole_table(self, name: str, adjust: Any, evaluation: Evaluation) -> None:
        found = evaluation.compare(adjust=name)
        adjusted = adjust([row.p_value for row in found if row.p_value is not None])
        assert [row.adjusted_p_value for row in found] == list(adjusted)

    def test_one_baseline_for_every_other_variant(self, evaluation: Evaluation) -> None:
        found = evaluation.compare(baseline="fair", slices=False)
        assert {row.baseline_id for row in found} == {"fair"}
        assert [row.candidate_id for row in found if row.metric == "bleu"] == ["weak", "good", "best"]
        assert {row.slice for row in found} == {""}

    def test_two_named_variants_are_compared_over_all_cases(self, evaluation: Evaluation) -> None:
        found = evaluation.compare("good", "fair")
        assert [(row.metric, row.slice) for row in found] == [("bleu", ""), ("ter", ""), ("token_f1", "")]
        assert len(evaluation.compare("good", "fair", slices=True)) == 9

    def test_two_named_variants_change_by_the_same_as_in_the_whole_table(self, evaluation: Evaluation) -> None:
        (alone,) = (row for row in evaluation.compare("good", "fair") if row.metric == "bleu")
        (among,) = (
            row
            for row in evaluation.compare(slices=False)
            if (row.metric, row.candidate_id, row.baseline_id) == ("bleu", "good", "fair")
        )
        assert (alone.change, alone.interval, alone.p_value) == (among.change, among.interval, among.p_value)

    def test_a_confidence_of_one_s_own(self, evaluation: Evaluation) -> None:
        wide, narrow = (evaluation.compare("good", "fair", confidence=c)[2].interval for c in (0.99, 0.8))
        assert wide is not None
        assert narrow is not None
        assert wide[0] < narrow[0] < narrow[1] < wide[1]

    def test_a_frame_has_a_row_each(self, evaluation: Evaluation) -> None:
        frame = evaluation.compare().frame()
        assert list(frame.columns) == [
            "metric", "slice", "candidate_id", "baseline_id", "candidate", "baseline", "change", "low", "high",
            "p_value", "adjusted_p_value", "n", "unscored", "reason",
        ]  # fmt: skip
        assert len(frame) == 54
        assert (frame.low <= frame.change).all()
        assert (frame.change <= frame.high).all()


class TestGaps:
    def test_pairs_are_compared_on_the_cases_that_both_scored(self) -> None:
        found = evaluate(rows(good_3=None, best_4=None), metrics=["bleu"]).compare(slices=False)
        counts = {(row.candidate_id, row.baseline_id): (row.n, row.unscored) for row in found}
        assert counts == {
            ("fair", "weak"): (40, 0), ("good", "weak"): (39, 1), ("best", "weak"): (39, 1),
            ("good", "fair"): (39, 1), ("best", "fair"): (39, 1), ("best", "good"): (38, 2),
        }  # fmt: skip

    def test_a_gap_changes_the_pairs_of_one_variant_only(self) -> None:
        """And these by the case that is left out, not by the resamples of the others."""
        whole = {(r.candidate_id, r.baseline_id): r for r in evaluate(rows(), metrics=["bleu"]).compare(slices=False)}
        gap = {
            (r.candidate_id, r.baseline_id): r
            for r in evaluate(rows(weak_3=None), metrics=["bleu"]).compare(slices=False)
        }
        for pair in combinations(["best", "good", "fair"], 2):
            assert gap[pair].p_value == whole[pair].p_value
        single = evaluate(rows(weak_3=None), metrics=["bleu"]).compare("good", "weak")[0]
        assert (gap["good", "weak"].change, gap["good", "weak"].p_value) == (single.change, single.p_value)

    def test_a_variant_without_any_score_keeps_its_rows_and_harms_no_other(self) -> None:
        nothing = {f"weak_{i}": None for i in range(40)}
        found = evaluate(rows(**nothing), metrics=["bleu", "token_f1"]).compare(slices=False)
        assert len(found) == 12
        lost = [row for row in found if "weak" in (row.candidate_id, row.baseline_id)]
        assert len(lost) == 6
        for row in lost:
            assert (row.change, row.interval, row.p_value, row.adjusted_p_value) == (None,) * 4
            assert (row.n, row.unscored) == (0, 40)
            assert row.reason.startswith("nothing of weak is scored: missing: rows:1 records null for system 'weak'")
        whole = evaluate(rows(), metrics=["bleu", "token_f1"]).compare(slices=False)
        kept = {(r.metric, r.candidate_id, r.baseline_id): r.p_value for r in whole}
        assert all(kept[r.metric, r.candidate_id, r.baseline_id] == r.p_value for r in found if r not in lost)

    def test_nothing_in_common(self) -> None:
        apart = {f"weak_{i}": None for i in range(20)} | {f"fair_{i}": None for i in range(20, 40)}
        found = evaluate(rows(**apart), metrics=["bleu"]).compare(slices=False)
        first = next(row for row in found if (row.candidate_id, row.baseline_id) == ("fair", "weak"))
        assert (first.reason, first.n, first.unscored) == ("no case is scored on both sides", 0, 40)
        assert first.candidate is not None
        assert all(row.reason == "" for row in found if row is not first)

    def test_a_score_that_only_one_variant_has(self) -> None:
        labelled = [
            {"id": str(i), "label": label, "responses": {"v1": label, "v2": "maybe" if i == 0 else label}}
            for i, label in enumerate(["ham", "spam"] * 4)
        ]
        found = evaluate(labelled, metrics=[metric("classification", average=None)]).compare()
        row = next(row for row in found if row.metric == "recall[maybe]")
        assert (row.reason, row.baseline, row.candidate) == ("v1 has no recall[maybe]", None, 0.0)
        assert (row.n, row.unscored) == (0, 8)

    def test_a_score_that_the_shared_cases_do_not_define(self) -> None:
        """Of the cases that both scored, one is left, and its class is not that of the score."""
        labelled = [
            {"id": "a", "label": "ham", "responses": {"v1": "ham", "v2": "ham"}},
            {"id": "b", "label": "spam", "responses": {"v1": "spam", "v2": None}},
            {"id": "c", "label": "spam", "responses": {"v1": None, "v2": "spam"}},
        ]
        found = evaluate(labelled, metrics=[metric("classification", average=None)]).compare()
        row = next(row for row in found if row.metric == "recall[spam]")
        assert row.reason == "recall[spam] is undefined on the cases that both sides scored (n = 1)"
        assert row.change is None

    def test_gaps_in_a_frame_are_nan(self) -> None:
        nothing = {f"{name}_{i}": None for i in range(40) for name in ("weak", "fair")}
        frame = evaluate(rows(**nothing), metrics=["bleu"]).compare(baseline="weak", slices=False).frame()
        assert str(frame.change.dtype) == str(frame.adjusted_p_value.dtype) == "float64"
        assert math.isnan(frame.change[0])


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "error", "said"),
        [
            ({"candidate": "best"}, UsageError, "compare('best') names no baseline"),
            ({"candidate": "bst", "baseline": "weak"}, VariantError, "'bst' was not evaluated; did you mean 'best'?"),
            ({"baseline": "wek"}, VariantError, "'wek' was not evaluated; did you mean 'weak'?"),
            ({"adjust": "bonferroni"}, MetricError, "no adjustment of p-values is called 'bonferroni'"),
            ({"confidence": 1}, MetricError, "confidence is 1; it must lie between 0 and 1"),
            ({"confidence": 0}, MetricError, "confidence is 0; it must lie between 0 and 1"),
        ],
    )
    def test_what_makes_no_sense(
        self, arguments: Mapping[str, Any], error: type[Exception], said: str, evaluation: Evaluation
    ) -> None:
        with pytest.raises(error) as caught:
            evaluation.compare(**arguments)
        assert str(caught.value).startswith(said)

    def test_a_single_variant(self) -> None:
        lonely = evaluate([{"id": "a", "reference": "x", "responses": {"v1": "x"}}], metrics=["bleu"])
        with pytest.raises(UsageError, match="'v1' is the only variant; a comparison needs two"):
            lonely.compare()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("blue",), "'blue' was not evaluated; did you mean 'bleu'?"),
            (("bleu", "half=c"), "there is no slice 'half=c'; did you mean 'half="),
        ],
    )
    def test_no_such_score_or_slice(self, arguments: tuple[str, ...], said: str, evaluation: Evaluation) -> None:
        with pytest.raises(MetricError) as caught:
            evaluation.ranking(*arguments)
        assert str(caught.value).startswith(said)

    def test_a_slice_of_cases_without_tags(self) -> None:
        plain = evaluate([{"id": "a", "reference": "x", "responses": {"v1": "x"}}], metrics=["bleu"])
        with pytest.raises(MetricError, match="there is no slice 'half=a'; no case carries a slice tag"):
            plain.ranking("bleu", "half=a")

    @pytest.mark.parametrize("setting", [{"confidence": 0}, {"adjust": "none"}])
    def test_settings_of_a_ranking(self, setting: dict[str, Any], evaluation: Evaluation) -> None:
        with pytest.raises(MetricError):
            evaluation.ranking("bleu", **setting)


class TestRanking:
    @pytest.mark.parametrize("name", ["bleu", "ter", "token_f1"])
    def test_the_best_first_whatever_the_direction(self, name: str, evaluation: Evaluation) -> None:
        found = evaluation.ranking(name)
        order = [each.variant for each in found.standings]
        assert order[0] == "best"
        assert order[-1] == "weak"
        assert found.higher_is_better is (name != "ter")
        assert (found.standings[0].first, found.standings[0].last, found.standings[0].letters) == (1, 1, "a")
        assert (found.standings[-1].first, found.standings[-1].last) == (4, 4)

    def test_what_comparisons_do_not_separate_is_tied(self, evaluation: Evaluation) -> None:
        found = {each.variant: each for each in evaluation.ranking("bleu", "half=a").standings}
        assert found["fair"].letters == found["good"].letters == "b"
        assert (found["fair"].first, found["fair"].last) == (found["good"].first, found["good"].last) == (2, 3)
        assert {each.n for each in found.values()} == {20}

    def test_letters_say_what_the_adjusted_comparisons_say(self, evaluation: Evaluation) -> None:
        """Over the pairs of this ranking alone."""
        found = {each.variant: each for each in evaluation.ranking("token_f1").standings}
        alone = evaluate(rows(), metrics=["token_f1"])
        for row in alone.compare(slices=False):
            assert row.adjusted_p_value is not None
            shared = set(found[row.candidate_id].letters) & set(found[row.baseline_id].letters)
            assert bool(shared) is (row.adjusted_p_value > 0.05)

    def test_ties_that_agree_with_a_larger_table(self, evaluation: Evaluation) -> None:
        """Adjusted over 54 rows instead of 6, what was separated just so is tied."""
        table = evaluation.compare()
        found = evaluation.ranking("ter", "half=b", changes=table)
        assert (found.comparisons, evaluation.ranking("ter", "half=b").comparisons) == (54, 6)
        shared = {each.variant: set(each.letters) for each in found.standings}
        for row in table:
            if (row.metric, row.slice) == ("ter", "half=b"):
                assert row.adjusted_p_value is not None
                assert bool(shared[row.candidate_id] & shared[row.baseline_id]) is (row.adjusted_p_value > 0.05)

    def test_a_table_without_all_pairs_tells_no_ties(self, evaluation: Evaluation) -> None:
        table = evaluation.compare(baseline="fair", slices=False)
        with pytest.raises(MetricError, match=r"the changes lack '\w+' and '\w+' under ter; compare all pairs"):
            evaluation.ranking("ter", changes=table)

    def test_values_and_intervals_are_those_of_the_scores(self, evaluation: Evaluation) -> None:
        for each in evaluation.ranking("bleu", confidence=0.9).standings:
            score = evaluation.score("bleu", each.variant)
            assert isinstance(score, Score)
            assert (each.value, each.interval) == (score.value, score.interval(0.9))

    def test_members_of_a_group_are_ranked_by_their_own_name(self) -> None:
        evaluation = evaluate(rows(10), metrics=["rouge"])
        assert evaluation.ranking("rougeL").standings[0].variant == "best"
        with pytest.raises(MetricError, match="'rouge' is a group of scores; rank by one of them: rouge1, rouge2,"):
            evaluation.ranking("rouge")

    def test_a_variant_without_a_score_is_not_ranked_and_says_why(self) -> None:
        nothing = {f"weak_{i}": None for i in range(40)}
        found = evaluate(rows(**nothing), metrics=["bleu"]).ranking("bleu")
        assert sorted(each.variant for each in found.standings) == ["best", "fair", "good"]
        assert list(found.unranked) == ["weak"]
        assert found.unranked["weak"].startswith("nothing of weak is scored: missing: ")

    def test_one_variant_is_first(self) -> None:
        lonely = evaluate([{"id": "a", "reference": "x y", "responses": {"v1": "x y"}}], metrics=["token_f1"])
        (only,) = lonely.ranking("token_f1").standings
        assert (only.first, only.last, only.letters) == (1, 1, "a")

    def test_nobody_to_rank(self) -> None:
        lonely = evaluate([{"id": "a", "reference": "x", "responses": {"v1": None}}], metrics=["token_f1"])
        found = lonely.ranking("token_f1")
        assert (found.standings, list(found.unranked)) == ((), ["v1"])
        assert "v1 is not ranked" in str(found)

    def test_equal_systems_share_every_rank(self) -> None:
        same = [
            {"id": str(i), "reference": "x y z", "responses": dict.fromkeys(["v1", "v2", "v3"], f"x {i}")}
            for i in range(25)
        ]
        found = evaluate(same, metrics=["token_f1", "chrf"])
        for name in ("token_f1", "chrf"):
            standings = found.ranking(name).standings
            assert {(each.first, each.last, each.letters) for each in standings} == {(1, 3, "a")}
            assert [each.variant for each in standings] == ["v1", "v2", "v3"]

    def test_as_text_and_as_a_frame(self, evaluation: Evaluation) -> None:
        found = evaluation.ranking("bleu")
        assert str(found).splitlines()[0] == "bleu ↑"
        assert max(map(len, str(found).splitlines())) <= 80
        frame = found.frame()
        assert list(frame.columns) == ["variant", "value", "low", "high", "first", "last", "letters", "n", "unscored"]
        assert list(frame.variant) == [each.variant for each in found.standings]


class TestScoresOfOnesOwn:
    """The functions behind the methods, for scores from anywhere."""

    def test_clusters_are_the_units(self) -> None:
        draw = random.Random(3)
        values = [draw.random() for _ in range(20)]
        other = [value * 0.95 for value in values]
        key = ("tone", "")

        def p_value(times: int) -> float | None:
            clusters = [str(i) for i in range(20) for _ in range(times)]
            scores = {
                name: {key: Score.of([v for v in side for _ in range(times)], clusters=clusters)}
                for name, side in (("v1", values), ("v2", other))
            }
            return compare(scores, [("v2", "v1")], confidence=0.95, adjust="holm")[0].p_value

        assert p_value(5) == pytest.approx(p_value(1))

    def test_no_rows_at_all(self) -> None:
        assert compare({"v1": {}, "v2": {}}, [("v2", "v1")], confidence=0.95, adjust="holm") == Changes()

    def test_unscored_values_are_left_out_of_both_sides(self) -> None:
        one = Score.of([0.1, 0.2, None, 0.4], name="tone")
        two = Score.of([0.2, None, 0.9, 0.5], name="tone")
        (row,) = compare({"v1": {("tone", ""): one}, "v2": {("tone", ""): two}}, [("v2", "v1")], confidence=0.95,
                         adjust="holm")  # fmt: skip
        assert (row.n, row.unscored) == (2, 2)
        assert row.change == pytest.approx(0.1)
        found = rank(("tone", ""), {"v1": one, "v2": two}, confidence=0.95, adjust="holm")
        assert [each.unscored for each in found.standings] == [1, 1]

    def test_it_is_the_adjusted_p_value_that_tells_apart(self) -> None:
        """McNemar's exact p of six against none is 2 / 2**6 = 0.031: 0.094 after Holm, 0.047 after BH."""
        sides = {"all": [1.0] * 20, "six less": [0.0] * 6 + [1.0] * 14, "the same six": [0.0] * 6 + [1.0] * 14}
        scores = {name: Score.of(values, name="hit") for name, values in sides.items()}
        by_holm, by_bh = (rank(("hit", ""), scores, confidence=0.95, adjust=name) for name in ("holm", "bh"))
        assert [each.letters for each in by_holm.standings] == ["a", "a", "a"]
        assert [each.letters for each in by_bh.standings] == ["a", "b", "b"]
        assert [(each.first, each.last) for each in by_bh.standings] == [(1, 1), (2, 3), (2, 3)]
